"""The decision point against Cerbos: the same rules, the same questions, the same load, in alternating rounds.

Ours answers ``/access/v1/evaluation`` and ``/evaluations`` with one worker, verifies who asks and logs every decision to a
file. Cerbos answers CheckResources as it comes: no authentication, no audit log, and as many threads as there are
processors. It is spared the path patterns, too: every path template is a kind of resource of its own.
"""

import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import peers, workload
from benchmarks.service.issuer import Issuer
from benchmarks.service.load import CONNECTIONS
from benchmarks.service.servers import WrongServerError
from benchmarks.service.servers import served as served_application
from rbac import Policy

QUESTIONS = 2_000
SIDES = ("sekisho", "cerbos")
PATHS = {
    ("sekisho", 1): "/access/v1/evaluation",
    ("sekisho", 50): "/access/v1/evaluations",
    ("cerbos", 1): "/api/check/resources",
    ("cerbos", 50): "/api/check/resources",
}


@dataclass(frozen=True)
class Effort:
    """``rounds`` of ``seconds`` for each row, the first thrown away: for so many ``rules``, in ``batches`` of such sizes."""

    rounds: int = 6
    seconds: int = 4
    rules: tuple[int, ...] = (20, 1_000)
    batches: tuple[int, ...] = (1, 50)


QUICK = Effort(rounds=2, seconds=1)
TINY = Effort(rounds=2, seconds=1, rules=(20,), batches=(50,))

Batch = Sequence[workload.Request]  # all of one caller


def run(scratch: Path, cache: Path, effort: Effort, say: Callable[[str], None]) -> dict[str, Any]:
    """``{"1000 rules, batches of 50": {side: {per_second, p50_ms, p99_ms}, "ratio": ours over theirs}}``.

    ``per_second`` counts evaluations. Names what could not be measured.
    """
    binary = peers.NODE / "node_modules" / "@cerbos" / "cerbos-linux-x64" / "cerbos-linux-x64"
    if shutil.which("wrk") is None or not binary.exists():
        return {
            "unable": "`wrk` is not installed" if binary.exists() else "the Cerbos binary is not installed"
        }
    results: dict[str, Any] = {}
    for rules in effort.rules:
        with Issuer(cache) as issuer, ExitStack() as stack:
            home = scratch / f"authzen-{rules}"
            home.mkdir()
            say(f"authzen: starting both with {rules:,} rules")
            policy = home / "policy.csv"
            workload.write_policy(rules, policy)
            ours = served_application("decision-point", rules, issuer, scratch, "file")
            urls = {
                "sekisho": stack.enter_context(ours).url,
                "cerbos": stack.enter_context(_cerbos(binary, rules, home)),
            }
            token = issuer.token("pep")
            for size in effort.batches:
                batches = questions(rules, size)
                agree(urls, batches, Policy.load(workload.MODEL, policy), token)
                requests = {side: _requests(side, batches, token, home) for side in SIDES}
                results[f"{rules} rules, {_name(size)}"] = _rounds(urls, requests, size, effort)
                say(
                    f"authzen: {rules:,} rules, {_name(size)}: {results[f'{rules} rules, {_name(size)}']['ratio']:.2f} x"
                )
    return results


def questions(rules: int, size: int) -> list[Batch]:
    """Batches of ``size`` questions, each batch of one caller with a role; about half of them are to be refused."""
    asked = [request for request in workload.mixed(rules, 4 * QUESTIONS) if request.role and request.sub][
        :QUESTIONS
    ]
    callers = asked[::size]
    return [
        [request._replace(sub=caller.sub, role=caller.role) for request in asked[start : start + size]]
        for caller, start in zip(callers, range(0, len(asked), size), strict=True)
    ]


def _name(size: int) -> str:
    return "single" if size == 1 else f"batches of {size}"


def ours(batch: Batch) -> dict[str, Any]:
    """A batch as AuthZEN asks."""
    subject = {"type": "user", "id": batch[0].sub, "properties": {"role": batch[0].role}}
    items = [
        {"action": {"name": request.act}, "resource": {"type": "route", "id": request.obj}}
        for request in batch
    ]
    return {"subject": subject, **items[0]} if len(items) == 1 else {"subject": subject, "evaluations": items}


def theirs(batch: Batch) -> dict[str, Any]:
    """A batch as CheckResources asks."""
    return {
        "requestId": "benchmark",
        "principal": {"id": batch[0].sub, "roles": [batch[0].role]},
        "resources": [
            {"resource": {"kind": kind(request.template), "id": request.obj}, "actions": [request.act]}
            for request in batch
        ],
    }


def kind(template: str) -> str:
    """A path template as Cerbos may name a kind of resource."""
    return template.strip("/*").replace("{", "").replace("}", "")


def write_cerbos(rules: int, directory: Path) -> None:
    """The rules of the workload as resource policies, one file a template; inherited roles are written out."""
    heirs: dict[str, list[str]] = {}
    for heir, role in workload.links(rules):
        heirs.setdefault(role, []).append(heir)

    def holders(role: str) -> list[str]:
        return [role, *(name for heir in heirs.get(role, ()) for name in holders(heir))]

    granted = sorted(workload.grants(rules), key=lambda grant: grant.obj)
    for number, (template, grants) in enumerate(groupby(granted, key=lambda grant: grant.obj)):
        written = [
            {
                "actions": [grant.act],
                "effect": f"EFFECT_{grant.eft.upper()}",
                "roles": ["*"] if grant.role in {"everyone", "authenticated"} else holders(grant.role),
            }
            for grant in grants
        ]
        policy = {
            "apiVersion": "api.cerbos.dev/v1",
            "resourcePolicy": {"resource": kind(template), "version": "default", "rules": written},
        }
        (directory / f"policy-{number}.json").write_text(json.dumps(policy), encoding="utf-8")


@contextmanager
def _cerbos(binary: Path, rules: int, home: Path) -> Iterator[str]:
    policies = home / "policies"
    policies.mkdir()
    write_cerbos(rules, policies)
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        web, grpc = one.getsockname()[1], other.getsockname()[1]
    configuration = {
        "server": {"httpListenAddr": f"127.0.0.1:{web}", "grpcListenAddr": f"127.0.0.1:{grpc}"},
        "storage": {"driver": "disk", "disk": {"directory": str(policies), "watchForChanges": False}},
        "telemetry": {"disabled": True},
    }
    (home / "cerbos.json").write_text(json.dumps(configuration), encoding="utf-8")
    with (home / "cerbos.log").open("wb") as log:
        command = [str(binary), "server", f"--config={home / 'cerbos.json'}", "--log-level=error"]
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, "CERBOS_NO_TELEMETRY": "1"}
        )
    try:
        _wait(web, process, home / "cerbos.log")
        yield f"http://127.0.0.1:{web}"
    finally:
        process.terminate()
        process.wait(20)


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 600
    while process.poll() is None and time.monotonic() < until:
        try:
            if _post(port, "/api/check/resources", theirs(questions(20, 1)[0]), "")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise WrongServerError(f"Cerbos does not start: {log.read_text(errors='replace')[-2_000:]}")


def _post(port: int, path: str, body: Any, token: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def agree(urls: dict[str, str], batches: list[Batch], policy: Policy, token: str) -> None:
    """All of ``urls`` give the right answer to the first questions: else their speed means nothing."""
    for batch in batches[: 200 // len(batches[0])]:
        right = [
            policy.decide(sub=each.sub, role=each.role, obj=each.obj, act=each.act).allowed for each in batch
        ]
        for side, url in urls.items():
            port = int(url.rpartition(":")[2])
            body = ours(batch) if side == "sekisho" else theirs(batch)
            status, answer = _post(port, PATHS[side, len(batch)], body, token)
            if status != 200 or _decisions(answer, batch) != right:
                raise WrongServerError(f"{side} answers {status} {answer!r:.500} where {right} is right")


def _decisions(answer: Any, batch: Batch) -> list[bool]:
    if "decision" in answer:
        return [answer["decision"]]
    if "evaluations" in answer:
        return [item["decision"] for item in answer["evaluations"]]
    effects = zip(answer["results"], batch, strict=True)
    return [result["actions"][request.act] == "EFFECT_ALLOW" for result, request in effects]


def _requests(side: str, batches: list[Batch], token: str, home: Path) -> Path:
    """The bodies for ``wrk``, one a line, behind a line with the token (Cerbos asks for none)."""
    path = home / f"{side}-{len(batches[0])}.jsonl"
    bodies = [json.dumps(ours(batch) if side == "sekisho" else theirs(batch)) for batch in batches]
    path.write_text("\n".join([token if side == "sekisho" else "", *bodies]) + "\n", encoding="utf-8")
    return path


def _rounds(urls: dict[str, str], requests: dict[str, Path], size: int, effort: Effort) -> dict[str, Any]:
    seen: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for number in range(effort.rounds):
        for side in SIDES if number % 2 else reversed(SIDES):
            seen[side].append(_wrk(urls[side] + PATHS[side, size], requests[side], effort.seconds))
    rates = {side: [size * each["requests"] / each["seconds"] for each in seen[side][1:]] for side in SIDES}
    figures: dict[str, Any] = {
        side: {
            "per_second": median(rates[side]),
            "p50_ms": median(each["p50_ms"] for each in seen[side][1:]),
            "p99_ms": median(each["p99_ms"] for each in seen[side][1:]),
        }
        for side in SIDES
    }
    figures["ratio"] = median(a / b for a, b in zip(rates["sekisho"], rates["cerbos"], strict=True))
    return figures


def _wrk(url: str, requests: Path, seconds: int) -> dict[str, float]:
    script = Path(__file__).parent / "service" / "post.lua"
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "60s", "-s", str(script), url]
    done = subprocess.run([*command, "--", str(requests)], capture_output=True, text=True, check=True)
    report: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    if report["not_2xx"] or report["failed"]:
        raise WrongServerError(f"{url} failed under load: {report}")
    return report
