"""What it costs a request that many others are sent away: the service in this process, by processor time."""

import asyncio
import time
from collections.abc import Callable, MutableMapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from fastapi import FastAPI

from app.main import create_app
from rbac.revocations.row import written_time
from tests.support.application import settings_for
from tests.support.issuer import Issuer

PATH = "/protected"
KINDS = ("sub", "session", "client")
Message = MutableMapping[str, Any]


@dataclass(frozen=True)
class Effort:
    """How many rows there are, and how many times so many requests are put to the service with and without them."""

    rows: int = 100_000
    rounds: int = 60
    requests: int = 400


QUICK = Effort(rounds=20)
TINY = Effort(rows=300, rounds=3, requests=20)


def run(scratch: Path, effort: Effort, say: Callable[[str], None]) -> dict[str, Any]:
    """``{rows, without_us, with_us, ratio}``: microseconds of a request by a token that is remembered and that no row meets.

    The rows are about people, sessions and clients in turn. ``ratio`` is the median over pairs of rounds, one right after
    the other.
    """
    with Issuer() as issuer:
        found = asyncio.run(_measure(issuer, scratch, effort))
    say(f"revocations: {effort.rows:,}: {found['ratio']:.3f} x a request without")
    return found


async def _measure(issuer: Issuer, scratch: Path, effort: Effort) -> dict[str, Any]:
    scope = _scope(issuer.token())
    async with AsyncExitStack() as stack:
        apps = []
        for name, rows in (("without", 0), ("with", effort.rows)):
            directory = scratch / f"revocations-{name}"
            directory.mkdir()
            (directory / "revocations.csv").write_text("".join(map(_row, range(rows))), encoding="utf-8")
            served = create_app(settings_for(issuer, directory, LOG_LEVEL="WARNING"))
            await stack.enter_async_context(served.router.lifespan_context(served))
            await _answered(served, scope)
            apps.append(served)
        # A turn beforehand for each, and not among the figures.
        rounds = [
            [await _seconds(each, scope, effort.requests) for each in apps] for _ in range(effort.rounds + 1)
        ]
    pairs = rounds[1:]
    without, with_rows = (median(pair[place] for pair in pairs) / effort.requests for place in (0, 1))
    return {
        "rows": effort.rows,
        "without_us": without * 1e6,
        "with_us": with_rows * 1e6,
        "ratio": median(pair[1] / pair[0] for pair in pairs),
    }


def _row(number: int) -> str:
    when = written_time(time.time() - number)
    return f"{KINDS[number % len(KINDS)]}, somebody-{number}, {when}, left the company\n"


def _scope(token: str) -> dict[str, Any]:
    headers = [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {token}".encode())]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": PATH,
        "raw_path": PATH.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 4711),
        "server": ("127.0.0.1", 80),
    }


async def _receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(_: Message) -> None:
    pass


async def _answered(app: FastAPI, scope: dict[str, Any]) -> None:
    """Waits until the service knows the keys; a measurement of refusals would be none."""
    for _ in range(600):
        statuses: list[int] = []

        async def noted(message: Message, statuses: list[int] = statuses) -> None:
            statuses += [message["status"]] if message["type"] == "http.response.start" else []

        await app(dict(scope), _receive, noted)
        if statuses == [200]:
            return
        await asyncio.sleep(0.1)
    raise RuntimeError(f"`{PATH}` was not answered with 200: {statuses}")


async def _seconds(app: FastAPI, scope: dict[str, Any], requests: int) -> float:
    began = time.process_time()
    for _ in range(requests):
        await app(dict(scope), _receive, _send)
    return time.process_time() - began
