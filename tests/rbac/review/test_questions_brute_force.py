"""can, who-can, matrix, diff, only, explain, replay and unused against every request of a small universe.

``SEKISHO_DOCUMENTS=200`` asks that many documents of each kind of model; the suite asks a few.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import combinations, product
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from rbac.decision import Decision
from rbac.decision_log.lines import DecisionLines
from rbac.decision_log.replay import replay
from rbac.decision_log.unused import unused
from rbac.diff.diff import diff
from rbac.errors import EvaluationError, PolicyError
from rbac.explain import _rule_matcher
from rbac.model.request_shape import RequestShape
from rbac.policy import Policy
from rbac.policy_tests.run import parse_suite, run
from rbac.review.access import can, explain, who_can
from rbac.review.matrix import matrix
from rbac.routes import KnownRoutes, Route
from rbac.space.callers import Caller
from tests.support import random_policies as random
from tests.support.question_kinds import ASKED, BY_SUBJECT, FIRST, KINDS, PEOPLE, Kind

DOCUMENTS = int(os.environ.get("SEKISHO_DOCUMENTS", "10"))
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
Words = Mapping[str, str]


@dataclass
class World:
    """A random document and its small universe: who asks, and what they can ask."""

    kind: Kind
    policy: Policy
    edited: Policy
    answers: dict[tuple[str, tuple[str, ...]], Decision] = field(default_factory=dict)
    matched: dict[tuple[str, ...], frozenset[int]] = field(default_factory=dict)

    @cached_property
    def callers(self) -> dict[tuple[str, str], Words]:
        """Callers as they come, by kind and name, written down from the design: nobody, a token, roles, people."""
        return callers_of(self.policy)

    def decide(self, words: Words, policy: Policy | None = None) -> Decision:
        policy = policy or self.policy
        request = tuple(words.get(word, "") for word in policy.words)
        key = policy.revision, request
        if key not in self.answers:
            self.answers[key] = _decide(policy, dict(zip(policy.words, request, strict=True)))
        return self.answers[key]

    @cached_property
    def matches(self) -> Callable[[Any, Any], bool]:
        return _rule_matcher(self.policy)

    def rules(self, words: Words) -> frozenset[int]:
        """The rules that match a request, as Casbin's own evaluator says."""
        request = tuple(words.get(word, "") for word in self.policy.words)
        if request not in self.matched:
            rules = (self.policy.document_rule(at) for at in range(len(self.policy.document.rows["p"])))
            self.matched[request] = frozenset(rule.line for rule in rules if self.matches(request, rule))
        return self.matched[request]

    def requests(self, who: Words) -> Iterator[dict[str, str]]:
        yield from self.kind.requests(who)


def _decide(policy: Policy, words: Words) -> Decision:
    try:
        return policy.decide(**words)
    except EvaluationError:
        return Decision(allowed=False, rule=None, reason="denied_by_default", revision=policy.revision)


def callers_of(policy: Policy) -> dict[tuple[str, str], Words]:
    shape = policy.document.definition.shape
    token = {} if shape.sub in {None, shape.role} else {str(shape.sub): "zed"}
    found: dict[tuple[str, str], Words] = {("nobody", "nobody"): {}, ("token", "any valid token"): token}
    names = policy.names()
    if shape.role is not None:
        found |= {("role", name): {**token, shape.role: name} for name in names.roles}
        people = (*names.subjects, *names.singled_out)
        found |= {("subject", name): {shape.sub or shape.role: name} for name in people}
    return {key: {**dict.fromkeys(shape.caller, ""), **who} for key, who in found.items()}


@cache
def worlds(kind: Kind) -> list[World]:
    """Documents of a kind, always the same."""
    found: list[World] = []
    seed = 0
    while len(found) < DOCUMENTS:
        dice = Random(f"{kind.name} {seed}")
        seed += 1
        rows = kind.rows(dice)
        try:
            old, new = (read(kind, listed) for listed in (rows, kind.edited(rows, dice)))
        except PolicyError:
            continue
        found.append(World(kind, old, new))
    return found


def read(kind: Kind, rows: Any) -> Policy:
    return random.read(kind.model, "".join(", ".join(row) + "\n" for row in rows))


def asking(key: tuple[str, str], who: Words, shape: RequestShape) -> dict[str, Any]:
    """A caller as the questions take them; a token without a role is a person whom nothing names."""
    if key[0] == "role":
        return {"roles": [key[1]]}
    return {} if key[0] == "nobody" else {"sub": who.get(shape.sub or "", "")}


def told(notes: tuple[str, ...], kind: Kind) -> bool:
    """Whether an answer claims to hold everything; of most kinds of model it must."""
    assert not (notes and kind.exact), notes
    return not notes


@each_kind
def test_can_is_what_a_brute_force_finds(kind: Kind) -> None:
    for world in worlds(kind):
        shape = world.policy.document.definition.shape
        for key, who in world.callers.items():
            if key == ("token", "any valid token") and shape.sub in {None, shape.role}:
                continue
            found = can(world.policy, **asking(key, who, shape))
            rows = [({**who, **endpoint.words}, decision) for endpoint, decision in found]
            for words, decision in rows:
                assert world.decide(words).allowed == decision.allowed, (words, world.policy.document.rows)
            if not told(found.notes, kind):
                continue
            shown = {world.rules(words) for words, decision in rows if decision.allowed}
            for words in world.requests(who):
                if world.decide(words).allowed:
                    assert world.rules(words) in shown, (key, words, world.policy.document.rows, rows)


@each_kind
def test_can_of_known_routes_is_what_a_brute_force_finds(kind: Kind) -> None:
    for world in worlds(kind):
        shape = world.policy.document.definition.shape
        acts, objs = (ASKED.get(word or "", ("",)) for word in (shape.act, shape.obj))
        routes = [Route(act, obj) for act, obj in product(acts, objs)]
        for key, who in world.callers.items():
            if key == ("token", "any valid token") and shape.sub in {None, shape.role}:
                continue
            found = can(world.policy, routes, **asking(key, who, shape))
            shown: dict[tuple[str, str], set[frozenset[int]]] = {}
            for endpoint, decision in found:
                words = {**who, **endpoint.words}
                assert world.decide(words).allowed == decision.allowed, words
                if decision.allowed:
                    shown.setdefault((endpoint.act, endpoint.obj), set()).add(world.rules(words))
            if told(found.notes, kind) or not kind.exact:
                for words in world.requests(who) if kind.exact else ():
                    asked = words.get(shape.act or "", ""), words.get(shape.obj or "", "")
                    if world.decide(words).allowed and asked in {(r.act, r.obj) for r in routes}:
                        assert world.rules(words) in shown.get(asked, ()), (
                            key,
                            words,
                            world.policy.document.rows,
                        )


@each_kind
def test_who_can_is_what_a_brute_force_finds(kind: Kind) -> None:
    for world in worlds(kind):
        shape = world.policy.document.definition.shape
        reached: dict[tuple[str, str], set[tuple[str, str]]] = {}
        for key, who in world.callers.items():
            for words in world.requests(who):
                asked = words.get(shape.act or "", ""), words.get(shape.obj or "", "")
                if world.decide(words).allowed:
                    reached.setdefault(asked, set()).add(key)
        acts, objs = (
            kind.asked.get(word or "") or ASKED.get(word or "", ("",)) for word in (shape.act, shape.obj)
        )
        for act, obj in product(acts, objs):
            found = who_can(world.policy, act, obj)
            for reach in found:
                words = {**reach.caller.words, **reach.endpoint.words}
                assert world.decide(words).allowed, words
                assert (words.get(shape.act or "", ""), words.get(shape.obj or "", "")) == (act, obj)
            names = {(reach.caller.kind, reach.caller.name) for reach in found}
            if told(found.notes, kind):
                assert names == reached.get((act, obj), set()), (act, obj, world.policy.document.rows)


@each_kind
def test_a_matrix_is_what_a_brute_force_finds(kind: Kind) -> None:
    for world in worlds(kind):
        made = matrix(world.policy)
        complete = told(made.notes, kind)
        shown: dict[str, set[frozenset[int]]] = {}
        for caller, row in zip(made.callers, made.cells, strict=True):
            for endpoint, cell in zip(made.endpoints, row, strict=True):
                words = {**caller.words, **endpoint.words}
                assert world.decide(words).allowed == cell.allowed, (words, world.policy.document.rows)
                if cell.allowed:
                    shown.setdefault(caller.name, set()).add(world.rules(words))
        people = {name for of, name in world.callers if of == "subject"}
        for (of, name), who in world.callers.items() if complete else ():
            for words in world.requests(who) if of != "role" or name not in people else ():
                if world.decide(words).allowed:
                    assert world.rules(words) in shown.get(name, ()), (
                        name,
                        words,
                        world.policy.document.rows,
                    )


@each_kind
def test_a_diff_is_what_a_brute_force_finds(kind: Kind) -> None:
    for world in worlds(kind):
        old, new = world.policy, world.edited
        found = diff(old, new)
        for change in (*found.cells, *found.people):
            words = {**change.caller.words, **change.endpoint.words}
            role = old.document.definition.shape.role
            brought = change.caller.roles or (words.get(role or "", ""),)
            answers = [together(world, brought, words, policy) for policy in (old, new)]
            assert answers == [not change.granted, change.granted], words
        if not told(found.notes, kind):
            continue
        named = {(change.caller.kind, change.caller.name) for change in (*found.cells, *found.people)}
        for key, who in {**callers_of(old), **callers_of(new)}.items():
            if any(
                world.decide(words, old).allowed != world.decide(words, new).allowed
                for words in world.requests(who)
            ):
                assert key in named, (key, old.document.rows, new.document.rows)
        names = sorted({value for who in world.callers.values() for value in who.values()})
        for combined in product(names, repeat=len(old.document.definition.shape.caller)):
            who = dict(zip(old.document.definition.shape.caller, combined, strict=True))
            for words in world.requests(who):
                if world.decide(words, old).allowed != world.decide(words, new).allowed:
                    assert not found.equivalent, (words, old.document.rows, new.document.rows)


@each_kind
def test_explain_is_what_a_brute_force_finds(kind: Kind) -> None:
    for world in worlds(kind):
        shape = world.policy.document.definition.shape
        for key, who in world.callers.items():
            if key == ("token", "any valid token") and shape.sub in {None, shape.role}:
                continue
            given = asking(key, who, shape)
            by_endpoint: dict[tuple[str, str], bool] = {}
            for words in world.requests(who):
                asked = words.get(shape.act or "", ""), words.get(shape.obj or "", "")
                by_endpoint[asked] = by_endpoint.get(asked, False) or world.decide(words).allowed
            for (act, obj), allowed in list(by_endpoint.items())[::3]:
                words = {
                    word: text for word, text in ((shape.act, act), (shape.obj, obj)) if word is not None
                }
                explained, besides, every = explain(
                    world.policy, given.get("roles", ()), given.get("sub"), words
                )
                assert world.decide({**who, **words, **besides}) == explained.decision
                if told(every.notes, kind):
                    assert explained.decision.allowed == allowed, (key, words, world.policy.document.rows)


@each_kind
def test_only_holds_for_those_who_may_and_for_no_fewer(kind: Kind) -> None:
    for world in worlds(kind):
        shape = world.policy.document.definition.shape
        unknown = {**world.callers["token", "any valid token"], **({shape.role: "zzz"} if shape.role else {})}
        ways = list(world.requests(dict.fromkeys(shape.caller, "")))
        Random(world.policy.revision).shuffle(ways)
        for words in ways[:4]:
            asked = {word: value for word, value in words.items() if word not in shape.caller}
            may = {key for key, who in world.callers.items() if world.decide({**who, **asked}).allowed}
            listed = sorted({name for of, name in may if of in {"role", "subject"}})
            outside = {of for of, _ in may} & {"nobody", "token"} or world.decide(
                {**unknown, **asked}
            ).allowed
            if outside or not listed or "" in asked.values():
                continue
            for names, holds in ((listed, True), (listed[1:], False)):
                if names:
                    assert passes(world.policy, names, asked) == holds, (
                        names,
                        asked,
                        world.policy.document.rows,
                    )


def passes(policy: Policy, names: list[str], asked: Words) -> bool:
    """Whether `only: names` holds for one line."""
    written = {"suite": "s", "tests": [{"name": "n", "only": names, "can": [dict(asked)], "unrouted": True}]}
    suite, problems = parse_suite(orjson.dumps(written), "suite.yaml")
    assert suite is not None, problems
    return not run(policy, [suite], KnownRoutes(())).failures


@each_kind
def test_replay_and_unused_are_what_a_brute_force_finds(kind: Kind, tmp_path: Path) -> None:
    for number, world in enumerate(worlds(kind)):
        asked = [words for who in world.callers.values() for words in world.requests(who)]
        asked = Random(world.policy.revision).sample(asked, min(len(asked), 60))
        path = tmp_path / f"{number}.jsonl"
        path.write_bytes(
            b"".join(orjson.dumps(recorded(world, at, words)) + b"\n" for at, words in enumerate(asked))
        )
        flipped = {flip.decision_id for flip in replay(world.edited, DecisionLines([path])).flips}
        differing = {
            str(at)
            for at, words in enumerate(asked)
            if world.decide(words).allowed != world.decide(words, world.edited).allowed
        }
        assert flipped == differing
        idle = {one.rule.line for one in unused(world.policy, DecisionLines([path])).rules}
        decided = {rule.line for words in asked if (rule := world.decide(words).rule) is not None}
        assert not idle & decided
        rows = [(rule.ptype, *rule.fields) for rule in world.policy.document.rules() if rule.line not in idle]
        less = read(kind, rows)
        for words in asked:
            assert world.decide(words, less).allowed == world.decide(words).allowed, (words, idle)


def recorded(world: World, number: int, words: Words) -> dict[str, Any]:
    """The line of the decision log for a request."""
    decision = world.decide(words)
    return {
        "event": "decision",
        "timestamp": "2026-01-01T00:00:00.000000Z",
        "decision_id": str(number),
        "roles": [],
        "sub": "",
        "act": "",
        "obj": "",
        "allowed": decision.allowed,
        "reason": decision.reason,
        "rule_line": decision.rule.line if decision.rule else None,
        "policy_revision": decision.revision,
        "via": "http",
        "request": dict(words),
    }


@each_kind
def test_a_diff_tells_whatever_changes_for_callers_with_several_roles(kind: Kind) -> None:
    for world in worlds(kind):
        old, new = world.policy, world.edited
        shape = old.document.definition.shape
        if shape.role is None or kind.effect in {FIRST, BY_SUBJECT} or not {"obj", "act"} <= set(old.words):
            continue
        routes = [
            Route(act, obj)
            for act, obj in product(*(kind.asked.get(word, ASKED[word]) for word in ("act", "obj")))
        ]
        found = diff(old, new, routes)
        told_changes = {
            (changed.endpoint.act, changed.endpoint.obj, changed.granted, named(changed.caller, shape))
            for changed in (*found.cells, *found.people)
        }
        for brought, words in brought_together(world, kind):
            before, after = (together(world, brought, words, policy) for policy in (old, new))
            if before == after or not told(found.notes, kind):
                continue
            member = {*brought, *reached_from(world, words.get(shape.sub or "", ""))}
            assert any(
                names <= member
                for act, obj, granted, names in told_changes
                if (act, obj, granted) == (words[str(shape.act)], words[str(shape.obj)], after)
            ), (brought, words, old.document.rows, new.document.rows)


def named(caller: Caller, shape: RequestShape) -> frozenset[str]:
    """The names by which a difference tells of a caller; of a role it is told for whoever has it."""
    words = (shape.role, shape.sub) if caller.kind == "subject" else (shape.role,)
    return frozenset(caller.roles or (caller.words[word] for word in words if word is not None))


def brought_together(world: World, kind: Kind) -> Iterator[tuple[tuple[str, ...], Words]]:
    """Two or three roles, somebody who brings them, and what they ask for."""
    shape = world.policy.document.definition.shape
    roles = sorted({*world.policy.names().roles, *world.edited.names().roles} - set(PEOPLE))
    people: tuple[str, ...] = ("zed",) if shape.sub in {None, shape.role} else ("zed", *PEOPLE)
    for number, person in product((2, 3), people):
        who = {} if shape.sub in {None, shape.role} else {str(shape.sub): person}
        for brought in combinations(roles, number):
            for words in kind.requests({**dict.fromkeys(shape.caller, ""), **who}):
                yield brought, words


def together(world: World, brought: tuple[str, ...], words: Words, policy: Policy) -> bool:
    """Any deny denies, else any allow allows."""
    role = policy.document.definition.shape.role or ""
    decisions = [world.decide({**words, role: name}, policy) for name in brought]
    denied = any(decision.reason == "denied_by_rule" for decision in decisions)
    return not denied and any(decision.allowed for decision in decisions)


def reached_from(world: World, person: str) -> set[str]:
    """The person, and the roles that links lead to in either document."""
    found, edge = {"", person}, {person}
    links = [row for policy in (world.policy, world.edited) for row in policy.document.rows.get("g", ())]
    while edge:
        edge = {row[1] for row in links if row[0] in edge} - found
        found |= edge
    return found
