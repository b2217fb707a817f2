"""The links behind a difference: told in their own domain, and counted as the endpoints of their people are."""

from itertools import product
from random import Random

import pytest

from rbac.diff.diff import diff
from rbac.diff.overview import overview
from rbac.diff.sentences import link_sentence
from rbac.diff.shown import shown
from rbac.diff.views import to_json
from rbac.policy import Policy
from rbac.routes import Route
from tests.support.command import MODEL
from tests.support.documents import stock_enforcer
from tests.support.model_zoo import model

WAYS = {
    "the request's domain": "g(r.sub, p.sub, r.dom) && r.dom == p.dom",
    "the rule's domain": "g(r.sub, p.sub, p.dom) && r.dom == p.dom",
    "one for every domain": '(g(r.sub, p.sub, r.dom) || g(r.sub, p.sub, "all")) && r.dom == p.dom',
}
DOMAINS = ("acme", "globex", "all")
NAMES = ("alice", "lead", "editor", "clerk")
OBJECTS, ACTS = ("a", "b"), ("read", "write")
ANN = "3b7e5c0a-9d5e-4a52-8f0e-6c1d2b9a4f11"


def tenants(way: str) -> str:
    return model(
        f"{WAYS[way]} && r.obj == p.obj && r.act == p.act",
        r="sub, dom, obj, act",
        p="sub, dom, obj, act",
        g="g = _, _, _",
    )


def tenant_rules(dice: Random) -> list[str]:
    rules = [
        f"p, {dice.choice(NAMES[1:])}, {dice.choice(DOMAINS)}, {dice.choice(OBJECTS)}, {dice.choice(ACTS)}"
        for _ in range(4)
    ]
    links = [
        f"g, {one}, {other}, {domain}"
        for one, other in (NAMES[:2], NAMES[1:3], NAMES[::3])
        for domain in DOMAINS
    ]
    return list(dict.fromkeys([*rules, *dice.sample(links, 4)]))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("way", WAYS)
def test_a_link_is_told_where_something_changes_in_its_own_domain(way: str, seed: int) -> None:
    dice = Random(f"{way} {seed}")
    before, after = tenant_rules(dice), tenant_rules(dice)
    text = tenants(way).encode()
    stock = [stock_enforcer(text, "\n".join(rules).encode()) for rules in (before, after)]
    old, new = (Policy.parse(text, "\n".join(rules).encode()) for rules in (before, after))

    def changes(who: str, link_domain: str) -> int:
        # In the third model a link in `all` is for every domain.
        every = way == "one for every domain" and link_domain == "all"
        return sum(
            stock[0].enforce(who, domain, *what) != stock[1].enforce(who, domain, *what)
            for domain in (DOMAINS if every else (link_domain,))
            for what in product(OBJECTS, ACTS)
        )

    found = shown(diff(old, new), old, new).links
    told = {(link.user, link.role, link.domain): link.granted + link.revoked for link in found}
    expected: dict[tuple[str, str, str], int] = {}
    for line in dict.fromkeys(rule for rule in (*before, *after) if rule[0] == "g"):
        _, user, role, domain = line.split(", ")
        kept = line in before and line in after
        expected[user, role, domain] = changes(role if kept else user, domain)
    assert told == {link: number for link, number in expected.items() if number}


def test_the_sentence_and_the_json_name_the_domain() -> None:
    rules = "p, editor, acme, a, read\np, editor, globex, b, read\ng, alice, editor, acme\n"
    text = tenants("the request's domain").encode()
    old, new = (Policy.parse(text, (rules + more).encode()) for more in ("", "g, alice, editor, globex\n"))
    found = shown(diff(old, new), old, new)
    (link,) = found.links
    assert (
        link_sentence(link) == "`alice` now inherits from `editor` in `globex` (line 4; 1 granted, 0 revoked)"
    )
    assert to_json(found)["links"][0]["domain"] == "globex"


@pytest.mark.parametrize("routes", [(), (Route("GET", "/a"), Route("GET", "/b/{id}"))], ids=["", "routes"])
@pytest.mark.parametrize("seed", range(8))
def test_a_link_counts_what_its_person_gains_and_loses(seed: int, routes: tuple[Route, ...]) -> None:
    dice = Random(f"links {seed}")
    paths = ("/a", "/b/*", "/b/{id}", "bad", "/c?x=1")
    rules = [f"p, {dice.choice(('user', 'admin', ANN))}, {dice.choice(paths)}, GET, allow" for _ in range(4)]
    old, new = (
        Policy.parse(MODEL.encode(), "\n".join(lines).encode())
        for lines in (rules, [*rules[1:], f"g, {ANN}, user", f"p, {ANN}, {dice.choice(paths)}, *, allow"])
    )
    found = shown(diff(old, new, routes), old, new, routes)
    shape = to_json(found, overview(old, new, found, routes))
    links = {link["user"]: (link["granted"], link["revoked"]) for link in shape["links"]}
    affected = {row["sub"]: (row["gained"], row["lost"]) for row in shape["affected"]}
    assert links == affected
