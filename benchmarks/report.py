"""The results as a page: goals first, then every table, then how it was measured."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.engines import ENGINES
from benchmarks.goals import verdicts
from benchmarks.service.load import CONNECTIONS

INTRODUCTION = """\
Written by `make bench`; the raw figures are in [results.json](results.json), what they mean and how they are taken is
in [docs/performance.md](../docs/performance.md). In-process costs are processor seconds of the engine's process."""

SERVICE_NAMES = {
    "plain": "plain FastAPI, no authorization",
    "plain-without-telemetry": "plain FastAPI, its telemetry off, as ours is",
    "starlette": "bare Starlette, no authorization",
    "sekisho": "**Sekisho**",
    "sekisho-without-log": "Sekisho, decision log off",
    "cloudauth": "fastapi-cloudauth, role check written in code",
    "cloudauth-casbin": "fastapi-cloudauth with stock Casbin",
    "fastapi-authz": "fastapi-authz",
}


def page(results: dict[str, Any]) -> str:
    """All of ``results.md``."""
    parts = [
        "# Benchmarks",
        INTRODUCTION,
        *_goals(results),
        *(_decisions(results["decisions"]) if "decisions" in results else ()),
        *(_paths(results["paths"]) if "paths" in results else ()),
        *(_loading(results["load"]) if "load" in results else ()),
        *(_edits(results["edits"]) if "edits" in results else ()),
        *(
            _service(results["service"], results.get("decision_log", "not recorded"))
            if "service" in results
            else ()
        ),
        *(_authzen(results["authzen"]) if "authzen" in results else ()),
        *(_reload(results["reload"]) if "reload" in results else ()),
        *(_lock_outs(results["lock-outs"]) if "lock-outs" in results else ()),
        *(_log(results["log"]) if "log" in results else ()),
        *_machine(results["machine"] | results.get("taken", {})),
    ]
    return "\n\n".join(parts) + "\n"


def _goals(results: dict[str, Any]) -> Iterator[str]:
    rows = [
        (each.promise, each.measured, each.goal, "yes" if each.met else "**no**")
        for each in verdicts(results)
    ]
    if rows:
        yield "## Goals"
        if results.get("quick"):
            yield "A quick run, with smaller policies and fewer rounds than the goals ask for: does everything work?"
        yield _table(("promise", "measured", "goal", "met"), rows)


def _decisions(figures: dict[str, Any]) -> Iterator[str]:
    sizes = list(figures["sizes"])
    heads = ("engine", *(f"{int(size):,}" for size in sizes))
    yield "## One decision"
    yield "![Cost of one decision against the number of rules](results.svg)"
    for kind, what in (
        ("mix", "A random mix over the whole policy, a little over half of it refused"),
        ("last", "The worst case: the request that only the last rule meets"),
        ("none", "The worst case: a known caller, and a path that no rule meets"),
    ):
        rows = [
            (
                f"**{entry.label}**" if name in {"policy", "indexed"} else entry.label,
                *(_micro(figures["sizes"][size].get(name, {}), kind) for size in sizes),
            )
            for name, entry in ENGINES.items()
        ]
        yield f"{what}. Microseconds a decision, by number of rules:"
        yield _table(heads, rows)
    rows = [
        (entry.label, *(_load(figures["sizes"][size].get(name, {})) for size in sizes))
        for name, entry in ENGINES.items()
    ]
    yield (
        "Loading the same policy in a fresh process, first decision included, and what stays resident above the "
        "imports in MiB:"
    )
    yield _table(heads, rows)
    unable = [
        f"- {ENGINES[name].label}, {int(size):,} rules: {each['unable']}"
        for size, engines in figures["sizes"].items()
        for name, each in engines.items()
        if "unable" in each
    ]
    if unable:
        yield "Not measured:"
        yield "\n".join(unable)
    yield from _growth(figures["growth"])
    yield "What each engine is given:"
    yield "\n".join(f"- {entry.label}: {entry.note}." for entry in ENGINES.values())


def _growth(growth: dict[str, Any]) -> Iterator[str]:
    yield f"Growth: one request for each of the same {growth['few']} rules, alone and as part of {growth['many']:,}."
    rows = [
        (
            ENGINES[name].label,
            f"{each['few_us']:.2f} µs",
            f"{each['many_us']:.2f} µs",
            f"{each['ratio']:.2f} x",
        )
        for name, each in growth.items()
        if isinstance(each, dict)
    ]
    yield _table(("engine", f"{growth['few']} rules", f"{growth['many']:,} rules", "ratio"), rows)


def _paths(figures: dict[str, Any]) -> Iterator[str]:
    yield "## The worst path"
    yield (
        "One decision by a policy of one rule, about the path of 8 KiB that costs most among those that repeat what "
        "patterns are made of. Milliseconds of processor time."
    )
    rows = [
        (function, f"`{pattern.replace('|', chr(92) + '|')}`", f"{each['ms']:.3f}", f"`{each['path']}`")
        for function, patterns in figures.items()
        for pattern, each in patterns.items()
    ]
    yield _table(("function", "pattern", "ms", "its worst path begins"), rows)


def _edits(figures: dict[str, Any]) -> Iterator[str]:
    yield "## What an edit changes"
    yield (
        "`rbac diff` of two documents that differ in one line, without known routes; seconds, the documents read. Of 48 "
        f"rules whose matcher ties six words together it took {figures['tied_seconds']:.2f} s."
    )
    rows = [
        (f"{int(rules):,}", *(f"{seconds:.2f}" for seconds in edits.values()))
        for rules, edits in figures["sizes"].items()
    ]
    yield _table(("rules", *next(iter(figures["sizes"].values()))), rows)


def _loading(figures: dict[str, Any]) -> Iterator[str]:
    yield "## Loading"
    yield (
        f"{figures['rules']:,} rules, every load in a fresh process, the sides in alternating rounds. `Policy.load` "
        "reads strictly and keeps the line of every rule; stock reads as it always does. `lint` took "
        f"{figures['lint_seconds']:.2f} s and found {figures['lint_problems']} problems."
    )
    rows = [
        (
            ENGINES[side].label,
            f"{each['seconds']:.2f} s",
            f"{each['over_stock']:.2f} x",
            f"{each['mib']:.0f} MiB",
            f"{each['peak_mib']:.0f} MiB",
        )
        for side, each in figures.items()
        if isinstance(each, dict)
    ]
    yield _table(("", "seconds", "over stock", "resident above imports", "at its highest"), rows)


def _spread(middle: float, ratios: Sequence[float]) -> str:
    """A median, and between which values the others lie."""
    digits = 2 if middle > 0.1 else 3
    if len(ratios) < 2:
        return f"{middle:.{digits}f}"
    return f"{middle:.{digits}f} ({min(ratios):.{digits}f} to {max(ratios):.{digits}f})"


def _service(figures: dict[str, Any], log: str) -> Iterator[str]:
    yield "## The service"
    if "unable" in figures:
        yield f"Not measured: {figures['unable']}."
        return
    yield (
        f"`wrk`, {CONNECTIONS} connections, one uvicorn worker with uvloop and httptools; the same endpoint behind "
        "each. Every row takes turns with plain FastAPI, right before or after it and with the same tokens sent: `of "
        "plain` is the median, lowest and highest of the ratios of requests a second. "
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
                f"{each['p50_ms']:.1f}",
                f"{each['p99_ms']:.1f}",
            )
        )
    yield _table(("", "rules", "token", "requests/s", "of plain", "p50 ms", "p99 ms"), rows)


def _authzen(figures: dict[str, Any]) -> Iterator[str]:
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
    yield _table(heads, rows)


def _reload(figures: dict[str, Any]) -> Iterator[str]:
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
    yield _table(("", "requests", "a second", "p50 ms", "p99 ms", "longest ms", "ratio", "reload"), rows)


def _lock_outs(figures: dict[str, Any]) -> Iterator[str]:
    yield "## An edit with many people locked out"
    yield (
        "Seconds from the save of one more `p, <sub>, /*, *, deny` to the first decision by it: noticed, read, linted "
        "against the service's routes, asked all policy tests, and swapped. Every second person has a role link besides."
    )
    rows = [
        (f"{int(people):,}", f"{each['seconds']:.2f}", str(each["tests"])) for people, each in figures.items()
    ]
    yield _table(("people locked out", "seconds", "policy tests"), rows)


def _log(figures: dict[str, Any]) -> Iterator[str]:
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
    yield _table(("", "µs", "over ours on the path"), rows)


def _machine(facts: dict[str, str]) -> Iterator[str]:
    yield "## Where and with what"
    yield _table(("", ""), list(facts.items()))


def _micro(figures: dict[str, Any], kind: str) -> str:
    if f"{kind}_us" not in figures:
        return "not measured"
    figure = figures[f"{kind}_us"]
    return f"{figure:,.2f}" if figure < 100 else f"{figure:,.0f}"


def _load(figures: dict[str, Any]) -> str:
    if "seconds" not in figures:
        return "not measured"
    seconds = figures["seconds"]
    return (
        f"{seconds:.3f} s, {figures['mib']:,.0f}"
        if seconds < 1
        else f"{seconds:.1f} s, {figures['mib']:,.0f}"
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [
        heads,
        ["---", *["---:"] * (len(heads) - 1)] if heads[0] != "promise" else ["---"] * len(heads),
        *rows,
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
