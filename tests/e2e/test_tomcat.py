"""nginx as docs/forward-auth.md has it before a real Tomcat, which takes path parameters away before it decodes."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.issuer import Issuer
from tests.support.proxies import proxy
from tests.support.raw_http import ask
from tests.support.service import ROOT, serving
from tests.support.servlets import tomcat
from tests.support.spellings import TRICKS, spelling

POLICY = """p, everyone, /app/public/*, *, allow
p, everyone, /app/public/internal, *, deny
p, everyone, /app/public/internal/*, *, deny
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with tomcat(tmp_path_factory.mktemp("tomcat")) as port:
        yield port


@pytest.fixture(scope="module", params=["deny", "allow"])
def proxied(
    request: pytest.FixtureRequest, issuer: Issuer, server: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, bool]]:
    """The port of the proxy before Tomcat, and whether path parameters are let through."""
    directory: Path = tmp_path_factory.mktemp("service")
    (directory / "servers.csv").write_text(POLICY)
    settings = {
        "FORWARD_AUTH_MODEL": str(ROOT / "model.conf"),
        "FORWARD_AUTH_POLICY": str(directory / "servers.csv"),
        "FORWARD_AUTH_PATH_PARAMETERS": request.param,
        "POLICY_GATE": "lint",
    }
    with serving(issuer, directory, **settings) as service:
        asked = int(service.base_url.rsplit(":", 1)[1])
        with proxy("nginx", tmp_path_factory.mktemp("nginx"), asked, server) as port:
            yield port, request.param == "allow"


def served(port: int, target: str) -> str:
    """The path by which the servlet was found; "" when it was not asked."""
    _, headers, body = ask(port, target)
    return body.decode() if "x-reached" in headers else ""


def test_tomcat_reads_a_target_as_no_proxy_does(server: int) -> None:
    """What the other tests rest on: these reach a servlet under the path that a policy denies."""
    assert served(server, "/app/public/..;/admin/x") == "/app/admin/x"
    assert served(server, "/app/public/%2e%2e;/admin/x") == "/app/admin/x"
    assert served(server, "/app/public/internal;/x") == "/app/public/internal/x"


def test_what_is_open_is_served(proxied: tuple[int, bool]) -> None:
    port, parameters = proxied
    assert served(port, "/app/public/x?a=..;/b") == "/app/public/x"
    assert served(port, "/app/public/%E9%96%A2%20x/") == "/app/public/関 x/"
    assert served(port, "/app/public/x;v=1/y") == ("/app/public/x/y" if parameters else "")


def is_open(path: str) -> bool:
    return path.startswith("/app/public/") and not path.startswith("/app/public/internal")


@pytest.mark.parametrize("target", TRICKS)
def test_no_trick_reaches_what_is_denied(proxied: tuple[int, bool], target: str) -> None:
    assert served(proxied[0], target) == ""


def test_no_spelling_reaches_what_is_denied(proxied: tuple[int, bool]) -> None:
    """Whatever Tomcat serves is open under the very path that it served."""
    chance = random.Random(1)
    reached = [served(proxied[0], spelling(chance)) for _ in range(300)]
    assert all(is_open(path) for path in reached if path)
