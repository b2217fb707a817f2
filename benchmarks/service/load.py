"""Servers under ``wrk``, each in turns with plain FastAPI."""

import json
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import machine
from benchmarks.service.apps import ROLE
from benchmarks.service.issuer import Issuer
from benchmarks.service.servers import Server, WrongServerError, check, served
from benchmarks.service.variants import VARIANTS, Variant

CONNECTIONS = 32


@dataclass(frozen=True)
class Effort:
    """How long it takes: ``rounds`` of ``seconds`` for each row and as long beside it, the first thrown away.

    ``patience`` is for how many seconds in all other programs are waited for. ``rows``: their keys; all of them where
    there are none.
    """

    rounds: int = 9
    seconds: int = 2
    tokens: int = 60_000
    decision_log: str = "file"
    patience: float = 90.0
    rows: tuple[str, ...] = ()


QUICK = Effort(rounds=2, seconds=2, tokens=20_000, patience=20)
TINY = Effort(rounds=2, seconds=1, tokens=1_000, patience=0, rows=("plain", "sekisho 20"))


def run(scratch: Path, cache: Path, effort: Effort, say: Callable[[str], None]) -> dict[str, Any]:
    """``{row: {per_second, over_plain, processor_us, processor_over_plain, p50_ms, p99_ms, p99_over_plain, rounds: [...],
    ratios: [...], noisy}}``; names what could not be measured.

    ``processor_us`` is what the server's processes take of the processor for a request: it says the same as
    ``per_second`` where nobody else works, and where somebody does it says more. ``noisy`` are the rounds that began
    while other programs were at work, and could not be waited out.
    """
    if shutil.which("wrk") is None:
        return {"unable": "`wrk` is not installed"}
    variants = [each for each in VARIANTS if not effort.rows or each.key in effort.rows]
    with Issuer(cache) as issuer, ExitStack() as stack:
        say("service: signing tokens (kept for the next time) ...")
        one = cache / "one-token.txt"
        one.write_text(issuer.token(ROLE) + "\n", encoding="ascii")
        many = issuer.tokens(ROLE, effort.tokens)
        servers: dict[tuple[str, int, int], Server] = {}
        for variant in variants:
            if variant.server not in servers:
                say(f"service: starting {variant.key}")
                app, rules, workers = variant.server
                started = served(app, rules, issuer, scratch, effort.decision_log, workers)
                servers[variant.server] = stack.enter_context(started)
                check(servers[variant.server], variant, issuer)
        turns = _Turns(servers, _Asked(one, many, scratch), effort, variants)
        rows = [variant for variant in variants if variant.key != variant.beside]
        pairs: dict[str, list[_Pair]] = {variant.key: [] for variant in rows}
        for number in range(effort.rounds):
            for variant in rows if number % 2 else reversed(rows):
                pairs[variant.key].append(turns.pair(variant, plain_first=number % 2 == 0))
            say(f"service: round {number + 1} of {effort.rounds}")
    results = _summary(variants, {key: rounds[1:] for key, rounds in pairs.items()})
    for key, figures in results.items():
        figures["noisy"] = turns.noisy[key]
    return results


_Report = dict[str, float]
_Pair = tuple[_Report, _Report]  # a row's turn, and that of the row beside it, right before or after


@dataclass(frozen=True)
class _Asked:
    """What ``wrk`` sends: ``one`` token over and over or ``many`` in order, and an application's paths in order."""

    one: Path
    many: Path
    scratch: Path

    def paths(self, variant: Variant) -> Path:
        file = self.scratch / f"paths-{variant.app}{variant.path.replace('/', '-')}.txt"
        if not file.exists():
            file.write_text("\n".join(variant.paths) + "\n", encoding="ascii")
        return file


class _Turns:
    """Puts a server under load for one turn, and goes on in its tokens where every one is to be new to it."""

    def __init__(
        self,
        servers: Mapping[tuple[str, int, int], Server],
        asked: _Asked,
        effort: Effort,
        variants: Sequence[Variant],
    ) -> None:
        self._servers = servers
        self._asked = asked
        self._effort = effort
        self._used: dict[tuple[str, int, int], int] = {}
        self._patience = effort.patience
        self.noisy: Counter[str] = Counter()
        self._variants = {variant.key: variant for variant in variants}

    def pair(self, variant: Variant, *, plain_first: bool) -> _Pair:
        """Both sides of one ratio, next to each other: the speed of a shared machine changes within seconds."""
        plain = self._variants[variant.beside]
        began = time.monotonic()
        if not machine.waited_for_quiet(self._patience):
            self.noisy[variant.key] += 1
        self._patience = max(0.0, self._patience - (time.monotonic() - began - machine.SAMPLE))
        if plain_first:
            base = self._turn(plain)
            return self._turn(variant), base
        return self._turn(variant), self._turn(plain)

    def _turn(self, variant: Variant) -> _Report:
        server, paths = self._servers[variant.server], self._asked.paths(variant)
        offset = self._used.get(variant.server, 0)
        before = server.processor_seconds()
        if variant.fresh_tokens:
            report = _wrk(server.url, self._asked.many, paths, offset, self._effort)
            self._used[variant.server] = (
                offset + int(report["requests"]) + CONNECTIONS
            ) % self._effort.tokens
        else:
            report = _wrk(server.url, self._asked.one, paths, 0, self._effort)
        spent = server.processor_seconds() - before
        return report | {"processor_us": spent / report["requests"] * 1e6}


def _summary(variants: Sequence[Variant], pairs: Mapping[str, Sequence[_Pair]]) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for variant in variants:
        turns = pairs.get(variant.key)
        if turns is None:
            rows = [other.key for other in variants if other.beside == variant.key != other.key]
            turns = [(base, base) for key in rows for _, base in pairs[key]]
        own = [row for row, _ in turns]
        ratios = [_rate(row) / _rate(base) for row, base in turns]
        results[variant.key] = {
            "per_second": median(map(_rate, own)),
            "over_plain": median(ratios),
            "processor_us": median(each["processor_us"] for each in own),
            "processor_over_plain": median(base["processor_us"] / row["processor_us"] for row, base in turns),
            "p50_ms": median(each["p50_ms"] for each in own),
            "p99_ms": median(each["p99_ms"] for each in own),
            "p99_over_plain": median(row["p99_ms"] / base["p99_ms"] for row, base in turns),
            "rounds": [_rate(each) for each in own],
            "ratios": ratios,
        }
    return results


def _rate(report: _Report) -> float:
    return report["requests"] / report["seconds"]


def _wrk(url: str, tokens: Path, paths: Path, offset: int, effort: Effort) -> dict[str, float]:
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
    arguments = [str(tokens), str(paths), str(offset)]
    done = subprocess.run([*command, url, "--", *arguments], capture_output=True, text=True, check=True)
    report: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    if report["not_2xx"] or report["failed"]:
        raise WrongServerError(f"{url} failed under load: {report}")
    return report
