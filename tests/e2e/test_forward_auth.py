"""A real nginx asks /forward-auth before a real upstream that knows nothing of tokens answers."""

import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.issuer import Issuer
from tests.support.ports import free_port
from tests.support.raw_http import ask
from tests.support.service import ROOT, Service, running, serving, trusting
from tests.support.waiting import LIMIT_S, comes_true

CONFIGURATION = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs" / "forward-auth.md").read_text(), re.DOTALL)[
    0
]


class Upstream(BaseHTTPRequestHandler):
    """Answers whatever it is asked, and says what reached it."""

    def _answer(self) -> None:
        body = json.dumps(
            {"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_DELETE = do_HEAD = _answer

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def service(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(issuer, tmp_path_factory.mktemp("service")) as started:
        yield started


@pytest.fixture(scope="module")
def proxy(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an nginx with the configuration of docs/forward-auth.md."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("needs nginx: apt-get install nginx-light")
    directory: Path = tmp_path_factory.mktemp("nginx")
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, args=(0.01,), daemon=True).start()
    port = free_port()
    server = CONFIGURATION.replace("127.0.0.1:8000", service.base_url.removeprefix("http://"))
    server = server.replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    server = server.replace("127.0.0.1:9000", f"127.0.0.1:{upstream.server_port}")
    scratch = "\n".join(
        f"{name}_temp_path {directory / name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (directory / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {directory / 'pid'}; error_log {directory / 'error.log'};\n"
        f"events {{}}\nhttp {{ access_log off;\n{scratch}\n{server}\n}}\n"
    )
    started = subprocess.Popen(
        [nginx, "-p", str(directory), "-c", "nginx.conf", "-e", str(directory / "start.log")]
    )
    try:
        assert comes_true(lambda: started.poll() is not None or _connects(port))
        assert started.poll() is None, (directory / "start.log").read_text()
        yield port
    finally:
        started.terminate()
        started.wait(LIMIT_S)
        upstream.shutdown()
        upstream.server_close()


def _connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


TABLE = {
    "/public": (200, 200, 200, 200),
    "/protected": (401, 200, 200, 200),
    "/profile": (401, 200, 200, 200),
    "/user": (401, 403, 200, 200),
    "/admin": (401, 403, 403, 200),
    "/nowhere": (401, 403, 403, 403),
}


@pytest.mark.parametrize("path", TABLE)
def test_behind_nginx_the_table_is_that_of_the_services_own_endpoints(
    proxy: int, service: Service, issuer: Issuer, path: str
) -> None:
    tokens = (None, *(issuer.token(**{"custom:role": role}) for role in ("", "user", "admin")))
    assert tuple(ask(proxy, path, token)[0] for token in tokens) == TABLE[path]
    assert tuple(service.get(path, token).status_code for token in tokens) == TABLE[path]


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/healthz", "/readyz", "/forward-auth/x"])
def test_what_is_open_here_is_not_open_behind_the_proxy(
    proxy: int, service: Service, issuer: Issuer, path: str
) -> None:
    assert ask(proxy, path)[0] == ask(proxy, path, None, "DELETE")[0] == 401
    assert ask(proxy, path, issuer.token())[0] == 403


def test_the_upstream_learns_who_was_let_through_and_not_the_token(proxy: int, issuer: Issuer) -> None:
    _, _, body = ask(proxy, "/user?page=2", issuer.token(), X_Auth_Subject="forged", X_Auth_Roles="forged")
    reached = json.loads(body)
    assert reached["path"] == "/user?page=2"
    assert reached["headers"]["x-auth-subject"] == issuer.claims()["sub"]
    assert reached["headers"]["x-auth-roles"] == "admin"
    assert reached["headers"]["x-auth-decision-id"]
    assert "authorization" not in reached["headers"]


def test_a_refusal_carries_the_challenge(proxy: int) -> None:
    assert ask(proxy, "/admin")[1]["www-authenticate"] == 'Bearer realm="sekisho"'
    assert 'error="invalid_token"' in ask(proxy, "/public", "not.a.token")[1]["www-authenticate"]


def test_the_method_is_the_original_requests(proxy: int, issuer: Issuer) -> None:
    assert ask(proxy, "/user", issuer.token(), "HEAD")[0] == 200
    assert ask(proxy, "/user", issuer.token(), "POST", Content_Length="0")[0] == 403


AMBIGUOUS = [
    "/public%2f..%2fadmin",
    "/public%5cadmin",
    "/public/../admin",
    "/public/%2e%2e/admin",
    "/./public",
    "//public",
    "/public//x",
    "/public%0a",
    "/public%ff",
    "/public\\x",
    "/public%C2%85",
]


@pytest.mark.parametrize("target", AMBIGUOUS)
def test_an_ambiguous_target_is_refused_behind_nginx_also_for_an_administrator(
    proxy: int, issuer: Issuer, target: str
) -> None:
    assert ask(proxy, target, issuer.token())[0] == 403


FORWARDED = {"X_Forwarded_Method": "GET", "X_Forwarded_Uri": "/user", "X_Forwarded_Host": "api.example.com"}


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("/forward-auth", FORWARDED, 200),
        ("/forward-auth", FORWARDED | {"X_Forwarded_Method": "POST"}, 403),
        ("/forward-auth", FORWARDED | {"X_Forwarded_Uri": "/admin?x=1"}, 200),
        ("/forward-auth", FORWARDED | {"X_Original_URI": "/user", "X_Original_Method": "GET"}, 200),
        ("/forward-auth", FORWARDED | {"X_Original_URI": "/public"}, 403),
        ("/forward-auth", FORWARDED | {"X_Original_Method": "POST"}, 403),
        ("/forward-auth", FORWARDED | {"X_Forwarded_Uri": ""}, 403),
        ("/forward-auth", FORWARDED | {"X_Forwarded_Uri": "https://api.example.com/user"}, 403),
        ("/forward-auth", FORWARDED | {"X_Forwarded_Host": "a b"}, 403),
        ("/forward-auth", FORWARDED | {"X_Forwarded_Method": "G ET"}, 403),
        ("/forward-auth", {"X_Original_URI": "/user"}, 403),
        ("/forward-auth", {}, 403),
        ("/forward-auth/user", {}, 200),
        ("/forward-auth/", {}, 403),
        ("/forward-auth/nowhere", {}, 403),
        ("/forward-auth/user?x=//", {}, 200),
        ("/forward-auth//user", {}, 403),
        ("/forward-auth/user%00", {}, 403),
        ("/forward-auth/user", {"X_Forwarded_Uri": "/public"}, 403),
    ],
)
def test_every_proxys_way_of_asking_is_understood_or_refused(
    service: Service, issuer: Issuer, target: str, headers: dict[str, str], status: int
) -> None:
    port = int(service.base_url.rsplit(":", 1)[1])
    assert ask(port, target, issuer.token(), **headers)[0] == status


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "PATCH", "PURGE", "HEAD", "TRACE"])
def test_whatever_the_method_the_answer_is_a_verdict(service: Service, method: str) -> None:
    port = int(service.base_url.rsplit(":", 1)[1])
    for target in ("/forward-auth", "/forward-auth/user", "/forward-auth/%0a", "/forward-auth/public"):
        assert ask(port, target, None, method)[0] in {200, 401, 403}


@contextmanager
def unreachable() -> Iterator[Issuer]:
    with Issuer() as issuer:
        issuer.hang_up()
        yield issuer


def test_a_verdict_is_given_while_the_keys_are_unknown(tmp_path: Path) -> None:
    with unreachable() as issuer, running(tmp_path, trusting(issuer)) as service:
        port = int(service.base_url.rsplit(":", 1)[1])
        assert service.get("/public", issuer.token()).status_code == 503
        assert ask(port, "/forward-auth/public", issuer.token())[0] == 403
        assert ask(port, "/forward-auth/public")[0] == 200
