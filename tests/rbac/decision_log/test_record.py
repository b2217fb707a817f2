"""A decision line says what was asked and answered, keeps to its schema, and cannot be forged or made to leak."""

import json
import random
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from rbac import Policy
from rbac.decision_log.record import (
    NO_TOKEN,
    REMEMBERED,
    Decided,
    Record,
    entry,
    line,
    loss,
    plain,
    timestamp,
)
from rbac.decision_log.ruling import Asked, Ruling
from rbac.decision_log.writer import UsualLines
from rbac.guard.http.request_id import new_id
from rbac.guard.identity.errors import SENTENCES
from rbac.guard.identity.principal import Principal
from tests.support.decisions import BOB, SHIPPED, decided, rejected
from tests.support.service import ROOT

SCHEMA = json.loads((ROOT / "docs/decision-log.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl"


HOSTS_MODEL = b"""[request_definition]
r = sub, host
[policy_definition]
p = sub, host
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && r.host == p.host
"""


def written(record: Record, email: str | None = None) -> dict[str, Any]:
    """The line of ``record``, which keeps to the schema, as a reader gets it."""
    raw = line(entry(record), email)
    assert raw.count(b"\n") == 1
    assert raw.endswith(b"\n")
    assert raw.isascii()
    assert len(raw.decode().splitlines()) == 1  # nor any of the line ends that only Unicode knows
    members: dict[str, Any] = orjson.loads(raw)
    VALIDATOR.validate(members)
    return members


def test_a_decision_line_says_everything_that_the_design_lists() -> None:
    members = written(decided("/admin", request_id="abc"))
    assert set(members) == {
        "timestamp", "event", "decision_id", "request_id", "sub", "roles", "act", "obj", "allowed", "reason", "rule_line",
        "policy_revision", "duration_us", "client", "via", "request",
    }  # fmt: skip
    assert {name: members[name] for name in ("event", "request_id", "sub", "roles", "act", "obj", "via")} == {
        "event": "decision",
        "request_id": "abc",
        "sub": BOB.sub,
        "roles": ["user"],
        "act": "GET",
        "obj": "/admin",
        "via": "http",
    }
    assert (members["allowed"], members["reason"], members["rule_line"]) == (False, "denied_by_default", None)
    assert (members["policy_revision"], members["duration_us"]) == (SHIPPED.revision, 12.345)
    assert members["request"] == {"sub": BOB.sub, "role": "user", "obj": "/admin", "act": "GET"}


def test_an_allowed_decision_names_the_line_of_its_rule() -> None:
    members = written(decided("/user"))
    rules = (ROOT / "policy.csv").read_text().splitlines()
    assert members["reason"] == "allowed_by_rule"
    assert rules[members["rule_line"] - 1] == "p, user, /user, GET, allow"


def test_nobody_is_an_empty_subject_without_roles() -> None:
    members = written(decided("/public", who=None))
    assert (members["sub"], members["roles"], members["request"]["sub"]) == ("", [], "")


ASKED = [
    pytest.param(decided("/user"), id="one role"),
    pytest.param(decided("/user", who=None), id="nobody"),
    pytest.param(decided("/admin", who=Principal("x", ("user", "admin"))), id="two roles"),
    pytest.param(decided("/metrics", who=Principal("x", ("user", "admin", "security"))), id="three roles"),
    pytest.param(decided("/user", who=Asked("7", ("user",)), via="authzen"), id="asked by another program"),
]


@pytest.mark.parametrize("record", ASKED)
def test_a_line_is_enough_to_ask_the_same_question_again(record: Any) -> None:
    """As docs/decision-log.md says it is done."""
    members = written(record)
    words = [members["request"][word] for word in SHIPPED.words]
    several = [index for index, word in enumerate(words) if isinstance(word, list)]
    if several:
        index, roles = several[0], words[several[0]]
        words[index] = ""
        again = SHIPPED.decide_roles(tuple(words), index, roles)
    else:
        again = SHIPPED.decide_request(tuple(words))
    assert again == record.ruling.decision
    assert again.allowed == members["allowed"]


def test_a_shadow_stands_in_the_line_with_its_rule_and_revision() -> None:
    shadow = Policy.parse(SHIPPED.document.model_bytes, b"p, user, /*, *, allow\n")
    record = decided("/admin")
    raw = line(entry(record, shadow.decide_request(record.ruling.words)))
    members = orjson.loads(raw)
    VALIDATOR.validate(members)
    assert (members["allowed"], members["shadow_allowed"], members["shadow_rule_line"]) == (False, True, 1)
    assert members["shadow_revision"] == shadow.revision != members["policy_revision"]


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("invalid_path", 400),
        ("uri_too_long", 414),
        ("keys_unavailable", 503),
        ("decision_log_unavailable", 503),
        ("internal_error", 500),
        *((reason, 401) for reason in SENTENCES),
    ],
)
def test_every_rejection_keeps_to_the_schema_and_says_why(reason: str, status: int) -> None:
    members = written(rejected(reason, status))
    assert (members["event"], members["reason"], members["status"]) == ("rejection", reason, status)
    assert "sub" not in members


def test_a_loss_keeps_to_the_schema() -> None:
    members = orjson.loads(line(loss(0, 3)))
    VALIDATOR.validate(members)
    assert (members["event"], members["lost"]) == ("loss", 3)


def spoilt() -> Iterator[dict[str, Any]]:
    """Lines that are not right, each in one place."""
    right = orjson.loads(line(entry(decided())))
    for name in right:
        yield {key: value for key, value in right.items() if key != name}
    yield right | {"token": TOKEN}
    yield right | {"email": "bob@example.com"}
    yield right | {"timestamp": "2026-01-01 00:00:00"}
    yield right | {"shadow_allowed": True}
    yield right | {"request": {"role": ["user"]}}
    yield right | {"allowed": "true"}


@pytest.mark.parametrize("members", list(spoilt()))
def test_the_schema_refuses_what_is_no_line(members: dict[str, Any]) -> None:
    assert list(VALIDATOR.iter_errors(members))


FORGERIES = (
    '/a\n{"event":"decision","allowed":true}',
    "/a\r\nb",
    '/a","allowed":true,"b":"',
    "/a\u2028b",
    "/a\u2029b\x85c",
    "/a\u202eb",
    "/a\x00\x1b[2Jb",
    "/a\x7fb",
    "/関所",
)


@pytest.mark.parametrize("path", FORGERIES, ids=ascii)
def test_no_path_makes_a_second_line_or_another_member(path: str) -> None:
    members = written(decided(path))
    assert (members["obj"], members["request"]["obj"], members["allowed"]) == (path, path, False)
    assert "altered" not in members


def test_half_a_surrogate_pair_is_written_as_an_escape() -> None:
    members = written(decided("/a\ud800b"))
    assert members["obj"] == members["request"]["obj"] == "/a\\ud800b"
    assert members["altered"] is True


@pytest.mark.parametrize(
    "record",
    [
        decided(f"/user/{TOKEN}"),
        decided("/user", request_id=TOKEN),
        rejected(obj=f"/{TOKEN}"),
        decided(who=Principal("x", (TOKEN, "user"))),
    ],
    ids=["path", "request id", "rejected path", "role"],
)
def test_a_token_is_never_written_wherever_the_caller_puts_it(record: Record) -> None:
    members = written(record)
    assert "eyJ" not in json.dumps(members)
    assert members["altered"] is True


def test_what_only_looks_like_a_token_is_left_as_it_is() -> None:
    members = written(decided("/eyJ"))
    assert members["obj"] == "/eyJ"
    assert "altered" not in members


@pytest.mark.parametrize("email", ["bob@example.com", 'b"o\\b@example.com', "bób@example.com"])
def test_the_callers_email_is_never_written(email: str) -> None:
    who = Principal(email, ("user",), email, email)
    members = written(decided(f"/users/{email}/x", who=who), email)
    assert "@" not in json.dumps(members)
    assert members["obj"] == "/users/[redacted]/x"
    assert members["altered"] is True


def test_an_email_that_is_none_does_not_blank_the_line() -> None:
    assert written(decided("/user"), "e")["reason"] == "allowed_by_rule"


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_795_426_353_000_007_999, "2026-11-23T09:32:33.000007Z"),
        (1_795_426_353_999_999_999, "2026-11-23T09:32:33.999999Z"),
    ],
)
def test_a_timestamp_is_rfc_3339_in_utc_with_microseconds(nanoseconds: int, text: str) -> None:
    assert timestamp(nanoseconds) == text


TEXTS = (
    "/user",
    "/a b",
    '/"',
    "/\\",
    "/é",
    "/\x7f",
    "/JSON",
    "a@b.example",
    "/\u2028",
    "%s",
    "/%2F{x}",
    "",
    "x" * 300,
)


@pytest.mark.parametrize("seed", range(40))
def test_lines_of_prepared_parts_are_those_of_the_members(seed: int) -> None:
    """Byte for byte, for whichever records are together; what needs a second look is left to it."""
    draw = random.Random(seed)
    models = [SHIPPED, Policy.parse(HOSTS_MODEL, b"p, 100%, example.com\n")]
    usual = UsualLines()
    found = 0
    for _ in range(30):
        texts = TEXTS if draw.random() < 0.2 else ("/user", "/a b", "%s", "", "/x/{y}")
        records = []
        for _ in range(draw.randint(1, 5)):
            policy = draw.choice(models)
            who = draw.choice(
                (None, BOB, Principal(draw.choice(texts) or "x"), Principal("s", ("a", draw.choice(texts))))
            )
            words = tuple(draw.choice(texts) for _ in policy.words)
            index = (
                1
                if who is not None and len(who.roles) > 1 and policy is SHIPPED and draw.random() < 0.5
                else None
            )
            ruling = Ruling(policy.decide_request(words), words, policy, index)
            records.append(
                Decided(
                    draw.randrange(2**60), new_id(), draw.choice(texts), who, ruling, "GET", draw.choice(texts),
                    draw.choice(("", "192.0.2.7", "::1")), draw.choice(("http", "authzen")), draw.randrange(10**9),
                    draw.choice((NO_TOKEN, REMEMBERED)), draw.choice((*[""] * 11, "a" * 32)),
                )
            )  # fmt: skip
        lines = usual.lines(records)
        if lines is not None:
            found += 1
            assert lines == [line(entry(record)) for record in records]
            assert plain([entry(record) for record in records]) == lines
    assert found
