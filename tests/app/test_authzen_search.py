"""Searches: what they range over, what they find, and how they are cut into pages."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.authzen import search as searching
from tests.support.application import served, settings_for
from tests.support.authzen import Asking, decision_point, enforcement_point
from tests.support.issuer import Issuer
from tests.support.service import ROOT

RECORD = {"type": "record"}
PEOPLE = {
    "subject": {"type": "user"},
    "action": {"name": "view"},
    "resource": {"type": "record", "id": "101"},
}
RECORDS = {"subject": {"type": "user", "id": "alice"}, "action": {"name": "view"}, "resource": RECORD}
ACTIONS = {"subject": {"type": "user", "id": "alice"}, "resource": {"type": "record", "id": "101"}}
SEARCHES = {"subject": PEOPLE, "resource": RECORDS, "action": ACTIONS}
PERSON = "3b7e5c0a-9d5e-4a52-8f0e-6c1d2b9a4f11"
LOCKED_OUT = "7f3c1e52-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


@pytest.fixture(scope="module")
def records(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """The interop scenario of searches: six people, twenty records."""
    settings = settings_for(issuer, tmp_path_factory.mktemp("records"), **decision_point("search"))
    with served(settings) as client:
        yield Asking(client, enforcement_point(issuer))


@pytest.fixture(scope="module")
def document(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """The service's own document, which links one person to a role and locks another out; no entities."""
    directory = tmp_path_factory.mktemp("document")
    rules = (ROOT / "policy.csv").read_text() + f"g, {PERSON}, user\np, {LOCKED_OUT}, /*, *, deny\n"
    (directory / "policy.csv").write_text(rules)
    with served(settings_for(issuer, directory)) as client:
        yield Asking(client, enforcement_point(issuer))


def pages(asking: Asking, kind: str, body: dict[str, Any], limit: int) -> Iterator[list[str]]:
    """The results of each page, one after the other."""
    page: dict[str, Any] = {"limit": limit}
    for _ in range(100):
        answer = asking.post(f"search/{kind}", body | {"page": page}).json()
        results = [result.get("id") or result["name"] for result in answer["results"]]
        assert answer["page"]["count"] == len(results) <= limit
        yield results
        if answer["page"]["next_token"] == "":
            return
        page = {"limit": limit, "token": answer["page"]["next_token"]}
    raise AssertionError("the pages never end")


@pytest.mark.parametrize("kind", SEARCHES)
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000, 10**15])
def test_the_pages_together_are_the_whole_answer(records: Asking, kind: str, limit: int) -> None:
    """In order, none twice, no empty page at the end, and every page full but the last."""
    body = SEARCHES[kind]
    whole = records.post(f"search/{kind}", body).json()
    assert "page" not in whole
    found = list(pages(records, kind, body, limit))
    names = [result.get("id") or result["name"] for result in whole["results"]]
    assert [name for page in found for name in page] == names
    assert all(len(page) == limit for page in found[:-1])
    assert found[-1]


@pytest.mark.parametrize(
    "change",
    [
        {"subject": {"type": "user", "id": "bob"}},
        {"subject": {"type": "user", "id": "alice", "properties": {"role": "clerk"}}},
        {"action": {"name": "edit"}},
        {"resource": {"type": "folder"}},
        {"context": {"time": "now"}},
        {"page": {"limit": 3}},
        {"page": {"limit": 2, "properties": {"sort": "id"}}},
    ],
)
def test_with_a_token_everything_else_must_stay_the_same(records: Asking, change: dict[str, Any]) -> None:
    first = records.post("search/resource", RECORDS | {"page": {"limit": 2}}).json()
    token = {"token": first["page"]["next_token"]}
    page = {"page": {"limit": 2} | change.get("page", {}) | token}
    answer = records.post("search/resource", RECORDS | change | page)
    assert answer.status_code == 400
    assert "another search" in answer.json()
    assert records.post("search/resource", RECORDS | {"page": {"limit": 2} | token}).status_code == 200


def test_a_token_is_for_one_kind_of_search(records: Asking) -> None:
    body = RECORDS | {"resource": {"type": "record", "id": "101"}, "page": {"limit": 1}}
    token = records.post("search/subject", body).json()["page"]["next_token"]
    other = body | {"page": {"limit": 1, "token": token}}
    assert records.post("search/subject", other).status_code == 200
    assert records.post("search/resource", other).status_code == 400


def test_a_request_with_a_token_may_leave_the_limit_out(records: Asking) -> None:
    """The standard's own example does; the limit is then the first request's."""
    first = records.post("search/resource", RECORDS | {"page": {"limit": 2}}).json()
    second = records.post(
        "search/resource", RECORDS | {"page": {"token": first["page"]["next_token"]}}
    ).json()
    assert [result["id"] for result in first["results"] + second["results"]] == ["101", "102", "103", "104"]


def test_a_page_of_nothing_says_that_there_is_more(records: Asking) -> None:
    answer = records.post("search/resource", RECORDS | {"page": {"limit": 0}}).json()
    assert answer["results"] == []
    assert answer["page"]["next_token"]
    nothing = RECORDS | {"resource": {"type": "spaceship"}, "page": {"limit": 0}}
    assert records.post("search/resource", nothing).json()["page"] == {"next_token": "", "count": 0}


def forged(place: int, limit: int, search: bytes) -> str:
    packed = place.to_bytes(8, "big") + limit.to_bytes(8, "big") + search
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "page",
    [
        [],
        None,
        {"limit": -1},
        {"limit": 1.5},
        {"limit": True},
        {"limit": "1"},
        {"limit": None},
        {"limit": 10**30},
        {"properties": []},
        {"token": 7},
        {"token": ""},
        {"token": "nonsense"},
        {"token": "ÿ" * 20},
        {"token": "A" * 44},
        {"token": "A" * 100_000},
        {"token": forged(1, 10**9, b"x" * 16)},
    ],
)
def test_a_page_that_cannot_be_is_400(records: Asking, page: Any) -> None:
    answer = records.post("search/resource", RECORDS | {"page": page})
    assert answer.status_code == 400
    assert "page" in answer.json()


def test_tokens_are_short_whatever_is_asked(records: Asking) -> None:
    big = RECORDS | {"context": {"note": "x" * 100_000}, "page": {"limit": 1}}
    token = records.post("search/resource", big).json()["page"]["next_token"]
    assert 0 < len(token) < 64


def test_a_page_ends_when_enough_was_asked(records: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few are found; the next one goes on from there, and nothing is lost."""
    body = RECORDS | {"subject": {"type": "user", "id": "carol"}, "action": {"name": "delete"}}
    whole = records.found("resource", body)
    monkeypatch.setattr(searching, "MOST_ASKED", 6)
    found = list(pages(records, "resource", body, 1000))
    assert [name for page in found for name in page] == whole == ["103", "109", "115"]
    assert [len(page) for page in found] == [1, 1, 1, 0]


def test_what_is_said_about_what_is_searched_narrows_the_search(records: Asking) -> None:
    """Only who is known to be so, or of whom nothing else is known, is found."""
    sales = PEOPLE | {"subject": {"type": "user", "properties": {"role": "manager"}}}
    assert records.found("subject", sales) == ["alice", "dan"]
    assert records.found("subject", PEOPLE) == ["alice", "bob", "carol", "dan"]
    legal = RECORDS | {"resource": {"type": "record", "properties": {"owner": "bob"}}}
    assert records.found("resource", legal) == ["102", "108", "114", "120"]
    unheard = RECORDS | {"resource": {"type": "record", "properties": {"colour": "red"}}}
    assert records.found("resource", unheard) == records.found("resource", RECORDS)


@pytest.mark.parametrize("kind", ["subject", "resource"])
def test_an_unknown_type_finds_nothing(records: Asking, kind: str) -> None:
    assert records.found(kind, SEARCHES[kind] | {kind: {"type": "spaceship"}}) == []


def test_people_whom_the_document_names_are_users(document: Asking) -> None:
    """Each is asked about: who is locked out is not found, and nobody is of another type."""
    route = {"type": "route", "id": "/user"}
    body = {"subject": {"type": "user"}, "action": {"name": "GET"}, "resource": route}
    assert document.found("subject", body) == [PERSON]
    assert document.found("subject", body | {"subject": {"type": "robot"}}) == []
    assert document.found("subject", body | {"resource": {"type": "route", "id": "/admin"}}) == []
    public = body | {"resource": {"type": "route", "id": "/public"}}
    assert document.found("subject", public) == [PERSON]


def test_known_routes_are_resources(document: Asking) -> None:
    def routes(role: str, act: str) -> list[str]:
        person = {"type": "user", "id": "u", "properties": {"role": role}}
        body = {"subject": person, "action": {"name": act}, "resource": {"type": "route"}}
        return document.found("resource", body)

    assert {"/user", "/profile", "/public"} <= set(routes("user", "GET"))
    assert not {"/admin", "/access/v1/evaluation"} & set(routes("user", "GET"))
    assert "/admin" in routes("admin", "GET")
    assert "/access/v1/evaluation" in routes("pep", "POST")
    assert routes("user", "NONSENSE") == []


def test_actions_are_those_of_the_document(document: Asking) -> None:
    person = {"type": "user", "id": "u", "properties": {"role": "user"}}
    body = {"subject": person, "resource": {"type": "route", "id": "/user"}}
    assert document.found("action", body) == ["GET"]
    assert document.found("action", body | {"resource": {"type": "route", "id": "/admin"}}) == []


def test_alternatives_in_a_pattern_are_actions_each(issuer: Issuer, tmp_path: Path) -> None:
    """`(GET)|(POST)` under regexMatch names two; what is no plain name is none."""
    (tmp_path / "pdp.conf").write_text(
        "[request_definition]\nr = sub, obj, act\n[policy_definition]\np = sub, obj, act\n"
        "[policy_effect]\ne = some(where (p.eft == allow))\n"
        "[matchers]\nm = r.sub == p.sub && keyMatch(r.obj, p.obj) && regexMatch(r.act, p.act)\n"
    )
    (tmp_path / "pdp.csv").write_text("p, ann, /a, (GET)|(POST)\np, ann, /b, ^P.*$\n")
    changes = {
        "PDP_MODEL": str(tmp_path / "pdp.conf"),
        "PDP_POLICY": str(tmp_path / "pdp.csv"),
        "PDP_REQUEST": "sub=subject.id, obj=resource.id, act=action.name",
    }
    with served(settings_for(issuer, tmp_path, **changes)) as client:
        asking = Asking(client, enforcement_point(issuer))
        body = {"subject": {"type": "user", "id": "ann"}, "resource": {"type": "path", "id": "/a"}}
        assert asking.found("action", body) == ["GET", "POST"]
        assert asking.found("action", body | {"resource": {"type": "path", "id": "/b"}}) == ["POST"]


def test_a_candidate_that_makes_no_question_is_not_found(issuer: Issuer, tmp_path: Path) -> None:
    """What is known of it cannot be a word of the model: the others are found all the same."""
    entities = {
        "subjects": [
            {"type": "user", "id": "ann", "properties": {"role": "admin"}},
            {"type": "user", "id": "bob", "properties": {"role": {"name": "admin"}}},
            {"type": "user", "id": "cid", "properties": {"role": ["clerk", "admin"]}},
        ]
    }
    (tmp_path / "entities.json").write_text(json.dumps(entities))
    with served(settings_for(issuer, tmp_path, PDP_ENTITIES=str(tmp_path / "entities.json"))) as client:
        asking = Asking(client, enforcement_point(issuer))
        route = {"type": "route", "id": "/admin"}
        body = {"subject": {"type": "user"}, "action": {"name": "GET"}, "resource": route}
        assert asking.found("subject", body) == ["ann", "cid"]
