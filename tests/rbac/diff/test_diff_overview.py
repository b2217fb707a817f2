"""Before any cell, a diff says what becomes of people, who is new, and which line does nothing."""

import io
import re
from collections.abc import Sequence

import pytest
from rich.console import Console

from rbac.cli.diff_text import show
from rbac.diff import diff as diffs
from rbac.diff import sentences, views
from rbac.diff.diff import diff
from rbac.diff.differences import Diff
from rbac.diff.headline import headline
from rbac.diff.markdown import to_markdown
from rbac.diff.new_endpoints import new_endpoints, to_json
from rbac.diff.overview import Overview, overview
from rbac.diff.shown import shown
from rbac.policy import Policy
from rbac.routes import Route
from tests.support.command import MODEL, ROOT

BASE = """p, everyone, /, GET, allow
p, clerk, /orders, GET, allow
p, clerk, /orders/{id}, GET, allow
p, admin, /admin, GET, allow
g, admin, clerk
"""
CONSOLE = ROOT / "app" / "console" / "static"
ANN = "3b7e5c0a-9d5e-4a52-8f0e-6c1d2b9a4f11"
BOB = "7f3c1e52-1111-4222-8333-444455556666"
ROUTES = tuple(Route("GET", path) for path in ("/", "/orders", "/orders/{id}", "/admin"))


def compared(
    edit: str, drop: str = "", base: str = BASE, routes: Sequence[Route] = ROUTES, model: str = MODEL
) -> tuple[Diff, Overview]:
    old, new = (Policy.parse(model.encode(), text.encode()) for text in (base, base.replace(drop, "") + edit))
    found = shown(diff(old, new, routes), old, new, routes)
    return found, overview(old, new, found, routes)


HEADLINES = {
    "a person becomes a role": (f"g, {ANN}, admin\n", "", "one person becomes `admin`"),
    "two persons become a role": (f"g, {ANN}, admin\ng, {BOB}, admin\n", "", "2 persons become `admin`"),
    "a person becomes a role that has nothing": (
        f"g, {ANN}, ghost\n",
        "",
        "one person becomes `ghost`; no access changes",
    ),
    "a person by a rule": (f"p, {ANN}, /admin, GET, allow\n", "", "one person gains access"),
    "a person is locked out": (f"p, {ANN}, /*, *, deny\n", "", "one person loses everything"),
    "two persons are locked out": (
        f"p, {ANN}, /*, *, deny\np, {BOB}, /*, *, deny\n",
        "",
        "2 persons lose everything",
    ),
    "a person loses one endpoint": (f"p, {ANN}, /orders, *, deny\n", "", "one person loses access"),
    "a role gains": ("p, clerk, /admin, GET, allow\n", "", "`clerk` gains 1 endpoint (1 granted, 0 revoked)"),
    "a role loses": (
        "",
        "p, clerk, /orders, GET, allow\n",
        "`admin`, `clerk` lose 1 endpoint (0 granted, 2 revoked)",
    ),
    "everyone gains": (
        "p, everyone, /admin, GET, allow\n",
        "",
        "everyone gains 1 endpoint (3 granted, 0 revoked)",
    ),
    "everyone gains, and a role more": (
        "p, everyone, /orders, GET, allow\np, clerk, /admin, GET, allow\n",
        "",
        "everyone gains 1 endpoint, others 1 more (3 granted, 0 revoked)",
    ),
    "everyone loses": (
        "",
        "p, everyone, /, GET, allow\n",
        "everyone loses 1 endpoint (0 granted, 4 revoked)",
    ),
    "everyone loses, and roles more": (
        "p, everyone, /*, *, deny\n",
        "",
        "everyone loses 1 endpoint, others 3 more (0 granted, 9 revoked)",
    ),
    "only callers without a token lose": (
        "p, authenticated, /, GET, allow\n",
        "p, everyone, /, GET, allow\n",
        "callers without a token lose 1 endpoint (0 granted, 1 revoked)",
    ),
    "a program becomes a role": ("g, client:1h57, clerk\n", "", "one program becomes `clerk`"),
    "a program gains": ("p, client:1h57, /admin, GET, allow\n", "", "one program gains access"),
    "a program and a person are locked out": (
        f"p, client:1h57, /*, *, deny\np, {ANN}, /*, *, deny\n",
        "",
        "one person loses everything; one program loses everything",
    ),
    "every token gains": (
        "p, authenticated, /admin, GET, allow\n",
        "",
        "every valid token gains 1 endpoint (2 granted, 0 revoked)",
    ),
    "both": (
        f"g, {ANN}, clerk\np, clerk, /admin, GET, allow\n",
        "",
        "one person becomes `clerk`; `clerk` gains 1 endpoint (1 granted, 0 revoked)",
    ),
    "nothing": ("# a comment\n", "", "no access changes"),
    "what nobody sends": (
        "p, clerk, /admin, get, allow\n",
        "",
        "no access changes but to requests that nobody sends",
    ),
}


@pytest.mark.parametrize(("edit", "drop", "said"), HEADLINES.values(), ids=HEADLINES)
def test_the_headline_counts_people_first(edit: str, drop: str, said: str) -> None:
    found, seen = compared(edit, drop)
    assert headline(found, seen) == said
    shown = views.to_json(found, seen)
    assert shown["summary"] == said
    # Each part can be said by whoever has the words for its kind: the console has them in Japanese.
    words = (CONSOLE / "words.ja.js").read_text(encoding="utf-8")
    assert all(f"headline_{part['key']}:" in words for part in shown["headline"])
    assert [part["number"] for part in shown["headline"] if "number" in part] == [
        1 if number == "one" else int(number)
        for number in re.findall(r"(one|\d+) (?:person|program)s?", said)
    ]
    assert to_markdown(found, seen).splitlines()[0] == f"### Access changes: {said}"


SAID_OTHERWISE = {
    "allowed": ("p, clerk, /admin, GET, allow\n", ""),
    "was_allowed": ("", "p, clerk, /orders, GET, allow\n"),
    "denied": ("p, clerk, /orders, GET, deny\n", ""),
    "no_longer_denied": ("", "p, clerk, /admin/keys, GET, deny\n"),
    "literal": ("p, clerk, /items/:id, GET, allow\n", ""),
    "pattern": ("p, clerk, /new/*, GET, allow\n", ""),
    "unknown": ("p, clerk, /new, GET, allow\n", ""),
    "nobody": ("p, everyone, /admin, GET, allow\n", ""),
    "token": ("p, authenticated, /admin, GET, allow\n", ""),
}


@pytest.mark.parametrize(("key", "edit", "drop"), [(key, *lines) for key, lines in SAID_OTHERWISE.items()])
def test_what_an_entry_says_can_be_said_in_other_words(key: str, edit: str, drop: str) -> None:
    old = BASE + "p, clerk, /admin/*, GET, allow\np, clerk, /admin/keys, GET, deny\n"
    found, _ = compared(edit, drop, old, (*ROUTES, Route("GET", "/items/{id}")))
    words = (CONSOLE / "words.ja.js").read_text(encoding="utf-8")
    met: set[str] = set()
    for entry in views.entries((*found.cells, *found.people)):
        parts = entry.parts(100)
        assert len(parts["callers"]) + (parts["more"] > 0) == len(entry.callers)
        assert len(parts["endpoints"]) == len(entry.endpoints)
        assert len(parts["why"]) == len(entry.why)
        for reasons, why in zip(parts["why"], entry.why, strict=True):
            assert all(one["text"] in why and f"line {one['line']}" in why for one in reasons if one["line"])
            assert all(f"why_{one['key']}:" in words for one in reasons)
            met |= {one["key"] for one in reasons}
        for place, change in zip(parts["endpoints"], entry.endpoints, strict=True):
            assert bool(place["key"]) is bool(sentences.example(change))
            assert not place["key"] or f"stands_{place['key']}:" in words
            met.add(place["key"])
        for caller in parts["callers"]:
            named = caller["kind"] not in {"nobody", "token"}
            assert named or f"who_{caller['kind']}:" in words
            met.add(caller["kind"])
    assert key in met


def test_a_person_who_loses_a_role_is_told_with_the_old_line() -> None:
    found, seen = compared("", f"g, {ANN}, admin\n", BASE + f"g, {ANN}, admin\n")
    assert headline(found, seen) == "one person is no longer `admin`"
    assert views.to_json(found, seen)["memberships"] == [
        {"sub": ANN, "role": "admin", "change": "lost", "line": 6}
    ]


def test_a_person_is_one_row_and_each_of_their_endpoints_once() -> None:
    found, seen = compared(f"p, {ANN}, /*, *, deny\n")
    shape = views.to_json(found, seen)
    assert shape["affected"] == [{"sub": ANN, "gained": 0, "lost": 4, "nothing_left": True}]
    assert shape["granted"] == shape["revoked"] == []
    cells = [(cell["caller"], cell["act"], cell["obj"]) for cell in shape["people"]]
    assert len(cells) == len(set(cells))
    assert sentences.row_sentence(seen.people[0]) == "loses everything: 4 endpoints"


def test_a_person_who_keeps_something_is_not_locked_out() -> None:
    _, seen = compared(f"p, {ANN}, /orders, *, deny\n")
    assert [(row.person, row.nothing_left) for row in seen.people] == [(ANN, False)]


def test_a_caller_as_nobody_comes_is_no_person() -> None:
    # Only somebody whose `sub` is a role's name, and who has no role or another one, notices these lines.
    for edit, drop in (("g, authenticated, clerk\n", ""), ("p, clerk, /orders/9, GET, deny\n", "")):
        found, seen = compared(edit, drop)
        named = {row.person for row in seen.people}
        assert not named
        assert headline(found, seen) == (
            "no access changes but for callers as nobody comes"
            if not found.cells
            else "`admin`, `clerk` lose 1 endpoint (0 granted, 2 revoked)"
        )
    assert "as nobody comes" in to_markdown(*compared("g, authenticated, clerk\n"))


NAMES = {
    "a role that one line names": ("p, auditor, /orders, GET, allow\n", ("auditor", "role", 6, True, "")),
    "a misspelled role": ("p, clrek, /admin, GET, allow\n", ("clrek", "role", 6, True, "clerk")),
    "a misspelled word of the model": (
        "p, everyon, /admin, GET, allow\n",
        ("everyon", "role", 6, True, "everyone"),
    ),
    "a role that two lines name": (
        "p, auditor, /orders, GET, allow\np, auditor, /admin, GET, allow\n",
        ("auditor", "role", 6, False, ""),
    ),
    "a person": (f"g, {ANN}, admin\n", (ANN, "person", 6, False, "")),
    "a role on the right of a link": ("g, clerk, staff\n", ("staff", "role", 6, True, "")),
}


@pytest.mark.parametrize(("edit", "name"), NAMES.values(), ids=NAMES)
def test_a_name_that_appears_for_the_first_time_is_told(
    edit: str, name: tuple[str, str, int, bool, str]
) -> None:
    _, seen = compared(edit)
    assert [(one.name, one.kind, one.line, one.alone, one.similar) for one in seen.names] == [name]


def test_a_name_that_was_there_is_not_new() -> None:
    assert compared("p, clerk, /admin, GET, allow\np, everyone, /x, GET, allow\n")[1].names == ()


IDLE = {
    "one line that does something": ("p, clerk, /admin, GET, allow\n", "", []),
    "one line that does nothing": ("p, admin, /orders, GET, allow\n", "", [("new", 6)]),
    "the one of two that does nothing": (
        "p, clerk, /admin, GET, allow\np, admin, /orders, GET, allow\n",
        "",
        [("new", 7)],
    ),
    "the second of two that say the same": (
        "p, clerk, /admin, GET, allow\np, clerk, /admin, GET, allow\n",
        "",
        [("new", 7)],
    ),
    "what nobody asks for": (
        "p, clerk, /admin, GET, allow\np, clerk, admin, GET, allow\n",
        "",
        [("new", 7)],
    ),
    "a line that went and had done nothing": (
        "p, clerk, /admin, GET, allow\n",
        "p, admin, /orders, GET, allow\n",
        [("old", 6)],
    ),
    "a link that does nothing": (f"g, {ANN}, ghost\np, clerk, /admin, GET, allow\n", "", [("new", 6)]),
}


@pytest.mark.parametrize(("edit", "drop", "lines"), IDLE.values(), ids=IDLE)
def test_lines_that_change_nothing_are_told(edit: str, drop: str, lines: list[tuple[str, int]]) -> None:
    base = BASE + (drop or "")
    _, seen = compared(edit, drop, base)
    assert seen.idle is not None
    assert [(one.document, one.rule.line) for one in seen.idle] == lines


def test_an_example_says_what_it_stands_for() -> None:
    found, seen = compared("p, clerk, /files/*, GET, allow\n")
    (cell, *_) = [cell for cell in views.to_json(found, seen)["granted"] if cell.get("witness")]
    assert cell["stands_for"] == "GET /files/*"
    assert "for example, of all that `GET /files/*` meets" in sentences.example(found.cells[0])


@pytest.mark.parametrize(("effect", "state"), [("deny", "open"), ("allow", "closed")], ids=["deny", "allow"])
def test_a_literal_placeholder_says_that_every_other_value_stays_as_it_was(effect: str, state: str) -> None:
    path = "/orders/:id" if effect == "deny" else "/refunds/:id"
    found, seen = compared(f"p, clerk, {path}, GET, {effect}\n")
    (change, *_) = found.cells
    assert (
        sentences.example(change)
        == f"this very path: `:id` stands for itself, and every other value stays {state}"
    )
    cells = views.to_json(found, seen)
    assert {cell["literal"] for cell in (*cells["granted"], *cells["revoked"])} == {":id"}


@pytest.mark.parametrize(
    "rule",
    [
        "p, clerk, /admin, get, allow",
        "p, clerk, /admin, WRITE, allow",
        "p, clerk, admin, GET, allow",
        "p, clerk, https://shop.example/admin, GET, allow",
        "p, clerk, /admin#top, GET, allow",
    ],
)
@pytest.mark.parametrize("routes", [ROUTES, ()], ids=["routes", "no routes"])
def test_requests_that_nobody_can_send_are_not_shown(rule: str, routes: Sequence[Route]) -> None:
    found, seen = compared(f"{rule}\n", routes=routes)
    assert (found.cells, found.people) == ((), ())
    assert found.unsent
    assert not found.equivalent
    assert views.to_json(found, seen)["unsent"] == len(found.unsent)
    assert [one.rule.line for one in seen.idle or ()] == [6]


@pytest.mark.parametrize("rule", ["p, clerk, /dav, PROPFIND, allow", "p, clerk, /a b, GET, allow"])
def test_requests_that_can_be_sent_are_shown(rule: str) -> None:
    assert compared(f"{rule}\n")[0].cells


def test_one_rule_with_many_endpoints_is_one_entry() -> None:
    found, _ = compared("p, clerk, /*, GET, allow\n")
    known = views.entries(change for change in found.cells if not change.witness)
    assert [(entry.callers, [one.endpoint.label for one in entry.endpoints]) for entry in known] == [
        (("clerk",), ["GET /admin"])
    ]
    linked, _ = compared("g, lead, admin\n")
    (entry,) = [entry for entry in views.entries(linked.cells) if not entry.danger]
    assert [one.endpoint.label for one in entry.endpoints] == ["GET /orders", "GET /orders/{id}"]
    assert len(entry.why) == 2


def test_new_endpoints_are_told_with_who_reaches_them_by_which_rule() -> None:
    policy = Policy.parse(MODEL.encode(), (BASE + "p, admin, /admin/*, *, allow\n").encode())
    more = (*ROUTES, Route("DELETE", "/admin/users"), Route("GET", "/nowhere"))
    assert to_json(new_endpoints(policy, ROUTES, more)) == [
        {"act": "DELETE", "obj": "/admin/users", "reached": [{"role": "admin", "rule": 6}]},
        {"act": "GET", "obj": "/nowhere", "reached": []},
    ]
    assert not new_endpoints(policy, more, ROUTES)


def test_markdown_is_for_a_pull_request_and_calls_nobody() -> None:
    found, seen = compared(f"p, everyone, /open_a|b, GET, allow\ng, ann@x.example, admin\ng, {ANN}, admin\n")
    text = to_markdown(found, seen)
    assert "Look at these first" in text
    assert "| ➕ | `ann@x.example` | becomes `admin` (line 7), gains 3 endpoints |" in text
    assert "a\\|b" in text
    assert text.count("@") == text.count("`ann@x.example`") == 2


def test_a_link_that_stays_is_told_where_its_role_carries_something_of_its_own() -> None:
    def links(edit: str) -> list[tuple[str, str]]:
        return [(link.user, link.role) for link in views.role_links(*compared(edit))]

    assert links("p, clerk, /admin/x, GET, allow\n") == [("admin", "clerk")]
    assert links("p, everyone, /admin/x, GET, allow\n") == []
    assert links("g, lead, clerk\n") == [("lead", "clerk")]
    assert links(f"g, {ANN}, clerk\n") == []


def told(found: Diff, seen: Overview) -> str:
    """The text as a terminal shows it, on one line."""
    console = Console(width=200, record=True, quiet=False, file=io.StringIO())
    show(console, found, seen)
    return " ".join(console.export_text().split())


@pytest.mark.parametrize("most", [0, 1, 2, 4, 8, 100])
def test_counts_that_folding_makes_a_part_are_said_to_be_one(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = "".join(f"g, p{n}@x.example, role{n % 3}\n" for n in range(6))
    base = f"{BASE}{people}p, role1, /admin, GET, deny\n"
    edit = "".join(f"p, p{n}@x.example, /new, *, allow\n" for n in range(4)) + "g, role1, clerk\n"
    whole, all_rows = compared(edit, base=base)
    assert not whole.folded
    monkeypatch.setattr(diffs, "MOST_CELLS", most)
    few, rows = compared(edit, base=base)
    counted = [(one.person, len(one.gained), len(one.lost), one.nothing_left) for one in rows.people]
    exact = [(one.person, len(one.gained), len(one.lost), one.nothing_left) for one in all_rows.people]
    # What is not exact says so, in every format; what says nothing is exact.
    assert few.folded or (counted, few.links, few.cells) == (exact, whole.links, whole.cells)
    assert few.folded == (most < 100)
    assert ("folded" in views.to_json(few, rows)) == few.folded
    assert ("may be more" in to_markdown(few, rows)) == few.folded
    assert ("may be more" in told(few, rows)) == few.folded
    assert {one.person for one in rows.people} <= {one.person for one in all_rows.people}
    assert {one.endpoint.label for one in (*few.cells, *few.people)} == {
        one.endpoint.label for one in (*whole.cells, *whole.people)
    }


def test_a_change_for_people_with_two_roles_alone_names_the_two_and_is_exact() -> None:
    base = "p, clerk, /orders, GET, allow\np, admin, /admin, GET, allow\n"
    base += "".join(f"g, p{n}@x.example, clerk\n" for n in range(3))
    found, seen = compared("p, admin, /orders, GET, deny\n", base=base)
    assert not found.example
    (cell,) = views.to_json(found, seen)["revoked"]
    assert (cell["role"], cell["act"], cell["obj"], cell["denied_by"]) == (
        "clerk with admin",
        "GET",
        "/orders",
        6,
    )
    assert "`clerk with admin`" in to_markdown(found, seen)


def test_a_change_for_nobody_as_they_come_is_said_to_be_an_example() -> None:
    """A link and a role in the token, where the first rule decides: no role and no person alone sees the order."""
    first = MODEL.replace(
        "some(where (p.eft == allow)) && !some(where (p.eft == deny))", "priority(p.eft) || deny"
    )
    denies = "p, admin, /orders, GET, deny\n"
    allows = "p, clerk, /orders, GET, allow\n"
    found, seen = compared(denies, drop=denies, base=denies + allows, model=first)
    assert found.example
    assert len(found.people) == 1
    assert "example" in views.to_json(found, seen)
    for text in (to_markdown(found, seen), told(found, seen)):
        assert "who else it concerns" in text
    usual, rows = compared("p, clerk, /orders, GET, deny\n", base=allows)
    assert not usual.example
    assert "example" not in views.to_json(usual, rows)
    assert "who else it concerns" not in to_markdown(usual, rows)
