"""What a change of the rules changes for callers: which cells are granted, which revoked, and nothing
else."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

from rbac.asking import answer
from rbac.callers import Caller, Endpoint, callers_of, check_given, endpoint_at, endpoints_of
from rbac.compare import Comparison, Masks, SpaceError
from rbac.decision import Decision
from rbac.policy import Policy
from rbac.routes import Route
from rbac.space import Space
from rbac.touched import touched_rules

MOST_REQUESTS: Final = 200_000
"""Where a matcher has no formula: how many requests are tried one by one."""


@dataclass(frozen=True, slots=True)
class Change:
    """One cell that comes out differently. ``witness``: not a known route, but an example of a class of
    requests, and ``stands_for`` the method and path of the rule whose requests these are."""

    caller: Caller
    endpoint: Endpoint
    old: Decision
    new: Decision
    stands_for: str = ""

    @property
    def granted(self) -> bool:
        """Whether the change is for more access."""
        return self.new.allowed

    @property
    def witness(self) -> bool:
        """Whether the endpoint is not a known route but an example of the requests that change alike."""
        return not self.endpoint.known

    @property
    def line(self) -> int | None:
        """The line of the rule that allows: in the new document for a grant, in the old one for what is
        revoked."""
        rule = (self.new if self.granted else self.old).rule
        return rule.line if rule else None

    @property
    def denied_by(self) -> int | None:
        """The line of the deny that matters: in the new document for what is revoked, in the old one for a
        grant."""
        denying = self.old if self.granted else self.new
        return denying.rule.line if denying.rule and denying.reason == "denied_by_rule" else None


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A role link that carries something else than before, or that gives or takes something by being new or gone.

    ``granted`` and ``revoked`` count the changed cells of whoever is on its left, or for a link that stays
    of the role on its right.
    """

    user: str
    role: str
    change: Literal["added", "removed", "kept"]
    line: int
    granted: int
    revoked: int


@dataclass(frozen=True, slots=True)
class Diff:
    """Two documents compared. ``cells`` are about roles, ``people`` about those whom a document names.

    ``unsent`` are changes to what no HTTP request asks for, which :func:`rbac.diff_shown.shown` takes out of both.
    """

    old: str
    new: str
    cells: tuple[Change, ...]
    people: tuple[Change, ...]
    links: tuple[LinkChange, ...]
    notes: tuple[str, ...]
    unsent: tuple[Change, ...] = ()

    @property
    def equivalent(self) -> bool:
        """Whether nobody's access changes, to what nobody asks for either."""
        return not self.cells and not self.people and not self.unsent

    @property
    def granted(self) -> tuple[Change, ...]:
        """The cells of roles that are open now and were closed."""
        return tuple(change for change in self.cells if change.granted)

    @property
    def revoked(self) -> tuple[Change, ...]:
        """The cells of roles that are closed now and were open."""
        return tuple(change for change in self.cells if not change.granted)


def diff(
    old: Policy,
    new: Policy,
    routes: Sequence[Route] = (),
    *,
    subjects: str | None = None,
    control: bool = False,
    given: Mapping[str, str] | None = None,
) -> Diff:
    """Exactly what changes from ``old`` to ``new``: on the known routes, and by an example each everywhere
    else.

    ``given`` are words besides, as in :func:`rbac.review.can`. ``control`` counts requests with control characters too,
    which the service never lets through. Raises RequestError for models that ask with different words.
    """
    rules = touched_rules(old, new)
    space = Space((old, new), routes, given=given, control=control, rules=rules)
    check_given(space, given)
    return _Differ(space, subjects).result()


class _Differ:
    def __init__(self, space: Space, subjects: str | None) -> None:
        self._policies = space.policies
        self._space = space
        self._comparison = Comparison(self._space) if self._space.tables else None
        self._callers = callers_of(self._space, subjects)
        self._endpoints = endpoints_of(self._space) if space.routes else ()
        self._masks: dict[str, Masks] = {}
        self._classes: dict[tuple[str, ...], frozenset[tuple[Masks, ...]]] = {}

    def result(self) -> Diff:
        cells: list[Change] = []
        people: list[Change] = []
        for caller in self._callers:
            changes = self._changes(caller)
            (people if caller.kind == "subject" else cells).extend(changes)
        people += self._with_roles(cells, people)
        if not cells and not people:
            people += self._anywhere()
        old, new = self._policies
        links = tuple(_link_changes(old, new, cells, people))
        return Diff(old.revision, new.revision, tuple(cells), tuple(people), links, self._space.notes)

    def _changes(self, caller: Caller, beyond: Masks | None = None) -> Iterator[Change]:
        """What changes for one caller: known routes in their order, then examples off the routes. With ``beyond``, what
        one of these rules matches."""
        if self._comparison is None:
            yield from self._walk(caller)
            return
        if self._comparison.unchanged(caller.words):
            return
        for endpoint in self._endpoints:
            if beyond is None or self._meets(endpoint, beyond):
                yield from self._asked(caller, endpoint)
        known = self._known_classes(self._comparison, caller)
        for words in self._comparison.cells(caller.words, beyond):
            if not known or self._comparison.class_of(caller.words, words) not in known:
                change = self._ask(caller, self._endpoint(words))
                if change is None:
                    raise SpaceError(f"{caller.words} {words}")
                yield change

    def _meets(self, endpoint: Endpoint, rules: Masks) -> bool:
        """Whether one of the rules may match a request for the endpoint."""
        if self._comparison is None:
            return True
        if endpoint.label not in self._masks:
            self._masks[endpoint.label] = self._comparison.masks(endpoint.words)
        masks = self._masks[endpoint.label]
        return bool(masks[0] & rules[0] | masks[1] & rules[1])

    def _asked(self, caller: Caller, endpoint: Endpoint) -> Iterator[Change]:
        change = self._ask(caller, endpoint)
        if change is not None:
            yield change

    def _ask(self, caller: Caller, endpoint: Endpoint) -> Change | None:
        request = self._space.request({**caller.words, **endpoint.words})
        old, new = (answer(policy, request) for policy in self._policies)
        if old.allowed == new.allowed:
            return None
        return Change(caller, endpoint, old, new, "" if endpoint.known else self._stands_for(old, new))

    def _stands_for(self, old: Decision, new: Decision) -> str:
        """The method and the path of the rule that makes the difference: the new one, or the one that is gone."""
        axes = self._space.axes
        for policy, decision in zip(reversed(self._policies), (new, old), strict=True):
            if decision.rule is not None:
                columns = [
                    {relation.column for relation in policy.relations.of_word(policy.words.index(word))}
                    for word in (axes.act, axes.obj)
                    if word is not None
                ]
                return " ".join(decision.rule.fields[min(column)] for column in columns if column)
        return ""

    def _walk(self, caller: Caller) -> Iterator[Change]:
        """Without a formula: every endpoint of the space."""
        for endpoint in self._endpoints or endpoints_of(self._space):
            yield from self._asked(caller, endpoint)

    def _endpoint(self, words: Mapping[str, str]) -> Endpoint:
        return endpoint_at(self._space, words)

    def _known_classes(self, comparison: Comparison, caller: Caller) -> frozenset[tuple[Masks, ...]]:
        """The classes that a known route is in, which are the same for all callers unless a condition looks at
        caller and endpoint at once."""
        who = () if comparison.settled(caller.words) else tuple(caller.words.values())
        if who not in self._classes:
            classes = (comparison.class_of(caller.words, endpoint.words) for endpoint in self._endpoints)
            self._classes[who] = frozenset(classes)
        return self._classes[who]

    def _with_roles(self, cells: Iterable[Change], people: Sequence[Change]) -> Iterator[Change]:
        """What changes for a named person who brings a role, and not for that role as such: a lock-out,
        above all."""
        axes = self._space.axes
        if self._comparison is None or axes.sub is None or axes.sub == axes.role:
            return
        known = {(change.caller.label, _key(change.endpoint), change.granted) for change in (*cells, *people)}
        roles = [caller for caller in self._callers if caller.kind == "role"]
        for person in self._callers:
            if person.kind != "subject" or not self._is_touched(person):
                continue
            for role in roles:
                words = {**role.words, axes.sub: person.name}
                both = Caller("subject", person.name, f"{person.name} as {role.label}", words)
                for change in self._changes(both, self._beyond(both, person)):
                    key = (_key(change.endpoint), change.granted)
                    if (role.label, *key) not in known and (person.label, *key) not in known:
                        yield change

    def _beyond(self, caller: Caller, person: Caller) -> Masks | None:
        """The rules that match ``caller`` and not the ``person`` alone; ``None`` where that cannot be said."""
        if self._comparison is None or not self._comparison.settled(caller.words):
            return None
        own, all_of_them = (self._comparison.masks(one.words) for one in (person, caller))
        if own[0] & ~all_of_them[0] or own[1] & ~all_of_them[1]:
            return None  # a matcher with a negation: the role takes rules away
        return all_of_them[0] & ~own[0], all_of_them[1] & ~own[1]

    def _is_touched(self, person: Caller) -> bool:
        """Whether a rule that is about this person, and not about everybody with a token, is changed."""
        if self._comparison is None:
            return False
        if not self._comparison.settled(person.words):
            return True
        token = next(caller for caller in self._callers if caller.kind == "token")
        common = self._comparison.masks(token.words)
        masks = self._comparison.masks(person.words)
        return self._comparison.changed((masks[0] & ~common[0], masks[1] & ~common[1])) != (0, 0)

    def _anywhere(self) -> Iterator[Change]:
        """A change that shows for no caller as they come, such as one whose ``sub`` is the name of a role."""
        found = self._comparison.first() if self._comparison is not None else self._tried()
        if found is not None:
            axes = self._space.axes
            who = {word: found[word] for word in axes.caller}
            label = ", ".join(f"{word} {value!r}" for word, value in who.items())
            rest = {word: value for word, value in found.items() if word not in who}
            change = self._ask(
                Caller("subject", who.get(axes.sub or axes.role or "", ""), label, who), self._endpoint(rest)
            )
            if change is None:
                raise SpaceError(f"{found}")
            yield change

    def _tried(self) -> dict[str, str] | None:
        """Without a formula: the requests of the space one by one, as far as patience goes."""
        old, new = self._policies
        for request in islice(self._space, MOST_REQUESTS):
            if answer(old, request).allowed != answer(new, request).allowed:
                return dict(zip(self._space.words, request, strict=True))
        return None


def _key(endpoint: Endpoint) -> tuple[str, ...]:
    return (endpoint.act, endpoint.obj, *endpoint.words.values())


def _link_changes(
    old: Policy, new: Policy, cells: Iterable[Change], people: Iterable[Change]
) -> Iterator[LinkChange]:
    """Role links that came, went, or carry something else, in the order of the documents."""
    counts: dict[str, list[int]] = {}
    for change in (*cells, *people):
        counts.setdefault(change.caller.name, [0, 0])[not change.granted] += 1
    before, after = (_links(policy) for policy in (old, new))
    for link, line in {**before, **after}.items():
        user, role = link[:2]
        state: Literal["added", "removed", "kept"] = "kept"
        if link not in before or link not in after:
            state = "added" if link in after else "removed"
        granted, revoked = counts.get(role if state == "kept" else user, (0, 0))
        if granted or revoked:
            yield LinkChange(user, role, state, line, granted, revoked)


def _links(policy: Policy) -> dict[tuple[str, ...], int]:
    document = policy.document
    rows = document.rows.get("g", ())
    return {tuple(row): line for row, line in zip(rows, document.lines.get("g", ()), strict=True)}
