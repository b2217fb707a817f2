"""Replicas that share a policy in PostgreSQL: how long a publication takes until every worker decides by it, under load.

All times of a swap are the database's: when a version was published, and since when each worker runs it, as it reports
itself. Every answer is judged: it must be by a version that was current on the way, and no connection goes back. The
whole runs on one machine, the load included.
"""

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import peers
from rbac.stores.postgres.session import Session
from rbac.stores.postgres.versions import OutdatedError, Versions
from tests.support.issuer import Issuer
from tests.support.postgres import OWNER, PASSWORD, PUBLISHER, SERVICE, Database, cluster
from tests.support.publications import Callers, Publications
from tests.support.service import Service, serving
from tests.support.waiting import comes_true

_PAUSE_S = 0.3
# Between two calls over one connection: a load that leaves the machine time to swap.
_CALL_S = 0.005
_DELAY = b"""SELECT extract(epoch FROM max(since) - max(published_at))::float8 * 1000
    FROM sekisho.replicas JOIN sekisho.versions USING (name, version) WHERE version = %s"""


@dataclass(frozen=True)
class Effort:
    """So many ``publications`` to ``replicas`` of ``workers``, then ``races`` of two publishers; and one document of
    ``rules`` to two replicas of one worker, after ``quiet_s`` without any."""

    publications: int = 100
    races: int = 200
    replicas: int = 4
    workers: int = 2
    rules: int = 100_000
    quiet_s: float = 10.0


QUICK = Effort(publications=10, races=20, replicas=2, rules=10_000, quiet_s=3.0)
TINY = Effort(publications=1, races=2, replicas=1, workers=1, rules=100, quiet_s=0.5)


def run(scratch: Path, effort: Effort, say: Callable[[str], None]) -> dict[str, Any]:
    """``{replicas, workers, publications, p50_ms, p99_ms, answers, wrong, cut_off, races: {...}, publish: {...}}``."""
    with _replicas(scratch / "small", effort.replicas, effort.workers, say) as replicas:
        delays = sorted(replicas.publish() for _ in range(effort.publications))
        figures: dict[str, Any] = {
            "replicas": effort.replicas,
            "workers": effort.workers,
            "publications": effort.publications,
            "p50_ms": _percentile(delays, 0.5),
            "p99_ms": _percentile(delays, 0.99),
        }
        say(f"replicas: all swapped p50 {figures['p50_ms']:.0f} ms, p99 {figures['p99_ms']:.0f} ms")
        figures["races"] = replicas.race(effort.races)
        say(f"replicas: races {figures['races']}")
        figures |= replicas.judged()
    with _replicas(scratch / "large", 2, 1, say) as replicas:
        figures["publish"] = _publish_large(replicas, scratch / "large", effort)
        say(f"replicas: rbac publish {figures['publish']}")
    return figures


def _percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, round(len(ordered) * share))]


class _Replicas:
    """Replicas that are asked all the time, and who publishes to them."""

    def __init__(
        self, database: Database, publications: Publications, callers: Callers, workers: int
    ) -> None:
        self.database = database
        self.publications = publications
        self.callers = callers
        self.workers = workers
        self._reports = Session(database.address(OWNER))

    def close(self) -> None:
        self._reports.close()

    def publish(self) -> float:
        """Publishes a version; milliseconds until the last worker decided by it."""
        number = self.publications.publish()
        self.swapped()
        time.sleep(_PAUSE_S)  # answers by this version alone
        return float(self._reports.execute(_DELAY, (number,))[0][0])

    def swapped(self) -> None:
        """Waits until every worker decides by the newest version."""
        if not self.publications.in_force(self.workers):
            raise TimeoutError(f"version {self.publications.newest} is not in force everywhere")

    def race(self, rounds: int) -> dict[str, int]:
        """Two publishers at once, again and again: how many were stored or told no, and how many were lost."""
        first = self.publications.newest + 1
        stored: list[tuple[int, str]] = []
        told_no: list[str] = []
        together = threading.Barrier(2, action=self._begin_round)

        def publisher(name: str) -> None:
            session = Session(self.database.address(PUBLISHER))
            for number in range(first, first + rounds):
                together.wait()
                content = self.publications.content(number, f"# {name}\n".encode())
                try:
                    Versions(session, "policy").publish(
                        content, based_on=number - 1, reason=f"{name} {number}"
                    )
                    stored.append((number, f"{name} {number}"))
                except OutdatedError:
                    told_no.append(f"{name} {number}")
            session.close()

        threads = [threading.Thread(target=publisher, args=(name,)) for name in ("one", "other")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.publications.newest = first + rounds - 1
        self.swapped()
        kept = {(each.number, each.reason) for each in Versions(self._reports, "policy").history(rounds)}
        lost = 2 * rounds - len(stored) - len(told_no) + len(set(stored) ^ kept)
        return {"rounds": rounds, "stored": len(stored), "told_no": len(told_no), "lost": lost}

    def _begin_round(self) -> None:
        """Either publisher's may be the next version."""
        number = self.publications.ceiling + 1
        for name in ("one", "other"):
            self.publications.expect(number, self.publications.content(number, f"# {name}\n".encode()))
        self.publications.ceiling = number

    def judged(self) -> dict[str, int]:
        """What became of the calls."""
        return {
            "answers": self.callers.answers,
            "wrong": len(self.callers.wrong),
            "cut_off": self.callers.cut_off(),
        }

    def p99_ms(self) -> float:
        """Of the calls since this was asked last, one at least."""
        taken: list[float] = []

        def answered() -> bool:
            taken.extend(self.callers.taken())
            return bool(taken)

        if not comes_true(answered):
            raise TimeoutError("no call is answered")
        return _percentile(sorted(1000 * each for each in taken), 0.99)


@contextmanager
def _replicas(scratch: Path, replicas: int, workers: int, say: Callable[[str], None]) -> Iterator[_Replicas]:
    with cluster() as made, Issuer() as issuer, ExitStack() as stack:
        database = made.database().migrated()
        publications = Publications(database)
        publications.publish()
        say(f"replicas: starting {replicas} of {workers} workers")
        services = [
            stack.enter_context(_replica(issuer, database, scratch / f"replica-{number}", workers))
            for number in range(replicas)
        ]
        callers = Callers(issuer, publications, _CALL_S)
        running = stack.enter_context(closing(_Replicas(database, publications, callers, replicas * workers)))
        running.swapped()
        with callers.asking(services):
            yield running


@contextmanager
def _replica(issuer: Issuer, database: Database, directory: Path, workers: int) -> Iterator[Service]:
    directory.mkdir(parents=True)
    settings = {
        "POLICY_STORE": database.secret_url(SERVICE),
        "POLICY_GATE": "lint",  # the tests are asked all the same, and what they say of the added rule is a warning
        "WORKERS": str(workers),
        "LOG_LEVEL": "ERROR",
        "DECISION_LOG": str(directory / "decisions.jsonl"),
    }
    with serving(issuer, directory, **settings) as service:
        yield service


def _publish_large(replicas: _Replicas, scratch: Path, effort: Effort) -> dict[str, Any]:
    """What `rbac publish` takes for many rules, read, linted, tested and stored: seconds, processor seconds; and the calls'
    99th percentile before, and from its beginning until every worker has swapped."""
    number = replicas.publications.newest + 1
    rules = b"".join(b"p, role-%d, /user, GET, allow\n" % role for role in range(effort.rules))
    content = replicas.publications.content(number, rules)
    for name, text in {"policy.csv": content.policy, "model.conf": content.model, **content.tests}.items():
        (scratch / Path(name).name).write_bytes(text)
    told = "suite: Nobody\ntests:\n  - name: nobody reads\n    anonymous: true\n    cannot: [GET /user]\n"
    (scratch / "policy_tests").mkdir()
    (scratch / "policy_tests" / "tests.yaml").write_text(told)
    command = [
        sys.executable,
        "-m",
        "rbac",
        "publish",
        "--based-on",
        str(number - 1),
        "--reason",
        "a benchmark",
    ]
    options = ["--format", "json", "--routes", "none", "--model", "model.conf", "--policy", "policy.csv"]
    environment = os.environ | {
        "POLICY_STORE": replicas.database.url(PUBLISHER),
        "PGPASSWORD": PASSWORD,
        "PYTHONPATH": str(peers.ROOT),
    }
    replicas.callers.taken()
    time.sleep(effort.quiet_s)
    quiet = replicas.p99_ms()
    replicas.publications.expect(number, content)
    replicas.publications.ceiling = number
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [*command, *options], cwd=scratch, env=environment, capture_output=True, check=False, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    replicas.publications.newest = int(json.loads(done.stdout)["version"]["version"])
    replicas.swapped()
    meanwhile = replicas.p99_ms()
    return {
        "rules": effort.rules,
        "seconds": seconds,
        "processor_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "swapped_seconds": time.monotonic() - began,
        "quiet_p99_ms": quiet,
        "p99_ms": meanwhile,
        "ratio": meanwhile / quiet,
        **replicas.judged(),
    }
