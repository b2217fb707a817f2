"""No answer about a route with parameters is false for any of its paths: can, who-can, matrix and diff, by brute force.

``SEKISHO_DOCUMENTS=200`` asks that many documents of each kind of model; the suite asks a few.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from random import Random
from typing import Final

import pytest

from rbac.diff.diff import diff
from rbac.diff.differences import Change
from rbac.errors import PolicyError
from rbac.policy import Policy
from rbac.review.access import can, who_can
from rbac.review.matrix import matrix
from rbac.routes import Route
from rbac.space.callers import Endpoint
from tests.support import random_policies as random
from tests.support.question_kinds import BOTH, DENY, FIRST, STAR, WHO

DOCUMENTS = int(os.environ.get("SEKISHO_DOCUMENTS", "20"))

ROLES: Final = ("admin", "user", "everyone", "authenticated")
TEMPLATES: Final = (
    "/o/{id}",
    "/o/{id}/f",
    "/{top}/{id}",
    "/o/{id:int}",
    "/o/me",
    "/f/{rest:path}",
    "/o/me/{x}",
    "/f/*",
)
SEGMENTS: Final = ("x", "7", "12", "777", "me", "mx", "ab", "zz9", "sp", "o")
PATHS: Final = (
    *(f"/o/{segment}" for segment in SEGMENTS),
    *(f"/o/{segment}/f" for segment in SEGMENTS),
    *(f"/f/{segment}" for segment in (*SEGMENTS, "")),
    *(f"/f/{one}/{two}" for one, two in product(SEGMENTS[:5], (*SEGMENTS[:6], "f"))),
    *(f"/o/me/{segment}" for segment in (*SEGMENTS[:4], "f")),
    *(f"/{segment}/x" for segment in SEGMENTS),
    *(f"/{segment}/me" for segment in SEGMENTS),
)
PATTERNS: Final[Mapping[str, Sequence[str]]] = {
    "keyMatch3": (
        *("/o/{id}", "/o/*", "/*", "/o/me", "/o/7", r"/o/\d+", "/o/...", "/o/m.", "/o/{id}/f", "/o/me/f"),
        *(
            "/f/*",
            "/f/x",
            "/f/x/{y}",
            "/f/*/f",
            "/{a}/x",
            "/{a}/{b}",
            "/o/[0-9]{2}",
            r"/f/\d+/x",
            "/o/(7|me)",
            "/(o|f)/{y}",
            "/o/x|/o/12",
            "/{a}(/x|/me)",
            "/(f|o)/*",
        ),
    ),
    "keyMatch": ("/o/*", "*", "/o/m*", "/o/7", "/o/me/f", "/f/x*", "/f/*", "/o/7*", "/*"),
    "keyMatch2": (
        "/o/:id",
        "/o/*",
        "*",
        "/o/7",
        "/o/:id/f",
        "/:a/x",
        "/f/*",
        "/f/x/:y",
        r"/o/\d+",
        "/o/m.",
        "/:a/:b",
    ),
    "keyMatch4": ("/o/{id}", "/o/7", "/{a}/{b}", "/o/{id}/f", "/f/{a}/{b}", "/o/x{id}", "/f/*", "/o/me"),
    "keyMatch5": ("/o/{id}", "/o/7", "/{a}/{b}", "/o/{id}/f", "/f/*", "/o/me", "/f/*/f"),
    "regexMatch": (
        *(
            "^/o/[^/]+$",
            "^/o/7",
            "/o/[0-9]+$",
            "^/o/.*$",
            "^/f/x",
            ".*",
            "^/o/m?e?$",
            "/o/(7|me)$",
            "^/(o|f)/x",
            "^/o/x$|^/f/7",
            "^/o(/7|/x)$",
            "^(/o|/f)/ab",
        ),
        *("^/o/[^/]+/f$", "^/o/7?/f$", r"^/f/\d/?x?$", "me$"),
    ),
    "equal": ("/o/7", "/o/me", "/f/x", "/f/x/7", "/o/ab", "/o/12/f", "/x/x"),
}


@dataclass(frozen=True)
class Kind:
    """One kind of model: by which function it compares paths, and what its effect is."""

    function: str
    effect: str
    ties: bool = False

    @property
    def model(self) -> str:
        paths = "r.obj == p.obj" if self.function == "equal" else f"{self.function}(r.obj, p.obj)"
        root = ' || r.sub == "root"' if self.ties else ""
        matcher = f"{WHO} && {paths} && {STAR}{root}"
        return (
            "[request_definition]\nr = sub, role, obj, act\n[policy_definition]\np = role, obj, act, eft\n"
            f"[role_definition]\ng = _, _\n[policy_effect]\ne = {self.effect}\n[matchers]\nm = {matcher}\n"
        )

    def rule(self, dice: Random) -> tuple[str, ...]:
        role = dice.choice((*ROLES, "admin", "user", "ann@x"))
        eft = dice.choice(("allow", "allow", "deny"))
        return ("p", role, dice.choice(PATTERNS[self.function]), dice.choice(("GET", "DELETE", "*")), eft)

    def rows(self, dice: Random) -> list[tuple[str, ...]]:
        links = [("g", "admin", "user")] * dice.randint(0, 1) + [("g", "ann@x", "user")] * dice.randint(0, 1)
        return list(dict.fromkeys((*(self.rule(dice) for _ in range(dice.randint(1, 6))), *links)))

    def edited(self, rows: Sequence[tuple[str, ...]], dice: Random) -> list[tuple[str, ...]]:
        edited, place = list(rows), dice.randrange(len(rows))
        if dice.random() < 0.4 and len(rows) > 1:
            del edited[place]
        if dice.random() < 0.8:
            edited.insert(place, self.rule(dice))
        return list(dict.fromkeys(edited))


KINDS: Final = (
    *(Kind(function, BOTH) for function in PATTERNS),
    Kind("keyMatch3", DENY),
    Kind("keyMatch3", FIRST),
    Kind("keyMatch3", BOTH, ties=True),
    Kind("equal", BOTH, ties=True),
)
each_kind = pytest.mark.parametrize(
    "kind", KINDS, ids=lambda kind: f"{kind.function} {kind.effect} {kind.ties}"
)


@dataclass
class World:
    """Two documents, the routes, and for each route the paths that are its own."""

    kind: Kind
    policy: Policy
    edited: Policy
    routes: Sequence[Route]
    answers: dict[tuple[str, ...], bool] = field(default_factory=dict)

    @cached_property
    def own(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """The paths of each route but for those for which there is a finer route with the same action."""
        met = {route: {path for path in PATHS if route.matches(path)} for route in self.routes}
        return {
            (route.act, route.obj): tuple(
                path
                for path in PATHS
                if path in met[route]
                and not any(
                    other.act == route.act and path in met[other] and met[other] < met[route]
                    for other in self.routes
                )
            )
            for route in self.routes
        }

    def allows(self, who: Mapping[str, str], act: str, path: str, policy: Policy | None = None) -> bool:
        policy = policy or self.policy
        words = {**dict.fromkeys(policy.words, ""), **who, "act": act, "obj": path}
        key = (policy.revision, *(words[word] for word in policy.words))
        if key not in self.answers:
            self.answers[key] = policy.decide(**words).allowed
        return self.answers[key]

    def together(
        self, who: Mapping[str, str], act: str, path: str, policy: Policy, roles: Sequence[str]
    ) -> bool:
        """Any deny denies, else any allow allows."""
        word = policy.document.definition.shape.role or ""
        asked = {**dict.fromkeys(policy.words, ""), **who, "act": act, "obj": path}
        decisions = [policy.decide(**asked | {word: role}) for role in roles]
        denied = any(decision.reason == "denied_by_rule" for decision in decisions)
        return not denied and any(decision.allowed for decision in decisions)

    def told(self, notes: Sequence[str]) -> None:
        """All of this can be told."""
        assert not notes, self.shown(notes)

    def shown(self, *more: object) -> object:
        documents = self.policy.document.policy_bytes.decode(), self.edited.document.policy_bytes.decode()
        return (*more, *documents, self.routes)


def worlds(kind: Kind) -> Iterator[World]:
    found = seed = 0
    while found < DOCUMENTS:
        dice = Random(f"{kind} {seed}")
        seed += 1
        rows = kind.rows(dice)
        texts = [
            "".join(", ".join(row) + "\n" for row in listed) for listed in (rows, kind.edited(rows, dice))
        ]
        try:
            old, new = (random.read(kind.model, text) for text in texts)
        except PolicyError:
            continue
        found += 1
        chosen = dice.sample(TEMPLATES, dice.randint(1, 4))
        routes = [
            Route(act, obj) for obj in sorted(chosen) for act in ("DELETE", "GET") if dice.random() < 0.8
        ]
        if routes:
            yield World(kind, old, new, routes)


def is_concrete(path: str, template: str) -> bool:
    """Whether this is a path that lies in the template, and no pattern."""
    return Route("", template).matches(path) and not set(path) & set("*{}()[]\\|^$+") and ".." not in path


@each_kind
def test_a_matrix_says_how_every_path_of_a_route_is_decided(kind: Kind) -> None:
    for world in worlds(kind):
        made = matrix(world.policy, world.routes)
        world.told(made.notes)
        rows: dict[tuple[str, str], dict[tuple[bool, ...], Endpoint]] = {}
        for endpoint, cells in zip(made.endpoints, zip(*made.cells, strict=True), strict=True):
            allowed = tuple(cell.allowed for cell in cells)
            path = endpoint.words["obj"]
            assert allowed == tuple(world.allows(c.words, endpoint.act, path) for c in made.callers)
            assert is_concrete(path, endpoint.template or endpoint.obj), world.shown(path)
            told = rows.setdefault((endpoint.act, endpoint.template or endpoint.obj), {})
            assert not endpoint.template or allowed != next(iter(told)), world.shown(endpoint)
            told.setdefault(allowed, endpoint)
        for (act, template), paths in world.own.items():
            for path in paths:
                found = tuple(world.allows(caller.words, act, path) for caller in made.callers)
                assert found in rows[act, template], world.shown(act, template, path)


@each_kind
def test_can_says_of_every_path_of_a_route_whether_a_caller_may(kind: Kind) -> None:
    for world in worlds(kind):
        token = {"sub": "zed", "role": ""}
        callers: Sequence[tuple[dict[str, object], Mapping[str, str]]] = (
            ({}, {}),
            ({"sub": "ann@x"}, {"sub": "ann@x"}),
            ({"sub": "root"}, {"sub": "root"}),
            ({"roles": ["admin"]}, {**token, "role": "admin"}),
            ({"roles": ["user"]}, {**token, "role": "user"}),
        )
        for asking, who in callers:
            listed = can(world.policy, world.routes, **asking)  # type: ignore[arg-type]  # one of two keywords
            world.told(listed.notes)
            rows: dict[tuple[str, str], set[bool]] = {}
            for endpoint, decision in listed:
                path = endpoint.words["obj"]
                assert world.allows(who, endpoint.act, path) == decision.allowed
                assert is_concrete(path, endpoint.template or endpoint.obj)
                rows.setdefault((endpoint.act, endpoint.template or endpoint.obj), set()).add(
                    decision.allowed
                )
                assert all(
                    world.allows(who, endpoint.act, one) != decision.allowed for one in endpoint.but_not
                )
            for (act, template), paths in world.own.items():
                for path in paths:
                    assert world.allows(who, act, path) in rows[act, template], world.shown(who, act, path)


@each_kind
def test_who_can_says_of_every_path_of_a_route_who_may(kind: Kind) -> None:
    for world in worlds(kind):
        callers = matrix(world.policy).callers
        for (act, template), paths in world.own.items():
            found = who_can(world.policy, act, template, world.routes)
            world.told(found.notes)
            everywhere = {reach.caller.label: reach.but_not for reach in found}
            parts: dict[str, list[str]] = {}
            for reach in found.parts:
                parts.setdefault(reach.caller.label, []).append(reach.part or "")
            for caller in callers:
                shut, open_ = everywhere.get(caller.label, ()), parts.get(caller.label, ())
                assert all(is_concrete(path, template) for path in (*shut, *open_)), world.shown(shut, open_)
                assert not any(world.allows(caller.words, act, path) for path in shut)
                assert all(world.allows(caller.words, act, path) for path in open_)
                may = {world.allows(caller.words, act, path) for path in paths}
                if caller.label in everywhere and not shut:
                    assert may <= {True}, world.shown(caller.label, act, template)
                elif caller.label not in everywhere and not open_:
                    assert may <= {False}, world.shown(caller.label, act, template)


@each_kind
def test_a_diff_says_of_every_path_of_a_route_what_changes(kind: Kind) -> None:
    for world in worlds(kind):
        found = diff(world.policy, world.edited, world.routes)
        world.told(found.notes)
        told: dict[tuple[str, bool, str, str], list[Change]] = {}
        for change in (*found.cells, *found.people):
            endpoint, who = change.endpoint, change.caller.words
            path = endpoint.words["obj"]
            roles = change.caller.roles
            assert gained(world, who, endpoint.act, path, roles) == (1 if change.granted else -1)
            if endpoint.known:
                template = endpoint.template or endpoint.obj
                told.setdefault((change.caller.label, change.granted, endpoint.act, template), []).append(
                    change
                )
                for one in (*endpoint.but_not, *([path] if endpoint.template else [])):
                    assert is_concrete(one, template), world.shown(one)
                for one in endpoint.but_not:
                    assert gained(world, who, endpoint.act, one, roles) != (1 if change.granted else -1)
            else:
                of_route = [
                    route for route in world.routes if route.act == endpoint.act and route.matches(path)
                ]
                assert not of_route, world.shown(change.caller.label, endpoint.label, of_route)
        callers = {
            caller.label: caller
            for policy in (world.policy, world.edited)
            for caller in matrix(policy).callers
        }
        for caller, (key, paths) in product(callers.values(), world.own.items()):
            for granted, sign in ((True, 1), (False, -1)):
                changes = told.get((caller.label, granted, *key), [])
                hits = {gained(world, caller.words, key[0], path) == sign for path in paths}
                whole = [change for change in changes if not change.endpoint.template]
                if not changes:
                    assert hits <= {False}, world.shown(caller.label, granted, key)
                elif whole and not whole[0].endpoint.but_not:
                    assert hits <= {True}, world.shown(caller.label, granted, key)


def gained(world: World, who: Mapping[str, str], act: str, path: str, roles: Sequence[str] = ()) -> int:
    """1 for what is granted, -1 for what is revoked; to somebody who brings all of ``roles``, where there are any."""
    old, new = (
        world.together(who, act, path, policy, roles) if roles else world.allows(who, act, path, policy)
        for policy in (world.policy, world.edited)
    )
    return new - old
