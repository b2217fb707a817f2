"""GET /me/permissions: what the caller may do, as the live policy says, with the revision as its ETag."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.main import create_app
from rbac import Policy
from rbac.guard.checkpoint import Terms
from tests.support.application import bearer, served, settings_for
from tests.support.issuer import Issuer
from tests.support.service import ROOT


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


def test_the_list_is_what_the_policy_opens_to_this_caller(issuer: Issuer, tmp_path: Path) -> None:
    with served(settings_for(issuer, tmp_path)) as client:
        bodies = {}
        for role in ("", "user", "admin"):
            headers = bearer(issuer.token(**{"custom:role": role}))
            bodies[role] = client.get("/me/permissions", headers=headers).json()
            for entry in bodies[role]["permissions"]:
                if entry["obj"] == "/forward-auth":
                    continue  # its verdict is about another request
                if "{" not in entry["obj"] and not entry["obj"].endswith("*") and entry["act"] == "GET":
                    assert client.get(entry["obj"], headers=headers).status_code not in {401, 403}, entry
        revision = client.get("/readyz").json()["policy"]["revision"]

    def opened(role: str) -> set[tuple[str, str]]:
        return {(entry["act"], entry["obj"]) for entry in bodies[role]["permissions"]}

    assert opened("user") - opened("") == {("GET", "/user")}
    assert ("GET", "/admin") in opened("admin") - opened("user")
    assert bodies["user"]["roles"] == ["user"]
    assert {body["policy_revision"] for body in bodies.values()} == {revision}
    assert client.get("/me/permissions").status_code == 401


def test_a_front_end_that_knows_this_answer_is_told_so(issuer: Issuer, tmp_path: Path) -> None:
    with served(settings_for(issuer, tmp_path)) as client:
        headers = bearer(issuer.token())
        first = client.get("/me/permissions", headers=headers)
        etag = first.headers["etag"]
        assert (first.headers["vary"], first.headers["cache-control"]) == (
            "Authorization",
            "private, no-cache",
        )
        for known, status in (
            (etag, 304),
            (f'"other", W/{etag}', 304),
            ("*", 304),
            ('"other"', 200),
            ("", 200),
        ):
            answer = client.get("/me/permissions", headers=headers | {"If-None-Match": known})
            assert (answer.status_code, answer.headers["etag"]) == (status, etag), known
            assert (answer.content == b"") is (status == 304)


def test_the_tag_of_one_caller_is_no_other_callers(issuer: Issuer, tmp_path: Path) -> None:
    """In one browser profile the next who signs in sends the tag that the one before was given."""
    people = [
        {"sub": "a" * 36, "custom:role": "user"},
        {"sub": "b" * 36, "custom:role": "user"},
        {"sub": "a" * 36, "custom:role": "admin"},
    ]
    with served(settings_for(issuer, tmp_path)) as client:
        tags = [
            client.get("/me/permissions", headers=bearer(issuer.token(**who))).headers["etag"]
            for who in people
        ]
        assert len(set(tags)) == len(people)
        for who in people:
            for tag in tags:
                headers = bearer(issuer.token(**who)) | {"If-None-Match": tag}
                answer = client.get("/me/permissions", headers=headers)
                assert (answer.status_code == 304) is (tag == answer.headers["etag"])
                assert answer.status_code == 304 or answer.json()["sub"] == who["sub"]


def test_the_tag_changes_with_the_policy(issuer: Issuer, tmp_path: Path) -> None:
    tags = set()
    for rules in ("", "p, user, /admin, GET, allow\n"):
        (tmp_path / "policy.csv").write_text((ROOT / "policy.csv").read_text() + rules)
        with served(settings_for(issuer, tmp_path)) as client:
            tags.add(client.get("/me/permissions", headers=bearer(issuer.token())).headers["etag"])
    assert len(tags) == 2


def test_the_list_and_its_revision_are_of_one_document(issuer: Issuer, tmp_path: Path) -> None:
    """A reload swaps in a thread of its own, so also between two routes."""
    settings = settings_for(issuer, tmp_path)
    app = create_app(settings)
    with served(settings, app) as client:
        headers = bearer(issuer.token(**{"custom:role": "admin"}))
        before = client.get("/me/permissions", headers=headers).json()
        checkpoint = app.state.checkpoint
        closed = Policy.parse(settings.policy_model.read_bytes(), b"p, admin, /me/permissions, GET, allow\n")
        asked: list[str] = []

        class Swapping:
            role_index, path_word = checkpoint.terms.words.role_index, checkpoint.terms.words.path_word
            decides = True

            @staticmethod
            def read(path: str, *rest: Any) -> tuple[str, ...]:
                asked.append(path)
                if len(asked) == 3:  # the request itself and the tag's words were read first
                    checkpoint.live.policy = closed
                words: tuple[str, ...] = real.read(path, *rest)
                return words

        real = checkpoint.terms.words
        checkpoint.latest = Terms.of(checkpoint.terms.policy, Swapping)  # type: ignore[arg-type]  # as much as is asked of
        another = bearer(issuer.token(sub="another", **{"custom:role": "admin"}))
        assert client.get("/me/permissions", headers=another).json() == before | {"sub": "another"}
        assert len(asked) > 10


@pytest.mark.parametrize(
    ("rules", "incomplete"),
    [
        ("", False),
        ("p, user, /things/{id}, GET, allow\n", False),
        ("p, user, /things/*, *, allow\n", False),
        ("p, user, /things/7, GET, allow\n", True),
        ("p, user, /things/{id}, GET, allow\np, everyone, /things/7, *, deny\n", True),
        ("p, user, /things/7, POST, allow\n", False),
        ("p, admin, /things/7, GET, allow\n", False),
        ("p, user, /things/{id}, GET, allow\np, everyone, /things/\\d+, *, deny\n", True),
        ("p, user, /things/.../, GET, allow\n", False),
        ("p, user, /things/..., GET, allow\n", True),
    ],
)
def test_the_list_says_when_it_depends_on_more_than_the_endpoint(
    issuer: Issuer, tmp_path: Path, rules: str, incomplete: bool
) -> None:
    (tmp_path / "policy.csv").write_text((ROOT / "policy.csv").read_text() + rules)
    settings = settings_for(issuer, tmp_path)
    app = create_app(settings)

    @app.get("/things/{thing}")
    async def thing(thing: str) -> str:
        return thing

    with served(settings, app) as client:
        headers = bearer(issuer.token(**{"custom:role": "user"}))
        assert client.get("/me/permissions", headers=headers).json()["incomplete"] is incomplete
