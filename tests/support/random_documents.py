"""Random documents of many kinds of model, and edits of them: some that change who may do what, some that do not."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.support import random_policies as small

Row = tuple[str, ...]

ACTS: Final = ("GET", "POST", "*", "PUT")
DOMAINS: Final = ("acme", "globex", "*")
ADDED_PATHS: Final = (
    "",
    "a",
    "/a/{x}/{x}",
    "/files/{id}",
    "/files/*",
    "/files/{id}/*",
    "*",
    "/a{x}",
    "/a/b?",
    "/é",
)
NAMES: Final = (*small.NAMES, "root", "")
LINKS: Final = (*small.LINKS, ("root", "admin"), ("bob@x", "user"), ("everyone", "guest"))


@dataclass(frozen=True)
class Kind:
    """One kind of model: the words of requests and rules, the matchers it may have, and whether links have domains."""

    name: str
    words: str
    columns: str
    matchers: tuple[str, ...]
    domains: bool = False
    effects: tuple[str, ...] = tuple(small.EFFECTS.values())

    def model(self, dice: Random) -> str:
        """The text of a model of this kind."""
        matcher = dice.choice(self.matchers)
        for mark, choices in (("WHO", small.WHO), ("WHAT", small.WHAT), ("HOW", small.HOW)):
            matcher = matcher.replace(mark, dice.choice(choices))
        effect = dice.choice(self.effects).replace("p_eft", "p.eft")
        return (
            f"[request_definition]\nr = {self.words}\n[policy_definition]\np = {self.columns}\n"
            f"[role_definition]\ng = _, _{', _' if self.domains else ''}\n"
            f"[policy_effect]\ne = {effect}\n[matchers]\nm = {matcher}\n"
        )

    def rows(self, dice: Random) -> list[Row]:
        """Up to seven rules and up to four role links."""
        rules = [self.rule(dice) for _ in range(dice.randrange(8))]
        return list(dict.fromkeys((*rules, *(self.link(dice) for _ in range(dice.randrange(5))))))

    def rule(self, dice: Random) -> Row:
        """A random rule."""
        choices = {
            "role": NAMES,
            "sub": NAMES,
            "obj": (*small.PATHS, *ADDED_PATHS),
            "act": ACTS,
            "dom": DOMAINS,
            "eft": ("allow", "allow", "deny"),
            "priority": ("1", "2", "10"),
        }
        return ("p", *(dice.choice(choices[column]) for column in self.columns.split(", ")))

    def link(self, dice: Random) -> Row:
        """A random role link."""
        return ("g", *dice.choice(LINKS), *((dice.choice(DOMAINS),) if self.domains else ()))

    def edited(self, rows: Sequence[Row], dice: Random) -> list[Row]:
        """The rows after one to three edits: added, dropped, exchanged, turned, moved or doubled under another name."""
        edited = list(rows)
        for _ in range(dice.randint(1, 3)):
            place = dice.randrange(len(edited) + 1)
            fresh = self.rule(dice) if dice.random() < 0.7 else self.link(dice)
            edit = dice.choice(("add", "drop", "exchange", "cell", "shuffle", "rename", "near"))
            if edit == "add" or place == len(edited):
                edited.insert(place, fresh)
            elif edit == "drop":
                del edited[place]
            elif edit == "exchange":
                edited[place] = fresh
            elif edit == "cell" and edited[place][0] == fresh[0]:
                column = dice.randrange(len(fresh))
                edited[place] = (*edited[place][:column], fresh[column], *edited[place][column + 1 :])
            elif edit == "shuffle":
                dice.shuffle(edited)
            elif edit == "rename":
                edited[place] = tuple(value.replace("{x}", "{other}") for value in edited[place])
            else:
                narrower = tuple(value.replace("*", "a").replace("{x}", "a") for value in edited[place])
                edited.insert(place, narrower)
        return list(dict.fromkeys(edited))


KINDS: Final = (
    Kind("shipped", "sub, role, obj, act", "role, obj, act, eft", ("WHO && WHAT && HOW",)),
    Kind(
        "superuser",
        "sub, role, obj, act",
        "role, obj, act, eft",
        ('WHO && WHAT && HOW || r.sub == "root"', '(r.role == "root" || WHO && WHAT) && HOW'),
    ),
    Kind(
        "negations",
        "sub, role, obj, act",
        "role, obj, act, eft",
        (
            'WHO && WHAT && r.act != p.act && r.sub != "root"',
            'WHO && !keyMatch3(r.obj, p.obj) && r.act in ("GET", "POST")',
            "!g(r.role, p.role) && WHAT && HOW",
        ),
    ),
    Kind(
        "one word for who",
        "sub, obj, act",
        "sub, obj, act, eft",
        (
            "g(r.sub, p.sub) && WHAT && HOW",
            "r.sub == p.sub && WHAT && HOW",
            'g(r.sub, p.sub) && WHAT && HOW || r.sub == "root"',
            "g(r.sub, p.sub) && (WHAT || HOW)",
        ),
    ),
    Kind(
        "domains",
        "sub, dom, obj, act",
        "sub, dom, obj, act, eft",
        (
            "g(r.sub, p.sub, r.dom) && r.dom == p.dom && WHAT && HOW",
            'g(r.sub, p.sub, r.dom) && (p.dom == "*" || r.dom == p.dom) && WHAT && HOW',
            'g(r.sub, p.sub, r.dom) && r.dom == p.dom && WHAT && HOW || r.sub == "root"',
            "g(r.sub, p.sub, p.dom) && WHAT && HOW",
        ),
        domains=True,
    ),
    Kind(
        "priorities",
        "sub, role, obj, act",
        "priority, role, obj, act, eft",
        ("WHO && WHAT && HOW",),
        effects=(small.EFFECTS["priority"].replace("p_eft", "p.eft"),),
    ),
    Kind(
        "swapped and tied",
        "sub, role, obj, act",
        "role, obj, act, eft",
        (
            "g(p.role, r.role) && WHAT && HOW",
            "(r.sub == r.role || WHO) && WHAT && HOW",
            "(WHO || WHAT) && HOW",
            'WHO && r.obj == p.obj && r.act == p.act || p.act == "*" && r.obj == p.obj',
        ),
    ),
)
