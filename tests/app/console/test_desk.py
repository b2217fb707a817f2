"""Questions wait for each other, are given up when they take too long, and hold nobody else up."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from app.console.desk import MOST_WAITING, BusyError, Desk, GivenUpError, Judged, NotAnsweredError
from rbac import LivePolicy
from rbac.routes import routes_of_file
from tests.support.service import ROOT
from tests.support.waiting import LIMIT_S

MAPPING = "sub=claims.sub, role=roles, obj=path, act=method"
MANY = 100_000


@asynccontextmanager
async def desk_for(policy: Path | None = None) -> AsyncIterator[tuple[Desk, LivePolicy]]:
    routes = routes_of_file(ROOT / "routes.json")
    live = LivePolicy.files(ROOT / "model.conf", policy or ROOT / "policy.csv", ROOT / "policy_tests")
    live.load()
    desk = Desk(live, Judged("cognito", (), MAPPING, False, routes, routes))
    try:
        yield desk, live
    finally:
        await desk.close()


def draft(policy: str) -> dict[str, Any]:
    return {"policy": policy, "model": None, "questions": [], "lines": "", "via": ["http"]}


def test_one_question_is_answered_at_a_time_and_one_too_many_is_told_to_come_again() -> None:
    async def ask() -> None:
        async with desk_for() as (desk, _):
            asked = [asyncio.ensure_future(desk.answer("document")) for _ in range(MOST_WAITING + 1)]
            await asyncio.sleep(0)
            with pytest.raises(BusyError):
                await desk.answer("document")
            assert len(set(await asyncio.gather(*asked))) == 1
            assert json.loads(await desk.answer("document"))["words"]

    asyncio.run(ask())


def test_a_question_that_takes_too_long_is_given_up_and_the_next_is_answered() -> None:
    many = "".join(f"p, r{n}, /x/{n}, GET, allow\n" for n in range(MANY))

    async def ask() -> None:
        async with desk_for() as (desk, _):
            await desk.answer("document")
            with pytest.raises(GivenUpError):
                await desk.answer("draft", limit=0.2, **draft(many))
            assert json.loads(await desk.answer("document"))["revision"]

    asyncio.run(ask())


def test_whoever_goes_away_in_the_middle_leaves_nobody_half_an_answer() -> None:
    async def ask() -> None:
        async with desk_for() as (desk, _):
            leaving = asyncio.ensure_future(desk.answer("draft", **draft("p, user, /user, GET, allow\n")))
            await asyncio.sleep(0.3)
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
            assert json.loads(await desk.answer("document"))["revision"]

    asyncio.run(ask())


def test_a_draft_of_100_000_rules_leaves_the_event_loop_to_others() -> None:
    many = "".join(f"p, r{n % 50}, /x/{n}, GET, allow\n" for n in range(MANY))

    async def ask() -> None:
        async with desk_for() as (desk, _):
            await desk.answer("document")
            drafted = asyncio.ensure_future(desk.answer("draft", limit=10 * LIMIT_S, **draft(many)))
            rounds = 0
            while not drafted.done():
                await asyncio.sleep(0.005)
                rounds += 1
            told = json.loads(await drafted)
            assert told["readable"]
            assert rounds > 100

    asyncio.run(ask())


def test_what_follows_from_the_document_is_kept_until_there_is_another(tmp_path: Path) -> None:
    policy = tmp_path / "policy.csv"
    policy.write_bytes((ROOT / "policy.csv").read_bytes())

    async def ask() -> None:
        async with desk_for(policy) as (desk, live):
            first = await desk.answer("matrix", keep=True)
            assert await desk.answer("matrix", keep=True) is first
            with policy.open("a") as file:
                file.write("p, user, /metrics, GET, allow\n")
            live.reload()
            second = json.loads(await desk.answer("matrix", keep=True))
            assert second["revision"] == live.policy.revision != json.loads(first)["revision"]

    asyncio.run(ask())


def test_a_question_that_cannot_be_answered_says_why() -> None:
    async def ask() -> None:
        async with desk_for() as (desk, _):
            with pytest.raises(NotAnsweredError, match="tenant"):
                await desk.answer("explain", roles=[], sub="", words={"tenant": "acme"})

    asyncio.run(ask())
