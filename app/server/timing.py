"""The time that a connection has: what has begun to come does come, nobody is idle for long, and an answer is taken."""

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from app.server.exchange import Exchange
from app.server.listener import STATE, Listener, ListenerReason


class Flow(FlowControl):
    """Reading that stays paused while requests wait for the one before them, whoever would resume it."""

    held = False

    def hold(self) -> None:
        self.held = True
        self.pause_reading()

    def release(self) -> None:
        if self.held:
            self.held = False
            self.resume_reading()

    def resume_reading(self) -> None:
        if not self.held:
            super().resume_reading()


class TimedConnection(HttpToolsProtocol):
    """uvicorn's own connection, within the times that its :class:`Listener` gives it.

    One timer is for what is to come, one for idleness, and one for what is written. Who reads says how far a request has
    come: ``_in_head`` until its head is complete, and ``_begun`` once anything of a head is there.
    """

    flow: Flow
    cycle: Exchange | None  # type: ignore[assignment]  # uvicorn says that there is always one

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.listener: Listener = app_state.get(STATE) or Listener()
        self.limits = self.listener.limits
        self._in_head = True
        self._begun = False
        self._timer: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None
        self._idle_since: float | None = None  # when the answer to the last request was complete
        self._minding: asyncio.TimerHandle | None = None  # that it does not stay idle for too long

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self.flow = Flow(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._let_go()
        self._stop_minding_writes()
        if self._minding is not None:
            self._minding.cancel()
            self._minding = None

    def give_way(self) -> None:
        """Ends at once: nothing is being answered here, and somebody else needs the place."""
        self.listener.refused["idle"] += 1
        self.connections.discard(self)
        self.transport.abort()

    def _refuse(self, reason: ListenerReason) -> None:
        """Answers a request that came too late, and ends the connection."""
        raise NotImplementedError

    def _mind_the_time(self) -> None:
        """Sees to it that what has begun to come does come."""
        if self._timer is not None or self.flow.held:
            return
        if not self._in_head:
            self._timer = self.loop.call_later(self.limits.body_seconds, self._body_is_late)
        elif self._begun and (self.cycle is None or self.cycle.response_complete):
            self._timer = self.loop.call_later(self.limits.head_seconds, self._head_is_late)

    def _head_is_late(self) -> None:
        self._timer = None
        if self._begun:
            self._refuse("request_timeout")
        else:
            self.listener.refused["idle"] += 1
            self.transport.abort()

    def _body_is_late(self) -> None:
        self._timer = None
        self._refuse("request_timeout")

    def _unset_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _let_go(self) -> None:
        """Neither idle any more, nor late."""
        self.listener.idle.pop(self, None)
        self._unset_timer()

    def _mind_idleness(self) -> None:
        """The connection is idle from now on, and not for longer than the setting says.

        One timer serves many requests: it is not taken back when the next one comes, but looks when it is due.
        """
        self._idle_since = self.loop.time()
        if self._minding is None:
            self._minding = self.loop.call_later(self.timeout_keep_alive, self._look_at_idleness)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def _look_at_idleness(self) -> None:
        self._minding = None
        since = self._idle_since
        if since is None or self.transport.is_closing():
            return
        left = since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._minding = self.loop.call_later(left, self._look_at_idleness)
        else:
            self.timeout_keep_alive_handler()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._mind_writes()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._mind_writes()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_minding_writes()

    def _mind_writes(self) -> None:
        """An answer that nobody takes is given up as a body that does not come is."""
        if self._stuck is None:
            self._stuck = self.loop.call_later(self.limits.body_seconds, self.transport.abort)

    def _stop_minding_writes(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None
