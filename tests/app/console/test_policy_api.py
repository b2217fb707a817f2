"""The security team's questions: for them alone, answered as the commands answer, and nothing is saved."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from rbac import Policy
from rbac.diff import views
from rbac.diff.diff import diff
from rbac.diff.overview import overview
from rbac.diff.shown import shown
from rbac.review import matrix_views
from rbac.review.matrix import matrix
from rbac.routes import routes_of_file
from tests.support.application import bearer, served, settings_for
from tests.support.issuer import Issuer
from tests.support.service import ROOT

QUESTIONS: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
    ("GET", "/policy", None),
    ("GET", "/policy/matrix", None),
    ("GET", "/policy/matrix?format=csv", None),
    ("POST", "/policy/explain", {"roles": ["user"], "act": "GET", "obj": "/admin"}),
    ("POST", "/policy/draft", {"policy": "p, user, /user, GET, allow\n"}),
    ("GET", "/policy/decisions", None),
    ("GET", "/policy/status", None),
)
HOSTILE = "<script>alert(1)</script>\"'&\u202e" + "x" * 200


class Team:
    """A client with the tokens of the demo's roles, and the policy file that the service reads."""

    def __init__(self, client: TestClient, issuer: Issuer, directory: Path) -> None:
        self.client = client
        self.policy = directory / "policy.csv"
        self._tokens = {
            role: issuer.token(**{"custom:role": role}) for role in ("security", "user", "admin", "")
        }

    def ask(self, method: str, path: str, body: object = None, role: str | None = "security") -> Any:
        headers = {} if role is None else bearer(self._tokens[role])
        return self.client.request(method, path, json=body, headers=headers)

    @property
    def headers(self) -> dict[str, str]:
        return bearer(self._tokens["security"])

    def draft(self, policy: str, **more: Any) -> dict[str, Any]:
        answer = self.ask("POST", "/policy/draft", {"policy": policy, **more})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    @property
    def text(self) -> str:
        return self.policy.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    directory: Path = tmp_path_factory.mktemp("console")
    with Issuer() as issuer:
        settings = settings_for(issuer, directory, DEBUG="true", POLICY_TESTS=str(ROOT / "policy_tests"))
        with served(settings) as client:
            yield Team(client, issuer, directory)


@pytest.mark.parametrize(("method", "path", "body"), QUESTIONS)
def test_a_question_is_for_the_security_team_alone(
    team: Team, method: str, path: str, body: dict[str, Any] | None
) -> None:
    assert team.ask(method, path, body).status_code == 200
    assert team.ask(method, path, body, role=None).status_code == 401
    for role in ("", "user", "admin"):
        assert team.ask(method, path, body, role).status_code == 403


def test_the_matrix_is_what_the_command_shows_and_says_what_is_dangerous(team: Team) -> None:
    expected = matrix(Policy.load(ROOT / "model.conf", team.policy), routes_of_file(ROOT / "routes.json"))
    served_as = team.ask("GET", "/policy/matrix").json()
    told = [[cell.pop("danger", "") for cell in row] for row in served_as["cells"]]
    assert told == [[cell.danger for cell in row] for row in expected.cells]
    assert any(why == "an administrative path" for row in told for why in row)
    assert served_as == json.loads(json.dumps(matrix_views.to_json(expected)))
    assert team.ask("GET", "/policy/matrix?format=csv").text.startswith("method,path,")


def test_the_document_names_each_role_with_its_rules_and_links(team: Team) -> None:
    shown_as = team.ask("GET", "/policy").json()
    assert shown_as["policy"]["text"] == team.text
    names = {each["name"]: each for each in shown_as["names"]}
    assert {name: each["kind"] for name, each in names.items()} == {
        "everyone": "word",
        "authenticated": "word",
        **dict.fromkeys(
            ("admin", "pep", "security", "user", "scope:sekisho/ask", "scope:sekisho/watch"), "role"
        ),
    }
    assert [each["role"] for each in names["admin"]["holds"]] == ["user", "pep"]
    assert [each["name"] for each in names["user"]["held_by"]] == ["admin"]
    assert names["user"]["rules"][0]["text"] == "p, user, /user, GET, allow"


def test_an_explanation_shows_the_rule_with_the_lines_around_it_and_the_way_to_it(team: Team) -> None:
    answer = team.ask("POST", "/policy/explain", {"roles": ["admin"], "act": "GET", "obj": "/user"}).json()
    line = next(n for n, text in enumerate(team.text.split("\n"), 1) if text.startswith("p, user, /user,"))
    assert (answer["allowed"], answer["rule"]["line"]) == (True, line)
    assert answer["role_path"][-2:] == ["admin", "user"]
    around = {each["line"]: each["text"] for each in answer["around"]}
    assert around == {n: team.text.split("\n")[n - 1] for n in range(line - 3, line + 4)}


def test_what_the_model_cannot_be_asked_is_said_and_is_no_crash(team: Team) -> None:
    for body in ({"with": {"tenant": "acme"}}, {"act": "GET", "with": {"role": "x"}, "roles": ["y", "z"]}):
        answer = team.ask("POST", "/policy/explain", body)
        assert answer.status_code in {200, 409}
    unknown = team.ask("POST", "/policy/explain", {"with": {"tenant": "acme"}})
    assert unknown.status_code == 409
    assert "tenant" in unknown.json()["detail"]


def test_a_recorded_refusal_is_explained_by_its_id(team: Team) -> None:
    refused = team.ask("GET", "/admin", role="user").json()
    answer = team.ask("POST", "/policy/explain", {"decision_id": refused["decision_id"]}).json()
    assert answer["recorded"]["decision_id"] == refused["decision_id"]
    assert (answer["allowed"], answer["reason"]) == (False, "denied_by_default")
    assert answer["nearest"]
    assert team.ask("POST", "/policy/explain", {"decision_id": "nobody-has-this"}).status_code == 404


def test_a_draft_is_told_as_the_commands_tell_it_and_nothing_is_saved(team: Team) -> None:
    before = team.text, team.client.get("/readyz").json()["policy"]["revision"]
    edited = team.text + "p, user, /admin, GET, allow\n"
    team.ask("GET", "/admin", role="user")
    told = team.draft(edited, questions=[{"roles": ["user"], "act": "GET", "obj": "/admin"}])
    assert told["readable"]
    assert told["tests"]["failed"] >= 1
    assert any(each["says"] == "user can GET /admin, and should not" for each in told["tests"]["failing"])
    assert told["questions"][0]["was"] is False
    assert told["questions"][0]["now"] is True
    assert any(flip["obj"] == "/admin" and flip["now"] for flip in told["replay"]["flipped"])
    assert told["diff"]["entries"][0]["danger"] == "an administrative path"
    old, new = (
        Policy.load(ROOT / "model.conf", team.policy),
        Policy.parse((ROOT / "model.conf").read_bytes(), edited.encode()),
    )
    routes = routes_of_file(ROOT / "routes.json")
    found = shown(diff(old, new, routes), old, new, routes)
    expected = views.to_json(found, overview(old, new, found, routes))
    assert {name: told["diff"][name] for name in expected} == json.loads(json.dumps(expected))
    assert before == (team.text, team.client.get("/readyz").json()["policy"]["revision"])


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("p, user, admin", "wrong-width"),
        ("p, user, /admin, GET, alow", "unknown-effect"),
        ("x, a, b", "unknown-type"),
    ],
)
def test_a_broken_draft_names_the_line(team: Team, line: str, code: str) -> None:
    told = team.draft(f"{team.text}{line}\n")
    assert not told["readable"]
    at = len(team.text.split("\n"))
    assert [(each["line"], each["severity"]) for each in told["problems"]] == [(at, "error")], code


def test_of_a_draft_whose_difference_takes_too_long_everything_else_is_told(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.routers.policy.DIFFERENCE_S", 0.0)
    told = team.draft(team.text)
    assert told["tests"]["tests"] == told["tests"]["held"] > 0
    assert told["diff"]["complete"] is False
    assert told["diff"]["notes"]


def test_hostile_names_and_texts_come_back_as_they_went_in(team: Team) -> None:
    told = team.draft(f"{team.text}p, {HOSTILE.replace(',', '')}, /admin, GET, allow\n")
    assert told["readable"]
    assert any(HOSTILE in each["callers"] for each in told["diff"]["entries"])
    for text in ("\x00", "p" * 100_000, "\n" * 100_000):
        assert team.ask("POST", "/policy/draft", {"policy": text}).status_code == 200
    headers = team.headers | {"Content-Type": "application/json"}
    half = team.client.post("/policy/draft", content=b'{"policy": "\\ud800"}', headers=headers)
    assert half.status_code == 422


def test_decisions_hold_no_email_and_no_token(team: Team) -> None:
    answer = team.ask("GET", "/policy/decisions?limit=500")
    assert answer.json()["complete"]
    assert answer.json()["decisions"]
    assert "@" not in answer.text
    assert "eyJ" not in answer.text
    assert len(team.ask("GET", "/policy/decisions?limit=1").json()["decisions"]) == 1


def test_the_status_counts_this_hour_and_knows_the_rules_that_decided_nothing(team: Team) -> None:
    team.ask("GET", "/user", role="user")
    team.ask("GET", "/admin", role="user")
    team.ask("GET", "/policy")
    team.ask("GET", "/policy/decisions")
    shown_as = team.ask("GET", "/policy/status").json()
    assert len(shown_as["hour"]) == 60
    assert sum(minute["allowed"] for minute in shown_as["hour"]) > 0
    assert sum(minute["refused"] for minute in shown_as["hour"]) > 0
    unused = [rule["text"] for rule in shown_as["unused"]["rules"]]
    assert "p, security, /metrics, GET, allow" in unused
    assert "p, security, /policy, GET, allow" not in unused
    assert shown_as["tests"] == shown_as["held"] > 0
