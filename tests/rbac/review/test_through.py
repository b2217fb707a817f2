"""People who call through programs: who-can, matrix and diff against every pair of the two, decided one by one."""

import os
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations, product
from random import Random
from typing import NamedTuple

import pytest

from rbac.asking import CallingProgram, answer
from rbac.diff.diff import diff
from rbac.diff.differences import Diff
from rbac.policy import Policy
from rbac.review.access import who_can
from rbac.review.matrix import matrix
from rbac.routes import Route
from tests.support.documents import MODEL

DOCUMENTS = int(os.environ.get("SEKISHO_DOCUMENTS", "40"))
ANN = "7f3c1e52-0000-0000-0000-000000000000"
PEOPLE = ("admin", "user", ANN)
PROGRAMS = ("client:bot", "scope:read", "scope:write")
ROUTES = tuple(Route(act, obj) for act, obj in product(("GET", "POST"), ("/a", "/b")))


class Half(NamedTuple):
    """One of the two who ask: the `sub` and the roles of a token, and the names that a difference tells it by."""

    sub: str
    roles: tuple[str, ...]

    @property
    def names(self) -> set[str]:
        return {self.sub, *self.roles}


HUMANS = [Half("somebody", roles) for number in (1, 2) for roles in combinations(("admin", "user"), number)]
HUMANS += [Half(ANN, ("",)), Half(ANN, ("user",))]
SCOPES = [scopes for number in (0, 1, 2) for scopes in combinations(("read", "write"), number)]
MACHINES = {scopes: CallingProgram.of("bot", scopes) for scopes in SCOPES}


def written(dice: Random) -> list[str]:
    names = (*PEOPLE, *PROGRAMS, "authenticated")
    rules = [
        f"p, {dice.choice(names)}, {dice.choice(('/a', '/b', '/*'))}, {dice.choice(('GET', 'POST', '*'))}, "
        f"{dice.choice(('allow', 'allow', 'deny'))}"
        for _ in range(dice.randint(2, 6))
    ]
    links = [
        f"g, {dice.choice((ANN, 'client:bot'))}, {dice.choice(('admin', 'user'))}"
        for _ in range(dice.randint(0, 2))
    ]
    return list(dict.fromkeys((*rules, *links, "p, admin, /a, GET, allow")))


@cache
def documents() -> list[tuple[Policy, Policy]]:
    """Documents, each with an edit of one or two lines of it."""
    found = []
    for seed in range(DOCUMENTS):
        dice = Random(f"through {seed}")
        rows = written(dice)
        edited = [row for row in rows[:-1] if dice.random() > 0.2] + written(dice)[: dice.randint(0, 2)]
        found.append((read(rows), read([*dict.fromkeys((*edited, rows[-1]))])))
    return found


def read(rows: Sequence[str]) -> Policy:
    return Policy.parse(MODEL, "\n".join(rows).encode())


def allowed(policy: Policy, half: Half, route: Route) -> bool:
    return answer(policy, (half.sub, half.roles[0], route.obj, route.act), half.roles).allowed


def pairs() -> Iterator[tuple[Half, Half]]:
    for human, machine in product(HUMANS, MACHINES.values()):
        yield human, Half(machine.sub or "", machine.roles)


@pytest.mark.parametrize("scopes", SCOPES, ids="+".join)
def test_what_is_allowed_through_a_program_is_what_both_may_do(scopes: tuple[str, ...]) -> None:
    program = MACHINES[scopes]
    machine = Half(program.sub or "", program.roles)
    for policy, _ in documents():
        table = matrix(policy, ROUTES, through=program)
        assert not {caller.name for caller in table.callers} & {"nobody", *PROGRAMS}
        for route in ROUTES:
            both = {
                name
                for name, half in (("any valid token", Half("x", ("",))), ("admin", Half("x", ("admin",))))
                if allowed(policy, half, route) and allowed(policy, machine, route)
            }
            found = who_can(policy, route.act, route.obj, ROUTES, through=program)
            column = [
                endpoint.obj == route.obj and endpoint.act == route.act for endpoint in table.endpoints
            ].index(True)
            shown = {c.name for c, row in zip(table.callers, table.cells, strict=True) if row[column].allowed}
            assert {reach.caller.name for reach in found} == shown
            assert shown & {"any valid token", "admin"} == both
            assert found.program is not None
            assert found.program.allowed == allowed(policy, machine, route)


def test_a_diff_names_one_of_the_two_for_whatever_changes_for_a_person_through_a_program() -> None:
    for old, new in documents():
        found = diff(old, new, ROUTES)
        for (human, machine), route in product(pairs(), ROUTES):
            before, after = (
                allowed(policy, human, route) and allowed(policy, machine, route) for policy in (old, new)
            )
            if before != after:
                assert any(
                    names <= human.names | reached(old, new, human)
                    or names <= machine.names | reached(old, new, machine)
                    for names in told(found, route, granted=after)
                ), (human, machine, route, old.document.rows, new.document.rows)


def told(found: Diff, route: Route, *, granted: bool) -> Iterator[set[str]]:
    """The names of each caller of whom the difference tells that the endpoint changes so."""
    for change in (*found.cells, *found.people):
        if (change.endpoint.act, change.endpoint.obj, change.granted) == (route.act, route.obj, granted):
            caller = change.caller
            person = {caller.words["sub"]} if caller.kind == "subject" else set()
            yield (set(caller.roles) or {caller.words["role"]} - {""}) | person


def reached(old: Policy, new: Policy, half: Half) -> set[str]:
    """The roles that links give this half, in either document."""
    links = [row for policy in (old, new) for row in policy.document.rows.get("g", ())]
    return {row[1] for row in links if row[0] in half.names}
