"""What real policies and public reports brought up, each reduced to a small document: `rbac check` says what is so."""

import pytest

from rbac.document.document import check_bytes
from rbac.errors import Problem
from rbac.linting.lint import lint

ALLOW = "some(where (p.eft == allow))"
AND_DENY = "some(where (p.eft == allow)) && !some(where (p.eft == deny))"
BOTH = "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act"
DOMAIN = "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act"


def model(matcher: str, *, r: str = "sub, obj, act", p: str = "", g: str = "g = _, _", e: str = ALLOW) -> str:
    return (
        f"[request_definition]\nr = {r}\n[policy_definition]\np = {p or r}\n[role_definition]\n{g}\n"
        f"[policy_effect]\ne = {e}\n[matchers]\nm = {matcher}\n"
    )


def problems(text: str, *rules: str) -> tuple[Problem, ...]:
    document, found = check_bytes(text.encode(), "\n".join(rules).encode())
    return found if document is None else lint(document)


def told(text: str, *rules: str) -> set[tuple[str, int, str]]:
    return {("model" if p.file == "model.conf" else "policy", p.line, p.code) for p in problems(text, *rules)}


M4D = {"r": "sub, dom, obj, act", "g": "g = _, _, _"}
PUBLIC = '(g(r.sub, p.sub) || p.sub == "public") && keyMatch(r.obj, p.obj) && r.act == p.act'
EVAL = "g(r.sub, p.sub) && r.obj == p.obj && eval(p.rule)"

SAID = {
    "A6": (
        model(PUBLIC, p="sub, obj, act, eft", e=AND_DENY),
        (
            "p, public, /doc/*, read, allow",
            "p, public, /doc/priv/*, read, deny",
            "p, ann, /doc/priv/*, read, allow",
        ),
        ("policy", 3, "overridden-rule"),
    ),
    "C1": (
        model(BOTH, p="sub, obj, act, effect", e=AND_DENY),
        ("p, a, /x, GET, allow", "p, a, /x, GET, deny"),
        ("model", 4, "effect-column"),
    ),
    "C2": (
        model('(p.sub == "*" || g(r.sub, p.sub)) && keyMatch(r.obj, p.obj) && r.act == p.act'),
        ("p, *, */health, GET",),
        ("policy", 1, "ignored-tail"),
    ),
    "C3": (model(f'{BOTH} || p.sub == "public"'), ("p, public, /login, POST",), ("model", 10, "open-way")),
    "C4": (model("g(r.sub, p.sub) && r.act == p.act"), ("p, user, /x, GET",), ("model", 4, "unread-column")),
    "C4, a role definition": (
        model(BOTH, g="g = _, _\ng2 = _, _"),
        ("p, user, /x, GET", "g2, /x, pages"),
        ("model", 7, "unasked-definition"),
    ),
    "C5": (
        model(f'{BOTH} || r.sub in ("root", "admin")'),
        ("p, user, /x, GET",),
        ("model", 10, "allows-by-default"),
    ),
    "C6, a rule": (
        model(BOTH),
        ("p, admin, /a, GET # the front door", "p, user, /a, GET"),
        ("policy", 1, "comment-in-rule"),
    ),
    "C6, a link": (
        model(BOTH),
        ("g, joe, guest # he asked", "p, guest, /a, GET"),
        ("policy", 1, "comment-in-rule"),
    ),
    "C6, a semicolon": (model(BOTH), ("p, u, /a, GET;", "p, v, /a, GET"), ("policy", 1, "comment-in-rule")),
    "C7, in quotes": (
        model(EVAL, p="sub, obj, rule"),
        ('p, ann, data, "r.act in (""get"", ""post"")"',),
        ("policy", 1, "invalid-condition"),
    ),
    "C7, a word in a text": (
        model(EVAL, p="sub, obj, rule"),
        ('p, ann, data, r.act == "r.thing"',),
        ("policy", 1, "operator-in-text"),
    ),
    "C8, a domain": (
        model(DOMAIN, **M4D),
        ("p, admin, t1, /x, GET", "g, root, admin, *"),
        ("policy", 2, "dead-link"),
    ),
    "C8, a pattern": (
        model("g(r.sub, p.sub) && g2(r.obj, p.obj) && r.act == p.act", g="g = _, _\ng2 = _, _"),
        ("p, user, grp, GET", "g2, /items/:id, grp"),
        ("policy", 2, "dead-link"),
    ),
    "C9, braces": (
        model("g(r.sub, p.sub) && keyMatch2(r.obj, p.obj) && r.act == p.act"),
        ("p, user, /a/{id}, GET",),
        ("policy", 1, "foreign-placeholder"),
    ),
    "C9, a colon": (
        model("g(r.sub, p.sub) && keyMatch3(r.obj, p.obj) && r.act == p.act"),
        ("p, user, /a/:id, GET",),
        ("policy", 1, "foreign-placeholder"),
    ),
    "C10, an empty column": (model(BOTH), ("p, u, , GET", "p, u, /x, GET"), ("policy", 1, "impossible-path")),
    "C10, p2 and m2": (
        model(f"{BOTH}\nm2 = g(r.sub, p2.sub)", p="sub, obj, act\np2 = sub, act"),
        ("p, u, /x, GET",),
        ("model", 5, "unasked-definition"),
    ),
}
SILENT = {
    "C7, the other way round": (
        model('g(r.sub, p.sub) && r.obj == p.obj && (p.cond == "" || eval(p.cond))', p="sub, obj, cond"),
        ("p, ann, /data, ", 'p, ann, /other, r.act == "get"'),
    ),
    "C8, every domain by the matcher": (
        model(DOMAIN.replace("g(r.sub, p.sub, r.dom)", '(g(r.sub, p.sub, r.dom) || g(r.sub, p.sub, "*"))'), **M4D),
        ("p, admin, t1, /x, GET", "g, root, admin, *"),
    ),
    "D, another column restricts the rule": (
        model(DOMAIN.replace("r.obj == p.obj", "keyMatch(r.obj, p.obj)").replace("r.act == p.act", '(p.act == "*" || r.act == p.act)'), **M4D),
        ("p, keeper, t1, /*, *", "g, joe, keeper, t1"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", SAID)
def test_check_says_what_is_so(row: str) -> None:
    text, rules, expected = SAID[row]
    assert expected in told(text, *rules)


@pytest.mark.parametrize("row", SILENT)
def test_check_is_silent_about_what_works(row: str) -> None:
    text, rules = SILENT[row]
    assert told(text, *rules) == set()


def test_a_rule_that_is_denied_is_not_called_allowed_already() -> None:
    text, rules, _ = SAID["A6"]
    said = [problem.message for problem in problems(text, *rules) if problem.line == 3]
    assert len(said) == 1
    assert said[0].startswith("line 2 denies all that this rule allows")


def test_an_open_ended_expression_is_told_once_a_pattern_with_a_count() -> None:
    text = model("g(r.sub, p.sub) && r.obj == p.obj && regexMatch(r.act, p.act)")
    rules = [f"p, user, /x{number}, {act}" for number in range(50) for act in ("GET", "PUT")]
    found = [p for p in problems(text, *rules) if p.code == "open-ended-regex"]
    assert [problem.line for problem in found] == [1, 2]
    assert "(also on 49 other lines)" in found[0].message


@pytest.mark.parametrize(
    ("matcher", "hint"),
    [
        ("g(r.sub, p.sub) && true", "write `True`, with a capital letter"),
        ("g(r.sub, p.sub)\n && r.obj", "end the line with `\\`"),
    ],
    ids=["a_small_letter", "two_lines"],
)
def test_a_slip_in_a_matcher_is_told_with_what_to_write(matcher: str, hint: str) -> None:
    assert hint in " ".join(problem.hint for problem in problems(model(matcher), "p, user, /x, GET"))
