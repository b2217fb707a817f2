"""The people for whom an edit changes something that it does not change for everybody, and the roles that they may bring."""

from collections.abc import Collection, Iterable, Sequence

from rbac.comparison.comparison import Comparison
from rbac.comparison.sides import Masks
from rbac.space.callers import Caller
from rbac.space.residue import residue_key
from rbac.space.space import Space


def touched_people(
    comparison: Comparison, callers: Sequence[Caller], masks: Sequence[Masks]
) -> Sequence[int]:
    """The places of the people about whom a rule is changed that is not about everybody with a token; ``masks`` are the
    rules that match for each of ``callers``."""
    token = next(n for n, caller in enumerate(callers) if caller.kind == "token")
    common = masks[token]
    known: dict[object, bool] = {}
    found = []
    for number, caller in enumerate(callers):
        if caller.kind != "subject":
            continue
        own = (masks[number][0] & ~common[0], masks[number][1] & ~common[1])
        key = residue_key(own)
        if key not in known:
            known[key] = comparison.changed(own) != (0, 0)
        if known[key]:
            found.append(number)
    return found


def kinds_of_people(
    space: Space, callers: Sequence[Caller], numbers: Iterable[int]
) -> Collection[Sequence[int]]:
    """The people at these places, those together who are alike whatever role they bring."""
    alike: dict[object, list[int]] = {}
    sub = space.shape.sub
    for number in numbers:
        demands = space.demands({sub: callers[number].name} if sub else {})
        alike.setdefault(residue_key(demands), []).append(number)
    return alike.values()


def with_each_role(space: Space, callers: Sequence[Caller], person: Caller) -> list[Caller]:
    """The person with each role of ``callers`` in the token; nobody where a request has one word for both."""
    shape = space.shape
    if shape.sub is None or shape.sub == shape.role:
        return []
    return [
        Caller(
            "subject",
            person.name,
            f"{person.name} as {role.label}",
            {**role.words, shape.sub: person.name},
        )
        for role in callers
        if role.kind == "role"
    ]
