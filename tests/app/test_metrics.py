"""Metrics count what happened, their labels are bounded, and the documentation and the dashboard name what there is."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.parser import text_string_to_metric_families

from app.metrics import SHARED_DIRECTORY, Metrics, shared_by
from app.metrics.numbers import _Durations
from rbac.decision_log.record import NO_TOKEN, REMEMBERED
from tests.support.application import bearer, served, settings_for
from tests.support.decisions import SHIPPED, decided, rejected
from tests.support.issuer import Issuer
from tests.support.service import ROOT

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Samples:
    """Every sample by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float:
    return samples(text).get((f"sekisho_{name}", tuple(sorted(labels.items()))), 0.0)


def test_a_batch_is_counted_by_how_it_came_out() -> None:
    metrics = Metrics()
    deny = SHIPPED.decide_request(("", "", "/nowhere", "GET"))
    allow = SHIPPED.decide_request(("", "", "/public", "GET"))
    metrics.count(
        [
            decided("/user"),
            decided("/user"),
            decided("/admin", verification_ns=30_000),
            decided("/public", who=None, verification_ns=NO_TOKEN),
            decided("/user", via="authzen", verification_ns=NO_TOKEN),
            rejected("expired"),
            rejected("expired"),
            rejected("invalid_path", 400)._replace(verification_ns=NO_TOKEN),
        ],
        [deny, allow],
    )
    text = metrics.exposition().decode()
    allowed = {"result": "allow", "reason": "allowed_by_rule"}
    assert value(text, "decisions_total", via="http", **allowed) == 3
    assert value(text, "decisions_total", via="authzen", **allowed) == 1
    assert value(text, "decisions_total", via="http", result="deny", reason="denied_by_default") == 1
    assert value(text, "rejections_total", reason="expired") == 2
    assert value(text, "rejections_total", reason="invalid_path") == 1
    assert value(text, "shadow_differences_total", change="granted") == 1
    assert value(text, "shadow_differences_total", change="revoked") == 1
    assert [value(text, "tokens_total", result=result) for result in ("remembered", "verified", "refused")] == [
        2, 1, 2,
    ]  # fmt: skip
    assert value(text, "decision_seconds_count", via="http") == 4
    assert value(text, "decision_seconds_sum", via="http") == pytest.approx(4 * 12_345e-9)
    assert value(text, "decision_seconds_bucket", via="http", le="1e-05") == 0
    assert value(text, "decision_seconds_bucket", via="http", le="2e-05") == 4
    assert value(text, "token_verification_seconds_count") == 3
    assert value(text, "token_verification_seconds_sum") == pytest.approx(38_000e-9)


def test_many_observations_at_once_are_as_many_one_by_one() -> None:
    nanoseconds = [0, 999, 1_000, 1_001, 5_000, 2_000_000_000, 5_000]
    buckets = (1e-6, 5e-6, 1.0)
    one_by_one, at_once = CollectorRegistry(), CollectorRegistry()
    expected = Histogram("x", "x", buckets=buckets, registry=one_by_one)
    for each in nanoseconds:
        expected.observe(each / 1_000_000_000)
    _Durations("x", "x", buckets=buckets, registry=at_once).observe_all(nanoseconds)
    names = [("x_bucket", {"le": str(bound)}) for bound in (1e-06, 5e-06, 1.0, "+Inf")]
    for name, labels in [*names, ("x_count", {})]:
        assert at_once.get_sample_value(name, labels) == one_by_one.get_sample_value(name, labels) is not None
    total = one_by_one.get_sample_value("x_sum")
    assert at_once.get_sample_value("x_sum") == pytest.approx(total, rel=1e-12)


# --- in the service ---


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


def scraped(issuer: Issuer, directory: Path) -> str:
    """What /metrics says after a little traffic, a token unknown and known, and a bad policy."""
    user = bearer(issuer.token(**{"custom:role": "user"}))
    with served(settings_for(issuer, directory)) as client:
        for path in ("/user", "/user", "/admin", "/nowhere/8d0f", "/a%00b"):
            client.get(path, headers=user)
        client.get("/public", headers=bearer(issuer.token(exp=1)))
        with (directory / "policy.csv").open("a") as policy:
            policy.write("p, nonsense\n")
        client.app.state.checkpoint.live.reload()  # type: ignore[attr-defined]  # a FastAPI application
        answer = client.get("/metrics", headers=bearer(issuer.token(**{"custom:role": "security"})))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return answer.text


@pytest.fixture(scope="module")
def exposed(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> str:
    return scraped(issuer, tmp_path_factory.mktemp("metrics"))


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        (
            "decisions_total",
            {"via": "http", "result": "allow", "reason": "allowed_by_rule"},
            3,
        ),  # the scrape, too
        ("decisions_total", {"via": "http", "result": "deny", "reason": "denied_by_default"}, 2),
        ("rejections_total", {"reason": "invalid_path"}, 1),
        ("rejections_total", {"reason": "expired"}, 1),
        ("tokens_total", {"result": "remembered"}, 3),
        ("tokens_total", {"result": "verified"}, 2),
        ("tokens_total", {"result": "refused"}, 1),
        ("token_cache_tokens", {}, 2),
        ("key_fetches_total", {}, 1),
        ("key_fetch_failures_total", {}, 0),
        ("keys_known", {}, 1),
        ("policy_reloads_total", {}, 0),
        ("policy_refused_total", {}, 1),
        ("policy_current", {}, 0),
        ("decision_log_failing", {}, 0),
        ("shadow_loaded", {}, 0),
    ],
)
def test_the_service_counts_what_it_does(
    exposed: str, name: str, labels: dict[str, str], expected: float
) -> None:
    assert (f"sekisho_{name}", tuple(sorted(labels.items()))) in samples(exposed)
    assert value(exposed, name, **labels) == expected


def test_the_age_of_the_live_document_is_told(exposed: str) -> None:
    assert 0 < value(exposed, "policy_age_seconds") < 600


def test_no_label_holds_what_a_caller_sent(exposed: str) -> None:
    """Labels are those of the table in docs/metrics.md, and each value is one of a few words."""
    allowed = re.compile(r"[a-z_-]+|[0-9.e+-]+|\+Inf")
    for name, labels in samples(exposed):
        assert all(allowed.fullmatch(label) for _, label in labels), name
        assert {key for key, _ in labels} <= {"via", "result", "reason", "change", "le"}


@pytest.mark.parametrize("role", ["user", "admin", None])
def test_metrics_are_for_the_security_team(issuer: Issuer, tmp_path: Path, role: str | None) -> None:
    headers = {} if role is None else bearer(issuer.token(**{"custom:role": role}))
    with served(settings_for(issuer, tmp_path)) as client:
        assert client.get("/metrics", headers=headers).status_code == (401 if role is None else 403)


# --- documentation ---


def families(exposed: str) -> set[str]:
    return set(re.findall(r"^# TYPE (\w+) ", exposed, re.MULTILINE))


def test_the_page_lists_every_metric_with_its_type_and_no_other(exposed: str) -> None:
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(sekisho_\w+)` \| (\w+) \|", page, re.MULTILINE))
    assert documented == set(re.findall(r"^# TYPE (\w+) (\w+)", exposed, re.MULTILINE))


def expressions(node: Any) -> Iterator[str]:
    """Every PromQL expression in a dashboard."""
    if isinstance(node, dict):
        if isinstance(node.get("expr"), str):
            yield node["expr"]
        for child in node.values():
            yield from expressions(child)
    elif isinstance(node, list):
        for child in node:
            yield from expressions(child)


@pytest.mark.parametrize(
    "file", ["docs/grafana-dashboard.json", "docs/metrics.md", "deploy/prometheus/alerts.yml"]
)
def test_whatever_is_charted_or_alerted_on_exists(exposed: str, file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    wanted = list(expressions(json.loads(text))) if file.endswith(".json") else [text]
    named = {name for expression in wanted for name in re.findall(r"sekisho_[a-z_]+", expression)}
    there = {
        f"{family}{suffix}" for family in families(exposed) for suffix in ("", "_bucket", "_sum", "_count")
    }
    assert named
    assert named <= there


def test_the_dashboard_asks_for_labels_that_the_metric_has_and_values_that_occur() -> None:
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    labels = {
        name: {*re.findall(r"`(\w+)`", column), "job", "instance"}
        for name, column in re.findall(r"^\| `(sekisho_\w+)` \| \w+ \|([^|]*)\|", page, re.MULTILINE)
    }
    dashboard = json.loads((ROOT / "docs/grafana-dashboard.json").read_text(encoding="utf-8"))
    for expression in expressions(dashboard):
        (name,) = re.findall(r"sekisho_[a-z_]+", expression)
        there = labels[name.removesuffix("_bucket")] | ({"le"} if name.endswith("_bucket") else set())
        grouped = [
            label for group in re.findall(r"\bby \(([^)]*)\)", expression) for label in group.split(", ")
        ]
        chosen = dict(re.findall(r'(\w+)=~?"([^"]*)"', expression))
        assert {*grouped, *chosen} <= there, expression
        assert chosen.get("result", "deny") in {"allow", "deny"}, expression


def test_alarms_ask_for_labels_and_values_that_are_there_from_the_start(exposed: str) -> None:
    """An alarm for what grew in five minutes does not see a series that begins with 1."""
    rules = (ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8")
    chosen = set(re.findall(r'(sekisho_\w+)\{(\w+)="(\w+)"\}\[5m\]', rules))
    there = {
        (name, label, value) for (name, labels), _ in samples(exposed).items() for label, value in labels
    }
    assert len(chosen) == 2
    assert chosen <= there


def test_every_metric_is_on_the_dashboard(exposed: str) -> None:
    dashboard = json.loads((ROOT / "docs/grafana-dashboard.json").read_text(encoding="utf-8"))
    charted = " ".join(expressions(dashboard))
    assert not {name for name in families(exposed) if name not in charted}


# --- several workers ---


def test_workers_get_an_empty_directory_that_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SHARED_DIRECTORY, raising=False)
    with shared_by(1):
        assert SHARED_DIRECTORY not in os.environ
    with shared_by(2):
        directory = Path(os.environ[SHARED_DIRECTORY])
        assert list(directory.iterdir()) == []
        (directory / "counter_1.db").touch()
    assert SHARED_DIRECTORY not in os.environ
    assert not directory.exists()


def test_a_directory_of_the_operators_is_used_emptied_and_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(SHARED_DIRECTORY, str(tmp_path))
    (tmp_path / "counter_1.db").touch()
    (tmp_path / "notes.txt").touch()
    with shared_by(2):
        assert os.environ[SHARED_DIRECTORY] == str(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert tmp_path.exists()


WORKER = """
import sys
from app.metrics import Metrics
from tests.support.decisions import decided
metrics = Metrics()
metrics.count([decided("/user")] * int(sys.argv[1]))
metrics._sampled["decision_log_buffer_records"](int(sys.argv[1]))
if len(sys.argv) > 2:
    print(metrics.exposition().decode())
"""


def test_one_worker_answers_for_all_and_forgets_the_gauges_of_the_dead(tmp_path: Path) -> None:
    environment = os.environ | {SHARED_DIRECTORY: str(tmp_path)}

    def work(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", WORKER, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        ).stdout  # fmt: skip

    work("3")
    work("4")
    text = work("5", "print")
    allowed = {"result": "allow", "reason": "allowed_by_rule"}
    assert value(text, "decisions_total", via="http", **allowed) == 12
    assert value(text, "decision_seconds_count", via="http") == 12
    assert value(text, "decision_log_buffer_records") == 5


def test_what_marks_a_token_as_known_is_no_duration() -> None:
    assert NO_TOKEN < REMEMBERED == 0
