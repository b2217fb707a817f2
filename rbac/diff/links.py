"""The role links behind a difference: what came, went, or carries something else, and for how many endpoints."""

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

from rbac.diff.differences import Change, LinkChange, each_once
from rbac.model.expression import calls
from rbac.policy import Policy


def link_changes(
    old: Policy, new: Policy, cells: Iterable[Change], people: Iterable[Change]
) -> Iterator[LinkChange]:
    """Role links that came, went, or carry something else, in the order of the documents."""
    of_caller: dict[str, list[Change]] = {}
    for change in (*cells, *people):
        of_caller.setdefault(change.caller.name, []).append(change)
    before, after = (_links(policy) for policy in (old, new))
    in_domain = _in_domain(new)
    counts: dict[tuple[str, tuple[str, ...]], tuple[int, int]] = {}
    for link, line in {**before, **after}.items():
        user, role, *domains = link
        state: Literal["added", "removed", "kept"] = "kept"
        if link not in before or link not in after:
            state = "added" if link in after else "removed"
        name = role if state == "kept" else user
        # Many people are linked to one role: what changes for it is counted once.
        key = name, tuple(domains)
        if key not in counts:
            found = of_caller.get(name, ())
            changes = each_once(change for change in found if in_domain(change, domains))
            granted = sum(change.granted for change in changes)
            counts[key] = granted, len(changes) - granted
        if any(counts[key]):
            yield LinkChange(user, role, state, line, *counts[key], ", ".join(domains))


def _links(policy: Policy) -> dict[tuple[str, ...], int]:
    document = policy.document
    rows = document.rows.get("g", ())
    return {tuple(row): line for row, line in zip(rows, document.lines.get("g", ()), strict=True)}


def _in_domain(policy: Policy) -> Callable[[Change, Sequence[str]], bool]:
    """Whether a change is in the domains of a link, by what the matcher asks for links with."""
    definition = policy.document.definition
    asked = [arguments[2:] for name, arguments in calls(definition.tree) if name == "g"]

    def value(node: ast.expr, change: Change) -> str | None:
        if isinstance(node, ast.Constant):
            return str(node.value)
        side, _, name = node.id.partition("_") if isinstance(node, ast.Name) else ("", "", "")
        if side == "r":
            return {**change.caller.words, **change.endpoint.words}.get(name)
        rule = (change.new if change.granted else change.old).rule
        known = side == "p" and rule is not None and name in definition.policy_words
        return rule.fields[definition.policy_words.index(name)] if known and rule is not None else None

    def holds(change: Change, domains: Sequence[str]) -> bool:
        # What is not known does not tell a link from another one.
        return not domains or any(
            all(value(node, change) in {None, domain} for node, domain in zip(nodes, domains, strict=False))
            for nodes in asked
        )

    return holds
