"""Load that checks every answer: ``checked.py SETUP-AS-JSON``, in a process of its own; reports as one JSON line.

Each connection sends its next request when the last is answered, or, with a rate, when it is due: what is late counts
from when it was due, so that a server that stands still is charged for all who wait.
"""

import asyncio
import gc
import json
import re
import sys
from time import perf_counter
from typing import Any, NamedTuple

import uvloop


class Request(NamedTuple):
    """What is sent, and the answers that are right: a status, and on a refusal by which policy, as (status, revision).

    ``body`` is what a 200 must carry.
    """

    sent: bytes
    right: frozenset[tuple[int, str]]
    body: bytes


class Answer(NamedTuple):
    """What came back; judged when the load is over, so that judging takes no time from it."""

    request: Request
    status: int
    body: bytes
    seconds: float

    @property
    def right(self) -> bool:
        if self.status == 200:
            return (200, "") in self.request.right and self.body == self.request.body
        return (self.status, json.loads(self.body)["policy_revision"]) in self.request.right


class Connection(asyncio.Protocol):
    """Keeps one request under way until ``until``; ``every`` is the seconds from one to the next, 0 for no pause."""

    def __init__(
        self, requests: list[Request], first: int, answers: list[Answer], every: float, until: float
    ) -> None:
        self.requests, self.at, self.answers, self.every, self.until = requests, first, answers, every, until
        self.loop = asyncio.get_running_loop()
        self.done = self.loop.create_future()
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.loop.call_later(self.every * (self.at * 7 % 32) / 32, self.begin)

    def begin(self) -> None:
        """Sends what is due now: a timer of ours that is late is no fault of the server's."""
        self.due = perf_counter()
        self.send()

    def send(self) -> None:
        self.request = self.requests[self.at % len(self.requests)]
        self.at += 1
        self.transport.write(self.request.sent)

    def data_received(self, data: bytes) -> None:
        self.received += data
        whole = _WHOLE.match(self.received)
        if whole is None or len(self.received) < whole.end() + int(whole[2]):
            return
        now = perf_counter()
        body = self.received[whole.end() :]
        self.answers.append(Answer(self.request, int(whole[1]), body, now - self.due))
        self.received = b""
        self.due += self.every
        if max(now, self.due) >= self.until:
            self.done.set_result(None)
        elif self.due > now:
            self.loop.call_later(self.due - now, self.begin)
        else:
            self.due = self.due if self.every else now
            self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed a connection"))


_WHOLE = re.compile(
    rb"HTTP/1.1 (\d{3}) .*?\r\ncontent-length: (\d+)\r\n.*?\r\n\r\n", re.DOTALL | re.IGNORECASE
)


async def load(setup: dict[str, Any]) -> dict[str, Any]:
    """Keeps the load up for the seconds asked for; what was seen."""
    requests = [
        Request(each["sent"].encode(), frozenset((s, r) for s, r in each["right"]), each["body"].encode())
        for each in setup["requests"]
    ]
    loop, answers = asyncio.get_running_loop(), list[Answer]()
    connections, rate = setup["connections"], setup["rate"]
    began = perf_counter()
    until = began + setup["seconds"]
    pairs = [
        await loop.create_connection(
            lambda first=number: Connection(
                requests, first, answers, connections / rate if rate else 0, until
            ),
            "127.0.0.1",
            setup["port"],
        )
        for number in range(connections)
    ]
    await asyncio.gather(*(connection.done for _, connection in pairs))
    took = perf_counter() - began
    for transport, _ in pairs:
        transport.close()
    return report(answers, took)


def report(answers: list[Answer], took: float) -> dict[str, Any]:
    """Milliseconds at the percentiles, and the counts; of what was wrong a few examples."""
    ordered = sorted(answer.seconds for answer in answers)
    wrong = [answer for answer in answers if not answer.right]
    return {
        "requests": len(ordered),
        "seconds": took,
        "p50_ms": 1e3 * ordered[len(ordered) // 2],
        "p99_ms": 1e3 * ordered[len(ordered) * 99 // 100],
        "p999_ms": 1e3 * ordered[len(ordered) * 999 // 1000],
        "max_ms": 1e3 * ordered[-1],
        "wrong": len(wrong),
        "examples": [
            f"{each.status} {each.body[:300]!r} for {each.request.sent[:80]!r}" for each in wrong[:5]
        ],
    }


def main() -> None:
    """Runs the load and reports."""
    setup = json.loads(sys.stdin.read())
    gc.disable()
    print(json.dumps(uvloop.run(load(setup))))


if __name__ == "__main__":
    main()
