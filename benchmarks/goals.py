"""What the figures have to reach, and whether these do."""

from collections.abc import Iterator
from typing import Any, NamedTuple


class Verdict(NamedTuple):
    """One promise: what was measured, the bound, and whether it holds."""

    promise: str
    measured: str
    goal: str
    met: bool


def verdicts(results: dict[str, Any]) -> list[Verdict]:
    """A row for every promise whose section was run."""
    return [
        *(_decisions(results["decisions"]) if "decisions" in results else ()),
        *(_paths(results["paths"]) if "paths" in results else ()),
        *(_loading(results["load"]) if "load" in results else ()),
        *(_edits(results["edits"]) if "edits" in results else ()),
        *(
            _service(results["service"])
            if "service" in results and "unable" not in results["service"]
            else ()
        ),
        *(_log(results["log"]) if "log" in results else ()),
        *(_reload(results["reload"]) if "reload" in results else ()),
        *(_lock_outs(results["lock-outs"]) if "lock-outs" in results else ()),
        *(
            _authzen(results["authzen"])
            if "authzen" in results and "unable" not in results["authzen"]
            else ()
        ),
    ]


def _decisions(figures: dict[str, Any]) -> Iterator[Verdict]:
    rules = max((size for size in map(int, figures["sizes"]) if size <= 100_000), default=0)
    at = figures["sizes"][str(rules)]
    for name, label in (("policy", "`Policy`"), ("indexed", "`IndexedEnforcer`")):
        for kind, what in (("last", "the last rule"), ("none", "no rule"), ("mix", "random mix")):
            figure = at[name][f"{kind}_over_trie"]
            cost = at[name][f"{kind}_us"]
            promise = f"one decision, {rules:,} rules, {what}, {label}"
            yield Verdict(
                promise, f"{figure:.2f} x the trie ({cost:.2f} µs)", "≤ 4 x a hand-written trie", figure <= 4
            )
        grown = figures["growth"][name]["ratio"]
        promise = f"{figures['growth']['many']:,} rules over {figures['growth']['few']}, the same 100 asked, {label}"
        yield Verdict(promise, f"{grown:.2f} x", "≤ 1.5 x", grown <= 1.5)


def _paths(figures: dict[str, Any]) -> Iterator[Verdict]:
    for function, patterns in figures.items():
        pattern, worst = max(patterns.items(), key=lambda each: float(each[1]["ms"]))
        promise = f"one decision about the worst path of 8 KiB, every pattern of `{function}`"
        yield Verdict(promise, f"{worst['ms']:.2f} ms (`{pattern}`)", "≤ 1 ms", worst["ms"] <= 1)


def _loading(figures: dict[str, Any]) -> Iterator[Verdict]:
    ours, rules = figures["policy"], f"{figures['rules']:,} rules"
    promise = f"loading {rules} strictly, ready to decide"
    measured = f"{ours['over_stock']:.2f} x ({ours['seconds']:.2f} s)"
    yield Verdict(promise, measured, "≤ 3 x stock's plain load", ours["over_stock"] <= 3)
    yield Verdict(
        f"resident above the imports, {rules}", f"{ours['mib']:.0f} MiB", "≤ 150 MiB", ours["mib"] <= 150
    )
    seconds = figures["lint_seconds"]
    yield Verdict(f"`lint` of {rules}", f"{seconds:.2f} s", "≤ 5 s", seconds <= 5)


def _edits(figures: dict[str, Any]) -> Iterator[Verdict]:
    rules = max(map(int, figures["sizes"]))
    name, seconds = max(figures["sizes"][str(rules)].items(), key=lambda each: float(each[1]))
    promise = f"`rbac diff` of a one-line edit, {rules:,} rules"
    yield Verdict(promise, f"{seconds:.2f} s ({name})", "≤ 5 s", seconds <= 5)
    tied = figures["tied_seconds"]
    yield Verdict("the same, 48 rules whose matcher ties six words", f"{tied:.2f} s", "≤ 1 s", tied <= 1)


def _service(figures: dict[str, Any]) -> Iterator[Verdict]:
    for key, promise, goal in (
        ("sekisho 10000", "a protected endpoint, 10,000 rules", 0.90),
        ("sekisho 10000, every token new", "the same, every token new to the service", 0.65),
    ):
        if key in figures:
            share = figures[key]["over_plain"]
            yield Verdict(promise, f"{share:.2f}", f"≥ {goal:.2f} of plain FastAPI", share >= goal)


def _log(figures: dict[str, Any]) -> Iterator[Verdict]:
    ours, others = figures["request_path"], figures["python_json_logger"]
    measured = f"{ours:.1f} µs ({others / ours:.1f} x less than python-json-logger)"
    yield Verdict("one decision logged, on the request's path", measured, "≤ 3 µs", ours <= 3)


def _reload(figures: dict[str, Any]) -> Iterator[Verdict]:
    for name, each in figures["loads"].items():
        promise = f"reload of {figures['rules']:,} rules under load, p99 of the requests meanwhile, {name}"
        measured = f"{each['ratio']:.2f} x ({each['reloading']['p99_ms']:.1f} ms)"
        yield Verdict(promise, measured, "≤ 3 x without reloads", each["ratio"] <= 3)


def _lock_outs(figures: dict[str, Any]) -> Iterator[Verdict]:
    seconds = figures["10000"]["seconds"]
    yield Verdict("an edit in force, 10,000 people locked out", f"{seconds:.2f} s", "≤ 1 s", seconds <= 1)


def _authzen(figures: dict[str, Any]) -> Iterator[Verdict]:
    for key, each in figures.items():
        if key.startswith("1000 rules"):
            measured = f"{each['ratio']:.1f} x ({each['sekisho']['per_second']:,.0f}/s)"
            promise = f"AuthZEN evaluations, one worker, {key.replace('1000', '1,000')}"
            yield Verdict(promise, measured, "≥ 3 x Cerbos", each["ratio"] >= 3)
