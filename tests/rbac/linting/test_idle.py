"""What a hint about a role that nobody holds tells to write can be written, and is what it says."""

import re

import pytest
import yaml

from rbac.document.document import Document
from rbac.linting.lint import lint
from rbac.policy_tests.scenario_file import parse_suite
from tests.support.command import MODEL

RULES = "p, manager, /a, GET, allow\np, manager, /b, GET, allow\np, manager, /c, GET, allow\n"
NAMES = (
    "[manager]", "{manager}", "<manager>", "#manager", "&manager", "%manager", "role:manager", "role: manager", "yes",
    "null", "007", "1.5", "on", "=", "ghost # gone", "a:", "-", "? x", "2001-01-01", "ghost", "no body",
)  # fmt: skip


def hints(line: str) -> list[str]:
    document = Document.parse(MODEL.encode(), f"{RULES}{line}\n".encode())
    return [problem.hint for problem in lint(document) if problem.code == "unknown-role"]


@pytest.mark.parametrize("name", NAMES)
def test_the_role_that_a_hint_tells_to_write_in_a_policy_test_reads_as_that_role(name: str) -> None:
    told = [
        found for hint in hints(f"p, {name}, /a, GET, deny") for found in re.findall(r"`(role: .*?)`", hint)
    ]
    for written in told:
        assert yaml.safe_load(written) == {"role": name}
        body = f"suite: s\ntests:\n  - name: n\n    {written}\n    can: [GET /a]\n"
        suite, problems = parse_suite(body.encode(), "t.yaml")
        assert suite is not None, problems


def test_most_of_these_names_are_told() -> None:
    assert sum(bool(hints(f"p, {name}, /a, GET, deny")) for name in NAMES) > len(NAMES) // 2


@pytest.mark.parametrize("rule", ["p, bob, /*, *, deny", "p, bob, /a, GET, deny"])
def test_who_denies_a_person_by_a_name_is_told_of_the_sub(rule: str) -> None:
    (hint,) = hints(rule)
    assert "write their `sub`" in hint


@pytest.mark.parametrize("name", ["[manager]", "<manager>", "ROLE_manager", "managers"])
def test_an_allow_for_a_name_that_only_resembles_a_role_is_told(name: str) -> None:
    (hint,) = hints(f"p, {name}, /d, GET, allow")
    assert "did you mean `manager`?" in hint
