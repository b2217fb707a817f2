"""The decision log in OCSF's words: an API Activity event for each line, as the class's definition wants it."""

import io
import subprocess
import sys
from typing import Any

import orjson
import pytest

from app.ocsf import convert, ocsf_event
from rbac.decision_log.record import Record, entry, line, loss
from tests.support.decisions import BOB, SHIPPED, decided, rejected
from tests.support.service import ROOT

# What OCSF 1.4 requires of every API Activity event.
REQUIRED = {
    "activity_id",
    "actor",
    "api",
    "category_uid",
    "class_uid",
    "metadata",
    "severity_id",
    "src_endpoint",
    "time",
    "type_uid",
}


def event_of(record: Record) -> dict[str, Any]:
    return ocsf_event(orjson.loads(line(entry(record))))


@pytest.mark.parametrize("record", [decided("/user"), decided("/admin"), decided(who=None), rejected()])
def test_every_event_is_a_whole_api_activity(record: Record) -> None:
    event = event_of(record)
    assert event.keys() >= REQUIRED
    assert (event["class_uid"], event["category_uid"]) == (6003, 6)
    assert event["type_uid"] == 6003 * 100 + event["activity_id"]
    assert event["time"] == pytest.approx(record.time_ns / 1_000_000, abs=1)
    assert event["metadata"]["correlation_uid"] == record.request_id
    assert event["metadata"]["profiles"] == ["security_control"]


def test_an_allowed_decision_names_its_rule_and_its_policy() -> None:
    event = event_of(decided("/user"))
    line_number = SHIPPED.decide_request((BOB.sub, "user", "/user", "GET")).rule
    assert line_number is not None
    assert (event["action_id"], event["disposition_id"], event["status_id"]) == (1, 1, 1)
    assert event["authorizations"] == [
        {"decision": "Allowed", "policy": {"name": f"line {line_number.line}", "version": SHIPPED.revision}}
    ]
    assert event["actor"] == {"user": {"uid": BOB.sub, "groups": [{"name": "user"}]}}


def test_a_denied_decision_is_blocked_by_default() -> None:
    event = event_of(decided("/admin", "DELETE"))
    assert (event["action_id"], event["disposition_id"], event["activity_id"]) == (2, 2, 4)
    assert event["authorizations"][0]["policy"]["name"] == "default"
    assert event["resources"] == [{"name": "/admin"}]


def test_a_rejection_was_decided_by_no_policy() -> None:
    event = event_of(rejected("expired"))
    assert (event["disposition_id"], event["status_detail"]) == (2, "expired")
    assert "authorizations" not in event
    assert event["actor"] == {"user": {"name": "anonymous"}}


def test_a_method_that_ocsf_has_no_word_for_is_another_activity() -> None:
    assert event_of(decided("/user", "PURGE"))["activity_id"] == 99


def test_a_loss_is_an_event_of_its_own() -> None:
    event = ocsf_event(loss(0, 7))
    assert (event["class_uid"], event["type_uid"], event["count"]) == (0, 99, 7)


def test_what_is_no_line_is_named_by_number_and_the_rest_is_converted() -> None:
    right = line(entry(decided()))
    out = io.BytesIO()
    wrong = [b"\n", b"{}\n", b"[1]\n", b'{"event": "decision"}\n', right[:40]]
    assert convert([right, *wrong, right], out) == [2, 3, 4, 5, 6]
    assert len(out.getvalue().splitlines()) == 2


@pytest.mark.parametrize(("damage", "code"), [(b"", 0), (b"junk\n", 1)])
def test_the_command_is_a_filter_whose_exit_code_says_whether_all_was_well(damage: bytes, code: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "app.ocsf"],
        cwd=ROOT,
        input=line(entry(decided())) + damage,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == code
    assert orjson.loads(ended.stdout)["class_uid"] == 6003
    assert ended.stderr == (b"line 2: not a line of the decision log\n" if code else b"")
