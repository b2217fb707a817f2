"""Python's own parser, for one thread at a time.

CPython 3.11 counts the depth of a tree in a place that all threads share (since python/cpython#95185): of two threads
that parse at once, either can meet ``SystemError: AST constructor recursion depth mismatch``. Policies are loaded, explained
and compared in several threads, so whatever parses holds this lock, Casbin's evaluator included. It is held for one
text at a time, and a decision through the index parses nothing.
"""

import ast
from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any, Final

from casbin.util import SimpleEval

PARSER: Final = RLock()  # a finalizer that runs in mid-parse may parse too


def parse_python(text: str) -> list[ast.stmt]:
    """The statements of ``text``. Raises what :func:`ast.parse` raises."""
    with PARSER:
        return ast.parse(text).body


def evaluator(expression: str, functions: Mapping[str, Callable[..., Any]]) -> SimpleEval:
    """Casbin's evaluator of a Python expression. It parses here, and never when it is asked."""
    with PARSER:
        return SimpleEval(expression, dict(functions))
