"""The commands find policy tests where the service does: as `POLICY_TESTS` says, else in `policy_tests`."""

import pytest

from tests.support.command import Workshop
from tests.support.command import rbac as run

DENY = "p, auditor, /user, GET, deny"
TEST = "suite: s\ntests:\n  - {name: elsewhere, role: auditor, cannot: [GET /user]}\n"
CHECK = ("check", "--routes", "none")


@pytest.fixture
def shop(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """A rule for a role that only a policy test knows, which does not lie beside the policy."""
    workshop.rules("p, user, /user, GET, allow", "p, everyone, /user, GET, allow", DENY)
    workshop.write("elsewhere/tests.yaml", TEST)
    monkeypatch.chdir(workshop.folder)
    return workshop


@pytest.mark.parametrize("by", ["option", "setting"])
def test_check_knows_the_roles_of_the_tests_that_the_service_runs(
    shop: Workshop, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "`auditor`" in run(*CHECK).out
    if by == "setting":
        monkeypatch.setenv("POLICY_TESTS", "elsewhere")
    assert "`auditor`" not in run(*CHECK, *(("--tests", "elsewhere") if by == "option" else ())).out


def test_a_place_that_is_not_there_is_bad_usage(shop: Workshop) -> None:
    assert run(*CHECK, "--tests", "nowhere").code == 2


def test_test_runs_the_tests_that_the_service_runs(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write("policy_tests/tests.yaml", TEST.replace("elsewhere", "beside"))
    assert "beside" in run("test", "--routes", "none").out
    monkeypatch.setenv("POLICY_TESTS", "elsewhere")
    out = run("test", "--routes", "none").out
    assert "beside" not in out
    assert "elsewhere" in out
