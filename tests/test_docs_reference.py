"""The pages of the reference that are made from code are what the code makes today."""

import ast
import json
import re
from collections.abc import Iterator
from typing import get_args

import pytest

from app.decision_point.question import MalformedRequest
from rbac.cli import COMMANDS
from rbac.decision_log.buffer import DecisionLogUnavailable
from rbac.guard.http.target import AmbiguousTargetError
from rbac.guard.identity.errors import KeysUnavailable, RejectionReason, Unauthenticated
from rbac.guard.refusals import AuthenticationRequired, InvalidPath
from rbac.guard.request_words import InvalidHost
from tests.support.command import ROOT
from tests.support.reference import PAGES

AGAIN = "python -m tests.support.reference"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_its_code_makes(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == PAGES[name](), AGAIN


def test_every_command_has_its_section() -> None:
    page = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    assert re.findall(r"^## ([a-z-]+)$", page, re.MULTILINE) == list(COMMANDS)


def _written_reasons() -> Iterator[str]:
    """Reasons that are written as they are where something is rejected."""
    for package in ("rbac", "app"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in {"reject", "_rejected"}
                ):
                    texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
                    yield from (text for text in texts if isinstance(text, str) and text)


def _leaves(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _leaves(below)


def test_the_schema_of_the_log_knows_every_reason_that_is_written() -> None:
    schema = json.loads((ROOT / "docs/decision-log.schema.json").read_text(encoding="utf-8"))
    known = set(schema["$defs"]["rejection"]["properties"]["reason"]["enum"])
    raised = (
        InvalidPath,
        InvalidHost,
        AuthenticationRequired,
        KeysUnavailable,
        DecisionLogUnavailable,
        AmbiguousTargetError,
        MalformedRequest,
        Unauthenticated,
    )
    codes = {vars(leaf)["code"] for kind in raised for leaf in _leaves(kind) if "code" in vars(leaf)}
    assert known == codes | set(get_args(RejectionReason)) | set(_written_reasons()) | {
        Unauthenticated.reason
    }
