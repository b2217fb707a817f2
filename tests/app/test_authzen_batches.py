"""A batch answers and records of each item what the item's question by itself would be answered."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.application import served, settings_for
from tests.support.authzen import Asking, decision_point, enforcement_point
from tests.support.issuer import Issuer

# Chosen from at random. What is at the end is odd: left out (`None`), or something that makes no question.
SUBJECTS: list[Any] = [
    {"type": "user", "id": "alice"},
    {"type": "user", "id": "bob", "properties": {}},
    {"type": "user", "id": "eve", "properties": {"role": "clerk"}},
    {"type": "user", "id": "eve", "properties": {"role": ["clerk"]}},
    {"type": "user", "id": "eve", "properties": {"role": ["clerk", "admin"]}},
    {"type": "robot", "id": "bob", "properties": {"role": None, "age": 7}},
    {"id": "bob"},
    {"type": "user", "id": "\u200balice"},
    {"type": "user", "id": "al\u0001ice"},
    {"type": "user", "id": "eve", "properties": {"role": {"name": "admin"}}},
    {"type": "user", "id": 7},
    {"type": "t" * 8193, "id": "alice"},
    {"type": "user", "id": "x" * 8193},
    {"type": "user", "id": "x" * 4097, "properties": []},
    "alice",
]
ACTIONS: list[Any] = [
    {"name": "read"},
    {"name": "write"},
    {"name": "delete", "properties": {"soft": True}},
    {"name": "delete", "properties": {"soft": 1}},
    {"properties": {"soft": True}},
    {"name": "läsen"},
    {"name": "y" * 8192},
    {"name": ["read"]},
    {"name": "read", "properties": None},
]
RESOURCES: list[Any] = [
    {"type": "record", "id": "record-1"},
    {"id": "record-2", "type": "record"},
    {"type": "record", "id": "record-2", "properties": {"status": "archived"}},
    {"type": "record", "id": "record-9", "note": 1},
    {"type": "record", "id": ""},
    {"id": "record-1"},
    {"type": "record", "id": "record\u007f1"},
    {"type": "record", "id": "z" * 8193},
    {},
]
CONTEXTS: list[Any] = [{}, {"hour": 3}, {"properties": 7}, []]
PARTS = {"subject": SUBJECTS, "action": ACTIONS, "resource": RESOURCES, "context": CONTEXTS}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("batches") / "decisions.jsonl"


@pytest.fixture(scope="module")
def suite(issuer: Issuer, log: Path) -> Iterator[Asking]:
    """Whoever has an answer finds it in the log."""
    required = {"DECISION_LOG": str(log), "DECISION_LOG_REQUIRED": "true"}
    settings = settings_for(issuer, log.parent, **required, **decision_point("suite"))
    with served(settings) as client:
        yield Asking(client, enforcement_point(issuer))


def batch(chosen: random.Random, oddness: float) -> dict[str, Any]:
    """A batch in which every item gives the same parts, but for some that ``oddness`` makes more of."""

    def part(kind: str) -> Any:
        usual = 3 if kind == "context" else 4
        return chosen.choice(PARTS[kind] if chosen.random() < oddness else PARTS[kind][:usual])

    given = {kind for kind in PARTS if chosen.random() < 0.6}
    body: dict[str, Any] = {kind: part(kind) for kind in PARTS if kind not in given}
    if chosen.random() < 0.3:  # a default that is there for those who leave it out
        body |= {kind: PARTS[kind][0] for kind in given}
    body = {
        kind: value for kind, value in body.items() if isinstance(value, dict) and _is_default(kind, value)
    }
    items: list[Any] = []
    for _ in range(chosen.choice([1, 2, 63, 65, 130])):
        kinds = given ^ ({chosen.choice([*PARTS])} if chosen.random() < oddness else set())
        items.append({kind: part(kind) for kind in PARTS if kind in kinds})
        if chosen.random() < oddness / 4:
            items[-1] = chosen.choice([7, [], None, "read", {"evaluations": []}])
    return body | {"evaluations": items}


def _is_default(kind: str, value: dict[str, Any]) -> bool:
    """Whether a batch may say this for all its items: what is wrong with it as a whole is another matter."""
    texts = [value[name] for name in ("type", "id", "name") if name in value]
    properties = value.get("properties", {})
    return kind == "context" or (
        all(isinstance(text, str) and len(text) <= 8192 for text in texts) and isinstance(properties, dict)
    )


def alone(body: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    """The question of one item."""
    question: dict[str, Any] = {kind: value for kind, value in {**body, **item}.items() if kind in PARTS}
    for kind, names in (("subject", ("type", "id")), ("action", ("name",)), ("resource", ("type", "id"))):
        own, default = item.get(kind), body.get(kind, {})
        if isinstance(own, dict):
            question[kind] = {**{name: default[name] for name in names if name in default}, **own}
    return question


def told(answer: Any) -> Any:
    """What an answer says, but for the decision's id."""
    if "error" in answer["context"]:
        return answer
    return answer["decision"], answer["context"]["reason"], answer["context"]["policy_revision"]


def recorded(log: Path, request_id: str) -> list[dict[str, Any]]:
    """What the lines of a request say of the questions, but for times and ids."""
    own = {"timestamp", "duration_us", "decision_id", "request_id"}
    found = [json.loads(line) for line in log.read_text().splitlines()]
    return [
        {name: value for name, value in line.items() if name not in own}
        for line in found
        if line["request_id"] == request_id and line["via"] == "authzen"
    ]


@pytest.mark.parametrize("oddness", [0.0, 0.03, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_an_item_of_a_batch_is_answered_and_recorded_as_its_question_is(
    suite: Asking, log: Path, seed: int, oddness: float
) -> None:
    chosen = random.Random(f"{seed} {oddness}")
    for number in range(4):
        ask_both_ways(suite, log, batch(chosen, oddness), f"{seed}-{oddness}-{number}")


def test_it_is_so_however_often_others_come_between(
    suite: Asking, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rbac.guard.http.turns._FREE_NS", -1)
    monkeypatch.setattr("rbac.guard.http.turns._TURN_NS", -1)
    for oddness in (0.0, 0.1):
        ask_both_ways(suite, log, batch(random.Random(oddness), oddness), f"turns-{oddness}")


@pytest.mark.parametrize("kind", PARTS)
def test_one_item_that_is_odd_by_itself_changes_nothing_about_the_others(
    suite: Asking, log: Path, kind: str
) -> None:
    usual = {name: values[0] for name, values in PARTS.items()}
    for number, odd in enumerate([*PARTS[kind], "left out"]):
        item = {name: value for name, value in {**usual, kind: odd}.items() if value != "left out"}
        ask_both_ways(suite, log, {"evaluations": [usual, item, usual]}, f"{kind}-{number}")
        shared = {name: value for name, value in usual.items() if name != kind}
        own = [{kind: each} for each in (usual[kind], odd, usual[kind]) if each != "left out"]
        ask_both_ways(suite, log, {**shared, "evaluations": own}, f"{kind}-{number}-shared")


def ask_both_ways(suite: Asking, log: Path, body: dict[str, Any], name: str) -> None:
    items = body["evaluations"]
    together = suite.post("evaluations", body, headers={"X-Request-ID": f"{name}-all"}).json()["evaluations"]
    apart = []
    for item in items:
        if type(item) is dict:
            answer = suite.post("evaluation", alone(body, item), headers={"X-Request-ID": f"{name}-one"})
            message = answer.json()
            if answer.status_code != 200:
                apart.append(refused(message))
            else:
                apart.append(told(message))
        else:
            suite.post("evaluation", {}, headers={"X-Request-ID": f"{name}-one"})  # a line for a line
            apart.append(refused("an evaluation must be an object"))
    assert [told(each) for each in together] == apart
    assert recorded(log, f"{name}-all") == recorded(log, f"{name}-one")


def refused(message: str) -> dict[str, Any]:
    return {"decision": False, "context": {"error": {"status": 400, "message": message}}}


@pytest.mark.parametrize("semantic", ["deny_on_first_deny", "permit_on_first_permit"])
def test_a_batch_that_ends_early_answers_and_records_what_came_before(
    suite: Asking, log: Path, semantic: str
) -> None:
    last = semantic == "permit_on_first_permit"
    for number in range(20):
        body = batch(random.Random(number), 0.03 * (number % 2))
        whole = suite.post("evaluations", body).json()["evaluations"]
        ends = {"options": {"evaluations_semantic": semantic}}
        request = {"X-Request-ID": f"{semantic}-{number}"}
        answers = suite.post("evaluations", body | ends, headers=request).json()["evaluations"]
        decisions = [each["decision"] for each in whole]
        end = decisions.index(last) + 1 if last in decisions else len(decisions)
        assert [told(each) for each in answers] == [told(each) for each in whole[:end]]
        assert len(recorded(log, request["X-Request-ID"])) == end
