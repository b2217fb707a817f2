"""What endpoints of FastAPI ask of the guard before them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import orjson
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response, WebSocket
from fastapi.middleware import Middleware
from fastapi.responses import PlainTextResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.testclient import TestClient, WebSocketDenialResponse

from rbac import PolicyError
from rbac.decision_log.writer import Writer
from rbac.guard import DecisionLog, Guard, cookie
from rbac.guard.fastapi import Ask, Caller, MaybeCaller, describe, require
from tests.support.decisions import Sink
from tests.support.guarded import as_, client_of, guard_in, shop
from tests.support.waiting import comes_true

# Permission names, the owner of a thing, and tenants: no path anywhere.
PERMISSIONS = """
[request_definition]
r = sub, role, dom, act, owner
[policy_definition]
p = role, dom, act, whose, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = g(r.role, p.role) && (p.dom == "*" || r.dom == p.dom) && r.act == p.act && (p.whose == "any" || r.sub == r.owner)
"""
RULES = """p, user, *, items:read, any, allow
p, user, *, items:edit, own, allow
p, admin, north, items:delete, any, allow
g, admin, user
"""


def items(guard: Guard, *, described: bool = False) -> FastAPI:
    """An application of permission names, with routers as people nest them."""
    app = FastAPI()
    inner, outer = APIRouter(prefix="/inner"), APIRouter(prefix="/outer")
    given = {"dom": "north", "owner": ""}

    @app.get("/items", dependencies=[require("items:read", **given)])
    async def read() -> str:
        return "read"

    @app.put("/items/{owner}")
    async def edit(owner: str, ask: Ask) -> str:
        ask.check(act="items:edit", dom="north", owner=owner)
        return "edited"

    @inner.delete("/items", dependencies=[require("items:delete", **given)])
    async def delete() -> str:
        return "deleted"

    @outer.get("/south", dependencies=[require("items:delete", dom="south", owner="")])
    async def south() -> str:
        return "never"

    @app.get("/can")
    async def can(ask: Ask, owner: str) -> dict[str, bool]:
        return {
            act: ask.may(act=act, dom="north", owner=owner)
            for act in ("items:read", "items:edit", "items:delete")
        }

    @app.get("/mine")
    async def mine(ask: Ask) -> list[str]:
        found = await ask.permissions()
        return [*(route.act for route in found.routes), str(found.incomplete)]

    outer.include_router(inner)
    app.include_router(outer)
    app.add_middleware(guard.middleware)
    if described:
        describe(app, guard)
    return app


@pytest.fixture(params=[None, "sub=claims.sub, role=roles"])
def guard(request: pytest.FixtureRequest, tmp_path: Path) -> Guard:
    """Identifies only: because it was told to, or because it is left to endpoints what is asked."""
    return guard_in(tmp_path, PERMISSIONS, RULES, words=request.param)


@pytest.mark.parametrize(
    ("method", "path", "statuses"),
    [
        ("GET", "/items", (401, 403, 200, 200)),
        ("PUT", "/items/uma", (401, 403, 200, 403)),
        ("PUT", "/items/ann", (401, 403, 403, 200)),
        ("DELETE", "/outer/inner/items", (401, 403, 403, 200)),
        ("GET", "/outer/south", (401, 403, 403, 403)),
        ("GET", "/nowhere", (404, 404, 404, 404)),
        ("GET", "/docs", (200, 200, 200, 200)),
    ],
)
def test_endpoints_require_permissions_by_name(guard: Guard, method: str, path: str, statuses: Any) -> None:
    with client_of(items(guard)) as client:
        got = tuple(
            client.request(method, path, headers=as_(name) if name else {}).status_code
            for name in ("", "nil", "uma", "ann")
        )
        assert got == statuses
        assert client.get(path, headers=as_("who")).status_code == 401


def test_a_refusal_by_an_endpoint_is_the_same_problem(guard: Guard) -> None:
    with client_of(items(guard)) as client:
        refused = client.put("/items/ann", headers=as_("uma"))
        assert refused.json()["error"] == "access_denied"
        assert refused.json()["decision_id"]
        nobody = client.get("/items")
        assert nobody.headers["www-authenticate"] == 'Bearer realm="sekisho"'


def test_an_endpoint_asks_without_refusing(guard: Guard) -> None:
    with client_of(items(guard)) as client:
        assert client.get("/can?owner=uma", headers=as_("uma")).json() == {
            "items:read": True,
            "items:edit": True,
            "items:delete": False,
        }
        assert client.get("/can?owner=x").json() == dict.fromkeys(
            ("items:read", "items:edit", "items:delete"), False
        )


def test_permissions_by_name_are_what_endpoints_require(guard: Guard) -> None:
    with client_of(items(guard)) as client:
        # Two endpoints require `items:delete`, each in another domain: it depends on more than can be shown.
        assert client.get("/mine", headers=as_("ann")).json() == ["items:read", "True"]
        assert client.get("/mine").json() == ["True"]


def test_permissions_by_path_are_the_routes(tmp_path: Path) -> None:
    app = shop()

    @app.get("/live")
    async def mine(ask: Ask) -> list[str]:
        return [f"{route.act} {route.obj}" for route in (await ask.permissions()).routes]

    app.add_middleware(guard_in(tmp_path).middleware)
    with client_of(app) as client:
        assert client.get("/live", headers=as_("uma")).json() == [
            "GET /live", "GET /orders", "GET /orders/{id}", "GET /public",
        ]  # fmt: skip


def test_what_endpoints_ask_is_recorded(tmp_path: Path) -> None:
    log = DecisionLog.file(tmp_path / "log")
    with client_of(items(guard_in(tmp_path, PERMISSIONS, RULES, words=None, log=log))) as client:
        client.get("/items", headers=as_("uma"))
        client.put("/items/ann", headers=as_("uma"))
    lines = [orjson.loads(line) for line in (tmp_path / "log").read_bytes().splitlines()]
    assert [(line["act"], line["allowed"]) for line in lines] == [("items:read", True), ("items:edit", False)]
    assert lines[1]["request"]["owner"] == "ann"


@pytest.mark.parametrize("path", ["/can?owner=uma", "/items"])
def test_nothing_that_an_endpoint_asked_is_answered_without_its_record(tmp_path: Path, path: str) -> None:
    sink = Sink()
    sink.full = True
    guard = guard_in(tmp_path, PERMISSIONS, RULES, words=None, log=DecisionLog(Writer(sink), required=True))
    with client_of(items(guard)) as client:
        for _ in range(2):
            refused = client.get(path, headers=as_("uma"))
            assert (refused.status_code, refused.json()["error"]) == (503, "decision_log_unavailable")
        sink.full = False
        assert comes_true(lambda: client.get(path, headers=as_("uma")).status_code == 200)


def test_rules_that_are_not_about_paths_are_not_held_against_the_routes(tmp_path: Path) -> None:
    guard = guard_in(tmp_path, words=None)
    app = FastAPI()

    @app.get("/items", dependencies=[require("GET", "/orders")])
    async def read() -> str:
        return "read"

    app.add_middleware(guard.middleware)
    with client_of(app):
        assert guard.checkpoint.live.warnings == ()


def test_a_refusal_gets_through_what_an_application_puts_around_its_endpoints(guard: Guard) -> None:
    """Middleware of the application's own, handlers of its own, and a dependency that cleans up."""
    app = items(guard)
    cleaned: list[str] = []

    async def session() -> AsyncIterator[str]:
        try:
            yield "open"
        finally:
            cleaned.append("closed")

    @app.delete("/guarded")
    async def guarded(ask: Ask, session: Annotated[str, Depends(session)]) -> str:
        ask.check(act="items:delete", dom="north", owner="")
        return session

    @app.exception_handler(Exception)
    async def failed(_request: Request, _error: Exception) -> Response:
        return PlainTextResponse("failed", 500)

    @app.exception_handler(HTTPException)
    async def refused(_request: Request, _error: Exception) -> Response:
        return PlainTextResponse("teapot", 418)

    inner = app.user_middleware
    app.user_middleware = [*inner, Middleware(BaseHTTPMiddleware, dispatch=_passing_on)]
    with client_of(app) as client:
        assert client.delete("/guarded", headers=as_("uma")).json()["error"] == "access_denied"
        assert client.delete("/guarded").json()["error"] == "authentication_required"
        assert client.delete("/guarded", headers=as_("ann")).json() == "open"
        assert cleaned == ["closed"] * 3


async def _passing_on(request: Request, call_next: RequestResponseEndpoint) -> Response:
    return await call_next(request)


def test_who_is_calling_is_told(tmp_path: Path) -> None:
    app = FastAPI(openapi_url=None)

    @app.get("/public")
    async def maybe(caller: MaybeCaller) -> str | None:
        return caller.sub if caller else None

    @app.get("/orders")
    async def team(caller: Caller) -> Any:
        return caller.claims["team"]

    policy = "p, everyone, /public, GET, allow\np, everyone, /orders, GET, allow\n"
    app.add_middleware(guard_in(tmp_path, policy=policy).middleware)
    with client_of(app) as client:
        assert client.get("/public").json() is None
        assert client.get("/public", headers=as_("uma")).json() == "uma"
        assert client.get("/orders", headers=as_("uma")).json() == "north"
        assert client.get("/orders").json()["error"] == "authentication_required"


def test_claims_fill_words_besides_what_endpoints_give(tmp_path: Path) -> None:
    words = "sub=claims.sub, role=roles, dom=claims.team"
    app = FastAPI(openapi_url=None)

    @app.get("/items", dependencies=[require("items:delete", owner="")])
    async def delete() -> str:
        return "deleted"

    app.add_middleware(guard_in(tmp_path, PERMISSIONS, RULES, words=words).middleware)
    with client_of(app) as client:
        assert client.get("/items", headers=as_("ann")).status_code == 200
        assert client.get("/items", headers=as_("uma")).status_code == 403


def test_requirements_stand_besides_what_the_policy_says_of_paths(tmp_path: Path) -> None:
    """Where requests are decided about by themselves, an endpoint may ask for more."""
    app = FastAPI(openapi_url=None)

    @app.get("/orders", dependencies=[require("export", "/orders")])
    async def export() -> str:
        return "done"

    policy = "p, user, /orders, GET, allow\np, admin, /orders, export, allow\ng, admin, user\n"
    app.add_middleware(guard_in(tmp_path, policy=policy).middleware)
    with client_of(app) as client:
        assert [client.get("/orders", headers=as_(name)).status_code for name in ("uma", "ann")] == [403, 200]


def test_a_websocket_requires_as_any_endpoint_does(tmp_path: Path) -> None:
    app = FastAPI(openapi_url=None)

    @app.websocket("/live", dependencies=[require("items:read", dom="north", owner="")])
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    app.add_middleware(
        guard_in(tmp_path, PERMISSIONS, RULES, words=None, credentials=cookie("session")).middleware
    )
    with client_of(app) as client:
        with client.websocket_connect("/live", headers={"Cookie": "session=uma"}):
            pass
        for name, status in (("nil", 403), ("who", 401)):
            headers = {"Cookie": f"session={name}"}
            with (
                pytest.raises(WebSocketDenialResponse) as denied,
                client.websocket_connect("/live", headers=headers),
            ):
                pass
            assert denied.value.status_code == status


# --- what stops the start


def _plain(app: FastAPI) -> None:
    @app.get("/plain")
    async def plain(caller: MaybeCaller) -> str:
        return "open to all"


def _routed(app: FastAPI) -> None:
    router = APIRouter()

    @router.get("/plain")
    async def plain() -> str:
        return "open to all"

    app.include_router(router, prefix="/a")


def _websocket(app: FastAPI) -> None:
    @app.websocket("/plain")
    async def plain(socket: WebSocket) -> None:
        await socket.accept()


def _files(app: FastAPI) -> None:
    app.mount("/plain", StaticFiles(directory="."))


def _mounted(app: FastAPI) -> None:
    sub = FastAPI()
    _plain(sub)
    app.mount("/sub", sub)


def _without_a_word(app: FastAPI) -> None:
    @app.get("/plain", dependencies=[require("items:read", dom="north")])
    async def plain() -> str:
        return "owner is not filled"


def _with_another_word(app: FastAPI) -> None:
    @app.get("/plain", dependencies=[require("items:read", dom="north", owner="", tenant="x")])
    async def plain() -> str:
        return "tenant is no word"


@pytest.mark.parametrize(
    ("added", "said"),
    [
        (_plain, "`GET /plain` has neither"),
        (_routed, "`GET /a/plain` has neither"),
        (_websocket, "`GET /plain` has neither"),
        (_files, r"`\* /plain` has neither"),
        (_mounted, "`GET /sub/plain` has neither"),
        (_without_a_word, "`GET /plain` requires `items:read`: nothing fills `owner`"),
        (_with_another_word, "`GET /plain` requires `items:read`: .* has no word `tenant`"),
    ],
)
def test_a_route_that_nobody_asks_about_stops_the_start(tmp_path: Path, added: Any, said: str) -> None:
    guard = guard_in(tmp_path, PERMISSIONS, RULES, words=None)
    app = items(guard)
    added(app)
    with pytest.raises(PolicyError, match=said), TestClient(app):
        pass
    without_lifespan = TestClient(app, raise_server_exceptions=False)
    assert {without_lifespan.get(path, headers=as_("ann")).status_code for path in ("/plain", "/items")} == {
        500
    }


def _asked_for_by_a_router(app: FastAPI) -> None:
    router = APIRouter(dependencies=[require("items:read", dom="north", owner="")])

    @router.get("/plain")
    async def plain() -> str:
        return "done"

    app.include_router(router)


def _asked_for_further_down(app: FastAPI) -> None:
    async def editor(ask: Ask) -> str:
        ask.check(act="items:edit", dom="north", owner="")
        return "editor"

    @app.get("/plain")
    async def plain(editor: Annotated[str, Depends(editor)]) -> str:
        return editor


def _guarded_by_another(app: FastAPI, guard: Guard) -> None:
    app.mount("/files", guard.middleware(StaticFiles(directory=".")))


@pytest.mark.parametrize("added", [_asked_for_by_a_router, _asked_for_further_down])
def test_a_route_may_be_asked_about_wherever_its_dependencies_are(tmp_path: Path, added: Any) -> None:
    app = items(guard_in(tmp_path, PERMISSIONS, RULES, words=None))
    added(app)
    with client_of(app) as client:
        assert client.get("/plain", headers=as_("nil")).status_code == 403


def test_an_application_that_comes_later_is_held_to_the_document_as_the_first_one_was(tmp_path: Path) -> None:
    guard = guard_in(tmp_path, PERMISSIONS, RULES, words=None)
    forgetful = shop()
    forgetful.add_middleware(guard.middleware)
    with client_of(items(guard)) as client:
        with pytest.raises(PolicyError, match="/orders"), TestClient(forgetful):
            pass
        assert client.get("/items", headers=as_("uma")).status_code == 200


def test_what_is_mounted_behind_a_guard_of_its_own_is_asked_about_there(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    app = items(guard_in(tmp_path, PERMISSIONS, RULES, words=None))
    _guarded_by_another(app, guard_in(tmp_path / "files", policy="p, user, /files/*, GET, allow\n"))
    with client_of(app) as client:
        assert client.get("/files/README.md", headers=as_("nil")).status_code == 403
        assert client.get("/files/no-such-file", headers=as_("uma")).status_code == 404


def test_an_edit_of_the_model_is_held_against_what_endpoints_require(tmp_path: Path) -> None:
    guard = guard_in(tmp_path, PERMISSIONS, RULES, words=None)
    with client_of(items(guard)) as client:
        (tmp_path / "model.conf").write_text(PERMISSIONS.replace("act, owner", "act, owner, team"))
        assert not guard.checkpoint.live.reload()
        assert any("`team`" in problem.message for problem in guard.checkpoint.live.problems)
        assert client.get("/items", headers=as_("uma")).status_code == 200


def test_dependencies_without_a_guard_let_nobody_in() -> None:
    app = FastAPI()

    @app.get("/items", dependencies=[require("items:read")])
    async def read() -> str:
        return "never"

    assert TestClient(app, raise_server_exceptions=False).get("/items").status_code == 500
    with pytest.raises(RuntimeError, match="no guard stands before"):
        TestClient(app).get("/items")


@pytest.mark.parametrize("path", ["/who", "/maybe", "/ask"])
def test_whoever_asks_who_is_calling_without_a_guard_is_told_how_to_put_one_up(path: str) -> None:
    app = FastAPI()

    @app.get("/who")
    async def who(caller: Caller) -> str:
        return caller.sub

    @app.get("/maybe")
    async def maybe(caller: MaybeCaller) -> str:
        return str(caller)

    @app.get("/ask")
    async def asking(ask: Ask) -> str:
        return str(ask.may(act="items:read"))

    with pytest.raises(RuntimeError) as told:
        TestClient(app).get(path)
    assert str(told.value) == (
        "no guard stands before this application: app.add_middleware(guard.middleware)"
    )


@pytest.mark.parametrize(("host", "statuses", "listed"), [("north", (200, 200), 2), ("south", (403, 403), 0)])
def test_a_word_may_come_from_the_request_while_the_endpoint_gives_the_others(
    tmp_path: Path, host: str, statuses: tuple[int, int], listed: int
) -> None:
    """Of each tenant under its own host: what is required, what is asked, and what is listed."""
    app = FastAPI()

    @app.get("/required", dependencies=[require("items:delete", owner="")])
    async def required() -> str:
        return "done"

    @app.get("/asked", dependencies=[require("items:read", owner="")])
    async def asked(ask: Ask) -> str:
        ask.check(act="items:delete", owner="")
        return "done"

    @app.get("/listed")
    async def lists(ask: Ask) -> int:
        routes = (await ask.permissions()).routes
        return sum(route.act in {"items:delete", "items:read"} for route in routes)

    rules = "p, admin, north, items:delete, any, allow\np, admin, north, items:read, any, allow\n"
    guard = guard_in(tmp_path, PERMISSIONS, rules, words="sub=claims.sub, role=roles, dom=host")
    app.add_middleware(guard.middleware)
    with client_of(app, base_url=f"http://{host}") as client:
        got = [client.get(path, headers=as_("ann")).status_code for path in ("/required", "/asked")]
        assert tuple(got) == statuses
        assert client.get("/listed", headers=as_("ann")).json() == listed


@pytest.mark.parametrize("path", ["/items", "/items/ann"])
def test_a_refusal_by_an_endpoint_names_the_decision_that_was_recorded(tmp_path: Path, path: str) -> None:
    file = tmp_path / "log"
    guard = guard_in(tmp_path, PERMISSIONS, RULES, words=None, log=DecisionLog.file(file))
    with client_of(items(guard)) as client:
        method = "GET" if path == "/items" else "PUT"
        refused = client.request(method, path, headers=as_("nil"))
        assert refused.status_code == 403
    (line,) = [orjson.loads(each) for each in file.read_bytes().splitlines()]
    assert refused.json()["decision_id"] == line["decision_id"]


def test_a_requirement_is_the_same_in_whichever_order_its_words_are_given() -> None:
    one, other = require("items:read", dom="north", owner=""), require("items:read", owner="", dom="north")
    assert one.dependency == other.dependency


# --- the description


def test_the_description_says_how_to_sign_in_and_what_a_refusal_is(tmp_path: Path) -> None:
    app = FastAPI()

    @app.get("/public")
    @app.get("/orders")
    async def endpoint() -> str:
        return "done"

    policy = "p, everyone, /public, GET, allow\np, everyone, /openapi\\.json, GET, allow\np, user, /orders, GET, allow\n"
    guard = guard_in(tmp_path, policy=policy, credentials=cookie("session"))
    app.add_middleware(guard.middleware)
    describe(app, guard)
    with client_of(app) as client:
        for _ in range(2):
            description = client.get("/openapi.json").json()
            assert description["components"]["securitySchemes"] == {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
            }
            orders, public = (description["paths"][path]["get"] for path in ("/orders", "/public"))
            assert orders["security"] == [{"bearer": []}, {"cookie": []}]
            assert public["security"] == [{}, {"bearer": []}, {"cookie": []}]
            assert {"200", "401", "403"} <= set(orders["responses"])
            assert "application/problem+json" in orders["responses"]["403"]["content"]
        live = guard.checkpoint.live
        replaced = live.policy
        (tmp_path / "policy.csv").write_text(policy.replace("p, everyone, /public", "p, user, /public"))
        live.reload()
        assert live.policy is not replaced
        assert client.get("/openapi.json").json()["paths"]["/public"]["get"]["security"] == orders["security"]


def test_a_description_asks_everybody_to_sign_in_where_the_policy_is_refused(tmp_path: Path) -> None:
    app = shop()
    app.openapi_url = "/openapi.json"
    describe(app, guard_in(tmp_path, policy="p, everyone, /public, GET, alow\n"))
    operations = [each for path in app.openapi()["paths"].values() for each in path.values()]
    assert operations
    assert [each["security"] for each in operations] == [[{"bearer": []}]] * len(operations)


def test_the_description_is_valid(tmp_path: Path) -> None:
    from openapi_spec_validator import validate

    app = items(guard_in(tmp_path, PERMISSIONS, RULES, words=None), described=True)
    with client_of(app) as client:
        validate(client.get("/openapi.json").json())
