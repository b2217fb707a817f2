"""Python's own parser, for one thread at a time.

CPython 3.11 counts the depth of a tree in a place that all threads share (since python/cpython#95185): of two threads
that parse at once, either can meet ``SystemError: AST constructor recursion depth mismatch``. Policies are loaded,
explained and compared in several threads, so whatever parses does so here, Casbin's evaluator included: under a lock
that is held for one text. A decision through the index parses nothing.

Others in the process do not know of the lock, such as the standard library, which parses the lines of a traceback. The
error says nothing about the text, so what meets it is parsed once more.
"""

import ast
from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any, Final, TypeVar

from casbin.util import SimpleEval

T = TypeVar("T")

_PARSER: Final = RLock()  # a finalizer that runs in mid-parse may parse too
_TRIES: Final = 10


def alone(parse: Callable[[], T]) -> T:
    """What ``parse`` returns or raises, called while no other thread is in here."""
    with _PARSER:
        for _ in range(_TRIES - 1):
            try:
                return parse()
            except SystemError:
                continue
        return parse()


def parse_python(text: str) -> list[ast.stmt]:
    """The statements of ``text``. Raises what :func:`ast.parse` raises."""
    return alone(lambda: ast.parse(text).body)


def evaluator(expression: str, functions: Mapping[str, Callable[..., Any]]) -> SimpleEval:
    """Casbin's evaluator of a Python expression. It parses here, and never when it is asked."""
    return alone(lambda: SimpleEval(expression, dict(functions)))
