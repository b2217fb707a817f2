"""PDP_ENTITIES is read strictly, all faults at once, and a question's words are read from it and from the question."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.decision_point.entities import Entities, EntitiesError
from app.decision_point.question import AuthZenQuestion, MalformedRequest
from app.decision_point.words import PdpRequest, PdpRequestError
from tests.support.authzen import REQUESTS, SCENARIOS


def parsed(**content: Any) -> Entities:
    return Entities.parse(json.dumps(content).encode())


def faults_of(content: bytes) -> list[str]:
    with pytest.raises(EntitiesError) as refused:
        Entities.parse(content, "e.json")
    return [fault.removeprefix("e.json: ") for fault in refused.value.faults]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    content = {
        "subjects": [
            {"type": "user", "id": "ann"},
            {"type": "user", "id": "ann", "properties": {"role": "admin"}},
            {"type": "user"},
            {"type": "", "id": 7},
            "bob",
            {"type": "user", "id": "cid", "propertys": {}},
        ],
        "resources": {},
        "actions": [{"name": "read", "properties": []}, {"name": "a\nb"}],
        "roles": [],
    }
    assert faults_of(json.dumps(content).encode()) == [
        "unknown member `roles`",
        "`subjects`, entry 2: `user` `ann` is there already",
        "`subjects`, entry 3: `id` is missing",
        "`subjects`, entry 4: `type` must be a string that is not empty",
        "`subjects`, entry 4: `id` must be a string that is not empty",
        "`subjects`, entry 5: must be an object",
        "`subjects`, entry 6: unknown member `propertys`",
        "`resources` must be a list",
        "`actions`, entry 1: `properties` must be an object",
        "`actions`, entry 2: `name` is longer than 8192 characters, or holds a control character",
    ]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "not JSON"),
        (b"[]", "must be an object"),
        (b'{"subjects": [}', "not JSON"),
        (b'{"subjects": [{"type": "user", "id": "\\ud800"}]}', "not JSON"),
        (b'{"subjects": [{"type": "user", "id": "a", "properties": {"n": NaN}}]}', "not JSON"),
        (b'{"subjects": [{"type": "user", "id": "a", "id": "b"}]}', "`id` is given twice in one object"),
        (b'{"subjects": [], "subjects": []}', "`subjects` is given twice in one object"),
        (b'{"a": ' * 900 + b"1" + b"}" * 900, ""),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(content: bytes, fault: str) -> None:
    assert any(fault in each for each in faults_of(content))


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(EntitiesError, match=r"missing\.json"):
        Entities.read(tmp_path / "missing.json")


@pytest.mark.parametrize("scenario", REQUESTS)
def test_the_scenarios_entities_are_right(scenario: str) -> None:
    assert Entities.read(SCENARIOS / scenario / "entities.json").subjects


def test_a_list_may_be_left_out() -> None:
    assert parsed() == Entities()
    assert parsed(actions=[{"name": "read"}]).action({"name": "read"}) == {}


WORDS = ("sub", "role", "obj", "act", "owner")
MAPPING = "sub=subject.id, role=subject.properties.role, obj=resource.id, act=action.name, owner={}"


def words_of(source: str, question: AuthZenQuestion, entities: Entities | None = None) -> Any:
    request = PdpRequest.parse(MAPPING.format(source), WORDS, entities or Entities())
    return request.read(question)["owner"]


def asked(**resource: Any) -> AuthZenQuestion:
    subject = {"type": "user", "id": "ann"}
    return AuthZenQuestion(subject, {"name": "read"}, {"type": "doc", "id": "7"} | resource, {"ip": {"v": 4}})


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("ann", "ann"),
        ("", ""),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (-7, "-7"),
        (1.5, "1.5"),
        (2**53, str(2**53)),
        (2**64 - 1, str(2**64 - 1)),
        (None, ""),
        ([], ()),
        (["ann", 1, True, None, "ann"], ("ann", "1", "true", "")),
        ("日本", "日本"),
    ],
)
def test_a_value_becomes_a_word(value: Any, word: Any) -> None:
    """As its JSON text; a list is several, each once."""
    assert words_of("resource.properties.owner", asked(properties={"owner": value})) == word


@pytest.mark.parametrize(
    "value", [{}, {"a": 1}, [[]], [{}], float(2**53), -1e300, "a\x00", "a\n", "\x85", ["a\tb"]]
)
def test_a_value_that_is_no_word_is_refused(value: Any) -> None:
    with pytest.raises(MalformedRequest, match=r"resource\.properties\.owner"):
        words_of("resource.properties.owner", asked(properties={"owner": value}))


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("resource.properties.owner", "ann"),
        ("resource.properties.deep.er", "yes"),
        ("resource.properties.deep.no", ""),
        ("resource.properties.owner.no", ""),
        ("resource.properties.nothing", ""),
        ("resource.colour", "red"),
        ("resource.a.b", "c"),
        ("resource.type", "doc"),
        ("context.ip.v", "4"),
        ("context.nothing", ""),
        ("subject.type", "user"),
        ("resource.properties.dotted.name", ""),  # a dot always parts
    ],
)
def test_a_path_leads_to_a_value(source: str, word: str) -> None:
    properties = {"owner": "ann", "deep": {"er": "yes"}, "dotted.name": "never"}
    assert words_of(source, asked(properties=properties, colour="red", a={"b": "c"})) == word


@pytest.mark.parametrize(
    ("sent", "word"),
    [
        ({}, "bob"),
        ({"properties": {}}, "bob"),
        ({"properties": {"colour": "red"}}, "bob"),
        ({"properties": {"owner": "ann"}}, "ann"),
        ({"properties": {"owner": ""}}, ""),
        ({"properties": {"owner": None}}, ""),
        ({"id": "8"}, ""),
        ({"type": "page"}, ""),
    ],
)
def test_what_is_known_stands_for_what_is_not_sent(sent: dict[str, Any], word: str) -> None:
    """And for nothing else: what is sent stands, also when it is empty or null."""
    known = parsed(resources=[{"type": "doc", "id": "7", "properties": {"owner": "bob"}}])
    assert words_of("resource.properties.owner", asked(**sent), known) == word


@pytest.mark.parametrize(
    ("mapping", "faults"),
    [
        ("sub=subject.id", ["`obj` of the model is not mapped"]),
        (
            "sub=subject.id, obj=resource.id, act=action.name",
            ["`act` is mapped, but the model has no such word"],
        ),
        ("sub=subject.properties, obj=resource.id", ["`subject.properties` fills `sub`, and is an object"]),
        ("act=action.name", ["`sub` of the model", "`obj` of the model", "`act` is mapped"]),
    ],
)
def test_a_mapping_fills_exactly_the_models_words(mapping: str, faults: list[str]) -> None:
    with pytest.raises(PdpRequestError) as refused:
        PdpRequest.parse(mapping, ("sub", "obj"))
    assert all(fault in str(refused.value) for fault in faults)
