"""The results as a page: goals first, then every table, then how it was measured."""

from collections.abc import Iterator
from typing import Any

from benchmarks import served
from benchmarks.decisions import OURS
from benchmarks.engines import ENGINES
from benchmarks.goals import verdicts
from benchmarks.tables import table

INTRODUCTION = """\
Written by `make bench`; the raw figures are in [results.json](results.json), what they mean and how they are taken is
in [docs/performance.md](../docs/performance.md). In-process costs are processor seconds of the engine's process."""


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
        *(served.start(results["start"]) if "start" in results else ()),
        *(_imports(results["imports"]) if "imports" in results else ()),
        *(
            served.service(results["service"], results.get("decision_log", "not recorded"))
            if "service" in results
            else ()
        ),
        *(served.authzen(results["authzen"]) if "authzen" in results else ()),
        *(served.reload(results["reload"]) if "reload" in results else ()),
        *(served.lock_outs(results["lock-outs"]) if "lock-outs" in results else ()),
        *(served.revocations(results["revocations"]) if "revocations" in results else ()),
        *(served.replicas(results["replicas"]) if "replicas" in results else ()),
        *(served.log(results["log"]) if "log" in results else ()),
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
        yield table(("promise", "measured", "goal", "met"), rows)


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
                f"**{entry.label}**" if name in OURS else entry.label,
                *(_micro(figures["sizes"][size].get(name, {}), kind) for size in sizes),
            )
            for name, entry in ENGINES.items()
        ]
        yield f"{what}. Microseconds a decision, by number of rules:"
        yield table(heads, rows)
    rows = [
        (entry.label, *(_load(figures["sizes"][size].get(name, {})) for size in sizes))
        for name, entry in ENGINES.items()
    ]
    yield (
        "Loading the same policy in a fresh process, first decision included, and what stays resident above the "
        "imports in MiB:"
    )
    yield table(heads, rows)
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
    yield table(("engine", f"{growth['few']} rules", f"{growth['many']:,} rules", "ratio"), rows)


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
    yield table(("function", "pattern", "ms", "its worst path begins"), rows)


def _edits(figures: dict[str, Any]) -> Iterator[str]:
    yield "## What an edit changes"
    yield (
        "`rbac diff` of two documents that differ in one line, without known routes; seconds, the documents read. Of 48 "
        f"rules whose matcher ties six words together it took {figures['tied_seconds']:.2f} s."
    )
    sizes = figures["sizes"]
    kinds = next(iter(sizes.values()))
    rows = [(kind, *(f"{edits[kind]:.2f}" for edits in sizes.values())) for kind in kinds]
    asked = figures.get("asked", {})
    rows += [
        (f"`rbac {question}`", *(f"{each[question]:.2f}" for each in asked.values()))
        for question in next(iter(asked.values()), ())
    ]
    yield table(("", *(f"{int(rules):,} rules" for rules in sizes)), rows)


def _imports(figures: dict[str, Any]) -> Iterator[str]:
    yield "## Imports"
    yield "Processor milliseconds above Python alone, each in a process of its own; medians, the kinds in turns."
    rows = [
        (f"`{name}`", f"{each['ms']:.0f}", f"{each['over_casbin']:.2f}")
        for name, each in figures["started"].items()
    ]
    yield table(("", "ms", "over `import casbin`"), rows)


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
    yield table(("", "seconds", "over stock", "resident above imports", "at its highest"), rows)


def _machine(facts: dict[str, str]) -> Iterator[str]:
    yield "## Where and with what"
    yield table(("", ""), list(facts.items()))


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
