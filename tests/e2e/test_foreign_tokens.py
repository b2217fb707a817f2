"""Real tokens of Cognito that are not of this pool for this client open nothing."""

import pytest

from app.dev import cognito
from tests.e2e.conftest import Demo


@pytest.fixture(scope="module")
def foreign(demo: Demo) -> dict[str, str]:
    """Tokens that are genuine somewhere else, or for something else."""
    second_pool = cognito.create_pool(demo.client, "another-pool", "another-client")
    cognito.create_user(demo.client, second_pool, "bob", "admin")
    created = demo.client.create_user_pool_client(
        UserPoolId=demo.pool.pool_id,
        ClientName="another-client",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"],
    )
    second_client = cognito.Pool(demo.pool.pool_id, created["UserPoolClient"]["ClientId"])
    return {
        "another pool": demo.sign_in("bob", second_pool).id_token,
        "another client": demo.sign_in("alice", second_client).id_token,
        "access token of another client": demo.sign_in("alice", second_client).access_token,
        "refresh token": demo.tokens["alice"].refresh_token,
    }


@pytest.mark.parametrize(
    "kind", ["another pool", "another client", "access token of another client", "refresh token"]
)
@pytest.mark.parametrize("path", ["/", "/protected", "/admin", "/nowhere"])
def test_a_token_from_elsewhere_is_401_everywhere(
    demo: Demo, foreign: dict[str, str], kind: str, path: str
) -> None:
    answer = demo.service.get(path, foreign[kind])
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="sekisho", error="invalid_token"')
    assert answer.json()["error"] == "invalid_token"


def test_no_token_is_ever_logged(demo: Demo, foreign: dict[str, str]) -> None:
    for token in foreign.values():
        demo.service.get(f"/protected?access_token={token}", token, x_request_id="the-last")
    assert demo.service.eventually_logs("the-last")
    log = demo.service.log()
    tokens = [*foreign.values(), *(tokens.id_token for tokens in demo.tokens.values())]
    assert not [token for token in tokens if token in log or token.rsplit(".", 1)[-1] in log]
    assert "Traceback" not in log
    assert "access_token=" not in log
