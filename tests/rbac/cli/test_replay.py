"""`rbac replay` and `rbac unused`: recorded decisions asked again, and no line lost without a word."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from rbac import Policy
from tests.support.command import Outcome, Workshop, rbac

CALLERS = [("", ()), ("u1", ()), ("u1", ("user",)), ("u2", ("admin",)), ("u3", ("user", "auditor"))]
PATHS = ["/user", "/admin", "/nowhere"]


def line_of(policy: Policy, number: int, sub: str, roles: tuple[str, ...], obj: str, **changes: Any) -> str:
    """A line as the service records it."""
    decision = policy.decide(sub=sub, roles=roles, obj=obj, act="GET")
    role: Any = list(roles) if len(roles) > 1 else (roles[0] if roles else "")
    members = {
        "timestamp": "2026-03-01T10:00:00.000000Z",
        "event": "decision",
        "decision_id": f"d-{number}",
        "request_id": "r",
        "sub": sub,
        "roles": list(roles),
        "act": "GET",
        "obj": obj,
        "allowed": decision.allowed,
        "reason": decision.reason,
        "rule_line": decision.rule.line if decision.rule else None,
        "policy_revision": decision.revision,
        "duration_us": 3.1,
        "client": "127.0.0.1",
        "via": "http",
        "request": {"sub": sub, "role": role, "obj": obj, "act": "GET"},
    } | changes
    return json.dumps(members)


@pytest.fixture
def log(workshop: Workshop) -> Path:
    """Every caller at every path, decided by the workshop's policy."""
    policy = Policy.load(workshop.model, workshop.policy)
    asked = [(sub, roles, obj) for sub, roles in CALLERS for obj in PATHS]
    lines = [line_of(policy, number, *request) for number, request in enumerate(asked)]
    return workshop.write("decisions.jsonl", "\n".join(lines) + "\n")


def replay(workshop: Workshop, *arguments: object) -> Outcome:
    return rbac("replay", "--model", workshop.model, "--policy", workshop.policy, *arguments)


def unused(workshop: Workshop, *arguments: object) -> Outcome:
    return rbac("unused", "--model", workshop.model, "--policy", workshop.policy, *arguments)


def test_the_same_policy_decides_the_same(workshop: Workshop, log: Path) -> None:
    done = replay(workshop, log, "--format", "json")
    assert done.code == 0
    assert (done.json["replayed"], done.json["flipped"], done.json["damaged"]) == (
        len(CALLERS) * len(PATHS),
        [],
        [],
    )


def test_a_removed_rule_flips_exactly_what_it_explains(workshop: Workshop, log: Path) -> None:
    workshop.rules("p, admin, /admin, GET, allow", "g, admin, user")
    done = replay(workshop, log, "--format", "json")
    assert done.code == 1
    flipped = [
        (flip["roles"], flip["obj"], flip["was"], flip["now"], flip["rule"]) for flip in done.json["flipped"]
    ]
    assert flipped == [
        (["user"], "/user", True, False, None),
        (["admin"], "/user", True, False, None),
        (["user", "auditor"], "/user", True, False, None),
    ]
    recorded = [json.loads(line) for line in log.read_text().splitlines()]
    explained = [line["decision_id"] for line in recorded if line["rule_line"] == 1]
    assert [flip["decision_id"] for flip in done.json["flipped"]] == explained


def test_a_new_deny_for_one_of_several_roles_flips_that_caller(workshop: Workshop, log: Path) -> None:
    with workshop.policy.open("a") as policy:
        policy.write("p, auditor, /user, GET, deny\n")
    done = replay(workshop, log, "--format", "json")
    assert [(flip["roles"], flip["now"], flip["rule"]) for flip in done.json["flipped"]] == [
        (["user", "auditor"], False, 4)
    ]
    assert "line" in replay(workshop, log).out


@pytest.mark.parametrize(
    "damage",
    [
        "{",
        "not json",
        "[]",
        '{"event": "decision"}',
        '{"event": "surprise"}',
        "\xff",
        "",
    ],
)
def test_a_damaged_line_is_counted_and_named(workshop: Workshop, log: Path, damage: str) -> None:
    lines = log.read_bytes().splitlines()
    log.write_bytes(b"\n".join([*lines[:3], damage.encode("latin-1"), *lines[3:]]) + b"\n")
    done = replay(workshop, log, "--format", "json")
    assert (done.code, done.json["replayed"], done.json["damaged"]) == (2, len(lines), [4])
    assert f"{log.name}:4" in done.err.replace("\n", "")
    assert replay(workshop, log, "--skip-damaged").code == 0


def test_a_truncated_last_line_is_damage(workshop: Workshop, log: Path) -> None:
    log.write_bytes(log.read_bytes()[:-20])
    done = replay(workshop, log, "--format", "json")
    assert (done.code, done.json["damaged"]) == (2, [len(CALLERS) * len(PATHS)])


def test_rejections_are_counted_and_not_asked(workshop: Workshop, log: Path) -> None:
    rejection = (
        '{"timestamp":"2026-03-01T10:00:00.000000Z","event":"rejection","reason":"expired","status":401}'
    )
    log.write_text(log.read_text() + rejection + "\n")
    done = replay(workshop, log, "--format", "json")
    assert (done.code, done.json["rejections"], done.json["replayed"]) == (0, 1, len(CALLERS) * len(PATHS))


def test_packed_and_plain_logs_are_read_alike(workshop: Workshop, log: Path) -> None:
    packed = workshop.write("decisions.jsonl.1.gz", gzip.compress(log.read_bytes()))
    done = replay(workshop, packed, log, "--format", "json")
    assert (done.code, done.json["replayed"]) == (0, 2 * len(CALLERS) * len(PATHS))


@pytest.mark.parametrize("command", ["replay", "unused"])
def test_what_cannot_be_read_is_a_two(workshop: Workshop, log: Path, command: str) -> None:
    options = ("--model", workshop.model, "--policy", workshop.policy)
    assert rbac(command, *options, workshop.folder / "missing.jsonl").code == 2
    assert rbac(command, *options).code == 2
    assert rbac(command, *options, log, "--since", "yesterday").code == 2
    workshop.rules("p, usr /admin GET")
    assert rbac(command, *options, log).code == 2


def test_rules_and_links_that_no_decision_needed_are_unused(workshop: Workshop, log: Path) -> None:
    with workshop.policy.open("a") as policy:
        policy.write("p, user, /reports, GET, allow\ng, intern, user\n")
    done = unused(workshop, log, "--format", "json")
    assert done.code == 1
    assert [(rule["line"], rule["text"], rule["last_used"]) for rule in done.json["rules"]] == [
        (4, "p, user, /reports, GET, allow", None),
        (5, "g, intern, user", None),
    ]


def test_a_log_that_needs_every_rule_is_a_clean_answer(workshop: Workshop, log: Path) -> None:
    done = unused(workshop, log, "--format", "json")
    assert (done.code, done.json["rules"]) == (0, [])


def test_since_asks_for_use_after_a_day(workshop: Workshop, log: Path) -> None:
    done = unused(workshop, log, "--since", "2026-04-01", "--format", "json")
    assert done.code == 1
    assert {rule["last_used"] for rule in done.json["rules"]} == {"2026-03-01T10:00:00.000000Z"}
    assert unused(workshop, log, "--since", "2026-02-01").code == 0


def test_lines_of_another_revision_count_for_the_rules_as_they_are_now(workshop: Workshop, log: Path) -> None:
    workshop.rules(
        "# moved down", "p, admin, /admin, GET, allow", "p, user, /user, GET, allow", "g, admin, user"
    )
    assert unused(workshop, log).code == 0


def test_text_is_for_people(workshop: Workshop, log: Path) -> None:
    workshop.rules("p, admin, /admin, GET, allow", "g, admin, user")
    shown = replay(workshop, log).out
    assert "3 come out differently" in shown
    assert "GET /user" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "1 of 2 rules unused" in unused(workshop, log).out
