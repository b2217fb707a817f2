"""Locking one person out fails no test of what everyone has; giving one person more fails the tests that forbid it."""

from pathlib import Path

import pytest

from rbac.policy import Policy
from rbac.policy_tests.run import check_tests
from tests.support.command import ROOT

PERSON = "7f3c1e52-0000-0000-0000-000000000000"


def shipped(*rules: str) -> Policy:
    policy = (ROOT / "policy.csv").read_bytes() + "".join(f"{rule}\n" for rule in rules).encode()
    return Policy.parse((ROOT / "model.conf").read_bytes(), policy)


def test_the_shipped_tests_let_one_person_be_locked_out() -> None:
    assert check_tests(shipped(f"p, {PERSON}, /*, *, deny"), [ROOT / "policy_tests"]) == ()


def test_the_shipped_tests_notice_that_one_person_may_administer() -> None:
    problems = check_tests(shipped(f"p, {PERSON}, /admin, GET, allow"), [ROOT / "policy_tests"])
    assert [problem.code for problem in problems] == ["test-failed"]
    assert f"{PERSON} can GET /admin, and should not" in problems[0].message


@pytest.mark.parametrize(("only", "holds"), [(f"[{PERSON}]", False), ("[everyone]", True)])
def test_a_person_whom_only_names_must_have_it(only: str, holds: bool, tmp_path: Path) -> None:
    model = (ROOT / "model.conf").read_bytes()
    policy = Policy.parse(model, f"p, everyone, /, GET, allow\np, {PERSON}, /*, *, deny\n".encode())
    (tmp_path / "t.yaml").write_text(f"suite: s\ntests:\n  - {{name: n, only: {only}, can: [GET /]}}\n")
    assert (check_tests(policy, [tmp_path]) == ()) is holds
