"""Who can ask, and what for: the rows and columns of every overview of a policy."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice, product
from math import prod
from typing import Final

from rbac.asking import NOBODY, CallerKind, everybody
from rbac.decision import Decision
from rbac.errors import RequestError
from rbac.model.request_shape import RequestShape
from rbac.space.residue import residue_key
from rbac.space.space import Space
from rbac.text.wording import quoted

# More columns than this are no overview. Only a document without known routes gets there.
MOST_ENDPOINTS: Final = 20_000
# A caller has a row for every value that the document names, such as every domain, as long as there are no more.
MOST_NAMED: Final = 1_000
# So many of the paths are shown of which something is not true.
_MOST_SHOWN: Final = 3

NamedWords = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks, and the words of a request that say so.

    A role is a caller with a valid token, that role, and a ``sub`` that no document names; a subject is a
    person whom a document names, with no role but those it links them to. ``besides`` are those of ``words`` that the
    model ties to who asks, such as a domain; ``label`` is ``name``, with these where the model has any. ``roles`` are
    those of a caller who brings several.
    """

    kind: CallerKind
    name: str
    label: str
    words: NamedWords
    besides: NamedWords = field(default_factory=dict)
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An action on an object, and the words of a request that ask for it.

    ``obj`` is what to show: for a known route its template, while ``words`` hold a concrete path. ``besides`` are
    those of ``words`` that are neither action nor object; ``examples`` the words whose value stands for all that
    no rule names.
    """

    act: str
    obj: str
    words: NamedWords
    known: bool
    besides: NamedWords = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    template: str = ""
    but_not: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """``/user``, and for paths of a route ``/users/7 and its like in /users/{id}``."""
        if self.template:
            return f"{self.obj} and its like in {self.template}"
        if not self.but_not:
            return self.obj
        more = len(self.but_not) - _MOST_SHOWN
        shown = ", ".join(self.but_not[:_MOST_SHOWN])
        return f"{self.obj} but not {shown}{f' and {more} more' if more > 0 else ''} and the like"

    @property
    def label(self) -> str:
        """``GET /user``, and ``GET /user, dom acme`` where the model asks with more words."""
        return ", ".join((f"{self.act} {self.where}".strip(), *(f"{w} {v}" for w, v in self.besides.items())))

    @property
    def route(self) -> tuple[str, ...]:
        """Action, path and words besides, a known route for its paths."""
        return (self.act, self.template or self.obj, *chain.from_iterable(self.besides.items()))

    @property
    def of_template(self) -> dict[str, object]:
        """``template`` and ``but_not`` as JSON, where there are such."""
        shape: dict[str, object] = {"template": self.template, "but_not": list(self.but_not)}
        return {key: value for key, value in shape.items() if value}

    def to_json(self, decision: Decision) -> dict[str, object]:
        """The endpoint with what is decided there, as ``rbac can --format json`` lists it."""
        return {
            "act": self.act,
            "obj": self.obj,
            "allowed": decision.allowed,
            "rule": decision.line,
            **({"with": dict(self.besides)} if self.besides else {}),
            **({"examples": list(self.examples)} if self.examples else {}),
            **self.of_template,
        }

    def also(self, besides: NamedWords) -> "Endpoint":
        """The endpoint with more words besides."""
        if not besides:
            return self
        return replace(self, words={**self.words, **besides}, besides={**self.besides, **besides})

    def at(self, path: str, word: str) -> "Endpoint":
        """One path of this route, which is ``word`` of the request."""
        return replace(self, obj=path, words={**self.words, word: path}, template=self.obj)


def callers_of(space: Space, subjects: str | None = None) -> tuple[Caller, ...]:
    """Nobody, any valid token, every role and every named subject, in this order."""
    names = [policy.names(subjects) for policy in space.policies]
    roles = sorted({role for found in names for role in found.roles})
    people = sorted({person for found in names for person in (*found.subjects, *found.singled_out)})
    role, sub = space.shape.role, space.shape.sub
    token = {} if sub is None or sub == role else {sub: space.stranger(sub)}
    asking = everybody(space.shape, token, *((roles, people) if role is not None else ((), ())))
    return tuple(
        caller
        for kind, name, words in asking
        for caller in _placed(space, kind, name if kind in {"role", "subject"} else _free(name, roles), words)
    )


def people_with_roles(space: Space, person: str, roles: Iterable[str]) -> tuple[Caller, ...]:
    """``person`` with each of these roles in the token; none where a request has one word for both."""
    role, sub = space.shape.role, space.shape.sub
    if sub is None or role is None or sub == role:
        return ()
    return tuple(
        caller
        for name in roles
        if name != person
        for caller in _placed(space, "subject", f"{person} with {name}", {sub: person, role: name})
    )


def in_words(shape: RequestShape, who: NamedWords) -> str:
    """Somebody who asks with these words, as none of :func:`callers_of` does, as a person would say it."""
    words = dict.fromkeys(word for word in (shape.role, shape.sub) if word is not None)
    said = [f"the {word} {who[word]}" for word in words if who.get(word)]
    missing = [f"no {word}" for word in words if not who.get(word)]
    return f"a caller with {' and '.join((*said, *missing))}" if said else NOBODY


def split(space: Space, words: Mapping[str, str], callers: Iterable[Caller] = ()) -> tuple[Caller, Endpoint]:
    """A request of the space as somebody who asks, one of ``callers`` if it can be, and what for."""
    for caller in callers:
        if caller.words.items() <= words.items():
            return caller, endpoint_at(space, {w: v for w, v in words.items() if w not in caller.words})
    who = {word: words[word] for word in space.shape.caller}
    name = in_words(space.shape, who)
    return Caller("subject", name, name, who), endpoint_at(space, words)


def _free(label: str, roles: Iterable[str]) -> str:
    """``label``, or in parentheses where a role has that very name."""
    return f"({label})" if label in roles else label


def _placed(space: Space, kind: CallerKind, name: str, words: NamedWords) -> Iterator[Caller]:
    """The caller, once for each value of the words that the model ties to who asks, such as a domain."""
    who = {**dict.fromkeys(space.shape.caller, ""), **words}
    for besides in places_of(space, who):
        label = ", ".join((name, *(f"{word} {value}" for word, value in besides.items())))
        yield Caller(kind, name, label, {**who, **besides}, besides)


def places_of(space: Space, who: NamedWords) -> Iterator[NamedWords]:
    """Values for the words besides that the model ties to who asks."""
    tied = [word for word in space.besides if word in space.tied_to_callers]
    return besides_of(space, who, tied)


def besides_of(space: Space, known: NamedWords, words: Sequence[str]) -> Iterator[NamedWords]:
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
    like = {
        residue_key(space.demands({**known, **dict(zip(words, chosen, strict=True))})) for chosen in named
    }
    found = [
        (left, dict(zip(words, values, strict=True)))
        for left, values in space.variants(start, words)
        if residue_key(left) not in like
    ]
    about = [values for left, values in found if any(space.possible(left)) or _decides_without(space)]
    yield from about or ([values for _, values in found[:1]] if not named else [])


def _decides_without(space: Space) -> bool:
    """Whether a request that no rule matches may be allowed."""
    return any(table.allows(0) for table in space.tables)


def check_given(space: Space, given: NamedWords | None) -> None:
    """Raises RequestError for a word that is not one besides."""
    for word in given or {}:
        if word not in space.words or word in {*space.shape.caller, space.shape.obj, space.shape.act}:
            besides = quoted(one for one in space.words if one in {*space.besides, *space.given})
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


def endpoint_at(space: Space, words: NamedWords) -> Endpoint:
    """What is asked for with these words, which may hold words about who asks besides."""
    shape, asking = space.shape, space.shape.caller
    about = {word: value for word, value in words.items() if word not in asking}
    besides = {word: value for word, value in about.items() if word in space.besides}
    examples = tuple(
        word for word, value in about.items() if value and value == space.vocabularies[word].anything
    )
    return Endpoint(
        about.get(shape.act or "", ""),
        about.get(shape.obj or "", ""),
        about,
        known=False,
        besides=besides,
        examples=examples,
    )


def _loose(space: Space) -> list[str]:
    """The words besides that are not tied to who asks."""
    return [word for word in space.besides if word not in space.tied_to_callers]


def _route_endpoints(space: Space) -> Iterator[Endpoint]:
    obj, act = space.shape.obj, space.shape.act
    loose = _loose(space)
    for route, path in space.samples.items():
        words = {**({act: route.act} if act else {}), **({obj: path} if obj else {})}
        endpoint = Endpoint(route.act, route.obj, words, known=True)
        found = {tuple(besides.items()): besides for besides in besides_of(space, words, loose)}
        for part in parts_of(space, endpoint) if loose else ():
            found |= {tuple(besides.items()): besides for besides in besides_of(space, part.words, loose)}
        yield from map(endpoint.also, found.values())


def endpoints_and_parts(space: Space) -> tuple[Endpoint, ...]:
    """The endpoints, each with a path of each kind in it that the rules can tell apart."""
    return tuple(one for endpoint in endpoints_of(space) for one in (endpoint, *parts_of(space, endpoint)))


def parts_of(space: Space, endpoint: Endpoint) -> tuple[Endpoint, ...]:
    """Of a known route a path of each kind that the rules can tell apart, but for the kind that ``endpoint`` asks about."""
    obj = space.shape.obj
    if obj is None or not endpoint.known or endpoint.template:
        return ()
    return tuple(endpoint.at(path, obj) for path in space.template_paths.others(endpoint.act, endpoint.obj))


Choices = tuple[Sequence[str], list[tuple[tuple[str, ...], tuple[int, ...]]]]
"""Some words, and combinations of values for them with the rules that each leaves possible."""


def _rule_endpoints(space: Space) -> Iterator[Endpoint]:
    """Every combination of values of which some rule is; one that no rule is about, where that is allowed."""
    groups = [_choices(space, words) for words in space.tied]
    groups = [group for group in groups if group[0]]
    everything = tuple(table.all for table in space.tables)

    # A policy without rules counts as one rule of empty columns, which a request with empty words would meet.
    empty = bool(space.tables) and all(table.empty for table in space.tables)
    for words in _combined(space, groups, {}, everything):
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


def _combined(
    space: Space, groups: Sequence[Choices], words: dict[str, str], masks: tuple[int, ...]
) -> Iterator[dict[str, str]]:
    """``words`` with a choice of each group, as long as some rule is left possible."""
    if not groups:
        yield words
        return
    names, choices = groups[0]
    for values, more in choices:
        left = tuple(mask & other for mask, other in zip(masks, more, strict=True))
        if not space.tables or any(left):
            chosen = {**words, **dict(zip(names, values, strict=True))}
            yield from _combined(space, groups[1:], chosen, left)


def _choices(space: Space, words: tuple[str, ...]) -> Choices:
    asking = {*space.shape.caller, *(word for word in space.besides if word in space.tied_to_callers)}
    mine = [word for word in words if word not in asking]
    if not mine or len(mine) == len(words):
        return mine, [(member.values, member.masks) for member in space.group(words).members] if mine else []
    # What is left is about callers: values that leave the same of that are alike for each of them.
    found = space.variants(space.demands({}), mine)
    return mine, [(values, space.possible(left)) for left, values in found]
