"""The issuers that a guard knows by name: what they accept, by their real rules and a real key set."""

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rbac.guard import auth0, cognito, firebase
from rbac.guard.issuers.authenticator import Authenticator
from tests.support.guarded import client_of, guard_in, shop
from tests.support.issuer import ABSENT, Issuer
from tests.support.service import ROOT
from tests.support.waiting import comes_true


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


def of_the_test_issuer(issuer: Issuer, **changes: Any) -> Authenticator:
    """The preset for the test issuer's pool, whose keys are here."""
    preset = cognito(Issuer.pool_id, Issuer.client_id, **changes)
    assert preset.provider.issuer == Issuer.issuer
    preset.keys.url = issuer.jwks_url
    return preset


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"custom:role": "user"}, 200),
        ({"custom:role": "nobody"}, 403),
        ({"exp": 1}, 401),
        ({"aud": Issuer.other_client_id}, 401),
        ({"token_use": "access"}, 401),
        ({"iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Another"}, 401),
        ({"exp": ABSENT}, 401),
        ({"aud": ABSENT}, 401),
        ({"sub": ABSENT}, 401),
    ],
)
def test_a_preset_accepts_what_the_issuer_means(
    tmp_path: Path, issuer: Issuer, changes: dict[str, Any], status: int
) -> None:
    app = shop()
    app.add_middleware(guard_in(tmp_path, identify=of_the_test_issuer(issuer)).middleware)
    with client_of(app) as client:
        token = issuer.token(**{"custom:role": "user"} | changes)
        for _ in range(2):
            assert client.get("/orders", headers={"Authorization": f"Bearer {token}"}).status_code == status


def test_keys_are_fetched_in_the_background_and_again_in_another_life(tmp_path: Path, issuer: Issuer) -> None:
    preset = of_the_test_issuer(issuer)
    app = shop()
    app.add_middleware(guard_in(tmp_path, identify=preset).middleware)
    assert preset.fetches == 0
    for _ in range(2):
        before = preset.fetches
        with client_of(app) as client:
            assert comes_true(lambda: preset.keys_known)
            assert (
                client.get("/orders", headers={"Authorization": f"Bearer {issuer.token()}"}).status_code
                == 200
            )
        assert preset.fetches >= before


def test_keys_out_of_reach_are_503(tmp_path: Path) -> None:
    preset = cognito(Issuer.pool_id, Issuer.client_id)
    preset.keys.url = "http://127.0.0.1:1/jwks.json"
    app = shop()
    app.add_middleware(guard_in(tmp_path, identify=preset).middleware)
    with Issuer() as issuer, client_of(app) as client:
        answer = client.get("/orders", headers={"Authorization": f"Bearer {issuer.token()}"})
        assert (answer.status_code, answer.json()["error"]) == (503, "keys_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert client.get("/public").status_code == 200


def test_acting_as_somebody_fetches_no_keys(tmp_path: Path, issuer: Issuer) -> None:
    preset = of_the_test_issuer(issuer)
    guard = guard_in(tmp_path, identify=preset)
    app = shop()
    app.add_middleware(guard.middleware)
    with guard.acting_as("user"), client_of(app) as client:
        assert client.get("/orders").status_code == 200
    assert preset.fetches == 0


def test_a_token_is_verified_in_whatever_event_loop_asks(tmp_path: Path, issuer: Issuer) -> None:
    """A test client without a lifespan has a new event loop for every request."""
    from starlette.testclient import TestClient

    app = shop()
    app.add_middleware(guard_in(tmp_path, identify=of_the_test_issuer(issuer)).middleware)
    client = TestClient(app)
    for number in range(3):
        headers = {"Authorization": f"Bearer {issuer.token(**{'custom:role': 'user', 'jti': str(number)})}"}
        assert client.get("/orders", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("preset", "issuer_name", "keys"),
    [
        (
            cognito("ap-northeast-1_AbC123xyz", "a", "b"),
            "https://cognito-idp.ap-northeast-1.amazonaws.com/ap-northeast-1_AbC123xyz",
            "https://cognito-idp.ap-northeast-1.amazonaws.com/ap-northeast-1_AbC123xyz/.well-known/jwks.json",
        ),
        (
            cognito("cn-north-1_AbC123xyz", "a"),
            "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_AbC123xyz",
            "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_AbC123xyz/.well-known/jwks.json",
        ),
        (
            auth0("example.eu.auth0.com", "a", role_claims=["https://example.com/roles"]),
            "https://example.eu.auth0.com/",
            "https://example.eu.auth0.com/.well-known/jwks.json",
        ),
        (
            firebase("my-shop-4711"),
            "https://securetoken.google.com/my-shop-4711",
            "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com",
        ),
    ],
)
def test_a_preset_knows_its_issuer_to_the_letter(preset: Authenticator, issuer_name: str, keys: str) -> None:
    assert (preset.provider.issuer, preset.provider.jwks_url) == (issuer_name, keys)
    assert dataclasses.is_dataclass(preset.provider)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: cognito("AbC123xyz", "a"), ValueError),
        (lambda: cognito("eu-west-1_AbC123xyz/../x", "a"), ValueError),
        (lambda: cognito("eu-west-1_AbC123xyz"), ValueError),
        (lambda: cognito("eu-west-1_AbC123xyz", ""), ValueError),
        (lambda: cognito("eu-west-1_AbC123xyz", "a", role_claims="custom:role"), TypeError),
        (lambda: auth0("https://example.eu.auth0.com", "a", role_claims=["r"]), ValueError),
        (lambda: auth0("example.eu.auth0.com/", "a", role_claims=["r"]), ValueError),
        (lambda: auth0("example.eu.auth0.com", role_claims=["r"]), ValueError),
        (lambda: firebase("My Shop"), ValueError),
        (lambda: firebase(""), ValueError),
    ],
)
def test_a_preset_that_would_accept_anybodys_tokens_or_nobodys_is_refused(
    make: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        make()


def test_the_guard_alone_brings_no_framework_and_no_http_client() -> None:
    """An application whose callers are its own needs neither; a preset brings what verifies its tokens."""
    program = "import sys, rbac.guard; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"fastapi", "starlette", "httpx2", "jose", "pydantic", "app", "uvicorn", "yaml"}
