"""What the policy tests do not touch: rules that decide none of their requests, links that none needs, cells."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rbac.asking import ANY_TOKEN, NOBODY
from rbac.decision import Rule
from rbac.decision_log.needed_links import LinkUse
from rbac.policy import Policy
from rbac.policy_tests.questions import ScenarioQuestion
from rbac.policy_tests.run import Report
from rbac.routes import NO_ROUTES, KnownRoutes, Route


@dataclass(frozen=True, slots=True)
class UnmentionedCell:
    """A role and a known endpoint."""

    role: str
    route: Route


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a document its tests exercise.

    A rule counts when it decides a request of some test, a role link when such a decision needs it, as ``rbac unused``
    takes a link to be needed. ``cells`` is the number of roles (nobody and any valid token among them) times endpoints.
    """

    rules: int
    uncovered: tuple[Rule, ...]
    cells: int
    unmentioned: tuple[UnmentionedCell, ...]

    @property
    def exercised(self) -> int:
        """The rules and links that some test exercises."""
        return self.rules - len(self.uncovered)

    @property
    def percent(self) -> float:
        """Of all rules and links, 0 to 100; a document without any is covered."""
        return 100.0 * self.exercised / self.rules if self.rules else 100.0

    def to_json(self) -> dict[str, Any]:
        """The coverage as ``rbac test --format json`` shows it; ``uncovered`` are lines of the policy."""
        return {
            "rules": self.rules,
            "exercised": self.exercised,
            "uncovered": [rule.line for rule in self.uncovered],
            "cells": self.cells,
            "unmentioned": [
                {"role": cell.role, "act": cell.route.act, "obj": cell.route.obj} for cell in self.unmentioned
            ],
        }


def cover(policy: Policy, report: Report, routes: KnownRoutes = NO_ROUTES) -> Coverage:
    """What the tests of ``report``, which were asked of ``policy``, leave untouched."""
    rules = tuple(policy.document.rules())
    links = LinkUse(policy)
    touched: set[int] = set()
    for case in report.cases:
        for decision, request in case.question.deciding(policy):
            if decision.rule is not None:
                touched.add(decision.rule.line)
                touched |= links.of(decision.rule, request)
    uncovered = tuple(rule for rule in rules if rule.line not in touched)
    roles = (NOBODY, ANY_TOKEN, *policy.roles)
    mentioned = _mentioned((case.question for case in report.cases), routes)
    unmentioned = tuple(
        UnmentionedCell(role, route)
        for route in routes
        for role in roles
        if (role, route.act, route.obj) not in mentioned
    )
    return Coverage(len(rules), uncovered, len(roles) * len(routes), unmentioned)


def _mentioned(asked: Iterable[ScenarioQuestion], routes: KnownRoutes) -> set[tuple[str, str, str]]:
    """The cells that some question is about."""
    meant: dict[tuple[str, str], tuple[Route, ...]] = {}
    mentioned: set[tuple[str, str, str]] = set()
    for question in asked:
        if question.role is None:
            continue
        key = question.act, question.obj
        if key not in meant:
            meant[key] = routes.matching(*key)
        mentioned |= {(question.role, route.act, route.obj) for route in meant[key]}
    return mentioned
