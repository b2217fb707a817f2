"""Decisions as they are recorded, as server-sent events, for as long as the viewer may see them."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Final, Protocol

from app.server.listener import Listener
from rbac.decision_log.buffer import DecisionLog
from rbac.guard.checkpoint import Terms
from rbac.guard.http.asgi import Scope
from rbac.guard.identity.principal import Principal


class Followed(Protocol):
    """What is read of the service's checkpoint."""

    log: DecisionLog

    @property
    def terms(self) -> Terms: ...


MOST_STREAMS: Final = 20
"""Of one worker. Each holds a connection."""
_LOOK_S: Final = 0.3
_SILENT_S: Final = 15.0  # proxies end a connection on which nothing comes


class Streams:
    """Counts the viewers of one worker, which ``listener`` says the end of."""

    def __init__(self, listener: Listener) -> None:
        self.open = 0
        self._listener = listener

    @property
    def full(self) -> bool:
        """Whether one more would be too many."""
        return self.open >= MOST_STREAMS

    async def events(
        self, checkpoint: Followed, scope: Scope, principal: Principal | None, seen: int
    ) -> AsyncIterator[bytes]:
        """One event a line of the decision log behind the first ``seen``; ``gap`` where lines came faster than they were
        sent, and ``end`` with the reason when it is over: the token has run out, the policy does not allow it any more,
        or the service stops.
        """
        self.open += 1
        try:
            yield b"retry: 3000\n: the decisions of this worker\n\n"
            told_at, terms = time.monotonic(), checkpoint.terms
            while True:
                number, lines = checkpoint.log.writer.since(seen)
                missing, seen = number - seen - len(lines), number
                if missing:
                    yield b'event: gap\ndata: {"missing":%d}\n\n' % missing
                if lines:
                    yield b"".join(b"event: decision\ndata: %s\n\n" % line.rstrip() for line in lines)
                    told_at = time.monotonic()
                elif time.monotonic() - told_at > _SILENT_S:
                    yield b": still here\n\n"
                    told_at = time.monotonic()
                if terms is not checkpoint.terms:
                    terms = checkpoint.terms
                    if not terms.rule(scope["path"], "GET", scope, principal).decision.allowed:
                        yield _end("access_denied")
                        return
                if principal is not None and _expired(principal.claims.get("exp")):
                    yield _end("token_expired")
                    return
                if self._listener.draining:
                    yield _end("stopping")
                    return
                await asyncio.sleep(_LOOK_S)
        finally:
            self.open -= 1


def _expired(exp: Any) -> bool:
    return isinstance(exp, int | float) and exp <= time.time()


def _end(reason: str) -> bytes:
    return b'event: end\ndata: {"reason":"%s"}\n\n' % reason.encode("ascii")
