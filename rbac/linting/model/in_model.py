"""Warnings about what the model says where rules say nothing, and about text that Casbin rewrites inside quotes."""

import ast
import itertools
import re
from collections.abc import Iterator

from casbin.constant.constants import DENY_OVERRIDE_EFFECT
from casbin.model.function import FunctionMap
from casbin.util import SimpleEval

from rbac.errors import Problem
from rbac.linting.reading.subject import Reading
from rbac.model.expression import evaluated, rewrite
from rbac.model.parser import evaluator

_LITERAL = re.compile(r""""[^"]*"|'[^']*'""")
_REWRITTEN = re.compile(r"&&|\|\||!(?!=)|\b[rp]\d*\.")
_MOST_TRIALS = 64
_WITHOUT_OPERATORS = "compare with a text that holds none of `&&`, `||`, `!`, `r.` and `p.`"


def check_model(reading: Reading) -> Iterator[Problem]:
    yield from _default(reading)
    yield from _empty(reading)
    yield from _rewritten_literals(reading)
    yield from _rewritten_conditions(reading)


def _default(reading: Reading) -> Iterator[Problem]:
    if reading.document.definition.effect == DENY_OVERRIDE_EFFECT:
        message = "with this effect everything is allowed that no rule denies"
        hint = (
            "write `some(where (p.eft == allow)) && !some(where (p.eft == deny))`, so that rules must allow"
        )
        yield reading.in_model("e", "!some", "allows-by-default", message, hint)
        return
    request = _allowed_without_rules(reading)
    if request is not None:
        words = reading.document.definition.request_words
        asked = ", ".join(f"{word} = {value}" for word, value in zip(words, request, strict=True))
        message = f"the matcher allows a request even when there is no rule at all, such as `{asked}`"
        hint = "let every way through the matcher compare the request with a rule's columns (`p.…`)"
        yield reading.in_model("m", "m", "allows-by-default", message, hint)


def _empty(reading: Reading) -> Iterator[Problem]:
    """A document without a rule, where the matcher reads rules: it may be loaded, but nobody means it."""
    if reading.document.rows.get("p") or not _reads_rules(reading):
        return
    if reading.document.definition.effect == DENY_OVERRIDE_EFFECT:
        outcome = "every request is allowed"
    elif _allowed_without_rules(reading) is None:
        outcome = "every request is refused"
    else:
        outcome = "nothing is allowed but what the matcher allows by itself"
    name = reading.document.policy_name
    message = f"there is no rule, so {outcome}"
    yield Problem(name, 0, 0, "empty-policy", "error", message, "add a rule, a line that begins with `p`")


def _reads_rules(reading: Reading) -> bool:
    return any(isinstance(node, ast.Name) and node.id.startswith("p_") for node in ast.walk(reading.tree))


def _allowed_without_rules(reading: Reading) -> tuple[str, ...] | None:
    """A request of non-empty words that the matcher allows when every ``p.*`` is ``""``, as Casbin asks then."""
    definition = reading.document.definition
    if evaluated(definition.matcher):
        return None  # Casbin refuses to answer without rules
    literals = reading.relations.texts
    choices = [
        (*literals.get(f"r_{word}", ()), "x", f"x{index}")
        for index, word in enumerate(definition.request_words)
    ]
    expressions = [
        _without_rules(reading, own=said)
        for said in ((False, True) if reading.document.functions else (False,))
    ]
    nothing = {f"p_{word}": "" for word in definition.policy_words}
    for request in itertools.islice(itertools.product(*choices), _MOST_TRIALS):
        words = {f"r_{word}": value for word, value in zip(definition.request_words, request, strict=True)}
        if all(_is_true(expression, {**words, **nothing}) for expression in expressions):
            return request
    return None


def _without_rules(reading: Reading, *, own: bool) -> SimpleEval:
    """The matcher where no link leads anywhere, and where every function of one's own answers ``own``: of what one
    does nothing is known, so that what is said of the matcher must hold either way."""
    definition = reading.document.definition
    functions = FunctionMap.load_function_map().get_functions()
    functions.update(dict.fromkeys(reading.document.functions, lambda *_words, **_named: own))
    functions.update({role: lambda *names: names[0] == names[1] for role in definition.roles})
    return evaluator(rewrite(definition.matcher), functions)


def _is_true(expression: SimpleEval, names: dict[str, str]) -> bool:
    try:
        return bool(expression.eval(names))
    except Exception:  # noqa: BLE001 - a request of made-up words may be one that the matcher fails over: no answer
        return False


def _rewritten_literals(reading: Reading) -> Iterator[Problem]:
    for key in reading.document.definition.matchers:
        for line, text in reading.entries[key].parts:
            for literal in _LITERAL.finditer(text):
                match = _REWRITTEN.search(literal.group())
                if match is not None:
                    column = literal.start() + match.start() + 1
                    message = f"Casbin rewrites the `{match.group()}` inside `{literal.group()}` as if it were no text"
                    hint = _WITHOUT_OPERATORS
                    yield Problem(
                        reading.document.model_name,
                        line,
                        column,
                        "operator-in-text",
                        "warning",
                        message,
                        hint,
                    )


def _rewritten_conditions(reading: Reading) -> Iterator[Problem]:
    """The same in the conditions that the matcher reads from rules."""
    for name in evaluated(reading.document.definition.matcher):
        column = reading.column(name.removeprefix("p_"))
        for line, row in reading.rules() if column is not None else ():
            for literal in _LITERAL.finditer(row[column or 0]):
                match = _REWRITTEN.search(literal.group())
                if match is not None:
                    message = f"Casbin rewrites the `{match.group()}` inside `{literal.group()}` as if it were no text"
                    yield reading.in_rule(line, column or 0, "operator-in-text", message, _WITHOUT_OPERATORS)
