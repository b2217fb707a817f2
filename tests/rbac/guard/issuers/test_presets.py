"""The issuers that a guard knows by name: what they accept, by their real rules and a real key set."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rbac.guard import auth0, cognito, firebase, oidc
from rbac.guard.identity.clock import KEYS_MAX_AGE
from rbac.guard.identity.principal import RoleClaim
from rbac.guard.issuers.authenticator import Authenticator
from rbac.guard.issuers.provider import DIALECTS, Provider
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


COGNITOS = "https://cognito-idp.ap-northeast-1.amazonaws.com/ap-northeast-1_AbC123xyz"
CHINAS = "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_AbC123xyz"
GOOGLES_KEYS = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"
ROLES = RoleClaim.parse("https://example.com/roles")
# What each preset is made of, where nothing is said that need not be, and where everything is.
PRESETS: list[tuple[Callable[[], Authenticator], Provider, float]] = [
    (
        lambda: cognito("ap-northeast-1_AbC123xyz", "a", "b"),
        Provider(
            COGNITOS,
            f"{COGNITOS}/.well-known/jwks.json",
            frozenset({"a", "b"}),
            (RoleClaim.parse("custom:role"),),
            DIALECTS["cognito"],
        ),
        KEYS_MAX_AGE,
    ),
    (
        lambda: cognito(
            "cn-north-1_AbC123xyz",
            "a",
            role_claims=["custom:team", "cognito:groups"],
            token_use="both",
            resource="https://api.example.com",
            scopes="required",
            keys_max_age=600,
        ),
        Provider(
            CHINAS,
            f"{CHINAS}/.well-known/jwks.json",
            frozenset({"a"}),
            (RoleClaim.parse("custom:team"), RoleClaim.parse("cognito:groups")),
            DIALECTS["cognito"],
            "both",
            "https://api.example.com",
            "required",
        ),
        600,
    ),
    (
        lambda: auth0("example.eu.auth0.com", "a", role_claims=["https://example.com/roles"]),
        Provider(
            "https://example.eu.auth0.com/",
            "https://example.eu.auth0.com/.well-known/jwks.json",
            frozenset({"a"}),
            (ROLES,),
            DIALECTS["auth0"],
        ),
        KEYS_MAX_AGE,
    ),
    (
        lambda: auth0(
            "id.example.com",
            role_claims=["https://example.com/roles"],
            token_use="access",
            resource="https://api.example.com",
            scopes="required",
            keys_max_age=600,
        ),
        Provider(
            "https://id.example.com/",
            "https://id.example.com/.well-known/jwks.json",
            frozenset(),
            (ROLES,),
            DIALECTS["auth0"],
            "access",
            "https://api.example.com",
            "required",
        ),
        600,
    ),
    (
        lambda: firebase("my-shop-4711"),
        Provider(
            "https://securetoken.google.com/my-shop-4711",
            GOOGLES_KEYS,
            frozenset({"my-shop-4711"}),
            (RoleClaim.parse("role"),),
            DIALECTS["firebase"],
        ),
        KEYS_MAX_AGE,
    ),
    (
        lambda: firebase("my-shop-4711", role_claims=["https://example.com/roles"], keys_max_age=600),
        Provider(
            "https://securetoken.google.com/my-shop-4711",
            GOOGLES_KEYS,
            frozenset({"my-shop-4711"}),
            (ROLES,),
            DIALECTS["firebase"],
        ),
        600,
    ),
    (
        lambda: oidc("https://id.example.com/realms/shop", "a", "b"),
        Provider(
            "https://id.example.com/realms/shop",
            "https://id.example.com/realms/shop/.well-known/openid-configuration",
            frozenset({"a", "b"}),
            (),
            DIALECTS["oidc"],
        ),
        KEYS_MAX_AGE,
    ),
    (
        lambda: oidc(
            "https://id.example.com",
            role_claims=["realm_access.roles", "https://example.com/roles"],
            token_use="access",
            resource="https://api.example.com",
            scopes="required",
            keys_max_age=600,
        ),
        Provider(
            "https://id.example.com",
            "https://id.example.com/.well-known/openid-configuration",
            frozenset(),
            (RoleClaim.parse("realm_access.roles"), ROLES),
            DIALECTS["oidc"],
            "access",
            "https://api.example.com",
            "required",
        ),
        600,
    ),
]


@pytest.mark.parametrize(("make", "provider", "keys_max_age"), PRESETS)
def test_a_preset_is_what_was_said_and_knows_its_issuer_to_the_letter(
    make: Callable[[], Authenticator], provider: Provider, keys_max_age: float
) -> None:
    preset = make()
    assert preset.provider == provider
    assert preset.keys._max_age == keys_max_age


@pytest.mark.parametrize(
    "make",
    [
        lambda: cognito("eu-west-1_AbC123xyz.evil.example", "a"),
        lambda: auth0("example.eu.auth0.com:8443", "a", role_claims=["r"]),
        lambda: auth0("evil.example/example.eu.auth0.com", "a", role_claims=["r"]),
        lambda: firebase("my-shop-4711/evil"),
        lambda: firebase("-my-shop-4711"),
    ],
)
def test_a_name_that_an_issuers_is_only_a_part_of_is_none(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="is not the"):
        make()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: cognito("AbC123xyz", "a"),
            "`AbC123xyz` is not the id of a user pool, like `ap-northeast-1_AbC123xyz`",
        ),
        (
            lambda: auth0("my tenant", "a", role_claims=["r"]),
            "`my tenant` is not the domain of a tenant, like `example.eu.auth0.com`",
        ),
        (
            lambda: firebase("My Shop"),
            "`My Shop` is not the id of a Firebase project, like `my-shop-4711`",
        ),
        (
            lambda: oidc("http://id.example.com", "a"),
            "`http://id.example.com` is not an issuer, like `https://id.example.com`: ",
        ),
        (
            lambda: cognito("eu-west-1_AbC123xyz", "a", role_claims="role"),
            "role_claims is a list of names: ['role']",
        ),
    ],
)
def test_whoever_mistypes_an_issuer_reads_what_one_looks_like(make: Callable[[], object], said: str) -> None:
    with pytest.raises((ValueError, TypeError)) as told:
        make()
    assert str(told.value).startswith(said)


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


def test_where_the_http_client_is_missing_the_extra_that_brings_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "rbac.guard.issuers.authenticator", None)
    with pytest.raises(ModuleNotFoundError, match=r"the extra `guard`: pip install 'sekisho\[guard\]'"):
        cognito("eu-west-1_AbC123xyz", "a")
