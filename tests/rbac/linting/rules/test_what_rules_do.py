"""What lint says of a rule beside others is so: stock Casbin answers as it says, for everyone who is known."""

from random import Random

import pytest

from rbac.document.document import Document
from rbac.linting.lint import lint
from tests.support.documents import MODEL, stock_enforcer

SHIPPED = MODEL.decode()
AND_DENY = "e = some(where (p.eft == allow)) && !some(where (p.eft == deny))"
PRIORITY = SHIPPED.replace(AND_DENY, "e = priority(p.eft) || deny")
ALLOW_ONLY = SHIPPED.replace(AND_DENY, "e = some(where (p.eft == allow))")
MODELS = {
    "deny wins": SHIPPED,
    "first decides": PRIORITY,
    "allow only": ALLOW_ONLY,
    "other placeholders": SHIPPED.replace("keyMatch3", "keyMatch2"),
    "prefixes": SHIPPED.replace("keyMatch3", "keyMatch"),
    "expressions": SHIPPED.replace("keyMatch3", "regexMatch"),
    "a class of callers": SHIPPED.replace(
        'p.role == "everyone" ||', 'p.role == "everyone" || p.role == "*" ||'
    ),
}
PERSON = "7f3c1e52-1111-4222-8333-444455556666"
ROLES = ("everyone", "authenticated", "user", "admin", "clerk", "guest", PERSON)
PATHS = (
    "/*", "/a", "/a/*", "/a/{id}", "/a/:id", "/a/b", "/a/b/c", "/{x}", "/{x}/c", "/z", "/a.b", "/a/b*", "/z+", "/a|/z",
)  # fmt: skip
ACTS = ("GET", "PUT", "*")
LINKS = ("g, admin, user", "g, user, clerk", f"g, {PERSON}, clerk")
ASKED = (
    "/",
    "/a",
    "/a/",
    "/a/b",
    "/a/b/c",
    "/a/q",
    "/a/q/c",
    "/z",
    "/zz",
    "/z/c",
    "/q",
    "/axb",
    "/a.b",
    "/a/bb",
    "/a/:id",
    "/a/{id}",
    "/a/c",
)
DOES_NOTHING = {
    "pointless-rule",
    "overridden-rule",
    "duplicate-rule",
    "ignored-deny",
    "ignored-allow",
    "idle-deny",
    "unknown-role",
    "never-met",
}


def document(dice: Random) -> list[str]:
    """The lines of a small policy."""
    effects = ("allow", "allow", "deny")
    rules = [
        f"p, {dice.choice(ROLES)}, {dice.choice(PATHS)}, {dice.choice(ACTS)}, {dice.choice(effects)}"
        for _ in range(dice.randrange(2, 8))
    ]
    return [*rules, *dice.sample(LINKS, dice.randrange(len(LINKS) + 1))]


def known_callers(lines: list[str]) -> list[tuple[str, str]]:
    """Nobody, a stranger, everyone of one role that a rule for allowing or a link names, and each person with each."""
    rules = [line.split(", ") for line in lines]
    named = {row[1] for row in rules if row[0] == "g" or row[-1] == "allow"} | {
        row[2] for row in rules if row[0] == "g"
    }
    roles = sorted(named - {"everyone", "authenticated", PERSON})
    return [
        ("", ""),
        ("stranger", ""),
        (PERSON, ""),
        *(("stranger", role) for role in roles),
        *((PERSON, role) for role in roles),
    ]


def answers(model: str, lines: list[str], callers: list[tuple[str, str]]) -> list[bool]:
    enforcer = stock_enforcer(model.encode(), "\n".join(lines).encode())
    return [
        enforcer.enforce(sub, role, path, act)
        for sub, role in callers
        for path in ASKED
        for act in ("GET", "PUT")
    ]


def without(lines: list[str], line: int) -> list[str]:
    return [text for number, text in enumerate(lines, 1) if number != line]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", MODELS)
def test_a_rule_that_lint_says_does_nothing_does_nothing(kind: str, seed: int) -> None:
    dice = Random(f"{kind} {seed}")
    for _ in range(4):
        lines = document(dice)
        callers = known_callers(lines)
        found = lint(Document.parse(MODELS[kind].encode(), "\n".join(lines).encode()))
        idle = sorted({problem.line for problem in found if problem.code in DOES_NOTHING})
        before = answers(MODELS[kind], lines, callers) if idle else []
        for line in idle:
            assert answers(MODELS[kind], without(lines, line), callers) == before, (lines, line)


@pytest.mark.parametrize("seed", range(8))
def test_a_deny_that_takes_nothing_from_anyone_is_told(seed: int) -> None:
    dice = Random(f"denies {seed}")
    for _ in range(4):
        lines = document(dice)
        callers = known_callers(lines)
        without_denies = [text for text in lines if not text.endswith("deny")]
        before = answers(SHIPPED, without_denies, callers)
        told = {problem.line for problem in lint(Document.parse(MODEL, "\n".join(lines).encode()))}
        for line, text in enumerate(lines, 1):
            if text.endswith("deny") and answers(SHIPPED, [*without_denies, text], callers) == before:
                assert line in told, (lines, line)


@pytest.mark.parametrize("seed", range(8))
def test_what_is_said_of_two_rules_is_so(seed: int) -> None:
    """A line that "already allows" or "denies" all that another is about does so on its own, and is not denied itself."""
    dice = Random(f"pairs {seed}")
    for _ in range(5):
        lines = document(dice)
        callers = known_callers(lines)
        links = [line for line in lines if line.startswith("g")]
        for problem in lint(Document.parse(MODEL, "\n".join(lines).encode())):
            if problem.code not in {"pointless-rule", "overridden-rule"}:
                continue
            other = lines[int(problem.message.split("line ")[1].split()[0]) - 1]
            rule = lines[problem.line - 1]
            assert ("denies" in problem.message) is other.endswith("deny"), (lines, problem)
            narrow, wide = (text.rpartition(", ")[0] + ", allow" for text in (rule, other))
            met = answers(SHIPPED, [narrow, *links], callers)
            covered = answers(SHIPPED, [wide, *links], callers)
            assert all(wider for wider, narrower in zip(covered, met, strict=True) if narrower), (
                lines,
                problem,
            )
            if "already allows" in problem.message:
                denied = [f"{text}" for text in lines if text.endswith("deny")]
                for deny in denied:
                    left = answers(SHIPPED, [narrow, deny, *links], callers)
                    assert any(left) or not any(met), (lines, problem, deny)


LONG_LISTS = {
    "stars in the middle": ("deny wins", "/a{}/*/b/*/c", "/b{}/*/b/*/c"),
    "alternatives": ("deny wins", "/a{}/(x|y)+/b", "/b{}/(x|y)+/b"),
    "expressions": ("expressions", "^/a{}/[a-z]+/b$", "^/b{}/[a-z]+/b$"),
    "prefixes": ("prefixes", "/a{}/*", "/b{}/*"),
    "names": ("deny wins", "/a{}/{{id}}", "/b{}/{{id}}"),
}


@pytest.mark.parametrize(("model", "allowed", "denied"), LONG_LISTS.values(), ids=LONG_LISTS)
def test_every_idle_deny_of_a_long_list_is_told(model: str, allowed: str, denied: str) -> None:
    """Half of them take something, and nothing is said of these."""
    rows = [f"p, r{number % 10}, {allowed.format(number)}, GET, allow" for number in range(2_000)]
    rows += [
        f"p, r{number % 10}, {(denied if number % 2 else allowed).format(number)}, *, deny"
        for number in range(0, 2_000, 3)
    ]
    problems = lint(Document.parse(MODELS[model].encode(), "\n".join(rows).encode()))
    told = [problem.line for problem in problems if problem.code == "idle-deny"]
    assert told == [
        line for line, row in enumerate(rows, 1) if row.endswith("deny") and "/b" in row.split(", ")[2][:3]
    ]


def test_a_scope_may_deny_what_another_scope_allows() -> None:
    """A token has several of them; a deny of what nothing allows is idle for scopes as well."""
    rows = (
        "p, scope:read, /orders, GET, allow",
        "p, scope:narrow, /orders, GET, deny",
        "p, scope:narrow, /notes, GET, allow",
        "p, scope:narrow, /order, GET, deny",
    )
    problems = lint(Document.parse(MODELS["deny wins"].encode(), "\n".join(rows).encode()))
    assert [problem.line for problem in problems if problem.code == "idle-deny"] == [4]
