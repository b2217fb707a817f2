"""What the policy tests do not touch: rules that decide none of their requests, links that none needs, cells."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rbac.callers import ANY_TOKEN, NOBODY
from rbac.decision import Rule
from rbac.policy import Policy
from rbac.questions import Question
from rbac.routes import NO_ROUTES, KnownRoutes, Route
from rbac.scenarios import Report

Chain = tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A role and a known endpoint."""

    role: str
    route: Route


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a document its tests exercise.

    A rule counts when it decides a request of some test, a role link when it leads from the caller of such a request
    to the deciding rule. ``cells`` is the number of roles (nobody and any valid token among them) times endpoints.
    """

    rules: int
    uncovered: tuple[Rule, ...]
    cells: int
    unmentioned: tuple[Cell, ...]

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
    links = _Links(rules)
    touched: set[int] = set()
    for case in report.cases:
        rule = case.decision.rule
        if rule is not None:
            touched.add(rule.line)
            touched |= links.lines(case.question, rule)
    uncovered = tuple(rule for rule in rules if rule.line not in touched)
    roles = (NOBODY, ANY_TOKEN, *policy.roles)
    mentioned = _mentioned((case.question for case in report.cases), routes)
    unmentioned = tuple(
        Cell(role, route)
        for route in routes
        for role in roles
        if (role, route.act, route.obj) not in mentioned
    )
    return Coverage(len(rules), uncovered, len(roles) * len(routes), unmentioned)


def _mentioned(asked: Iterable[Question], routes: KnownRoutes) -> set[tuple[str, str, str]]:
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


class _Links:
    """The role links of a document, and which of them lead from one name to another."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._from: dict[tuple[str, str], list[Rule]] = {}
        for rule in rules:
            if rule.ptype.startswith("g"):
                self._from.setdefault((rule.ptype, rule.fields[0]), []).append(rule)
        self._kinds = {kind for kind, _ in self._from}
        self._reach: dict[tuple[str, str], Mapping[str, Chain]] = {}

    def lines(self, question: Question, rule: Rule) -> set[int]:
        """The lines of the links between what a request says and what its deciding rule says."""
        said = {value for value in (*question.request, *question.roles) if value}
        named = set(rule.fields)
        found: set[int] = set()
        for kind in self._kinds:
            for name in said - named:
                chains = self._chains(kind, name)
                for goal in named & chains.keys():
                    domains = {link.fields[2:] for link in chains[goal]}
                    if all(said.issuperset(domain) or named.issuperset(domain) for domain in domains):
                        found |= {link.line for link in chains[goal]}
        return found

    def _chains(self, kind: str, start: str) -> Mapping[str, Chain]:
        """Every name that links of one kind lead to from ``start``, with the shortest chain to it."""
        key = kind, start
        if key in self._reach:
            return self._reach[key]
        reached: dict[str, Chain] = {}
        waiting: list[tuple[str, Chain]] = [(start, ())]
        for name, chain in waiting:
            for link in self._from.get((kind, name), ()):
                goal = link.fields[1]
                if goal != start and goal not in reached:
                    reached[goal] = (*chain, link)
                    waiting.append((goal, reached[goal]))
        self._reach[key] = reached
        return reached
