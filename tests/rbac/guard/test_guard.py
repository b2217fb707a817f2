"""The front door: a policy before an application that knows nothing of it."""

import asyncio
import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi import FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient, WebSocketDenialResponse

from rbac import PolicyError, RequestError
from rbac.guard import DecisionLog, Guard, Principal, Unauthenticated, cognito, cookie, firebase
from rbac.guard.http.asgi import ASGIApp, Receive, Scope, Send
from rbac.guard.issuers.authenticator import Authenticator
from rbac.guard.request_words import USUAL
from rbac.stores import Snapshot
from rbac.stores.file import FileStore
from tests.support.guarded import MODEL, POLICY, as_, client_of, guard_in, identify, shop, written
from tests.support.waiting import LIMIT_S, comes_true
from tests.support.waiting import written as text_of

# Who gets what: a name, or nobody, and a path.
TABLE = [
    ("", "/public", 200),
    ("", "/orders", 401),
    ("", "/nowhere", 401),
    ("nil", "/public", 200),
    ("nil", "/orders", 403),
    ("uma", "/orders", 200),
    ("uma", "/orders/7", 200),
    ("uma", "/admin", 403),
    ("two", "/orders", 200),
    ("ann", "/orders", 200),
    ("ann", "/admin", 200),
    ("ann", "/nowhere", 403),
    ("who", "/public", 401),
]


WATCH = "watch over the policy"


def by_add_middleware(guard: Guard) -> ASGIApp:
    app = shop()
    app.add_middleware(guard.middleware)
    return app


def by_wrapping(guard: Guard) -> ASGIApp:
    return guard.middleware(shop())


def by_starlette(guard: Guard) -> ASGIApp:
    done = PlainTextResponse("done")
    routes = [
        Route(path, done, methods=["GET", "POST"])
        for path in ("/public", "/orders", "/orders/{id}", "/admin")
    ]
    return Starlette(routes=routes, middleware=[Middleware(guard.middleware)])


def by_plain_asgi(guard: Guard) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"  # an application without a lifespan
        await PlainTextResponse("done")(scope, receive, send)

    return guard.middleware(app)


WAYS = [by_add_middleware, by_wrapping, by_starlette, by_plain_asgi]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("lifespan", [True, False])
def test_callers_get_what_the_policy_says_however_the_guard_is_put_up(
    tmp_path: Path, way: Any, lifespan: bool
) -> None:
    app = way(guard_in(tmp_path))
    client = TestClient(app)
    lives = lifespan and way is not by_plain_asgi
    if lives:
        client.__enter__()
    try:
        got = [
            (name, path, client.get(path, headers=as_(name) if name else {}).status_code)
            for name, path, _ in TABLE
        ]
    finally:
        if lives:
            client.__exit__()
    assert got == TABLE


def test_refusals_are_problems_with_challenges(tmp_path: Path) -> None:
    with client_of(by_add_middleware(guard_in(tmp_path))) as client:
        nobody = client.get("/orders", headers={"X-Request-ID": "mine"})
        unknown = client.get("/orders", headers=as_("who"))
        denied = client.get("/admin", headers={**as_("uma"), "Accept-Language": "ja"})
        garbled = client.get("/public", headers={"Authorization": "Basic x"})
    assert nobody.headers["www-authenticate"] == 'Bearer realm="sekisho"'
    assert (nobody.json()["error"], nobody.json()["request_id"]) == ("authentication_required", "mine")
    assert unknown.headers["www-authenticate"].endswith('error_description="there is nobody of that name"')
    assert unknown.json()["error"] == garbled.json()["error"] == "invalid_token"
    assert garbled.status_code == 401
    assert denied.headers["content-type"] == "application/problem+json"
    assert denied.headers["content-language"] == "ja"
    assert denied.json()["policy_revision"]


@pytest.mark.parametrize(
    "sentence", ['a "quoted" one', "two\r\nlines: yes", "日本語", "a \\ backslash", "", "\ud800", "x" * 5000]
)
def test_an_applications_own_sentence_cannot_break_the_challenge(tmp_path: Path, sentence: str) -> None:
    def refusing(token: str) -> Principal:
        raise Unauthenticated(sentence)

    with client_of(by_add_middleware(guard_in(tmp_path, identify=refusing))) as client:
        answer = client.get("/public", headers=as_("x"))
    assert answer.status_code == 401
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="sekisho", error="invalid_token", error_description="')
    assert challenge.count('"') == 6
    assert len(challenge) < 1000


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Principal("uma", ("user",)), 200),
        (None, 401),
        (Principal("", ("user",)), 401),
        (Principal("a\nb", ("user",)), 401),
        (Principal("admin", ()), 401),  # a name that the policy would take for a role
        ("uma", 500),
        ({"sub": "uma"}, 500),
    ],
)
def test_what_identify_returns_is_held_to_what_the_presets_promise(
    tmp_path: Path, answer: Any, status: int
) -> None:
    model = MODEL.replace("g(r.role, p.role)", "g(r.role, p.role) || g(r.sub, p.role)")
    app = by_add_middleware(guard_in(tmp_path, model, identify=lambda _token: answer))
    with client_of(app) as client:
        assert client.get("/orders", headers=as_("x")).status_code == status


def test_an_identify_that_fails_lets_nobody_in(tmp_path: Path) -> None:
    async def failing(token: str) -> Principal:
        raise LookupError(token)

    with client_of(by_add_middleware(guard_in(tmp_path, identify=failing))) as client:
        assert client.get("/public", headers=as_("x")).status_code == 500
        assert client.get("/public").status_code == 200


@pytest.mark.parametrize("roles", ["admin", ["admin", 7], [None]])
def test_roles_are_a_list_of_texts(roles: Any) -> None:
    with pytest.raises(TypeError):
        Principal("ann", roles)


def test_roles_may_be_any_list() -> None:
    assert Principal("ann", ["admin", "user"]).roles == ("admin", "user")  # type: ignore[arg-type]  # as people write it


# --- where the token is


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Cookie": "session=uma"}, 200),
        ({"Cookie": 'a=b; session="uma"; c=d'}, 200),
        ({"Cookie": "session=nil", **as_("uma")}, 200),  # the header first
        ({"Cookie": "session=uma", **as_("nil")}, 403),
        ({"Cookie": "session=uma", "Authorization": "Basic x"}, 401),
        ({"Cookie": "session=uma; session=ann"}, 401),
        ({"Cookie": "session="}, 401),
        ({"Cookie": "other=uma"}, 401),
        ({"Cookie": "session=a,b"}, 401),
        ({"Cookie": "Session=uma"}, 401),
        ({}, 401),
    ],
)
def test_a_cookie_holds_the_token_where_the_header_does_not(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    with client_of(by_add_middleware(guard_in(tmp_path, credentials=cookie("session")))) as client:
        assert client.get("/orders", headers=headers).status_code == status


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a;b", "ä"])
def test_a_cookie_has_a_name_that_cookies_can_have(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a cookie"):
        cookie(name)


def test_a_browsers_websocket_signs_in_by_cookie(tmp_path: Path) -> None:
    app = shop()

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    app.add_middleware(guard_in(tmp_path, credentials=cookie("session")).middleware)
    with client_of(app) as client:
        with client.websocket_connect("/live", headers={"Cookie": "session=uma"}) as socket:
            assert socket.receive_text() == "hello"
        for headers, status in (({"Cookie": "session=nil"}, 403), ({}, 401)):
            with (
                pytest.raises(WebSocketDenialResponse) as denied,
                client.websocket_connect("/live", headers=headers),
            ):
                pass
            assert denied.value.status_code == status


# --- the order with CORS, mounts, the life


ORIGIN = "https://shop.example"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "GET",
    "Access-Control-Request-Headers": "authorization",
}


def cors_outside(guard: Guard) -> ASGIApp:
    app = shop()
    app.add_middleware(guard.middleware)
    app.add_middleware(CORSMiddleware, allow_origins=[ORIGIN], allow_headers=["authorization"])
    return app


def cors_inside(guard: Guard) -> ASGIApp:
    app = shop()
    app.add_middleware(CORSMiddleware, allow_origins=[ORIGIN], allow_headers=["authorization"])
    app.add_middleware(guard.middleware)
    return app


def cors_inside_a_wrapping(guard: Guard) -> ASGIApp:
    app = shop()
    app.add_middleware(CORSMiddleware, allow_origins=[ORIGIN], allow_headers=["authorization"])
    return guard.middleware(app)


def cors_wrapped(guard: Guard) -> ASGIApp:
    return guard.middleware(CORSMiddleware(shop(), allow_origins=[ORIGIN], allow_headers=["authorization"]))


@pytest.mark.parametrize("order", [cors_outside, cors_inside, cors_inside_a_wrapping, cors_wrapped])
def test_a_page_of_another_origin_is_served_whichever_way_round_cors_is_added(
    tmp_path: Path, order: Any
) -> None:
    with client_of(order(guard_in(tmp_path))) as client:
        preflight = client.options("/orders", headers=PREFLIGHT)
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, ORIGIN)
        for name, status in (("uma", 200), ("nil", 403), ("who", 401)):
            answer = client.get("/orders", headers={"Origin": ORIGIN, **as_(name)})
            assert answer.status_code == status
            assert answer.headers.get_list("access-control-allow-origin") == [ORIGIN]
            assert answer.headers.get_list("vary", split_commas=True).count("Origin") == 1
        elsewhere = client.options("/orders", headers={**PREFLIGHT, "Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in elsewhere.headers
        assert client.options("/orders").status_code == 401  # no preflight: decided about like any other


def mounted(guard: Guard) -> FastAPI:
    app, sub = FastAPI(openapi_url=None), FastAPI(openapi_url=None)

    @app.get("/open")
    @sub.get("/open")
    @sub.get("/deep/{id}")
    async def endpoint() -> str:
        return "done"

    sub.add_middleware(guard.middleware)
    app.mount("/sub", sub)
    return app


def wrapped_and_mounted(guard: Guard) -> FastAPI:
    app, sub = FastAPI(openapi_url=None), FastAPI(openapi_url=None)

    @app.get("/open")
    @sub.get("/open")
    @sub.get("/deep/{id}")
    async def endpoint() -> str:
        return "done"

    app.mount("/sub", guard.middleware(sub))
    return app


@pytest.mark.parametrize("way", [mounted, wrapped_and_mounted])
@pytest.mark.parametrize("root_path", ["", "/behind"])
def test_a_mounted_application_is_guarded_alone_and_by_its_whole_path(
    tmp_path: Path, way: Any, root_path: str
) -> None:
    policy = "p, user, /sub/open, GET, allow\np, user, /sub/deep/{id}, GET, allow\n"
    with client_of(way(guard_in(tmp_path, policy=policy)), root_path=root_path) as client:
        assert client.get(f"{root_path}/open").status_code == 200
        assert [
            client.get(f"{root_path}/sub/{path}", headers=as_("uma")).status_code
            for path in ("open", "deep/7")
        ] == [200, 200]
        assert client.get(f"{root_path}/sub/open").status_code == 401
        assert client.get(f"{root_path}/sub/open", headers=as_("nil")).status_code == 403


def test_the_tools_list_what_stands_behind_a_guard(tmp_path: Path) -> None:
    from rbac.routes import routes_of_app

    app = wrapped_and_mounted(guard_in(tmp_path))
    assert [route.obj for route in routes_of_app(app)] == ["/open", "/sub/deep/{id}", "/sub/open"]
    assert [route.obj for route in routes_of_app(guard_in(tmp_path).middleware(app))] == [
        "/open",
        "/sub/deep/{id}",
        "/sub/open",
    ]


def test_the_applications_own_lifespan_runs_within_the_guards(tmp_path: Path) -> None:
    guard = guard_in(tmp_path)
    told = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        told.append(guard.decide(None, obj="/public", act="GET").allowed)
        yield {"state": "kept"}
        told.append(guard.decide(None, obj="/admin", act="GET").allowed)

    app = shop(lifespan=lifespan)
    app.add_middleware(guard.middleware)
    for _ in range(2):  # it may open again
        with client_of(app) as client:
            assert client.get("/public").status_code == 200
    assert told == [True, False] * 2


@pytest.mark.parametrize("way", [by_add_middleware, by_wrapping])
def test_a_document_that_is_refused_stops_the_start(tmp_path: Path, way: Any) -> None:
    guard = guard_in(tmp_path, policy="p, user, /orders, GET, alow\n")
    with pytest.raises(PolicyError, match="alow"), TestClient(way(guard)):
        pass


async def test_the_server_is_told_why_a_start_fails(tmp_path: Path) -> None:
    app = by_wrapping(guard_in(tmp_path, policy="p, user, /orders, GET, alow\n"))
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(PolicyError):
        await app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
    (failed,) = sent
    assert failed["type"] == "lifespan.startup.failed"
    assert "alow" in failed["message"]


def test_a_document_that_is_refused_lets_nobody_in_where_there_is_no_lifespan(tmp_path: Path) -> None:
    app = by_add_middleware(guard_in(tmp_path, policy="p, user, /orders, GET, alow\n"))
    client = TestClient(app, raise_server_exceptions=False)
    assert [client.get("/public").status_code for _ in range(2)] == [500, 500]
    written(tmp_path)
    assert client.get("/public").status_code == 200


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"words": "sub=claims.sub, role=roles, obj=path, act=method, dom=host"}, "no such word"),
        ({"words": "sub=nonsense"}, "is no source"),
        (
            {"tests": "no-such-directory"},
            r"no policy tests here \(write one; `tests=None` is how a guard is told that there are none\)",
        ),
        (
            {"words": "sub=claims.sub, role=roles, obj=path"},
            r"nothing fills `act`\), so every route needs .* have neither",
        ),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence_at_the_start(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(PolicyError, match=said), TestClient(by_add_middleware(guard_in(tmp_path, **changes))):
        pass


def test_policy_tests_gate_the_start_and_each_reload(tmp_path: Path) -> None:
    tests = tmp_path / "policy_tests"
    tests.mkdir()
    (tests / "a.yaml").write_text("suite: s\ntests:\n  - name: n\n    role: user\n    can: [GET /orders]\n")
    guard = guard_in(tmp_path, tests=tests)
    with client_of(by_add_middleware(guard)) as client:
        (tmp_path / "policy.csv").write_text("p, user, /public, GET, allow\n")
        guard.checkpoint.live.reload()
        assert client.get("/orders", headers=as_("uma")).status_code == 200
    with (
        pytest.raises(PolicyError),
        TestClient(by_add_middleware(guard_in(tmp_path, policy="", tests=tests))),
    ):
        pass


def test_an_edit_is_in_force_without_a_restart(tmp_path: Path) -> None:
    with client_of(by_add_middleware(guard_in(tmp_path))) as client:
        assert client.get("/admin", headers=as_("uma")).status_code == 403
        (tmp_path / "policy.csv").write_text(POLICY + "p, user, /admin, GET, allow\n")
        assert comes_true(lambda: client.get("/admin", headers=as_("uma")).status_code == 200)


async def test_an_edit_is_in_force_where_there_is_no_lifespan(tmp_path: Path) -> None:
    app = by_add_middleware(guard_in(tmp_path))
    assert await _get(app, "/admin", "uma") == 403
    (tmp_path / "policy.csv").write_text(POLICY + "p, user, /admin, GET, allow\n")
    deadline = time.monotonic() + LIMIT_S
    while (status := await _get(app, "/admin", "uma")) != 200 and time.monotonic() < deadline:  # noqa: ASYNC110 - a file
        await asyncio.sleep(0.05)
    assert status == 200


async def _get(app: ASGIApp, path: str, name: str) -> int:
    statuses: list[int] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    headers = [(b"authorization", b"Bearer " + name.encode())]
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": headers,
        "root_path": "",
    }
    await app(scope, receive, send)
    return statuses[0]


async def test_whoever_comes_while_it_opens_waits_for_the_same_opening(tmp_path: Path) -> None:
    guard = guard_in(tmp_path)
    app = by_wrapping(guard)
    assert set(await asyncio.gather(*[_get(app, "/orders", "uma") for _ in range(20)])) == {200}
    assert guard.checkpoint.live.reloads == 0


def without_routes(guard: Guard) -> set[str]:
    """The paths of rules of which the policy in force is warned that no known route has them."""
    warnings = guard.checkpoint.live.warnings
    assert {warning.code for warning in warnings} <= {"rule-without-route"}
    return {warning.message.split("`")[1] for warning in warnings}


def test_rules_are_held_against_the_routes_of_the_first_application_alone(tmp_path: Path) -> None:
    guard = guard_in(tmp_path)
    second = FastAPI(openapi_url=None)
    second.add_api_route("/live", lambda: "done")
    with client_of(by_add_middleware(guard)), client_of(guard.middleware(second)):
        assert without_routes(guard) == {"/live", "/sub/*"}
        (tmp_path / "policy.csv").write_text(POLICY + "p, user, /ordres, GET, allow\n")
        assert comes_true(lambda: without_routes(guard) == {"/live", "/sub/*", "/ordres"})


def test_policy_tests_are_run_where_no_application_is_known_yet(tmp_path: Path) -> None:
    tests = tmp_path / "policy_tests"
    tests.mkdir()
    question = "suite: s\ntests:\n  - name: n\n    role: user\n    can: [GET {path}]\n"
    for path, holds in (("/orders", True), ("/admin", False)):
        (tests / "a.yaml").write_text(question.format(path=path))
        with nullcontext() if holds else pytest.raises(PolicyError, match="GET /admin"):
            assert guard_in(tmp_path, tests=tests).decide(None, obj="/public", act="GET").allowed


BY_PRIORITY = MODEL.replace(
    "e = some(where (p.eft == allow)) && !some(where (p.eft == deny))", "e = priority(p.eft) || deny"
)


@pytest.mark.parametrize(
    ("claims", "refused"),
    [(("custom:role",), False), (("cognito:groups",), True), (("custom:role:list",), True)],
)
def test_a_model_that_decides_by_priority_takes_no_issuer_whose_callers_bring_several_roles(
    tmp_path: Path, claims: tuple[str, ...], refused: bool
) -> None:
    issuer = cognito("ap-northeast-1_AbC123xyz", "client", role_claims=claims)
    guard = guard_in(tmp_path, BY_PRIORITY, identify=issuer)
    with pytest.raises(PolicyError, match="one role at a time") if refused else nullcontext():
        assert not guard.decide(Principal("uma", ("user",)), obj="/admin", act="GET").allowed


@pytest.mark.parametrize(
    ("issuer", "people"),
    [
        (firebase("my-shop-4711"), ("Kj3nL0pQwX8vB2mT5yRz7aCd9eF1",)),
        (cognito("ap-northeast-1_AbC123xyz", "client"), ()),
        (identify, ()),
    ],
)
def test_people_are_told_from_roles_by_what_the_issuer_calls_them(
    tmp_path: Path, issuer: Any, people: tuple[str, ...]
) -> None:
    policy = POLICY + "g, Kj3nL0pQwX8vB2mT5yRz7aCd9eF1, user\n"
    assert guard_in(tmp_path, policy=policy, identify=issuer).policy.subjects == people


# --- what it is asked, and records


def test_decide_asks_in_the_models_own_words(tmp_path: Path) -> None:
    guard = guard_in(tmp_path)
    uma = Principal("uma", ("user",))
    assert guard.decide(uma, obj="/orders", act="GET").allowed
    assert not guard.decide(uma, obj="/admin", act="GET").allowed
    assert not guard.decide(None, obj="/orders", act="GET").allowed
    assert guard.decide(None, obj="/admin", act="GET", role="admin", sub="x").allowed
    assert guard.decide(Principal("two", ("user", "auditor")), obj="/orders", act="GET").allowed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({}, "nothing fills `obj`, `act`"),
        ({"obj": "/orders"}, "nothing fills `act`"),
        ({"obj": "/orders", "act": "GET", "dom": "x"}, "no word `dom`"),
        ({"obj": "/orders", "act": 7}, "`act` must be a text"),
    ],
)
def test_a_question_that_is_not_whole_is_an_error(tmp_path: Path, words: Any, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        guard_in(tmp_path).decide(None, **words)


def test_a_subject_that_is_the_name_of_a_role_is_denied(tmp_path: Path) -> None:
    model = MODEL.replace("g(r.role, p.role)", "g(r.role, p.role) || g(r.sub, p.role)")
    guard = guard_in(tmp_path, model)
    assert not guard.decide(Principal("admin", ()), obj="/admin", act="GET").allowed


def test_every_answer_is_recorded(tmp_path: Path) -> None:
    log = DecisionLog.file(tmp_path / "decisions.jsonl")
    guard = guard_in(tmp_path, log=log)
    for _ in range(2):
        with client_of(by_add_middleware(guard)) as client:
            client.get("/orders", headers={**as_("uma"), "X-Request-ID": "mine"})
            client.get("/orders", headers=as_("who"))
            guard.decide(None, obj="/public", act="GET")
    lines = [orjson.loads(line) for line in (tmp_path / "decisions.jsonl").read_bytes().splitlines()]
    assert [line["event"] for line in lines] == ["decision", "rejection", "decision"] * 2
    assert (lines[0]["request_id"], lines[0]["sub"], lines[0]["allowed"]) == ("mine", "uma", True)
    assert (lines[1]["reason"], lines[1]["status"]) == ("unauthenticated", 401)


def test_a_record_has_the_trace_of_its_request(tmp_path: Path) -> None:
    log = DecisionLog.file(tmp_path / "decisions.jsonl")
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with client_of(by_add_middleware(guard_in(tmp_path, log=log))) as client:
        client.get("/public", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
        client.get("/public", headers={"traceparent": f"00-{trace}-nonsense"})
        client.get("/orders", headers={**as_("who"), "traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    lines = [orjson.loads(line) for line in (tmp_path / "decisions.jsonl").read_bytes().splitlines()]
    assert [line.get("trace_id") for line in lines] == [trace, None, trace]


def test_nothing_is_answered_without_its_record_where_records_are_required(tmp_path: Path) -> None:
    log = DecisionLog.file(tmp_path / "nowhere" / "decisions.jsonl", required=True)
    with client_of(by_add_middleware(guard_in(tmp_path, log=log))) as client:
        answer = client.get("/public")
        assert (answer.status_code, answer.json()["error"]) == (503, "decision_log_unavailable")
        (tmp_path / "nowhere").mkdir()
        assert comes_true(lambda: client.get("/public").status_code == 200)


def test_what_is_decided_before_any_application_starts_is_recorded_too(tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    guard = guard_in(tmp_path, log=DecisionLog.file(file))
    assert guard.decide(None, obj="/public", act="GET").allowed
    assert comes_true(lambda: '"event":"decision"' in text_of(file))


def test_the_policy_is_loaded_for_whoever_asks_for_it_first(tmp_path: Path) -> None:
    guard = guard_in(tmp_path)
    assert [row[1] for row in guard.policy.document.rows["p"]][:2] == ["/public", "/orders"]
    with pytest.raises(PolicyError):
        _ = guard_in(tmp_path, policy="p, user, /orders, GET, alow\n").policy


class Counting(FileStore):
    """A store that counts who reads it, and lets others come while it is read."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory / "model.conf", directory / "policy.csv")
        self.reads = 0
        self.meanwhile: Callable[[], None] = lambda: None

    def read(self) -> Snapshot:
        self.reads += 1
        self.meanwhile()
        return super().read()


def test_threads_that_ask_first_at_once_have_the_policy_loaded_once(tmp_path: Path) -> None:
    store = Counting(tmp_path)
    guard = guard_in(tmp_path, store=store)
    revisions: list[str] = []
    another = threading.Thread(target=lambda: revisions.append(guard.policy.revision))

    def meanwhile() -> None:
        if store.reads == 1:
            another.start()
            another.join(0.3)  # it waits for the policy; where it does not, this is when it reads

    store.meanwhile = meanwhile
    revisions.append(guard.policy.revision)
    another.join()
    assert len(set(revisions)) == 1
    assert store.reads == 1


@pytest.mark.parametrize("more", ["", "host=host", "ip=client_ip"])
def test_what_is_open_to_everyone_is_what_nobody_in_particular_is_let_into(tmp_path: Path, more: str) -> None:
    word = more.partition("=")[0]
    model = MODEL.replace("obj, act\n[policy", f"obj, act, {word}\n[policy") if more else MODEL
    guard = guard_in(tmp_path, model, words=", ".join(filter(None, [USUAL, more])))
    asked = [("GET", "/public"), ("GET", "/orders"), ("POST", "/public"), ("GET", "/admin"), ("GET", "/")]
    assert [guard.open_to_everyone(*each) for each in asked] == [True, *[False] * 4]


def test_nothing_is_open_to_everyone_where_endpoints_ask_for_themselves(tmp_path: Path) -> None:
    policy = POLICY.replace("p, user, /orders, GET", "p, everyone, /orders, *")
    guard = guard_in(tmp_path, policy=policy, words=None)
    assert guard.open_to_everyone("GET", "/public") is False


def test_a_rule_for_everyone_and_everything_opens_no_path_where_endpoints_ask_for_themselves(
    tmp_path: Path,
) -> None:
    model = MODEL.replace("keyMatch3(r.obj, p.obj)", '(p.obj == "*" || p.obj == r.obj)')
    policy = "p, everyone, *, *, allow\n"
    assert guard_in(tmp_path, model, policy).open_to_everyone("GET", "/public")
    assert not guard_in(tmp_path, model, policy, words=None).open_to_everyone("GET", "/public")


# --- tests of one's own


@pytest.mark.parametrize("lifespan", [True, False])
def test_acting_as_somebody_takes_no_issuer_and_no_token(tmp_path: Path, lifespan: bool) -> None:
    async def nobody(token: str) -> Principal:
        raise AssertionError("nobody is asked")

    guard = guard_in(tmp_path, identify=nobody)
    client = TestClient(by_add_middleware(guard))
    if lifespan:
        client.__enter__()
    with guard.acting_as("user"):
        assert client.get("/orders").status_code == 200
        assert client.get("/admin").status_code == 403
        with guard.acting_as("admin", sub="ann"):
            assert client.get("/admin").status_code == 200
        assert client.get("/admin").status_code == 403
    assert client.get("/orders").status_code == 401
    if lifespan:
        client.__exit__()


@pytest.mark.parametrize("apps", [1, 2])
def test_two_clients_at_once_share_the_guard(tmp_path: Path, apps: int) -> None:
    guard = guard_in(tmp_path)
    made = [by_add_middleware(guard) for _ in range(apps)]
    with client_of(made[0]) as outer:
        with client_of(made[-1]) as inner:
            assert inner.get("/orders", headers=as_("uma")).status_code == 200
        assert outer.get("/orders", headers=as_("uma")).status_code == 200
        (tmp_path / "policy.csv").write_text("p, admin, /orders, GET, allow\n")
        assert comes_true(lambda: outer.get("/orders", headers=as_("uma")).status_code == 403)
    with client_of(made[-1]) as again:
        assert again.get("/orders", headers=as_("ann")).status_code == 200


def test_a_guard_that_closed_in_one_event_loop_opens_in_another_while_that_one_still_runs(
    tmp_path: Path,
) -> None:
    guard = guard_in(tmp_path)

    async def life_in_another_loop() -> set[str]:
        await guard.open()
        names = {task.get_name() for task in asyncio.all_tasks()}
        await guard.close()
        return names

    async def both() -> list[set[str]]:
        return [
            await life_in_another_loop(),
            await asyncio.to_thread(asyncio.run, life_in_another_loop()),
            await life_in_another_loop(),
        ]

    assert all(WATCH in names for names in asyncio.run(both()))


async def test_a_guard_that_another_event_loop_asks_for_too_stays_with_the_first(tmp_path: Path) -> None:
    guard = guard_in(tmp_path)

    async def life_in_another_loop() -> set[str]:
        await guard.open()
        names = {task.get_name() for task in asyncio.all_tasks()}
        await guard.close()
        return names

    await guard.open()
    assert WATCH not in await asyncio.to_thread(asyncio.run, life_in_another_loop())
    assert WATCH in {task.get_name() for task in asyncio.all_tasks()}
    await guard.close()
    assert WATCH not in {task.get_name() for task in asyncio.all_tasks()}


async def test_a_guard_before_two_applications_ends_with_the_last(tmp_path: Path) -> None:
    guard = guard_in(tmp_path)
    await guard.open()
    await guard.open()
    await guard.close()
    (tmp_path / "policy.csv").write_text("p, admin, /orders, GET, allow\n")
    decided = partial(guard.decide, Principal("uma", ("user",)), obj="/orders", act="GET")
    assert await asyncio.to_thread(comes_true, lambda: not decided().allowed)
    await guard.close()
    assert WATCH not in {task.get_name() for task in asyncio.all_tasks()}


def test_acting_as_nobody_sends_no_token_whatever_is_sent(tmp_path: Path) -> None:
    guard = guard_in(tmp_path)
    with guard.acting_as(sub=""), client_of(by_add_middleware(guard)) as client:
        got = [client.get(path, headers=as_("uma")).status_code for path in ("/public", "/orders")]
    assert got == [200, 401]
    assert guard.decide(None, obj="/public", act="GET").allowed


@pytest.mark.parametrize(("roles", "claims"), [(("user",), {}), ((), {"team": "north"})])
def test_nobody_has_no_roles_and_no_claims(tmp_path: Path, roles: Any, claims: Any) -> None:
    with (
        pytest.raises(ValueError, match="has a `sub`"),
        guard_in(tmp_path).acting_as(*roles, sub="", **claims),
    ):
        pass


def test_no_key_is_fetched_where_acting_begins_before_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    async def start(issuer: Authenticator) -> None:
        started.append(issuer)

    monkeypatch.setattr(Authenticator, "start", start)
    for begun, expected in ((True, 0), (False, 1)):
        guard = guard_in(tmp_path, identify=cognito("ap-northeast-1_AbC123xyz", "client"))
        with guard.acting_as(sub="") if begun else nullcontext(), client_of(by_add_middleware(guard)):
            pass
        assert len(started) == expected


def test_acting_as_holds_for_one_guard_and_one_context(tmp_path: Path) -> None:
    guard, other = guard_in(tmp_path), guard_in(tmp_path)
    with guard.acting_as("user"):
        assert TestClient(by_add_middleware(other)).get("/orders").status_code == 401


def test_acting_as_in_tasks_side_by_side(tmp_path: Path) -> None:
    guard = guard_in(tmp_path)
    app = by_wrapping(guard)

    async def one(role: str) -> int:
        with guard.acting_as(role):
            await asyncio.sleep(0.01)
            return await _get(app, "/admin", "who")

    async def both() -> list[int]:
        return list(await asyncio.gather(one("user"), one("admin"), one("user")))

    assert asyncio.run(both()) == [403, 200, 403]


# --- what is the host's


def test_a_guard_that_is_made_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    guard = Guard("nowhere.conf", "nowhere.csv", identify=identify, log=DecisionLog.file("decisions.jsonl"))
    guard.middleware(shop())
    assert list(tmp_path.iterdir()) == []


def test_a_guard_that_is_told_nothing_else_reads_the_usual_files_and_gives_no_reasons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path)
    with pytest.raises(PolicyError, match=r"^policy_tests: error: there are no policy tests here"):
        Guard(identify=identify).load()
    (tmp_path / "policy_tests").mkdir()
    (tmp_path / "policy_tests" / "a.yaml").write_text(
        "suite: s\ntests:\n  - name: n\n    role: user\n    can: [GET /orders]\n"
    )
    with client_of(by_add_middleware(Guard(identify=identify))) as client:
        assert client.get("/orders", headers=as_("uma")).status_code == 200
        denied = client.get("/admin", headers=as_("uma"))
    assert denied.status_code == 403
    assert "explanation" not in denied.json()


def test_the_hosts_logging_and_environment_are_left_alone(tmp_path: Path) -> None:
    def state() -> tuple[Any, ...]:
        root = logging.getLogger()
        loggers = {
            name: (logger.level, logger.propagate, list(logger.handlers), logger.disabled)
            for name, logger in logging.Logger.manager.loggerDict.items()
            if isinstance(logger, logging.Logger) and not name.startswith(("rbac", "asyncio", "concurrent"))
        }
        return root.level, list(root.handlers), loggers, dict(os.environ)

    with client_of(by_add_middleware(guard_in(tmp_path))) as client:
        client.get("/orders", headers=as_("uma"))  # what is imported at the first use makes its loggers
    before = state()
    with client_of(by_add_middleware(guard_in(tmp_path, log=DecisionLog.file(tmp_path / "log")))) as client:
        client.get("/orders", headers=as_("uma"))
        client.get("/orders", headers=as_("who"))
    assert state() == before


def test_mounts_of_a_router_are_seen_by_the_guard_before_it(tmp_path: Path) -> None:
    inner = Mount("/sub", routes=[Route("/x", PlainTextResponse("done"))])
    app = Starlette(routes=[inner], middleware=[Middleware(guard_in(tmp_path).middleware)])
    with client_of(app) as client:
        assert client.get("/sub/x", headers=as_("uma")).status_code == 200
        assert client.get("/sub/x").status_code == 401
