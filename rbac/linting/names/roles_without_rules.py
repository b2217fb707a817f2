"""Links to a role that no rule names: they give nobody anything."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rbac.background import paced
from rbac.document.role_links import Graph, turned, walk
from rbac.errors import Problem
from rbac.linting.names.dead_links import WILD, only_request_domains
from rbac.linting.names.domains import Domains
from rbac.linting.reading.subject import Reading
from rbac.model.expression import calls
from rbac.text.nearest import Allowance, Nearest
from rbac.text.wording import counted, quoted

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class _Used:
    """The names that the matcher compares with one type of links: in any domain, and in one alone."""

    anywhere: set[str]
    within: dict[str, set[str]]
    known: dict[str, tuple[list[str], Nearest]] = field(default_factory=dict)

    def has(self, name: str, domain: str) -> bool:
        """Whether a rule for ``name`` can be met through links in ``domain``."""
        return name in self.anywhere or name in self.within.get(domain, ())

    def elsewhere(self, role: str) -> tuple[list[str], Nearest]:
        """The domains in which rules name a role, sorted, and the same to be asked which of them was meant. Not to be
        called before the last name is in."""
        if not self.known:
            domains: dict[str, list[str]] = {}
            for domain in sorted(self.within):
                for name in self.within[domain]:
                    domains.setdefault(name, []).append(domain)
            allowance = Allowance()
            self.known.update((name, (found, Nearest(found, allowance))) for name, found in domains.items())
        return self.known[role]

    def everywhere(self) -> set[str]:
        """The names whatever their domain."""
        return self.anywhere.union(*self.within.values())


def check_roles_without_rules(reading: Reading) -> Iterator[Problem]:
    """A link to a role that no rule names (in the link's domain, where it has one), also not through further links,
    gives nobody anything."""
    looks = re.compile(reading.subjects, re.DOTALL).fullmatch
    for ptype, used in _used_by_matcher(reading).items():
        everywhere = used.everywhere()
        named = Nearest(everywhere)
        told: set[str] = set()
        for domain, links in reading.document.links(ptype).items():
            for role, line in _giving_nothing(links, used, domain):
                elsewhere = role in everywhere
                if not elsewhere and role not in told:
                    told.add(role)
                    if not role or (ptype == "g" and looks(role) and not named.but_for_signs(role)):
                        continue  # it is told as an empty name, or as a person
                    said = _without_rules(reading, ptype, role, named.of(role))
                    yield reading.in_rule(line, 1, "role-without-rules", *said)
                # A link in the domain `*` is told as one that holds in no domain at all.
                elif elsewhere and not (domain == WILD and only_request_domains(reading, ptype)):
                    yield reading.in_rule(line, 1, "role-without-rules", *_not_here(used, role, domain))


def _giving_nothing(links: Graph, used: _Used, domain: str) -> Iterator[tuple[str, int]]:
    """The roles of links in one domain that lead to no rule there, each with its first line."""
    holders = turned(links)
    giving = {*walk(lambda role: holders.get(role, ()), [role for role in holders if used.has(role, domain)])}
    for roles in paced(links.values()):
        for role, line in roles.items():
            if role not in giving:
                giving.add(role)
                yield role, line


def _not_here(used: _Used, role: str, domain: str) -> tuple[str, str]:
    """What to say of a link to a role whose rules are for other domains."""
    others, known = used.elsewhere(role)
    near = known.of(domain)
    shown = quoted(others[:_SHOWN])
    shown += f" and {counted(len(others) - _SHOWN, 'other domain')}" if len(others) > _SHOWN else ""
    hint = f"did you mean `{near}`? " if near else ""
    message = f"no rule names `{role}` in `{domain}`, so this link gives nothing"
    return message, f"{hint}its rules are for {shown}"


def _without_rules(reading: Reading, ptype: str, role: str, near: str) -> tuple[str, str]:
    """What to say of a link to a role that no rule is for; rules may have the name in another column, or be for a
    role that is spelled nearly the same (``near``)."""
    words = reading.document.definition.policy_words
    column = next((index for index, names in enumerate(reading.words) if role in names), None)
    if column is None:
        return (
            f"no rule names `{role}`, so this link gives nothing",
            (f"did you mean `{near}`? else " if near else "")
            + f"add a rule for `{role}`, or delete the link",
        )
    word = words[column]
    message = f"rules have `{role}` as their `{word}`, where the matcher follows no link of `{ptype}`: it gives nothing"
    return message, f"delete the link, or let the matcher follow links there, as in `g2(r.{word}, p.{word})`"


def _used_by_matcher(reading: Reading) -> Mapping[str, _Used]:
    """For each link type, the names that the matcher compares with it; no entry where that cannot be told."""
    used: dict[str, _Used] = {}
    unknown = set()
    domains = Domains(reading)
    for function, arguments in calls(reading.tree):
        if function not in reading.document.definition.roles:
            continue
        second = arguments[1]
        column = reading.column(second.id.removeprefix("p_")) if isinstance(second, ast.Name) else None
        found = used.setdefault(function, _Used(set(), {}))
        asks_where = function in reading.document.definition.domains
        if asks_where and len(arguments) < 3:
            unknown.add(function)  # the matcher is told to leave the domain out
            continue
        domain = arguments[2] if asks_where else None
        if not isinstance(second, ast.Constant) and column is None:
            unknown.add(function)
        elif isinstance(domain, ast.Constant):
            names = reading.words[column] if column is not None else {_text(second)}
            found.within.setdefault(str(domain.value), set()).update(names)
        elif column is None:
            found.anywhere.add(_text(second))
        else:
            _use(reading, domains, found, column, domain)
    return {ptype: names for ptype, names in used.items() if ptype not in unknown}


def _text(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _use(reading: Reading, domains: Domains, used: _Used, column: int, domain: ast.expr | None) -> None:
    """Note the names in a column of the rules, each in the domain of its rule where links are asked for there."""
    where = None if domain is None else domains.column(domain)
    for row in paced(reading.document.rows["p"]):
        if where is None or not domains.single(where, row[where]):
            used.anywhere.add(row[column])
        else:
            used.within.setdefault(row[where], set()).add(row[column])
