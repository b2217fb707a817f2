"""What else an application may want of its guard: functions, reasons, another scheme, and an identify that waits."""

import asyncio
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from rbac.guard import Guard, Principal, cookie
from rbac.guard.fastapi import describe
from rbac.guard.http.asgi import Scope
from rbac.model.own_functions import FunctionsError
from tests.support.guarded import MODEL, as_, client_of, guard_in, shop


def behind(guard: Guard) -> FastAPI:
    app = shop()
    app.add_middleware(guard.middleware)
    return app


def test_a_matcher_may_call_the_applications_functions(tmp_path: Path) -> None:
    model = MODEL.replace("g(r.role, p.role)", "g(r.role, p.role) && awake(r.act)")
    assert model != MODEL
    for awake, status in ((True, 200), (False, 403)):
        guard = guard_in(tmp_path, model, functions={"awake": lambda _, answer=awake: answer})
        with client_of(behind(guard)) as client:
            assert client.get("/orders", headers=as_("uma")).status_code == status


def test_a_function_that_no_matcher_can_call_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(FunctionsError, match="keyMatch3"):
        guard_in(tmp_path, functions={"keyMatch3": lambda _: True})


@pytest.mark.parametrize("explained", [True, False])
def test_a_403_says_where_it_comes_from_only_when_asked_to(tmp_path: Path, explained: bool) -> None:
    with client_of(behind(guard_in(tmp_path, explain_denials=explained))) as client:
        denied = client.get("/admin", headers=as_("uma"))
    assert denied.status_code == 403
    assert ("explanation" in denied.json()) is explained


def by_key(scope: Scope) -> str | None:
    return next((value.decode() for name, value in scope["headers"] if name == b"x-key"), None)


@pytest.mark.parametrize("headers", [{}, {"X-Key": "who"}], ids=["nobody", "somebody unknown"])
def test_a_challenge_asks_for_the_scheme_that_the_application_reads(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    guard = guard_in(tmp_path, credentials=by_key, challenge="ApiKey")
    app = behind(guard)
    describe(app, guard)
    with client_of(app) as client:
        refused = client.get("/orders", headers=headers)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == 'ApiKey realm="sekisho"'
        assert client.get("/orders", headers={"X-Key": "uma"}).status_code == 200
    schemes = app.openapi()["components"]["securitySchemes"]
    assert schemes == {"apikey": {"type": "http", "scheme": "apikey"}}


def test_a_cookie_is_no_scheme_and_the_header_is_asked_for_beside_it(tmp_path: Path) -> None:
    with client_of(behind(guard_in(tmp_path, credentials=cookie("session")))) as client:
        assert client.get("/orders").headers["www-authenticate"].startswith("Bearer ")


@pytest.mark.parametrize("scheme", ["", "Two words", 'Quo"ted', "Line\r\nbreak", "関所"])
def test_a_scheme_that_no_header_can_name_is_refused(tmp_path: Path, scheme: str) -> None:
    with pytest.raises(ValueError, match="authentication scheme"):
        guard_in(tmp_path, challenge=scheme)


# --- where `identify` runs

called_in: list[threading.Thread] = []


def plain(token: str) -> Principal:
    called_in.append(threading.current_thread())
    return Principal(token, ("user",))


async def waiting(token: str) -> Principal:
    return plain(token)


class Directory:
    async def __call__(self, token: str) -> Principal:
        return plain(token)


class PlainDirectory:
    def __call__(self, token: str) -> Principal:
        return plain(token)


@pytest.mark.parametrize(
    ("identify", "in_a_thread"),
    [
        (plain, True),
        (partial(plain), True),
        (PlainDirectory(), True),
        (waiting, False),
        (partial(waiting), False),
        (Directory(), False),
    ],
    ids=["plain", "a part of one", "a plain object", "async", "a part of one, async", "an async object"],
)
async def test_a_plain_identify_holds_nobody_up_and_an_async_one_stays_in_the_loop(
    tmp_path: Path, identify: Any, in_a_thread: bool
) -> None:
    called_in.clear()
    guard = guard_in(tmp_path, identify=identify)
    scope = {"type": "http", "headers": [(b"authorization", b"Bearer uma")]}
    found, _ = await guard.checkpoint.recognition.verified(scope)
    assert found is not None
    assert found.sub == "uma"
    assert [each is not threading.main_thread() for each in called_in] == [in_a_thread]


async def test_a_plain_identify_may_wait_for_the_event_loop(tmp_path: Path) -> None:
    """It would never end in the loop that it waits for."""
    loop = asyncio.get_running_loop()

    def from_the_database(token: str) -> Principal:
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(60)
        return Principal(token, ("user",))

    guard = guard_in(tmp_path, identify=from_the_database)
    scope = {"type": "http", "headers": [(b"authorization", b"Bearer uma")]}
    found, _ = await guard.checkpoint.recognition.verified(scope)
    assert found is not None
