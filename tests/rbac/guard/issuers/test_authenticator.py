"""What an authenticator remembers of a token, and whom it takes it for the first time and every other: no network at all."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
from fastapi.security import HTTPAuthorizationCredentials

from app.provider import provider_of
from rbac.guard.identity.errors import InvalidToken, KeysUnavailable
from rbac.guard.identity.principal import Principal
from rbac.guard.identity.token_format import MAX_TOKEN_LENGTH
from rbac.guard.issuers.authenticator import Authenticator
from tests.support.authenticating import ProviderChoice, refusal
from tests.support.clock import TestClock
from tests.support.issuer import ABSENT, Issuer, private_key, public_jwk
from tests.support.issuer_forms import JWT_MACHINE, JWT_PERSON, KEYCLOAK, Form
from tests.support.openid import provider_for

KEYS = "https://keys.example.com/jwks"


async def _in_pieces(body: bytes) -> AsyncIterator[bytes]:
    yield body


class Asked:
    """An issuer within reach of one authenticator alone."""

    def __init__(self, clock: TestClock, **choices: Any) -> None:
        self.clock = clock
        self.issuer = Issuer(clock.now)
        self.asked: list[str] = []
        self.status = 200
        self.authenticator = Authenticator(
            provider_of(ProviderChoice(KEYS, **choices)),
            clock=clock.clock,
            transport=httpx2.MockTransport(self._answer),
            keys_max_age=1000,
        )

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(str(request.url))
        return httpx2.Response(self.status, content=_in_pieces(self.issuer.key_set()))

    def access(self, **changes: Any) -> str:
        """An access token as Cognito writes one: a person's, who calls through our client."""
        used = {
            "token_use": "access",
            "client_id": self.issuer.client_id,
            "aud": ABSENT,
            "scope": "orders/read",
        }
        return self.issuer.token(None, **(used | {"username": "alice"} | changes))


@pytest.fixture
def asking(clock: TestClock) -> Callable[..., Asked]:
    return lambda **choices: Asked(clock, **choices)


async def thrice(asked: Asked, token: str) -> list[Principal | None]:
    """Whom a token stands for: as it is verified, as it is read from its payload, and as it is remembered."""
    authenticator = asked.authenticator
    first = await authenticator(token)
    return [
        first,
        authenticator.known(token),
        authenticator.known(token),
        authenticator.recall(token.encode()),
    ]


async def test_a_token_stands_for_the_same_person_each_time(asking: Callable[..., Asked]) -> None:
    asked = asking()
    token = asked.issuer.token()
    assert asked.authenticator.known(token) is None
    principals = await thrice(asked, token)
    assert principals == [principals[0]] * 4
    assert principals[0] is not None
    assert (principals[0].username, principals[0].through, principals[0].roles) == ("alice", None, ("admin",))
    assert (asked.asked, asked.authenticator.fetches, asked.authenticator.cached_tokens) == ([KEYS], 1, 1)


@pytest.mark.parametrize(
    ("choices", "changes", "sub", "through"),
    [
        # A person by their access token, who may or may not be bounded by what their client was given.
        ({"token_use": "access"}, {}, "", False),
        ({"token_use": "both", "scopes": "required"}, {}, "", True),
        # A program that calls for itself: its client, with its scopes.
        (
            {"token_use": "access"},
            {"username": ABSENT, "sub": Issuer.client_id},
            f"client:{Issuer.client_id}",
            False,
        ),
        (
            {"token_use": "both", "scopes": "required"},
            {"username": ABSENT, "sub": Issuer.client_id},
            f"client:{Issuer.client_id}",
            False,
        ),
    ],
)
async def test_an_access_token_stands_for_a_person_or_a_program_each_time(
    asking: Callable[..., Asked], choices: dict[str, Any], changes: dict[str, Any], sub: str, through: bool
) -> None:
    asked = asking(**choices)
    token = asked.access(**changes)
    principals = await thrice(asked, token)
    assert principals == [principals[0]] * 4
    who = principals[0]
    assert who is not None
    program = (f"client:{Issuer.client_id}", "scope:orders/read")
    assert who.sub == (sub or asked.issuer.claims()["sub"])
    assert (who.roles == program) is bool(sub)
    assert (who.through is not None and who.through.roles == program) is through
    for remembered in principals:
        assert remembered is not None
        assert remembered.through == who.through


@pytest.mark.parametrize("choices", [{}, {"token_use": "both"}])
async def test_a_persons_id_token_is_bounded_by_no_program(
    asking: Callable[..., Asked], choices: dict[str, Any]
) -> None:
    asked = asking(**choices)
    assert (await asked.authenticator.authenticate(asked.issuer.token())).through is None
    assert await refusal(asked.authenticator, asked.access()) == ("" if choices else "wrong_use")


async def test_a_token_is_remembered_until_its_own_expiry(
    asking: Callable[..., Asked], clock: TestClock
) -> None:
    asked = asking()
    token = asked.issuer.token(exp=int(clock.now()) + 60)
    await thrice(asked, token)
    clock.advance(59)
    assert asked.authenticator.known(token) is not None
    clock.advance(1)
    assert asked.authenticator.known(token) is None
    assert asked.authenticator.recall(token.encode()) is None


async def test_what_no_token_is_is_not_looked_for(asking: Callable[..., Asked]) -> None:
    asked = asking()
    token = asked.issuer.token()
    await thrice(asked, token)
    assert asked.authenticator.known(token + "é") is None
    assert asked.authenticator.known("x" * MAX_TOKEN_LENGTH) is None
    assert asked.authenticator.known("x" * (MAX_TOKEN_LENGTH + 1)) is None
    assert asked.authenticator.known("\ud800") is None
    assert asked.authenticator.known(token) is not None


async def test_a_token_of_a_withdrawn_key_is_forgotten_with_it(
    asking: Callable[..., Asked], clock: TestClock
) -> None:
    asked = asking()
    old = asked.issuer.token()
    await thrice(asked, old)
    asked.issuer.rotate()
    assert await refusal(asked.authenticator, asked.issuer.token()) == ""
    assert asked.authenticator.known(old) is None
    assert asked.authenticator.cached_tokens == 1
    assert await refusal(asked.authenticator, old) == "unknown_key"


async def test_keys_that_are_too_old_are_none_and_take_their_tokens_along(
    asking: Callable[..., Asked], clock: TestClock
) -> None:
    asked = asking()
    token = asked.issuer.token()
    assert await refusal(asked.authenticator, token) == ""
    state = asked.authenticator
    assert (state.keys_known, state.last_fetch_ok, state.keys_age, state.failures) == (True, True, 0.0, 0)
    asked.status = 500
    clock.advance(999)
    assert await refusal(asked.authenticator, asked.issuer.token(n=1)) == ""
    assert await refusal(asked.authenticator, asked.issuer.token({"kid": "another"})) == "keys_unavailable"
    assert (state.keys_known, state.last_fetch_ok, state.keys_age) == (True, False, 999.0)
    assert state.failures == state.fetches - 1 > 0
    clock.advance(1)
    with pytest.raises(KeysUnavailable):
        await state.authenticate(asked.issuer.token(n=2))
    assert (state.keys_known, state.cached_tokens, state.known(token)) == (False, 0, None)


async def test_a_key_is_for_the_algorithms_of_its_issuer_alone(asking: Callable[..., Asked]) -> None:
    asked = asking()
    asked.issuer.published = [public_jwk(asked.issuer.kid, private_key(0), alg="PS256")]
    assert await refusal(asked.authenticator, asked.issuer.token()) == "keys_unavailable"
    asked = asking()
    assert await refusal(asked.authenticator, asked.issuer.token({"alg": "PS256"})) == "bad_algorithm"


async def test_a_signature_and_a_claim_are_each_refused_for_what_they_are(
    asking: Callable[..., Asked],
) -> None:
    asked = asking()
    head, _, signature = asked.issuer.token().rpartition(".")
    forged = f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
    assert await refusal(asked.authenticator, forged) == "bad_signature"
    assert await refusal(asked.authenticator, asked.issuer.token(aud="another")) == "wrong_audience"
    assert await refusal(asked.authenticator, "a.b") == "malformed"
    assert asked.authenticator.cached_tokens == 0


async def test_the_librarys_own_ways_to_verify_are_as_strict(asking: Callable[..., Asked]) -> None:
    """What FastAPI calls of the library reads a token strictly, too."""
    asked = asking()
    verifying = asked.authenticator.verifying

    def sent(token: str) -> HTTPAuthorizationCredentials:
        return HTTPAuthorizationCredentials(scheme="Bearer", credentials=token)

    good = asked.issuer.token()
    assert await verifying.verifier.verify_token(sent(good)) is True
    assert await verifying.call(sent(good)) == asked.issuer.claims()
    key = await verifying.verifier._jwks.get_publickey(asked.issuer.kid)
    assert key is (await asked.authenticator.keys.signing_key(asked.issuer.kid)).key
    for bad, reason in (("a.b.c", "malformed"), (asked.issuer.token(exp=1), "expired")):
        with pytest.raises(InvalidToken) as caught:
            await verifying.verifier.verify_token(sent(bad))
        assert caught.value.reason == reason


async def test_what_is_begun_is_ended_and_may_begin_again(
    asking: Callable[..., Asked], clock: TestClock
) -> None:
    asked = asking()
    authenticator = asked.authenticator
    for _ in range(2):
        async with authenticator as opened:
            assert opened is authenticator
            assert "verifying" in vars(authenticator)
            assert await refusal(authenticator, asked.issuer.token()) == ""
            assert authenticator.keys._background is not None
        assert authenticator.keys._background is None


def test_its_name_and_whether_several_roles_come_are_its_providers(asking: Callable[..., Asked]) -> None:
    assert (asking().authenticator.name, asking().authenticator.several_roles) == ("cognito", True)
    assert not asking(role_claims=("custom:role",)).authenticator.several_roles


# --- an issuer that says itself where its keys are


class Discovered(Asked):
    """The same for a form of token of any OpenID provider, whose discovery document is answered as well."""

    def __init__(self, clock: TestClock, form: Form, algorithm: str = "RS256", **choices: Any) -> None:
        super().__init__(clock)
        self.issuer = Issuer(clock.now, form, algorithm)
        self.issuer.issuer = f"https://id.example.com{form.path}"
        transport = httpx2.MockTransport(self._answer)
        provider = provider_for(self.issuer, **choices)
        self.authenticator = Authenticator(provider, clock=clock.clock, transport=transport)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request.url.path)
        described = request.url.path.endswith("/openid-configuration")
        keys = f"https://id.example.com{self.issuer.form.keys_path}"
        body = self.issuer.metadata(jwks_uri=keys) if described else self.issuer.key_set()
        return httpx2.Response(200, content=_in_pieces(body))


@pytest.mark.parametrize("form", [KEYCLOAK, JWT_PERSON, JWT_MACHINE], ids=lambda form: form.name)
async def test_keys_are_where_the_issuer_says_and_its_header_says_the_kind(
    form: Form, clock: TestClock
) -> None:
    asked = Discovered(clock, form)
    token = asked.issuer.token()
    principals = await thrice(asked, token)
    assert principals == [principals[0]] * 4
    assert asked.asked == [f"{form.path}/.well-known/openid-configuration", form.keys_path]
    who = principals[0]
    assert who is not None
    assert who.sub.startswith("client:") is (form is JWT_MACHINE)
    clock.advance(3600)
    asked.issuer.rotate()
    assert await refusal(asked.authenticator, asked.issuer.token()) == ""
    assert asked.asked.count(f"{form.path}/.well-known/openid-configuration") == 2


@pytest.mark.parametrize(("signed", "said"), [("RS256", "PS256"), ("ES256", "RS256"), ("RS256", "ES256")])
async def test_a_key_verifies_what_it_is_for_alone(signed: str, said: str, clock: TestClock) -> None:
    asked = Discovered(clock, KEYCLOAK, signed)
    assert await refusal(asked.authenticator, asked.issuer.token({"alg": said})) == "bad_algorithm"
    assert await refusal(asked.authenticator, asked.issuer.token()) == ""


async def test_the_form_of_a_token_is_the_one_that_this_issuer_writes(clock: TestClock) -> None:
    """Also where the library itself is asked: a header that says another kind is refused before any key."""
    asked = Discovered(clock, KEYCLOAK)
    verifying = asked.authenticator.verifying
    token = asked.issuer.token({"typ": "at+jwt"})
    with pytest.raises(InvalidToken) as caught:
        await verifying.verifier.verify_token(
            HTTPAuthorizationCredentials(scheme="Bearer", credentials=token)
        )
    assert (caught.value.reason, asked.asked) == ("bad_header", [])


async def test_the_time_is_the_machines_where_no_clock_is_given() -> None:
    authenticator = Authenticator(provider_of(ProviderChoice(KEYS)))
    assert 0.0 <= authenticator.keys_age < 3600.0
    assert authenticator.keys_known is False


async def test_a_claim_is_a_list_of_roles_where_this_kind_of_issuer_writes_lists(
    asking: Callable[..., Asked],
) -> None:
    """A group of Cognito's is an item of a list: a text in its place is none, and a list is no role of somebody's own."""
    asked = asking()
    for groups, role, roles in (
        ("admin", ABSENT, ()),
        (["admin"], ABSENT, ("admin",)),
        (ABSENT, ["admin"], ()),
    ):
        token = asked.issuer.token(None, **{"cognito:groups": groups, "custom:role": role})
        assert (await asked.authenticator.authenticate(token)).roles == roles, (groups, role)
