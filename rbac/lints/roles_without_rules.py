"""Links to a role that no rule names: they give nobody anything."""

import ast
from collections.abc import Iterator, Mapping

from rbac.errors import Problem
from rbac.expression import calls
from rbac.lints.alike import Alike
from rbac.lints.reading import Reading, ancestors
from rbac.pacing import paced


def check_roles_without_rules(reading: Reading) -> Iterator[Problem]:
    """A link to a role that no rule names, also not through further links, gives nobody anything."""
    for ptype, used in _used_by_matcher(reading).items():
        links: dict[str, dict[str, int]] = {}
        rows = zip(reading.document.lines[ptype], reading.document.rows[ptype], strict=True)
        for line, row in paced(rows):
            links.setdefault(row[0], {}).setdefault(row[1], line)
        known: dict[str, tuple[str, ...]] = {}
        named = Alike(used)
        told = set()
        for roles in paced(links.values()):
            for role, line in roles.items():
                if (
                    role in told
                    or role in used
                    or any(name in used for name in ancestors(links, role, known))
                ):
                    continue
                told.add(role)
                told_here = _without_rules(reading, ptype, role, named.nearest(role))
                yield reading.in_rule(line, 1, "role-without-rules", *told_here)


def _without_rules(reading: Reading, ptype: str, role: str, near: str) -> tuple[str, str]:
    """What to say of a link to a role that no rule is for; rules may have the name in another column, or be for a
    role that is spelled nearly the same (``near``)."""
    words = reading.document.definition.policy_words
    column = next((index for index, names in enumerate(reading.words) if role in names), None)
    if column is None:
        return (
            f"no rule names `{role}`, so this link gives nothing",
            (f"did you mean `{near}`? else " if near else "")
            + f"add a rule for `{role}`, or delete the link",
        )
    word = words[column]
    message = f"rules have `{role}` as their `{word}`, where the matcher follows no link of `{ptype}`: it gives nothing"
    return message, f"delete the link, or let the matcher follow links there, as in `g2(r.{word}, p.{word})`"


def _used_by_matcher(reading: Reading) -> Mapping[str, set[str]]:
    """For each link type, the names that the matcher compares with it; no entry where that cannot be told."""
    used: dict[str, set[str]] = {}
    unknown = set()
    for function, arguments in calls(reading.tree):
        if function not in reading.document.definition.roles:
            continue
        second = arguments[1]
        column = reading.column(second.id.removeprefix("p_")) if isinstance(second, ast.Name) else None
        names = used.setdefault(function, set())
        if isinstance(second, ast.Constant):
            names.add(str(second.value))
        elif column is None:
            unknown.add(function)
        else:
            names.update(row[column] for row in paced(reading.document.rows["p"]))
    return {ptype: names for ptype, names in used.items() if ptype not in unknown}
