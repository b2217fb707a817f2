"""What check says of domains: misspelled ones, and links in a domain where their role has no rule."""

from random import Random

import pytest

from rbac.document.document import Document
from rbac.linting.lint import lint
from tests.support.documents import stock_enforcer
from tests.support.model_zoo import model

MATCHERS = {
    "the request's domain": "g(r.sub, p.sub, r.dom) && r.dom == p.dom",
    "the other way round": "p.dom == r.dom && g(r.sub, p.sub, r.dom)",
    "the rule's domain": "g(r.sub, p.sub, p.dom) && r.dom == p.dom",
    "a rule for every domain": 'g(r.sub, p.sub, r.dom) && (p.dom == "all" || r.dom == p.dom)',
    "a link for every domain": '(g(r.sub, p.sub, r.dom) || g(r.sub, p.sub, "all")) && r.dom == p.dom',
    "any domain": "g(r.sub, p.sub, r.dom)",
    "a pattern": "g(r.sub, p.sub, r.dom) && keyMatch(r.dom, p.dom)",
    "somebody besides": '(g(r.sub, p.sub, r.dom) && r.dom == p.dom) || r.sub == "root"',
}
MODELS = {
    name: model(
        f"({who}) && r.obj == p.obj && r.act == p.act",
        r="sub, dom, obj, act",
        p="sub, dom, obj, act",
        g="g = _, _, _",
    )
    for name, who in MATCHERS.items()
}
PLAIN = MODELS["the request's domain"]
# A policy in which `acme` and `globex` are much used.
RULES = [
    "p, editor, acme, orders, read",
    "p, editor, acme, orders, write",
    "p, clerk, acme, orders, read",
    "p, clerk, globex, orders, read",
    "p, clerk, globex, orders, write",
    "g, ann, editor, acme",
    "g, bob, clerk, globex",
]


def told(text: str, *rules: str) -> list[tuple[int, str]]:
    found = lint(Document.parse(text.encode(), "\n".join(rules).encode()))
    return [(problem.line, problem.code) for problem in found if problem.file == "policy.csv"]


SAID = {
    "a capital letter": ("p, clerk, Acme, invoices, read", "look-alike-name", "`acme`"),
    "two letters swapped": ("p, clerk, amce, invoices, read", "unknown-domain", "`acme`"),
    "a letter too few": ("p, clerk, globx, invoices, read", "unknown-domain", "`globex`"),
    "a letter too many": ("p, clerk, accme, invoices, read", "unknown-domain", "`acme`"),
    "a wrong letter": ("p, clerk, globax, invoices, read", "unknown-domain", "`globex`"),
    "two domains": ("p, clerk, acme globex, invoices, read", "several-names", "one for `globex`"),
    "two domains with a sign": ("p, clerk, acme|globex, invoices, read", "several-names", "one for `globex`"),
    "a link for a misspelled domain": ("g, eve, editor, amce", "role-without-rules", "did you mean `acme`?"),
    "a link for a capital letter": ("g, eve, editor, Acme", "role-without-rules", "did you mean `acme`?"),
    "a link for two domains": ("g, eve, editor, acme globex", "role-without-rules", "`acme`"),
    "a link for a role of another domain": ("g, lead, editor, globex", "role-without-rules", "`acme`"),
    "a link for a role of no domain": ("g, lead, ghost, globex", "role-without-rules", "add a rule"),
}
SILENT = {
    "a new tenant": ("p, clerk, initech, invoices, read", "g, eve, clerk, initech"),
    "a tenant with a number": ("p, clerk, acme2, invoices, read",),
    "two rules for a name that is like another": (
        "p, clerk, acne, invoices, read",
        "p, clerk, acne, invoices, write",
        "g, eve, clerk, acne",
    ),
    "a link to a role that leads on": ("g, lead, head, globex", "g, head, clerk, globex"),
    "the same role in the other domain": ("g, eve, clerk, acme",),
}


@pytest.mark.parametrize("way", ["the request's domain", "the other way round", "the rule's domain"])
@pytest.mark.parametrize(("line", "code", "hint"), SAID.values(), ids=SAID)
def test_what_is_wrong_with_a_domain_is_told(line: str, code: str, hint: str, way: str) -> None:
    found = lint(Document.parse(MODELS[way].encode(), "\n".join((*RULES, line)).encode()))
    said = [problem for problem in found if problem.line == len(RULES) + 1]
    assert [problem.code for problem in said] == [code]
    assert hint in said[0].hint
    assert len(found) == 1


@pytest.mark.parametrize("lines", SILENT.values(), ids=SILENT)
def test_a_right_domain_is_left_alone(lines: tuple[str, ...]) -> None:
    assert told(PLAIN, *RULES, *lines) == []


def test_a_pattern_of_domains_is_no_misspelled_one() -> None:
    rules = ("p, clerk, acm*, invoices, read", "p, clerk, *, notes, read", "g, eve, clerk, initech")
    assert told(MODELS["a pattern"], *RULES, *rules) == []
    rule = "p, clerk, all, notes, read"
    assert told(MODELS["a rule for every domain"], *RULES, rule, "g, eve, clerk, initech") == []
    assert told(MODELS["a link for every domain"], *RULES, "g, eve, clerk, all") == []


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("way", MODELS)
def test_a_link_that_gives_nothing_in_its_domain_gives_nothing(way: str, seed: int) -> None:
    dice = Random(f"{way} {seed}")
    names, domains = ("ann", "lead", "head", "clerk"), ("acme", "globex", "all", "*")
    rules = [f"p, {dice.choice(names[1:])}, {dice.choice(domains)}, x, read" for _ in range(3)]
    pairs = ((0, 1), (0, 2), (1, 2), (1, 3), (2, 3))
    links = [f"g, {names[one]}, {names[other]}, {domain}" for one, other in pairs for domain in domains]
    lines = list(dict.fromkeys([*rules, *dice.sample(links, 5)]))
    text = MODELS[way].encode()
    asked = [(name, domain) for name in (*names, "root") for domain in (*domains, "other")]

    def answers(of: list[str]) -> list[bool]:
        enforcer = stock_enforcer(text, "\n".join(of).encode())
        return [enforcer.enforce(name, domain, "x", "read") for name, domain in asked]

    before = answers(lines)
    idle = {line for line, code in told(MODELS[way], *lines) if code == "role-without-rules"}
    for line in idle:
        assert answers([text for number, text in enumerate(lines, 1) if number != line]) == before
