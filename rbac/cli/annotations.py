"""Problems as pipelines show them beside the line: SARIF 2.1.0, and GitHub's workflow commands."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePath
from typing import Any, Final

from rbac.document.problem_codes import PROBLEM_CODES
from rbac.errors import Problem

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(problems: Sequence[Problem]) -> dict[str, Any]:
    """One SARIF run, with all that GitHub asks for.

    Columns count characters, and a problem of a whole file stands on its first line.
    """
    codes = sorted({problem.code for problem in problems})
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "rbac check",
                        "version": _version(),
                        "rules": [_rule(code) for code in codes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(problem, codes) for problem in problems],
            }
        ],
    }


def _version() -> str:
    try:
        return version("sekisho")
    except PackageNotFoundError:
        return "0"


def _rule(code: str) -> dict[str, Any]:
    known = PROBLEM_CODES[code]
    return {
        "id": code,
        "shortDescription": {"text": code.replace("-", " ")},
        "fullDescription": {"text": known.meaning},
        "help": {"text": known.remedy},
        "defaultConfiguration": {"level": known.severity},
    }


def _result(problem: Problem, codes: Sequence[str]) -> dict[str, Any]:
    text = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
    line, column = max(problem.line, 1), max(problem.column, 1)
    region = {"startLine": line, "startColumn": column, "endLine": line, "endColumn": column + 1}
    return {
        "ruleId": problem.code,
        "ruleIndex": codes.index(problem.code),
        "level": problem.severity,
        "message": {"text": text},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": _uri(problem.file)}, "region": region}}
        ],
        # The place moves when lines are inserted above; what is said about it does not.
        "partialFingerprints": {"problem/v1": f"{problem.code}:{problem.message}"},
    }


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else "/".join(map(_quoted, path.parts))


def _quoted(part: str) -> str:
    from urllib.parse import quote

    return quote(part)


def github_commands(problems: Sequence[Problem]) -> str:
    """One workflow command a problem, which GitHub turns into an annotation of the line."""
    return "".join(_command(problem) for problem in problems)


def _command(problem: Problem) -> str:
    properties = {"file": problem.file}
    if problem.line:
        properties |= {"line": str(problem.line), "col": str(problem.column)}
    properties["title"] = problem.code
    listed = ",".join(f"{key}={_escaped(value, ':,')}" for key, value in properties.items())
    text = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
    return f"::{problem.severity} {listed}::{_escaped(text)}\n"


def _escaped(text: str, more: str = "") -> str:
    """As GitHub's own toolkit escapes it, so that a message cannot end its line and begin another command."""
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
