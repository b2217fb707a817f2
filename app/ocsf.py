"""The decision log in the words of the Open Cybersecurity Schema Framework: ``python -m app.ocsf < decisions.jsonl``.

A decision or rejection becomes one API Activity event (class 6003) of OCSF 1.4 with the profile ``security_control``.
"""

import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, BinaryIO

import orjson

from rbac.decision_log.record import Entry

VERSION = "1.4.0"

_API_ACTIVITY = 6003
_ACTIVITIES = {
    "POST": (1, "Create"),
    "GET": (2, "Read"),
    "PUT": (3, "Update"),
    "PATCH": (3, "Update"),
    "DELETE": (4, "Delete"),
}
_OTHER = (99, "Other")


def ocsf_event(line: Mapping[str, Any]) -> Entry:
    """The event for one line of the decision log."""
    return _loss(line) if line["event"] == "loss" else _api_activity(line)


def _api_activity(line: Mapping[str, Any]) -> Entry:
    allowed = line.get("allowed", False)
    activity, name = _ACTIVITIES.get(line["act"], _OTHER)
    event: Entry = {
        "class_uid": _API_ACTIVITY,
        "class_name": "API Activity",
        "category_uid": 6,
        "category_name": "Application Activity",
        "activity_id": activity,
        "activity_name": name,
        "type_uid": _API_ACTIVITY * 100 + activity,
        "time": _milliseconds(line),
        "severity_id": 1,
        "action_id": 1 if allowed else 2,
        "action": "Allowed" if allowed else "Denied",
        "disposition_id": 1 if allowed else 2,
        "disposition": "Allowed" if allowed else "Blocked",
        "status_id": 1 if allowed else 2,
        "status_detail": line["reason"],
        "metadata": {
            **_metadata("security_control"),
            "uid": line.get("decision_id", line["request_id"]),
            "correlation_uid": line["request_id"],
        },
        "actor": {"user": _user(line)},
        "api": {"operation": line["act"], "request": {"uid": line["request_id"]}},
        "resources": [{"name": line["obj"]}],
        "src_endpoint": {"ip": line["client"]},
        "unmapped": {
            name: line[name]
            for name in ("via", "duration_us", "request", "halves", "altered")
            if name in line
        },
    }
    if line["event"] == "decision":
        rule = f"line {line['rule_line']}" if line["rule_line"] is not None else "default"
        policy = {"name": rule, "version": line["policy_revision"]}
        event["authorizations"] = [{"decision": event["action"], "policy": policy}]
    return event


def _loss(line: Mapping[str, Any]) -> Entry:
    """A base event: that lines are missing is no activity of anybody's."""
    return {
        "class_uid": 0,
        "class_name": "Base Event",
        "category_uid": 0,
        "activity_id": 99,
        "activity_name": "Loss",
        "type_uid": 99,
        "time": _milliseconds(line),
        "severity_id": 4,
        "message": f"{line['lost']} decision records were lost",
        "count": line["lost"],
        "metadata": _metadata(),
    }


def _metadata(*profiles: str) -> Entry:
    product = {"name": "Sekisho", "vendor_name": "Sekisho"}
    return {"version": VERSION, "product": product, "profiles": list(profiles), "log_name": "decision"}


def _user(line: Mapping[str, Any]) -> Entry:
    if not line.get("sub"):
        return {"name": "anonymous"}
    return {"uid": line["sub"], "groups": [{"name": role} for role in line["roles"]]}


def _milliseconds(line: Mapping[str, Any]) -> int:
    return round(datetime.fromisoformat(line["timestamp"]).timestamp() * 1000)


def convert(lines: Iterable[bytes], out: BinaryIO) -> list[int]:
    """Writes an event a line to ``out``. Returns the numbers of the lines that are none of the decision log's."""
    damaged: list[int] = []
    for number, line in enumerate(lines, 1):
        try:
            event = ocsf_event(orjson.loads(line))
        except (ValueError, KeyError, TypeError):
            damaged.append(number)
        else:
            out.write(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))
            out.flush()
    return damaged


def main() -> int:
    """Standard input to standard output; 1 when a line was no line of the decision log."""
    damaged = convert(sys.stdin.buffer, sys.stdout.buffer)
    for number in damaged:
        sys.stderr.write(f"line {number}: not a line of the decision log\n")
    return 1 if damaged else 0


if __name__ == "__main__":
    sys.exit(main())
