"""The words of several questions that are read together."""

from collections import Counter
from typing import Any

import pytest

from app.decision_point.question import Alike, Defaults
from app.decision_point.words import PdpRequest

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


def asked(*items: dict[str, Any], **members: Any) -> Alike:
    alike = Alike.read(items, Defaults.read(members))
    assert alike is not None
    return alike


def to(*paths: str) -> list[dict[str, Any]]:
    return [{"action": {"name": "GET"}, "resource": {"type": "route", "id": path}} for path in paths]


def test_a_subject_that_questions_share_is_read_once() -> None:
    alice, paths = subject("alice", ["a", "b"]), [f"/{number}" for number in range(20)]
    alike = asked(*to(*paths), subject=dict(alice))._replace(subject=alice)
    words = REQUEST.read_each(alike)
    assert words == {"sub": "alice", "role": ("a", "b"), "obj": paths, "act": ["GET"] * 20}
    assert alice.asked == {"properties": 1}


def test_of_several_questions_each_has_words_of_its_own() -> None:
    items = [{"subject": dict(subject(name, name.upper())), **to("/x")[0]} for name in ("alice", "bob")]
    words = REQUEST.read_each(asked(*items))
    assert words == {"sub": ["alice", "bob"], "role": ["ALICE", "BOB"], "obj": ["/x"] * 2, "act": ["GET"] * 2}


@pytest.mark.parametrize(
    ("value", "word"),
    [(None, ""), (True, "true"), (7, "7"), ("a\u00a0b", "a\u00a0b"), ("x" * 8192, "x" * 8192)],
)
def test_each_questions_own_value_is_the_word_that_it_is_alone(value: object, word: str) -> None:
    items = [{"subject": dict(subject("alice", each)), **to("/x")[0]} for each in ("a", value)]
    words = REQUEST.read_each(asked(*items))
    assert words is not None
    assert words["role"] == ["a", word]


@pytest.mark.parametrize("odd", [["a", "b"], ["a"], {"name": "a"}, "a\u0001", "x" * 8193, 2.0**60])
def test_what_is_no_word_or_several_is_left_to_who_reads_one_question(odd: object) -> None:
    items = [{"subject": dict(subject("alice", each)), **to("/x")[0]} for each in ("a", odd)]
    assert REQUEST.read_each(asked(*items)) is None


def test_a_subject_that_cannot_be_read_is_left_to_who_refuses_each_question() -> None:
    assert REQUEST.read_each(asked(*to("/x", "/y"), subject=dict(subject("alice", {"name": "a"})))) is None
