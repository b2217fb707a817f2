"""What a proxy's question may look like, and what is never a yes: asked of the running service itself."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.issuer import Issuer
from tests.support.raw_http import ask
from tests.support.service import Service, running, serving, trusting

MODEL = """[request_definition]
r = sub, role, obj, act, host
[policy_definition]
p = role, obj, act, host, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = (p.role == "everyone" || (p.role == "authenticated" && r.sub != "") || g(r.role, p.role) || g(r.sub, p.role)) \\
    && keyMatch3(r.obj, p.obj) && (p.act == "*" || p.act == r.act) && (p.host == "*" || p.host == r.host)
"""
# What a server behind a proxy may have: most of it open, some of it not.
POLICY = """p, everyone, /app/public/*, *, *, allow
p, everyone, /app/public/*, DELETE, *, deny
p, everyone, /app/public/internal, *, *, deny
p, everyone, /app/public/internal/*, *, *, deny
p, authenticated, /app/mine, GET, *, allow
p, everyone, /at-a, GET, a.example.com, allow
p, admin, /app/*, *, *, allow
"""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The settings that make the decision point ask by the document above."""
    directory: Path = tmp_path_factory.mktemp("document")
    (directory / "model.conf").write_text(MODEL)
    (directory / "policy.csv").write_text(POLICY)
    return {
        "PDP_MODEL": str(directory / "model.conf"),
        "PDP_POLICY": str(directory / "policy.csv"),
        "PDP_REQUEST": "sub=subject.id, role=subject.properties.role, obj=resource.id, act=action.name, "
        "host=context.host",
        "ALLOWED_ORIGINS": "https://app.example.com",
        "DECISION_LOG": "off",
    }


@pytest.fixture(scope="module")
def service(
    issuer: Issuer, document: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    with serving(issuer, tmp_path_factory.mktemp("service"), **document) as started:
        yield started


@pytest.fixture(scope="module")
def port(service: Service) -> int:
    return int(service.base_url.rsplit(":", 1)[1])


def about(target: str, method: str = "GET") -> dict[str, str]:
    """The headers of a question about ``target``."""
    return {"X_Original_URI": target, "X_Original_Method": method}


# What a browser sends before a request of another origin's.
PREFLIGHT = {
    "Origin": "https://app.example.com",
    "Access_Control_Request_Method": "GET",
    "Access_Control_Request_Headers": "authorization",
}


@pytest.mark.parametrize(
    "target",
    [
        "/forward-auth",
        "/forward-auth/app/mine",
        "/%66orward-auth/app/mine",
        "/forward%2dauth/app/mine",
        "/%2566orward-auth/app/mine",
        "/Forward-Auth/app/mine",
        "/FORWARD-AUTH",
        "/forward-auth;x/app/mine",
        "/forward-auth%3b/app/mine",
        "/api/v1/forward-auth/app/mine",
        "/forward-auth/forward-auth",
        "//forward-auth/app/mine",
    ],
)
def test_a_preflight_is_no_yes_however_the_endpoint_is_spelled(port: int, target: str) -> None:
    """It is decided about like any other question, and no CORS layer answers it."""
    status, headers, _ = ask(port, target, None, "OPTIONS", **PREFLIGHT)
    assert status in {401, 403}
    assert not [name for name in headers if name.startswith("access-control-")]


def test_a_preflight_is_decided_by_the_policy(port: int) -> None:
    assert ask(port, "/forward-auth/app/public/x", None, "OPTIONS", **PREFLIGHT)[0] == 200
    assert ask(port, "/forward-auth/app/mine", None, "OPTIONS", **PREFLIGHT)[0] == 401
    assert ask(port, "/forward-auth", None, "OPTIONS", **PREFLIGHT, **about("/app/public/x"))[0] == 200
    asked = about("/app/mine", "OPTIONS")
    assert ask(port, "/forward-auth", None, "GET", **PREFLIGHT, **asked)[0] == 401


def test_the_services_own_pages_keep_their_preflights(port: int) -> None:
    status, headers, _ = ask(port, "/user", None, "OPTIONS", **PREFLIGHT)
    assert (status, headers["access-control-allow-origin"]) == (200, "https://app.example.com")


TRICKS = [
    "/app/public/..;/admin/x",
    "/app/public/%2e%2e;/admin/x",
    "/app/public/internal;/x",
    "/app/public/internal%3b/x",
    "/app/public/internal;v=1",
    "/app/public/x;/../internal",
    "/app/public/%252e%252e/admin/x",
    "/app/public/%69nternal/x",
    "/app/public/%2569nternal/x",
    "/app/public/internal%23/x",
    "/app/public/internal%3f/x",
    "/app/public/internal./x",
    "/app/public/internal%20/x",
    "/app/public/%EF%BD%89nternal/x",
    "/app/public/x\\..\\internal",
    "/app/public/internal#/../x",
]


@pytest.mark.parametrize("target", TRICKS)
def test_a_denied_path_is_refused_in_every_spelling(port: int, target: str) -> None:
    """``/app/public/*`` is open, and what is denied in it stays so for every server behind the proxy."""
    assert ask(port, "/forward-auth", None, **about("/app/public/x"))[0] == 200
    assert ask(port, "/forward-auth", None, **about(target))[0] in {401, 403}


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/app/public/x;v=1", 200),
        ("/app/public/x;v=1/y", 200),
        ("/app/public/x%3Bv=1", 200),
        ("/app/public/internal;v=1", 403),
        ("/app/public/internal;/x", 403),
        ("/app/public/internal%3b/x", 403),
        ("/app/public/x/..;/internal", 403),
        ("/app/mine;v=1", 401),
    ],
)
def test_path_parameters_that_are_allowed_open_nothing_that_is_denied(
    issuer: Issuer, document: dict[str, str], parameters_allowed: int, target: str, status: int
) -> None:
    assert ask(parameters_allowed, "/forward-auth", None, **about(target))[0] == status


@pytest.fixture(scope="module")
def parameters_allowed(
    issuer: Issuer, document: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The port of a service that lets path parameters through."""
    settings = document | {"FORWARD_AUTH_PATH_PARAMETERS": "allow"}
    with serving(issuer, tmp_path_factory.mktemp("parameters"), **settings) as started:
        yield int(started.base_url.rsplit(":", 1)[1])


def test_a_reading_that_is_denied_refuses_one_that_is_allowed_and_the_problem_says_so(port: int) -> None:
    status, _, body = ask(port, "/forward-auth", None, **about("/app/public/internal%23"))
    problem = json.loads(body)
    assert (status, problem["error"], problem["instance"]) == (
        403,
        "ambiguous_target",
        "/app/public/internal%23",
    )


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {}, 200),
        ("DELETE", {}, 401),
        ("POST", {"X_HTTP_Method_Override": "DELETE"}, 403),
        ("POST", {"X_HTTP_Method_Override": "delete"}, 403),
        ("POST", {"X_HTTP_Method": "DELETE"}, 403),
        ("POST", {"X_Method_Override": "DELETE"}, 403),
        ("POST", {"X_HTTP_Method_Override": "PUT"}, 200),
        ("POST", {"X_HTTP_Method_Override": "D E"}, 403),
        ("delete", {}, 403),
        ("Delete", {}, 403),
    ],
)
def test_a_method_is_decided_about_as_every_server_reads_it(
    port: int, method: str, headers: dict[str, str], status: int
) -> None:
    """Frameworks raise a method's letters, and take another one from a header."""
    asked = about("/app/public/x", method)
    assert ask(port, "/forward-auth", None, **asked, **headers)[0] == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X_Original_URL": "https://a.example.com/at-a?x=//"}, 200),
        ({"X_Original_URL": "http://A.example.com:8080/at-a"}, 200),
        ({"X_Original_URL": "https://b.example.com/at-a"}, 401),
        ({"X_Original_URL": "https://a.example.com/app/mine"}, 401),
        ({"X_Original_URL": "/app/public/x"}, 200),
        ({"X_Original_URL": "https://a.example.com"}, 403),
        ({"X_Original_URL": "https://a.example.com/at-a/../x"}, 403),
        ({"X_Original_URL": "https://u@a.example.com/at-a"}, 403),
        ({"X_Original_URL": "https://a.example.com\\@b.example.com/at-a"}, 403),
        ({"X_Original_URL": "ftp://a.example.com/at-a"}, 403),
        ({"X_Original_URL": "//a.example.com/at-a"}, 403),
        ({"X_Original_URL": "https://a.example.com/at-a", "X_Forwarded_Host": "b.example.com"}, 403),
        ({"X_Original_URL": "https://a.example.com/at-a", "X_Forwarded_Host": "a.example.com"}, 200),
        ({"X_Original_URL": "/app/public/x", "X_Original_URI": "/app/public/y"}, 403),
        ({"X_Rewrite_URL": "/app/mine", "X_Original_URI": "/app/public/y"}, 403),
    ],
)
def test_what_ingress_nginx_sends_is_understood(port: int, headers: dict[str, str], status: int) -> None:
    """A URL with scheme and host, of which both must agree with what else the question says."""
    assert ask(port, "/forward-auth", None, X_Original_Method="GET", **headers)[0] == status


@pytest.mark.parametrize(
    "target",
    ["/%66orward-auth/app/public/x", "/forward%2Dauth", "/forward-auth%2fapp/public/x", "/%2Fforward-auth"],
)
def test_another_spelling_of_the_endpoint_asks_nothing(port: int, target: str) -> None:
    """Else what stands behind would be taken for a path that was never asked about."""
    assert ask(port, "/forward-auth/app/public/x")[0] == 200
    assert ask(port, target, None, **about("/app/public/x"))[0] in {401, 403}


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        (["a.example.com"], 200),
        (["A.example.com.:443"], 200),
        (["b.example.com"], 401),
        (["a.example.com", "b.example.com"], None),
        (["a.example.com", "a.example.com"], None),
        (["a.example.com, b.example.com"], 403),
    ],
)
def test_two_hosts_are_none(port: int, hosts: list[str], status: int | None) -> None:
    named = [("Host", host) for host in hosts]
    answer = ask(port, "/forward-auth/at-a", None, "GET", *named)[0]
    assert answer == status if status else answer in {400, 403}
    forwarded = [("X-Forwarded-Host", host) for host in hosts]
    answer = ask(port, "/forward-auth", None, "GET", *forwarded, **about("/at-a"))[0]
    assert answer == (status or (200 if len(set(hosts)) == 1 else 403))


def test_what_looks_like_a_websocket_handshake_is_a_question(port: int, issuer: Issuer) -> None:
    """Caddy and others put their client's upgrade headers on the question."""
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    forwarded = {"X_Forwarded_Method": "GET", "X_Forwarded_Uri": "/app/mine"}
    status, headers, _ = ask(port, "/forward-auth", issuer.token(), **upgrade, **forwarded)
    assert (status, headers["x-auth-subject"]) == (200, issuer.claims()["sub"])
    status, headers, body = ask(port, "/forward-auth", None, **upgrade, **forwarded)
    assert (status, headers["www-authenticate"]) == (401, 'Bearer realm="sekisho"')
    assert json.loads(body)["instance"] == "/app/mine"
    assert ask(port, "/forward-auth/app/public/x", None, **upgrade)[0] == 200
    assert ask(port, "/forward-auth/app/public/internal", None, **upgrade)[0] == 401
    assert ask(port, "/forward-auth/app/public/x", "not.a.token", **upgrade)[0] == 401
    assert ask(port, "/forward-auth/%0a", None, **upgrade)[0] == 403


IDENTITIES = [
    (None, None, "-", "-"),
    ("7f3c", "", "7f3c", "-"),
    ("7f3c", "admin", "7f3c", "admin"),
    ("-", "-", "%2D", "%2D"),
    ("--", "a-b", "--", "a-b"),
    ("%2D", "%2D", "%252D", "%252D"),
    (" - ", "a,b", "%20-%20", "a%2Cb"),
    ("鈴木", "管理", "%E9%88%B4%E6%9C%A8", "%E7%AE%A1%E7%90%86"),
]


@pytest.mark.parametrize(("sub", "role", "subject", "roles"), IDENTITIES)
def test_nobody_and_no_role_are_said_with_a_word_that_is_nobodys(
    port: int, issuer: Issuer, sub: str | None, role: str, subject: str, roles: str
) -> None:
    """An empty value would leave the client's own header in place behind some proxies."""
    token = None if sub is None else issuer.token(**{"sub": sub, "custom:role": role})
    status, headers, _ = ask(port, "/forward-auth", token, **about("/app/public/x"))
    assert status == 200
    assert (headers["x-auth-subject"], headers["x-auth-roles"]) == (subject, roles)
    assert headers["x-auth-decision-id"]


@pytest.mark.parametrize(
    ("token", "target", "headers", "instance"),
    [
        (None, "/forward-auth", about("/app/mine?x=1"), "/app/mine"),
        (None, "/forward-auth/app/mine?x=1", {}, "/app/mine"),
        (
            None,
            "/forward-auth",
            {"X_Original_URL": "https://a/app/mine", "X_Original_Method": "GET"},
            "/app/mine",
        ),
        ("not.a.token", "/forward-auth", about("/app/mine"), "/app/mine"),
        (None, "/forward-auth", about("/a//b"), "/a//b"),
        (None, "/forward-auth", about("/a%0a"), "/a%0a"),
        (None, "/forward-auth", {}, "/forward-auth"),
        (None, "/forward-auth/a", about("/b"), "/forward-auth/a"),
    ],
)
def test_a_problem_is_about_the_path_that_was_asked_about(
    port: int, token: str | None, target: str, headers: dict[str, str], instance: str
) -> None:
    _, answered, body = ask(port, target, token, **headers)
    assert answered["content-type"] == "application/problem+json"
    assert json.loads(body)["instance"] == instance


@contextmanager
def under_a_root_path(issuer: Issuer, directory: Path, document: dict[str, str]) -> Iterator[int]:
    command = ("-m", "uvicorn", "app.main:app", "--port", "{port}", "--root-path", "/behind")
    with running(directory, trusting(issuer) | document, command) as started:
        assert started.eventually("/readyz", None, 200), started.log()
        yield int(started.base_url.rsplit(":", 1)[1])


def test_under_a_root_path_the_answers_are_the_same(
    issuer: Issuer, document: dict[str, str], tmp_path: Path
) -> None:
    with under_a_root_path(issuer, tmp_path, document) as port:
        assert ask(port, "/forward-auth", None, **about("/app/public/x"))[0] == 200
        assert ask(port, "/forward-auth/app/public/x")[0] == 200
        assert ask(port, "/forward-auth/app/mine")[0] == 401
        assert ask(port, "/forward-auth/behind/app/public/x")[0] == 401
        assert ask(port, "/forward-auth/app/public%0a")[0] == 403
        assert ask(port, "/%66orward-auth/app/public/x")[0] == 403
        assert ask(port, "/forward-auth/app/mine", None, "OPTIONS", **PREFLIGHT)[0] == 401
        _, _, body = ask(port, "/forward-auth/app/mine")
        assert json.loads(body)["instance"] == "/app/mine"
