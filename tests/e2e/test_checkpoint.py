"""A user signs in to Cognito, calls an endpoint with the ID token, and policy.csv alone decides."""

import shutil
import socket
from collections.abc import Iterator

import pytest

from rbac import Policy
from tests.e2e.conftest import Demo
from tests.support import plain_http
from tests.support.service import ROOT

CALLERS = (None, "carol", "bob", "alice")

TABLE = {
    "/": (200, 200, 200, 200),
    "/public": (200, 200, 200, 200),
    "/healthz": (200, 200, 200, 200),
    "/readyz": (200, 200, 200, 200),
    "/docs": (200, 200, 200, 200),
    "/docs/assets/swagger-ui.css": (200, 200, 200, 200),
    "/openapi.json": (200, 200, 200, 200),
    "/protected": (401, 200, 200, 200),
    "/profile": (401, 200, 200, 200),
    "/debug/token": (401, 200, 200, 200),
    "/user": (401, 403, 200, 200),
    "/admin": (401, 403, 403, 200),
    "/nowhere": (401, 403, 403, 403),
    "/admin/": (401, 403, 403, 403),
    "//admin": (401, 403, 403, 403),
    "/user/%2e%2e/admin": (401, 403, 403, 403),
}


@pytest.fixture(autouse=True)
def _shipped_policy(demo: Demo) -> Iterator[None]:
    """Every test begins with the shipped policy in force: the very document, not one that answers a few paths alike."""
    yield
    shutil.copy(ROOT / "policy.csv", demo.service.policy)
    shipped = Policy.load(ROOT / "model.conf", ROOT / "policy.csv").revision
    assert demo.service.eventually_decides_by(shipped)


@pytest.mark.parametrize("path", TABLE)
def test_the_shipped_policy_answers_each_caller_as_the_table_says(demo: Demo, path: str) -> None:
    assert tuple(demo.status(path, caller) for caller in CALLERS) == TABLE[path]


def test_a_saved_rule_is_in_force_without_a_restart(demo: Demo) -> None:
    assert demo.status("/admin", "bob") == 403
    with demo.service.policy.open("a") as policy:
        policy.write("p, user, /admin, GET, allow\n")
    assert demo.service.eventually("/admin", demo.id_token("bob"), 200)
    assert demo.status("/admin", "carol") == 403
    # the shipped tests say that a user does not administer: in development that is a warning
    assert demo.service.eventually_logs("a user reads but does not administer")


def test_a_broken_line_changes_nothing_and_the_log_says_which_line(demo: Demo) -> None:
    lines = (ROOT / "policy.csv").read_text().splitlines()
    before = len(demo.service.log())
    demo.service.policy.write_text("\n".join([*lines, "p, usr /admin GET"]) + "\n")
    assert demo.service.eventually_refuses_its_document()
    assert demo.service.eventually_logs(f"policy.csv:{len(lines) + 1}:", after=before)
    assert [demo.status("/admin", caller) for caller in CALLERS] == list(TABLE["/admin"])
    state = demo.service.get("/readyz").json()
    assert state["status"] == "ready"
    assert state["policy"]["current"] is False


def test_a_deny_for_one_subject_locks_out_that_person_alone(demo: Demo) -> None:
    sub = demo.service.get("/profile", demo.id_token("bob")).json()["profile"]["sub"]
    with demo.service.policy.open("a") as policy:
        policy.write(f"p, {sub}, /*, *, deny\n")
    assert demo.service.eventually("/user", demo.id_token("bob"), 403)
    assert demo.status("/public", "bob") == 403
    assert [demo.status("/protected", caller) for caller in (None, "carol", "alice")] == [401, 200, 200]


def test_an_administrator_with_a_wildcard_finds_out_what_does_not_exist(demo: Demo) -> None:
    with demo.service.policy.open("a") as policy:
        policy.write("p, admin, /*, *, allow\n")
    assert demo.service.eventually("/nowhere", demo.id_token("alice"), 404)
    assert demo.status("/nowhere", "bob") == 403
    answer = demo.service.request("DELETE", "/admin", demo.id_token("alice"))
    assert (answer.status_code, answer.json()["error"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"


def test_the_bodies_hold_what_the_token_says(demo: Demo) -> None:
    token = demo.id_token("alice")
    claims = demo.service.get("/debug/token", token).json()["claims"]
    user = {"username": "alice", "email": "alice@example.com", "sub": claims["sub"], "role": "admin"}
    protected = demo.service.get("/protected", token).json()
    assert protected == {"message": "Hello, alice! Your token is valid.", "user_info": user}
    assert demo.service.get("/user", token).json()["user_data"] == {"username": "alice", "role": "admin"}
    profile = demo.service.get("/profile", token).json()["profile"]
    assert profile == user | {"email_verified": True, "auth_time": claims["auth_time"], "token_use": "id"}


def test_what_an_administrator_may_do_is_read_from_the_policy(demo: Demo) -> None:
    def permissions() -> list[str]:
        found: list[str] = demo.service.get("/admin", demo.id_token("alice")).json()["admin_info"][
            "permissions"
        ]
        return found

    before = permissions()
    assert {"GET /admin", "GET /user", "GET /"} <= set(before)
    text = (ROOT / "policy.csv").read_text()
    demo.service.policy.write_text(text.replace("g, admin, user\n", ""))
    assert demo.service.eventually("/user", demo.id_token("alice"), 403)
    assert set(before) - set(permissions()) == {"GET /user"}


def test_greetings_and_refusals_are_japanese_where_that_is_preferred(demo: Demo) -> None:
    token = demo.id_token("bob")
    assert demo.service.get("/user", token, accept_language="ja").json()["message"].startswith("bobさん")
    refusal = demo.service.get("/admin", token, accept_language="ja, en;q=0.5")
    assert refusal.json()["detail"].startswith("トークンは有効ですが")
    assert refusal.headers["content-language"] == "ja"


def test_a_refusal_says_in_development_which_rule_was_nearest(demo: Demo) -> None:
    refusal = demo.service.get("/admin", demo.id_token("bob")).json()
    assert refusal["error"] == "access_denied"
    assert refusal["policy_revision"] == demo.service.get("/readyz").json()["policy"]["revision"]
    assert refusal["decision_id"]
    assert refusal["explanation"]["nearest"][0]["text"] == "p, admin, /admin, GET, allow"


def test_the_local_cognito_speaks_as_cognito_does(demo: Demo) -> None:
    keys = plain_http.get(f"{demo.endpoint_url}/{demo.pool.pool_id}/.well-known/jwks.json").json()["keys"]
    assert keys[0]["kty"] == "RSA"
    claims = demo.service.get("/debug/token", demo.id_token("bob")).json()["claims"]
    assert claims["iss"] == f"https://cognito-idp.eu-west-1.amazonaws.com/{demo.pool.pool_id}"
    assert claims["aud"] == demo.pool.client_id
    assert claims["custom:role"] == "user"


def test_no_log_line_of_a_websocket_handshake_holds_its_query_or_calls_a_refusal_an_error(demo: Demo) -> None:
    before = len(demo.service.log())
    with socket.create_connection(("127.0.0.1", int(demo.service.base_url.rsplit(":", 1)[1]))) as connection:
        connection.sendall(
            b"GET /live?token=opensesame HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert b" 401 " in connection.recv(4096).split(b"\r\n")[0]
    assert demo.service.eventually_logs("WEBSOCKET /live 401", before)
    assert demo.status("/public", None) == 200  # a request later, whatever was to be said is said
    said = demo.service.log()[before:]
    assert "opensesame" not in said
    assert "ERROR" not in said
