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
        *(_revocations(results["revocations"]) if "revocations" in results else ()),
        *(_replicas(results["replicas"]) if "replicas" in results else ()),
        *(_start(results["start"]) if "start" in results else ()),
        *(_imports(results["imports"]) if "imports" in results else ()),
        *(
            _authzen(results["authzen"])
            if "authzen" in results and "unable" not in results["authzen"]
            else ()
        ),
    ]


# What a quiet machine may take, over the 78 ms that it takes to import casbin: 90, 300 and 600 ms.
_IMPORTS = {
    "rbac": ("`import rbac`", 1.15),
    "help": ("`rbac --help`", 3.8),
    "app.main": ("`import app.main`", 7.7),
}


def _imports(figures: dict[str, Any]) -> Iterator[Verdict]:
    for name, (what, bound) in _IMPORTS.items():
        each = figures["started"][name]
        measured = f"{each['over_casbin']:.2f} x ({each['ms']:.0f} ms)"
        yield Verdict(what, measured, f"≤ {bound:g} x `import casbin`", each["over_casbin"] <= bound)


def _decisions(figures: dict[str, Any]) -> Iterator[Verdict]:
    rules = max((size for size in map(int, figures["sizes"]) if size <= 100_000), default=0)
    at = figures["sizes"][str(rules)]
    for name, label, goal in _DOORS:
        if name not in at:  # measured before it was
            continue
        for kind, what in (("last", "the last rule"), ("none", "no rule"), ("mix", "random mix")):
            figure = at[name][f"{kind}_over_trie"]
            cost = at[name][f"{kind}_us"]
            promise = f"one decision, {rules:,} rules, {what}, {label}"
            measured = f"{figure:.2f} x the trie ({cost:.2f} µs)"
            yield Verdict(promise, measured, f"≤ {goal} x a hand-written trie", figure <= goal)
        grown = figures["growth"][name]["ratio"]
        promise = f"{figures['growth']['many']:,} rules over {figures['growth']['few']}, the same 100 asked, {label}"
        yield Verdict(promise, f"{grown:.2f} x", "≤ 1.5 x", grown <= 1.5)


_DOORS = (
    ("policy", "`Policy.decide_request`", 2),
    ("keywords", "`Policy.decide`", 4),
    ("indexed", "`IndexedEnforcer.enforce`", 2),
)


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


def _start(figures: dict[str, Any]) -> Iterator[Verdict]:
    for workers, words, bound in (("1", "one worker", 2), ("4", "four workers on two processors", 3)):
        each = figures["workers"][workers]
        promise = f"start to the first answer, {figures['rules']:,} rules, {words}"
        measured = f"{each['ratio']:.2f} x ({each['seconds']:.2f} s)"
        yield Verdict(promise, measured, f"≤ {bound} x loading and judging them once", each["ratio"] <= bound)


def _edits(figures: dict[str, Any]) -> Iterator[Verdict]:
    rules = max(map(int, figures["sizes"]))
    name, seconds = max(figures["sizes"][str(rules)].items(), key=lambda each: float(each[1]))
    promise = f"`rbac diff` of a one-line edit, {rules:,} rules"
    yield Verdict(promise, f"{seconds:.2f} s ({name})", "≤ 5 s", seconds <= 5)
    tied = figures["tied_seconds"]
    yield Verdict("the same, 48 rules whose matcher ties six words", f"{tied:.2f} s", "≤ 1 s", tied <= 1)


def _service(figures: dict[str, Any]) -> Iterator[Verdict]:
    for key, promise, goal, tail in (
        *((f"sekisho {rules}", f"a protected endpoint, {rules:,} rules", 0.90, 1.3) for rules in _RULES),
        ("sekisho 10000, every token new", "the same, every token new to the service", 0.65, 2.0),
        ("sekisho-hundred 10000", "a random endpoint among a hundred", 1.5, 1.3),
        ("sekisho-github 10000", "a random endpoint of GitHub's 1,015", 5.0, 1.3),
    ):
        if key in figures:
            share = figures[key]["over_plain"]
            yield Verdict(promise, f"{share:.2f}", f"≥ {goal:.2f} of plain FastAPI", share >= goal)
            slow = figures[key].get("p99_over_plain")
            if slow is not None:
                yield Verdict(f"{promise}, p99", f"{slow:.2f} x", f"≤ {tail:.1f} x", slow <= tail)
    if "sekisho-first 10000" in figures:
        apart = abs(figures["sekisho-first 10000"]["over_plain"] - 1)
        yield Verdict("first and last in the router's table", f"{apart:.1%} apart", "≤ 2 %", apart <= 0.02)
    if "sekisho-two-workers 10000" in figures:
        grown = figures["sekisho-two-workers 10000"]["over_plain"]
        yield Verdict("two workers", f"{grown:.2f} x one", "≥ 1.8 x", grown >= 1.8)


_RULES = (20, 1_000, 10_000, 100_000)


def _log(figures: dict[str, Any]) -> Iterator[Verdict]:
    ours, others = figures["request_path"], figures["python_json_logger"]
    measured = f"{ours:.1f} µs ({others / ours:.1f} x less than python-json-logger)"
    yield Verdict("one decision logged, on the request's path", measured, "≤ 3 µs", ours <= 3)
    beside = figures["writer"]
    yield Verdict("the same, in the log's thread", f"{beside:.1f} µs", "≤ 5 µs", beside <= 5)


def _reload(figures: dict[str, Any]) -> Iterator[Verdict]:
    for name, each in figures["loads"].items():
        promise = f"reload of {figures['rules']:,} rules under load, p99 of the requests meanwhile, {name}"
        measured = f"{each['ratio']:.2f} x ({each['reloading']['p99_ms']:.1f} ms)"
        yield Verdict(promise, measured, "≤ 3 x without reloads", each["ratio"] <= 3)


def _lock_outs(figures: dict[str, Any]) -> Iterator[Verdict]:
    people = max(map(int, figures))
    seconds = figures[str(people)]["seconds"]
    yield Verdict(
        f"an edit in force, {people:,} people locked out", f"{seconds:.2f} s", "≤ 1 s", seconds <= 1
    )


def _revocations(figures: dict[str, Any]) -> Iterator[Verdict]:
    measured = f"{figures['ratio']:.3f} x ({figures['with_us']:.1f} µs)"
    promise = f"a protected endpoint, {figures['rows']:,} others sent away"
    yield Verdict(promise, measured, "≤ 1.02 x with nobody sent away", figures["ratio"] <= 1.02)


def _replicas(figures: dict[str, Any]) -> Iterator[Verdict]:
    promise = (
        f"a publication decided by on {figures['replicas']} replicas of {figures['workers']} workers, p99"
    )
    seconds = figures["p99_ms"] / 1000
    yield Verdict(promise, f"{seconds:.2f} s", "≤ 1 s", seconds <= 1)
    publish = figures["publish"]
    wrong = figures["wrong"] + publish["wrong"]
    answers = figures["answers"] + publish["answers"]
    yield Verdict("answers by no version that was current", f"{wrong} of {answers:,}", "0", wrong == 0)
    lost = figures["races"]["lost"]
    yield Verdict(
        "publications lost in races of two", f"{lost} of {2 * figures['races']['rounds']}", "0", lost == 0
    )
    promise = f"`rbac publish` of {publish['rules']:,} rules"
    yield Verdict(promise, f"{publish['seconds']:.1f} s", "≤ 10 s", publish["seconds"] <= 10)
    measured = f"{publish['ratio']:.2f} x ({publish['p99_ms']:.1f} ms)"
    yield Verdict(
        f"{promise}, p99 of the replicas' answers meanwhile", measured, "≤ 3 x", publish["ratio"] <= 3
    )


def _authzen(figures: dict[str, Any]) -> Iterator[Verdict]:
    for key, each in figures.items():
        goal = _OVER_CERBOS[key]
        measured = f"{each['ratio']:.1f} x ({each['sekisho']['per_second']:,.0f}/s)"
        promise = f"AuthZEN evaluations, one worker, {key.replace('1000', '1,000')}"
        yield Verdict(promise, measured, f"≥ {goal} x Cerbos", each["ratio"] >= goal)


_OVER_CERBOS = {
    "20 rules, single": 2,
    "20 rules, batches of 50": 2,
    "1000 rules, single": 4,
    "1000 rules, batches of 50": 10,
}
