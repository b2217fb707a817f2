"""Random policy documents and requests from a small alphabet, so that rules and requests often meet."""

from collections.abc import Sequence
from typing import Final

import casbin
from casbin.constant.constants import (
    ALLOW_AND_DENY_EFFECT,
    ALLOW_OVERRIDE_EFFECT,
    DENY_OVERRIDE_EFFECT,
    PRIORITY_EFFECT,
)
from hypothesis import strategies as st

from rbac.policy import Policy

Request = tuple[str, str, str, str]

EFFECTS: Final = {
    "allow": ALLOW_OVERRIDE_EFFECT,
    "deny": DENY_OVERRIDE_EFFECT,
    "allow and deny": ALLOW_AND_DENY_EFFECT,
    "priority": PRIORITY_EFFECT,
}
WHO: Final = (
    '(p.role == "everyone" || (p.role == "authenticated" && r.sub != "") || g(r.role, p.role) || g(r.sub, p.role))',
    "(g(r.sub, p.role) || g(r.role, p.role))",
    "(r.role == p.role || g(r.sub, p.role))",
)
WHAT: Final = (
    "keyMatch(r.obj, p.obj)",
    "keyMatch2(r.obj, p.obj)",
    "keyMatch3(r.obj, p.obj)",
    "keyMatch5(r.obj, p.obj)",
    "regexMatch(r.obj, p.obj)",
    "r.obj == p.obj",
    '(p.obj == "*" || keyMatch3(r.obj, p.obj) || r.obj == "/root")',
)
HOW: Final = ('(p.act == "*" || p.act == r.act)', "r.act == p.act", "regexMatch(r.act, p.act)")

NAMES: Final = ("admin", "user", "guest", "everyone", "authenticated", "ann@x")
PATHS: Final = (
    "/",
    "/a",
    "/b",
    "/a/b",
    "/a/{x}",
    "/{x}",
    "/{x}/b",
    "/{x}/{y}",
    "/*",
    "/a/*",
    "/a/*/b",
    "/:x",
    "/a/:x",
    "/a.b",
    "/a+",
    "/a*",
    "/[ab]/b",
    "/a|b",
)
ACTS: Final = ("GET", "POST", "*")
LINKS: Final = (
    ("admin", "user"),
    ("user", "guest"),
    ("ann@x", "admin"),
    ("ann@x", "guest"),
    ("admin", "guest"),
)


def model_text(effect: str, who: str, what: str, how: str) -> str:
    """A model of the shipped kind."""
    return (
        "[request_definition]\nr = sub, role, obj, act\n[policy_definition]\np = role, obj, act, eft\n"
        "[role_definition]\ng = _, _\n"
        f"[policy_effect]\ne = {effect.replace('p_eft', 'p.eft')}\n[matchers]\nm = {who} && {what} && {how}\n"
    )


models = st.builds(
    model_text,
    st.sampled_from(list(EFFECTS.values())),
    st.sampled_from(WHO),
    st.sampled_from(WHAT),
    st.sampled_from(HOW),
)
rules = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from(PATHS),
    st.sampled_from(ACTS),
    st.sampled_from(("allow", "allow", "deny")),
)


def policy_text(rows: Sequence[Sequence[str]], links: Sequence[Sequence[str]]) -> str:
    """A policy file with these rules and role links."""
    return "".join(f"p, {', '.join(row)}\n" for row in rows) + "".join(
        f"g, {', '.join(link)}\n" for link in links
    )


@st.composite
def policy_texts(draw: st.DrawFn, least: int = 0) -> str:
    """A policy of at most five rules and three links, without a cycle."""
    rows = draw(st.lists(rules, min_size=least, max_size=5))
    links = draw(st.lists(st.sampled_from(LINKS), max_size=3, unique=True))
    return policy_text(rows, links)


def flipped(line: str) -> str:
    """A rule with the other effect; a role link as it is."""
    body, comma, effect = line.rpartition(", ")
    return f"{body}{comma}{'deny' if effect == 'allow' else 'allow'}" if line.startswith("p,") else line


@st.composite
def edited(draw: st.DrawFn, text: str) -> str:
    """``text`` with one line exchanged, dropped, added or turned from allow to deny: documents that are nearly
    alike."""
    lines = text.splitlines()
    place = draw(st.integers(0, max(len(lines) - 1, 0)))
    line = draw(
        st.one_of(
            rules.map(lambda row: f"p, {', '.join(row)}"),
            st.sampled_from([f"g, {', '.join(link)}" for link in LINKS]),
            st.sampled_from(lines or ["p, user, /a, GET, allow"]),
        )
    )
    edit = draw(st.sampled_from(("exchange", "drop", "add", "flip")))
    if edit == "flip" and lines:
        lines[place] = flipped(lines[place])
    elif edit == "drop" and lines:
        del lines[place]
    elif edit == "exchange" and lines:
        lines[place] = line
    else:
        lines.insert(place, line)
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


paths = st.one_of(
    st.lists(
        st.sampled_from(("/", "a", "b", "ab", ".", "x", "/a", "/b", "é", "?", "+", "|", "*")), max_size=6
    ).map("".join),
    st.sampled_from(("/a", "/a/b", "/aa", "/a/", "/root", "/a/b/b", "/axb", "//", "")),
    st.text(
        st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cc", "Cs"]),
        max_size=4,
    ),
)
people = st.sampled_from((*NAMES, "", "zed", "somebody"))
requests: st.SearchStrategy[Request] = st.tuples(
    people, people, paths, st.sampled_from(("GET", "POST", "PUT", "*", "", "GETX"))
)


def read(model: str, text: str) -> Policy:
    """The policy of this document."""
    return Policy.parse(model.encode(), text.encode())


def stock(policy: Policy) -> casbin.Enforcer:
    """Stock Casbin on the same document."""
    return casbin.Enforcer(policy.document.casbin_model(), policy.document.adapter())
