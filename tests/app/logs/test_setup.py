"""The log: one line a record whatever outside text it holds, the request's id on each, and never a credential."""

import json
import logging
import multiprocessing
import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.logs.setup import SharedRotatingFile
from rbac.guard.http.request_id import request_id_var
from tests.support.terminal import Terminal, a_terminal

BEGINNING = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG   |INFO    |WARNING |ERROR   |CRITICAL) [\w.]+ +\["
)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Where the log of a test goes."""
    with a_terminal(monkeypatch) as terminal:
        yield terminal


@pytest.mark.parametrize(
    ("given", "as_json"),
    [
        ({}, False),
        ({"environment": "staging"}, True),
        ({"environment": "production"}, True),
        ({"log_format": "json"}, True),
        ({"environment": "production", "log_format": "text"}, False),
    ],
)
def test_text_in_development_and_json_elsewhere_unless_asked(
    terminal: Terminal, given: dict[str, Any], as_json: bool
) -> None:
    terminal.configure(**given)
    logging.getLogger("app.test").info("hello")
    assert len(terminal.lines()) == 1
    assert terminal.getvalue().startswith("{") == as_json


def test_a_json_line_has_its_fields_and_the_extra_ones(terminal: Terminal) -> None:
    terminal.configure(log_format="json")
    told = request_id_var.set("req-1")
    try:
        logging.getLogger("app.access").info("GET / %d", 200, extra={"method": "GET", "status": 200})
    finally:
        request_id_var.reset(told)
    line = json.loads(terminal.getvalue())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("timestamp"))
    assert line == {
        "level": "INFO",
        "logger": "app.access",
        "request_id": "req-1",
        "message": "GET / 200",
        "method": "GET",
        "status": 200,
    }


def test_a_text_line_is_aligned_and_has_the_requests_id(terminal: Terminal) -> None:
    terminal.configure()
    told = request_id_var.set("req-1")
    logging.getLogger("app.test").warning("hello")
    request_id_var.reset(told)
    logging.getLogger("app.test").error("bye")
    within, without = terminal.lines()
    assert within.endswith(" WARNING  app.test           [req-1] hello")
    assert without.endswith(" ERROR    app.test           [-] bye")


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("a:b/c+d=e@f.g_h-1", "[a:b/c+d=e@f.g_h-1]"),
        ("x] GET /admin 200", '["x] GET /admin 200"]'),
        ('x"] all is well ["y', r'["x\"] all is well [\"y"]'),
        ("a" * 129, f'["{"a" * 129}"]'),
        ("eyJhbGciOiJSUzI1NiJ9.e30.c2ln", '["[redacted]"]'),
        ("Bearer c2VjcmV0", '["Bearer [redacted]"]'),
    ],
)
def test_a_request_id_cannot_pass_for_the_rest_of_its_text_line(
    terminal: Terminal, sent: str, shown: str
) -> None:
    terminal.configure()
    told = request_id_var.set(sent)
    logging.getLogger("app.test").warning("hello")
    request_id_var.reset(told)
    (line,) = terminal.lines()
    assert line.endswith(f" WARNING  app.test           {shown} hello")


HOSTILE = [
    "a\n2026-01-01T00:00:00.000Z INFO     app.access         [-] GET /admin 200",
    "a\r\nb",
    "a\x0bb\x0cc\x1cd\x1ee\x85f\u2028g\u2029h",
    "\x1b[2J\x1b[31mred\x07\x00\x7f\x9b",
    "\u202egpj.exe\u2066\u200f",
    "lone \ud800 surrogate",
    '{"level": "INFO"}\n{"level": "CRITICAL"}',
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_text_from_outside_makes_no_line_of_its_own(terminal: Terminal, log_format: str, text: str) -> None:
    terminal.configure(log_format=log_format)
    logging.getLogger("app.test").info("path %s", text)
    written = terminal.getvalue()
    assert written.endswith("\n")
    assert len(written.splitlines()) == 1
    assert all(character.isprintable() for character in written[:-1])
    written.encode()
    if log_format == "json":
        assert json.loads(written)["message"] == f"path {text}"


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_traceback_forges_no_record_either(terminal: Terminal, log_format: str, text: str) -> None:
    terminal.configure(log_format=log_format)
    error = ValueError(text)
    logging.getLogger("app.test").error("it broke", exc_info=error, stack_info=True)
    first, *below = terminal.lines()
    if log_format == "json":
        assert not below
        assert text in json.loads(first)["exc_info"]
    else:
        assert BEGINNING.match(first)
        assert any(line.startswith("    | ValueError: ") for line in below)
        assert all(line.startswith("    | ") and line.isprintable() for line in below)


@pytest.mark.parametrize(
    ("tty", "variables", "coloured"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colour_is_for_terminals_whose_user_wants_it(
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tty: bool,
    variables: dict[str, str],
    coloured: bool,
) -> None:
    terminal.tty = tty
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    terminal.configure(log_file=tmp_path / "app.log")
    logging.getLogger("app.test").error("no")
    assert ("\x1b[" in terminal.getvalue()) == coloured
    assert "\x1b[" not in (tmp_path / "app.log").read_text()


def test_the_last_configuration_counts_and_no_record_is_written_twice(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal.configure(log_level="DEBUG", log_file=tmp_path / "app.log")
    terminal.configure(log_level="WARNING")
    logging.getLogger("app.test").info("quiet")
    logging.getLogger("app.test").warning("once")
    assert len(terminal.lines()) == 1
    assert (tmp_path / "app.log").read_text() == ""


def test_uvicorn_speaks_through_us_and_its_access_line_is_silent(terminal: Terminal) -> None:
    from uvicorn import Config

    async def application(scope: Any, receive: Any, send: Any) -> None: ...

    Config(application, access_log=True)  # installs uvicorn's own logging, as its command line does
    terminal.configure()
    logging.getLogger("uvicorn.error").info("started", extra={"color_message": "\x1b[1mstarted"})
    logging.getLogger("uvicorn.access").info("GET /?token=x")
    logging.getLogger("uvicorn").info("bye")
    assert [line.partition("[-] ")[2] for line in terminal.lines()] == ["started", "bye"]
    terminal.configure(log_format="json")
    logging.getLogger("uvicorn.error").info("started", extra={"color_message": "\x1b[1mstarted"})
    assert "color_message" not in terminal.lines()[-1]


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("app.anything", "DEBUG"),
        ("fastapi_cloudauth.verification", "DEBUG"),
        ("uvicorn.error", "INFO"),
        ("websockets.server", "INFO"),
        ("httpx2", "WARNING"),
        ("httpcore2.http11", "WARNING"),
        ("watchfiles.main", "WARNING"),
        ("botocore.endpoint", "WARNING"),
    ],
)
def test_a_library_that_prints_headers_at_debug_stays_above_it(
    terminal: Terminal, name: str, least: str
) -> None:
    terminal.configure(log_level="DEBUG")
    assert logging.getLevelName(logging.getLogger(name).getEffectiveLevel()) == least
    terminal.configure(log_level="ERROR")
    assert logging.getLevelName(logging.getLogger(name).getEffectiveLevel()) == "ERROR"


def test_a_record_that_cannot_be_written_is_reported_without_what_it_held(terminal: Terminal) -> None:
    terminal.configure()
    root = logging.getLogger()
    root.handlers[:] = [
        each for each in root.handlers if type(each).__module__.startswith("app.")
    ]  # not pytest's
    logging.getLogger("app.test").info("%d", "secret")
    assert terminal.getvalue() == f"a log record of {__file__}:{_line_above()} was lost: TypeError\n"


def _line_above() -> int:
    return sys._getframe(1).f_lineno - 1


def _write(path: Path, name: str, records: int) -> None:
    handler = SharedRotatingFile(path, maxBytes=2_000, backupCount=500, encoding="utf-8")
    logger = logging.getLogger(name)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    for number in range(records):
        logger.info("%s-%04d %s", name, number, "x" * 80)
    handler.close()


def test_workers_share_a_rotating_file_without_losing_a_record(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    names = ("a", "b", "c")
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_write, args=(path, name, 300)) for name in names]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    files = [each for each in tmp_path.iterdir() if each.name.startswith("app.log")]
    written = [line.split(" ")[0] for each in files for line in each.read_text().splitlines()]
    assert sorted(written) == sorted(f"{name}-{number:04d}" for name in names for number in range(300))
    assert len(files) > 20
    assert max(each.stat().st_size for each in files) < 4_000


def test_only_the_owner_and_the_group_may_read_the_file(terminal: Terminal, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        terminal.configure(log_file=tmp_path / "app.log")
        logging.getLogger("app.test").warning("hello")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "app.log").stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "said",
    [
        '%s - "WebSocket %s" [accepted]',
        '%s - "WebSocket %s" 403',
        "connection rejected (401 Unauthorized)",
        "ASGI callable returned without completing handshake.",
    ],
)
def test_what_uvicorn_says_of_a_handshake_is_left_to_the_access_line(terminal: Terminal, said: str) -> None:
    terminal.configure()
    arguments = ("127.0.0.1", "/x?token=secret") if "%s" in said else ()
    logging.getLogger("uvicorn.error").error(said, *arguments)
    logging.getLogger("uvicorn.error").error("Exception in ASGI application")
    assert [line for line in terminal.lines() if "Exception in ASGI" not in line] == []
    assert len(terminal.lines()) == 1


def test_the_file_rotates_at_ten_mebibytes_and_keeps_five(terminal: Terminal, tmp_path: Path) -> None:
    terminal.configure(log_file=tmp_path / "app.log")
    (file,) = [each for each in logging.getLogger().handlers if isinstance(each, SharedRotatingFile)]
    assert (file.maxBytes, file.backupCount) == (10 * 1024 * 1024, 5)
    logging.getLogger("app.test").info("before")
    file.doRollover()
    logging.getLogger("app.test").info("after")
    assert "before" in (tmp_path / "app.log.1").read_text()
    assert "after" in (tmp_path / "app.log").read_text()
