"""The words of questions that come one after the other."""

from collections import Counter
from typing import Any

import pytest

from app.decision_point.question import AuthZenQuestion, MalformedRequest
from app.decision_point.words import PdpRequest, SharedSubject

REQUEST = PdpRequest.parse(
    "sub=subject.id,role=subject.properties.role,obj=resource.id,act=action.name",
    ("sub", "role", "obj", "act"),
)


class Watched(dict[str, Any]):
    """Counts what is asked of it."""

    def __init__(self, members: dict[str, Any]) -> None:
        super().__init__(members)
        self.asked: Counter[str] = Counter()

    def get(self, name: str, default: Any = None) -> Any:
        self.asked[name] += 1
        return super().get(name, default)


def subject(name: str, role: object) -> Watched:
    return Watched({"type": "user", "id": name, "properties": {"role": role}})


def question(about: Watched, path: str) -> AuthZenQuestion:
    return AuthZenQuestion(about, {"name": "GET"}, {"type": "route", "id": path})


def test_a_subject_that_questions_share_is_read_once() -> None:
    shared, alice = SharedSubject(), subject("alice", ["a", "b"])
    for number in range(20):
        words = REQUEST.read(question(alice, f"/{number}"), shared)
        assert words == {"sub": "alice", "role": ("a", "b"), "obj": f"/{number}", "act": "GET"}
    assert alice.asked == {"id": 1, "properties": 1}


def test_another_subject_is_not_taken_for_the_one_before() -> None:
    shared, alice, bob = SharedSubject(), subject("alice", "a"), subject("bob", "b")
    for about in (alice, bob, alice, bob):
        assert REQUEST.read(question(about, "/x"), shared) == REQUEST.read(question(about, "/x"))


def test_a_subject_that_cannot_be_read_is_refused_in_each_question() -> None:
    shared, bad = SharedSubject(), subject("alice", {"name": "a"})
    for _ in range(2):
        with pytest.raises(MalformedRequest, match=r"subject\.properties\.role"):
            REQUEST.read(question(bad, "/x"), shared)
