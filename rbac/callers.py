"""Who can ask, and what for: the rows and columns of every overview of a policy."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from math import prod
from typing import Final, Literal

from rbac.errors import RequestError
from rbac.space import Space

NOBODY: Final = "nobody"
ANY_TOKEN: Final = "any valid token"  # noqa: S105 a label, no password

# More columns than this are no overview. Only a document without known routes gets there.
MOST_ENDPOINTS: Final = 20_000
# A caller has a row for every value that the document names, such as every domain, as long as there are no more.
MOST_NAMED: Final = 1_000

Kind = Literal["nobody", "token", "role", "subject"]
Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks, and the words of a request that say so.

    A role is a caller with a valid token, that role, and a ``sub`` that no document names; a subject is a
    person whom a document names, with no role but those it links them to. ``besides`` are those of ``words`` that the
    model ties to who asks, such as a domain; ``label`` is ``name``, with these where the model has any.
    """

    kind: Kind
    name: str
    label: str
    words: Words
    besides: Words = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An action on an object, and the words of a request that ask for it.

    ``obj`` is what to show: for a known route its template, while ``words`` hold a concrete path. ``besides`` are
    those of ``words`` that are neither action nor object; ``examples`` the words whose value stands for all that
    no rule names.
    """

    act: str
    obj: str
    words: Words
    known: bool
    besides: Words = field(default_factory=dict)
    examples: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """``GET /user``, and ``GET /user, dom acme`` where the model asks with more words."""
        return ", ".join((f"{self.act} {self.obj}".strip(), *(f"{w} {v}" for w, v in self.besides.items())))

    def also(self, besides: Words) -> "Endpoint":
        """The endpoint with more words besides."""
        if not besides:
            return self
        return Endpoint(
            self.act,
            self.obj,
            {**self.words, **besides},
            self.known,
            {**self.besides, **besides},
            self.examples,
        )


def callers_of(space: Space, subjects: str | None = None) -> tuple[Caller, ...]:
    """Nobody, any valid token, every role and every named subject, in this order."""
    names = [policy.names(subjects) for policy in space.policies]
    roles = sorted({role for found in names for role in found.roles})
    people = sorted({person for found in names for person in (*found.subjects, *found.singled_out)})
    role, sub = space.axes.role, space.axes.sub
    token = {} if sub is None or sub == role else {sub: space.stranger(sub)}
    nobody, any_token = (_free(label, roles) for label in (NOBODY, ANY_TOKEN))
    found = list(_placed(space, "nobody", nobody, {}))
    found += _placed(space, "token", any_token, token)
    if role is not None:
        for name in roles:
            found += _placed(space, "role", name, {**token, role: name})
        for name in people:
            found += _placed(space, "subject", name, {sub or role: name})
    return tuple(found)


def people_with_roles(space: Space, person: str, roles: Iterable[str]) -> tuple[Caller, ...]:
    """``person`` with each of these roles in the token; none where a request has one word for both."""
    role, sub = space.axes.role, space.axes.sub
    if sub is None or role is None or sub == role:
        return ()
    return tuple(
        caller
        for name in roles
        if name != person
        for caller in _placed(space, "subject", f"{person} with {name}", {sub: person, role: name})
    )


def _free(label: str, roles: Iterable[str]) -> str:
    """``label``, or in parentheses where a role has that very name."""
    return f"({label})" if label in roles else label


def _placed(space: Space, kind: Kind, name: str, words: Words) -> Iterator[Caller]:
    """The caller, once for each value of the words that the model ties to who asks, such as a domain."""
    who = {**dict.fromkeys(space.axes.caller, ""), **words}
    for besides in places_of(space, who):
        label = ", ".join((name, *(f"{word} {value}" for word, value in besides.items())))
        yield Caller(kind, name, label, {**who, **besides}, besides)


def places_of(space: Space, who: Words) -> Iterator[Words]:
    """Values for the words besides that the model ties to who asks."""
    tied = [word for word in space.besides if word in space.tied_to_callers]
    return besides_of(space, who, tied)


def besides_of(space: Space, known: Words, words: Sequence[str]) -> Iterator[Words]:
    """Values for ``words``, whatever it is that makes a difference where ``known`` is known.

    Every combination of values that the document names comes first, then one of each kind that none of these is like
    and that some rule is about.
    """
    if not words:
        yield {}
        return
    names = [[n for n in space.vocabularies[word].names if n not in {"", "*"}] for word in words]
    named = list(product(*names)) if prod(map(len, names)) <= MOST_NAMED else []
    yield from (dict(zip(words, chosen, strict=True)) for chosen in named)
    if not space.tables:
        # Nothing is known of what is alike: a few of all the values that were guessed.
        guesses = product(*(space.vocabularies[word].values for word in words))
        more = (chosen for chosen in islice(guesses, MOST_NAMED) if chosen not in named)
        yield from (dict(zip(words, chosen, strict=True)) for chosen in more)
        return
    start = space.demands(known)
    like = {space.demands({**known, **dict(zip(words, chosen, strict=True))}) for chosen in named}
    found = [
        (left, dict(zip(words, values, strict=True)))
        for left, values in space.variants(start, words).items()
        if left not in like
    ]
    about = [values for left, values in found if any(space.possible(left)) or _decides_without(space)]
    yield from about or ([values for _, values in found[:1]] if not named else [])


def _decides_without(space: Space) -> bool:
    """Whether a request that no rule matches may be allowed."""
    return any(table.allows(0) for table in space.tables)


def check_given(space: Space, given: Words | None) -> None:
    """Raises RequestError for a word that is not one besides."""
    for word in given or {}:
        if word not in space.words or word in {*space.axes.caller, space.axes.obj, space.axes.act}:
            besides = ", ".join(f"`{one}`" for one in space.words if one in {*space.besides, *space.given})
            has = f"its words besides are {besides}" if besides else "it has no words besides"
            raise RequestError(f"`{word}` is no word besides of the model's request: {has}")


def endpoints_of(space: Space) -> tuple[Endpoint, ...]:
    """The known routes; without any, every action and object of the space that some rule is about."""
    found = _route_endpoints(space) if space.routes else _rule_endpoints(space)
    listed = tuple(islice(found, MOST_ENDPOINTS + 1))
    if len(listed) > MOST_ENDPOINTS:
        space.note(f"there are more than {MOST_ENDPOINTS} endpoints, and only so many are looked at")
    ordered = listed[:MOST_ENDPOINTS]
    return (
        ordered if space.routes else tuple(sorted(ordered, key=lambda e: (e.obj, e.act, *e.besides.values())))
    )


def endpoint_at(space: Space, words: Words) -> Endpoint:
    """What is asked for with these words, which may hold words about who asks besides."""
    axes = space.axes
    about = {word: value for word, value in words.items() if word not in axes.caller}
    besides = {word: value for word, value in about.items() if word in space.besides}
    examples = tuple(
        word for word, value in about.items() if value and value == space.vocabularies[word].anything
    )
    return Endpoint(
        about.get(axes.act or "", ""),
        about.get(axes.obj or "", ""),
        about,
        known=False,
        besides=besides,
        examples=examples,
    )


def _loose(space: Space) -> list[str]:
    """The words besides that are not tied to who asks."""
    return [word for word in space.besides if word not in space.tied_to_callers]


def _route_endpoints(space: Space) -> Iterator[Endpoint]:
    obj, act = space.axes.obj, space.axes.act
    loose = _loose(space)
    for route, path in space.samples.items():
        words = {**({act: route.act} if act else {}), **({obj: path} if obj else {})}
        for besides in besides_of(space, words, loose):
            yield Endpoint(route.act, route.obj, {**words, **besides}, known=True, besides=besides)


Choices = tuple[Sequence[str], list[tuple[tuple[str, ...], tuple[int, ...]]]]
"""Some words, and combinations of values for them with the rules that each leaves possible."""


def _rule_endpoints(space: Space) -> Iterator[Endpoint]:
    """Every combination of values of which some rule is; one that no rule is about, where that is allowed."""
    groups = [_choices(space, words) for words in space.tied]
    groups = [group for group in groups if group[0]]
    everything = tuple(table.all for table in space.tables)

    def walk(depth: int, words: dict[str, str], masks: tuple[int, ...]) -> Iterator[dict[str, str]]:
        if depth == len(groups):
            yield words
            return
        names, choices = groups[depth]
        for values, more in choices:
            left = tuple(mask & other for mask, other in zip(masks, more, strict=True))
            if not space.tables or any(left):
                yield from walk(depth + 1, {**words, **dict(zip(names, values, strict=True))}, left)

    # A policy without rules counts as one rule of empty columns, which a request with empty words would meet.
    empty = bool(space.tables) and all(table.empty for table in space.tables)
    for words in walk(0, {}, everything):
        if not empty or "" not in words.values():
            yield endpoint_at(space, words)
    if _decides_without(space):
        rest = {
            word: space.vocabularies[word].anything or space.vocabularies[word].values[0]
            for names, _ in groups
            for word in names
        }
        if not any(space.possible(space.demands(rest))):
            yield endpoint_at(space, rest)


def _choices(space: Space, words: tuple[str, ...]) -> Choices:
    asking = {*space.axes.caller, *(word for word in space.besides if word in space.tied_to_callers)}
    mine = [word for word in words if word not in asking]
    if not mine or len(mine) == len(words):
        return mine, [(member.values, member.masks) for member in space.group(words).members] if mine else []
    # What is left is about callers: values that leave the same of that are alike for each of them.
    found = space.variants(space.demands({}), mine)
    return mine, [(values, space.possible(left)) for left, values in found.items()]
