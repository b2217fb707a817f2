"""What endpoints require, in the words of whichever model is asked, and how it is read off an application's routes."""

from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from rbac.guard.requirements import AsksItself, BehindItsOwn, GuardedEndpoint, Requirement, endpoints_of
from rbac.model.request_shape import RequestShape


@pytest.mark.parametrize(
    ("words", "unfilled", "required", "given"),
    [
        # The model's own names for the action and the object.
        ("sub role obj act", "", Requirement("read"), {"act": "read"}),
        ("sub role obj act", "", Requirement("read", "book"), {"act": "read", "obj": "book"}),
        (
            "sub resource verb",
            "",
            Requirement("read", "book"),
            {"verb": "read", "resource": "book"},
        ),
        # A model without either: what is required is said by the usual names, and refused as words that it has not.
        ("sub", "", Requirement("read", "book"), {"act": "read", "obj": "book"}),
        # An object by place alone may be anything, a tenant or an owner: it is given by its own name only.
        ("sub role dom act", "dom", Requirement("read"), {"act": "read"}),
        ("sub role dom act", "dom", Requirement("read", "book"), {"act": "read", "obj": "book"}),
        (
            "sub role dom act",
            "dom",
            Requirement("read", "", (("dom", "north"),)),
            {"act": "read", "dom": "north"},
        ),
        # An object that nothing fills is "", unless it is given among the words.
        ("sub role obj act", "obj", Requirement("read"), {"act": "read", "obj": ""}),
        (
            "sub role obj act",
            "obj act",
            Requirement("read", "", (("obj", "x"),)),
            {"act": "read", "obj": "x"},
        ),
        (
            "sub role obj act",
            "obj",
            Requirement("read", "book", (("obj", "x"),)),
            {"act": "read", "obj": "book"},
        ),
        ("sub role path act", "path", Requirement("read"), {"act": "read", "path": ""}),
        # What is required as the action goes before a word of that name.
        ("sub role obj act", "", Requirement("read", "", (("act", "write"),)), {"act": "read"}),
    ],
)
def test_what_is_required_is_given_in_the_models_own_words(
    words: str, unfilled: str, required: Requirement, given: dict[str, str]
) -> None:
    assert required.given(RequestShape.of(tuple(words.split())), frozenset(unfilled.split())) == given


READ, WRITE = Requirement("read"), Requirement("write", "book")


async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
    """An application of somebody's own."""


class Guarded(BehindItsOwn):
    """A guard as it is put around an application, or in it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets nobody through."""

    def middleware(self, app: ASGIApp) -> ASGIApp:
        return endpoint


def asks() -> Any:
    class Asking(AsksItself):
        def __call__(self) -> None: ...

    return Depends(Asking())


class Requiring(Requirement):
    """A requirement as a dependency: what FastAPI calls."""

    def __call__(self) -> None: ...


def requires(requirement: Requirement) -> Any:
    return Depends(Requiring(requirement.act, requirement.obj, requirement.words))


def required(*requirements: Requirement) -> tuple[Requirement, ...]:
    return tuple(Requiring(each.act, each.obj, each.words) for each in requirements)


def done() -> str:
    return "done"


def fastapi() -> FastAPI:
    app = FastAPI()
    app.get("/first", dependencies=[requires(READ)])(done)
    app.get("/two", dependencies=[requires(READ), requires(WRITE)])(done)
    app.api_route("/many", methods=["PUT", "DELETE", "POST"])(done)

    def further(found: str = requires(WRITE)) -> None: ...

    app.get("/deep", dependencies=[Depends(further), asks()])(done)

    @app.websocket("/socket", dependencies=[requires(READ)])
    async def socket(socket: WebSocket) -> None: ...

    router = APIRouter(prefix="/in", dependencies=[requires(WRITE)])
    router.get("/last")(done)
    app.include_router(router, prefix="/below")
    return app


FASTAPI = [
    GuardedEndpoint("GET /first", required(READ)),
    GuardedEndpoint("GET /two", required(READ, WRITE)),
    GuardedEndpoint("DELETE /many", ()),
    GuardedEndpoint("GET /deep", required(WRITE), asks=True),
    GuardedEndpoint("GET /socket", required(READ)),
    GuardedEndpoint("GET /below/in/last", required(WRITE)),
]


def test_endpoints_of_fastapi_say_what_they_require_wherever_it_stands() -> None:
    assert list(endpoints_of(fastapi())) == FASTAPI


def test_the_pages_about_an_application_are_no_endpoints_and_one_in_their_place_is() -> None:
    app = FastAPI(docs_url="/pages", redoc_url="/more", openapi_url="/api.json")
    app.get("/docs")(done)  # which is nobody's page here
    app.get("/pages")(done)  # never reached, but no page either
    assert [each.name for each in endpoints_of(app)] == ["GET /docs", "GET /pages"]
    hidden = FastAPI()
    hidden.get("/docs")(done)  # behind the page of that name, and an endpoint all the same
    assert [each.name for each in endpoints_of(hidden)] == ["GET /docs"]
    plain = Starlette(
        routes=[Route("/docs", PlainTextResponse("")), Route("/openapi.json", PlainTextResponse(""))]
    )
    assert [each.name for each in endpoints_of(plain)] == ["GET /docs", "GET /openapi.json"]


def test_an_application_that_shows_no_routes_has_no_endpoints() -> None:
    assert list(endpoints_of(endpoint)) == []
    assert list(endpoints_of(SimpleNamespace(routes=()))) == []


def test_routes_of_starlette_and_of_anybody_are_endpoints_that_say_nothing() -> None:
    async def socket(socket: WebSocket) -> None: ...

    app = Starlette(
        routes=[
            Route("/plain", PlainTextResponse("done"), methods=["POST", "PATCH"]),
            WebSocketRoute("/socket", socket),
            Route("/any", PlainTextResponse("done")),
        ]
    )
    assert [each.name for each in endpoints_of(app)] == ["PATCH /plain", "GET /socket", "GET /any"]
    somebodys = SimpleNamespace(
        routes=[SimpleNamespace(endpoint=done), SimpleNamespace(endpoint=done, path="/x")]
    )
    assert list(endpoints_of(somebodys)) == [GuardedEndpoint("GET ", ()), GuardedEndpoint("GET /x", ())]
    bare = SimpleNamespace(routes=[SimpleNamespace(path="/host")])
    assert list(endpoints_of(bare)) == [GuardedEndpoint("* /host", ())]


def mounting(*mounts: Any) -> Starlette:
    return Starlette(routes=[*mounts, Route("/last", PlainTextResponse("done"))])


@pytest.mark.parametrize(
    ("mounted", "names"),
    [
        (endpoint, ["* /sub"]),
        (Starlette(), ["* /sub"]),  # nothing to look through: whatever it answers, nobody asked
        (fastapi(), [each.name.replace(" ", " /sub", 1) for each in FASTAPI]),
        (Router([Route("/x", PlainTextResponse(""))]), ["GET /sub/x"]),
        (Router([Mount("/y", Router([Route("/x", PlainTextResponse(""))]))]), ["GET /sub/y/x"]),
        (Guarded(), []),
    ],
)
def test_what_is_mounted_is_looked_through_where_it_can_be(mounted: ASGIApp, names: list[str]) -> None:
    found = [each.name for each in endpoints_of(mounting(Mount("/sub", mounted)))]
    assert found == [*names, "GET /last"]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("behind", [True, False])
def test_an_application_with_a_guard_among_its_layers_is_left_to_that(before: bool, behind: bool) -> None:
    def other(app: ASGIApp) -> ASGIApp:
        return app

    sub = fastapi()
    if before:
        sub.add_middleware(other)
    if behind:
        sub.add_middleware(Guarded().middleware)
    if before:
        sub.add_middleware(SimpleNamespace(made=other).made)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/sub", sub)
    app.get("/last", dependencies=[requires(READ)])(done)
    found = [each.name for each in endpoints_of(app)]
    assert found == [
        *([] if behind else [each.name.replace(" ", " /sub", 1) for each in FASTAPI]),
        "GET /last",
    ]


def test_an_endpoint_of_fastapi_is_one_though_its_class_carries_an_application() -> None:
    """A route has an `app` of its own as well: what answers it, which is nothing to look through."""
    app = Starlette(routes=[Route("/x", Router([Route("/y", PlainTextResponse(""))]))])
    assert [each.name for each in endpoints_of(app)] == ["GET /x"]


def test_what_starlette_knows_is_seen_in_an_included_router_too() -> None:
    async def socket(socket: WebSocket) -> None: ...

    router, app = APIRouter(prefix="/in"), FastAPI()
    router.routes.append(Route("/plain", PlainTextResponse("done"), methods=["POST"]))
    router.add_websocket_route("/socket", socket)
    router.mount("/files", endpoint)
    router.routes.append(Mount("/sub", routes=[Route("/x", PlainTextResponse("done"))]))
    app.include_router(router, prefix="/below")
    assert list(endpoints_of(app)) == [
        GuardedEndpoint("POST /below/plain", ()),
        GuardedEndpoint("GET /below/socket", ()),
        GuardedEndpoint("* /below/files", ()),
        GuardedEndpoint("GET /below/sub/x", ()),
    ]
