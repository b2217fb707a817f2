"""Versions over HTTP, on a real PostgreSQL: published by who may, what passes the gate, and what is based on the newest."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from rbac.stores import Snapshot
from rbac.stores.file import FileStore
from rbac.stores.postgres.session import Session
from rbac.stores.postgres.versions import Version, Versions
from tests.support.application import bearer, served, settings_for
from tests.support.forwarding import Forwarder
from tests.support.issuer import Issuer
from tests.support.postgres import CONSOLE, PASSWORD, PUBLISHER, SERVICE, Database
from tests.support.service import ROOT
from tests.support.waiting import comes_true

SHIPPED = (ROOT / "policy.csv").read_text(encoding="utf-8")
SAM = "5a3c1e52-0000-4000-8000-000000000000"
MORE = "p, helpdesk, /tickets, GET, allow\n"
OTHER = "p, everyone, /pricing, GET, allow\n"


class Newsroom:
    """A service whose document is in a database: a client of it, tokens, and somebody who publishes past it."""

    def __init__(self, client: TestClient, issuer: Issuer, database: Database) -> None:
        self.client = client
        self.database = database
        self._tokens = {
            role: issuer.token(**{"custom:role": role, "sub": SAM}) for role in ("security", "user", "admin")
        }

    def ask(self, method: str, path: str, body: object = None, role: str | None = "security") -> Any:
        headers = {} if role is None else bearer(self._tokens[role])
        return self.client.request(method, path, json=body, headers=headers)

    def publish(self, policy: str, based_on: int, reason: str = "because", **more: Any) -> Any:
        body = {"policy": policy, "based_on": based_on, "reason": reason, **more}
        return self.ask("POST", "/policy/publish", body)

    def runs(self, number: int) -> bool:
        return comes_true(
            lambda: self.client.get("/readyz").json()["policy"]["revision"] == self.revision(number)
        )

    def revision(self, number: int) -> str:
        return str(self.ask("GET", f"/policy/versions/{number}").json()["revision"])

    @property
    def newest(self) -> int:
        return int(self.ask("GET", "/policy/history").json()["newest"])

    @property
    def text(self) -> str:
        return str(self.ask("GET", f"/policy/versions/{self.newest}").json()["policy"]["text"])


def shipped() -> Snapshot:
    read = FileStore(ROOT / "model.conf", ROOT / "policy.csv", ROOT / "policy_tests").read()
    suites = {f"policy_tests/{Path(name).name}": text for name, text in read.tests.items()}
    return replace(
        read, model_name="model.conf", policy_name="policy.csv", tests_name="policy_tests", tests=suites
    )


def published(database: Database, policy: str, reason: str, **content: Any) -> Version:
    """What a person publishes with a role of their own."""
    session = Session(database.address(PUBLISHER))
    versions = Versions(session, "policy")
    head = versions.head()
    held = replace(shipped(), policy=policy.encode(), **content)
    made = versions.publish(held, based_on=head.number if head else 0, reason=reason)
    session.close()
    return made


@pytest.fixture
def newsroom(database: Database, way: Forwarder, tmp_path: Path) -> Iterator[Newsroom]:
    with Issuer() as issuer:
        settings = settings_for(
            issuer,
            tmp_path,
            POLICY_STORE=database.secret_url(SERVICE, port=way.port),
            POLICY_PUBLISH_STORE=database.secret_url(CONSOLE, port=way.port),
        )
        published(database, SHIPPED, "the first")
        with served(settings) as client:
            yield Newsroom(client, issuer, database)


def test_a_version_is_published_for_its_caller_and_comes_into_force(newsroom: Newsroom) -> None:
    edited = newsroom.text + MORE
    trial = newsroom.publish(edited, 1, dry_run=True)
    assert (trial.status_code, trial.json()["published"]) == (200, False)
    assert newsroom.newest == 1
    made = newsroom.publish(edited, 1, " tickets are for the helpdesk ")
    assert made.status_code == 201
    about = made.json()["version"]
    assert (about["version"], about["author"], about["requested_by"]) == (2, CONSOLE, SAM)
    assert about["reason"] == "tickets are for the helpdesk"
    assert newsroom.runs(2)
    held = newsroom.ask("GET", "/policy/versions/2").json()
    assert held["policy"]["text"] == edited
    assert [each["name"] for each in held["tests"]] == list(shipped().tests)
    assert newsroom.ask("GET", "/policy").json()["version"] == 2
    listed = newsroom.ask("GET", "/policy/history").json()
    assert (listed["newest"], listed["in_force"], listed["publishes"]) == (2, 2, True)
    assert [each["reason"] for each in listed["versions"]] == ["tickets are for the helpdesk", "the first"]
    assert [
        each["version"] for each in newsroom.ask("GET", "/policy/history?before=2").json()["versions"]
    ] == [1]
    changed = newsroom.ask("GET", "/policy/diff?new=2").json()
    assert changed["patch"].splitlines()[-1] == f"+{MORE.strip()}"
    assert any("helpdesk" in entry["callers"] for entry in changed["diff"]["entries"])
    assert newsroom.publish(edited, 2).json()["unchanged"] is True


def test_who_publishes_second_is_told_who_was_first_and_what_theirs_would_change(newsroom: Newsroom) -> None:
    text = newsroom.text
    published(newsroom.database, text + OTHER, "prices are public")
    late = newsroom.publish(text + MORE, 1)
    assert (late.status_code, late.json()["error"]) == (409, "version_outdated")
    assert [(each["author"], each["reason"]) for each in late.json()["newer"]] == [
        (PUBLISHER, "prices are public")
    ]
    assert f"-{OTHER.strip()}" in late.json()["patch"]
    assert newsroom.newest == 2
    assert newsroom.publish(text + OTHER + MORE, 2).status_code == 201


def test_an_old_version_comes_back_as_the_next_one(newsroom: Newsroom) -> None:
    first = newsroom.text
    assert newsroom.publish(first + MORE, 1).status_code == 201
    back = {"version": 1, "based_on": 2, "reason": "too open"}
    trial = newsroom.ask("POST", "/policy/rollback", back | {"dry_run": True})
    assert f"-{MORE.strip()}" in trial.json()["patch"]
    made = newsroom.ask("POST", "/policy/rollback", back)
    assert made.status_code == 201
    assert (made.json()["version"]["version"], made.json()["version"]["restores"]) == (3, 1)
    assert newsroom.text == first
    assert newsroom.ask("POST", "/policy/rollback", back).status_code == 409
    missing = newsroom.ask("POST", "/policy/rollback", back | {"version": 9, "based_on": 3})
    assert (missing.status_code, missing.json()["error"]) == (404, "version_missing")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("p, user, admin\n", "wrong-width"),
        ("p, user, /admin, GET, allow\n", "failing-test"),
        ("", "no-tests"),
    ],
)
def test_what_the_gate_refuses_is_not_published(newsroom: Newsroom, line: str, code: str) -> None:
    if code == "no-tests":
        published(newsroom.database, SHIPPED, "none", tests={})
        line = MORE
    number = newsroom.newest
    refused = newsroom.publish(newsroom.text + line, number)
    assert (refused.status_code, refused.json()["error"]) == (422, "policy_refused")
    assert refused.json()["problems"]
    assert newsroom.newest == number


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"policy": "", "based_on": 1, "reason": " "}, 422),
        ({"policy": "", "based_on": 1, "reason": "a\0b"}, 422),
        ({"policy": "", "based_on": 1, "reason": "x" * 2001}, 422),
        ({"policy": "", "based_on": 0, "reason": "x"}, 422),
        ({"policy": "", "based_on": 2**63, "reason": "x"}, 422),
        ({"policy": "", "based_on": 9, "reason": "x"}, 404),
        ({"policy": "\0", "based_on": 1, "reason": "x"}, 422),
        ({"policy": "", "based_on": 1}, 422),
    ],
)
def test_what_cannot_be_a_publication_is_told_and_is_no_crash(
    newsroom: Newsroom, body: dict[str, Any], status: int
) -> None:
    assert newsroom.ask("POST", "/policy/publish", body).status_code == status
    assert newsroom.newest == 1


READ = ("/policy/history", "/policy/versions/1", "/policy/diff?new=1", "/policy/replicas")


def test_versions_are_for_the_security_team_alone(newsroom: Newsroom) -> None:
    publication = {"policy": newsroom.text, "based_on": 1, "reason": "x", "dry_run": True}
    rollback = {"version": 1, "based_on": 1, "reason": "x", "dry_run": True}
    asked = [*(("GET", path, None) for path in READ), ("POST", "/policy/publish", publication)]
    for method, path, body in [*asked, ("POST", "/policy/rollback", rollback)]:
        assert newsroom.ask(method, path, body).status_code == 200
        assert newsroom.ask(method, path, body, None).status_code == 401
        for role in ("user", "admin"):
            assert newsroom.ask(method, path, body, role).status_code == 403


def test_nobody_publishes_without_a_name_whatever_the_policy_allows(newsroom: Newsroom) -> None:
    text = newsroom.text + "p, everyone, /policy/publish, POST, allow\n"
    published(newsroom.database, text, "open to all")
    assert newsroom.runs(2)
    asked = {"policy": text + MORE, "based_on": 2, "reason": "x"}
    assert newsroom.ask("POST", "/policy/publish", asked, None).status_code == 401
    assert newsroom.newest == 2


def test_replicas_say_what_they_run(newsroom: Newsroom) -> None:
    assert comes_true(lambda: newsroom.ask("GET", "/policy/replicas").json()["replicas"])
    told = newsroom.ask("GET", "/policy/replicas").json()
    assert told["newest"] == 1
    assert [(each["version"], each["behind"], each["silent"]) for each in told["replicas"]] == [(1, 0, False)]


def test_a_database_that_does_not_answer_is_503_and_says_no_password(
    newsroom: Newsroom, way: Forwarder
) -> None:
    text = newsroom.text
    way.do("silent")
    assert newsroom.ask("GET", "/policy/history").status_code == 503
    way.do("refusing")
    for path in READ:
        away = newsroom.ask("GET", path)
        assert (away.status_code, away.json()["error"]) == (503, "store_unavailable")
        assert away.headers["retry-after"]
        assert PASSWORD not in away.text
    assert newsroom.publish(text + MORE, 1).status_code == 503
    assert newsroom.client.get("/healthz").status_code == 200


def test_a_publisher_without_the_right_is_told_so(database: Database, tmp_path: Path) -> None:
    with Issuer() as issuer:
        published(database, SHIPPED, "the first")
        settings = settings_for(
            issuer,
            tmp_path,
            POLICY_STORE=database.secret_url(SERVICE),
            POLICY_PUBLISH_STORE=database.secret_url(PUBLISHER),
        )
        with served(settings) as client:
            room = Newsroom(client, issuer, database)
            refused = room.publish(room.text + MORE, 1)
            assert refused.status_code == 503
            assert "permission denied" in refused.json()["detail"]
            assert room.newest == 1


def test_files_have_no_versions_and_a_service_that_only_reads_publishes_none(
    database: Database, tmp_path: Path
) -> None:
    with Issuer() as issuer:
        with served(settings_for(issuer, tmp_path)) as client:
            room = Newsroom(client, issuer, database)
            for path in READ:
                assert room.ask("GET", path).json()["error"] == "no_versions"
            assert room.publish("", 1).json()["error"] == "no_versions"
            assert room.ask("GET", "/policy").json()["version"] == 0
        published(database, SHIPPED, "the first")
        with served(settings_for(issuer, tmp_path, POLICY_STORE=database.secret_url(SERVICE))) as client:
            room = Newsroom(client, issuer, database)
            assert room.ask("GET", "/policy/history").json()["publishes"] is False
            told = room.publish(room.text, 1)
            assert (told.status_code, told.json()["error"]) == (404, "publishing_off")
