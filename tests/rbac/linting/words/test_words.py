"""Words of a rule that no request can have are told where they stand, with what to write; all others are left alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from rbac.document.document import Document
from rbac.errors import Problem
from rbac.linting.lint import lint
from rbac.model.http_words import path_fault
from rbac.routes import NO_ROUTES, KnownRoutes, Route, routes_of_file

SHOP: Final = Path(__file__).parents[3] / "data" / "edits" / "shop"
MODEL: Final = (SHOP / "model.conf").read_bytes()
POLICY: Final = (SHOP / "policy.csv").read_bytes()
ROUTES: Final = routes_of_file(SHOP / "routes.json")

# The line, the code, and what the hint must say.
METHODS: Final = [
    ("get", "`GET`"),
    ("Get", "`GET`"),
    ("ＧＥＴ", "`GET`"),
    ("ANY", "write `*` for every method"),
    ("ALL", "write `*` for every method"),
    ("any", "write `*` for every method"),
    (".*", "write `*` for every method"),
    ("WRITE", "write `POST`, `PUT`, `PATCH` and `DELETE`, each on a line of its own"),
    ("READ", "write `GET`"),
    ("UPDATE", "write `PUT` or `PATCH`"),
    ("remove", "write `DELETE`"),
    ("GET|POST", "write a line for `GET` and one for `POST`"),
    ("GET/POST", "write a line for `GET` and one for `POST`"),
    ("GET POST", "write a line for `GET` and one for `POST`"),
    ("GET & PUT", "write a line for `GET` and one for `PUT`"),
    ("GET;POST", "write a line for `GET` and one for `POST`"),
    ("get or put", "write a line for `GET` and one for `PUT`"),
    ("HEAD", "write `GET`"),
    ("!GET", "there is no `not`"),
    ("-", "CONNECT, DELETE, GET"),
    ("(GET)|(POST)", "write a line for `GET` and one for `POST`"),
    ("(GET|POST)", "write a line for `GET` and one for `POST`"),
    ("^(GET|POST)$", "write a line for `GET` and one for `POST`"),
    ("[GET POST]", "write a line for `GET` and one for `POST`"),
    ("^GET$", "`GET`"),
    ("GETPOST", "write a line for `GET` and one for `POST`"),
    ("GET-POST", "write a line for `GET` and one for `POST`"),
    ("GET~POST", "write a line for `GET` and one for `POST`"),
    ("GET\\|POST", "write a line for `GET` and one for `POST`"),
    ("GET/*", "write `*` for every method"),
    ("GET|*", "write `*` for every method"),
    ("*.*", "write `*` for every method"),
    (".+", "write `*` for every method"),
    ("%", "write `*` for every method"),
    ("all methods", "write `*` for every method"),
    ("RW", "write `*` for every method"),
    ("P*", "write a line for `PATCH` and one for `POST` and one for `PUT`"),
    ("^DEL.*$", "write `DELETE`"),
    ("HTTP GET", "write `GET`"),
    ("GET.", "write `GET`"),
    ("R", "write `GET`"),
    ("execute", "write `POST`"),
    ("WS", "write `GET`"),
    ("websocket", "write `GET`"),
    ("true", "CONNECT, DELETE, GET"),
    ("DELET", "did you mean `DELETE`?"),
    ("PSOT", "did you mean `POST`?"),
    ("", "write `GET`, or write `*` for every method"),
    ("banana", "CONNECT, DELETE, GET"),
]
PATHS: Final = [
    ("refunds", "write `/refunds`"),
    ("./refunds", "write `/refunds`"),
    ("all", "write `/*` for every path"),
    ("", "such as `/orders`"),
    ("https://shop.example.com/refunds", "`/refunds`"),
    ("http://localhost:8000/refunds", "`/refunds`"),
    ("//shop.example.com/refunds", "`/refunds`"),
    ("shop.example.com/refunds", "`/refunds`"),
    ("//localhost:8000/refunds", "`/refunds`"),
    ("//refunds", "write `/refunds`"),
    ("//refunds/open", "write `/refunds/open`"),
    ("///refunds", "write `/refunds`"),
    ("~/refunds", "write `/refunds`"),
    ("</refunds>", "write `/refunds`"),
    ("!/refunds", "there is no `not`"),
    ("/#/refunds", "write `/refunds`"),
    ("/#!/refunds/open", "write `/refunds/open`"),
    ("localhost:8000/refunds", "`/refunds`"),
    ("GET /refunds", "write `/refunds`"),
    ("/refunds GET", "write `/refunds`"),
    ("/refunds?state=open", "write `/refunds`"),
    ("/refunds/{id}?full=1&x=2", "write `/refunds/{id}`"),
    ("/refunds#open", "write `/refunds`"),
    ("/refunds;/reports", "write one for `/refunds` and one for `/reports`"),
    ("/refunds、/reports", "write one for `/refunds` and one for `/reports`"),
    ("/refunds & /reports", "write one for `/refunds` and one for `/reports`"),
    ("/refunds or /reports", "write one for `/refunds` and one for `/reports`"),
    ("/refunds。", "`/refunds`"),
    ("/refunds，", "`/refunds`"),
    ("%2Frefunds", "write `/refunds`"),
    ("@/refunds", "write `/refunds`"),
    ("=/refunds", "write `/refunds`"),
    ("POST:/refunds", "write `/refunds`"),
    ("/refunds:POST", "write `/refunds`"),
    ("{id}", "write `/{id}`"),
    ("{base}/refunds", "write `/refunds`"),
    ("/refunds\\", "`/refunds`"),
    ("/\\refunds", "`/refunds`"),
    ("/refunds/＜id＞/approve", "write `/refunds/{id}/approve`"),
    ("/refunds/［id］", "write `/refunds/{id}`"),
    ("/：id", "write `/{id}`"),
    ("/reports%2Fsales", "write `/`"),
    ("/reports%2fsales", "write `/`"),
    ("/reports/north%20sales", "compared decoded"),
    ("/reports/sales report", "`/reports/salesreport`"),
    ("/refunds /reports", "two paths are two lines"),
    ("\\refunds", "`/refunds`"),
    ("/reports\\sales", "`/reports/sales`"),
    ("/orders//items", "`/orders/items`"),
    ("/orders/{id}//items", "`/orders/{id}/items`"),
    ("/orders/../refunds", "`/refunds`"),
    ("/orders/{id}/../items", "`/orders/items`"),
    ("/./refunds", "`/refunds`"),
    ("／refunds", "`/refunds`"),
    ("/ｒefunds", "`/refunds`"),
]
PLACEHOLDERS: Final = [
    ("/refunds/:id/approve", "`/refunds/{id}/approve`"),
    ("/refunds/:refund_id/approve", "`/refunds/{refund_id}/approve`"),
    ("/refunds/:id(\\d+)/approve", "`/refunds/{id}/approve`"),
    ("/refunds/<id>/approve", "`/refunds/{id}/approve`"),
    ("/refunds/<int:id>/approve", "`/refunds/{id}/approve`"),
    ("/refunds/{id/approve", "`/refunds/{id}/approve`"),
    ("/refunds/id}/approve", "`/refunds/{id}/approve`"),
    ("/refunds/{{id}}/approve", "`/refunds/{id}/approve`"),
    ("/refunds/${id}/approve", "`/refunds/{id}/approve`"),
    ("/refunds/#{id}/approve", "`/refunds/{id}/approve`"),
    ("/refunds/[id]/approve", "`/refunds/{id}/approve`"),
    ("/refunds/(id)/approve", "`/refunds/{id}/approve`"),
    ("/refunds/@id/approve", "`/refunds/{id}/approve`"),
    ("/refunds/{}/approve", "`/refunds/{id}/approve`"),
    ("/refunds/%7Bid%7D/approve", "`/refunds/{id}/approve`"),
    ("/refunds/%7bid%7d/approve", "`/refunds/{id}/approve`"),
    ("/refunds/*id/approve", "`/refunds/{id}/approve`"),
    ("/refunds/#id/approve", "`/refunds/{id}/approve`"),
    ("/refunds/$id/approve", "`/refunds/{id}/approve`"),
    ("/refunds/%s/approve", "`/refunds/{id}/approve`"),
    ("/refunds/%id%/approve", "`/refunds/{id}/approve`"),
    ("/refunds/[0-9]{8}/approve", "`[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]`"),
    ("/refunds/[0-9a-f-]{36}/approve", "write `[0-9a-f-]+`"),
    ("/reports/[0-9]{4}-[0-9]{2}", "write `[0-9][0-9][0-9][0-9]-[0-9][0-9]`"),
    ("/reports/(ab){2}\\d{3}", "write `(ab)(ab)\\d\\d\\d`"),
    ("/refunds/…/approve", "`/refunds/{id}/approve`"),
    ("/refunds/「id」/approve", "`/refunds/{id}/approve`"),
    ("/refunds/'id'/approve", "`/refunds/{id}/approve`"),
    ("/refunds/“id”/approve", "`/refunds/{id}/approve`"),
    ("/refunds/{id}}/approve", "`/refunds/{id}/approve`"),
    ("/refunds/{/approve", "`/refunds/{id}/approve`"),
    ("/refunds/(:id)/approve", "`/refunds/{id}/approve`"),
    ("/refunds/:id:/approve", "`/refunds/{id}/approve`"),
    ("/refunds/[[id]]/approve", "`/refunds/{id}/approve`"),
    ("/refunds/[id:int]/approve", "`/refunds/{id}/approve`"),
    ("/refunds/[refund]/approve", "`/refunds/{refund}/approve`"),
    ("/refunds/%(id)s/approve", "`/refunds/{id}/approve`"),
    ("/refunds/()/approve", "`/refunds/{id}/approve`"),
    ("/refunds/<>/approve", "`/refunds/{id}/approve`"),
    ("/refunds/\\*/approve", "write `*`"),
    ("/refunds/[*]/approve", "write `*`"),
    ("/refunds/\\{id\\}/approve", "write `{id}`"),
    ("/(refunds)", "or `/refunds` if that one is meant"),
    ("/refunds/{id?}", "write a rule for `/refunds` and one for `/refunds/{id}`"),
    ("/refunds/{id}?/approve", "write a rule for `/refunds/approve` and one for `/refunds/{id}/approve`"),
    ("/files/{*}", "write `*` for all that follows"),
    ("/files/{**path}", "write `*` for all that follows"),
    ("/files/{path:path}", "write `*` for all that follows"),
    ("/files/{path+}", "write `*` for all that follows"),
    ("/orders/{id:\\d+}", "write `\\d+`, or `{id}`"),
]
QUOTED: Final = [
    '"{}"',
    "'{}'",
    "“{}”",
    "„{}“",
    "‘{}’",
    "«{}»",
    "「{}」",
    "『{}』",
    "`{}`",
    "´{}´",
    '"{}',
    "{}”",
]
NAMES: Final = [
    ("everybody", "resembles-special-word", "did you mean `everyone`"),
    ("anyone", "resembles-special-word", "did you mean `everyone`"),
    ("all", "resembles-special-word", "did you mean `everyone`"),
    ("*", "resembles-special-word", "did you mean `everyone`"),
    ("anonymous", "resembles-special-word", "did you mean `everyone`"),
    ("public", "resembles-special-word", "did you mean `everyone`"),
    ("Everyone", "resembles-special-word", "did you mean `everyone`"),
    ("EVERYONE", "resembles-special-word", "did you mean `everyone`"),
    ("evryone", "resembles-special-word", "did you mean `everyone`"),
    ("全員", "resembles-special-word", "did you mean `everyone`"),
    ("alle", "resembles-special-word", "did you mean `everyone`"),
    ("authentificated", "resembles-special-word", "did you mean `authenticated`"),
    ("authenticate", "resembles-special-word", "did you mean `authenticated`"),
    ("Authenticated", "resembles-special-word", "did you mean `authenticated`"),
    ("logged-in", "resembles-special-word", "did you mean `authenticated`"),
    ("logged in", "resembles-special-word", "did you mean `authenticated`"),
    ("Signed In", "resembles-special-word", "did you mean `authenticated`"),
    ("signed_in", "resembles-special-word", "did you mean `authenticated`"),
    ("auth", "resembles-special-word", "did you mean `authenticated`"),
    ("any one", "resembles-special-word", "did you mean `everyone`"),
    ("any-body", "resembles-special-word", "did you mean `everyone`"),
    ("not authenticated", "negated-name", "write a rule for each role that is meant"),
    ("clerk support", "several-names", "write a line for `clerk` and one for `support`"),
    ("clerk|support", "several-names", "write a line for `clerk` and one for `support`"),
    ("clerk;support", "several-names", "write a line for `clerk` and one for `support`"),
    ("clerk/support", "several-names", "write a line for `clerk` and one for `support`"),
    ("clerk+support", "several-names", "write a line for `clerk` and one for `support`"),
    ("clerk & support", "several-names", "write a line for `clerk` and one for `support`"),
    ("clerk and support", "several-names", "write a line for `clerk` and one for `support`"),
    ("(clerk|support)", "several-names", "write a line for `clerk` and one for `support`"),
    ("[clerk support]", "several-names", "write a line for `clerk` and one for `support`"),
    ("clerk:support", "several-names", "write a line for `clerk` and one for `support`"),
    ("clerk.support", "several-names", "write a line for `clerk` and one for `support`"),
    ("clerk\\support", "several-names", "write a line for `clerk` and one for `support`"),
    ("manager > clerk", "several-names", "write a line for `manager` and one for `clerk`"),
    ("cl.*", "several-names", "write a line for each role that is meant"),
    ("man*", "several-names", "write a line for each role that is meant"),
    ("[a-z]+", "several-names", "write a line for each role that is meant"),
    (".*", "several-names", "write a line for each role that is meant"),
    ("everyone but clerk", "negated-name", "write a rule for each role that is meant"),
    ("all except clerk", "negated-name", "write a rule for each role that is meant"),
    ("evrybody", "resembles-special-word", "did you mean `everyone`"),
    ("every1", "resembles-special-word", "did you mean `everyone`"),
    ("ログイン済み", "resembles-special-word", "did you mean `authenticated`"),
    ("scope:", "resembles-special-word", "`scope:` and its whole name"),
    ("Scope:orders/read", "resembles-special-word", "write `scope:orders/read`"),
    ("scopes:orders/read", "resembles-special-word", "write `scope:orders/read`"),
    ("scope: orders/read", "resembles-special-word", "write `scope:orders/read`"),
    ("client_id:1h57", "resembles-special-word", "write `client:1h57`"),
    ("client :1h57", "resembles-special-word", "write `client:1h57`"),
    ("client: 1h57", "resembles-special-word", "write `client:1h57`"),
    ("scope:a scope:b", "several-names", "write a line for `scope:a` and one for `scope:b`"),
    ("scope:a/b c/d", "several-names", "write a line for `scope:a/b` and one for `scope:c/d`"),
    ("!clerk", "negated-name", "write a rule for each role that is meant"),
    ("not clerk", "negated-name", "write a rule for each role that is meant"),
    ("-clerk", "negated-name", "write a rule for each role that is meant"),
]
COMMENTS: Final = [
    ("p, support, /refunds, GET # the door, allow", "write `GET`"),
    ("p, support, /refunds // mine, GET, allow", "write `/refunds`"),
    ("p, support -- new, /refunds, GET, allow", "write `support`"),
    ("g, lead, manager # he asked", "write `manager`"),
    ("g, lead, manager;", "write `manager`"),
    ("g, lead, manager ; now", "write `manager`"),
]
ORDERS: Final = [
    "/refunds, support, GET",
    "support, GET, /refunds",
    "GET, support, /refunds",
    "GET, /refunds, support",
    "/refunds, GET, support",
]
# What people write on purpose.
RIGHT: Final = [
    "p, support, /refunds, GET, allow",
    "p, support, /refunds/[0-9]+/approve, POST, allow",
    "p, support, /refunds/\\d+/approve, POST, allow",
    "p, support, /refunds/{id:int}/approve, POST, allow",
    "p, support, /reports/{year}-{month}, GET, allow",
    "p, support, /reports/export\\.csv, GET, allow",
    "p, support, /reports/(sales|stock), GET, allow",
    "p, support, (/reports|/refunds), GET, allow",
    "p, support, /reports/*, GET, allow",
    "p, support, /books:batchGet, POST, allow",
    "p, support, /users/@me, GET, allow",
    "p, support, /商品/一覧, GET, allow",
    "p, support, /~support/a-b_c, PROPFIND, allow",
    "p, support, /refunds/[abc]/approve, POST, allow",
    "p, support, /refunds/[0-9][0-9]/approve, POST, allow",
    "p, support, /refunds/?, GET, allow",
    "p, support, /a&b/d;v=1, GET, allow",
    "p, support, /refunds, OPTIONS, allow",
    "p, senior clerk, /refunds, GET, allow",
    "p, store-manager, /refunds, GET, allow",
    "p, O'Brien's team, /refunds, GET, allow",
    "g, everyone-in-sales, clerk",
    "g, clerks, clerk",
    "g, clerk-support, auditor",
    "g, team.lead, manager",
    "g, region:north, manager",
    "g, scope:orders/read, clerk",
    "g, client:1h57kf5cpq17m0eml12EXAMPLE, clerk",
    "g, R&D, auditor",
    "g, only-at-night, auditor",
    "p, every clerk of the north, /refunds, GET, allow",
    "p, scope:refunds/read, /refunds, GET, allow",
    "p, client, /refunds, GET, allow",
    "p, nobodys-business, /refunds, GET, allow",
    "p, 7f3c1e52-1111-4222-8333-444455556667, /*, *, deny",
]


def told(line: str, *, model: bytes = MODEL, routes: KnownRoutes = NO_ROUTES) -> list[Problem]:
    """What is said about a line that was added to the shop's policy."""
    document = Document.parse(model, POLICY + line.encode() + b"\n")
    number = POLICY.count(b"\n") + 1
    return [problem for problem in lint(document, routes or None) if problem.line == number]


def codes(problems: Sequence[Problem]) -> list[str]:
    return [problem.code for problem in problems]


@pytest.mark.parametrize("routes", [NO_ROUTES, ROUTES], ids=["no_routes", "routes"])
@pytest.mark.parametrize(("word", "hint"), METHODS, ids=range(len(METHODS)))
def test_a_method_that_nothing_asks_with_is_told_with_the_right_one(
    word: str, hint: str, routes: KnownRoutes
) -> None:
    (problem,) = told(f"p, support, /refunds/{{id}}/approve, {word}, deny", routes=routes)
    assert problem.code == "unknown-method"
    assert hint in problem.hint


@pytest.mark.parametrize("routes", [NO_ROUTES, ROUTES], ids=["no_routes", "routes"])
@pytest.mark.parametrize(("word", "hint"), PATHS, ids=range(len(PATHS)))
def test_a_path_that_no_request_has_is_told_with_the_right_one(
    word: str, hint: str, routes: KnownRoutes
) -> None:
    problems = told(f"p, support, {word}, PUT, allow", routes=routes)
    assert codes(problems) == ["impossible-path"]
    assert hint in problems[0].hint


@pytest.mark.parametrize("word", [word for word, _ in PATHS if word], ids=range(len(PATHS) - 1))
def test_what_is_to_be_written_in_the_place_of_a_path_is_one_that_a_request_has(word: str) -> None:
    fault = path_fault(word)
    assert fault is not None
    assert [path for path in fault.hint.split("`")[1::2] if path[0] == "/" and path_fault(path)] == []


@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")  # by Python's `re`, of `[[`
@pytest.mark.parametrize("routes", [NO_ROUTES, ROUTES], ids=["no_routes", "routes"])
@pytest.mark.parametrize(("word", "hint"), PLACEHOLDERS, ids=range(len(PLACEHOLDERS)))
def test_a_placeholder_of_another_language_is_told_with_the_one_of_the_model(
    word: str, hint: str, routes: KnownRoutes
) -> None:
    (problem,) = told(f"p, support, {word}, POST, allow", routes=routes)
    assert problem.code == "foreign-placeholder"
    assert hint in problem.hint


@pytest.mark.parametrize("quotes", QUOTED, ids=range(len(QUOTED)))
def test_quotes_of_every_kind_are_told_around_a_role_a_path_and_a_method(quotes: str) -> None:
    words = [quotes.format(word) for word in ("support", "/refunds/{id}/approve", "PUT")]
    problems = told(f"p, {', '.join(words)}, allow")
    assert codes(problems) == ["quoted-word"] * 3
    assert [problem.hint.split("`")[1] for problem in problems] == ["support", "/refunds/{id}/approve", "PUT"]


@pytest.mark.parametrize(("word", "code", "hint"), NAMES, ids=range(len(NAMES)))
def test_a_name_that_is_no_role_is_told_with_the_right_one(word: str, code: str, hint: str) -> None:
    (problem,) = (found for found in told(f"p, {word}, /refunds, PUT, deny") if found.column == 4)
    assert problem.code == code
    assert hint in problem.hint


@pytest.mark.parametrize("line", ["g, everyone, clerk", "g, clerk, everyone", "g, authenticated, clerk"])
def test_a_word_of_the_model_in_a_link_is_told(line: str) -> None:
    assert codes(told(line)) == ["special-word-in-link"]


@pytest.mark.parametrize(("line", "hint"), COMMENTS, ids=range(len(COMMENTS)))
def test_a_comment_behind_a_word_is_told(line: str, hint: str) -> None:
    (problem,) = told(line)
    assert problem.code == "comment-in-rule"
    assert hint in problem.hint


@pytest.mark.parametrize("routes", [NO_ROUTES, ROUTES], ids=["no_routes", "routes"])
@pytest.mark.parametrize("order", ORDERS)
def test_columns_in_another_order_are_told_with_the_whole_line(order: str, routes: KnownRoutes) -> None:
    (problem,) = told(f"p, {order}, deny", routes=routes)
    assert problem.code == "swapped-columns"
    assert problem.hint == "write `p, support, /refunds, GET, deny`"


@pytest.mark.parametrize("line", RIGHT)
def test_what_is_written_on_purpose_is_left_alone(line: str) -> None:
    document = Document.parse(MODEL, POLICY + line.encode() + b"\n")
    assert codes(lint(document)) == []


@pytest.mark.parametrize(("function", "told_of"), [("keyMatch3", True), ("keyMatch4", False)])
def test_a_placeholder_that_may_be_left_out_by_its_function_is_left_alone(
    function: str, told_of: bool
) -> None:
    found = told(
        "p, support, /refunds/{id}?, POST, allow", model=MODEL.replace(b"keyMatch3", function.encode())
    )
    assert codes(found) == ["foreign-placeholder"] * told_of


def test_what_a_known_endpoint_really_has_is_left_alone() -> None:
    routes = KnownRoutes((*ROUTES, Route("PURGE", "/a b"), Route("GET", "/refunds/:id")))
    assert told("p, support, /a b, PURGE, allow", routes=routes) == []
    assert told("p, support, /refunds/:id, GET, allow", routes=routes) == []


@pytest.mark.parametrize(
    ("function", "path", "hint"),
    [
        ("keyMatch", "/a/{id}", "write `/a/*` for all that lies below"),
        ("keyMatch", "/a/:id/b", "write `/a/*` for all that lies below"),
        ("keyMatch2", "/a/{id}", "write `/a/:id`"),
        ("keyMatch2", "/a/<id>", "write `/a/:id`"),
        ("keyMatch2", "/a/{8}", "write `/a/:id`"),
        ("keyMatch2", "/a/:id(\\d+)", "write `\\d+`, or `:id` if any segment is meant"),
        ("keyMatch2", "/a/:id\\.json", "write `[^/]+\\.json`, or `:id` if any segment is meant"),
        ("keyMatch2", "/a/:id.json", "write `[^/]+\\.json`, or `:id` if any segment is meant"),
        ("keyMatch2", "/a/:from-:to", "write `[^/]+-[^/]+`, or `:from` if any segment is meant"),
        ("keyMatch2", "/a/v:id:export", "write `v[^/]+:export`, or `v:id` if any segment is meant"),
        ("keyMatch2", "/a/:id?", "a rule for `/a` and one for `/a/:id`"),
        ("keyMatch2", "/a/:rest*", "write `*` for all that follows"),
        ("keyMatch2", "/a/:rest+", "write `*` for all that follows"),
        ("keyMatch3", "/a/:id", "write `/a/{id}`"),
        ("keyMatch4", "/a/:id", "write `/a/{id}`"),
        ("keyMatch5", "/a/:id", "write `/a/{id}`"),
        ("regexMatch", "^/a/{id}$", "write `^/a/[^/]+$`"),
        ("globMatch", "/a/:id", "write `/a/*`"),
    ],
)
def test_a_placeholder_is_right_or_wrong_by_the_function_that_reads_it(
    function: str, path: str, hint: str
) -> None:
    model = (
        "[request_definition]\nr = sub, obj, act\n[policy_definition]\np = sub, obj, act\n"
        "[role_definition]\ng = _, _\n[policy_effect]\ne = some(where (p.eft == allow))\n"
        f"[matchers]\nm = g(r.sub, p.sub) && {function}(r.obj, p.obj) && r.act == p.act\n"
    )
    rows = "p, user, /b, GET\np, user, /c, GET\n" if function != "regexMatch" else "p, user, ^/b$, GET\n"
    document = Document.parse(model.encode(), f"{rows}p, user, {path}, GET\n".encode())
    (problem,) = (found for found in lint(document) if found.code == "foreign-placeholder")
    assert hint in problem.hint


@pytest.mark.parametrize(
    "path",
    [
        "/a/:id",
        "/a/:book-id",
        "/a/:book_id/pages/:page",
        "/a/v:major",
        "/a/[0-9]{8}",
        "/a/[0-9a-f-]{36}/b",
        "/a/\\d{4}-\\d{2}",
        "/a/(x|y){2}",
    ],
)
def test_placeholders_and_counts_of_key_match_2_are_left_alone(path: str) -> None:
    model = MODEL.replace(b"keyMatch3", b"keyMatch2")
    assert lint(Document.parse(model, f"p, user, {path}, GET, allow\n".encode())) == ()


@pytest.mark.parametrize("path", ["/a/:id", "/a/{id}"])
def test_paths_that_are_compared_as_they_stand_may_hold_the_route_s_template(path: str) -> None:
    model = (
        "[request_definition]\nr = sub, obj, act\n[policy_definition]\np = sub, obj, act\n"
        "[policy_effect]\ne = some(where (p.eft == allow))\n"
        "[matchers]\nm = r.sub == p.sub && r.obj == p.obj && r.act == p.act\n"
    )
    assert lint(Document.parse(model.encode(), f"p, user, {path}, GET\n".encode())) == ()


@pytest.mark.parametrize(
    "rows",
    [
        ("alice, data1, read", "alice, data2, write", "bob, data3, *"),
        ("alice, doc:1, view", "alice, a//b, edit", "bob, 'x y', get"),
        ("alice, /a, read", "alice, /b, write", "bob, /c?x=1, get"),
    ],
)
def test_objects_that_are_no_paths_and_actions_that_are_no_methods_are_left_alone(
    rows: tuple[str, ...],
) -> None:
    model = (
        "[request_definition]\nr = sub, obj, act\n[policy_definition]\np = sub, obj, act\n"
        "[role_definition]\ng = _, _\n[policy_effect]\ne = some(where (p.eft == allow))\n"
        "[matchers]\nm = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act\n"
    )
    text = "".join(f"p, {row}\n" for row in rows)
    found = {problem.code for problem in lint(Document.parse(model.encode(), text.encode()))}
    assert "unknown-method" not in found
    assert found <= {"quoted-word", "impossible-path"}


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("g, lead, mangaer", "did you mean `manager`?"),
        ("g, lead, suport", "did you mean `support`?"),
        ("g, 3b7e5c0a-9d5e-4a52-8f0e-6c1d2b9a4f11, auditr", "did you mean `auditor`?"),
        ("g, lead, warehouse", "add a rule for `warehouse`, or delete the link"),
    ],
)
def test_a_link_to_a_role_that_no_rule_names_is_told_with_the_nearest_one(line: str, hint: str) -> None:
    (problem,) = (found for found in told(line) if found.column > 3)
    assert problem.code == "role-without-rules"
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("manger", "manager"),
        ("mangaer", "manager"),
        ("admins", "admin"),
        ("@admin", "admin"),
        ("role:admin", "admin"),
        ("ROLE_ADMIN", "admin"),
        ("suport", "support"),
        ("[clerk]", "clerk"),
        ("the clerk", "clerk"),
        ("all clerks", "clerk"),
        ("clerk only", "clerk"),
    ],
)
@pytest.mark.parametrize(
    "rule", ["g, {}, auditor", "p, {}, /refunds, GET, allow", "p, {}, /refunds, GET, deny"]
)
def test_a_name_that_is_nearly_a_role_s_is_told_with_it_wherever_it_stands(
    name: str, meant: str, rule: str
) -> None:
    (problem,) = told(rule.format(name))
    assert problem.code in {"unknown-role", "not-a-subject"}
    assert f"`{meant}`" in problem.hint


@pytest.mark.parametrize("name", ["/orders", "GET"])
def test_a_link_that_gives_a_role_to_a_path_or_a_method_is_told(name: str) -> None:
    (problem,) = told(f"g, {name}, clerk")
    assert problem.code == "dead-link"
    assert problem.hint == "write `g, who, role`"


def test_a_link_the_wrong_way_round_is_told_once_with_the_right_one() -> None:
    (problem,) = told("g, support, 3b7e5c0a-9d5e-4a52-8f0e-6c1d2b9a4f11")
    assert problem.code == "subject-as-role"
    assert problem.hint.endswith("write `g, 3b7e5c0a-9d5e-4a52-8f0e-6c1d2b9a4f11, support`")


def test_a_link_to_the_empty_name_is_told_once() -> None:
    assert codes(told("g, lead, ")) == ["empty-name"]


@pytest.mark.parametrize("value", ["42", "…x", "ä", "!", "a:b", "%", "’", "３", "x;y"])
def test_one_value_of_a_route_s_placeholder_is_told_in_whatever_letters(value: str) -> None:
    problems = told(f"p, support, /refunds/x{value}/approve, POST, allow", routes=ROUTES)
    assert "single-value" in codes(problems) or "impossible-path" in codes(problems)


@pytest.mark.parametrize("one", ["[0-9]", "\\d", "[A-Z]"])
def test_an_expression_of_one_character_is_told_where_an_endpoint_takes_any_value(one: str) -> None:
    (problem,) = told(f"p, support, /refunds/{one}/approve, POST, allow", routes=ROUTES)
    assert problem.code == "single-value"
    assert problem.hint == f"write `/refunds/{one}+/approve`, or `/refunds/{{id}}/approve` for any value"
    assert told(f"p, support, /refunds/{one}+/approve, POST, allow", routes=ROUTES) == []


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/REFUNDS", "/refunds"),
        ("/api/refunds", "/refunds"),
        ("/v1/products/{id}", "/products/{id}"),
        ("/refunds/{id}approve", "/refunds/{id}/approve"),
        ("/Refunds/{number}/Approve", "/refunds/{id}/approve"),
        ("/ref/unds", "/refunds"),
    ],
)
def test_a_path_without_an_endpoint_is_told_with_the_one_that_differs_in_case_slashes_or_a_prefix(
    path: str, meant: str
) -> None:
    (problem,) = told(f"p, support, {path}, POST, allow", routes=ROUTES)
    assert problem.code == "rule-without-route"
    assert f"did you mean `{meant}`?" in problem.hint


def test_a_bar_in_front_of_a_path_is_told_to_open_every_path() -> None:
    problems = told("p, support, |/refunds, POST, allow")
    assert codes(problems) == ["loose-alternative", "wildcard-for-role"]
    assert problems[0].message.endswith("it meets every path")


def test_a_link_to_what_rules_have_as_their_object_says_so() -> None:
    model = (
        "[request_definition]\nr = sub, obj, act\n[policy_definition]\np = sub, obj, act\n"
        "[role_definition]\ng = _, _\n[policy_effect]\ne = some(where (p.eft == allow))\n"
        "[matchers]\nm = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act\n"
    )
    document = Document.parse(model.encode(), b"p, alice, papers, read\ng, data1, papers\n")
    (problem,) = lint(document)
    assert problem.code == "role-without-rules"
    assert "rules have `papers` as their `obj`" in problem.message
    assert "`g2(r.obj, p.obj)`" in problem.hint
