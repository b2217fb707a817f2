"""Which role links a decision rests on, in models of every kind."""

import pytest

from rbac import Policy
from rbac.decision_log.ask_again import ask
from rbac.decision_log.needed_links import LinkUse
from tests.support.documents import MODEL

HEAD = "[request_definition]\nr = {r}\n[policy_definition]\np = {p}\n[role_definition]\n{g}\n"
TAIL = "[policy_effect]\ne = {e}\n[matchers]\nm = {m}\n"
ALLOW = "some(where (p.eft == allow))"


def model(
    m: str, r: str = "sub, obj, act", p: str = "sub, obj, act", g: str = "g = _, _", e: str = ALLOW
) -> bytes:
    return (HEAD + TAIL).format(r=r, p=p, g=g, e=e, m=m).encode()


PLAIN = model("g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act")
DOMAINS = model(
    "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act",
    r="sub, dom, obj, act",
    p="sub, dom, obj, act",
    g="g = _, _, _",
)
RESOURCES = model("g(r.sub, p.sub) && g2(r.obj, p.obj) && r.act == p.act", g="g = _, _\ng2 = _, _")
PATTERNED = model('(r.sub == "root" || keyMatch(r.sub, "adm*") || g(r.sub, p.sub)) && r.obj == p.obj')
SHIPPED = """p, user, /user, GET, allow
p, everyone, /, GET, allow
p, bob, /own, GET, allow
g, admin, user
g, bob, user
g, chief, admin
g, chief, user
g, admin, user
g, senior, admin"""

NEEDS = {
    "a role of one's own needs no link": (MODEL, SHIPPED, ("x", "user", "/user", "GET"), set()),
    "a role that inherits needs its link, the first that is written": (
        MODEL,
        SHIPPED,
        ("x", "admin", "/user", "GET"),
        {4},
    ),
    "a person's link is needed where no role of theirs does": (
        MODEL,
        SHIPPED,
        ("bob", "", "/user", "GET"),
        {5},
    ),
    "a person's link is not needed beside their role": (
        MODEL,
        SHIPPED,
        ("bob", "user", "/user", "GET"),
        set(),
    ),
    "the shortest way is the one": (MODEL, SHIPPED, ("x", "chief", "/user", "GET"), {7}),
    "of two ways the one with fewer links": (MODEL, SHIPPED, ("bob", "senior", "/user", "GET"), {5}),
    "what everyone may needs no link": (MODEL, SHIPPED, ("bob", "admin", "/", "GET"), set()),
    "a rule for a person needs no link": (MODEL, SHIPPED, ("bob", "admin", "/own", "GET"), set()),
    "a refusal needs no link": (MODEL, SHIPPED, ("bob", "admin", "/nowhere", "GET"), set()),
    "a chain needs each of its links": (
        PLAIN,
        "p, c, o, read\ng, a, b\ng, b, c\ng, a, d",
        ("a", "o", "read"),
        {2, 3},
    ),
    "a link counts in its domain alone": (
        DOMAINS,
        "p, admin, d1, o, read\np, admin, d2, o, read\ng, ann, admin, d1\ng, ann, admin, d2",
        ("ann", "d2", "o", "read"),
        {4},
    ),
    "links of people and of resources are both needed": (
        RESOURCES,
        "p, reader, books, read\ng, ann, reader\ng2, hamlet, books\ng2, ann, reader",
        ("ann", "hamlet", "read"),
        {2, 3},
    ),
    "a condition of any kind stands in for a link": (
        PATTERNED,
        "p, reader, o, read\ng, admiral, reader\ng, root, reader\ng, ann, reader",
        ("admiral", "o", "read"),
        set(),
    ),
    "and where it does not hold the link is needed": (
        PATTERNED,
        "p, reader, o, read\ng, admiral, reader\ng, root, reader\ng, ann, reader",
        ("ann", "o", "read"),
        {4},
    ),
}


@pytest.mark.parametrize("case", NEEDS)
def test_a_decision_needs_the_links_of_one_way_to_its_rule(case: str) -> None:
    definition, rules, words, lines = NEEDS[case]
    policy = Policy.parse(definition, rules.encode())
    links = LinkUse(policy)
    decision, request = ask(policy, words)
    assert links.judged
    assert links.of(decision.rule, request) == lines
    kept = [rule for line, rule in enumerate(rules.splitlines(), 1) if rule.startswith("p") or line in lines]
    without = Policy.parse(definition, "\n".join(kept).encode())
    assert without.decide_request(words).allowed is decision.allowed


UNJUDGED = {
    "negated": model("!g(r.sub, p.sub) && r.obj == p.obj"),
    "compared": model('g(r.sub, p.sub) != (r.act == "write") && r.obj == p.obj'),
    "ordering": model(
        "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act",
        p="sub, obj, act, eft",
        e="subjectPriority(p.eft) || deny",
    ),
}


@pytest.mark.parametrize("case", UNJUDGED)
def test_links_that_do_more_than_give_access_are_all_needed(case: str) -> None:
    allow = ", allow" if case == "ordering" else ""
    policy = Policy.parse(UNJUDGED[case], f"p, b, o, read{allow}\ng, a, b\ng, c, b".encode())
    links = LinkUse(policy)
    assert not links.judged
    assert links.of(None, ("x", "o", "read")) == {2, 3}


def test_coverage_and_unused_need_the_same_links() -> None:
    from rbac.policy_tests.coverage import cover
    from rbac.policy_tests.run import parse_suite, run

    rules = b"p, user, /user, GET, allow\ng, admin, user\ng, bob@x, user\n"
    policy = Policy.parse(MODEL, rules)
    suite, problems = parse_suite(
        b"suite: s\ntests:\n  - {name: n, role: user, sub: bob@x, can: [GET /user]}\n"
        b"  - {name: m, role: admin, can: [GET /user]}\n",
        "suite.yaml",
    )
    assert suite is not None, problems
    report = run(policy, [suite])
    needed = {
        line
        for case in report.cases
        for line in LinkUse(policy).of(case.decision.rule, case.question.decided_by(policy))
    }
    assert needed == {2}
    # Bob's own link is not needed beside the role that he brings.
    assert [rule.line for rule in cover(policy, report).uncovered] == [3]
