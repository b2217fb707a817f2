"""Who may do this, to what may they, and what may they do: a question asked about every candidate there is."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from app.authzen.paging import Page, read_page
from app.decision_point.entities import Entities
from app.decision_point.point import DecisionPoint
from app.decision_point.question import (
    AuthZenQuestion,
    MalformedRequest,
    read_context,
    read_given,
    read_searched,
)
from app.decision_point.words import PdpRequest
from rbac import Policy, RequestError
from rbac.decision_log.ruling import Ruling
from rbac.guard.http.turns import OncePerPolicy, Turns
from rbac.routes import KnownRoutes

EntityKind = Literal["subject", "resource", "action"]

USER = "user"  # the type of the document's own subjects
ROUTE = "route"  # the type of the known routes
MOST_ASKED = 20_000  # candidates for one page; the next page goes on from there

_ALTERNATIVES = re.compile(r"\(?[\w.:-]+\)?(?:\|\(?[\w.:-]+\)?)*")


class Search(NamedTuple):
    """A question with one of its three left open. ``asked`` has "" in its place."""

    kind: EntityKind
    asked: AuthZenQuestion
    page: Page

    @classmethod
    def read(cls, kind: EntityKind, members: Mapping[str, Any]) -> "Search":
        """The search in a request's members. Raises :class:`MalformedRequest`."""
        context = read_context(members)
        page = read_page(kind, members)
        read = {name: read_given(members, name) for name in ("subject", "action", "resource") if name != kind}
        if kind == "action":
            return cls(kind, AuthZenQuestion(read["subject"], {"name": ""}, read["resource"], context), page)
        searched = {**read_searched(members, kind), "id": ""}
        asked = AuthZenQuestion(
            read.get("subject", searched), read["action"], read.get("resource", searched), context
        )
        return cls(kind, asked, page)

    def about(self, candidate: str) -> AuthZenQuestion:
        """The question about one candidate."""
        subject, action, resource, context = self.asked
        if self.kind == "subject":
            return AuthZenQuestion({**subject, "id": candidate}, action, resource, context)
        if self.kind == "resource":
            return AuthZenQuestion(subject, action, {**resource, "id": candidate}, context)
        return AuthZenQuestion(subject, {"name": candidate}, resource, context)

    def result(self, candidate: str) -> dict[str, str]:
        """The candidate as an answer lists it."""
        if self.kind == "action":
            return {"name": candidate}
        searched = self.asked.subject if self.kind == "subject" else self.asked.resource
        return {"type": searched["type"], "id": candidate}


class Found(NamedTuple):
    """One page: the results, the token of the next ("" at the end), and the first result's question and ruling.

    Without results these are of the search as it was put.
    """

    results: list[dict[str, str]]
    next_token: str
    question: AuthZenQuestion
    ruling: Ruling


@dataclass(frozen=True, slots=True)
class Searcher:
    """Finds what the decision point allows among what it knows. Every result was asked about as in an evaluation."""

    point: DecisionPoint
    request: PdpRequest
    routes: KnownRoutes
    turns: Turns

    async def find(self, search: Search) -> Found:
        """One page of results, with pauses that let other requests be answered.

        Raises :class:`MalformedRequest`, also for a question that the model cannot be asked.
        """
        policy = self.point.policy
        nobody = self._ask(search.asked, policy)
        candidates = await self._candidates(search, policy)
        results: list[dict[str, str]] = []
        first: tuple[AuthZenQuestion, Ruling] | None = None
        place = search.page.place
        end = min(len(candidates), place + MOST_ASKED)
        with self.turns.begin() as turn:
            while place < end:
                if turn.over:
                    await turn.pass_on()
                question = search.about(candidates[place])
                ruling = self._allowed(question, search, policy)
                if ruling is not None:
                    if len(results) == search.page.limit:
                        break
                    first = first or (question, ruling)
                    results.append(search.result(candidates[place]))
                place += 1
        next_token = search.page.token(place) if place < len(candidates) else ""
        return Found(results, next_token, *(first or (search.asked, nobody)))

    def _ask(self, question: AuthZenQuestion, policy: Policy) -> Ruling:
        try:
            return self.point.ask(self.request.read(question), policy)
        except RequestError as error:
            raise MalformedRequest(str(error)) from error

    def _allowed(self, question: AuthZenQuestion, search: Search, policy: Policy) -> Ruling | None:
        """The ruling about a candidate that is allowed; ``None`` for any other, and where there is any doubt."""
        if search.kind != "action" and self._differs(question, search.kind):
            return None
        try:
            ruling = self._ask(question, policy)
        except MalformedRequest:  # what is known of the candidate makes no question
            return None
        return ruling if ruling.decision.allowed else None

    def _differs(self, question: AuthZenQuestion, kind: EntityKind) -> bool:
        """Whether the request says something about the candidate that is known to be otherwise."""
        searched = question.subject if kind == "subject" else question.resource
        said: Mapping[str, Any] = searched.get("properties", {})
        if not said:
            return False
        entities = self.request.entities
        known = entities.subject(searched) if kind == "subject" else entities.resource(searched)
        return any(name in known and not _same(known[name], value) for name, value in said.items())

    async def _candidates(self, search: Search, policy: Policy) -> Sequence[str]:
        entities: Entities = self.request.entities
        words = tuple(self.request.words_from("action.name"))
        known = await _known.of(policy, lambda: _Candidates.of(policy, words, entities))
        if search.kind == "action":
            return known.actions
        if search.kind == "subject":
            wanted = search.asked.subject["type"]
            return known.users if wanted == USER else _each_once(entities.subjects.get(wanted, ()))
        wanted = search.asked.resource["type"]
        act = search.asked.action["name"]
        routes = (route.obj for route in self.routes if route.act == act) if wanted == ROUTE else ()
        return _each_once(entities.resources.get(wanted, ()), routes)


class _Candidates(NamedTuple):
    """Whom and what a document and the entities name, each once: people, and actions."""

    users: tuple[str, ...]
    actions: tuple[str, ...]

    @classmethod
    def of(cls, policy: Policy, action_words: Iterable[str], entities: Entities) -> "_Candidates":
        """Those of ``policy``'s document. ``action_words`` are the words that hold the action."""
        names = policy.names()
        subjects = sorted({*names.subjects, *names.singled_out})
        users = _each_once(entities.subjects.get(USER, ()), subjects)
        actions = _each_once(entities.actions, sorted(_actions(policy, action_words)))
        return cls(tuple(users), tuple(actions))


_known: OncePerPolicy[_Candidates] = OncePerPolicy()


def _actions(policy: Policy, words: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for word in words:
        for relation in policy.relations.of_word(policy.words.index(word)):
            values = {row[relation.column] for row in policy.document.rows["p"]}
            if relation.how == "pattern":  # `(GET)|(POST)` names two
                plain = [value for value in values if _ALTERNATIVES.fullmatch(value)]
                values = {name.strip("()") for value in plain for name in value.split("|")}
            found |= values
    return found - {"", "*"}


def _same(known: Any, said: Any) -> bool:
    return type(known) is type(said) and bool(known == said)


def _each_once(*names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for each in names for name in each))
