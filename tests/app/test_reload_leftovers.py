"""A service that lives for months holds the document in force, and none of those before it."""

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.main import create_app
from rbac import Policy
from rbac.background import freeze
from tests.support.application import bearer, served, settings_for
from tests.support.issuer import Issuer
from tests.support.kinds import settings_of_kinds, token_of
from tests.support.waiting import comes_true

PATHS = (
    "/public",
    "/user",
    "/admin",
    "/nowhere",
    "/me/permissions",
    "/policy",
    "/policy/matrix",
    "/policy/status",
)
QUESTION = {
    "subject": {"type": "user", "id": "bob", "properties": {"role": "user"}},
    "action": {"name": "GET"},
    "resource": {"type": "path", "id": "/user"},
}


@pytest.fixture
def out_of_sight(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a worker, which keeps from the collector what it holds once the policy is in force."""
    monkeypatch.setattr("rbac.background._Rest.keeps", False)
    freeze()
    yield
    gc.unfreeze()


def ask_everything(client: TestClient, tokens: list[str], policy: str) -> None:
    for token in tokens:
        headers = bearer(token) if token else {}
        for path in PATHS:
            for prefix in ("", "/forward-auth"):
                assert client.get(prefix + path, headers=headers).status_code < 500
        for path, body in (
            ("/access/v1/evaluation", QUESTION),
            ("/access/v1/evaluations", {"evaluations": [QUESTION, QUESTION]}),
            ("/access/v1/search/action", {key: QUESTION[key] for key in ("subject", "resource")}),
            ("/policy/explain", {"role": "user", "obj": "/admin", "act": "GET"}),
            ("/policy/draft", {"policy": policy}),
        ):
            assert client.post(path, headers=headers, json=body).status_code < 500


@pytest.mark.usefixtures("out_of_sight")
def test_no_document_outlives_the_one_that_replaces_it(tmp_path: Path) -> None:
    with Issuer() as issuer:
        settings = settings_for(issuer, tmp_path, **settings_of_kinds("cognito", issuer, SCOPES="required"))
        app = create_app(settings)
        policy = settings.policy_file.read_text("utf-8")
        roles = ("user", "admin", "security", "pep")
        kinds = ("id", "person", "machine")
        tokens = ["", *(token_of(issuer, kind, roles=[role]) for kind in kinds for role in roles)]
        before: list[weakref.ref[Policy]] = []
        with served(settings, app) as client:
            live = app.state.checkpoint.live
            for number in range(4):
                ask_everything(client, tokens, policy)
                before.append(weakref.ref(live.policy))
                settings.policy_file.write_text(f"{policy}# edit {number}\n", "utf-8")
                assert comes_true(lambda: live.reload() or live.policy is not before[-1]())
            ask_everything(client, tokens, policy)
            # The last one may be held by what the last requests left.
            assert comes_true(lambda: sum(one() is not None for one in before) <= 1)
