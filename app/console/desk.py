"""Where endpoints bring questions about the policy: one after the other goes to a process beside the service.

No question holds the event loop or the thread of another request, and each has its time.
"""

import asyncio
import logging
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import orjson

from app.console.wire import sent
from rbac import LivePolicy
from rbac.errors import RbacError
from rbac.routes import KnownRoutes
from rbac.stores import Snapshot

log = logging.getLogger("app.console")

MOST_WAITING: Final = 4
"""Questions that wait behind the one that is being answered; one more is told to come again."""
LIMIT_S: Final = 60.0
"""Seconds that an answer may take, unless the question says otherwise."""
_LONGEST_HEAD: Final = 64


class BusyError(RbacError):
    """Too many questions wait already."""

    code: ClassVar[str] = "review_busy"


class GivenUpError(RbacError):
    """The answer took more time or memory than one question may take."""

    code: ClassVar[str] = "review_given_up"


class NotAnsweredError(RbacError):
    """The question cannot be answered: the text says why."""

    code: ClassVar[str] = "review_refused"


@dataclass(frozen=True, slots=True)
class Judged:
    """How documents are read and judged here: settings, and the endpoints that there are."""

    subjects: str
    functions: tuple[str, ...]
    mapping: str
    several_roles: bool
    routes: KnownRoutes
    judged_by: KnownRoutes

    def sent(self, snapshot: Snapshot) -> dict[str, Any]:
        """What a clerk needs to know before it answers about ``snapshot``."""
        return {
            "snapshot": sent(snapshot),
            "subjects": self.subjects,
            "functions": list(self.functions),
            "mapping": self.mapping,
            "several_roles": self.several_roles,
            "routes": [(route.act, route.obj, route.name) for route in self.routes],
            "judged_by": [(route.act, route.obj, route.name) for route in self.judged_by],
        }


class Desk:
    """One clerk, started with the first question, and let go when nobody has asked for ``idle`` seconds.

    Where an answer takes longer than it may, the clerk is ended, and the next question gets another.
    """

    def __init__(self, live: LivePolicy, judged: Judged, *, idle: float = 120.0) -> None:
        self._live = live
        self._judged = judged
        self._idle = idle
        self._clerk: asyncio.subprocess.Process | None = None
        self._told: Snapshot | None = None
        self._turn = asyncio.Lock()
        self._asking = 0
        self._letting_go: asyncio.TimerHandle | None = None
        self._known: dict[str, bytes] = {}
        self._known_of: Snapshot | None = None

    async def answer(self, kind: str, *, keep: bool = False, limit: float = LIMIT_S, **asked: Any) -> bytes:
        """The answer, as :mod:`app.console.answers` gives it. With ``keep`` it follows from the document alone, and is kept.

        Raises :class:`BusyError`, :class:`GivenUpError`, and :class:`NotAnsweredError`.
        """
        known = self._kept(kind)
        if known is not None:
            return known
        if self._asking > MOST_WAITING:
            raise BusyError("too many questions wait already")
        self._asking += 1
        try:
            async with self._turn:
                known = self._kept(kind)
                if known is not None:
                    return known
                snapshot = self._live.snapshot
                if snapshot is None:
                    raise NotAnsweredError("no document is in force")
                found = await self._ask(snapshot, {"kind": kind, **asked}, limit)
                if keep and snapshot is self._live.snapshot:
                    self._known[kind] = found
                return found
        finally:
            self._asking -= 1

    async def close(self) -> None:
        """Ends the clerk."""
        if self._letting_go is not None:
            self._letting_go.cancel()
        clerk, self._clerk = self._clerk, None
        if clerk is not None:
            with suppress(ProcessLookupError):
                clerk.kill()
            await clerk.wait()
            self._shut(clerk)

    def _kept(self, kind: str) -> bytes | None:
        if self._known_of is not self._live.snapshot:
            self._known, self._known_of = {}, self._live.snapshot
        return self._known.get(kind)

    async def _ask(self, snapshot: Snapshot, question: dict[str, Any], limit: float) -> bytes:
        if self._letting_go is not None:
            self._letting_go.cancel()
        done = False
        try:
            async with asyncio.timeout(limit):
                verdict, body = await self._exchange(snapshot, question)
            done = True
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError, ValueError) as error:
            log.warning("a question about the policy (%s) was given up: %r", question["kind"], error)
            raise GivenUpError("it took more time or memory than a question may take") from error
        finally:
            if done:
                self._letting_go = asyncio.get_running_loop().call_later(self._idle, self._let_go)
            else:  # also where nobody waits any more: half an answer is on its way
                await asyncio.shield(self.close())
        if verdict == b"no":
            raise NotAnsweredError(body.decode())
        return body

    async def _exchange(self, snapshot: Snapshot, question: dict[str, Any]) -> tuple[bytes, bytes]:
        clerk = self._clerk
        if clerk is None or clerk.returncode is not None:
            clerk = self._clerk = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "app.console.clerk",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            self._told = None
        if clerk.stdin is None or clerk.stdout is None:
            raise ConnectionError("the clerk has no pipes")
        if self._told is not snapshot:
            question = question | {"case": self._judged.sent(snapshot)}
        clerk.stdin.write(orjson.dumps(question, option=orjson.OPT_APPEND_NEWLINE))
        await clerk.stdin.drain()
        verdict, _, length = (await clerk.stdout.readuntil(b"\n"))[:_LONGEST_HEAD].partition(b" ")
        body = await clerk.stdout.readexactly(int(length))
        self._told = snapshot
        return verdict, body

    def _let_go(self) -> None:
        clerk, self._clerk = self._clerk, None
        if clerk is not None:
            with suppress(ProcessLookupError):
                clerk.kill()
            self._shut(clerk)

    @staticmethod
    def _shut(clerk: asyncio.subprocess.Process) -> None:
        if clerk.stdin is not None:
            clerk.stdin.close()
