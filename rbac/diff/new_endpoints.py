"""Endpoints that an application did not have before, and who reaches them by the rules as they stand."""

from collections.abc import Sequence
from dataclasses import dataclass

from rbac.decision import Rule
from rbac.policy import Policy
from rbac.review.access import Listing
from rbac.review.matrix import matrix
from rbac.routes import KnownRoutes, Route
from rbac.space.callers import Caller, Endpoint


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """A new endpoint, or some of its paths that are open to others; ``reached`` are those who may, each with the rule
    that allows it (``None``: by default)."""

    endpoint: Endpoint
    reached: tuple[tuple[Caller, Rule | None], ...]

    def by_rule(self) -> list[tuple[Rule | None, tuple[Caller, ...]]]:
        """For each rule whom it lets in."""
        found: dict[Rule | None, list[Caller]] = {}
        for caller, rule in self.reached:
            found.setdefault(rule, []).append(caller)
        return [(rule, tuple(callers)) for rule, callers in found.items()]


def new_endpoints(policy: Policy, old: Sequence[Route], new: Sequence[Route]) -> Listing[NewEndpoint]:
    """The endpoints among ``new`` that are not among ``old``, and who reaches them under ``policy``; ``notes`` say which
    are too many to be asked about."""
    before = {(route.act, route.obj) for route in old}
    added = {(route.act, route.obj) for route in new} - before
    if not added:
        return Listing((), ())
    made = matrix(policy, KnownRoutes(tuple(new)), only=added)
    found = []
    for endpoint, cells in zip(made.endpoints, zip(*made.cells, strict=True), strict=True):
        reached = tuple(
            (caller, cell.rule) for caller, cell in zip(made.callers, cells, strict=True) if cell.allowed
        )
        found.append(NewEndpoint(endpoint, reached))
    return Listing(tuple(found), made.notes)


def to_json(opened: Sequence[NewEndpoint]) -> list[dict[str, object]]:
    """For each new endpoint the callers that reach it, with the line of the rule that allows it."""
    return [
        {
            "act": one.endpoint.act,
            "obj": one.endpoint.obj,
            **one.endpoint.of_template,
            "reached": [
                {"role": caller.label, "rule": rule.line if rule else None} for caller, rule in one.reached
            ],
        }
        for one in opened
    ]
