"""What follows a database: looks when it is told to, every few seconds all the same, and every second while it cannot."""

import asyncio
import contextlib
import os
import random
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Final

from rbac.errors import PolicyError, Problem
from rbac.stores.postgres.address import StoreError
from rbac.stores.postgres.session import Session

POLL_S: Final = 5.0
"""Seconds after which the store is asked although no notification came: one may be lost."""

RETRY_S: Final = 1.0


class Follower:
    """One connection that listens, and what to do when it hears something.

    A subclass says in ``_look`` what is there now, without reading it, or in a text why that cannot be said; and
    reads in :meth:`_in_turn`. ``_report`` and ``_leave`` are called behind each look and at the end.
    """

    def __init__(self, session: Session, poll_s: float) -> None:
        self._session = session
        self._poll_s = poll_s
        self._unread = False
        self._reading = threading.Lock()
        self._wake: Callable[[], None] | None = None

    async def changes(self) -> AsyncGenerator[None, None]:
        """Yields once it listens or cannot, and then whenever there is something else, the store came back or went
        away."""
        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(woken.set)

        self._wake = self._session.told = wake
        seen: object = None
        under_way: asyncio.Task[object] | None = None

        async def apart(work: Callable[[], object]) -> object:
            nonlocal under_way
            under_way = asyncio.create_task(asyncio.to_thread(work))
            return await asyncio.shield(under_way)

        try:
            while True:
                woken.clear()
                now = await apart(self._look)
                if now != seen or (self._unread and not isinstance(now, str)):
                    seen = now
                    yield
                await apart(self._report)
                pause = self._poll_s if not isinstance(now, str) and not self._unread else RETRY_S
                # Replicas that were cut off together do not come back together.
                pause *= random.uniform(0.7, 1.0)  # noqa: S311 nothing is kept secret by it
                with self._watching(loop, woken), contextlib.suppress(TimeoutError):
                    # Not `wait_for`: in Python 3.11 it loses a cancellation that comes together with what it waits for.
                    async with asyncio.timeout(pause):
                        await woken.wait()
        finally:
            self._wake = self._session.told = None
            # A thread does not end with who waits for it: what it still reports would stand there for ever.
            if under_way is not None:
                await asyncio.wait((under_way,))
            await asyncio.to_thread(self._leave)

    def tell(self) -> None:
        """Reports soon what runs now; from any thread."""
        if self._wake is not None:
            self._wake()

    @contextlib.contextmanager
    def _in_turn(self, problem: Callable[[StoreError], Problem]) -> Iterator[None]:
        """Reads what is there, one thread at a time. Raises :class:`rbac.PolicyError` for what the store could not do."""
        with self._reading:
            try:
                yield
            except StoreError as error:
                # The next look may find the database as it was before: it has to be read all the same.
                self._unread = True
                raise PolicyError([problem(error)]) from None
            finally:
                if self._wake is None:
                    self._session.close()  # nobody watches: no connection is kept
            self._unread = False

    def _look(self) -> object:
        raise NotImplementedError

    def _report(self) -> None:
        """Nothing is reported."""

    def _leave(self) -> None:
        self._session.close()

    @contextlib.contextmanager
    def _watching(self, loop: asyncio.AbstractEventLoop, woken: asyncio.Event) -> Iterator[None]:
        """Sets ``woken`` as soon as the server says something, or hangs up."""
        # A descriptor of its own: the connection's may be closed, and its number given away, by another thread.
        # INVARIANT: the event loop waits for no thread that waits for the database.
        try:
            descriptor = self._session.descriptor()
        except BlockingIOError:
            # Somebody is reading: the next look waits for them, in a thread.
            descriptor = None
            woken.set()
        if descriptor is None:
            yield
            return

        def readable() -> None:
            loop.remove_reader(descriptor)
            woken.set()

        loop.add_reader(descriptor, readable)
        try:
            yield
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
