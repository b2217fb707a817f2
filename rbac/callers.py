"""Who can ask, and what for: the rows and columns of every overview of a policy."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final, Literal

from rbac.names import SUBJECT
from rbac.space import Space

NOBODY: Final = "nobody"
ANY_TOKEN: Final = "any valid token"  # noqa: S105 a label, no password

# More columns than this are no overview. Only a model with more than four words and no routes gets there.
MOST_ENDPOINTS: Final = 20_000

Kind = Literal["nobody", "token", "role", "subject"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks, and the words of a request that say so.

    A role is a caller with a valid token, that role, and a ``sub`` that no document names; a subject is a
    person whom a document names, with no role but those it links them to. ``label`` is ``name``, with the
    domain where the model has one.
    """

    kind: Kind
    name: str
    label: str
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An action on an object, and the words of a request that ask for it.

    ``obj`` is what to show: for a known route its template, while ``words`` hold a concrete path.
    """

    act: str
    obj: str
    words: Mapping[str, str]
    known: bool


def callers_of(space: Space, subjects: str = SUBJECT) -> tuple[Caller, ...]:
    """Nobody, any valid token, every role and every named subject, in this order."""
    names = [policy.names(subjects) for policy in space.policies]
    roles = sorted({role for found in names for role in found.roles})
    people = sorted({person for found in names for person in (*found.subjects, *found.singled_out)})
    role, sub = space.axes.role, space.axes.sub
    token = {} if sub is None else {sub: space.stranger(sub)}
    nobody, any_token = (_free(label, roles) for label in (NOBODY, ANY_TOKEN))
    found: list[Caller] = [Caller("nobody", nobody, nobody, dict.fromkeys(space.axes.caller, ""))]
    found += _tenants(space, "token", any_token, token)
    for name in roles:
        found += _tenants(space, "role", name, {**token, role: name})
    for name in people:
        found += _tenants(space, "subject", name, {sub or role: name})
    return tuple(found)


def _free(label: str, roles: Iterable[str]) -> str:
    """``label``, or in parentheses where a role has that very name."""
    return f"({label})" if label in roles else label


def _tenants(space: Space, kind: Kind, name: str, words: Mapping[str, str]) -> Iterator[Caller]:
    """The caller, once for each value of the words that the model ties to who asks, such as a domain."""
    group = next(words for words in space.tied if space.axes.role in words)
    ties = [word for word in group if word not in {*space.axes.caller, space.axes.obj, space.axes.act}]
    values = [
        [name for name in space.vocabularies[word].names if name not in {"", "*"}] or [""] for word in ties
    ]
    anyone = dict.fromkeys(space.axes.caller, "")
    for chosen in product(*values):
        label = ", ".join((name, *(f"{word} {value}" for word, value in zip(ties, chosen, strict=True))))
        yield Caller(kind, name, label, {**anyone, **words, **dict(zip(ties, chosen, strict=True))})


def endpoints_of(space: Space) -> tuple[Endpoint, ...]:
    """The known routes; without any, every action and object of the space that some rule is about."""
    if space.routes:
        return tuple(_route_endpoints(space))
    found = _tied_endpoints(space) if _tied_to_callers(space) else _rule_endpoints(space)
    return tuple(endpoint for endpoint, _ in zip(found, range(MOST_ENDPOINTS), strict=False))


def _route_endpoints(space: Space) -> Iterator[Endpoint]:
    obj, act = space.axes.obj, space.axes.act
    for route, path in space.samples.items():
        words = {**({act: route.act} if act else {}), **({obj: path} if obj else {})}
        yield Endpoint(route.act, route.obj, words, known=True)


def _rule_endpoints(space: Space) -> Iterator[Endpoint]:
    obj, act = space.axes.obj, space.axes.act
    groups = [space.group(words) for words in space.tied if space.axes.role not in words]
    everything = tuple(table.all for table in space.tables)

    def walk(depth: int, words: dict[str, str], masks: tuple[int, ...]) -> Iterator[Endpoint]:
        if depth == len(groups):
            shown_act, shown_obj = words.get(act or "", ""), words.get(obj or "", "")
            yield Endpoint(shown_act, shown_obj, words, known=False)
            return
        for member in groups[depth].members:
            left = tuple(mask & more for mask, more in zip(masks, member.masks, strict=True))
            if not space.tables or any(left):
                chosen = dict(zip(groups[depth].words, member.values, strict=True))
                yield from walk(depth + 1, {**words, **chosen}, left)

    # A policy without rules counts as one rule of empty columns. Where that opens nothing else, it is about no endpoint.
    if not space.tables or any(not table.empty or table.allows(0) for table in space.tables):
        yield from sorted(walk(0, {}, everything), key=lambda endpoint: (endpoint.obj, endpoint.act))


def _tied_to_callers(space: Space) -> tuple[str, ...]:
    """The words of an endpoint that the matcher ties to who asks (``... || r.sub == "root"``)."""
    group = next(words for words in space.tied if space.axes.role in words)
    return tuple(word for word in (space.axes.obj, space.axes.act) if word in group)


def _tied_endpoints(space: Space) -> Iterator[Endpoint]:
    """Where callers and endpoints cannot be looked at apart: every action on every object, if for some caller other
    rules match it than match an endpoint that nothing names."""
    axes = space.axes
    words = [word for word in (axes.obj, axes.act) if word is not None]
    values = [_askable_values(space, word) for word in words]
    unnamed = {word: space.stranger(word) for word in words}
    callers = [{**dict.fromkeys(space.words, ""), **caller.words, **unnamed} for caller in callers_of(space)]
    usual = [space.masks(caller) for caller in callers]
    for chosen in product(*values):
        asked = dict(zip(words, chosen, strict=True))
        if not usual[0] or any(
            space.masks({**caller, **asked}) != masks for caller, masks in zip(callers, usual, strict=True)
        ):
            yield Endpoint(asked.get(axes.act or "", ""), asked.get(axes.obj or "", ""), asked, known=False)


def _askable_values(space: Space, word: str) -> tuple[str, ...]:
    values = [value for value in space.vocabularies[word].values if value not in {"", "*"}]
    paths = [value for value in values if value.startswith("/")] if word == space.axes.obj else []
    return tuple(sorted(paths or values))
