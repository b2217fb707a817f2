"""A policy as large as wanted for the shipped model, and requests to ask it.

The policy is that of a company with many services. A service brings twenty rules: four resources that viewers read and
editors write, settings for its administrators, one resource that is closed to contractors, and a page for everyone or
for any valid token. Half of the services are shared by tenants, so that their paths begin with a word and a wildcard.
A smaller policy is the beginning of a larger one: the same hundred rules can be asked about in both.
"""

import random
import uuid
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

MODEL = Path(__file__).parent.parent / "model.conf"
RULES_A_SERVICE = 20
AREAS = (
    "billing",
    "catalog",
    "claims",
    "identity",
    "ledger",
    "logistics",
    "orders",
    "payroll",
    "reports",
    "support",
)
RESOURCES = ("invoices", "items", "notes", "records")


class Request(NamedTuple):
    """The model's words, and the route template a framework would have matched: what a plain dict needs to be asked."""

    sub: str
    role: str
    obj: str
    act: str
    template: str


class Grant(NamedTuple):
    """One ``p`` row."""

    role: str
    obj: str
    act: str
    eft: str


@dataclass(frozen=True)
class Service:
    """One service: its name, where its paths begin, and the person that was given its viewer role directly."""

    number: int

    @property
    def name(self) -> str:
        return f"{AREAS[self.number % len(AREAS)]}-{self.number}"

    @property
    def root(self) -> str:
        return f"/tenants/{{tenant}}/{self.name}" if self.number % 2 else f"/{self.name}/v1"

    @property
    def guest(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, self.name))

    def role(self, kind: str) -> str:
        return f"{self.name}-{kind}"

    def grants(self) -> list[Grant]:
        viewer, editor, admin, contractor = map(self.role, ("viewer", "editor", "admin", "contractor"))
        rows = []
        for resource in RESOURCES:
            listing, item = f"{self.root}/{resource}", f"{self.root}/{resource}/{{id}}"
            rows += [
                Grant(viewer, listing, "GET", "allow"),
                Grant(viewer, item, "GET", "allow"),
                Grant(editor, listing, "POST", "allow"),
                Grant(editor, item, "PUT", "allow"),
            ]
        audience = "authenticated" if self.number % 2 else "everyone"
        return [
            *rows,
            Grant(admin, f"{self.root}/settings/{{name}}", "*", "allow"),
            Grant(contractor, f"{self.root}/{RESOURCES[-1]}/{{id}}", "*", "deny"),
            Grant(audience, f"/help/{self.name}/*", "GET", "allow"),
            Grant(admin, f"{self.root}/{RESOURCES[0]}/{{id}}", "DELETE", "allow"),
        ]

    def links(self) -> list[tuple[str, str]]:
        viewer, editor, admin, contractor = map(self.role, ("viewer", "editor", "admin", "contractor"))
        return [(admin, editor), (editor, viewer), (contractor, editor), (self.guest, viewer)]


def services(rules: int) -> list[Service]:
    """As many services as it takes for ``rules`` rules; the last one may contribute only its first few."""
    return [Service(number) for number in range(-(-rules // RULES_A_SERVICE))]


def grants(rules: int) -> list[Grant]:
    """Exactly ``rules`` rows."""
    return list(islice((grant for service in services(rules) for grant in service.grants()), rules))


def links(rules: int) -> list[tuple[str, str]]:
    """Who inherits what: four links a service."""
    return [link for service in services(rules) for link in service.links()]


def write_policy(rules: int, path: Path) -> None:
    """Writes the document of ``rules`` rules as ``policy.csv`` is written by hand."""
    with path.open("w", encoding="utf-8") as out:
        for grant in grants(rules):
            out.write(f"p, {grant.role}, {grant.obj}, {grant.act}, {grant.eft}\n")
        for name, role in links(rules):
            out.write(f"g, {name}, {role}\n")


def fill(template: str, pick: random.Random) -> str:
    """A concrete path of a template: an identifier in place of every wildcard."""
    words = (
        f"{pick.randrange(10**6):06d}" if word in {"{id}", "{tenant}", "{name}", "*"} else word
        for word in template.split("/")
    )
    return "/".join(words)


def request_for(grant: Grant, pick: random.Random) -> Request:
    """A request that meets ``grant``: by its own role, or by a role that everybody or any valid token has."""
    role = "" if grant.role in {"everyone", "authenticated"} else grant.role
    sub = "" if grant.role == "everyone" else _person(pick)
    act = "PATCH" if grant.act == "*" else grant.act
    return Request(sub, role, fill(grant.obj, pick), act, grant.obj)


def mixed(rules: int, count: int, seed: int = 1) -> list[Request]:
    """Requests to random rules of the whole policy, about half of them to be refused.

    A caller has the rule's role, one that inherits it, one of the same service that may not be enough, that of another
    service, none that is known, or none but a link from his ``sub``; and sometimes another method.
    """
    pick = random.Random(seed)
    rows, known = grants(rules), services(rules)
    asked = []
    for _ in range(count):
        number = pick.randrange(len(rows))
        base = request_for(rows[number], pick)
        own, other = known[number // RULES_A_SERVICE], pick.choice(known)
        kind = pick.choice(("viewer", "editor", "admin", "contractor"))
        sub, role = pick.choice(
            (
                (base.sub, base.role),
                (_person(pick), own.role("admin")),
                (_person(pick), own.role(kind)),
                (_person(pick), own.role(kind)),
                (_person(pick), other.role(kind)),
                (_person(pick), "nobody-knows"),
                (own.guest, ""),
                ("", ""),
            )
        )
        act = base.act if pick.random() < 0.8 else pick.choice(("GET", "POST", "PUT", "DELETE"))
        asked.append(Request(sub, role, base.obj, act, base.template))
    return asked


def worst(rules: int, count: int, seed: int = 2) -> dict[str, list[Request]]:
    """The two requests a scan is slowest at: the one that only the last rule meets, and the one that none does."""
    pick = random.Random(seed)
    last = grants(rules)[-1]
    viewer = services(rules)[-1].role("viewer")
    nowhere = f"{services(rules)[-1].root}/{RESOURCES[0]}/{{id}}/{{name}}/history"
    return {
        "last": [request_for(last, pick) for _ in range(count)],
        "none": [Request(_person(pick), viewer, fill(nowhere, pick), "GET", nowhere) for _ in range(count)],
    }


def about_first(rules: int, seed: int = 3) -> list[Request]:
    """One request to each of the first ``rules`` rules."""
    pick = random.Random(seed)
    return [request_for(grant, pick) for grant in grants(rules)]


def _person(pick: random.Random) -> str:
    return str(uuid.UUID(int=pick.getrandbits(128), version=4))
