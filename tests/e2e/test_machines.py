"""Programs sign in as themselves: what asks the decision point and what scrapes the metrics, with tokens of their own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.dev import cognito, machines
from rbac.authzen.client import DecisionPointClient, Question
from tests.e2e.conftest import Demo
from tests.support import plain_http
from tests.support.prometheus import panels, scraping
from tests.support.service import ROOT, clean_environment
from tests.support.waiting import LIMIT_S, comes_true


@pytest.fixture(scope="module")
def machine(demo: Demo) -> cognito.Machine:
    return cognito.machine_of(demo.endpoint_url, demo.pool.pool_id)


def test_make_token_prints_the_programs_token_and_nothing_else(demo: Demo) -> None:
    port = demo.endpoint_url.rsplit(":", 1)[1]
    printed = subprocess.run(
        [sys.executable, "-m", "app.dev.token", "pep"],
        cwd=ROOT,
        env=clean_environment(DEV_COGNITO_PORT=port),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    assert printed.stderr == ""
    token = printed.stdout.strip()
    assert printed.stdout == f"{token}\n"
    answer = demo.service.get("/me/permissions", token)
    assert answer.json()["roles"][1:] == ["scope:sekisho/ask", "scope:sekisho/watch"]
    assert answer.json()["sub"] == answer.json()["roles"][0]


def test_a_program_may_what_its_scopes_open_and_no_more(demo: Demo, machine: cognito.Machine) -> None:
    asks = cognito.machine_token(demo.endpoint_url, machine, "sekisho/ask")
    watches = cognito.machine_token(demo.endpoint_url, machine, "sekisho/watch")
    question = {
        "subject": {"type": "user", "id": "x"},
        "action": {"name": "GET"},
        "resource": {"type": "route", "id": "/"},
    }
    for token, asking, watching in ((asks, 200, 403), (watches, 403, 200)):
        sent = {"Authorization": f"Bearer {token}"}
        url = demo.service.base_url + "/access/v1/evaluation"
        assert plain_http.post(url, json=question, headers=sent).status_code == asking
        answer = demo.service.get("/metrics", token)
        assert answer.status_code == watching
        assert demo.service.get("/user", token).status_code == 403
    assert 'error="insufficient_scope"' in demo.service.get("/metrics", asks).headers["www-authenticate"]
    assert 'scope="sekisho/watch"' in demo.service.get("/metrics", asks).headers["www-authenticate"]


def test_a_persons_access_token_has_no_role_and_is_no_program(demo: Demo) -> None:
    token = demo.tokens["alice"].access_token
    assert demo.service.get("/protected", token).status_code == 200
    assert demo.service.get("/admin", token).status_code == 403
    assert demo.service.get("/metrics", token).status_code == 403


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"scope": "sekisho/ask sekisho/everything"}, "invalid_scope"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_client"),
    ],
)
def test_the_local_token_endpoint_refuses_as_the_standard_says(
    demo: Demo, machine: cognito.Machine, changes: dict[str, str], error: str
) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": machine.client_id,
        "client_secret": machine.secret,
    }
    answer = plain_http.post(demo.endpoint_url + machines.PATH, data=form | changes)
    assert (answer.status_code, answer.json()) == (
        401 if error == "invalid_client" else 400,
        {"error": error},
    )


def test_the_python_client_asks_with_a_programs_token(demo: Demo, machine: cognito.Machine) -> None:
    token = cognito.machine_token(demo.endpoint_url, machine, "sekisho/ask")
    with DecisionPointClient(demo.service.base_url, token=token, timeout=LIMIT_S) as decisions:
        assert decisions.allows(Question("alice", "GET", "/user", role="user")).allowed
        denied = decisions.allows(Question("alice", "GET", "/admin", role="user"))
        assert (denied.allowed, denied.failure) == (False, None)


SCRIPT = """
const [issuer, base, id, secret] = process.argv.slice(-4);
const form = new URLSearchParams({ grant_type: "client_credentials", scope: "sekisho/ask" });
const basic = Buffer.from(`${id}:${secret}`).toString("base64");
const granted = await fetch(`${issuer}/oauth2/token`, { method: "POST", body: form, headers: { Authorization: `Basic ${basic}` } });
const { access_token } = await granted.json();
const allowed = async (path) => {
  const question = {
    subject: { type: "user", id: "alice", properties: { role: "user" } },
    action: { name: "GET" }, resource: { type: "route", id: path },
  };
  const headers = { Authorization: `Bearer ${access_token}`, "Content-Type": "application/json" };
  const answer = await fetch(`${base}/access/v1/evaluation`, { method: "POST", headers, body: JSON.stringify(question) });
  return answer.ok && (await answer.json()).decision === true;
};
console.log(JSON.stringify([await allowed("/user"), await allowed("/admin")]));
"""


def test_a_javascript_client_asks_with_a_programs_token(demo: Demo, machine: cognito.Machine) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    command = [node, "--input-type=module", "-e", SCRIPT, "--"]
    arguments = [demo.endpoint_url, demo.service.base_url, machine.client_id, machine.secret]
    ended = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=True
    )
    assert json.loads(ended.stdout) == [True, False]


def test_prometheus_scrapes_with_a_programs_token(
    demo: Demo, machine: cognito.Machine, tmp_path: Path
) -> None:
    """With the alert rules, and asked what every panel of the dashboard asks."""
    (tmp_path / "secret").write_text(machine.secret)
    configuration = f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{ROOT}/deploy/prometheus/alerts.yml]
scrape_configs:
  - job_name: sekisho
    oauth2:
      client_id: {machine.client_id}
      client_secret_file: {tmp_path}/secret
      token_url: {demo.endpoint_url}/oauth2/token
      scopes: [sekisho/watch]
    static_configs: [{{targets: ["{demo.service.base_url.removeprefix("http://")}"]}}]
"""
    with scraping(tmp_path, configuration) as prometheus:
        assert comes_true(
            lambda: [each["value"][1] for each in prometheus.query("sekisho_keys_known") or ()] == ["1"]
        )
        assert comes_true(lambda: len(prometheus.query("rate(sekisho_decisions_total[1m])") or ()) > 0)
        answers = {expression: prometheus.query(expression) for expression in panels()}
        assert not [expression for expression, samples in answers.items() if samples is None]
        # What was never counted has no series: nobody asked through AuthZEN, and no shadow policy is there.
        empty = {expression for expression, samples in answers.items() if not samples}
        assert not [expression for expression in empty if "rate(" not in expression]

        def rules() -> list[dict[str, str]]:
            groups = (prometheus.get("rules") or {}).get("groups", [])
            return [rule for group in groups for rule in group["rules"]]

        assert comes_true(lambda: bool(rules()) and {rule["health"] for rule in rules()} == {"ok"})
        assert {rule["state"] for rule in rules()} == {"inactive"}
