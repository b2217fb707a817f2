"""Nothing that looks like a credential is logged, wherever in a record it stands and at every level."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.logs.format import JsonLine, TextLine
from tests.support.terminal import Terminal, a_terminal

TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.eyJzdWIiOiI3ZjNjIn0.c2lnbmF0dXJl"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Where the log of a test goes."""
    with a_terminal(monkeypatch) as terminal:
        yield terminal


SECRETS: list[tuple[str, str]] = [
    (TOKEN, TOKEN),
    (TOKEN.rpartition(".")[0], "eyJzdWIi"),
    (f"got {TOKEN}, sorry", TOKEN),
    (f"a{TOKEN}.a.b", "c2lnbmF0dXJl"),
    ("Authorization: Bearer hunter2", "hunter2"),
    ("authorization:bearer%20hunter2", "hunter2"),
    ("Authorization: Basic aHVudGVyMg==", "aHVudGVyMg"),
    ("Authorization=hunter2", "hunter2"),
    ("Authorization: AWS4-HMAC-SHA256 Credential=a, Signature=hunter2", "hunter2"),
    ("Proxy-Authorization: Digest hunter2", "hunter2"),
    ("sent BEARER  hunter2~+/=", "hunter2"),
    (str({"authorization": "hunter2"}), "hunter2"),
    (str([(b"authorization", b"hunter2")]), "hunter2"),
    (str([(b"authorization", b"Bearer hunter2")]), "hunter2"),
    ("connect to postgresql://u:hunter2@db/x", "hunter2"),
]
HARMLESS = [
    'Bearer realm="sekisho", error="invalid_token"',
    "eye",
    "GET /authorization 200",
    "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a/.well-known/jwks.json",
    "http://127.0.0.1:8000/a@b",
]


def places(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every way in which a text gets into a record."""
    yield "message", {"msg": text}
    yield "argument", {"msg": "said %s", "args": (text,)}
    yield "extra", {"msg": "said", "extra": {"header": text, "more": {"inner": [text]}}}


@pytest.mark.parametrize(("text", "secret"), SECRETS)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_credential_is_written_nowhere_also_at_debug(
    terminal: Terminal, tmp_path: Path, log_format: str, text: str, secret: str
) -> None:
    terminal.configure(log_format=log_format, log_level="DEBUG", log_file=tmp_path / "app.log")
    logger = logging.getLogger("fastapi_cloudauth")
    for _, place in places(text):
        logger.debug(place["msg"], *place.get("args", ()), extra=place.get("extra"))
    logger.debug("broke", exc_info=ValueError(text))
    for written in (terminal.getvalue(), (tmp_path / "app.log").read_text()):
        assert secret not in written
        assert written.count("[redacted]") >= 3
        assert len(re.findall(r"said|broke", written)) >= 3
        if log_format == "json":
            assert len([json.loads(line) for line in written.splitlines()]) == 4


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_credential_is_left_as_it_is(terminal: Terminal, text: str) -> None:
    terminal.configure()
    logging.getLogger("app.test").info(text)
    assert terminal.getvalue().endswith(f"[-] {text}\n")


@pytest.mark.parametrize(
    "text", ["eyJ" * 100_000, "://:" * 50_000, "authorization" * 20_000, "bearer " * 40_000]
)
def test_a_long_line_of_beginnings_does_not_hold_the_service_up(text: str) -> None:
    record = logging.LogRecord("app", logging.INFO, __file__, 1, text, None, None)
    assert "\n" not in TextLine().format(record)
    assert json.loads(JsonLine().format(record))["level"] == "INFO"
