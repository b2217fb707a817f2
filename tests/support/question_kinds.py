"""Kinds of model for the brute force over the questions: random documents, and the requests that could tell them apart."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

Row = tuple[str, ...]

ALLOW: Final = "some(where (p.eft == allow))"
DENY: Final = "!some(where (p.eft == deny))"
BOTH: Final = f"{ALLOW} && {DENY}"
FIRST: Final = "priority(p.eft) || deny"
BY_SUBJECT: Final = "subjectPriority(p.eft) || deny"

ROLES: Final = ("admin", "user", "guest")
PEOPLE: Final = ("ann@x", "bob@x")
PATHS: Final = ("/a", "/b", "/a/1")
PATTERNS: Final = ("/a", "/a/*", "/*", "*", "/a/1")
VALUES: Final[Mapping[str, Sequence[str]]] = {
    "sub": (*ROLES, *PEOPLE),
    "role": (*ROLES, *PEOPLE),
    "obj": PATHS,
    "act": ("GET", "POST"),
    "dom": ("t1", "t2"),
    "res": ("apps", "jobs", "*"),
    "eft": ("allow", "allow", "deny"),
    "priority": ("1", "2", "10"),
    "cond": ("r.act == 'GET'", "r.obj == '/a'"),
}
ASKED: Final[Mapping[str, Sequence[str]]] = {
    "obj": (*PATHS, "/c", "/a/2"),
    "act": ("GET", "POST", "PUT"),
    "dom": ("t1", "t2", "t3", ""),
    "res": ("apps", "jobs", "x"),
}
"""What the brute force asks with, for the words that are not the caller's."""


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind of model. ``values`` are what its rules may have in a column, ``asked`` what may be asked with, where it
    is not what is usual; ``fixed`` are links that every document has. ``links`` says what each role definition links."""

    name: str
    words: str
    columns: str
    matcher: str
    effect: str = ALLOW
    links: Mapping[str, str] = field(default_factory=lambda: {"g": "role"})
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    asked: Mapping[str, Sequence[str]] = field(default_factory=dict)
    exact: bool = True
    """Whether the answer is known to be complete."""

    @property
    def model(self) -> str:
        """The text of the model."""
        roles = "".join(
            f"{name} = _, _{', _' if what == 'dom' else ''}\n" for name, what in self.links.items()
        )
        section = f"[role_definition]\n{roles}" if roles else ""
        return (
            f"[request_definition]\nr = {self.words}\n[policy_definition]\np = {self.columns}\n{section}"
            f"[policy_effect]\ne = {self.effect}\n[matchers]\nm = {self.matcher}\n"
        )

    def rows(self, dice: Random) -> list[Row]:
        """One to five rules and up to three links of each kind."""
        rules = [self.rule(dice) for _ in range(dice.randint(1, 5))]
        links = [self.link(dice, name) for name in self.links for _ in range(dice.randint(0, 3))]
        return list(dict.fromkeys((*rules, *links)))

    def rule(self, dice: Random) -> Row:
        """A random rule."""
        return ("p", *(dice.choice(self._column(column)) for column in self.columns.split(", ")))

    def link(self, dice: Random, name: str) -> Row:
        """A random link; never one that leads back."""
        what = self.links[name]
        if what == "obj":
            return (name, dice.choice(PATHS), dice.choice(("pages", "files")))
        left = dice.choice((*PEOPLE, "admin", "user"))
        right = dice.choice(ROLES[1:] if left == "admin" else ROLES[2:] if left == "user" else ROLES)
        return (name, left, right, *((dice.choice(self._column("dom")),) if what == "dom" else ()))

    def edited(self, rows: Sequence[Row], dice: Random) -> list[Row]:
        """The rows with one line added, gone, or exchanged."""
        edited, place = list(rows), dice.randrange(len(rows))
        edit = dice.choice(("add", "drop", "exchange", "link"))
        fresh = self.rule(dice)
        if edit == "link" and self.links:
            edited.append(self.link(dice, dice.choice(tuple(self.links))))
        elif edit == "drop" and len(edited) > 1:
            del edited[place]
        elif edit == "exchange" and edited[place][0] == "p":
            edited[place] = fresh
        else:
            edited.insert(place, fresh)
        return list(dict.fromkeys(edited))

    def requests(self, who: Mapping[str, str]) -> Iterator[dict[str, str]]:
        """Every request of this caller in the small universe."""
        found: list[dict[str, str]] = [{}]
        for word in self.words.split(", "):
            values = (who[word],) if word in who else self.asked.get(word) or ASKED[word]
            found = [{**one, word: value} for one in found for value in values]
        yield from found

    def _column(self, column: str) -> Sequence[str]:
        return self.values.get(column) or VALUES[column]


M3: Final = "sub, obj, act"
M4: Final = "sub, role, obj, act"
MD: Final = "sub, dom, obj, act"
PLAIN: Final = "r.obj == p.obj && r.act == p.act"
WHO: Final = '(p.role == "everyone" || (p.role == "authenticated" && r.sub != "") || g(r.role, p.role) || g(r.sub, p.role))'
STAR: Final = '(p.act == "*" || p.act == r.act)'
SHIPPED: Final = {
    "role": (*ROLES, *PEOPLE, "everyone", "authenticated"),
    "obj": PATTERNS,
    "act": ("GET", "*"),
}
IN_DOMAIN: Final = {"g": "dom"}


def _path_kinds() -> Iterator[Kind]:
    odd = {
        "keyMatch": PATTERNS,
        "keyMatch2": ("/a/:id", "/a", "/:x", "/a/*", "/:x/1"),
        "keyMatch3": ("/a/{id}", "/a", "/{x}", "/a/*", "/{x}/1"),
        "keyMatch4": ("/a/{id}", "/a", "/{x}", "/{x}/1"),
        "keyMatch5": ("/a/{id}", "/a", "/{x}", "/a/*"),
        "regexMatch": ("/a$", "^/a/.*$", "/[ab]$", "/a"),
    }
    for name, values in odd.items():
        matcher = f"g(r.sub, p.sub) && {name}(r.obj, p.obj) && r.act == p.act"
        yield Kind(name, M3, f"{M3}, eft", matcher, BOTH, values={"obj": values})


KINDS: Final = (
    *_path_kinds(),
    Kind("basic", M3, M3, f"r.sub == p.sub && {PLAIN}", links={}),
    Kind("with a root", M3, M3, f'r.sub == p.sub && {PLAIN} || r.sub == "root"', links={}),
    Kind("without users", "obj, act", "obj, act", PLAIN, links={}),
    Kind("without resources", "sub, act", "sub, act", "g(r.sub, p.sub) && r.act == p.act"),
    Kind("roles", M3, M3, f"g(r.sub, p.sub) && {PLAIN}"),
    Kind(
        "resource roles",
        M3,
        M3,
        "g(r.sub, p.sub) && g2(r.obj, p.obj) && r.act == p.act",
        links={"g": "role", "g2": "obj"},
        values={"obj": (*PATHS, "pages", "files")},
        asked={"obj": (*PATHS, "pages", "/c")},
    ),
    Kind(
        "the shipped model",
        M4,
        "role, obj, act, eft",
        f"{WHO} && keyMatch3(r.obj, p.obj) && {STAR}",
        BOTH,
        values=SHIPPED,
    ),
    Kind(
        "deny overrides",
        M4,
        "role, obj, act, eft",
        f"{WHO} && keyMatch3(r.obj, p.obj) && {STAR}",
        DENY,
        values=SHIPPED,
    ),
    Kind("domains", MD, MD, f"g(r.sub, p.sub, r.dom) && r.dom == p.dom && {PLAIN}", links=IN_DOMAIN),
    Kind(
        "a star for a domain",
        MD,
        f"{MD}, eft",
        f'g(r.sub, p.sub, r.dom) && (p.dom == "*" || r.dom == p.dom) && {PLAIN}',
        BOTH,
        links=IN_DOMAIN,
        values={"dom": ("t1", "t2", "*")},
    ),
    Kind(
        "roles in every domain",
        MD,
        MD,
        f'(g(r.sub, p.sub, "*") || g(r.sub, p.sub, r.dom)) && {PLAIN}',
        links=IN_DOMAIN,
        values={"dom": ("t1", "t2", "*")},
    ),
    Kind(
        "patterns for domains",
        MD,
        MD,
        f"g(r.sub, p.sub) && keyMatch(r.dom, p.dom) && {PLAIN}",
        values={"dom": ("t*", "t1", "*")},
    ),
    Kind(
        "globs",
        MD,
        MD,
        "g(r.sub, p.sub, r.dom) && globMatch(r.dom, p.dom) && globMatch(r.obj, p.obj) && r.act == p.act",
        links=IN_DOMAIN,
        values={"dom": ("t1", "t2", "*"), "obj": ("/a", "/*", "/a/*")},
        exact=False,
    ),
    Kind(
        "a word besides",
        "sub, res, act, obj",
        "sub, res, act, obj",
        "g(r.sub, p.sub) && keyMatch(r.res, p.res) && keyMatch(r.act, p.act) && keyMatch(r.obj, p.obj)",
        values={"obj": PATTERNS, "act": ("GET", "POST", "*")},
    ),
    Kind(
        "a root in domains",
        MD,
        MD,
        f'g(r.sub, p.sub, r.dom) && r.dom == p.dom && {PLAIN} || r.sub == "root"',
        links=IN_DOMAIN,
    ),
    Kind(
        "stars and a root",
        M3,
        M3,
        'g(r.sub, p.sub) && (p.obj == "*" || r.obj == p.obj) && (p.act == "*" || r.act == p.act) || r.sub == "root"',
        values={"obj": (*PATHS, "*"), "act": ("GET", "*")},
    ),
    Kind(
        "ties",
        "sub, res, obj, act",
        "sub, res, obj, act, eft",
        '(g(r.sub, p.sub) || r.res == "jobs") && (r.res == p.res || r.obj == "/b") && (r.obj == p.obj || r.act == "PUT")',
        BOTH,
        asked={"res": ("apps", "jobs", "*", "x")},
    ),
    Kind(
        "names in the matcher",
        M4,
        "role, obj, act",
        'r.act in ("GET", "PUT") && (g(r.role, p.role) || r.role == "chief" || r.sub in ("eve@x", "ann@x")) && r.obj == p.obj',
        values={"role": ROLES},
    ),
    Kind(
        "the first decides",
        M3,
        f"{M3}, eft",
        "g(r.sub, p.sub) && keyMatch(r.obj, p.obj) && r.act == p.act",
        FIRST,
        values={"obj": PATTERNS},
    ),
    Kind("priorities", M3, f"priority, {M3}, eft", f"g(r.sub, p.sub) && {PLAIN}", FIRST),
    Kind("priorities by subject", M3, f"{M3}, eft", f"g(r.sub, p.sub) && {PLAIN}", BY_SUBJECT),
    Kind("negations", M3, f"{M3}, eft", "!g(r.sub, p.sub) && r.obj == p.obj && r.act != p.act", BOTH),
    Kind("conditions", M3, "sub, cond", "g(r.sub, p.sub) && eval(p.cond)", exact=False),
    Kind("order", M3, M3, "g(r.sub, p.sub) && r.obj >= p.obj && r.act == p.act", exact=False),
    Kind(
        "addresses",
        "sub, ip, obj, act",
        "sub, ip, obj, act",
        f"g(r.sub, p.sub) && ipMatch(r.ip, p.ip) && {PLAIN}",
        values={"ip": ("10.0.0.0/8", "192.168.1.7")},
        asked={"ip": ("10.1.2.3", "192.168.1.7", "8.8.8.8", "x")},
        exact=False,
    ),
)
