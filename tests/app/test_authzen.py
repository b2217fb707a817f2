"""AuthZEN's edges: what is malformed, what is bounded, what is recorded, and what a batch makes of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.application import bearer, served, settings_for
from tests.support.authzen import Asking, decision_point, enforcement_point, question
from tests.support.issuer import Issuer


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


@pytest.fixture(scope="module")
def suite(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """The conformance suite's fixture."""
    settings = settings_for(issuer, tmp_path_factory.mktemp("suite"), **decision_point("suite"))
    with served(settings) as client:
        yield Asking(client, enforcement_point(issuer))


@pytest.fixture(scope="module")
def shipped(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """The service as it is shipped: other programs ask the service's own document."""
    directory = tmp_path_factory.mktemp("shipped")
    with served(settings_for(issuer, directory, DECISION_LOG=str(directory / "decisions.jsonl"))) as client:
        yield Asking(client, enforcement_point(issuer))


def deep(levels: int) -> bytes:
    return b'{"subject":' * levels + b"1" + b"}" * levels


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty"),
        (b"  ", "empty"),
        (b"nonsense", "not JSON"),
        (b'"text"', "must be an object"),
        (b"[]", "must be an object"),
        (b"null", "must be an object"),
        (b'{"subject": NaN}', "not JSON"),
        (b'{"subject": 1' + b"0" * 400 + b"}", "not JSON"),
        (b'{"subject": {"type": "user", "id": "\\ud800"}}', "not JSON"),
        (b'{"subject": "\xff"}', "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"subject": {"type": "user", "id": "alice", "id": "bob"}}', "`id` is given twice"),
        (b'{"subject": {"type": "user", "id": ":", "i\\u0064": "bob"}}', "`id` is given twice"),
        (b'{"subject": {"a": 1, "a": "\\u003a"}}', "`a` is given twice"),
        (deep(300), "nested too deeply"),
        (deep(5000), "not JSON"),
    ],
)
def test_a_body_that_is_no_question_is_400_with_a_message(suite: Asking, body: bytes, message: str) -> None:
    for endpoint in ("evaluation", "evaluations", "search/subject", "search/resource", "search/action"):
        answer = suite.post(endpoint, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
        assert message in answer.json()
        assert answer.headers["content-type"] == "application/json"


def test_a_colon_written_as_an_escape_is_no_repeated_member(suite: Asking) -> None:
    body = json.dumps(question()).replace("record-1", "record\\u003a1").encode()
    answer = suite.post("evaluation", content=body, headers={"Content-Type": "application/json"})
    assert answer.json()["decision"] is True  # alice reads every record


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (question(subject=None), "`subject` is missing"),
        (question(action=[]), "`action` must be an object"),
        (question(resource={"type": "record"}), "`resource.id` is missing"),
        (question(resource={"type": "record", "id": 7}), "`resource.id` must be a string"),
        (question(subject={"type": None, "id": "alice"}), "`subject.type` must be a string"),
        (question(subject={"type": "user", "id": "a" * 8193}), "longer than"),
        (question(subject={"type": "user", "id": "alice", "properties": "x"}), "must be an object"),
        (question(context=None), "`context` must be an object"),
        (question(context=[]), "`context` must be an object"),
        (question(resource="record-1\n"), "control character"),
        (
            question(subject={"type": "user", "id": "bob", "properties": {"role": {"a": 1}}}),
            "must be a string",
        ),
        (
            question(subject={"type": "user", "id": "bob", "properties": {"role": [["a"]]}}),
            "must be a string",
        ),
        (
            question(subject={"type": "user", "id": "bob", "properties": {"role": ["a"] * 101}}),
            "more than 100",
        ),
        (question(subject={"type": "user", "id": "bob", "properties": {"role": ["a" * 257]}}), "longer than"),
        (question(subject={"type": "user", "id": "bob", "properties": {"role": 2**80}}), "too large"),
    ],
)
def test_a_member_that_cannot_be_asked_about_is_named(
    suite: Asking, members: dict[str, Any], message: str
) -> None:
    """Alone it is a 400; in a batch it is that item's own error, and the others are answered."""
    alone = suite.post("evaluation", members)
    assert alone.status_code == 400
    assert message in alone.json()
    answers = suite.post("evaluations", {"evaluations": [question(), members, question()]})
    assert answers.status_code == 200
    good, bad, last = answers.json()["evaluations"]
    assert (good["decision"], last["decision"]) == (True, True)
    assert bad == {"decision": False, "context": {"error": {"status": 400, "message": alone.json()}}}


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "", "application/jsonx", "json", None]
)
def test_only_json_is_read(suite: Asking, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = suite.post("evaluation", content=json.dumps(question()).encode(), headers=headers)
    assert answer.status_code == 400
    assert "application/json" in answer.json()


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=utf-8", "application/json ;x=y"]
)
def test_json_is_json_however_it_is_spelt(suite: Asking, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    assert (
        suite.post("evaluation", content=json.dumps(question()).encode(), headers=headers).status_code == 200
    )


def test_a_mebibyte_is_read_and_a_byte_more_is_not(suite: Asking) -> None:
    """Whether the length is announced or not."""
    body = json.dumps(question()).encode()
    full = body + b" " * ((1 << 20) - len(body))

    def chunks(content: bytes) -> Iterator[bytes]:
        for start in range(0, len(content), 1 << 16):
            yield content[start : start + (1 << 16)]

    headers = {"Content-Type": "application/json"}
    for content in (full, chunks(full)):
        assert suite.post("evaluation", content=content, headers=headers).json()["decision"] is True
    for content in (full + b" ", chunks(full + b" ")):
        answer = suite.post("evaluation", content=content, headers=headers)
        assert answer.status_code == 413
        assert "larger than" in answer.json()


@pytest.mark.parametrize(
    ("semantic", "decisions"),
    [
        ("execute_all", [True, False, False, True]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_a_batch_ends_where_its_semantic_says(suite: Asking, semantic: str, decisions: list[bool]) -> None:
    """An item that is no question counts as a deny."""
    body = question(action=None) | {
        "evaluations": [
            {"action": {"name": "read"}},
            {},
            {"action": {"name": "destroy"}},
            {"action": {"name": "read"}},
        ],
        "options": {"evaluations_semantic": semantic},
    }
    answers = suite.post("evaluations", body).json()["evaluations"]
    assert [answer["decision"] for answer in answers] == decisions


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"evaluations": {}}, "`evaluations` must be a list"),
        ({"evaluations": None}, "`evaluations` must be a list"),
        ({"evaluations": [{}], "options": []}, "`options` must be an object"),
        ({"evaluations": [{}], "options": {"evaluations_semantic": 1}}, "must be one of"),
        ({"evaluations": [], "options": {"evaluations_semantic": "some"}}, "must be one of"),
        ({"evaluations": [{}], "subject": "alice"}, "`subject` must be an object"),
        ({"evaluations": [{}], "resource": {"type": 1}}, "`resource.type` must be a string"),
        ({"evaluations": [{}] * 1001}, "more than 1,000"),
    ],
)
def test_a_batch_that_is_wrong_as_a_whole_is_400(
    suite: Asking, members: dict[str, Any], message: str
) -> None:
    answer = suite.post("evaluations", question() | members)
    assert answer.status_code == 400
    assert message in answer.json()


def test_a_thousand_evaluations_are_answered_in_order(suite: Asking) -> None:
    items = [{"action": {"name": "read" if n % 3 else "destroy"}} for n in range(1000)]
    answers = suite.post("evaluations", question(action=None) | {"evaluations": items}).json()["evaluations"]
    assert [answer["decision"] for answer in answers] == [bool(n % 3) for n in range(1000)]
    assert len({answer["context"]["decision_id"] for answer in answers}) == 1000


def test_an_items_object_takes_the_place_of_the_default(suite: Asking) -> None:
    """Only a type or an id that it lacks is the default's; the default's properties are not."""
    body = question(
        "bob", "write", {"type": "record", "id": "record-1", "properties": {"status": "archived"}}
    )
    items: list[dict[str, Any]] = [{}, {"resource": {"id": "record-1"}}, {"resource": {"id": "record-2"}}]
    answers = suite.post("evaluations", body | {"evaluations": items}).json()["evaluations"]
    assert [answer["decision"] for answer in answers] == [True, False, True]


@pytest.mark.parametrize(
    ("members", "allowed"),
    [
        (question("bob", "write", "record-2"), True),  # his role and its status are known
        (
            question({"type": "user", "id": "bob", "properties": {"role": "clerk"}}, "write", "record-2"),
            False,
        ),
        (question({"type": "user", "id": "bob", "properties": {"role": None}}, "write", "record-2"), False),
        (question({"type": "user", "id": "bob", "properties": {"age": 7}}, "write", "record-2"), True),
        (
            question(
                {"type": "user", "id": "eve", "properties": {"role": ["clerk", "admin"]}}, "write", "record-2"
            ),
            True,
        ),
        (question({"type": "user", "id": "eve", "properties": {"role": []}}, "write", "record-2"), False),
        (question({"type": "robot", "id": "bob"}, "write", "record-2"), False),
        (question("alice", {"name": "delete", "properties": {"soft": True}}), True),
        (question("alice", {"name": "delete", "properties": {"soft": "true"}}), True),
        (question("alice", {"name": "delete", "properties": {"soft": 1}}), False),
        (question("alice", "delete"), False),
    ],
)
def test_what_a_question_leaves_out_is_filled_in_property_by_property(
    suite: Asking, members: dict[str, Any], allowed: bool
) -> None:
    assert suite.decision(members) is allowed


def test_several_roles_are_worth_what_each_of_them_is(shipped: Asking) -> None:
    def asked(*roles: str) -> bool:
        subject = {"type": "user", "id": "u", "properties": {"role": list(roles)}}
        return shipped.decision(question(subject, "GET", {"type": "route", "id": "/user"}))

    assert asked("nobody-special", "user")
    assert asked("user")
    assert not asked("nobody-special", "auditor")


def test_every_question_has_a_line_of_its_own_besides_the_callers(issuer: Issuer, tmp_path: Path) -> None:
    log = tmp_path / "decisions.jsonl"
    with served(settings_for(issuer, tmp_path, DECISION_LOG=str(log))) as client:
        asking = Asking(client, enforcement_point(issuer))
        person = {"type": "user", "id": "u-1", "properties": {"role": ["user", "clerk"]}}
        routes = [{"resource": {"type": "route", "id": path}} for path in ("/user", "/admin")]
        body = {"subject": person, "action": {"name": "GET"}, "evaluations": [*routes, {}]}
        answers = asking.post("evaluations", body, headers={"X-Request-ID": "batch-1"}).json()["evaluations"]
        asking.post("evaluation", {}, headers={"X-Request-ID": "bad-1"})
        search = {"subject": person, "action": {"name": "GET"}, "resource": {"type": "route"}}
        found = asking.post("search/resource", search, headers={"X-Request-ID": "search-1"}).json()
        nothing = search | {"resource": {"type": "spaceship"}}
        asking.post("search/resource", nothing, headers={"X-Request-ID": "search-2"})
    lines = [json.loads(line) for line in log.read_text().splitlines()]

    def of(request_id: str) -> list[dict[str, Any]]:
        return [line for line in lines if line["request_id"] == request_id and line["via"] == "authzen"]

    assert [line["via"] for line in lines if line["request_id"] == "batch-1"] == ["http", *["authzen"] * 3]
    first, second, rejected = of("batch-1")
    assert [first["decision_id"], second["decision_id"]] == [
        answer["context"]["decision_id"] for answer in answers[:2]
    ]
    assert (first["sub"], first["roles"], first["act"], first["obj"]) == (
        "u-1",
        ["user", "clerk"],
        "GET",
        "/user",
    )
    assert first["request"] == {"sub": "u-1", "role": ["user", "clerk"], "obj": "/user", "act": "GET"}
    assert [first["allowed"], second["allowed"]] == [True, False]
    assert (rejected["event"], rejected["reason"]) == ("rejection", "malformed_request")
    assert [line["event"] for line in of("bad-1")] == ["rejection"]
    assert [line["decision_id"] for line in of("search-1")] == [found["context"]["decision_id"]]
    assert of("search-1")[0]["obj"] == found["results"][0]["id"]
    assert [(line["allowed"], line["obj"]) for line in of("search-2")] == [(False, "")]


def test_an_answer_says_why_by_which_document_and_where_it_is_recorded(shipped: Asking) -> None:
    route = {"type": "route", "id": "/admin"}
    denied = shipped.post("evaluation", question("u", "GET", route)).json()
    person = {"type": "user", "id": "u", "properties": {"role": "admin"}}
    allowed = shipped.post("evaluation", question(person, "GET", route)).json()
    revision = shipped.client.get("/readyz").json()["policy"]["revision"]
    assert (denied["decision"], denied["context"]["reason"]) == (False, "denied_by_default")
    assert (allowed["decision"], allowed["context"]["reason"]) == (True, "allowed_by_rule")
    assert {denied["context"]["policy_revision"], allowed["context"]["policy_revision"]} == {revision}
    assert denied["context"]["decision_id"] != allowed["context"]["decision_id"]


def test_who_may_ask_is_a_matter_for_the_policy(shipped: Asking, issuer: Issuer) -> None:
    """And a refusal is a problem like everywhere."""
    for headers, status in (
        ({}, 401),
        (bearer("nonsense"), 401),
        (bearer(issuer.token(**{"custom:role": "user"})), 403),
        (bearer(issuer.token(**{"custom:role": "admin"})), 200),
        (bearer(issuer.token(**{"custom:role": "pep"})), 200),
    ):
        answer = shipped.client.post("/access/v1/evaluation", json=question(), headers=headers)
        assert answer.status_code == status
        if status != 200:
            assert answer.headers["content-type"] == "application/problem+json"
    assert shipped.client.get("/access/v1/evaluation", headers=shipped.headers).status_code == 405


@pytest.mark.parametrize("host", ["pdp.example.com", "127.0.0.1:8080", "[::1]:9000"])
def test_the_metadata_are_about_the_address_they_were_asked_at(shipped: Asking, host: str) -> None:
    answer = shipped.client.get("/.well-known/authzen-configuration", headers={"Host": host})
    assert answer.headers["content-type"] == "application/json"
    metadata = answer.json()
    assert metadata.pop("policy_decision_point") == f"http://{host}"
    assert metadata.pop("sekisho_limits")["evaluations"] == 1000
    assert metadata["search_action_endpoint"] == f"http://{host}/access/v1/search/action"
    for url in metadata.values():
        endpoint = url.removeprefix(f"http://{host}/access/v1/")
        assert shipped.post(endpoint, {}).status_code == 400, url


@pytest.mark.parametrize("host", ["", "evil.example.com/path", "a b", 'x"y'])
def test_a_host_that_is_none_is_not_repeated(shipped: Asking, host: str) -> None:
    answer = shipped.client.get("/.well-known/authzen-configuration", headers={"Host": host})
    assert answer.status_code == 400
    assert isinstance(answer.json(), str)


def test_the_endpoints_are_described(shipped: Asking) -> None:
    paths = shipped.client.get("/openapi.json").json()["paths"]
    for name in ("evaluation", "evaluations", "search/subject", "search/resource", "search/action"):
        operation = paths[f"/access/v1/{name}"]["post"]
        assert operation["requestBody"]["required"]
        assert {"200", "400", "401", "403", "413"} <= operation["responses"].keys()
    assert "get" in paths["/.well-known/authzen-configuration"]
