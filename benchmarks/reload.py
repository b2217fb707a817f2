"""Reloads under load: a running server, 100,000 rules, its policy file replaced again and again while answers are checked.

Phases without and with reloads alternate in one run, with the same load: at full speed, and at a steady rate that leaves
the server time. Two documents take turns; they differ in one rule each, and every answer must be right by one of them.
"""

import http.client
import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import peers, workload
from benchmarks.service.apps import PATH, ROLE, TEMPLATE
from benchmarks.service.issuer import Issuer
from benchmarks.service.load import CONNECTIONS
from benchmarks.service.servers import STRANGER, WrongServerError, served
from rbac.document.document import revision

LOADS = {"full speed": 0, "500 a second": 500}
# A role that only one of the two documents lets in, for each.
TURNS = ("benchmark-even", "benchmark-odd")


@dataclass(frozen=True)
class Effort:
    """``pairs`` of phases for each load, without reloads and with them, each of ``seconds``."""

    rules: int = 100_000
    pairs: int = 3
    seconds: float = 20


QUICK = Effort(rules=10_000, pairs=1, seconds=5)
TINY = Effort(rules=100, pairs=1, seconds=1)


class Documents:
    """The file that the server watches, and the two documents that take turns in it."""

    def __init__(self, live: Path, scratch: Path) -> None:
        rules, model = live.read_bytes(), workload.MODEL.read_bytes()
        self._live = live
        self._files = [scratch / f"{role}.csv" for role in TURNS]
        self.revisions: list[str] = []
        for role, file in zip(TURNS, self._files, strict=True):
            document = rules + f"p, {role}, {TEMPLATE}, GET, allow\n".encode()
            file.write_bytes(document)
            self.revisions.append(revision(model, document))
        self.turn = 0

    def swap(self) -> str:
        """Puts the other document in place, whole, as an editor or a deployment does; its revision."""
        self.turn = 1 - self.turn
        draft = self._live.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        os.link(self._files[self.turn], draft)
        draft.replace(self._live)
        return self.revisions[self.turn]


def run(scratch: Path, cache: Path, effort: Effort, say: Callable[[str], None]) -> dict[str, Any]:
    """``{rules, loads: {load: {quiet, reloading: {requests, p50_ms, p99_ms, ...}, ratio, reloads, reload_seconds}}}``."""
    results: dict[str, Any] = {"rules": effort.rules, "loads": {}}
    with Issuer(cache) as issuer:
        say(f"reload: starting the service with {effort.rules:,} rules")
        with served("sekisho", effort.rules, issuer, scratch, "file") as server:
            port = server.port
            documents = Documents(scratch / f"policy-{effort.rules}.csv", scratch)
            tokens = {role: issuer.token(role) for role in (ROLE, STRANGER, *TURNS)}
            reload_once(documents, port, tokens[STRANGER])
            requests = asked(tokens, documents.revisions)
            for name, rate in LOADS.items():
                results["loads"][name] = _measure(documents, port, tokens[STRANGER], requests, rate, effort)
                figures = results["loads"][name]
                say(f"reload: {name}: {figures['ratio']:.2f} x, p99 {figures['reloading']['p99_ms']:.1f} ms")
    return results


def asked(tokens: dict[str, str], revisions: Sequence[str]) -> list[dict[str, Any]]:
    """What is asked in turn: one who is always let in, one who never is, and two who are by one document each."""
    invoice = json.dumps({"number": "000042", "currency": "EUR", "total": 4_200}, separators=(",", ":"))
    right: dict[str, list[tuple[int, str]]] = {
        ROLE: [(200, "")],
        STRANGER: [(403, each) for each in revisions],
        TURNS[0]: [(200, ""), (403, revisions[1])],
        TURNS[1]: [(200, ""), (403, revisions[0])],
    }
    return [
        {
            "sent": f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {tokens[role]}\r\n\r\n",
            "right": answers,
            "body": invoice,
        }
        for role, answers in right.items()
    ]


def reload_once(documents: Documents, port: int, token: str) -> float:
    """Replaces the document; seconds until the service decides by it."""
    began = time.monotonic()
    wanted = documents.swap()
    while time.monotonic() < began + 120:
        if _revision(port, token) == wanted:
            return time.monotonic() - began
        time.sleep(0.05)
    raise WrongServerError("a new document does not come into force within 2 minutes")


def _revision(port: int, token: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", PATH, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 403:
            raise WrongServerError(f"a stranger is answered {answer.status}: {body[:500]!r}")
        decided_by: str = json.loads(body)["policy_revision"]
        return decided_by
    finally:
        connection.close()


def _measure(
    documents: Documents, port: int, token: str, requests: list[dict[str, Any]], rate: int, effort: Effort
) -> dict[str, Any]:
    seen: dict[str, list[dict[str, Any]]] = {"quiet": [], "reloading": []}
    took: list[float] = []
    for _ in range(effort.pairs):
        for phase, reports in seen.items():
            setup = {
                "port": port,
                "connections": CONNECTIONS,
                "rate": rate,
                "seconds": effort.seconds,
                "requests": requests,
            }
            generator = _generator(setup)
            if phase == "reloading":
                took += _reload_until(time.monotonic() + effort.seconds, documents, port, token)
            reports.append(_report(generator))
            time.sleep(1)
    return {
        **{phase: _together(reports) for phase, reports in seen.items()},
        "ratio": median(
            b["p99_ms"] / a["p99_ms"] for a, b in zip(seen["quiet"], seen["reloading"], strict=True)
        ),
        "reloads": len(took),
        "reload_seconds": median(took),
    }


def _reload_until(end: float, documents: Documents, port: int, token: str) -> list[float]:
    """Reload after reload while there is time for one more; the seconds of each."""
    took = [reload_once(documents, port, token)]
    while time.monotonic() + 1.2 * max(took) < end:
        took.append(reload_once(documents, port, token))
    return took


def _generator(setup: dict[str, Any]) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [str(peers.PYTHON), "-m", "benchmarks.service.checked"],
        cwd=peers.ROOT,
        env={**os.environ, "PYTHONPATH": str(peers.ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(setup))
    process.stdin.close()
    return process


def _report(generator: "subprocess.Popen[str]") -> dict[str, Any]:
    assert generator.stdout is not None
    with generator:
        said = generator.stdout.read()
    if generator.returncode:
        raise WrongServerError("a connection was lost under load")
    report: dict[str, Any] = json.loads(said)
    if report["wrong"]:
        raise WrongServerError(f"{report['wrong']} wrong answers: {report['examples']}")
    return report


def _together(reports: list[dict[str, Any]]) -> dict[str, float]:
    figures = {name: median(each[name] for each in reports) for name in ("p50_ms", "p99_ms", "p999_ms")}
    return {
        "requests": sum(each["requests"] for each in reports),
        "per_second": median(each["requests"] / each["seconds"] for each in reports),
        "max_ms": max(each["max_ms"] for each in reports),
        **figures,
    }
