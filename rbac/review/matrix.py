"""Roles against endpoints: what each role may do, cell by cell, as the enforcer decides it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from rbac.asking import CallingProgram, answer
from rbac.decision import Decision, Rule
from rbac.policy import Policy
from rbac.review.through import Through
from rbac.review.told_of_templates import decided
from rbac.routes import Route
from rbac.space.callers import Caller, Endpoint, callers_of, check_given, endpoints_of, parts_of
from rbac.space.space import Space

MOST_CELLS: Final = 1_000_000
"""More cells than this are not asked about: whole endpoints are left out, or where there are more callers, callers."""


_ADMINISTRATIVE: Final = ("admin", "debug", "policy", "root", "internal", "metrics", "secret", "token")


def danger(
    kinds: Collection[str], rule: Rule | None, path: str, *, undone_deny: bool = False
) -> tuple[str, int]:
    """Why it is dangerous that callers of these ``kinds`` are allowed ``path`` by ``rule``, and how much: 0 is worst.

    "" and 5 where nothing is.
    """
    tests: Sequence[tuple[str, Callable[[], bool]]] = (
        ("open to everyone, without a token", lambda: "nobody" in kinds),
        ("open to any valid token", lambda: "token" in kinds),
        ("a deny no longer applies", lambda: undone_deny),
        ("by a wildcard", lambda: rule is not None and any("*" in field for field in rule.fields)),
        ("an administrative path", lambda: any(word in path.lower() for word in _ADMINISTRATIVE)),
    )
    return next(((text, rank) for rank, (text, test) in enumerate(tests) if test()), ("", 5))


class Cell(NamedTuple):
    """Whether a role may do it, by which rule, whether it is another role's rule that says so, and why that is dangerous,
    as :func:`danger` says."""

    allowed: bool
    rule: Rule | None
    inherited: bool
    danger: str = ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """``cells[i][j]`` is what ``callers[i]`` may do to ``endpoints[j]``. ``notes`` say what may be
    missing."""

    revision: str
    callers: tuple[Caller, ...]
    endpoints: tuple[Endpoint, ...]
    cells: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...]


def matrix(
    policy: Policy,
    routes: Sequence[Route] = (),
    *,
    through: CallingProgram | None = None,
    given: Mapping[str, str] | None = None,
    only: Collection[tuple[str, str]] | None = None,
) -> Matrix:
    """The rows are nobody, any valid token, every role, and every person whom the document names; the columns
    the known routes, or what the rules are about. Behind a route stands a path of each kind in it that is decided
    otherwise for somebody. ``through`` is a program that all of them call through: nobody, and no program, has a row then,
    and what is allowed is what both may do. ``only`` are the routes to ask about, by action and path, where not all of
    them are. Where there are more than :data:`MOST_CELLS` cells, ``notes`` say which are left out; those that are there are
    exact."""
    space = Space((policy,), routes, given=given)
    check_given(space, given)
    program = Through(space, through)
    everybody = tuple(program.people(callers_of(space)))
    people = {caller.name for caller in everybody if caller.kind == "subject"}
    # A rule about one person makes them a role to Casbin: they are one row, as the person they are.
    everyone = [caller for caller in everybody if caller.kind != "role" or caller.name not in people]
    callers = tuple(everyone[:MOST_CELLS])
    column = policy.relations.role_column

    def decide(endpoint: Endpoint) -> list[Decision]:
        asked = [(caller, {**caller.besides, **endpoint.words}) for caller in callers]
        return [
            program.bounded(answer(policy, space.request({**caller.words, **words})), words)
            for caller, words in asked
        ]

    wanted = [one for one in endpoints_of(space) if only is None or (one.act, one.obj) in only]
    asked = _affordable(space, wanted, len(callers))
    if len(asked) < len(wanted) or len(callers) < len(everyone):
        space.note(_left_out(len(asked), len(wanted), len(callers), len(everyone)))
    found = [one for endpoint in asked for one in decided(space, endpoint, decide)]
    rows = tuple(
        tuple(_cell(caller, endpoint, decisions[number], column) for endpoint, decisions in found)
        for number, caller in enumerate(callers)
    )
    # Who else there is besides the rows is of no interest: combinations of a person and a role are none of them.
    notes = space.notes_about(space.besides if routes else space.words)
    return Matrix(policy.revision, callers, tuple(endpoint for endpoint, _ in found), rows, notes)


def _affordable(space: Space, endpoints: Sequence[Endpoint], callers: int) -> list[Endpoint]:
    """The endpoints that can be asked about for so many callers, from the first, each with all that rules tell apart in
    it."""
    left = MOST_CELLS
    found = []
    for endpoint in endpoints:
        if left < callers:
            break
        cells = callers * (1 + len(parts_of(space, endpoint)))
        if cells <= left:
            found.append(endpoint)
            left -= cells
    return found


def _left_out(asked: int, endpoints: int, callers: int, everybody: int) -> str:
    parts = [
        *([f"{asked:,} of {endpoints:,} endpoints"] if asked < endpoints else []),
        *([f"{callers:,} of {everybody:,} callers"] if callers < everybody else []),
    ]
    return (
        f"there are more than {MOST_CELLS:,} cells, and only {' and '.join(parts)} are shown: `--routes` takes a file with"
        " the endpoints to ask about, `rbac can` asks for one caller, and `rbac who-can` for one endpoint"
    )


def _cell(caller: Caller, endpoint: Endpoint, decision: Decision, role_column: int | None) -> Cell:
    rule = decision.rule
    inherited = (
        rule is not None
        and caller.kind in {"role", "subject"}
        and role_column is not None
        and rule.fields[role_column] != caller.name
    )
    why = danger((caller.kind,), rule, endpoint.obj)[0] if decision.allowed else ""
    return Cell(decision.allowed, rule, inherited, why)
