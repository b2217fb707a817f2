"""A document that its policy tests refuse stays out, in whichever way the tests vanish, until they hold or are waived."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rbac import Policy
from tests.e2e.test_starting import POOL, start
from tests.support.command import rbac_process
from tests.support.issuer import Issuer
from tests.support.service import ROOT, Service, serving
from tests.support.waiting import comes_true

# The shipped tests refuse it: a user does not administer.
EDIT = "p, user, /admin, GET, allow\n"
RULES = (ROOT / "policy.csv").read_text(encoding="utf-8")
HOLDS = "suite: s\ntests:\n  - {name: n, role: admin, can: [GET /admin]}\n"


def emptied(tests: Path) -> None:
    shutil.rmtree(tests)
    tests.mkdir()


def alone(name: str, content: str = "") -> Callable[[Path], None]:
    """In the directory there is nothing but one file."""

    def vanish(tests: Path) -> None:
        emptied(tests)
        (tests / name).parent.mkdir(exist_ok=True)
        (tests / name).write_text(content, encoding="utf-8")

    return vanish


def instead(make: Callable[[Path], object]) -> Callable[[Path], None]:
    """In the directory's place there is something else."""

    def vanish(tests: Path) -> None:
        shutil.rmtree(tests)
        make(tests)

    return vanish


def renamed(form: str) -> Callable[[Path], None]:
    def vanish(tests: Path) -> None:
        for file in sorted(tests.iterdir()):
            target = tests / form.format(stem=file.stem)
            target.parent.mkdir(exist_ok=True)
            file.rename(target)

    return vanish


def only_a_directory(tests: Path) -> None:
    emptied(tests)
    (tests / "a.yaml").mkdir()


def only_a_link_to_nowhere(tests: Path) -> None:
    emptied(tests)
    (tests / "orders.yaml").symlink_to("moved.yaml")


NONE_READ: dict[str, Callable[[Path], object]] = {
    "removed": shutil.rmtree,
    "emptied": emptied,
    "moved away": lambda tests: tests.rename(tests.with_name("policy_tests.old")),
    "named .yaml.txt": renamed("{stem}.yaml.txt"),
    "named .YAML": renamed("{stem}.YAML"),
    "named .yaml~": renamed("{stem}.yaml~"),
    "named .yaml.bak": renamed("{stem}.yaml.bak"),
    "hidden": renamed(".{stem}.yaml"),
    "in a hidden directory": renamed(".old/{stem}.yaml"),
    "only a note": alone("README.md", "# tests\n"),
    "only a directory named like a test": only_a_directory,
}
UNREADABLE: dict[str, Callable[[Path], object]] = {
    "a link to nowhere in its place": instead(lambda tests: tests.symlink_to("nowhere")),
    "a link to itself in its place": instead(lambda tests: tests.symlink_to(tests.name)),
    "a pipe in its place": instead(os.mkfifo),
    "a link to nowhere in it": only_a_link_to_nowhere,
    "an empty file in its place": instead(lambda tests: tests.touch()),
    "another file in its place": instead(lambda tests: tests.write_text("no: tests\n", encoding="utf-8")),
    "an empty test": alone("a.yaml"),
    "comments alone": alone("a.yaml", "# suite: s\n# tests: []\n"),
    "a suite without a test": alone("a.yaml", "suite: s\ntests: []\n"),
    "tests that ask nothing": alone("a.yaml", "suite: s\ntests:\n  - {name: n, role: user, can: []}\n"),
    "tests of another kind": alone("a.yaml", "on: push\njobs: {}\n"),
    "tests that are null": alone("a.yaml", "suite: s\ntests:\n"),
}
VANISHED = NONE_READ | UNREADABLE


@pytest.fixture(scope="module")
def service(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(issuer, tmp_path_factory.mktemp("gate"), POLICY_GATE="tests", LOG_LEVEL="INFO") as started:
        yield started


def restore_tests(service: Service) -> None:
    """All at once: of tests that are copied one by one, a service may read those that happen to be there."""
    tests = service.directory / "policy_tests"
    aside = service.directory / "policy_tests.new"
    shutil.copytree(ROOT / "policy_tests", aside)
    if tests.is_dir() and not tests.is_symlink():
        shutil.rmtree(tests)
    else:
        tests.unlink(missing_ok=True)
    aside.rename(tests)


@pytest.fixture(autouse=True)
def _shipped(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that edits the running service leaves it as it was."""
    yield
    if "service" in request.fixturenames:
        service: Service = request.getfixturevalue("service")
        shutil.rmtree(service.directory / "policy_tests.old", ignore_errors=True)
        restore_tests(service)
        service.policy.write_text(RULES, encoding="utf-8")
        assert service.eventually_decides_by(Policy.load(ROOT / "model.conf", ROOT / "policy.csv").revision)


def refused_since(service: Service, before: int) -> list[str]:
    """The lines about refusals since the log was ``before`` characters long."""
    return [line for line in service.log()[before:].splitlines() if "policy refused" in line]


@pytest.mark.parametrize("how", VANISHED)
def test_a_refused_edit_stays_out_when_its_tests_vanish_and_when_they_come_back(
    issuer: Issuer, service: Service, how: str
) -> None:
    user = issuer.token(**{"custom:role": "user"})
    code = "[no-policy-tests]" if how in NONE_READ else "policy_tests"
    before = len(service.log())
    service.policy.write_text(RULES + EDIT, encoding="utf-8")
    assert service.eventually_logs("[test-failed]", after=before)
    before = len(service.log())
    VANISHED[how](service.directory / "policy_tests")
    assert comes_true(
        # The first refusal has several lines, and the last of them may come only now.
        lambda: any(code in line and "[test-failed]" not in line for line in refused_since(service, before))
    )
    assert service.get("/admin", user).status_code == 403
    assert service.get("/readyz").json()["policy"]["current"] is False
    before = len(service.log())
    shutil.rmtree(service.directory / "policy_tests.old", ignore_errors=True)
    restore_tests(service)
    assert comes_true(lambda: any("[test-failed]" in line for line in refused_since(service, before)))
    assert service.get("/admin", user).status_code == 403
    assert "in place of" not in service.log()[before:]


@pytest.mark.parametrize("how", VANISHED)
def test_a_document_whose_tests_vanished_is_a_refused_start(tmp_path: Path, how: str) -> None:
    for name in ("model.conf", "policy.csv", "revocations.csv"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "policy_tests", tmp_path / "policy_tests")
    VANISHED[how](tmp_path / "policy_tests")
    ended = start(POOL, cwd=tmp_path)
    assert ended.returncode == 2
    said = "POLICY_TESTS" if how in {"removed", "moved away"} else "[no-policy-tests]"
    assert (said in ended.stderr) is (how in NONE_READ)
    assert "policy_tests" in ended.stderr.splitlines()[1], ended.stderr
    assert "Traceback" not in ended.stderr


def test_to_go_without_tests_is_typed_out(issuer: Issuer, tmp_path: Path) -> None:
    user = issuer.token(**{"custom:role": "user"})
    with serving(issuer, tmp_path, POLICY_GATE="lint", LOG_LEVEL="INFO") as service:
        shutil.rmtree(tmp_path / "policy_tests")
        service.policy.write_text(RULES + EDIT, encoding="utf-8")
        assert service.eventually("/admin", user, 200)
        assert service.eventually_logs("no policy test was read")
        assert "no-policy-tests" not in service.log()


def test_every_swap_says_what_it_passed_and_which_files_are_no_tests(
    issuer: Issuer, service: Service
) -> None:
    count = sum(len(suite["tests"]) for suite in _suites())
    assert f" in force; {count} tests hold\n" in service.log()
    tests = service.directory / "policy_tests"
    gone = min(tests.iterdir())
    before = len(service.log())
    gone.rename(gone.with_suffix(".yml.txt"))
    assert service.eventually_logs("fewer than before", after=before)
    assert f"{gone.with_suffix('.yml.txt')}: warning: is not read as a policy test" in service.log()[before:]


def test_the_service_says_what_check_says(issuer: Issuer, service: Service) -> None:
    """A rule that no endpoint of the service meets, a person as a role, and a line that is there twice."""
    before = len(service.log())
    lines = "p, user, /nowhere-at-all, GET, allow\np, user, /user, GET, allow\n"
    service.policy.write_text(RULES + lines, encoding="utf-8")
    revision = Policy.load(service.directory / "model.conf", service.policy).revision
    assert service.eventually_decides_by(revision)
    assert service.eventually_logs(f"policy {revision} in force", after=before)
    files = ("--policy", service.policy, "--model", service.directory / "model.conf")
    asked = rbac_process("check", *files, "--routes", "app.main:app", "--format", "json")
    problems = asked.json["problems"]
    assert {problem["code"] for problem in problems} == {"rule-without-route", "duplicate-rule"}
    logged = service.log()[before:]
    for problem in problems:
        assert f"{problem['message']} ({problem['hint']}) [{problem['code']}]" in logged
    assert logged.count(": warning: ") == len(problems)


def test_the_shipped_policy_has_no_warning_in_production_either(issuer: Issuer, tmp_path: Path) -> None:
    with serving(issuer, tmp_path, DEBUG="false", POLICY_GATE="tests", LOG_LEVEL="INFO") as service:
        assert " in force; " in service.log()
        assert " warning: " not in service.log()


@pytest.mark.parametrize("rules", ["# nothing\n# here\n", "g, admin, user\n"])
def test_a_document_without_a_rule_is_refused(service: Service, rules: str) -> None:
    before = len(service.log())
    service.policy.write_text(rules, encoding="utf-8")
    assert comes_true(lambda: any("[empty-policy]" in line for line in refused_since(service, before)))
    assert "[empty-policy]" in refused_since(service, before)[0]
    assert service.get("/public").status_code == 200


def test_the_same_mistake_twice_is_logged_twice_and_so_is_the_return(service: Service) -> None:
    for turn in range(2):
        before = len(service.log())
        service.policy.write_text(RULES + f"# {turn}\np, usr /admin GET\n", encoding="utf-8")
        assert service.eventually_logs("policy refused", after=before)
    before = len(service.log())
    service.policy.write_text(RULES, encoding="utf-8")
    assert service.eventually_logs("is in its place again", after=before)


def _suites() -> list[dict[str, list[object]]]:
    import yaml

    return [yaml.safe_load(file.read_bytes()) for file in sorted((ROOT / "policy_tests").iterdir())]
