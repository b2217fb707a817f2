"""Suggested tests, written into a file of policy tests as they must stand there."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import yaml
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from rbac.editing import replace
from rbac.errors import RbacError
from rbac.policy_tests.scenario_file import parse_suite

_HEAD = "suite: {}\n\ntests:\n"
_SUGGESTED = "What rbac test suggested"


class SuggestionFileError(RbacError):
    """A file to which no test can be added: no policy tests, or a list of them in another style."""

    code: ClassVar[str] = "suggestions_unwritable"


def add_suggestions(file: Path, suggestions: Sequence[str]) -> None:
    """Add ``suggestions`` at the end of ``file``, or make a file of them; without any, leave it alone.

    What stands in the file stays as it is. Raises SuggestionFileError, and OSError; the file is then as it was.
    """
    if suggestions:
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        replace(file, with_tests(file, before, suggestions, _SUGGESTED).encode())


def with_tests(file: Path, before: str, tests: Sequence[str], suite: str) -> str:
    """What ``file`` holds with ``tests`` behind what it held ``before``; one that held nothing is called ``suite``.

    Raises SuggestionFileError.
    """
    head = _HEAD.format(suite)
    if before.strip():
        indent = _indent(file, before)
        after = before.rstrip() + "\n"
    else:
        indent, after = 2, head
    for test in tests:
        blank = "\n" if after != head else ""
        after += blank + "".join(f"{' ' * indent}{line}\n" for line in test.rstrip().splitlines())
    parsed, problems = parse_suite(after.encode(), str(file))
    if parsed is None:
        raise SuggestionFileError(f"`{file}` would not read as policy tests any more: {problems[0].message}")
    return after


def _indent(file: Path, text: str) -> int:
    """How far the tests of a file are indented, if tests can be written behind its last line."""
    suite, problems = parse_suite(text.encode(), str(file))
    if suite is None:
        raise SuggestionFileError(f"`{file}` is no file of policy tests: {problems[0].message}")
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    last = root.value[-1] if isinstance(root, MappingNode) else (None, None)
    key, tests = last
    if not isinstance(key, ScalarNode) or key.value != "tests" or not isinstance(tests, SequenceNode):
        raise SuggestionFileError(f"`tests:` is not the last part of `{file}`: write them to another file")
    if tests.flow_style:
        raise SuggestionFileError(f"`tests:` is written in brackets in `{file}`: write them to another file")
    column: int = tests.start_mark.column
    return column
