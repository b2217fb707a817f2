"""The parts of the page that are about the service as it runs."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.machine import QUIET
from benchmarks.service.load import CONNECTIONS
from benchmarks.tables import table

SERVICE_NAMES = {
    "plain": "plain FastAPI, no authorization",
    "plain-without-telemetry": "plain FastAPI, its telemetry off, as ours is",
    "starlette": "bare Starlette, no authorization",
    "sekisho": "**Sekisho**",
    "sekisho-first": "Sekisho, an endpoint first in the table",
    "sekisho-last": "Sekisho, the usual one in the same process",
    "sekisho-two-workers": "Sekisho, two workers",
    "plain-hundred": "plain FastAPI, a hundred routes",
    "sekisho-hundred": "**Sekisho**, a hundred routes",
    "plain-github": "plain FastAPI, GitHub's 1,015 routes",
    "sekisho-github": "**Sekisho**, GitHub's 1,015 routes",
    "sekisho-without-log": "Sekisho, decision log off",
    "cloudauth": "fastapi-cloudauth, role check written in code",
    "cloudauth-casbin": "fastapi-cloudauth with stock Casbin",
    "fastapi-authz": "fastapi-authz",
}


def _spread(middle: float, ratios: Sequence[float]) -> str:
    """A median, and between which values the others lie."""
    digits = 2 if middle > 0.1 else 3
    if len(ratios) < 2:
        return f"{middle:.{digits}f}"
    return f"{middle:.{digits}f} ({min(ratios):.{digits}f} to {max(ratios):.{digits}f})"


def start(figures: dict[str, Any]) -> Iterator[str]:
    """How long until it serves."""
    yield "## Starting"
    yield (
        f"`python -m app` with {figures['rules']:,} rules, until every worker serves and one has answered. Processor "
        "seconds, imports included: those of the parent, which judges the document, and those of its workers over two "
        "processors. "
        f"Loading and judging it once, imports left out, takes {figures['once']:.2f} s. No policy tests are "
        f"among it. Medians of {figures['rounds']} rounds."
    )
    rows = [
        (workers, *(f"{each[name]:.2f}" for name in ("parent", "workers", "seconds", "ratio")))
        for workers, each in figures["workers"].items()
    ]
    yield table(
        ("workers", "parent, s", "workers together, s", "to the first answer, s", "over loading once"), rows
    )


def service(figures: dict[str, Any], log: str) -> Iterator[str]:
    """Requests that it answers, beside others."""
    yield "## The service"
    if "unable" in figures:
        yield f"Not measured: {figures['unable']}."
        return
    yield (
        f"`wrk`, {CONNECTIONS} connections, one uvicorn worker with uvloop and httptools; the same endpoint behind "
        "each. Every row takes turns with another, right before or after it and with the same tokens sent: plain FastAPI "
        "as it comes, with as many routes; for the endpoint's place the usual one in the same "
        "process, and for two workers our own usual row. `of plain` is "
        "the median, lowest and highest of the ratios of requests a second; `by processor` is the same of requests for "
        "a processor second of the server, which other programs disturb less; `p99 x` is the ratio of the p99. "
        f"Our decision log: {'written to a file' if log == 'file' else log}."
    )
    rows = []
    for key, each in figures.items():
        name, _, tokens = key.partition(", ")
        app, _, rules = name.partition(" ")
        rows.append(
            (
                SERVICE_NAMES[app],
                f"{int(rules):,}" if rules else "",
                "every one new" if tokens else "the same",
                f"{each['per_second']:,.0f}",
                _spread(each["over_plain"], each.get("ratios", ())),
                f"{each['processor_over_plain']:.2f}" if "processor_over_plain" in each else "",
                f"{each['p50_ms']:.1f}",
                f"{each['p99_ms']:.1f}",
                f"{each['p99_over_plain']:.1f}" if "p99_over_plain" in each else "",
            )
        )
    heads = ("", "rules", "token", "requests/s", "of plain", "by processor", "p50 ms", "p99 ms", "p99 x")
    yield table(heads, rows)
    noisy = sum(each.get("noisy", 0) for each in figures.values())
    if noisy:
        yield f"{noisy} pairs of turns began while other programs took more than {QUIET} of a processor."


def authzen(figures: dict[str, Any]) -> Iterator[str]:
    """Questions of other programs."""
    yield "## The decision point"
    if "unable" in figures:
        yield f"Not measured: {figures['unable']}."
        return
    yield (
        f"`wrk`, {CONNECTIONS} connections, alternating rounds, the same rules and questions. Sekisho answers AuthZEN "
        "with one worker, verifies who asks and logs every decision to a file; Cerbos 0.51 answers CheckResources over "
        "HTTP with no authentication and no audit log, on every processor. `ratio` is the median over the rounds."
    )
    rows = [
        (
            key.replace("1000", "1,000"),
            f"{each['sekisho']['per_second']:,.0f}",
            f"{each['cerbos']['per_second']:,.0f}",
            f"{each['ratio']:.2f} x",
            f"{each['sekisho']['p50_ms']:.1f}",
            f"{each['cerbos']['p50_ms']:.1f}",
        )
        for key, each in figures.items()
    ]
    heads = ("", "Sekisho, evaluations/s", "Cerbos, evaluations/s", "ratio", "p50 ms", "Cerbos p50 ms")
    yield table(heads, rows)


def reload(figures: dict[str, Any]) -> Iterator[str]:
    """Reloads under load."""
    yield "## Reloads under load"
    yield (
        f"The service with {figures['rules']:,} rules, one uvicorn worker, decision log to a file, {CONNECTIONS} "
        "connections; its policy file is replaced again and again, each time by a document that differs in one rule. "
        "Phases with and without reloads alternate. Every answer was checked: none was wrong, none a 5xx, no connection "
        "was lost. `ratio` is the median over the pairs of phases of p99 with reloads over p99 without. `reload` is from "
        "the replaced file to the first answer by it, with lint as the gate."
    )
    rows = [
        (
            f"{name}, {what}",
            f"{each[phase]['requests']:,}",
            f"{each[phase]['per_second']:,.0f}",
            f"{each[phase]['p50_ms']:.1f}",
            f"{each[phase]['p99_ms']:.1f}",
            f"{each[phase]['max_ms']:.0f}",
            f"{each['ratio']:.2f} x" if phase == "reloading" else "",
            f"{each['reloads']} of {each['reload_seconds']:.1f} s" if phase == "reloading" else "",
        )
        for name, each in figures["loads"].items()
        for phase, what in (("quiet", "no reload"), ("reloading", "reloads"))
    ]
    yield table(("", "requests", "a second", "p50 ms", "p99 ms", "longest ms", "ratio", "reload"), rows)


def revocations(figures: dict[str, Any]) -> Iterator[str]:
    """A request while many others are sent away."""
    yield "## A request while many others are sent away"
    yield (
        "The service in one process, without a socket, `GET /protected` with a token that is remembered; "
        f"{figures['rows']:,} rows about people, sessions and clients, none of which meets it, and none at all, in turns. "
        "Processor time; the ratio is the median over the pairs."
    )
    row = (f"{figures['without_us']:.1f}", f"{figures['with_us']:.1f}", f"{figures['ratio']:.3f} x")
    yield table(("without, µs", "with, µs", "ratio"), [row])


def lock_outs(figures: dict[str, Any]) -> Iterator[str]:
    """An edit of a document with many lock-outs."""
    yield "## An edit with many people locked out"
    yield (
        "Seconds from the save of one more `p, <sub>, /*, *, deny` to the first decision by it: noticed, read, linted "
        "against the service's routes, asked all policy tests, and swapped. Every second person has a role link besides."
    )
    rows = [
        (f"{int(people):,}", f"{each['seconds']:.2f}", str(each["tests"])) for people, each in figures.items()
    ]
    yield table(("people locked out", "seconds", "policy tests"), rows)


def replicas(figures: dict[str, Any]) -> Iterator[str]:
    """A publication to many."""
    yield "## Replicas that share a policy in PostgreSQL"
    publish, races = figures["publish"], figures["races"]
    yield (
        f"{figures['publications']} publications of the shipped document to {figures['replicas']} replicas of "
        f"{figures['workers']} workers, PostgreSQL, the publisher and the load all on this machine: milliseconds from the "
        "publication until the last worker decides by it, by the database's clock. Every answer is judged: it must be by a "
        f"version that was current on the way, and no connection goes back. Then {races['rounds']} races of two publishers: "
        f"{races['stored']} stored, {races['told_no']} told no, {races['lost']} lost."
    )
    row = (
        f"{figures['p50_ms']:.0f}",
        f"{figures['p99_ms']:.0f}",
        *(f"{figures[key]:,}" for key in ("answers", "wrong", "cut_off")),
    )
    yield table(("p50 ms", "p99 ms", "answers", "wrong", "cut off"), [row])
    yield (
        f"`rbac publish` of {publish['rules']:,} rules to two replicas of one worker, which are asked all the time: the "
        "99th percentile of the answers before, and from its beginning until both have swapped."
    )
    row = (
        f"{publish['seconds']:.1f}",
        f"{publish['processor_seconds']:.1f}",
        f"{publish['swapped_seconds']:.1f}",
        f"{publish['quiet_p99_ms']:.1f}",
        f"{publish['p99_ms']:.1f}",
        f"{publish['ratio']:.2f} x",
        *(f"{publish[key]:,}" for key in ("answers", "wrong", "cut_off")),
    )
    heads = (
        "published after s",
        "processor s",
        "swapped after s",
        "p99 ms before",
        "p99 ms meanwhile",
        "ratio",
    )
    yield table((*heads, "answers", "wrong", "cut off"), [row])


def log(figures: dict[str, Any]) -> Iterator[str]:
    """A decision that is logged."""
    yield "## One decision logged"
    yield (
        "Microseconds of processor time a decision: what the thread that answers spends, what the log's own thread spends "
        "on the line, and what a logging call with python-json-logger takes for the same members, all to a file."
    )
    ours = figures["request_path"]
    rows = [
        ("Sekisho, on the request's path", f"{ours:.2f}", "1.0 x"),
        ("Sekisho, in the log's thread", f"{figures['writer']:.2f}", f"{figures['writer'] / ours:.1f} x"),
        (
            "python-json-logger, on the request's path",
            f"{figures['python_json_logger']:.2f}",
            f"{figures['python_json_logger'] / ours:.1f} x",
        ),
    ]
    yield table(("", "µs", "over ours on the path"), rows)
