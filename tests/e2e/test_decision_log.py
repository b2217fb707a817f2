"""At full speed and through a stop under load every answer has exactly one line, and the workers' numbers add up."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rbac import Policy
from tests.support.issuer import Issuer
from tests.support.load import Load
from tests.support.service import Service, serving
from tests.support.waiting import LIMIT_S, comes_true


def targets(issuer: Issuer) -> list[tuple[str, str | None]]:
    """Something of everything that leaves a line: allowed, refused, nobody, a bad token, a path refused unread."""
    user = issuer.token(**{"custom:role": "user"})
    return [
        ("/user", user),
        ("/admin", user),
        ("/profile?access_token=secret", user),
        ("/public", None),
        ("/user", None),
        ("/public", issuer.token(exp=1)),
        ("/a%0ab", user),
        ("/user", user),
    ]


def decision_lines(text: str) -> list[dict[str, Any]]:
    """The lines of the log but for those of the probes that wait for the service to start."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in lines if line["obj"] not in {"/healthz", "/readyz"}]


@pytest.mark.parametrize(
    ("where", "workers", "answers"),
    [("file", "2", 10_000), ("file", "1", 2_000), ("stdout", "2", 2_000)],
    ids=str,
)
def test_as_many_lines_as_answers_however_it_is_stopped_under_load(
    issuer: Issuer, tmp_path: Path, where: str, workers: str, answers: int
) -> None:
    path = tmp_path / "decisions.jsonl"
    log = str(path) if where == "file" else "stdout"
    with serving(issuer, tmp_path, LOG_LEVEL="WARNING", DECISION_LOG=log, WORKERS=workers) as service:
        load = Load(service.base_url, targets(issuer))
        load.run(answers, service.process.terminate)
        service.process.wait(LIMIT_S)
        text = path.read_text() if where == "file" else service.log()
    lines = decision_lines(text)
    assert len(load.answers) >= answers
    assert Counter(line["request_id"] for line in lines) == Counter(load.answers.keys())
    assert {line["request_id"]: _status(line) for line in lines} == load.answers
    assert "secret" not in text
    _assert_replays(service, lines)


def _status(line: dict[str, Any]) -> int:
    """The answer that a line tells of."""
    if line["event"] == "rejection":
        return int(line["status"])
    if line["allowed"]:
        return 200
    return 403 if line["sub"] else 401


def _assert_replays(service: Service, lines: list[dict[str, Any]]) -> None:
    """The same policy gives the same answers to what stands in the log."""
    policy = Policy.load(service.directory / "model.conf", service.policy)
    for line in lines:
        if line["event"] == "decision":
            again = policy.decide_request(tuple(line["request"][word] for word in policy.words))
            assert (again.allowed, again.rule.line if again.rule else None, again.revision) == (
                line["allowed"],
                line["rule_line"],
                line["policy_revision"],
            )


def test_one_worker_answers_for_the_numbers_of_all_and_their_directory_goes_with_them(
    issuer: Issuer, tmp_path: Path
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    watcher = issuer.token(**{"custom:role": "security"})
    settings = {"LOG_LEVEL": "WARNING", "DECISION_LOG": "off", "WORKERS": "3", "TMPDIR": str(temporary)}
    with serving(issuer, tmp_path, **settings) as service:
        assert service.eventually("/metrics", watcher, 200)
        before = _denied(service.get("/metrics", watcher).text)
        for _ in range(60):
            assert service.get("/nowhere", watcher).status_code == 403
        assert comes_true(lambda: _denied(service.get("/metrics", watcher).text) >= before + 60)
        assert _denied(service.get("/metrics", watcher).text) == before + 60
        assert list(temporary.glob("sekisho-metrics-*/*.db"))
        service.stop()
    assert list(temporary.iterdir()) == []


def _denied(exposed: str) -> int:
    """How many decisions of the endpoints' own denied, over all workers."""
    found = re.findall(
        r'^sekisho_decisions_total\{[^}]*result="deny"[^}]*\} ([0-9.]+)$', exposed, re.MULTILINE
    )
    return int(sum(float(number) for number in found))
