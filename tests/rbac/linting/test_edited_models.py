"""Edits of a shop's model, each with one mistake: `check` says what the rules do no more, and is silent about the right ones."""

from pathlib import Path
from typing import Final

import pytest

from rbac.document.document import Document
from rbac.linting.lint import lint

SHOP: Final = Path(__file__).parents[2] / "data" / "edits" / "shop"
MODEL: Final = (SHOP / "model.conf").read_text(encoding="utf-8")
POLICY: Final = (SHOP / "policy.csv").read_text(encoding="utf-8")
LAST: Final = POLICY.count("\n")
AND_DENY: Final = "some(where (p.eft == allow)) && !some(where (p.eft == deny))"

# What was written, what instead, a line behind the policy; where it is told (0 is the model), the code, and words of it.
WRONG: Final = {
    "an alternative without its parentheses": (
        '(p.act == "*" || p.act == r.act)', 'p.act == "*" || p.act == r.act', "",
        (0, "open-way", "compares `p.role` and `p.obj` with nothing, whoever asks"),
    ),
    "roles are not asked for": (
        "g(r.role, p.role) || ", "", "", (0, "unasked-definition", "never compares `r.role` with `p.role`"),
    ),
    "links of roles are not followed": (
        "g(r.role, p.role)", "r.role == p.role", "", (0, "unasked-definition", "has nothing by its links"),
    ),
    "persons are not asked for": (
        " || g(r.sub, p.role)", "", "", (LAST, "unasked-definition", "the rule is met by nobody"),
    ),
    "the word for everybody is gone": (
        'p.role == "everyone" || ', "", "", (4, "resembles-special-word", "the matcher does not know the word"),
    ),
    "the word for the known is gone": (
        '(p.role == "authenticated" && r.sub != "") || ', "", "p, authenticated, /refunds, GET, allow",
        (LAST + 1, "resembles-special-word", "the matcher does not know the word"),
    ),
    "the first rule decides": (
        AND_DENY, "priority(p.eft) || deny", "", (LAST, "idle-deny", "none behind this one allows anything"),
    ),
    "a domain is never asked for": (
        "g = _, _", "g = _, _, _", "p, x, /x, GET, allow\ng, y, x, north",
        (0, "unasked-definition", "leaves the domain of `g` out"),
    ),
    "who is not in the role passes": (
        "g(r.role, p.role)", "!g(r.role, p.role)", "", (0, "negated-comparison", "whoever is not in the rule's role"),
    ),
    "the person who is not in the role passes": (
        "g(r.sub, p.role)", "!g(r.sub, p.role)", "", (0, "negated-comparison", "`!g(r.sub, p.role)`"),
    ),
    "the answer that is asked for is no": (
        "g(r.sub, p.role)", "g(r.sub, p.role) == False", "", (0, "negated-comparison", "`!g(r.sub, p.role)`"),
    ),
    "it is no with brackets": (
        "|| g(r.role, p.role)", '|| !(g(r.role, p.role) || r.role == "x")', "",
        (0, "negated-comparison", "`!g(r.role, p.role)`"),
    ),
    "every path but the rule's": (
        "keyMatch3", "!keyMatch3", "", (0, "negated-comparison", "all that the rule's pattern does not meet"),
    ),
    "every method but the rule's": (
        "p.act == r.act", "p.act != r.act", "", (0, "negated-comparison", "every word but the rule's"),
    ),
    "everybody but everybody": (
        'p.role == "everyone"', 'p.role != "everyone"', "", (0, "negated-comparison", "is for whoever asks"),
    ),
    "every method but all of them": (
        'p.act == "*"', 'p.act != "*"', "", (0, "negated-comparison", "compares `p.act` with nothing"),
    ),
}  # fmt: skip
RIGHT: Final = {
    "as it is": ("", "", ""),
    "another function with the same placeholders": ("keyMatch3", "keyMatch5", ""),
    "nobody may be authenticated": ('(p.role == "authenticated" && r.sub != "") || ', "", ""),
    "a role of the model's own is left out": (" && keyMatch3", ' && !g(r.role, "banned") && keyMatch3', ""),
    "a word of the request is left out": (" && keyMatch3", ' && r.obj != "/hidden" && keyMatch3', ""),
    "an answer that is yes": ("g(r.role, p.role)", "g(r.role, p.role) == True", ""),
    "no twice": ("g(r.role, p.role)", "!!g(r.role, p.role)", ""),
    "the quotes are single ones": ('"everyone"', "'everyone'", ""),
    "the first rule decides, and the deny is the first": (
        AND_DENY, "priority(p.eft) || deny", "p, clerk, /orders/{id}/ship, PUT, deny\np, clerk, /orders/{id}/*, PUT, allow",
    ),
    "the first rule decides, and the last is for the rest": (
        AND_DENY, "priority(p.eft) || deny", "p, everyone, /*, *, deny",
    ),
}  # fmt: skip


def told(old: str, new: str, lines: str) -> list[tuple[int, str, str]]:
    """What is said of the shop with this edit of its model, each at its line of the policy."""
    policy = POLICY
    if old == AND_DENY:  # the shop's own last line would be one that comes too late
        policy = "\n".join(line for line in POLICY.split("\n") if not (lines and line.startswith("p, 7f3c")))
    elif "_, _, _" in new:
        policy = ""
    document = Document.parse(MODEL.replace(old, new, 1).encode(), (policy + lines + "\n").encode())
    return [
        (problem.line if problem.file == "policy.csv" else 0, problem.code, problem.message)
        for problem in lint(document)
    ]


@pytest.mark.parametrize("edit", WRONG)
def test_what_an_edit_of_the_model_takes_away_is_told(edit: str) -> None:
    old, new, lines, (line, code, words) = WRONG[edit]
    assert any(
        (at, what) == (line, code) and words in message for at, what, message in told(old, new, lines)
    ), told(old, new, lines)


@pytest.mark.parametrize("edit", RIGHT)
def test_a_right_model_is_left_alone(edit: str) -> None:
    assert [finding for finding in told(*RIGHT[edit]) if finding[1] != "sweeping-deny"] == []


NEGATED: Final = "negated-comparison"


@pytest.mark.parametrize(
    ("words", "effect", "matcher", "found"),
    [
        ("sub, obj, act, eft", AND_DENY, "!g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act", True),
        (
            "sub, obj, act",
            "some(where (p.eft == allow))",
            "!g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act",
            True,
        ),
        # What rules deny, they may well deny to all but a role.
        (
            "sub, obj, act, eft",
            "!some(where (p.eft == deny))",
            "!g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act",
            False,
        ),
        # A column for what is left out.
        (
            "sub, obj, but, act",
            "some(where (p.eft == allow))",
            "g(r.sub, p.sub) && keyMatch(r.obj, p.obj) && !keyMatch(r.obj, p.but) && r.act == p.act",
            False,
        ),
        (
            "sub, but, obj, act",
            "some(where (p.eft == allow))",
            "g(r.sub, p.sub) && r.sub != p.but && r.obj == p.obj && r.act == p.act",
            False,
        ),
    ],
)
def test_what_a_negation_does_is_told_where_no_column_is_made_for_it(
    words: str, effect: str, matcher: str, found: bool
) -> None:
    model = (
        f"[request_definition]\nr = sub, obj, act\n[policy_definition]\np = {words}\n[role_definition]\ng = _, _\n"
        f"[policy_effect]\ne = {effect}\n[matchers]\nm = {matcher}\n"
    )
    row = ", ".join("allow" if word == "eft" else f"a {word}" for word in words.split(", "))
    document = Document.parse(model.encode(), f"p, {row}\n".encode())
    assert (NEGATED in {problem.code for problem in lint(document)}) is found
