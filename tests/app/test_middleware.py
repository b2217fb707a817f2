"""Every request is decided before it is routed: every path, every method, mounts and WebSockets too."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI, WebSocket
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient, WebSocketDenialResponse

from app.main import create_app
from rbac.guard.fastapi import Caller
from tests.support.application import bearer, served, settings_for
from tests.support.issuer import Issuer
from tests.support.service import ROOT

EXTRA_RULES = """
p, everyone, /files/*, GET, allow
p, user, /live, GET, allow
p, everyone, /crash, GET, allow
p, everyone, /whoami, GET, allow
p, everyone, /numbers/{n}, GET, allow
p, admin, /write, POST, allow
p, 7f3c1e52-1111-4222-8333-444455556666, /*, *, deny
"""
LOCKED_OUT = "7f3c1e52-1111-4222-8333-444455556666"


def _with_endpoints(app: FastAPI) -> FastAPI:
    app.mount("/files", PlainTextResponse("a file"))

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    @app.get("/crash")
    async def crash() -> None:
        raise RuntimeError("the secret reason")

    @app.get("/whoami")
    async def whoami(user: Caller) -> str:
        return user.sub

    @app.get("/numbers/{n}")
    async def numbers(n: int) -> int:
        return n

    @app.post("/write")
    async def write() -> str:
        return "written"

    return app


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


@pytest.fixture(scope="module")
def client(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    directory: Path = tmp_path_factory.mktemp("middleware")
    (directory / "policy.csv").write_text((ROOT / "policy.csv").read_text() + EXTRA_RULES)
    settings = settings_for(issuer, directory, ALLOWED_ORIGINS="https://app.example.com", DEBUG="false")
    with served(settings, _with_endpoints(create_app(settings))) as opened:
        yield opened


def token_of(issuer: Issuer, role: str | None) -> dict[str, str]:
    return bearer(issuer.token() if role == "admin" else issuer.token(**{"custom:role": role or ""}))


@pytest.mark.parametrize(
    "path", ["/nowhere", "/user/", "/x//", "/filesystem", "/docs/", "/openapi.json/x", "/%E9%96%A2"]
)
def test_what_no_rule_opens_is_closed(client: TestClient, issuer: Issuer, path: str) -> None:
    anonymous = client.get(path)
    assert (anonymous.status_code, anonymous.headers["www-authenticate"]) == (401, 'Bearer realm="sekisho"')
    assert client.get(path, headers=token_of(issuer, "admin")).status_code == 403


def test_a_mount_is_reached_because_a_rule_says_so(client: TestClient) -> None:
    assert client.get("/files/report.txt").text == "a file"
    assert client.get("/files").status_code == 401


@pytest.mark.parametrize("path", ["/", "/admin", "/nowhere"])
@pytest.mark.parametrize("sub", ["admin", "user"])
def test_a_sub_that_the_policy_names_as_a_role_is_refused_on_every_path(
    client: TestClient, issuer: Issuer, path: str, sub: str
) -> None:
    token = issuer.token(sub=sub, **{"custom:role": ""})
    for _ in range(2):  # also when the token is remembered
        refused = client.get(path, headers=bearer(token))
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
        assert "the name of a role" in refused.headers["www-authenticate"]


@pytest.mark.parametrize("sub", ["everyone", "nobody", LOCKED_OUT])
def test_a_sub_that_no_rule_names_as_a_role_is_not_refused_for_its_name(
    client: TestClient, issuer: Issuer, sub: str
) -> None:
    answer = client.get("/", headers=bearer(issuer.token(sub=sub, **{"custom:role": ""})))
    assert answer.status_code == (403 if sub == LOCKED_OUT else 200)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"])
def test_a_rule_for_get_opens_no_other_method(client: TestClient, method: str) -> None:
    assert client.request(method, "/public").status_code == 401


@pytest.mark.parametrize("path", ["/public", "/", "/user", "/numbers/7", "/nowhere"])
@pytest.mark.parametrize("role", [None, "user"])
def test_head_is_answered_as_get_without_the_body(
    client: TestClient, issuer: Issuer, path: str, role: str | None
) -> None:
    headers = {} if role is None else token_of(issuer, role)
    got, head = client.get(path, headers=headers), client.head(path, headers=headers)
    assert head.status_code == got.status_code
    assert head.content == b""
    same = ("content-type", "www-authenticate")
    assert [head.headers.get(name) for name in same] == [got.headers.get(name) for name in same]
    if got.status_code == 200:
        assert head.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize("spelling", ["{}", "Bearer{}", "Bearer  x{}", "Basic {}", "Bearer {} ,"])
def test_a_token_that_is_remembered_is_still_to_be_presented_as_one(
    client: TestClient, issuer: Issuer, spelling: str
) -> None:
    token = issuer.token()
    for _ in range(2):
        assert client.get("/whoami", headers=bearer(token)).status_code == 200
    refused = client.get("/whoami", headers={"Authorization": spelling.format(token)})
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")


def test_a_token_that_is_remembered_is_refused_beside_another(client: TestClient, issuer: Issuer) -> None:
    token = issuer.token()
    for headers in (1, 1, 2):
        answer = client.get("/whoami", headers=[("Authorization", f"Bearer {token}")] * headers)
        assert answer.status_code == (200 if headers == 1 else 401)


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
def test_a_token_that_is_remembered_is_known_in_every_spelling(
    client: TestClient, issuer: Issuer, scheme: str
) -> None:
    token = issuer.token()
    for spelling in ("Bearer", scheme, scheme):
        assert client.get("/whoami", headers={"Authorization": f"{spelling} {token}"}).status_code == 200


@pytest.mark.parametrize("character", ["%00", "%0a", "%0d", "%1f", "%7f", "%C2%80", "%C2%9f", "%09"])
@pytest.mark.parametrize("path", ["/public{}", "/{}", "/files/{}x"])
def test_a_control_character_in_the_path_is_refused_before_anything_else(
    client: TestClient, path: str, character: str
) -> None:
    answer = client.get(path.format(character), headers=bearer("nonsense"))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_path")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/public/" + "x" * 8184, 404),
        ("/public/" + "x" * 8185, 414),
        ("/public/" + "%C3%A9" * 4092, 404),
        ("/public/" + "%C3%A9" * 4092 + "x", 414),
    ],
    ids=["8 KiB", "one byte more", "8 KiB of UTF-8", "one byte of UTF-8 more"],
)
def test_a_path_of_more_than_eight_kib_is_refused_before_anything_is_matched(
    client: TestClient, path: str, status: int
) -> None:
    """The bytes of the decoded path count, whoever sends it."""
    for headers in ({}, bearer("nonsense")):
        answer = client.get(path, headers=headers)
        if status == 414:
            assert (answer.status_code, answer.json()["error"]) == (414, "uri_too_long")
        else:
            assert answer.status_code in {401, 403, 404}


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Token abc",
        "Bearer a b",
        "Bearer é",
        "Bearer abc",
        "Bearer  x.y.z",
        "a" * 9000,
    ],
)
def test_credentials_that_mean_nothing_are_401_also_where_none_are_needed(
    client: TestClient, authorization: str
) -> None:
    for path in ("/public", "/admin", "/nowhere"):
        answer = client.get(path, headers=[(b"Authorization", authorization.encode("latin-1"))])
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_two_authorization_headers_are_401(client: TestClient, issuer: Issuer) -> None:
    good = f"Bearer {issuer.token()}"
    answer = client.get("/public", headers=[("Authorization", good), ("Authorization", good)])
    assert answer.status_code == 401


def test_a_preflight_is_answered_by_cors_and_not_decided(client: TestClient) -> None:
    headers = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"}
    answer = client.options("/admin", headers=headers | {"Access-Control-Request-Headers": "authorization"})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    assert client.options("/admin", headers=headers | {"Origin": "https://evil.example"}).status_code == 400


def test_a_refusal_can_be_read_by_a_page_of_an_allowed_origin(client: TestClient) -> None:
    answer = client.get("/admin", headers={"Origin": "https://app.example.com"})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "WWW-Authenticate" in answer.headers["access-control-expose-headers"]


def test_a_websocket_handshake_is_decided_as_get(client: TestClient, issuer: Issuer) -> None:
    with client.websocket_connect("/live", headers=token_of(issuer, "user")) as socket:
        assert socket.receive_text() == "hello"


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("none", 403)])
def test_a_websocket_that_no_rule_opens_is_refused(
    client: TestClient, issuer: Issuer, role: str | None, status: int
) -> None:
    headers = {} if role is None else token_of(issuer, role)
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        client.websocket_connect("/live", headers=headers),
    ):
        pass
    assert refused.value.status_code == status
    assert refused.value.headers["content-type"] == "application/problem+json"


def test_a_crash_is_a_problem_that_keeps_its_reason_to_itself(client: TestClient) -> None:
    answer = client.get("/crash", headers={"X-Request-ID": "crash-1"})
    assert (answer.status_code, answer.json()["error"], answer.json()["request_id"]) == (
        500,
        "internal_error",
        "crash-1",
    )
    assert "secret reason" not in answer.text


def test_an_endpoint_that_needs_a_caller_answers_401_when_the_policy_opens_it_to_nobody_in_particular(
    client: TestClient,
) -> None:
    answer = client.get("/whoami")
    assert (answer.status_code, answer.json()["error"]) == (401, "authentication_required")
    assert answer.headers["www-authenticate"] == 'Bearer realm="sekisho"'


def test_what_the_endpoint_cannot_read_is_a_problem_too(client: TestClient) -> None:
    answer = client.get("/numbers/seven")
    assert (answer.status_code, answer.json()["error"]) == (422, "validation_failed")
    assert answer.json()["errors"][0]["loc"] == ["path", "n"]


@pytest.mark.parametrize(
    "sent",
    [
        "a",
        "abc-123",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "two words",
        '{"id": "a\\b", "n": [1]} <&> %0a %s',
        "a" * 129,
        "a" * 1024,
        "".join(map(chr, range(0x21, 0x7F))),
    ],
    ids=lambda sent: sent[:20],
)
def test_a_request_id_comes_back_exactly_as_sent(client: TestClient, sent: str) -> None:
    answer = client.get("/admin", headers=[(b"X-Request-ID", sent.encode("ascii"))])
    assert answer.headers.get_list("x-request-id") == [sent]
    assert answer.json()["request_id"] == sent


@pytest.mark.parametrize(
    "sent",
    ["", " ", " a", "a ", "a\tb", "a\r\nSet-Cookie: b=c", "a\x00", "a\x7f", "\xe9", "a" * 1025],
    ids=lambda sent: ascii(sent[:20]),
)
def test_a_request_id_that_is_no_safe_header_value_is_replaced(client: TestClient, sent: str) -> None:
    answer = client.get("/public", headers=[(b"X-Request-ID", sent.encode("latin-1"))])
    (given,) = answer.headers.get_list("x-request-id")
    assert re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]{10}", given)


def test_a_denial_names_no_rule_unless_the_settings_say_so(issuer: Issuer, tmp_path: Path) -> None:
    for explain in ("true", "false"):
        with served(settings_for(issuer, tmp_path, EXPLAIN_DENIALS=explain)) as client:
            refusal = client.get("/admin", headers=token_of(issuer, "user")).json()
        assert ("explanation" in refusal) is (explain == "true")
        assert {"decision_id", "policy_revision", "request_id"} <= refusal.keys()


def test_several_roles_are_decided_one_by_one_and_any_deny_denies(issuer: Issuer, tmp_path: Path) -> None:
    text = (ROOT / "policy.csv").read_text()
    (tmp_path / "policy.csv").write_text(text + "p, suspended, /user, GET, deny\n")
    with served(settings_for(issuer, tmp_path, ROLE_CLAIMS="cognito:groups")) as client:
        for groups, status in (
            (["user"], 200),
            (["nothing", "user"], 200),
            (["user", "suspended"], 403),
            ([], 403),
        ):
            headers = bearer(issuer.token(**{"cognito:groups": groups}))
            assert client.get("/user", headers=headers).status_code == status


def test_the_path_is_decided_as_the_router_sees_it_behind_a_proxy_that_adds_a_prefix(
    issuer: Issuer, tmp_path: Path
) -> None:
    app = create_app(settings_for(issuer, tmp_path))
    with TestClient(app, root_path="/api") as client:
        assert client.get("/api/public").status_code == 200
        assert client.get("/api/admin").status_code == 401
        assert client.get("/apipublic").status_code == 401


def test_tenants_are_told_apart_by_a_claim(issuer: Issuer, tmp_path: Path) -> None:
    (tmp_path / "model.conf").write_text(
        "[request_definition]\nr = sub, dom, obj, act\n[policy_definition]\np = sub, dom, obj, act\n"
        "[role_definition]\ng = _, _, _\n[policy_effect]\ne = some(where (p.eft == allow))\n"
        "[matchers]\nm = g(r.sub, p.sub, r.dom) && r.dom == p.dom && keyMatch3(r.obj, p.obj) && r.act == p.act\n"
    )
    sub = issuer.claims()["sub"]
    (tmp_path / "policy.csv").write_text(
        f"p, admin, acme, /admin, GET\np, admin, globex, /admin, GET\ng, {sub}, admin, acme\n"
    )
    mapping = "sub=claims.sub, dom=claims.custom:tenant, obj=path, act=method"
    with served(settings_for(issuer, tmp_path, POLICY_REQUEST=mapping)) as client:
        for tenant, status in (("acme", 200), ("globex", 403), ("", 403)):
            headers = bearer(issuer.token(**{"custom:tenant": tenant}))
            assert client.get("/admin", headers=headers).status_code == status
        assert client.get("/admin").status_code == 401


def test_what_the_matcher_fails_over_is_denied(issuer: Issuer, tmp_path: Path) -> None:
    (tmp_path / "model.conf").write_text(
        "[request_definition]\nr = ip, obj, act\n[policy_definition]\np = net, obj, act\n"
        "[policy_effect]\ne = some(where (p.eft == allow))\n"
        "[matchers]\nm = ipMatch(r.ip, p.net) && r.obj == p.obj && r.act == p.act\n"
    )
    (tmp_path / "policy.csv").write_text("p, 127.0.0.0/8, /public, GET\n")
    settings = settings_for(issuer, tmp_path, POLICY_REQUEST="ip=claims.ip, obj=path, act=method")
    with served(settings) as client:
        for address, status in (("127.0.0.1", 200), ("10.0.0.1", 403), ("nonsense", 403), ("", 403)):
            assert client.get("/public", headers=bearer(issuer.token(ip=address))).status_code == status
        assert client.get("/public").status_code == 401


@pytest.mark.parametrize("order", ["act, obj, role, sub", "obj, sub, act, role", "role, sub, act, obj"])
def test_a_reload_may_bring_a_model_with_its_words_in_another_order(
    issuer: Issuer, tmp_path: Path, order: str
) -> None:
    """What is read of a request is put in the order of the model that decides, not of the one at the start."""
    app = create_app(settings := settings_for(issuer, tmp_path))
    user, admin = (bearer(issuer.token(**{"custom:role": role})) for role in ("user", "admin"))
    with served(settings, app) as client:
        before = [
            client.get(path, headers=who).status_code for who in (user, admin) for path in ("/user", "/admin")
        ]
        assert before == [200, 403, 200, 200]
        model, live = settings.policy_model, app.state.checkpoint.live
        replaced = live.policy
        model.write_text(model.read_text().replace("r = sub, role, obj, act", f"r = {order}"))
        live.reload()
        assert live.policy is not replaced
        after = [
            client.get(path, headers=who).status_code for who in (user, admin) for path in ("/user", "/admin")
        ]
        assert after == before
        permissions = client.get("/me/permissions", headers=user).json()["permissions"]
        assert {"act": "GET", "obj": "/user"} in permissions
