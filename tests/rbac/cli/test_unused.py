"""What `rbac unused` and `rbac replay` tell about lines that had no part in the answer, and how much they show."""

import json
from pathlib import Path
from typing import Any

import pytest

from rbac import Policy
from rbac.decision_log.record import entry, line, loss
from rbac.decision_log.ruling import Asked
from tests.support.command import Outcome, Workshop, rbac
from tests.support.decisions import decided


def run(workshop: Workshop, command: str, *arguments: object) -> Outcome:
    return rbac(command, *arguments, "--model", workshop.model, "--policy", workshop.policy)


def write(workshop: Workshop, *members: dict[str, Any] | bytes) -> Path:
    texts = (each if isinstance(each, bytes) else line(each) for each in members)
    return workshop.write("decisions.jsonl", b"".join(texts))


@pytest.fixture
def policy(workshop: Workshop) -> Policy:
    return Policy.load(workshop.model, workshop.policy)


def a_line(policy: Policy, obj: str = "/user", role: str = "user", **changes: Any) -> dict[str, Any]:
    return entry(decided(obj, who=Asked("somebody", (role,)), policy=policy)) | changes


def test_damage_is_named_and_leaves_the_answer_as_it_is(workshop: Workshop, policy: Policy) -> None:
    """What a lost line needed can only make the list too long: that is said, and the answer stands."""
    log = write(
        workshop,
        a_line(policy),
        b"{\n",
        a_line(policy, role="admin"),
        a_line(policy, "/admin", "admin"),
        b"x",
    )
    done = run(workshop, "unused", log, "--format", "json")
    assert (done.code, done.json["rules"], done.json["damaged"]) == (0, [], [2, 5])
    assert [damage["line"] for damage in done.json["damaged_lines"]] == [2, 5]
    assert "2 lines damaged" in done.err
    assert "decisions.jsonl:2: not JSON" in done.err


def test_a_file_that_is_no_log_does_not_make_every_rule_unused(workshop: Workshop) -> None:
    done = run(workshop, "unused", workshop.model)
    assert done.code == 2
    assert "damaged" in done.err


def test_an_empty_log_needed_nothing(workshop: Workshop) -> None:
    done = run(workshop, "unused", write(workshop), "--format", "json")
    assert (done.code, done.json["decisions"], len(done.json["rules"])) == (1, 0, 3)


def test_a_question_of_another_model_is_a_two_unless_it_may_be_skipped(
    workshop: Workshop, policy: Policy
) -> None:
    request = a_line(policy)["request"] | {"dom": "acme"}
    log = write(workshop, a_line(policy), a_line(policy, request=request, via="authzen", decision_id="d-7"))
    done = run(workshop, "replay", log, "--format", "json")
    assert (done.code, done.json["replayed"]) == (2, 1)
    assert [(one["line"], one["decision_id"]) for one in done.json["not_asked"]] == [(2, "d-7")]
    assert "d-7" in done.err
    assert run(workshop, "replay", log, "--skip-damaged").code == 0
    assert run(workshop, "replay", log, "--via", "http").code == 0


@pytest.mark.parametrize("command", ["replay", "unused"])
def test_a_log_without_a_decision_says_that_it_says_nothing(
    workshop: Workshop, policy: Policy, command: str
) -> None:
    """Nothing comes out differently, and every rule is unused: both are true, and neither is about the policy."""
    log, empty = write(workshop, a_line(policy)), workshop.write("empty.jsonl", "")
    said = "hold not one decision"
    for output in ("text", "json"):
        assert said in run(workshop, command, empty, "--format", output).err
        assert said not in run(workshop, command, log, "--format", output).err
    if command == "replay":
        assert said in run(workshop, command, log, "--since", "2999-01-01").err


def test_altered_and_lost_records_are_told_and_no_failure(workshop: Workshop, policy: Policy) -> None:
    """Anybody can have a line altered by putting a token into a path: that must not stop a check."""
    log = write(workshop, a_line(policy, altered=True), loss(0, 12))
    done = run(workshop, "replay", log, "--format", "json")
    assert (done.code, done.json["replayed"], done.json["lost"]) == (0, 0, 12)
    assert done.json["not_asked"][0]["altered"] is True
    assert "1 decision not asked again" in done.err
    assert "12 records missing" in done.err


def test_flips_are_grouped_and_the_largest_group_of_what_is_granted_comes_first(
    workshop: Workshop, policy: Policy
) -> None:
    lines = [*[a_line(policy)] * 5, a_line(policy, "/admin"), *[a_line(policy, role="admin")] * 4]
    log = write(workshop, *lines)
    workshop.rules("p, user, /admin, GET, allow", "p, admin, /admin, GET, allow")
    done = run(workshop, "replay", log)
    assert done.code == 1
    shown = [text.split() for text in done.out.splitlines() if " x " in text]
    assert shown == [
        ["+", "1", "x", "GET", "/admin", "user"],
        ["-", "5", "x", "GET", "/user", "user"],
        ["-", "4", "x", "GET", "/user", "admin"],
    ]
    assert "and 2 more\n" in done.out
    limited = run(workshop, "replay", log, "--limit", "1").out
    assert "and 2 more groups: --limit 0 shows all" in limited
    assert [text.split()[0] for text in limited.splitlines() if " x " in text] == ["+"]
    assert run(workshop, "replay", log, "--limit", "0").out.count(" x ") == 3


def test_a_log_that_contradicts_its_own_policy_is_called_changed(workshop: Workshop, policy: Policy) -> None:
    done = run(workshop, "replay", write(workshop, a_line(policy, "/admin", allowed=True)))
    assert done.code == 1
    assert "the log is not what was written" in done.out


def test_what_the_log_says_cannot_steer_a_terminal(workshop: Workshop, policy: Policy) -> None:
    nasty = json.dumps(a_line(policy, "/admin", allowed=True, decision_id="\x1b[2J")).encode() + b"\n"
    shown = run(workshop, "replay", write(workshop, nasty)).out
    assert "\x1b" not in shown
    assert "\\x1b[2J" in shown


def test_the_text_names_rules_by_line_and_the_last_use(workshop: Workshop, policy: Policy) -> None:
    log = write(workshop, a_line(policy, timestamp="2026-01-05T12:00:00.000000Z"))
    done = run(workshop, "unused", log, "--since", "2026-02-01")
    assert done.out.splitlines()[0] == "3 of 3 rules unused since 2026-02-01 by 1 decision"
    assert "1  p, user, /user, GET, allow  last used 2026-01-05T12:00:00Z" in done.out
    assert "2  p, admin, /admin, GET, allow\n" in done.out
