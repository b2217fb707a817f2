"""The longest path that is decided about, made to be as hard as it can be, against every kind of pattern.

A decision each, by a policy of one rule, so that nothing but the pattern costs anything. The slowest path of each
pattern counts.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rbac import Policy

LENGTH = 8192

MODEL = """[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = {function}(r.obj, p.obj) && r.act == p.act
"""

# `:` and `{` begin a placeholder; the ends keep a path from being met, so that everything is tried.
_COLONS = ("/:a/:b/x", "/:a/*/:b/*/x", "/*/:id", "/*x/:id/y")
_BRACES = ("/{a}-{b}-{c}-{d}/x", "/{a}{b}{c}/x", "/*/{id}", "/*/a{x}b/*/{y}", "/*-{a}/x")
_STARS = (
    "/*",
    "/shops/*/products/*/images/*/thumb",
    "/a*/*b/*a/x",
    "/*/*/*/*/*/x",
    "/(a+)+b",
    "/(a|aa)*b",
)
PATTERNS = {
    "keyMatch": ("/*", "/a/*"),
    "keyMatch2": (*_STARS, *_COLONS),
    "keyMatch3": (*_STARS, *_BRACES),
    "keyMatch4": (*_STARS[:4], *_BRACES, "/{a}/*/{a}/*/x", "/{a}-{b}-{a}-{c}/x"),
    "keyMatch5": (*_STARS, *_BRACES),
    "regexMatch": (
        "^/.*a.*b.*c.*d$",
        "^(a+)+$",
        "^/([^/]+/)*x$",
        "^(/a|/b|/a/b)*/x$",
        "^/(a|b)*a(a|b){12}c$",
    ),
}
_UNITS = ("/a", "/", "a", "-", "a-", "/products/x/images", "ab", "/b-", "aab", "x", "/a/b", "é", "ж", "/ж")
_HEADS = ("/", "/a/", "/shops/x", "/a")
_TAILS = ("", "/", "c", "/x")


@dataclass(frozen=True)
class Effort:
    """How often each path is asked about."""

    calls: int = 15


QUICK = Effort(calls=3)
TINY = Effort(calls=1)


def run(scratch: Path, effort: Effort, say: Callable[[str], None]) -> dict[str, Any]:
    """Milliseconds of the worst path of each pattern: ``{function: {pattern: {"ms", "path"}}}``."""
    results: dict[str, Any] = {}
    for function, patterns in PATTERNS.items():
        model = scratch / f"{function}.conf"
        model.write_text(MODEL.format(function=function), encoding="utf-8")
        for number, pattern in enumerate(patterns):
            policy = scratch / f"{function}-{number}.csv"
            policy.write_text(f"p, a, {pattern}, GET\n", encoding="utf-8")
            seconds, path = _worst(Policy.load(model, policy), effort)
            results.setdefault(function, {})[pattern] = {"ms": seconds * 1e3, "path": f"{path[:24]}…"}
        say(
            f"paths: {function}, {max(each['ms'] for each in results[function].values()):.2f} ms at the worst"
        )
    return results


def _worst(policy: Policy, effort: Effort) -> tuple[float, str]:
    return max((_seconds(policy, path, effort.calls), path) for path in paths())


def _seconds(policy: Policy, path: str, calls: int) -> float:
    times = []
    for _ in range(calls):
        start = time.thread_time()
        policy.decide(sub="a", obj=path, act="GET")
        times.append(time.thread_time() - start)
    return median(times)


def paths() -> Iterator[str]:
    """Paths of :data:`LENGTH` bytes that repeat what patterns are made of."""
    for head in _HEADS:
        for tail in _TAILS:
            for unit in _UNITS:
                room = LENGTH - len(head) - len(tail)
                yield head + unit * (room // len(unit.encode())) + tail
