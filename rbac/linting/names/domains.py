"""The domains of rules and links: where they stand, and the names that only resemble a domain of the policy."""

import ast
from collections import Counter
from collections.abc import Iterator

from rbac.background import in_order, paced, take_apart
from rbac.errors import Problem
from rbac.linting.names.role_words import several
from rbac.linting.reading.subject import Reading
from rbac.linting.reading.wider_columns import read_columns
from rbac.model.expression import calls
from rbac.model.functions import MATCHING
from rbac.text.nearest import Nearest, skeleton

_USED = 3  # a name that so many lines have is a domain of this policy


class Domains:
    """Which column of a rule says its domain, and which words of it are for one domain alone."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._columns = read_columns(reading)

    def of_request(self, name: str) -> int | None:
        """The column that has to be the request's word ``r_dom``, by this very text or by a pattern."""
        words = self._reading.document.definition.request_words
        word = name.removeprefix("r_")
        if not name.startswith("r_") or word not in words:
            return None
        related = {relation.column for relation in self._reading.relations.of_word(words.index(word))}
        found = (
            index
            for index in sorted(related)
            if self._columns[index].kind in {"words", "pattern"} and not self._columns[index].by_role
        )
        return next(found, None)

    def column(self, node: ast.expr) -> int | None:
        """The column of rules that has to be the domain which ``g`` is asked with as ``node``, if there is one."""
        if not isinstance(node, ast.Name):
            return None
        if node.id.startswith("p_"):
            return self._reading.column(node.id.removeprefix("p_"))
        return self.of_request(node.id)

    def single(self, column: int, word: str) -> bool:
        """Whether a rule with ``word`` in its column of domains is for the domain of that name alone."""
        kind = self._columns[column]
        if word in {*kind.always, *kind.often}:
            return False
        return kind.kind != "pattern" or (kind.function in MATCHING and word.replace("_", "").isalnum())


def check_domains(reading: Reading) -> Iterator[Problem]:
    """Domains of rules that are written like another one: a mistyped tenant has no other rules, and nobody notices.

    A link in a domain without rules is told for that (:mod:`rbac.linting.names.roles_without_rules`).
    """
    found = in_order(_named(reading))
    uses = Counter(name for _, _, name, _ in found)
    first: dict[str, tuple[int, int]] = {}
    of_rules: dict[str, tuple[int, int]] = {}
    for line, column, name, in_link in paced(found):
        first.setdefault(name, (line, column))
        if not in_link:
            of_rules.setdefault(name, (line, column))
    drawn: dict[str, str] = {}
    for name in paced(in_order(first, key=lambda name: (-uses[name], first[name]))):
        drawn.setdefault(skeleton(name), name)
    known = Nearest({name for name, number in uses.items() if number >= _USED})
    for name, place in paced(of_rules.items()):
        original = drawn[skeleton(name)]
        apart = several(name, first.keys())
        if original != name:
            where = f"`{original}` on line {first[original][0]}"
            hint = f"write `{original}` if you mean the same, else choose a name that cannot be mistaken"
            message = f"the domain `{name}` looks like {where}, and is another one"
            yield reading.in_rule(*place, "look-alike-name", message, hint)
        elif apart is not None:
            yield reading.in_rule(*place, "several-names", *apart)
        elif uses[name] == 1 and (meant := known.slip(name)):
            message = f"no other line has the domain `{name}`, and {uses[meant]} lines have `{meant}`"
            hint = f"did you mean `{meant}`? a domain that other lines name, too, is not told"
            yield reading.in_rule(*place, "unknown-domain", message, hint)
    known.take_apart()
    take_apart(found)
    for made in (uses, first, of_rules, drawn):
        take_apart(made)


def _named(reading: Reading) -> Iterator[tuple[int, int, str, bool]]:
    """Every domain with its line and its column, and whether it is a link's."""
    domains = Domains(reading)
    columns, in_links = set(), False
    for function, arguments in calls(reading.tree):
        if function == "g" and function in reading.document.definition.domains and len(arguments) > 2:
            in_links = True
            column = domains.column(arguments[2])
            columns |= set() if column is None else {column}
    for line, row in reading.rules() if columns else ():
        for column in columns:
            if domains.single(column, row[column]):
                yield line, column, row[column], False
    links = zip(reading.document.lines.get("g", ()), reading.document.rows.get("g", ()), strict=True)
    if in_links:
        yield from ((line, 2, row[2], True) for line, row in paced(links))
