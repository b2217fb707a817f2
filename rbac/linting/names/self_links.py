"""A role link of a name to itself: seed scripts write it, and it does nothing."""

from collections.abc import Iterator
from dataclasses import replace

from rbac.errors import Problem
from rbac.linting.reading.subject import Reading


def check_self_links(reading: Reading) -> Iterator[Problem]:
    """A warning; an error where requests have a word for the role apart from the person, as a service fills them.

    There nobody writes such a link by a script, and whoever did meant another name.
    """
    document = reading.document
    shape = document.definition.shape
    for ptype in document.definition.roles:
        for line, row in zip(document.lines[ptype], document.rows[ptype], strict=True):
            if row[0] != row[1]:
                continue
            problem = reading.in_rule(
                line,
                1,
                "self-link",
                f"the link gives `{row[0]}` to itself, which does nothing",
                "name the role that is meant, or delete the line",
            )
            yield replace(problem, severity="error") if shape.role != shape.sub is not None else problem
