"""One connection that never waits for ever: every answer has so many seconds, also from a server that is frozen."""

import os
import select
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Final, LiteralString, TypeVar

from psycopg import Connection, Error, OperationalError
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg.sql import Composed
from psycopg.waiting import wait

from rbac.stores.postgres.address import Address, StoreError

CONNECT_S: Final = 3
ANSWER_S: Final = 3.0
# A connection whose other end is gone without a word is noticed by the kernel, too.
_KEEPALIVE: Final = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_INTERVAL_S: Final = 0.1
_APPLICATION: Final = "sekisho"

Query = bytes | LiteralString | Composed
Parameters = Mapping[str, Any] | tuple[Any, ...]
RV = TypeVar("RV")


class UnreachableError(StoreError):
    """The database is not there, does not let this role in, or does not answer in time."""

    code: ClassVar[str] = "store_unreachable"


class _Bounded(Connection[TupleRow]):
    """Fails once its deadline has passed, whatever it waits for: no timeout of the server's helps when that is frozen."""

    deadline = float("inf")
    listens = False

    def wait(self, gen: PQGen[RV], interval: float = _INTERVAL_S, timeout: float | None = None) -> RV:
        left = max(self.deadline - time.monotonic(), 0.0)
        return wait(gen, self.pgconn.socket, interval=interval, timeout=left if timeout is None else timeout)


class Session:
    """A connection to ``address``, opened when it is needed and again after it broke; used by one thread at a time.

    Each ``execute`` is a transaction, unless :meth:`transaction` makes one of several. Raises
    :class:`UnreachableError` when there is no answer in time, and psycopg's other errors as they are. Once somebody
    is to be ``told`` of notifications, every connection listens before it is asked anything more.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self.told: Callable[[], None] | None = None
        self._vetted = False
        self._connection: _Bounded | None = None
        self._lock = threading.RLock()
        self._within = False

    def execute(
        self, query: Query, parameters: Parameters = (), *, seconds: float = ANSWER_S
    ) -> list[TupleRow]:
        """The rows that ``query`` answers, none for one that answers no rows."""
        with self._lock, self._failing():
            connection = self._open()
            if not self._within:
                connection.deadline = time.monotonic() + seconds
            cursor = connection.execute(query, parameters or None, binary=bool(parameters))
            # A notification may have come in behind the answer: the socket will not become readable for it again.
            if connection.pgconn.notifies() is not None and self.told is not None:
                self.told()
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def transaction(self, *, seconds: float) -> Iterator[None]:
        """All that is executed within, or nothing of it, within ``seconds`` in all."""
        with self._lock, self._failing():
            connection = self._open()
            connection.deadline = time.monotonic() + seconds
            self._within = True
            try:
                with connection.transaction():
                    yield
            finally:
                self._within = False

    def vetted(self) -> bool:
        """Whether :meth:`vet` was called about the connection that is asked next, which is opened where there is none."""
        with self._lock, self._failing():
            self._open()
            return self._vetted

    def vet(self) -> None:
        """Notes that what is at the other end of this connection was seen to be what this program reads."""
        self._vetted = True

    def descriptor(self) -> int | None:
        """A copy of what becomes readable when the server says something, for the caller to close; ``None`` without a
        connection. Never waits: raises ``BlockingIOError`` while an answer is waited for."""
        if not self._lock.acquire(blocking=False):
            raise BlockingIOError
        try:
            connection = self._connection
            return None if connection is None or connection.closed else os.dup(connection.fileno())
        finally:
            self._lock.release()

    def close(self) -> None:
        """Ends the connection, if there is one."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with suppress(Error, OSError):
                    connection.close()

    def _open(self) -> _Bounded:
        connection = self._connection
        if connection is None or connection.closed or _hung_up(connection):
            self.close()
            name = f"{_APPLICATION} {os.getpid()}"
            conninfo = self.address.conninfo(connect_timeout=CONNECT_S, application_name=name, **_KEEPALIVE)
            connection = self._connection = _Bounded.connect(conninfo, autocommit=True)
            self._vetted = False
        if self.told is not None and not connection.listens:
            connection.deadline = time.monotonic() + ANSWER_S
            connection.add_notify_handler(lambda _: self.told() if self.told else None)
            connection.execute("LISTEN sekisho")
            connection.listens = True
            self.told()
        return connection

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """A connection that failed is not used again, and what is said of it holds no password."""
        try:
            yield
        except OperationalError as error:
            self.close()
            # INVARIANT: `from None`: the driver's error may hold what it connected with.
            raise UnreachableError(f"{self.address}: {self.address.reason(error)}") from None
        except BaseException:
            connection = self._connection
            if connection is not None and not self._within and _broken_off(connection):
                self.close()
            raise


def _broken_off(connection: _Bounded) -> bool:
    """Whether it is in the middle of something that nobody waits for any more."""
    return bool(connection.closed or connection.pgconn.transaction_status != TransactionStatus.IDLE)


def _hung_up(connection: _Bounded) -> bool:
    """Whether the server closed an idle connection: to be found before a question is put, not by it."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLRDHUP | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))
