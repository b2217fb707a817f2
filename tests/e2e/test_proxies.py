"""The configurations of docs/forward-auth.md, run as they stand there: nginx, Caddy and Envoy before a real server."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.issuer import Issuer
from tests.support.proxies import PROXIES, block, proxy, upstream
from tests.support.raw_http import ask
from tests.support.service import ROOT, Service, serving
from tests.support.spellings import TRICKS
from tests.support.waiting import LIMIT_S

POLICY = """p, everyone, /app/public/*, *, allow
p, everyone, /app/public/*, DELETE, deny
p, everyone, /app/public/internal, *, deny
p, everyone, /app/public/internal/*, *, deny
p, everyone, /orders/*, OPTIONS, allow
p, authenticated, /orders/*, GET, allow
p, user, /users, GET, allow
p, admin, /admins, *, allow
g, admin, user
"""


@dataclass(frozen=True)
class Proxied:
    """A proxy before a server that says what reached it, and the service that it asks."""

    name: str
    port: int
    service: Service

    def get(
        self,
        target: str,
        token: str | None = None,
        method: str = "GET",
        *more: tuple[str, str],
        **headers: str,
    ) -> tuple[int, dict[str, Any]]:
        """Status, and what reached the server; empty when nothing did."""
        status, answered, body = ask(self.port, target, token, method, *more, **headers)
        return status, json.loads(body) if "x-reached" in answered and body else {}


def seen(reached: dict[str, Any]) -> dict[str, list[str]]:
    """The values of each header, under a name in which ``_`` is ``-``, as WSGI, PHP and others read it."""
    values: dict[str, list[str]] = {}
    for name, value in reached["headers"]:
        values.setdefault(name.lower().replace("_", "-"), []).append(value)
    return values


@pytest.fixture(scope="module")
def service(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory: Path = tmp_path_factory.mktemp("service")
    (directory / "servers.csv").write_text(POLICY)
    settings = {
        "FORWARD_AUTH_MODEL": str(ROOT / "model.conf"),
        "FORWARD_AUTH_POLICY": str(directory / "servers.csv"),
        "POLICY_GATE": "lint",
        "ALLOWED_ORIGINS": "https://app.example.com",
        "DECISION_LOG": str(directory / "decisions.jsonl"),
    }
    with serving(issuer, directory, **settings) as started:
        yield started


@pytest.fixture(scope="module")
def behind() -> Iterator[int]:
    with upstream() as port:
        yield port


@pytest.fixture(scope="module", params=PROXIES)
def proxied(
    request: pytest.FixtureRequest, service: Service, behind: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxied]:
    asked = int(service.base_url.rsplit(":", 1)[1])
    with proxy(request.param, tmp_path_factory.mktemp(request.param), asked, behind) as port:
        yield Proxied(request.param, port, service)


TABLE = {
    "/app/public/x": (200, 200, 200, 200),
    "/orders/7": (401, 200, 200, 200),
    "/users": (401, 403, 200, 200),
    "/admins": (401, 403, 403, 200),
    "/app/public/internal": (401, 403, 403, 403),
    "/nowhere": (401, 403, 403, 403),
    # open here, and not behind a proxy
    "/": (401, 403, 403, 403),
    "/docs": (401, 403, 403, 403),
    "/forward-auth/x": (401, 403, 403, 403),
}


@pytest.mark.parametrize("path", TABLE)
def test_the_table_is_that_of_the_document(proxied: Proxied, issuer: Issuer, path: str) -> None:
    tokens = (None, *(issuer.token(**{"custom:role": role}) for role in ("", "user", "admin")))
    assert tuple(proxied.get(path, token)[0] for token in tokens) == TABLE[path]


@pytest.mark.parametrize(
    "target",
    [
        "/app/public/x?page=2&next=//a/..;/b",
        "/app/public/%E9%96%A2",
        "/app/public/a%20b%25/",
        "/app/public/%78",
        "/app/public/C%23?x#",
    ],
)
def test_the_target_goes_on_as_it_was_judged(proxied: Proxied, target: str) -> None:
    wanted = target.removesuffix("#")
    status, reached = proxied.get(wanted)
    assert (status, reached["target"]) == (200, wanted)


NAMES = ("Subject", "Roles", "Decision-Id")
FORGED = [
    (f"{prefix}{name}", "admin")
    for prefix in ("X-Auth-", "x-auth-", "X_Auth_", "x_auth-", "X-Auth_")
    for name in (*NAMES, "Decision_Id")
]


def test_nobody_becomes_somebody_by_saying_so(proxied: Proxied) -> None:
    status, reached = proxied.get("/app/public/x", None, "GET", *FORGED)
    assert status == 200
    headers = seen(reached)
    assert (headers["x-auth-subject"], headers["x-auth-roles"]) == (["-"], ["-"])
    assert len(headers["x-auth-decision-id"]) == 1
    assert "admin" not in str(headers)


@pytest.mark.parametrize(("role", "roles"), [("", "-"), ("user", "user"), ("a,b", "a%2Cb")])
def test_somebody_stays_who_they_are(proxied: Proxied, issuer: Issuer, role: str, roles: str) -> None:
    token = issuer.token(**{"custom:role": role})
    status, reached = proxied.get("/orders/7", token, "GET", *FORGED)
    assert status == 200
    headers = seen(reached)
    assert headers["x-auth-subject"] == [issuer.claims()["sub"]]
    assert headers["x-auth-roles"] == [roles]


def test_a_client_cannot_take_away_who_it_is(proxied: Proxied, issuer: Issuer) -> None:
    """A header that `Connection` names is for the next hop alone, and proxies drop it."""
    named = ("Connection", "close, X-Auth-Subject, X-Auth-Roles, X-Original-URI, X-Forwarded-Uri")
    status, reached = proxied.get("/orders/7", issuer.token(), "GET", named)
    assert status == 200
    assert seen(reached)["x-auth-subject"] == [issuer.claims()["sub"]]
    assert seen(reached)["x-auth-roles"] == ["admin"]


def test_the_token_stays_with_the_proxy(proxied: Proxied, issuer: Issuer) -> None:
    token = issuer.token()
    status, reached = proxied.get("/orders/7", token)
    assert status == 200
    assert "authorization" not in seen(reached)
    assert token not in json.dumps(reached)


def test_a_refusal_carries_the_challenge(proxied: Proxied) -> None:
    assert ask(proxied.port, "/users")[1]["www-authenticate"] == 'Bearer realm="sekisho"'
    challenge = ask(proxied.port, "/app/public/x", "not.a.token")[1]["www-authenticate"]
    assert 'error="invalid_token"' in challenge


def test_the_method_is_the_original_requests(proxied: Proxied, issuer: Issuer) -> None:
    admin = issuer.token()
    assert proxied.get("/users", admin, "HEAD")[0] == 200
    assert proxied.get("/users", admin, "POST", Content_Length="0")[0] == 403
    status, reached = proxied.get("/admins", admin, "DELETE")
    assert (status, reached["method"]) == (200, "DELETE")


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_method_that_overrides_another_is_decided_about_or_not_passed_on(
    proxied: Proxied, name: str
) -> None:
    status, reached = proxied.get("/app/public/x", None, "POST", (name, "DELETE"), ("Content-Length", "0"))
    assert status == 403 or (status == 200 and name.lower() not in seen(reached))


@pytest.mark.parametrize("target", TRICKS)
def test_no_trick_gets_past(proxied: Proxied, target: str) -> None:
    status, reached = proxied.get(target)
    assert 400 <= status < 500
    assert reached == {}


QUESTION = [
    ("X-Original-URI", "/app/public/x"),
    ("X-Forwarded-Uri", "/app/public/x"),
    ("X-Original-URL", "/app/public/x"),
    ("X-Original-URL", "https://a.example.com/app/public/x"),
    ("X-Rewrite-URL", "/app/public/x"),
    ("X-Original-Method", "GET"),
    ("X-Forwarded-Method", "GET"),
]


@pytest.mark.parametrize("header", QUESTION, ids=[f"{name}-{value[:8]}" for name, value in QUESTION])
def test_a_client_cannot_put_the_question(proxied: Proxied, header: tuple[str, str]) -> None:
    for target, method in (("/users", "GET"), ("/app/public/x", "DELETE")):
        status, reached = proxied.get(target, None, method, header)
        assert status in {401, 403}
        assert reached == {}


@pytest.mark.parametrize("name", ["X-Original-URL", "X-Rewrite-URL"])
def test_a_path_that_some_servers_would_rather_serve_is_not_passed_on(proxied: Proxied, name: str) -> None:
    status, reached = proxied.get("/app/public/x", None, "GET", (name, "/app/public/internal/x"))
    assert status == 403 or (status == 200 and name.lower() not in seen(reached))


def test_a_preflight_is_decided_by_the_policy_and_answered_by_the_server(proxied: Proxied) -> None:
    """Where a rule lets it through; no CORS layer of ours answers in its place."""
    preflight = {"Origin": "https://app.example.com", "Access_Control_Request_Method": "GET"}
    status, headers, _ = ask(proxied.port, "/orders/7", None, "OPTIONS", **preflight)
    assert (status, headers["x-reached"]) == (200, "yes")
    assert headers["access-control-allow-origin"] == "https://app.example.com"
    status, headers, _ = ask(proxied.port, "/users", None, "OPTIONS", **preflight)
    assert status == 401
    assert not [name for name in headers if name.startswith("access-control-")]


def test_a_websocket_is_opened_for_whom_the_policy_lets_in(proxied: Proxied, issuer: Issuer) -> None:
    """And its server knows who that is, whatever the client says, and not the token."""
    token = issuer.token(**{"custom:role": "user"})
    address = f"ws://127.0.0.1:{proxied.port}/users"
    sent = [("Authorization", f"Bearer {token}"), *FORGED]
    with connect(address, additional_headers=sent, proxy=None, open_timeout=LIMIT_S) as socket:
        reached = json.loads(socket.recv(LIMIT_S))
    headers = seen(reached)
    assert (reached["method"], headers["x-auth-roles"]) == ("WEBSOCKET", ["user"])
    assert "authorization" not in headers


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("", 403)])
def test_a_websocket_is_refused_like_any_request(
    proxied: Proxied, issuer: Issuer, role: str | None, status: int
) -> None:
    sent = {} if role is None else {"Authorization": f"Bearer {issuer.token(**{'custom:role': role})}"}
    address = f"ws://127.0.0.1:{proxied.port}/users"
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(address, additional_headers=sent, proxy=None, open_timeout=LIMIT_S),
    ):
        pass
    assert refused.value.response.status_code == status


@pytest.mark.parametrize("protocol", ["h2c", "websocket2", "TLS/1.0"])
def test_a_client_changes_to_no_other_protocol(proxied: Proxied, protocol: str) -> None:
    """What is said over h2c is asked about by nobody."""
    sent = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": protocol, "HTTP2_Settings": "AAMAAABk"}
    status, reached = proxied.get("/app/public/x", None, "GET", **sent)
    assert status in {200, 403}
    assert status != 200 or "upgrade" not in seen(reached)


@pytest.mark.parametrize("forged", ["intruder", "10.9.9.9", "10.9.9.9, 10.8.8.8"])
def test_the_address_in_the_log_is_not_the_clients_word(proxied: Proxied, forged: str) -> None:
    path = f"/app/public/{proxied.name}-{forged.encode().hex()}"
    assert proxied.get(path, X_Forwarded_For=forged)[0] == 200
    log = proxied.service.directory / "decisions.jsonl"
    assert proxied.service.eventually_records(log, f'"obj":"{path}"')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    clients = {line["client"] for line in lines if line["obj"].endswith(path)}
    assert clients == {"127.0.0.1"}


def test_traefiks_configuration_names_what_the_others_do() -> None:
    """No package has Traefik: what can be read of its configuration without it."""
    http = yaml.safe_load(block("Traefik", "yaml"))["http"]
    asked = http["middlewares"]["sekisho"]["forwardAuth"]
    assert asked["address"].endswith("/forward-auth")
    assert asked["trustForwardHeader"] is False
    assert http["middlewares"]["without-token"]["headers"]["customRequestHeaders"]["Authorization"] == ""
    assert http["routers"]["orders"]["middlewares"] == ["sekisho", "without-token"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_target_with_a_host_is_judged_by_the_path_that_goes_on(proxied: Proxied, scheme: str) -> None:
    """The absolute form of a target (RFC 9112, section 3.2.2), whose host is not that of the `Host` header."""
    for path in ("/app/public/internal/x", "/users"):
        assert proxied.get(f"{scheme}://other.example.com{path}")[1] == {}
    _, reached = proxied.get(f"{scheme}://other.example.com/app/public/x?y")
    assert reached == {} or reached["target"] == "/app/public/x?y"


def test_a_body_goes_on_to_the_server_and_not_into_the_question(proxied: Proxied, issuer: Issuer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxied.port, timeout=LIMIT_S)
    try:
        headers = {"Authorization": f"Bearer {issuer.token()}"}
        connection.request("POST", "/admins", b"x" * 4_000, headers)
        reached = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    assert (reached["method"], reached["size"]) == ("POST", 4_000)
