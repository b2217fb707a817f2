"""Roles against endpoints: what each role may do, cell by cell, as the enforcer decides it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rbac.asking import answer
from rbac.callers import Caller, Endpoint, callers_of, check_given, endpoints_of
from rbac.decision import Decision, Rule
from rbac.policy import Policy
from rbac.routes import Route
from rbac.space import Space


class Cell(NamedTuple):
    """Whether a role may do it, by which rule, and whether it is another role's rule that says so."""

    allowed: bool
    rule: Rule | None
    inherited: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    """``cells[i][j]`` is what ``callers[i]`` may do to ``endpoints[j]``. ``notes`` say what may be
    missing."""

    revision: str
    callers: tuple[Caller, ...]
    endpoints: tuple[Endpoint, ...]
    cells: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...]


def matrix(policy: Policy, routes: Sequence[Route] = (), *, given: Mapping[str, str] | None = None) -> Matrix:
    """The rows are nobody, any valid token, every role, and every person whom the document names; the columns
    the known routes, or what the rules are about."""
    space = Space((policy,), routes, given=given)
    check_given(space, given)
    everybody = callers_of(space)
    people = {caller.name for caller in everybody if caller.kind == "subject"}
    # A rule about one person makes them a role to Casbin: they are one row, as the person they are.
    callers = tuple(caller for caller in everybody if caller.kind != "role" or caller.name not in people)
    endpoints = endpoints_of(space)
    column = policy.relations.role_column
    rows = []
    for caller in callers:
        decisions = (
            answer(policy, space.request({**caller.words, **endpoint.words})) for endpoint in endpoints
        )
        rows.append(tuple(_cell(caller, decision, column) for decision in decisions))
    notes = space.notes_about(space.besides) if routes else space.notes
    return Matrix(policy.revision, callers, endpoints, tuple(rows), notes)


def _cell(caller: Caller, decision: Decision, role_column: int | None) -> Cell:
    rule = decision.rule
    inherited = (
        rule is not None
        and caller.kind in {"role", "subject"}
        and role_column is not None
        and rule.fields[role_column] != caller.name
    )
    return Cell(decision.allowed, rule, inherited)
