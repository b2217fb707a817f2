"""Endpoints that an application did not have before, and who reaches them by the rules as they stand."""

from collections.abc import Sequence
from dataclasses import dataclass

from rbac.callers import Caller
from rbac.decision import Rule
from rbac.matrix import matrix
from rbac.policy import Policy
from rbac.routes import KnownRoutes, Route


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """A new endpoint; ``reached`` are those who may, each with the rule that allows it (``None``: by default)."""

    route: Route
    reached: tuple[tuple[Caller, Rule | None], ...]

    def by_rule(self) -> list[tuple[Rule | None, tuple[Caller, ...]]]:
        """For each rule whom it lets in."""
        found: dict[Rule | None, list[Caller]] = {}
        for caller, rule in self.reached:
            found.setdefault(rule, []).append(caller)
        return [(rule, tuple(callers)) for rule, callers in found.items()]


def new_endpoints(policy: Policy, old: Sequence[Route], new: Sequence[Route]) -> tuple[NewEndpoint, ...]:
    """The endpoints among ``new`` that are not among ``old``, and who reaches them under ``policy``."""
    before = {(route.act, route.obj) for route in old}
    added = KnownRoutes(tuple(route for route in new if (route.act, route.obj) not in before))
    if not added:
        return ()
    made = matrix(policy, added)
    found = []
    for route, cells in zip(added, zip(*made.cells, strict=True), strict=True):
        reached = tuple(
            (caller, cell.rule) for caller, cell in zip(made.callers, cells, strict=True) if cell.allowed
        )
        found.append(NewEndpoint(route, reached))
    return tuple(found)


def to_json(opened: Sequence[NewEndpoint]) -> list[dict[str, object]]:
    """For each new endpoint the callers that reach it, with the line of the rule that allows it."""
    return [
        {
            "act": one.route.act,
            "obj": one.route.obj,
            "reached": [
                {"role": caller.label, "rule": rule.line if rule else None} for caller, rule in one.reached
            ],
        }
        for one in opened
    ]
