"""Connections that outlive their decision: WebSockets and streams, which end when their caller is sent away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from rbac.guard.http.asgi import Message, Send
from rbac.revocations.table import SentAway
from rbac.text.wording import counted

log = logging.getLogger("rbac.guard")

POLICY_VIOLATION = 1008
"""RFC 6455, section 7.4.1: how a WebSocket ends that its caller may not go on with."""


class ConnectionOwner(Protocol):
    """Whom a connection is of: :class:`rbac.guard.Principal` is one."""

    @property
    def sub(self) -> str: ...

    @property
    def claims(self) -> Mapping[str, Any]: ...


class OpenConnection:
    """One request of a caller with a token; its application is given :meth:`send`.

    It is watched from the beginning of its answer, or as a WebSocket from the start. Work that has answered nothing yet
    is left to finish: it was let in before. Whoever runs its application calls :meth:`begin` for a
    WebSocket, :meth:`end` where it is cancelled, and takes it out of :attr:`Connections.open` afterwards.
    """

    __slots__ = ("_all", "_is_websocket", "_over", "_send", "_task", "revoked", "who")

    def __init__(self, everyone: "Connections", who: ConnectionOwner, send: Send, websocket: bool) -> None:
        self._all = everyone
        self._send = send
        self._is_websocket = websocket
        # The one that the application runs in: what it sends may come from others, which it waits for.
        self._task = asyncio.current_task()
        self._over = False
        self.who = who
        self.revoked = False

    def begin(self) -> None:
        """Watches it from now on, before its application runs. Raises ``CancelledError`` where its caller was sent away
        since they were let in."""
        self._all.open.add(self)
        if self._all.meets(self):
            self.revoked = True
            raise asyncio.CancelledError

    def send(self, message: Message) -> Awaitable[None]:
        """Sends, and is no coroutine of its own: what is sent for nearly every request pays for one call."""
        if self.revoked:
            raise asyncio.CancelledError
        if message["type"] == "http.response.start":
            self._all.open.add(self)
        elif message["type"] == "websocket.close":
            self._over = True
        elif message.get("more_body") and self._all.meets(self):  # since it was let in
            self.revoked = True
            if self._task is not None and self._task is not asyncio.current_task():
                self._task.cancel()
            raise asyncio.CancelledError
        return self._send(message)

    def revoke(self) -> None:
        """Ends it, from any thread."""
        task = self._task
        if task is not None and not self.revoked:
            self.revoked = True
            task.get_loop().call_soon_threadsafe(self._cancel, task)

    def _cancel(self, task: "asyncio.Task[Any]") -> None:
        if self in self._all.open:  # else it has come to its own end meanwhile
            task.cancel()

    async def end(self) -> bool:
        """Whether what was cancelled is this connection and nothing else; a WebSocket is closed then, and of an answer
        the rest is never sent, which cuts its connection."""
        task = self._task
        if not self.revoked or (task is not None and task.cancelling() and task.uncancel()):
            return False
        self._all.ended += 1
        if self._is_websocket and not self._over:
            await self._send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": "revoked"})
        return True


class Connections:
    """Those that are open in this process. ``ended`` counts the ones that were cut off.

    ``table`` is who is sent away now.
    """

    def __init__(self, table: Callable[[], SentAway]) -> None:
        self._table = table
        self.open: set[OpenConnection] = set()
        self.ended = 0

    def meets(self, connection: OpenConnection) -> bool:
        """Whether its caller is sent away now."""
        table = self._table()
        return bool(table.rows) and table.meets(connection.who.sub, connection.who.claims)

    def revoke(self, table: SentAway) -> None:
        """Ends those whose callers ``table`` meets. From any thread."""
        met = [each for each in self.open.copy() if table.meets(each.who.sub, each.who.claims)]
        for connection in met:
            connection.revoke()
        if met:
            log.info("closing %s of callers who were sent away", counted(len(met), "connection"))
