"""The roles that a policy can tell apart from one that it does not know."""

import re

from rbac.formula import NoFormulaError, formula_of
from rbac.policy import Policy


def told_apart(policy: Policy) -> frozenset[str]:
    """The roles that some rule is about, or one that they inherit from; all where that cannot be known.

    Any other role of the policy, such as one that only links name, has what an unknown role has.
    """
    relations, document = policy.relations, policy.document
    column = relations.role_column
    try:
        formula_of(document.definition)
    except NoFormulaError:
        return frozenset(policy.roles)
    if column is None or any(pair.column == column and pair.how == "pattern" for pair in relations.pairs):
        return frozenset(policy.roles)
    holders: dict[str, list[str]] = {}
    for row in document.rows.get("g", ()):
        holders.setdefault(row[1], []).append(row[0])
    # A name that the matcher spells has a meaning without any rule.
    spelled = re.findall(r"""["']([^"']*)["']""", document.definition.matcher)
    found = dict.fromkeys([*(row[column] for row in document.rows["p"]), *spelled])
    waiting = list(found)
    for name in waiting:
        inheriting = [holder for holder in holders.get(name, ()) if holder not in found]
        found |= dict.fromkeys(inheriting)
        waiting += inheriting
    return frozenset(found)
