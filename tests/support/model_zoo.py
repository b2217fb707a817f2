"""Models and policies made to be awkward for an index: one oddity each."""

import random

from tests.support.casbin_cases import Subject

RBAC = "some(where (p.eft == allow))"
DENY = "some(where (p.eft == allow)) && !some(where (p.eft == deny))"


def model(
    matcher: str, *, r: str = "sub, obj, act", p: str = "sub, obj, act", g: str = "", e: str = RBAC
) -> str:
    """The text of a model; ``g`` holds whole lines."""
    roles = f"[role_definition]\n{g}\n" if g else ""
    return (
        f"[request_definition]\nr = {r}\n[policy_definition]\np = {p}\n{roles}"
        f"[policy_effect]\ne = {e}\n[matchers]\nm = {matcher}\n"
    )


PATHS = """p, a, /, GET
p, a, /x, GET
p, b, /x/, POST
p, a, /x/*, GET
p, b, /x/{id}, GET|POST
p, a, /x/:id, GET
p, a, /x/{id}/y, (GET)|(PUT)
p, b, /x/{id}/{id}, ^(GET|POST)$
p, a, /x/{id}-{n}, GET
p, b, /x/:id/y/:no, .*
p, a, /v1.0/x, GET
p, a, /v1.0/{id}/file.txt, GET
p, b, /v1.0/x/a.b.c/*, GET
p, a, /x.y, [A-Z]+
p, b, /*/y, GET
p, a, /x/*/y, GET
p, b, x*, GET$
p, a, /x/ab*, GET
p, a, /x/a+b, GET
p, b, /x/a?, ^GET
p, a, /x|/y, GET
p, a, /x/(a|b), GET
p, b, /x/[ab]c, GET
p, a, /x/a{2}, GET
p, b, data, GET
p, a, , GET
p, b, /x//y, GET
p, a, /x/:, GET
p, b, /x/{}, GET
g, c, a
g, c, b
g, d, c
g, e, d
"""
STARS = "p, a, *, *\np, b, /x/[ab]c, *\np, a, /x/a+b, *\np, b, /{id}/{id}/z, *\n"
INVALID = "p, a, /x/**, GET\np, b, +x, GET\np, a, *, GET\np, b, /x/+, **\np, b, /x/\\, GET\n"


def _paths() -> list[Subject]:
    found = []
    for name in ("keyMatch", "keyMatch2", "keyMatch3", "keyMatch4", "keyMatch5"):
        matcher = f"g(r.sub, p.sub) && {name}(r.obj, p.obj) && regexMatch(r.act, p.act)"
        found.append(Subject(f"{name} paths", model(matcher, g="g = _, _"), PATHS))
        first = f'{name}(r.obj, p.obj) && r.sub == p.sub && (p.act == r.act || p.act == "GET")'
        found.append(Subject(f"{name} first", model(first), PATHS))
        found.append(Subject(f"{name} invalid", model(matcher, g="g = _, _"), PATHS + INVALID))
        found.append(Subject(f"{name} invalid first", model(first), PATHS + INVALID))
        either = f'({name}(r.obj, p.obj) || p.obj == "*" || r.obj == p.obj) && r.sub == p.sub'
        found.append(Subject(f"{name} or star", model(either), PATHS + "p, a, *, GET\np, b, *, POST\n"))
        starred = f'g(r.sub, p.sub) && {name}(r.obj, p.obj) && (p.act == "*" || regexMatch(r.act, p.act))'
        found.append(Subject(f"{name} star for an expression", model(starred, g="g = _, _"), PATHS + STARS))
        other = f"r.sub == p.sub && keyMatch2(r.act, p.act) && {name}(r.obj, p.obj)"
        found.append(Subject(f"{name} and another", model(other), PATHS))
    return found


def _chain(length: int) -> str:
    links = "".join(f"g, n{at}, n{at + 1}\n" for at in range(length))
    rules = "".join(f"p, n{at}, o{at}, read\n" for at in range(length + 1))
    return links + rules


DOMAINS = """p, admin, d1, o1, read
p, admin, d2, o2, write
p, user, d1, o1, read
p, *, d1, o3, read
p, user, *, o4, read
g, alice, admin, d1
g, bob, user, d1
g, admin, user, d1
g, alice, user, d2
g, alice, user, d2
g, carol, admin, *
"""
EFFECTS = """p, a, o1, read, allow
p, a, o1, read, deny
p, b, o1, read, deny
p, b, o1, read, allow
p, c, o1, read, maybe
p, c, o1, write, allow
p, a, o2, read, ALLOW
p, d, o2, read, deny
g, x, a
g, x, c
g, y, b
g, y, d
"""
SIMPLE = "p, a, o1, read\np, b, o1, read\np, a, o2, write\np, root, o3, read\np, b, , read\ng, x, a\ng, y, x\ng, a, b\n"


def _others() -> list[Subject]:
    links, domains = "g = _, _", "g = _, _, _"
    four, effects = "sub, dom, obj, act", "sub, obj, act, eft"
    plain = "r.obj == p.obj && r.act == p.act"
    found = [
        Subject("ten levels", model(f"g(r.sub, p.sub) && {plain}", g=links), _chain(14)),
        Subject("cycle", model(f"g(r.sub, p.sub) && {plain}", g=links), SIMPLE + "g, b, y\n"),
        Subject("root", model(f'g(r.sub, p.sub) && {plain} || r.sub == "root"', g=links), SIMPLE),
        Subject("listed", model("r.sub == p.sub && p.obj in ('o1', 'o2') && r.act in [\"read\"]"), SIMPLE),
        Subject("not", model('!(r.sub == p.sub) && !r.obj && p.act != "write"'), SIMPLE),
        Subject("order", model("r.sub < p.sub && p.obj >= r.obj && 'a' <= r.sub <= p.sub"), SIMPLE),
        Subject("inside", model("r.sub in p.sub && p.obj == r.obj"), SIMPLE),
        Subject("text result", model("r.sub == p.sub && r.obj"), SIMPLE),
        Subject("text rule", model("r.sub == p.sub && p.obj"), SIMPLE),
        Subject("number result", model("r.sub == p.sub && 1.0"), SIMPLE),
        Subject("zero result", model("r.sub == p.sub and 0.0 or r.obj == p.obj"), SIMPLE),
        Subject("unknown name", model("r.sub == p.sub && r.nobody == p.obj"), SIMPLE),
        Subject("unknown function", model("r.sub == p.sub && nobody(r.obj, p.obj)"), SIMPLE),
        Subject("attribute", model("r.sub == p.sub && r.obj.name == p.obj"), SIMPLE),
        Subject("method", model("r.sub == p.sub && r.obj.upper() == p.obj"), SIMPLE),
        Subject("sum", model("r.sub + r.obj == p.sub + p.obj"), SIMPLE),
        Subject("swapped", model("g(p.sub, r.sub) && keyMatch2(p.obj, r.obj)", g=links), SIMPLE),
        Subject(
            "addresses",
            model(f"ipMatch(r.sub, p.sub) && {plain}"),
            "p, 10.0.0.0/8, o1, read\np, x, o2, read\n",
        ),
        Subject(
            "addresses last",
            model(f"{plain} && ipMatch(r.sub, p.sub)"),
            "p, 10.0.0.1, o1, read\np, x, o2, read\n",
        ),
        Subject("glob first", model("globMatch(r.obj, p.obj) && r.act == p.act"), PATHS),
        Subject(
            "times",
            model("r.sub == p.sub && timeMatch(p.obj, p.act)"),
            "p, a, _, _\np, b, x, _\np, b, _, _\n",
        ),
        Subject("short row", model(f"r.sub == p.sub && {plain}"), SIMPLE + "p, a, o1\np, b, o2, read\n"),
        Subject("long row", model(f"r.sub == p.sub && {plain}"), "p, a, o1, read, x\n" + SIMPLE),
        Subject("repeated word", model("r.sub == p.sub", p="sub, sub, act"), SIMPLE),
        Subject("pattern both", model("regexMatch(r.sub, p.sub) && regexMatch(r.obj, p.obj)"), PATHS),
        Subject(
            "pattern invalid",
            model("regexMatch(r.sub, p.sub) && regexMatch(r.obj, p.obj)"),
            "p, (, x, y\n" + PATHS,
        ),
        Subject("all of nothing", model("r.sub == p.sub || r.obj == p.obj || r.act == p.act"), SIMPLE),
        Subject(
            "constants",
            model("p.sub == \"a\" && \"o1\" == p.obj || p.sub == 'b' && g(r.sub, 'x')", g=links),
            SIMPLE,
        ),
        Subject(
            "two kinds",
            model(f"(g(r.sub, p.sub) || g2(r.obj, p.sub)) && {plain}", g="g = _, _\ng2 = _, _"),
            SIMPLE + "g2, o1, a\ng2, o2, o1\n",
        ),
    ]
    found += [
        Subject(f"domains: {matcher}", model(matcher, r=four, p=four, g=domains), DOMAINS)
        for matcher in (
            "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act",
            '(g(r.sub, p.sub, "*") || g(r.sub, p.sub, r.dom)) && r.obj == p.obj',
            "g(r.sub, p.sub, p.dom) && r.obj == p.obj",
            "g(r.sub, p.sub) && r.dom == p.dom",
            'r.dom == p.dom && keyMatch(r.dom, p.dom) && (p.sub == "*" || g(r.sub, p.sub, r.dom))',
        )
    ]
    roles = f"g(r.sub, p.sub) && {plain}"
    found += [
        Subject(f"effect: {effect}", model(roles, p=effects, g=links, e=effect), EFFECTS)
        for effect in (RBAC, DENY, "!some(where (p.eft == deny))", "priority(p.eft) || deny")
    ]
    return found


SEGMENTS = (
    *("a", "b", "ab", "c", "d", "", "{x}", "{y}", "{x}-{y}", ":x", ":y", "a:x", "{x}.b", "*", "a*", "*b"),
    *("a.b", "a.c", "b.c.d", "a+", "b?c", "[ab]", "a|b"),
)
METHODS = ("GET", "POST", "GET|POST", "(GET)|(PUT)", ".*", "G.T", "*", "GE", "^POST$")


def random_policy(seed: int, rules: int) -> str:
    """Rules for few callers over paths of few, often odd, segments, so that many meet."""
    pick = random.Random(seed)
    common, odd = SEGMENTS[:11], SEGMENTS[11:]
    lines = []
    for _ in range(rules):
        length = pick.choice((1, 2, 2, 3, 3, 4))
        segments = [pick.choice(odd if pick.random() < 0.15 else common) for _ in range(length)]
        row = (
            pick.choice("uvwxyz"),
            "/" + "/".join(segments),
            pick.choice(METHODS),
            pick.choice(("allow", "deny")),
        )
        lines.append("p, " + ", ".join(row))
    lines += [f"g, {pick.choice('mnou')}, {pick.choice('uvwxyzn')}" for _ in range(8)]
    return "\n".join(lines) + "\n"


def _random() -> list[Subject]:
    methods = {
        "equal": '(p.act == "*" || p.act == r.act)',
        "expression": "regexMatch(r.act, p.act)",
    }
    return [
        Subject(
            f"random {name} {kind}",
            model(
                f'(g(r.sub, p.sub) || p.sub == "z") && {name}(r.obj, p.obj) && {method}',
                p="sub, obj, act, eft",
                g="g = _, _",
                e=effect,
            ),
            # Where every rule is compared, `*` is no expression, and each request would end with an error.
            random_policy(seed, 150).replace(", *, ", ", GET, ")
            if kind == "expression"
            else random_policy(seed, 150),
        )
        for seed, name in enumerate(("keyMatch", "keyMatch2", "keyMatch3", "keyMatch4", "keyMatch5"))
        for kind, method in methods.items()
        for effect in (DENY, "priority(p.eft) || deny")
    ]


ZOO: tuple[Subject, ...] = (*_paths(), *_others(), *_random())
