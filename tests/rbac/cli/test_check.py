"""`rbac check` says every problem with its place, in each format, and exits by what it found."""

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rbac import PolicyError
from rbac.cli.annotations import sarif
from rbac.document.problem_codes import PROBLEM_CODES
from rbac.errors import Problem
from rbac.revocations.file import RevocationFile
from rbac.revocations.live import LiveRevocations
from rbac.revocations.row import written_time
from tests.support.command import MODEL, Workshop, rbac

BROKEN = (
    "p, user, /user, GET, alow",
    "p, user, /user",
    "P, user, /user, GET, allow",
)


def test_a_clean_document_is_a_0_and_says_what_it_holds(workshop: Workshop) -> None:
    done = workshop.rbac("check", "--strict")
    assert done.code == 0, done.out
    assert "clean" in done.out
    assert "2 rules, 1 role link" in done.out


def test_every_problem_has_its_place_its_line_and_a_hint(workshop: Workshop) -> None:
    workshop.rules(*BROKEN)
    done = workshop.rbac("check")
    assert done.code == 1
    assert f"{workshop.policy}:1:22: error: " in done.out
    assert "     1 | p, user, /user, GET, alow\n       |                      ^\n" in done.out
    assert done.out.count("hint: ") == 3
    assert "refused: 3 errors, 0 warnings" in done.out
    assert done.err == ""


def test_json_is_the_shape_of_the_design(workshop: Workshop) -> None:
    workshop.rules(*BROKEN)
    done = workshop.rbac("check", "--format", "json")
    assert done.code == 1
    assert set(done.json) == {"revision", "problems"}
    assert len(done.json["revision"]) == 12
    keys = {"code", "severity", "file", "line", "column", "message", "hint"}
    assert [set(problem) for problem in done.json["problems"]] == [keys] * 3
    assert [(p["line"], p["severity"]) for p in done.json["problems"]] == [
        (1, "error"),
        (2, "error"),
        (3, "error"),
    ]


def test_warnings_count_only_when_it_is_strict(workshop: Workshop) -> None:
    workshop.write("policy.csv", b"\xef\xbb\xbfp, user, /user, GET, allow\n")
    relaxed, strict = workshop.rbac("check"), workshop.rbac("check", "--strict")
    assert (relaxed.code, strict.code) == (0, 1)
    assert "[byte-order-mark]" in relaxed.out


def test_bytes_that_are_no_text_are_a_finding(workshop: Workshop) -> None:
    workshop.write("policy.csv", b"p, user, /user, GET, allow\np, us\xff, /a, GET, allow\n")
    done = workshop.rbac("check", "--format", "json")
    assert done.code == 1
    assert [(p["code"], p["line"], p["column"]) for p in done.json["problems"]] == [("undecodable", 2, 6)]


def test_a_broken_model_is_a_finding_in_the_model(workshop: Workshop) -> None:
    workshop.write("model.conf", "[request_definition]\nr = sub, obj, act\n")
    done = workshop.rbac("check", "--format", "json")
    assert done.code == 1
    assert {p["file"] for p in done.json["problems"]} == {str(workshop.model)}


def test_a_rule_for_no_known_endpoint_is_found_when_the_routes_are_known(workshop: Workshop) -> None:
    routes = workshop.write("routes.json", '[{"method": "GET", "path": "/user"}]')
    done = workshop.rbac("check", "--routes", routes, "--format", "json")
    assert [problem["line"] for problem in done.json["problems"]] == [2]
    assert workshop.rbac("check", "--format", "json").json["problems"] == []


def test_sarif_points_at_the_line_and_declares_its_rules(workshop: Workshop) -> None:
    workshop.rules(*BROKEN)
    done = workshop.rbac("check", "--format", "sarif")
    assert done.code == 1
    (run,) = done.json["runs"]
    assert done.json["version"] == "2.1.0"
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning"}
        assert result["message"]["text"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 1, "startColumn": 22, "endLine": 1, "endColumn": 23}
    assert place["artifactLocation"]["uri"] == workshop.policy.as_uri()


def test_sarif_says_of_every_code_what_code_scanning_shows() -> None:
    problems = [
        Problem("policy.csv", 0, 0, code, known.severity, "m") for code, known in PROBLEM_CODES.items()
    ]
    (run,) = sarif(problems)["runs"]
    for rule in run["tool"]["driver"]["rules"]:
        known = PROBLEM_CODES[rule["id"]]
        assert rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"] == known.meaning
        assert rule["help"]["text"] == known.remedy
        assert rule["defaultConfiguration"]["level"] == known.severity
    for result in run["results"]:
        (location,) = result["locations"]
        assert min(location["physicalLocation"]["region"].values()) >= 1


def test_sarif_names_files_of_the_repository_by_relative_uri(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workshop.folder)
    workshop.write("our rules.csv", "p, user\n")
    done = rbac("check", "--policy", "our rules.csv", "--format", "sarif", "--routes", "none")
    (result,) = done.json["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "our%20rules.csv"


def test_a_clean_document_is_an_empty_sarif_run(workshop: Workshop) -> None:
    done = workshop.rbac("check", "--format", "sarif")
    assert (done.code, done.json["runs"][0]["results"]) == (0, [])


def test_github_gets_a_command_a_problem_and_no_message_can_begin_another(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workshop.folder)
    workshop.write("a,b:c.csv", "p, user, /user, GET, 100%::error::x\n")
    done = rbac("check", "--policy", "a,b:c.csv", "--format", "github", "--routes", "none")
    assert done.code == 1
    (line,) = done.out.splitlines()
    assert line.startswith("::error file=a%2Cb%3Ac.csv,line=1,col=")
    assert "100%25::error::x" in line


def test_a_long_line_is_shown_around_its_problem(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    workshop.rules(f"p, user, /{'x' * 300}, GET, alow")
    done = workshop.rbac("check")
    excerpt, caret = (line for line in done.out.splitlines() if " | " in line)
    assert len(excerpt) <= 60
    assert excerpt[caret.index("^") :].startswith("alow")


def test_watching_checks_again_after_each_save_until_it_is_interrupted(workshop: Workshop) -> None:
    command = [sys.executable, "-m", "rbac", "check", "--watch", "--routes", "none"]
    seen_it = threading.Event()

    def keep_saving() -> None:  # the first save may come before the watching has begun
        for number in range(600):
            workshop.rules("p, user, /user, GET, alow", f"# {number}")
            if seen_it.wait(0.2):
                return

    with subprocess.Popen(
        command, cwd=workshop.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        assert b"clean" in _read_until(process, b"watching")
        saver = threading.Thread(target=keep_saving)
        saver.start()
        try:
            assert b"[unknown-effect]" in _read_until(process, b"watching")
        finally:
            seen_it.set()
            saver.join()
            process.send_signal(signal.SIGINT)
        try:
            rest, _ = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        assert process.returncode in {0, 130}
    assert b"Traceback" not in rest
    assert b"KeyboardInterrupt" not in rest


def _read_until(process: "subprocess.Popen[bytes]", word: bytes) -> bytes:
    seen = b""
    assert process.stdout is not None
    while word not in seen:
        line = process.stdout.readline()
        if not line:
            raise AssertionError(f"it ended: {seen.decode()}")
        seen += line
    return seen


def test_the_shipped_policy_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).resolve().parents[3]
    monkeypatch.chdir(root)
    done = rbac("check", "--strict", "--format", "json")
    assert json.loads(done.out)["problems"] == []
    assert done.code == 0


def test_errors_come_first_and_hide_no_warning_about_the_other_lines(workshop: Workshop) -> None:
    workshop.rules("p, user, /pro*, GET, allow", "p, user, /user, GET, alow", "p, user, /a|/b, GET, allow")
    found = [(p["line"], p["code"]) for p in workshop.rbac("check", "--format", "json").json["problems"]]
    assert found == [(2, "unknown-effect"), (1, "repeated-character"), (3, "loose-alternative")]


def test_what_a_line_that_cannot_be_read_may_have_said_is_not_argued_about(workshop: Workshop) -> None:
    workshop.rules("p, manager, /orders, PUT, alow", "p, manager, /orders, PUT, deny", "g, admin, manager")
    assert [p["code"] for p in workshop.rbac("check", "--format", "json").json["problems"]] == [
        "unknown-effect"
    ]


def test_a_broken_model_is_told_without_warnings_about_rules_that_it_gives_no_meaning(
    workshop: Workshop,
) -> None:
    workshop.rules("p, user, /pro*, GET, allow")
    workshop.write("model.conf", MODEL.replace("keyMatch3", "keyMatch9"))
    assert {p["code"] for p in workshop.rbac("check", "--format", "json").json["problems"]} == {
        "unknown-function"
    }


def test_clean_without_known_routes_says_what_was_not_compared(workshop: Workshop) -> None:
    routes = workshop.write(
        "routes.json", b'[{"act": "GET", "obj": "/user"}, {"act": "GET", "obj": "/admin"}]'
    )
    said = "no path and no method was compared with any"
    assert said in workshop.rbac("check", "--routes", "none").out
    assert said not in workshop.rbac("check", "--routes", str(routes)).out


def test_new_routes_tells_the_endpoints_that_a_wildcard_alone_opens(workshop: Workshop) -> None:
    paths = ("/reports/sales", "/reports/payroll", "/user")
    listing = json.dumps([{"act": act, "obj": path} for path in paths for act in ("GET", "PUT")])
    routes = str(workshop.write("routes.json", listing.encode()))
    workshop.rules(
        "p, user, /user, GET, allow",
        "p, auditor, /reports/*, GET, allow",
        "p, user, /reports/sales, GET, allow",
    )
    asked = workshop.rbac("check", "--routes", routes, "--new-routes", "--format", "json").json["problems"]
    assert [(p["line"], p["code"]) for p in asked] == [(2, "only-by-wildcard")]
    assert asked[0]["message"] == "only the wildcard `/reports/*` opens `GET /reports/payroll`"
    assert workshop.rbac("check", "--routes", routes, "--format", "json").json["problems"] == []
    assert workshop.rbac("check", "--routes", "none", "--new-routes").code == 2


def test_a_role_that_a_policy_test_names_is_known(workshop: Workshop) -> None:
    workshop.rules("p, user, /user, GET, allow", "p, contractor, /user, GET, deny")
    assert [p["code"] for p in workshop.rbac("check", "--format", "json").json["problems"]] == [
        "unknown-role"
    ]
    (workshop.policy.parent / "policy_tests").mkdir()
    test = "suite: s\ntests:\n  - name: n\n    roles: [user, contractor]\n    cannot: [GET /user]\n"
    workshop.write("policy_tests/test.yaml", test.encode())
    assert "unknown-role" not in {
        p["code"] for p in workshop.rbac("check", "--format", "json").json["problems"]
    }


SUB = "7f3c1e52-0000-0000-0000-000000000000"


def test_revocations_are_read_beside_the_policy(workshop: Workshop) -> None:
    assert workshop.rbac("check").code == 0, "there need be none"
    workshop.write("revocations.csv", f"# nobody else\nsub, {SUB}, 2026-11-28T09:30:00Z, left\n")
    assert workshop.rbac("check", "--strict").code == 0
    file = workshop.write("revocations.csv", f"sub, {SUB}, today, left\nusr, x, 2026-11-28T09:30:00Z, x\n")
    done = workshop.rbac("check", "--format", "json")
    assert done.code == 1
    said = [(each["file"], each["line"], each["code"]) for each in done.json["problems"]]
    assert said == [(str(file), 1, "wrong-time"), (str(file), 2, "wrong-revocation")]
    shown = workshop.rbac("check").out
    assert f"sub, {SUB}, today, left" in shown, "the line, with a caret"
    assert f"{workshop.policy} and {file}: refused: 2 errors" in shown.replace("\n", "")


def test_the_words_about_revocations_are_those_of_a_service(workshop: Workshop) -> None:
    file = workshop.write("revocations.csv", "sub, *, 2026-11-28T09:30:00Z, x\nsub, x\nsub,x,2026-11-28,y\n")
    with pytest.raises(PolicyError) as refused:
        LiveRevocations(RevocationFile(file)).load()
    said = workshop.rbac("check", "--format", "json").json["problems"]
    assert said == [problem.to_json() for problem in refused.value.problems]


def test_a_row_that_sends_nobody_away_is_warned_of(workshop: Workshop) -> None:
    workshop.write("revocations.csv", "sub, bob@example.com, 2026-11-28T09:30:00Z, left\n")
    assert workshop.rbac("check").code == 0
    done = workshop.rbac("check", "--strict", "--format", "json")
    assert (done.code, [each["code"] for each in done.json["problems"]]) == (1, ["not-a-subject"])
    assert done.json["problems"][0]["column"] == 6
    assert workshop.rbac("check", "--strict", "--subjects", ".+@example.com").code == 0


def test_revocations_elsewhere_are_named_and_must_be_there(workshop: Workshop) -> None:
    file = workshop.write("elsewhere.csv", "nonsense\n")
    assert workshop.rbac("check", "--revocations", file).code == 1
    assert workshop.rbac("check", "--revocations", workshop.folder / "none.csv").code == 2


TURNED = "\u202e"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("policy.csv", "{old}# reviewed {sign}wolla ,* ,*/ ,nimda ,p\n"),
        ("model.conf", "{old}# nothing {sign}is hidden\n"),
        ("revocations.csv", "# nobody {sign}\n"),
        ("revocations.csv", "everyone, *, 2026-11-28T09:30:00Z, key {sign} leaked\n"),
        ("policy_tests/extra.yaml", "suite: a\n# {sign} b\ntests: [{{name: c, role: user, can: [GET /user]}}]\n"),
        ("routes.json", '[{{"act": "GET", "obj": "/user"}}, {{"act": "GET", "obj": "/us\\u202eer"}}]'),
    ],
)  # fmt: skip
def test_what_turns_the_direction_of_writing_is_told_in_every_file(
    workshop: Workshop, file: str, text: str
) -> None:
    workshop.rules("p, user, /user, GET, allow")
    path = workshop.folder / file
    path.parent.mkdir(exist_ok=True)
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(text.format(old=old, sign=TURNED), encoding="utf-8")
    routes = ("--routes", path) if file == "routes.json" else ()
    done = workshop.rbac("check", "--format", "json", *routes)
    hidden = [each for each in done.json["problems"] if each["code"] == "invisible-character"]
    assert [(each["file"], each["severity"]) for each in hidden] == [(str(path), "warning")], done.out
    assert "U+202E" in hidden[0]["message"]


@pytest.mark.parametrize(("ahead", "told"), [(-10, []), (30, []), (3600, [2]), (5_000_000_000, [2])])
@pytest.mark.parametrize("row", [f"sub, {SUB}", "session, s-1", "client, app1", "everyone, *"])
def test_a_revocation_of_a_moment_that_is_yet_to_come_is_told(
    workshop: Workshop, row: str, ahead: int, told: list[int]
) -> None:
    workshop.write("revocations.csv", f"# why\n{row}, {written_time(time.time() + ahead)}, left\n")
    problems = workshop.rbac("check", "--format", "json").json["problems"]
    assert [each["line"] for each in problems if each["code"] == "revocation-ahead"] == told
