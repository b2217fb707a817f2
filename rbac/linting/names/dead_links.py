"""Links that nothing can meet: in a domain that is none, or for a pattern where names are compared letter by letter."""

import ast
import re
from collections.abc import Iterator

from rbac.background import paced
from rbac.errors import Problem
from rbac.linting.reading.subject import Reading
from rbac.model.expression import calls
from rbac.model.request_shape import HTTP_METHODS
from rbac.text.wording import also_on

_PATTERN = re.compile(r"/.*(?:\*|/:\w|\{\w+\})", re.DOTALL)
WILD = "*"


def check_dead_links(reading: Reading) -> Iterator[Problem]:
    """Links that hold in the domain `*`, or for a path pattern, where the matcher looks for neither."""
    for ptype, rows in reading.document.rows.items():
        if ptype[0] != "g":
            continue
        lines = reading.document.lines[ptype]
        wild = [
            line
            for line, row in paced(zip(lines, rows, strict=True))
            if ptype in reading.document.definition.domains and row[2] == WILD
        ]
        if wild and only_request_domains(reading, ptype):
            message = f"the link holds in a domain that is called `*`, not in every domain{also_on(wild)}"
            hint = f'write one link for each domain, or let the matcher ask `{ptype}(r.sub, p.sub, "*")`, too'
            yield reading.in_rule(wild[0], 2, "dead-link", message, hint)
        for line, row in paced(zip(lines, rows, strict=True)):
            if _PATTERN.match(row[0]):
                message = f"`{row[0]}` is no pattern in a link: `{ptype}` compares names letter by letter"
                hint = (
                    "link each name, or compare with the pattern in a rule, as in `keyMatch2(r.obj, p.obj)`"
                )
                yield reading.in_rule(line, 0, "dead-link", message, hint)
    yield from _no_callers(reading)


def _no_callers(reading: Reading) -> Iterator[Problem]:
    """Links of `g` that give a role to a path or to a method, in a model that asks `g` about callers alone."""
    definition, path = reading.document.definition, reading.path_column
    caller = {definition.shape.words.index(word) for word in definition.shape.caller}
    asked = {pair.word for pair in reading.relations.pairs if pair.how == "role"}
    if path is None or not asked or not asked <= caller:
        return
    others = reading.words[path]
    for line, row in paced(zip(reading.document.lines["g"], reading.document.rows["g"], strict=True)):
        kind = (
            "method" if row[0] in HTTP_METHODS else "path" if row[0] in others and row[0][:1] == "/" else ""
        )
        if kind and not _PATTERN.match(row[0]):
            message = f"`{row[0]}` is a {kind}, and no caller's role: the link gives nothing"
            yield reading.in_rule(line, 0, "dead-link", message, "write `g, who, role`")


def only_request_domains(reading: Reading, ptype: str) -> bool:
    """Whether every call takes the domain from the request, where nobody calls one `*`."""
    asked = [arguments[2:3] for function, arguments in calls(reading.tree) if function == ptype]
    names = [one[0].id if one and isinstance(one[0], ast.Name) else "" for one in asked]
    return bool(names) and all(name.startswith("r_") for name in names)
