"""can, who-can and matrix against a brute force: every cell as stock Casbin decides it."""

import csv
import io
import json
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rbac.diff.new_endpoints import new_endpoints
from rbac.errors import PolicyError, RequestError
from rbac.policy import Policy
from rbac.review import matrix as matrices
from rbac.review import matrix_views
from rbac.review.access import can, who_can
from rbac.review.matrix import Matrix, matrix
from rbac.routes import Route
from tests.support import random_policies as random
from tests.support.growth import lines_run

ROUTES = (Route("GET", "/a"), Route("POST", "/a/{id}"), Route("GET", "/{name}/b"), Route("DELETE", "/z"))
PATHS = {"/a": "/a", "/a/{id}": "/a/1", "/{name}/b": "/1/b", "/z": "/z"}
STRANGER = "nobody-knows-me"
MODEL = random.model_text(random.EFFECTS["allow and deny"], random.WHO[0], random.WHAT[2], random.HOW[0])
POLICY = """p, everyone, /, GET, allow
p, authenticated, /me, GET, allow
p, user, /docs/{id}, GET, allow
p, admin, /docs/*, *, allow
p, admin, /docs/secret, *, deny
g, admin, user
g, ann@x, user
"""


@pytest.fixture
def policy() -> Policy:
    return random.read(MODEL, POLICY)


def callers_by_definition(policy: Policy) -> dict[str, tuple[str, str]]:
    """Who the overviews are about, as sub and role, written down from the design."""
    singled_out = policy.names().singled_out
    return {
        "nobody": ("", ""),
        "any valid token": (STRANGER, ""),
        **{role: (STRANGER, role) for role in policy.roles if role not in singled_out},
        **{person: (person, "") for person in sorted({*policy.subjects, *singled_out})},
    }


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), random.models)
def test_every_answer_is_what_stock_casbin_decides(data: st.DataObject, model: str) -> None:
    try:
        policy = random.read(model, data.draw(random.policy_texts(least=1)))
    except PolicyError:
        assume(False)
    enforcer = random.stock(policy)
    made = matrix(policy, ROUTES)
    expected = callers_by_definition(policy)
    assert [caller.label for caller in made.callers] == list(expected)
    # What is so of some paths of a route alone stands behind it: see test_templates_brute_force.py.
    whole = [column for column, endpoint in enumerate(made.endpoints) if not endpoint.template]
    shown = [made.endpoints[column] for column in whole]
    assert [(endpoint.act, endpoint.obj) for endpoint in shown] == [(r.act, r.obj) for r in ROUTES]
    rows = [[row[column] for column in whole] for row in made.cells]
    for (sub, role), row in zip(expected.values(), rows, strict=True):
        for route, cell in zip(ROUTES, row, strict=True):
            allowed, rule = enforcer.enforce_ex(sub, role, PATHS[route.obj], route.act)
            assert cell.allowed == allowed
            assert cell.rule is None or list(cell.rule.fields) == rule
    for name, (sub, role) in expected.items():
        found = can(policy, ROUTES, roles=[role] if role else [], sub=sub or None)
        row = rows[list(expected).index(name)]
        whole_routes = [decision.allowed for endpoint, decision in found if not endpoint.template]
        assert whole_routes == [cell.allowed for cell in row]
    people = {person: (person, "") for person in ("ann@x",) if person in policy.subjects}
    for column, route in enumerate(ROUTES):
        reached = {reach.caller.label for reach in who_can(policy, route.act, route.obj, ROUTES)}
        open_to = {name for name, row in zip(expected, rows, strict=True) if row[column].allowed}
        named = {
            name
            for name, (sub, _) in people.items()
            if enforcer.enforce(sub, "", PATHS[route.obj], route.act)
        }
        assert reached - {"ann@x"} == open_to - {"ann@x"}
        assert ("ann@x" in reached) == (
            "ann@x" in open_to or bool(named) or _reaches_as_person(policy, PATHS[route.obj], route.act)
        )


def _reaches_as_person(policy: Policy, obj: str, act: str) -> bool:
    """Whether ann, whom a rule singles out, reaches it."""
    return "ann@x" in policy.roles and bool(random.stock(policy).enforce("ann@x", "", obj, act))


def test_a_cell_says_whether_another_roles_rule_decided(policy: Policy) -> None:
    made = matrix(policy, [Route("GET", "/docs/{id}"), Route("GET", "/docs/secret"), Route("GET", "/")])
    assert [endpoint.label for endpoint in made.endpoints] == ["GET /docs/{id}", "GET /docs/secret", "GET /"]
    rows = {caller.label: row for caller, row in zip(made.callers, made.cells, strict=True)}
    assert [(cell.allowed, cell.inherited) for cell in rows["user"]] == [
        (True, False),
        (True, False),
        (True, True),
    ]
    assert [cell.inherited for cell in rows["admin"]] == [False, False, True]
    assert [(cell.allowed, cell.inherited) for cell in rows["nobody"]] == [
        (False, False),
        (False, False),
        (True, False),
    ]
    assert rows["any valid token"][0].rule is None


def test_who_can_leads_from_the_role_to_the_rule(policy: Policy) -> None:
    found = {reach.caller.name: reach.role_path for reach in who_can(policy, "GET", "/docs/7")}
    assert found["user"] == ("user",)
    assert found["ann@x"] == ("ann@x", "user")
    assert set(found) == {"user", "admin", "ann@x"}


def test_who_can_takes_the_template_of_a_route(policy: Policy) -> None:
    routes = [Route("GET", "/docs/{id}")]
    assert [reach.caller.name for reach in who_can(policy, "GET", "/docs/{id}", routes)] == [
        "admin",
        "user",
        "ann@x",
    ]


@pytest.mark.parametrize(
    ("roles", "sub", "reached"),
    [
        ([], None, {"/"}),
        ([], "zed", {"/", "/me"}),
        (["user"], None, {"/", "/me", "/docs/{id}"}),
        ([], "ann@x", {"/", "/me", "/docs/{id}"}),
        (["no-such", "user"], None, {"/", "/me", "/docs/{id}"}),
    ],
)
def test_can_is_asked_for_nobody_a_person_a_role_or_several(
    policy: Policy, roles: list[str], sub: str | None, reached: set[str]
) -> None:
    routes = [Route("GET", path) for path in ("/", "/me", "/docs/{id}", "/other")]
    assert {e.obj for e, decision in can(policy, routes, roles=roles, sub=sub) if decision.allowed} == reached


def test_a_model_with_one_word_for_callers_takes_a_person_or_a_role() -> None:
    model = MODEL.split("m = ")[0].replace("r = sub, role,", "r = sub,")
    single = random.read(
        f"{model}m = g(r.sub, p.role) && keyMatch(r.obj, p.obj) && r.act == p.act\n",
        "p, user, /a, GET, allow\n",
    )
    assert [decision.allowed for _, decision in can(single, [Route("GET", "/a")], roles=["user"])] == [True]
    assert [decision.allowed for _, decision in can(single, [Route("GET", "/a")], sub="user")] == [True]
    with pytest.raises(RequestError, match="not both"):
        can(single, [Route("GET", "/a")], roles=["user"], sub="ann")
    assert [caller.label for caller in matrix(single).callers] == ["nobody", "any valid token", "user"]


def test_domains_are_rows_of_their_own() -> None:
    model = (
        "[request_definition]\nr = sub, dom, obj, act\n[policy_definition]\np = sub, dom, obj, act\n"
        "[role_definition]\ng = _, _, _\n[policy_effect]\ne = some(where (p.eft == allow))\n"
        "[matchers]\nm = g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act\n"
    )
    policy = random.read(model, "p, admin, one, /a, GET\np, admin, two, /b, GET\ng, root, admin, two\n")
    made = matrix(policy)
    cells = {
        (caller.label, endpoint.obj): cell.allowed
        for caller, row in zip(made.callers, made.cells, strict=True)
        for endpoint, cell in zip(made.endpoints, row, strict=True)
    }
    assert cells["admin, dom one", "/a"]
    assert not cells["admin, dom one", "/b"]
    assert cells["root, dom two", "/b"]
    assert not cells["root, dom one", "/a"]


class _Page(HTMLParser):
    """The table of a page, and whatever it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = 0
        self.cells: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.rows += tag == "tr"
        self.cells += [str(dict(attrs)["class"])] if tag == "td" else []
        self.loads += [str(value) for name, value in attrs if name in {"src", "href"}]
        self.loads += [tag] if tag == "script" else []


def test_every_form_of_a_matrix_says_the_same(policy: Policy) -> None:
    routes = [Route("GET", "/"), Route("DELETE", "/docs/{id}"), Route("GET", "/docs/secret")]
    made = matrix(policy, routes)
    yes = sum(cell.allowed for row in made.cells for cell in row)
    shape = json.loads(json.dumps(matrix_views.to_json(made)))
    assert sum(cell["allowed"] for row in shape["cells"] for cell in row) == yes == 8
    assert shape["cells"][2][1] == {"allowed": True, "rule": 4, "inherited": False}
    assert shape["cells"][2][2] == {"allowed": False, "rule": 5, "inherited": False}
    assert shape["cells"][0][1] == {"allowed": False, "rule": None, "inherited": False}
    table = list(csv.reader(io.StringIO(matrix_views.to_csv(made))))
    assert table[0] == [
        "method",
        "path",
        "template",
        "but not",
        "nobody",
        "any valid token",
        "admin",
        "user",
        "ann@x",
    ]
    assert sum(cell != "" for row in table[1:] for cell in row[4:]) == yes
    assert matrix_views.to_markdown(made).count("✓") == yes + 2
    page = _Page()
    page.feed(matrix_views.to_html(made))
    assert page.rows == len(made.endpoints) + 1 == len(routes) + 2
    assert sum(kind in {"yes", "inherited"} for kind in page.cells) == yes
    assert page.loads == []
    picture = ET.fromstring(matrix_views.to_svg(made))
    kinds = [rectangle.get("class") for rectangle in picture.iter("{http://www.w3.org/2000/svg}rect")]
    assert sum(kind in {"yes", "inherited"} for kind in kinds) == yes


@pytest.mark.parametrize("routes", [(), (Route("GET", "/docs/{id}"), Route("GET", "/me"), Route("GET", "/"))])
def test_a_table_that_nobody_could_read_ends_and_says_so_in_every_format(
    policy: Policy, routes: tuple[Route, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = matrix(policy, routes)
    assert not whole.notes
    exact = {
        (caller.label, endpoint.label): cell
        for caller, row in zip(whole.callers, whole.cells, strict=True)
        for endpoint, cell in zip(whole.endpoints, row, strict=True)
    }
    callers = len(whole.callers)
    for most in range(1, len(exact)):
        monkeypatch.setattr(matrices, "MOST_CELLS", most)
        part = matrix(policy, routes)
        shown = [
            (caller.label, endpoint.label, cell)
            for caller, row in zip(part.callers, part.cells, strict=True)
            for endpoint, cell in zip(part.endpoints, row, strict=True)
        ]
        assert len(shown) <= most
        assert len(part.callers) == min(most, callers)
        # Some paths of a route alone may not be told from the others, if they are all of the same to fewer callers.
        assert all(exact[who, what] == cell for who, what, cell in shown if len(part.callers) == callers)
        assert {who for who, _, _ in shown} <= {caller.label for caller in whole.callers}
        (note,) = part.notes
        assert f"{most:,} cells" in note
        assert "`--routes`" in note
        assert matrix_views.to_json(part)["complete"] is False
        for write in (
            matrix_views.to_csv,
            matrix_views.to_markdown,
            matrix_views.to_html,
            matrix_views.to_svg,
        ):
            assert f"more than {most:,} cells" in write(part)
    monkeypatch.setattr(matrices, "MOST_CELLS", 10 * len(exact))
    assert matrix(policy, routes) == whole


def test_what_a_bounded_table_takes_does_not_grow_with_what_it_leaves_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(matrices, "MOST_CELLS", 200_000)
    taken = []
    for size in (200, 800):
        large = random.read(MODEL, "".join(f"p, role{n}, /area{n}/{{id}}, GET, allow\n" for n in range(size)))
        made: list[Matrix] = []
        taken.append(lines_run(lambda policy=large, made=made: made.append(matrix(policy))))
        assert bool(made[0].notes) == (size == 800)
    # Sixteen times as many cells, of which four times as many are asked about at most.
    assert taken[1] < 10 * taken[0]


def test_new_endpoints_that_are_too_many_are_not_kept_quiet(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not new_endpoints(policy, (), ROUTES).notes
    monkeypatch.setattr(matrices, "MOST_CELLS", 7)
    opened = new_endpoints(policy, (), ROUTES)
    assert len(opened) < len(ROUTES)
    assert "endpoints are shown" in opened.notes[0]


def test_names_from_a_policy_cannot_break_out_of_a_page_a_table_or_a_spreadsheet() -> None:
    policy = random.read(MODEL, "p, =cmd|<script>alert(1)</script>, /<b>{x}|y, GET, allow\n")
    made = matrix(policy, [Route("GET", "/<b>x|y")])
    page = _Page()
    page.feed(matrix_views.to_html(made))
    assert page.loads == []
    assert "<script>" not in matrix_views.to_svg(made)
    ET.fromstring(matrix_views.to_svg(made))
    assert "'=cmd" in matrix_views.to_csv(made)
    tokens = MarkdownIt("commonmark").enable("table").parse(matrix_views.to_markdown(made))
    inner = [child for token in tokens for child in token.children or ()]
    assert not {"html_block", "html_inline"} & {token.type for token in (*tokens, *inner)}
    cells = [child.content for child in inner if child.type == "code_inline"]
    assert cells[:2] == ["=cmd|<script>alert(1)</script>", "GET /<b>x|y"]
