"""Servers under ``wrk``, each in turns with plain FastAPI."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import peers, workload
from benchmarks.service.apps import PATH, ROLE
from benchmarks.service.issuer import Issuer

CONNECTIONS = 32
STRANGER = "payroll-7-viewer"


@dataclass(frozen=True)
class Variant:
    """One row of the results: an application, how many rules it decides by, and whether tokens repeat."""

    key: str
    app: str
    rules: int = 0
    fresh_tokens: bool = False
    guarded: bool = True

    @property
    def beside(self) -> str:
        """The row that takes turns with this one, and that it is divided by."""
        return _PLAIN_NEW if self.fresh_tokens else _PLAIN

    @property
    def server(self) -> tuple[str, int]:
        """Which server answers for it: rows that differ in their tokens alone share one."""
        return self.app, self.rules


_PLAIN, _PLAIN_NEW = "plain", "plain, every token new"

VARIANTS = (
    Variant(_PLAIN, "plain", guarded=False),
    Variant(_PLAIN_NEW, "plain", fresh_tokens=True, guarded=False),
    Variant("plain-without-telemetry", "plain-without-telemetry", guarded=False),
    Variant("starlette", "starlette", guarded=False),
    *(Variant(f"sekisho {rules}", "sekisho", rules) for rules in (20, 1_000, 10_000, 100_000)),
    *(
        Variant(f"sekisho {rules}, every token new", "sekisho", rules, fresh_tokens=True)
        for rules in (20, 10_000)
    ),
    Variant("sekisho-without-log 10000", "sekisho-without-log", 10_000),
    Variant("cloudauth", "cloudauth"),
    *(Variant(f"cloudauth-casbin {rules}", "cloudauth-casbin", rules) for rules in (20, 1_000, 10_000)),
    *(Variant(f"fastapi-authz {rules}", "fastapi-authz", rules) for rules in (20, 1_000)),
)


@dataclass(frozen=True)
class Effort:
    """How long it takes: ``rounds`` of ``seconds`` for each row and as long beside it, the first thrown away."""

    rounds: int = 9
    seconds: int = 2
    tokens: int = 60_000
    decision_log: str = "file"


QUICK = Effort(rounds=2, seconds=2, tokens=20_000)


def with_log(effort: Effort, decision_log: str) -> Effort:
    """The same, our service logging its decisions or not."""
    return replace(effort, decision_log=decision_log)


class WrongServerError(Exception):
    """A server does not answer as it should: its speed means nothing."""


def run(scratch: Path, cache: Path, effort: Effort, say: Callable[[str], None]) -> dict[str, Any]:
    """``{row: {per_second, over_plain, p50_ms, p99_ms, rounds: [...], ratios: [...]}}``;
    names what could not be measured."""
    if shutil.which("wrk") is None:
        return {"unable": "`wrk` is not installed"}
    with Issuer(cache) as issuer, ExitStack() as stack:
        say("service: signing tokens (kept for the next time) ...")
        one = cache / "one-token.txt"
        one.write_text(issuer.token(ROLE) + "\n", encoding="ascii")
        many = issuer.tokens(ROLE, effort.tokens)
        urls: dict[tuple[str, int], str] = {}
        for variant in VARIANTS:
            if variant.server not in urls:
                say(f"service: starting {variant.key}")
                server = served(variant.app, variant.rules, issuer, scratch, effort.decision_log)
                urls[variant.server] = stack.enter_context(server)
                _check(urls[variant.server], variant, one.read_text().strip(), issuer)
        turns = _Turns(urls, one, many, effort)
        rows = [variant for variant in VARIANTS if variant.key != variant.beside]
        pairs: dict[str, list[_Pair]] = {variant.key: [] for variant in rows}
        for number in range(effort.rounds):
            for variant in rows if number % 2 else reversed(rows):
                pairs[variant.key].append(turns.pair(variant, plain_first=number % 2 == 0))
            say(f"service: round {number + 1} of {effort.rounds}")
    return _summary({key: rounds[1:] for key, rounds in pairs.items()})


_Report = dict[str, float]
_Pair = tuple[_Report, _Report]  # a row's turn, and that of plain FastAPI right before or after it


class _Turns:
    """Puts a server under load for one turn, and goes on in its tokens where every one is to be new to it."""

    def __init__(self, urls: Mapping[tuple[str, int], str], one: Path, many: Path, effort: Effort) -> None:
        self._urls = urls
        self._one = one
        self._many = many
        self._effort = effort
        self._used: dict[tuple[str, int], int] = {}
        self._variants = {variant.key: variant for variant in VARIANTS}

    def pair(self, variant: Variant, *, plain_first: bool) -> _Pair:
        """Both sides of one ratio, next to each other: the speed of a shared machine changes within seconds."""
        plain = self._variants[variant.beside]
        if plain_first:
            base = self._turn(plain)
            return self._turn(variant), base
        return self._turn(variant), self._turn(plain)

    def _turn(self, variant: Variant) -> _Report:
        url = self._urls[variant.server]
        if not variant.fresh_tokens:
            return _wrk(url, self._one, 0, self._effort)
        offset = self._used.get(variant.server, 0)
        report = _wrk(url, self._many, offset, self._effort)
        self._used[variant.server] = (offset + int(report["requests"]) + CONNECTIONS) % self._effort.tokens
        return report


def _summary(pairs: Mapping[str, Sequence[_Pair]]) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for variant in VARIANTS:
        if variant.key == variant.beside:
            rows = [other.key for other in VARIANTS if other.beside == variant.key != other.key]
            own = [base for key in rows for _, base in pairs[key]]
            ratios = [1.0]
        else:
            own = [row for row, _ in pairs[variant.key]]
            ratios = [_rate(row) / _rate(base) for row, base in pairs[variant.key]]
        results[variant.key] = {
            "per_second": median(map(_rate, own)),
            "over_plain": median(ratios),
            "p50_ms": median(each["p50_ms"] for each in own),
            "p99_ms": median(each["p99_ms"] for each in own),
            "rounds": [_rate(each) for each in own],
            "ratios": ratios,
        }
    return results


def _rate(report: _Report) -> float:
    return report["requests"] / report["seconds"]


@contextmanager
def served(app: str, rules: int, issuer: Issuer, scratch: Path, decision_log: str) -> Iterator[str]:
    """The URL of an application of ``apps.py`` with ``rules`` rules, in a process of its own."""
    policy = scratch / f"policy-{rules}.csv"
    if rules:
        workload.write_policy(rules, policy)
    home = scratch / f"{app}-{rules}"
    home.mkdir(exist_ok=True)
    log = str(home / "decisions.log") if decision_log == "file" else decision_log
    setup = {"issuer": issuer.url, "policy": str(policy), "scratch": str(home), "decision_log": log}
    with (
        socket.create_server(("127.0.0.1", 0), backlog=256) as listening,
        (home / "stderr").open("wb") as stderr,
    ):
        command = [str(peers.PYTHON), "-m", "benchmarks.service.serve", app, str(listening.fileno())]
        process = subprocess.Popen(
            [*command, json.dumps(setup)],
            cwd=peers.ROOT,
            env={**os.environ, "PYTHONPATH": str(peers.ROOT), "PYTHONWARNINGS": "ignore"},
            pass_fds=[listening.fileno()],
            stdout=stderr,
            stderr=stderr,
        )
        port = listening.getsockname()[1]
    try:
        _wait(port, process, home / "stderr")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(port: int, process: "subprocess.Popen[bytes]", complaints: Path) -> None:
    """The socket was bound before the server existed, so a first answer is what says that it is there."""
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        try:
            _ask(port, "/nowhere", None, seconds=2)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise WrongServerError(f"a server does not start: {complaints.read_text(errors='replace')[-2_000:]}")


def _check(url: str, variant: Variant, token: str, issuer: Issuer) -> None:
    """The right caller gets the invoice; where somebody guards it, nobody and a stranger do not."""
    port = int(url.rpartition(":")[2])
    status, body = _ask(port, PATH, token)
    if status != 200 or json.loads(body) != {"number": "000042", "currency": "EUR", "total": 4_200}:
        raise WrongServerError(f"{variant.key} answers {status} {body[:500]!r}")
    for name, credentials in (
        ("nobody", None),
        ("a stranger", issuer.token(STRANGER)),
        ("junk", token[:-9] + "AAAAAAAA"),
    ):
        status, _ = _ask(port, PATH, credentials)
        if variant.guarded is (status == 200):
            raise WrongServerError(f"{variant.key} answers {name} with {status}")


def _ask(port: int, path: str, token: str | None, seconds: float = 60) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()


def _wrk(url: str, tokens: Path, offset: int, effort: Effort) -> dict[str, float]:
    script = Path(__file__).with_name("wrk.lua")
    command = [
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{effort.seconds}s",
        "--timeout",
        "60s",
        "-s",
        str(script),
    ]
    arguments = [str(tokens), str(offset)]
    done = subprocess.run(
        [*command, url + PATH, "--", *arguments], capture_output=True, text=True, check=True
    )
    report: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    if report["not_2xx"] or report["failed"]:
        raise WrongServerError(f"{url} failed under load: {report}")
    return report
