"""The layer by itself, asked in plain ASGI: what is decided about, recorded and routed, in which order."""

import asyncio
from time import perf_counter_ns
from types import SimpleNamespace
from typing import Any, Final

import pytest

from rbac import Policy
from rbac.decision_log.buffer import DecisionLogUnavailable
from rbac.decision_log.record import NO_TOKEN, Record, Rejected
from rbac.guard import middleware
from rbac.guard.checkpoint import Checkpoint
from rbac.guard.http.asgi import ASGIApp, Message, Receive, Scope, Send
from rbac.guard.identity.principal import Principal
from rbac.guard.identity.recognition import Recognition
from rbac.guard.middleware import LONGEST_PATH, AuthorizationMiddleware
from rbac.guard.refusals import AuthenticationRequired
from rbac.guard.request_words import USUAL, RequestWords
from rbac.revocations.table import NOBODY, SentAway
from tests.support.decisions import SHIPPED
from tests.support.guarded import MODEL, POLICY, identify
from tests.support.waiting import LIMIT_S

SHOP: Final = Policy.parse(MODEL.encode(), POLICY.encode())
UMA_IS_GONE: Final = SentAway({"uma": 2}, {}, {}, float("-inf"), 1)


async def connecting() -> Message:
    """What a client sends first."""
    return {"type": "websocket.connect"}


class Log:
    """Keeps what it is told, and when it was waited for."""

    def __init__(self, *, required: bool = False, refusing: bool = False, lost: int = 0) -> None:
        self.required = required
        self.waits = required
        self.refusing = refusing
        self.lost = lost
        self.told: list[Any] = []

    def record(self, record: Record) -> None:
        self.told.append(record)

    async def settle(self) -> None:
        self.told.append("settled")
        if self.lost:
            self.lost -= 1
            raise DecisionLogUnavailable

    @property
    def order(self) -> list[str]:
        """What was told, in a word each: the object that was decided about, or why nothing was."""
        return [each if isinstance(each, str) else getattr(each, "reason", each.obj) for each in self.told]


class Shop:
    """The layer before an application that says what it was asked, and the answer to one request."""

    def __init__(self, log: Log | None = None, app: ASGIApp | None = None, **more: Any) -> None:
        self.log = log or Log()
        self.routed: list[Scope] = []
        self.sent: list[Message] = []
        self.checkpoint = Checkpoint()
        recognition = Recognition(more.pop("identify", identify), revocations=more.pop("revocations", None))
        live: Any = SimpleNamespace(policy=more.pop("policy", SHOP))
        log_: Any = self.log
        words = more.pop("words", lambda policy: RequestWords.parse(USUAL, policy.words))
        self.checkpoint.take_up(live, recognition, words, log=log_, **more)
        self.app = app or self._answering

    async def _answering(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self.routed.append(scope)
        self.log.told.append("routed")
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        self.log.told.append("sent")

    async def asked(
        self, path: str = "/orders", who: str = "uma", method: str = "GET", **more: Any
    ) -> tuple[int, bytes]:
        """The status and the body that one request is answered with."""
        headers = [(b"authorization", f"Bearer {who}".encode())] if who else []
        scope: Scope = {"type": "http", "method": method, "path": path, "headers": headers, **more}

        around = more.pop("around", None)
        self.sent.clear()
        await AuthorizationMiddleware(self.app, self.checkpoint, around=around)(scope, connecting, self._send)
        return self.sent[0]["status"], self.sent[-1]["body"]


@pytest.mark.parametrize(
    ("path", "who", "method", "status", "decided"),
    [
        ("/orders", "uma", "GET", 200, "/orders GET"),
        ("/orders", "uma", "HEAD", 200, "/orders GET"),
        ("/orders", "uma", "POST", 403, "/orders POST"),
        ("/orders", "", "GET", 401, "/orders GET"),
        ("/orders", "who", "GET", 401, ""),
        ("/orders/" + "7" * (LONGEST_PATH - 8), "uma", "GET", 200, None),
        ("/orders/" + "7" * (LONGEST_PATH - 7), "uma", "GET", 414, ""),
        ("/orders/" + "é" * 4092, "uma", "GET", 200, None),
        ("/orders/" + "é" * 4093, "uma", "GET", 414, ""),
        ("/orders/\x7f", "uma", "GET", 400, ""),
        ("/orders/\n", "uma", "GET", 400, ""),
        ("/orders/\x85", "uma", "GET", 400, ""),
        ("/orders/\ud800", "uma", "GET", 200, None),
        ("/orders/\u2028", "uma", "GET", 200, None),
    ],
)
async def test_what_is_decided_is_routed_and_recorded_once(
    path: str, who: str, method: str, status: int, decided: str | None
) -> None:
    shop = Shop()
    got, _ = await shop.asked(path, who, method)
    assert got == status
    records = [each for each in shop.log.told if not isinstance(each, str)]
    assert len(records) == 1
    if decided is not None:
        said = "" if isinstance(records[0], Rejected) else f"{records[0].obj} {records[0].act}"
        assert said == decided
    assert [scope["path"] for scope in shop.routed] == ([path] if status == 200 else [])


async def test_an_endpoint_finds_who_asks_and_what_was_decided_in_its_scope() -> None:
    shop = Shop()
    await shop.asked()
    (scope,) = shop.routed
    assert scope[middleware.PRINCIPAL].sub == "uma"
    assert scope[middleware.RULING].decision.allowed
    assert scope[middleware.CHECKPOINT] is shop.checkpoint
    nobody = Shop()
    await nobody.asked("/public", "")
    assert nobody.routed[0][middleware.PRINCIPAL] is None


async def test_a_head_is_routed_as_a_get_and_answered_without_content() -> None:
    shop = Shop()
    assert await shop.asked(method="HEAD") == (200, b"")
    assert shop.routed[0]["method"] == "GET"
    assert shop.sent[0]["headers"] == [(b"content-length", b"2")]
    assert await Shop().asked() == (200, b"ok")


async def test_what_is_decided_is_the_path_behind_a_proxys_prefix() -> None:
    assert (await Shop().asked("/shop/orders", root_path="/shop"))[0] == 200
    assert (await Shop().asked("/shop/orders"))[0] == 403


async def test_a_websocket_is_decided_as_a_get_and_a_lifespan_not_at_all() -> None:
    shop = Shop()
    scope = {"type": "websocket", "path": "/live", "headers": [(b"authorization", b"Bearer uma")]}
    for each in (scope, {"type": "lifespan"}):
        await AuthorizationMiddleware(shop.app, shop.checkpoint)(each, connecting, shop._send)
    assert [each["type"] for each in shop.routed] == ["websocket", "lifespan"]
    assert [record.act for record in shop.log.told if not isinstance(record, str)] == ["GET"]


async def test_whose_sub_is_the_name_of_a_role_is_refused_also_where_all_may_go() -> None:
    async def called_as_the_token(token: str) -> Principal:
        return Principal(token)

    shop = Shop(identify=called_as_the_token, policy=SHIPPED)
    assert (await shop.asked("/healthz", "alice"))[0] == 200
    assert (await shop.asked("/healthz", "admin"))[0] == 401
    assert shop.log.order == ["/healthz", "routed", "sent", "sent", "subject_is_role", "sent", "sent"]


@pytest.mark.parametrize(
    ("log", "path", "status", "order"),
    [
        (Log(required=True), "/orders", 200, ["/orders", "settled", "routed", "sent", "sent"]),
        (Log(required=True), "/admin", 403, ["/admin", "settled", "sent", "sent"]),
        (Log(required=True), "/public", 200, ["/public", "routed", "sent", "sent"]),
        (Log(required=True), "/\n", 400, ["invalid_path", "settled", "sent", "sent"]),
        (Log(required=True, refusing=True), "/public", 200, ["/public", "routed", "sent", "sent"]),
        (
            Log(required=True, refusing=True),
            "/orders",
            503,
            ["decision_log_unavailable", "sent", "sent"],
        ),
        (
            Log(required=True, lost=1),
            "/orders",
            503,
            ["/orders", "settled", "decision_log_unavailable", "sent", "sent"],
        ),
        (
            Log(required=True, lost=1),
            "/\n",
            503,
            ["invalid_path", "settled", "decision_log_unavailable", "sent", "sent"],
        ),
        (Log(), "/orders", 200, ["/orders", "routed", "sent", "sent"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
async def test_where_records_are_required_nothing_is_answered_before_its_own(
    log: Log, path: str, status: int, order: list[str]
) -> None:
    kept = Log(required=log.required, refusing=log.refusing, lost=log.lost)
    shop = Shop(kept, watched=frozenset({"/public"}))
    assert (await shop.asked(path))[0] == status
    assert kept.order == order


async def test_what_is_watched_is_refused_at_once_and_a_log_that_nobody_requires_refuses_nothing() -> None:
    log = Log(required=True, lost=1)
    assert (await Shop(log, watched=frozenset({"/public"})).asked("/public", "who"))[0] == 401
    assert log.order == ["unauthenticated", "sent", "sent"]
    assert (await Shop(Log(refusing=True)).asked("/orders/é"))[0] == 200


async def test_what_an_endpoint_asks_is_recorded_before_it_answers() -> None:
    log = Log(required=True)

    async def asking(scope: Scope, _receive: Receive, send: Send) -> None:
        scope[middleware.UNSETTLED].append("id")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    await Shop(log, asking, watched=frozenset({"/orders"})).asked()
    assert log.order == ["/orders", "settled", "sent", "sent"]


async def test_where_endpoints_ask_for_themselves_a_request_by_itself_is_not_decided() -> None:
    shop = Shop(words=RequestWords.of_callers)
    assert (await shop.asked("/admin"))[0] == 200
    assert shop.log.order == ["routed", "sent", "sent"]
    assert middleware.RULING not in shop.routed[0]
    assert shop.routed[0][middleware.PRINCIPAL].sub == "uma"


async def refusing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise AuthenticationRequired


@pytest.mark.parametrize("revocations", [None, SimpleNamespace(table=NOBODY, on_swap=None)])
async def test_an_endpoint_that_refuses_is_answered_for(revocations: Any) -> None:
    shop = Shop(app=refusing, revocations=revocations)
    assert (await shop.asked())[0] == 401
    assert shop.log.order[:2] == ["/orders", "authentication_required"]
    assert not (shop.checkpoint.connections and shop.checkpoint.connections.open)


async def test_what_cannot_be_decided_at_all_is_recorded_and_raised() -> None:
    async def failing(_token: str) -> Principal:
        raise ConnectionError

    shop = Shop(identify=failing)
    with pytest.raises(ConnectionError):
        await shop.asked()
    (record,) = shop.log.told
    assert (record.reason, record.status, record.verification_ns) == ("internal_error", 500, NO_TOKEN)


async def test_only_what_failed_over_a_token_took_time_for_one() -> None:
    shop, began = Shop(), perf_counter_ns()
    await shop.asked(who="who")
    assert 0 <= shop.log.told[0].verification_ns <= perf_counter_ns() - began
    await shop.asked("/\n")
    assert [each.verification_ns for each in shop.log.told if isinstance(each, Rejected)][1] == NO_TOKEN


async def test_only_what_is_refused_goes_through_what_is_put_around() -> None:
    through: list[str] = []

    def around(app: ASGIApp) -> ASGIApp:
        async def layer(scope: Scope, receive: Receive, send: Send) -> None:
            through.append(scope["path"])
            await app(scope, receive, send)

        return layer

    shop = Shop()
    for path in ("/orders", "/admin", "/\n"):
        await shop.asked(path, around=around)
    assert through == ["/admin", "/\n"]


class SentAwayMeanwhile:
    """Revocations in which somebody appears after they were read once."""

    on_swap: Any = None

    def __init__(self) -> None:
        self._tables = [NOBODY]

    @property
    def table(self) -> SentAway:
        return self._tables.pop() if self._tables else UMA_IS_GONE


async def test_a_websocket_of_whoever_is_sent_away_meanwhile_is_closed_before_it_is_opened() -> None:
    revocations: Any = SentAwayMeanwhile()
    shop = Shop(revocations=revocations)
    scope = {"type": "websocket", "path": "/live", "headers": [(b"authorization", b"Bearer uma")]}
    await AuthorizationMiddleware(shop.app, shop.checkpoint)(scope, connecting, shop._send)
    assert (shop.routed, [message["type"] for message in shop.sent]) == ([], ["websocket.close"])
    assert shop.checkpoint.connections is not None
    assert shop.checkpoint.connections.open == set()


async def test_whoever_sends_no_token_is_not_watched_and_a_request_is_not_cut_off_before_it_streams() -> None:
    async def streaming(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"b"})

    gone: Any = SimpleNamespace(table=UMA_IS_GONE, on_swap=None)
    shop = Shop(app=streaming, revocations=gone)
    await shop.asked("/public", "")
    assert [message.get("body") for message in shop.sent] == [None, b"a", b"b"]
    revocations: Any = SentAwayMeanwhile()
    assert await Shop(revocations=revocations).asked() == (200, b"ok")


async def test_a_stream_ends_when_its_caller_is_sent_away_and_no_other_cancellation_is_swallowed() -> None:
    revocations: Any = SimpleNamespace(table=NOBODY, on_swap=None)
    for is_sent_away in (True, False):
        begun = asyncio.Event()

        async def streaming(
            _scope: Scope, _receive: Receive, send: Send, begun: asyncio.Event = begun
        ) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            begun.set()
            await asyncio.Event().wait()

        shop = Shop(app=streaming, revocations=revocations)
        scope: Scope = {"type": "http", "method": "GET", "path": "/orders"}
        scope["headers"] = [(b"authorization", b"Bearer uma")]
        layer = AuthorizationMiddleware(shop.app, shop.checkpoint)
        task = asyncio.ensure_future(layer(scope, connecting, shop._send))
        beginning = asyncio.ensure_future(begun.wait())
        await asyncio.wait({task, beginning}, return_when=asyncio.FIRST_COMPLETED)
        assert begun.is_set()
        if is_sent_away:
            revocations.on_swap(UMA_IS_GONE)
        else:
            task.cancel()
        await asyncio.wait({task}, timeout=LIMIT_S)
        connections = shop.checkpoint.connections
        assert connections is not None
        assert (task.cancelled(), connections.ended) == (not is_sent_away, int(is_sent_away))
        assert connections.open == set()
