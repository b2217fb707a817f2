"""What must never decide although every line can be read: a wrong matcher, pattern, priority or role link."""

import ast
from collections.abc import Iterator, Mapping, Sequence

from casbin.constant.constants import SUBJECT_PRIORITY_EFFECT
from casbin.util import util

from rbac.background import paced
from rbac.document.role_links import Chain, find_faults
from rbac.document.rows import FieldPlaces, RowsOfType
from rbac.errors import Problem, Severity
from rbac.model.definition import Definition
from rbac.model.entries import ModelEntry
from rbac.model.expression import (
    EVALUATED_FUNCTIONS,
    ExpressionError,
    check_names,
    evaluated,
    parse,
    parse_matcher,
    spared,
)
from rbac.model.own_functions import OwnFunctions
from rbac.model.patterns import (
    all_plain,
    invalid_pattern,
    literal_patterns,
    may_be_tried,
    pattern_columns,
    pattern_hint,
)


class DocumentErrors:
    """Everything wrong with rows that are well formed, given the model they are read for."""

    def __init__(
        self, definition: Definition, entries: Sequence[ModelEntry], model_name: str, functions: OwnFunctions
    ) -> None:
        self._definition = definition
        self._entries = {entry.key: entry for entry in entries}
        self._model_name = model_name
        self._functions = EVALUATED_FUNCTIONS | definition.roles.keys() | functions.keys()
        self.trees: dict[str, ast.expr] = {}

    def in_model(self) -> Iterator[Problem]:
        """Problems of the matchers. Only ``m`` decides: of others they are warnings."""
        for key, matcher in self._definition.matchers.items():
            severity: Severity = "error" if key == "m" else "warning"
            for error in self._in_matcher(key, matcher):
                yield self._at(key, error.needle, error.problem, str(error), error.hint, severity=severity)
        if self._definition.effects.get("e") == SUBJECT_PRIORITY_EFFECT and "g" not in self._definition.roles:
            message = "the effect `subjectPriority` needs the role definition `g`"
            hint = "add the section `[role_definition]` with a line `g = _, _`"
            yield self._at("e", "subjectPriority", "missing-definition", message, hint)

    def in_rows(self, kinds: Mapping[str, RowsOfType], text: str, name: str) -> Iterator[Problem]:
        """Problems of the rows: patterns, rule expressions, priorities, role links."""
        places = FieldPlaces(text)
        for ptype, words in self._definition.policies.items():
            kind = kinds[ptype]
            for field, code, message, hint, row in self._in_rules(ptype, words, kind):
                line = kind.lines[row]
                column = places.column(line, field)
                severity: Severity = "warning" if code == "invalid-condition" else "error"
                yield Problem(name, line, column, code, severity, message, hint)
        for ptype in self._definition.roles:
            kind = kinds[ptype]
            cycles, chains = find_faults(kind.rows, kind.lines, domains=ptype in self._definition.domains)
            yield from (_cycle(cycle, places, name) for cycle in cycles)
            yield from (_too_long(chain, places, name) for chain in chains)
        if evaluated(self._definition.matchers.get("m", "")) and not kinds["p"].rows:
            message = "there is no rule, and the matcher reads its condition from one"
            yield Problem(
                name, 0, 0, "no-rules", "error", message, "add a rule: Casbin answers nothing without one"
            )

    def _at(
        self, key: str, needle: str, code: str, message: str, hint: str, *, severity: Severity = "error"
    ) -> Problem:
        line, column = self._entries[key].find(needle)
        return Problem(self._model_name, line, column, code, severity, message, hint)

    def _words(self, key: str) -> frozenset[str]:
        """The names that a matcher may use: ``m`` is asked with ``r`` and ``p``, another with any of them."""
        definition = self._definition
        kinds = {**definition.requests, **definition.policies}
        chosen = {"r", "p"} if key == "m" else set(kinds)
        return frozenset(f"{kind}_{word}" for kind in chosen for word in kinds[kind])

    def _in_matcher(self, key: str, matcher: str) -> Iterator[ExpressionError]:
        words = self._words(key)
        names = evaluated(matcher)
        for name in names:
            if name not in words or name[0] != "p":
                message = f"`eval({name})` must name a word of the rule"
                hint = "name the column of a rule that holds its condition, as in `eval(p.condition)`"
                yield ExpressionError(message, "eval", "unknown-word", hint)
        try:
            tree = parse_matcher(matcher)
        except ExpressionError as error:
            yield error
            return
        self.trees[key] = tree
        yield from check_names(tree, words, self._functions)
        for function, pattern in literal_patterns(tree):
            fault = invalid_pattern(function, pattern)
            if fault is not None:
                message = f"`{pattern}` is no valid pattern for `{function}`: {fault}"
                yield ExpressionError(message, pattern, "invalid-pattern", pattern_hint(function))

    def _in_rules(
        self, ptype: str, words: Sequence[str], kind: RowsOfType
    ) -> Iterator[tuple[int, str, str, str, int]]:
        yield from _mixed_priorities(words, kind)
        for key, tree in self.trees.items():
            for name, functions in pattern_columns(tree).items():
                prefix, _, word = name.partition("_")
                if prefix == ptype and word in words:
                    names = tuple(f"{ptype}_{each}" for each in words)
                    yield from _invalid_patterns(tree, names, words.index(word), functions, kind)
            for name in evaluated(self._definition.matchers[key]):
                prefix, _, word = name.partition("_")
                if prefix == ptype and word in words:
                    kept = spared(self._definition.matchers[key], name)
                    yield from self._invalid_conditions(words.index(word), self._words(key), kind, kept)

    def _invalid_conditions(
        self, field: int, words: frozenset[str], kind: RowsOfType, never: frozenset[str]
    ) -> Iterator[tuple[int, str, str, str, int]]:
        """What is wrong with the conditions in a column, but for those that are ``never`` evaluated."""
        verdicts = dict.fromkeys(filter(_parses, never), "")
        for position, row in enumerate(paced(kind.rows)):
            condition = row[field]
            if condition not in verdicts:
                verdicts[condition] = self._condition_fault(condition, words)
            if verdicts[condition]:
                hint = "write a condition as the matcher would have it, such as `r.sub.age > 18`"
                yield field, "invalid-condition", verdicts[condition], hint, position

    def _condition_fault(self, condition: str, words: frozenset[str]) -> str:
        kept = util.escape_assertion(condition)
        try:
            tree = parse(kept)
            parse(f"({kept})")
            faults = [str(error) for error in check_names(tree, words, self._functions)]
        except ExpressionError as error:
            return str(error)
        if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
            return "the quotes make a text of the condition, which is neither true nor false"
        return faults[0] if faults else ""


def _parses(condition: str) -> bool:
    """Whether the matcher can still be read with a condition in it that is not evaluated."""
    try:
        parse(f"({util.escape_assertion(condition)})")
    except ExpressionError:
        return False
    return True


def _mixed_priorities(words: Sequence[str], kind: RowsOfType) -> Iterator[tuple[int, str, str, str, int]]:
    """Casbin sorts priorities as numbers if they are all digits, else as text, and fails over a mixture."""
    if "priority" not in words or not kind.rows:
        return
    field = words.index("priority")
    numeric = kind.rows[0][field].isdigit()
    for position, row in enumerate(paced(kind.rows)):
        value = row[field]
        if value.isdigit() != numeric or (value.isdigit() and not value.isdecimal()):
            message = f"the priority `{value}` cannot be compared with `{kind.rows[0][field]}`"
            yield field, "mixed-priority", message, "write every priority as a whole number", position


def _invalid_patterns(
    tree: ast.expr, names: Sequence[str], field: int, functions: frozenset[str], kind: RowsOfType
) -> Iterator[tuple[int, str, str, str, int]]:
    """The rules over whose pattern Casbin would fail, ``names`` being those of the columns in the matcher."""
    faults: dict[str, dict[str, tuple[str, str]]] = {}
    patterns = {row[field] for row in paced(kind.rows)}
    if all_plain(patterns):
        return
    for pattern in paced(patterns):
        for function in sorted(functions):
            fault = invalid_pattern(function, pattern)
            if fault is not None:
                message = f"`{pattern}` is no valid pattern for `{function}`: {fault}"
                faults.setdefault(pattern, {})[function] = message, pattern_hint(function)
    if not faults:
        return
    for position, row in enumerate(paced(kind.rows)):
        for function, told in faults.get(row[field], {}).items():
            if may_be_tried(tree, function, names[field], dict(zip(names, row, strict=True))):
                yield field, "invalid-pattern", *told, position
                break


def _arrows(chain: Chain) -> str:
    names = chain.names if len(chain.names) <= 12 else (*chain.names[:6], "…", *chain.names[-5:])
    return " → ".join(names)


def _cycle(chain: Chain, places: FieldPlaces, name: str) -> Problem:
    message = f"the roles inherit from each other in a circle: `{_arrows(chain)}`"
    hint = "delete one of these links, so that it is clear which role holds more"
    return Problem(name, chain.line, places.column(chain.line, 0), "role-cycle", "error", message, hint)


def _too_long(chain: Chain, places: FieldPlaces, name: str) -> Problem:
    message = (
        f"Casbin follows 9 role links and not the last of these {len(chain.names) - 1}: `{_arrows(chain)}`"
    )
    hint = f"link `{chain.names[0]}` or a role between them to `{chain.names[-1]}` directly"
    return Problem(
        name, chain.line, places.column(chain.line, 0), "role-chain-too-long", "error", message, hint
    )
