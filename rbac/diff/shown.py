"""The part of a diff that people are shown: each cell once, and none that no request asks for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import Final

from rbac.asking import answer
from rbac.comparison.comparison import Comparison
from rbac.comparison.crowd import Crowd
from rbac.decision import Rule
from rbac.diff.differences import Change, Diff
from rbac.diff.links import link_changes
from rbac.document.names import SUBJECT
from rbac.model.request_shape import HTTP_METHODS
from rbac.policy import Policy
from rbac.routes import KnownRoutes, Route
from rbac.space.callers import Caller, callers_of, endpoints_and_parts
from rbac.space.endpoint_classes import EndpointClasses
from rbac.space.space import Space
from rbac.space.word_values import plain

# So many rules are tried before a document is looked at as a whole.
_FIRST: Final = 500


def shown(found: Diff, old: Policy, new: Policy, routes: Sequence[Route] = ()) -> Diff:
    """``found`` with each cell once, and what no HTTP request asks for moved to ``unsent``.

    A rule about one person makes them a role to Casbin, too: what changes for them both ways is told as theirs.
    """
    people = {(change.caller.name, change.cell) for change in found.people}
    # One that stands for others besides is told for their sake.
    cells = [
        change for change in found.cells if change.also or (change.caller.name, change.cell) not in people
    ]
    known = KnownRoutes(tuple(routes))
    sendable = [EndpointClasses(policy, known) for policy in (old, new)]
    sent: dict[bool, list[Change]] = {True: [], False: []}
    told: dict[bool, list[Change]] = {True: [], False: []}
    for change in cells:
        sent[_can_be_sent(change, sendable)].append(change)
    for change in found.people:
        told[_can_be_sent(change, sendable)].append(change)
    return replace(
        found,
        cells=tuple(sent[True]),
        people=tuple(told[True]),
        links=tuple(link_changes(old, new, sent[True], told[True])),
        unsent=(*sent[False], *told[False]),
    )


def _can_be_sent(change: Change, policies: Sequence[EndpointClasses]) -> bool:
    shape = policies[0].shape
    act, obj = (change.endpoint.words.get(word or "", "") for word in (shape.act, shape.obj))
    return change.endpoint.known or all(policy.can_be_sent(act, obj) for policy in policies)


def locked_out(
    found: Diff, old: Policy, new: Policy, routes: Sequence[Route] = (), *, subjects: str = SUBJECT
) -> Iterator[str]:
    """The people who lose something and may do nothing any more, whatever their role."""
    losing = sorted({change.caller.name for change in found.people if not change.granted})
    left = _Left(old, new, routes, subjects, found.comparison)
    yield from (person for person in losing if not left.to(person))


def is_left_nothing(policy: Policy, person: str, *, subjects: str = SUBJECT) -> bool:
    """Whether ``policy``, which names ``person``, lets them in nowhere, whatever their role."""
    return not _Left(policy, policy, (), subjects, None).to(person)


class _Left:
    """What the second policy of a space leaves to people, whatever their role."""

    def __init__(
        self, old: Policy, new: Policy, routes: Sequence[Route], subjects: str, known: Comparison | None
    ) -> None:
        self._documents = old, new
        self._routes = routes
        self._subjects = subjects
        # What was found out about some of the rules says nothing of the others.
        whole = known is not None and all(table.whole for table in known.space.tables)
        self._known = known if whole else None
        self._shape = new.document.definition.shape

    @cached_property
    def _space(self) -> Space:
        return Space(self._documents, self._routes) if self._known is None else self._known.space

    @cached_property
    def _comparison(self) -> Comparison | None:
        if self._known is not None:
            return self._known
        return Comparison(self._space, 1, 1) if self._space.tables else None

    @cached_property
    def _people(self) -> Sequence[Caller]:
        return [caller for caller in callers_of(self._space, self._subjects) if caller.kind == "subject"]

    @cached_property
    def _roles(self) -> Sequence[str]:
        apart = self._shape.sub not in {None, self._shape.role}
        return ("", *self._documents[1].roles) if apart else ("",)

    def to(self, person: str) -> bool:
        """Whether there is anything that they are let in to."""
        if self._obviously(person):
            return True
        callers = [
            {**caller.words, self._space.shape.role or "": role} if role else caller.words
            for caller in self._people
            if caller.name == person
            for role in self._roles
        ]
        comparison = self._comparison
        if comparison is None or not all(map(comparison.settled, callers)):
            return _asked(self._space, callers)
        crowd = Crowd(comparison, [comparison.masks(who) for who in callers])
        if self._space.routes:
            return crowd.reaches(endpoint.words for endpoint in endpoints_and_parts(self._space))
        return crowd.reaches_anything()

    def _obviously(self, person: str) -> bool:
        """Whether a request like one of the first rules is allowed to them; that none is says nothing."""
        new, shape = self._documents[1], self._shape
        if shape.sub is None or self._routes or set(shape.words) != {*shape.caller, shape.obj, shape.act}:
            return False
        return any(
            answer(new, [words.get(word, "") for word in shape.words]).allowed
            for rule in islice(new.document.rules(), _FIRST)
            if rule.ptype == "p"
            for words in self._like(rule, person)
        )

    def _like(self, rule: Rule, person: str) -> Iterator[Mapping[str, str]]:
        """Requests that the rule may be about, by the person alone and with its role."""
        relations, shape = self._documents[1].relations, self._shape
        asked: dict[str, str] = {}
        for word, usual in ((shape.obj, "x"), (shape.act, HTTP_METHODS[0])):
            columns = (
                [relation.column for relation in relations.of_word(shape.words.index(word))] if word else []
            )
            if word and columns:
                text = rule.fields[columns[0]]
                asked[word] = usual if text == "*" else plain(text)
        column = relations.role_column
        role = rule.fields[column] if column is not None else ""
        for name in ("", role) if role in self._roles else ("",):
            yield {**asked, **({shape.role: name} if shape.role and name else {}), shape.sub or "": person}


def _asked(space: Space, callers: Sequence[Mapping[str, str]]) -> bool:
    """Whether one of the callers is let in anywhere, by asking for each."""
    endpoints = endpoints_and_parts(space)
    requests = (space.request({**who, **endpoint.words}) for who in callers for endpoint in endpoints)
    return any(answer(space.policies[1], request).allowed for request in requests)
