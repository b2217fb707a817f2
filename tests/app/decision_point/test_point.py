"""What many questions are answered together, each would be by itself; and what cannot be decided is denied."""

import re
from pathlib import Path

import pytest

from app.decision_point.point import DecisionPoint, Word
from rbac import LivePolicy, RequestError

MODEL = """[request_definition]
r = sub, role, obj, act, ip
[policy_definition]
p = role, obj, act, ip, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = g(r.role, p.role) && r.obj == p.obj && r.act == p.act && ipMatch(r.ip, p.ip)
"""
RULES = """p, user, /orders, GET, 10.0.0.0/8, allow
p, admin, /reports, GET, 10.0.0.0/8, allow
p, suspended, /reports, GET, 0.0.0.0/0, deny
g, admin, user
"""
PATHS = ["/orders", "/reports", "/nowhere"]
ADDRESSES = ["10.1.2.3", "192.0.2.1", "", "no address"]


@pytest.fixture
def point(tmp_path: Path) -> DecisionPoint:
    (tmp_path / "model.conf").write_text(MODEL)
    (tmp_path / "policy.csv").write_text(RULES)
    live = LivePolicy.files(tmp_path / "model.conf", tmp_path / "policy.csv")
    live.load()
    return DecisionPoint(live)


@pytest.mark.parametrize("address", [*ADDRESSES, ADDRESSES[:3]], ids=repr)
@pytest.mark.parametrize(
    "roles",
    ["user", "admin", [], ["user"], ["user", "admin"], ["admin", "suspended"], ""],
    ids=repr,
)
def test_questions_that_are_put_together_are_answered_as_each_by_itself(
    point: DecisionPoint, roles: Word, address: str | list[str]
) -> None:
    shared: dict[str, Word | list[str]] = {
        "role": tuple(roles) if isinstance(roles, list) else roles,
        "act": "GET",
    }
    asked = point.requests(shared | {"obj": PATHS, "ip": address}, len(PATHS), point.policy)
    together = [asked.decide(words) for words in asked.words]
    alone = [
        point.ask({"role": roles, "act": "GET", "obj": path, "ip": ip})
        for path, ip in zip(PATHS, address if isinstance(address, list) else [address] * 3, strict=True)
    ]
    assert [each.decision for each in together] == [each.decision for each in alone]
    assert [each.words for each in together] == [each.words for each in alone]
    assert asked.role_word == "role"


def test_what_the_matcher_fails_over_is_denied_and_told_of(
    point: DecisionPoint, caplog: pytest.LogCaptureFixture
) -> None:
    words = {"role": "user", "act": "GET", "obj": "/orders"}
    right, wrong = point.ask(words | {"ip": "10.1.2.3"}), point.ask(words | {"ip": "no address"})
    assert (right.decision.allowed, wrong.decision) == (True, point.policy.denied)
    assert "denied what could not be decided" in caplog.text


def test_two_words_with_several_values_are_refused(point: DecisionPoint) -> None:
    given: dict[str, Word] = {"role": ("user", "admin"), "obj": ("/orders", "/reports"), "act": "GET"}
    said = re.escape("`role` and `obj` both have several values")
    with pytest.raises(RequestError, match=said):
        point.ask(given)
    with pytest.raises(RequestError, match=said):
        point.requests(given, 1, point.policy)
