"""What a running service recorded is asked again by the command: of the same policy, and of one with a rule less."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import rbac
from tests.support.issuer import Issuer
from tests.support.service import serving

ASKED = 40


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with model, policy and the decisions of a service that was stopped: people of every kind."""
    directory = tmp_path_factory.mktemp("recorded")
    with Issuer() as issuer:
        settings = {"ROLE_CLAIMS": "cognito:groups", "DECISION_LOG": str(directory / "decisions.jsonl")}
        groups = [["user"], ["admin"], ["security", "user"], []]
        callers = [None, *(issuer.token(**{"cognito:groups": names}) for names in groups)]
        with serving(issuer, directory, **settings) as service:
            for number in range(ASKED):
                caller = callers[number % len(callers)]
                path = ("/user", "/admin", "/profile", "/nowhere", "/public")[number // len(callers) % 5]
                service.get(path, caller)
            service.get("/user", issuer.token(exp=1))
            service.get("/a%0ab")
            service.stop()
    return directory


def members(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for text in (directory / "decisions.jsonl").read_text().splitlines()]


def test_the_same_policy_answers_the_same(recorded: Path) -> None:
    decisions = [line for line in members(recorded) if line["event"] == "decision"]
    done = rbac(
        "replay",
        recorded / "decisions.jsonl",
        "--model",
        recorded / "model.conf",
        "--policy",
        recorded / "policy.csv",
        "--format",
        "json",
    )
    assert (done.code, done.err) == (0, "")
    assert (done.json["replayed"], done.json["flipped"], done.json["damaged"]) == (len(decisions), [], [])
    assert done.json["rejections"] == 2
    assert len(decisions) >= ASKED
    assert any(len(line["roles"]) > 1 for line in decisions)


@pytest.mark.parametrize(
    "rule", ["p, user, /user, GET, allow", "p, authenticated, /profile, GET, allow", "g, admin, user"]
)
def test_without_a_rule_exactly_the_decisions_it_explains_flip(
    recorded: Path, tmp_path: Path, rule: str
) -> None:
    rules = (recorded / "policy.csv").read_text().splitlines()
    number = [" ".join(other.split()) for other in rules].index(rule) + 1
    (tmp_path / "new.csv").write_text("\n".join([*rules[: number - 1], *rules[number:]]) + "\n")
    # a person explains by hand: the rule decided; or the link made an administrator a user
    explained = [
        line["decision_id"]
        for line in members(recorded)
        if line["event"] == "decision"
        and (
            line["rule_line"] == number
            or (rule.startswith("g") and line["roles"] == ["admin"] and line["obj"] == "/user")
        )
    ]
    packed = tmp_path / "decisions.jsonl.gz"
    packed.write_bytes(gzip.compress((recorded / "decisions.jsonl").read_bytes()))
    options = ("--model", recorded / "model.conf", "--policy", tmp_path / "new.csv")
    done = rbac("replay", packed, *options, "--format", "json")
    assert done.code == 1
    assert [flip["decision_id"] for flip in done.json["flipped"]] == explained
    assert explained
    assert all(
        (flip["was"], flip["now"], flip["rule"]) == (True, False, None) for flip in done.json["flipped"]
    )


def test_what_these_callers_did_not_need_is_unused(recorded: Path) -> None:
    done = rbac(
        "unused",
        recorded / "decisions.jsonl",
        "--model",
        recorded / "model.conf",
        "--policy",
        recorded / "policy.csv",
        "--format",
        "json",
    )
    idle = {rule["text"] for rule in done.json["rules"]}
    assert done.code == 1
    assert {"g, admin, pep", "p, security, /metrics, GET, allow", "p, everyone, /docs, GET, allow"} <= idle
    used = {"g, admin, user", "p, user, /user, GET, allow", "p, everyone, /public, GET, allow"}
    assert not used & idle
