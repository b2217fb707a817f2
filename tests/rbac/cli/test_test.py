"""`rbac test` runs the policy tests: 0 they hold, 1 they do not, 2 they cannot be read."""

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.command import ROOT, Workshop, rbac

HOLDS = "{name: users read, role: user, can: [GET /user], cannot: [GET /admin]}"
FAILS = "{name: nobody is a user, role: admin, cannot: [GET /user]}"
ALL = "{name: admins do all, role: admin, can: [GET /user, GET /admin]}"


def test_tests_that_hold_are_a_0_and_listed(workshop: Workshop) -> None:
    workshop.tests(HOLDS, ALL)
    done = workshop.rbac("test", workshop.folder / "policy_tests")
    assert done.code == 0
    assert "  pass  users read  (2 requests)" in done.out
    assert "4 requests: all hold" in done.out
    assert done.err == ""


def test_a_failing_line_says_what_was_decided_by_which_rule(workshop: Workshop) -> None:
    path = workshop.tests(HOLDS, FAILS)
    done = workshop.rbac("test", path)
    assert done.code == 1
    assert "  FAIL  nobody is a user" in done.out
    assert f"{path}:4: admin can GET /user, and should not" in done.out
    assert "policy.csv:1: p, user, /user, GET, allow" in done.out
    assert "1 failed" in done.out


def test_the_reason_of_a_test_is_shown_where_it_fails(workshop: Workshop) -> None:
    reason = "why: the auditors asked for it, "
    path = workshop.tests(FAILS.replace("role:", f"{reason}role:"), HOLDS.replace("role:", f"{reason}role:"))
    done = workshop.rbac("test", path, "--junit", workshop.folder / "junit.xml")
    assert done.out.count("why: the auditors asked for it") == 1
    (failure,) = ET.parse(workshop.folder / "junit.xml").iter("failure")
    assert (failure.text or "").startswith("why: the auditors asked for it\n")


def test_of_many_requests_that_fail_some_are_shown(workshop: Workshop) -> None:
    lines = ", ".join(f"GET /{number}" for number in range(25))
    done = workshop.rbac("test", workshop.tests(f"{{name: n, role: user, can: [{lines}]}}"))
    assert done.out.count(", and should") == 20
    assert "and 5 more" in done.out
    assert "25 failed" in done.out


def test_json_is_the_shape_of_the_design(workshop: Workshop) -> None:
    path = workshop.tests(HOLDS, FAILS)
    done = workshop.rbac("test", path, "--format", "json")
    assert done.code == 1
    assert set(done.json) == {"revision", "passed", "failed", "cases", "coverage", "mutation"}
    assert (done.json["passed"], done.json["failed"], done.json["coverage"]) == (2, 1, None)
    assert done.json["cases"][2] == {
        "suite": "What must stay true",
        "test": "nobody is a user",
        "file": str(path),
        "line": 4,
        "caller": "admin",
        "act": "GET",
        "obj": "/user",
        "expected": False,
        "allowed": True,
        "passed": False,
        "reason": "allowed_by_rule",
        "rule": {"line": 1, "text": "p, user, /user, GET, allow"},
    }


def test_coverage_names_the_lines_that_no_test_needs(workshop: Workshop) -> None:
    path = workshop.tests(HOLDS)
    done = workshop.rbac("test", path, "--coverage", "--format", "json")
    assert done.code == 0
    assert done.json["coverage"] == {
        "rules": 3,
        "exercised": 1,
        "uncovered": [2, 3],
        "cells": 0,
        "unmentioned": [],
    }
    text = workshop.rbac("test", path, "--coverage").out
    assert "33.3 %: 1 of 3 rules and role links are exercised" in text
    assert "policy.csv:3: g, admin, user" in text


def test_coverage_names_the_cells_that_no_test_mentions(workshop: Workshop) -> None:
    routes = workshop.write(
        "routes.json", json.dumps([{"act": "GET", "obj": "/user"}, {"act": "GET", "obj": "/admin"}])
    )
    path = workshop.tests(HOLDS)
    done = workshop.rbac("test", path, "--coverage", "--routes", routes, "--format", "json")
    assert done.json["coverage"]["cells"] == 8
    assert {"role": "admin", "act": "GET", "obj": "/user"} in done.json["coverage"]["unmentioned"]
    assert {"role": "user", "act": "GET", "obj": "/user"} not in done.json["coverage"]["unmentioned"]


@pytest.mark.parametrize(("least", "code"), [(33, 0), (34, 1), (100, 1)])
def test_too_little_coverage_is_a_1(workshop: Workshop, least: int, code: int) -> None:
    assert workshop.rbac("test", workshop.tests(HOLDS), "--min-coverage", least).code == code


def test_coverage_is_never_rounded_up(workshop: Workshop) -> None:
    workshop.rules(*(f"p, user, /{number}, GET, allow" for number in range(3000)))
    lines = ", ".join(f"GET /{number}" for number in range(2999))
    path = workshop.tests(f"{{name: n, role: user, can: [{lines}]}}")
    done = workshop.rbac("test", path, "--min-coverage", 100)
    assert done.code == 1
    assert "99.9 %" in done.out


def test_mutation_names_the_break_that_no_test_notices_and_a_test_that_would(workshop: Workshop) -> None:
    path = workshop.tests(HOLDS, ALL)
    done = workshop.rbac("test", path, "--mutate", "--format", "json")
    assert done.code == 0
    mutation = done.json["mutation"]
    assert mutation["mutants"] == mutation["killed"] + len(mutation["survived"])
    survivor = mutation["survived"][0]
    assert set(survivor) == {"line", "mutation", "suggested_test"}
    assert workshop.rbac("test", path, "--min-score", 100).code == 1
    workshop.write(
        "policy_tests/tests.yaml",
        "suite: s\ntests:\n"
        f"  - {HOLDS}\n  - {ALL}\n"
        + "".join(_indented(found["suggested_test"]) for found in mutation["survived"]),
    )
    again = workshop.rbac("test", path, "--min-score", 100, "--format", "json")
    assert (again.code, again.json["mutation"]["survived"]) == (0, [])


def _indented(test: str) -> str:
    return "".join(f"  {line}\n" for line in test.rstrip().splitlines())


def test_junit_is_written_beside_the_text(workshop: Workshop) -> None:
    junit = workshop.folder / "out.xml"
    done = workshop.rbac("test", workshop.tests(HOLDS, FAILS), "--junit", junit)
    assert done.code == 1
    root = ET.fromstring(junit.read_bytes())
    assert (root.get("tests"), root.get("failures")) == ("2", "1")


UNREADABLE = {
    "an unknown key": ("suite: s\ntests:\n  - {name: n, rolle: user, can: [GET /]}\n", ":3:15"),
    "broken YAML": ("suite: [", ":1:"),
    "an unknown role": ("suite: s\ntests:\n  - {name: n, role: boss, can: [GET /]}\n", ":3:21"),
    "an assertion of nothing": ("suite: s\ntests:\n  - {name: n, role: user}\n", ":3:5"),
}


@pytest.mark.parametrize(("content", "place"), UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("output", ["text", "json"])
def test_a_test_that_cannot_be_read_is_a_2_with_its_line(
    workshop: Workshop, content: str, place: str, output: str
) -> None:
    path = workshop.write("policy_tests/bad.yaml", content)
    done = workshop.rbac("test", path, "--format", output)
    assert (done.code, done.out) == (2, "")
    assert f"bad.yaml{place}" in done.err


def test_a_path_that_no_route_has_is_a_2_and_any_path_is_right_without_routes(workshop: Workshop) -> None:
    routes = workshop.write("routes.json", '[{"method": "GET", "path": "/users/{id}"}]')
    path = workshop.tests("{name: n, role: user, cannot: [GET /users/42, GET /user/42]}")
    done = workshop.rbac("test", path, "--routes", routes)
    assert (done.code, done.err.count("error")) == (2, 1)
    assert "`/user/42`" in done.err
    assert workshop.rbac("test", path).code == 0


@pytest.mark.parametrize("where", ["nowhere", "empty"])
def test_no_tests_are_a_2(workshop: Workshop, where: str) -> None:
    (workshop.folder / "empty").mkdir()
    done = workshop.rbac("test", workshop.folder / where)
    assert (done.code, done.out) == (2, "")
    assert where in done.err


def test_a_junit_file_that_cannot_be_written_is_a_2(workshop: Workshop) -> None:
    done = workshop.rbac(
        "test", workshop.tests(HOLDS), "--junit", workshop.folder / "no" / "such" / "out.xml"
    )
    assert done.code == 2
    assert "out.xml" in done.err


def test_the_shipped_policy_is_tested_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = rbac(
        "test", "--coverage", "--min-coverage", 100, "--mutate", "--min-score", 100, "--format", "json"
    )
    assert done.code == 0, done.out
    assert done.json["failed"] == 0
    assert done.json["coverage"]["uncovered"] == []
    assert done.json["coverage"]["unmentioned"] == []
    assert done.json["mutation"]["survived"] == []


def test_an_assertion_taken_out_of_the_shipped_tests_is_missed_and_can_be_pasted_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)
    tests = Path(shutil.copytree(ROOT / "policy_tests", tmp_path / "policy_tests"))
    page = tests / "security_team.yaml"
    whole = page.read_text(encoding="utf-8")
    poorer = whole.replace("cannot: [POST /metrics, DELETE /metrics, ", "cannot: [")
    assert poorer != whole
    page.write_text(poorer, encoding="utf-8")
    missed = rbac("test", tests, "--min-score", 100, "--format", "json")
    assert missed.code == 1
    (survivor,) = missed.json["mutation"]["survived"]
    assert "method widened" in survivor["mutation"]
    page.write_text(poorer + _indented(survivor["suggested_test"]), encoding="utf-8")
    again = rbac("test", tests, "--min-score", 100, "--format", "json")
    assert (again.code, again.json["mutation"]["survived"]) == (0, [])


def test_a_policy_that_gives_users_the_administration_fails_the_shipped_tests(
    monkeypatch: pytest.MonkeyPatch, workshop: Workshop
) -> None:
    monkeypatch.chdir(ROOT)
    leaking = (ROOT / "policy.csv").read_text(encoding="utf-8") + "\np, user, /admin, GET, allow\n"
    workshop.write("policy.csv", leaking)
    done = rbac("test", "--policy", workshop.policy)
    assert done.code == 1
    assert "user can GET /admin, and should not" in done.out
    assert f"policy.csv:{len(leaking.splitlines())}: p, user, /admin, GET, allow" in done.out


def test_quiet_shows_what_fails_and_the_verdict(workshop: Workshop) -> None:
    path = workshop.tests(HOLDS, FAILS)
    out = workshop.rbac("test", path, "--quiet").out
    assert "pass" not in out
    assert "FAIL  nobody is a user" in out
    assert out.endswith("1 failed  (revision " + out.rsplit("revision ", 1)[1])
    held = workshop.rbac("test", workshop.tests(HOLDS), "-q").out
    assert held.count("\n") == 1
    assert "2 requests: all hold" in held


DEMANDS = {
    "coverage": ("--min-coverage", "rules and role links exercised"),
    "score": ("--min-score", "broken policies noticed"),
}


@pytest.mark.parametrize(("option", "said"), DEMANDS.values(), ids=DEMANDS)
def test_what_was_demanded_and_is_not_met_is_said_last_and_red_in_junit(
    workshop: Workshop, option: str, said: str
) -> None:
    junit = workshop.folder / "out.xml"
    done = workshop.rbac("test", workshop.tests(HOLDS), option, 100, "--junit", junit)
    assert done.code == 1
    last = done.out.rstrip().splitlines()[-1]
    assert last.startswith("too little: ")
    assert f"% of {said}, and 100 % demanded ({option})" in last
    root = ET.fromstring(junit.read_bytes())
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    (failure,) = root.iter("failure")
    assert failure.text == last.removeprefix("too little: ")
    met = workshop.rbac("test", workshop.tests(HOLDS), option, 1, "--junit", junit)
    assert met.code == 0
    assert "too little" not in met.out
    assert ET.fromstring(junit.read_bytes()).get("failures") == "0"
