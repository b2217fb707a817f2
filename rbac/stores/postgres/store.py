"""The store that replicas share: reads the newest version, and hears of the next within a moment."""

import contextlib
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import ClassVar, Final

from rbac.errors import Problem
from rbac.stores.postgres.address import Address, StoreError
from rbac.stores.postgres.following import POLL_S, Follower
from rbac.stores.postgres.replicas import REPORT_S, Replicas, Running
from rbac.stores.postgres.session import Session, UnreachableError
from rbac.stores.postgres.versions import Head, NoVersionError, Versions
from rbac.stores.store import Snapshot, StoreState

log = logging.getLogger("rbac.stores.postgres")

# What to do about each failure, by its code.
HINTS: Final = {
    "store_unreachable": "nothing is to be done here: the store is asked again every second",
    "store_empty": "publish a document: `rbac publish`",
    "store_altered": "publish a version again; nobody may change a row of `sekisho.versions`",
    "store_behind": "point POLICY_STORE at the database that has it, or publish on until the numbers have passed it",
    "store_forked": "publish the next version; until then what was in force stays",
    "store_newer": "run the release that made the tables, or a later one; an older one goes with its own tables",
    "store_failed": "look into the database's log",
    "store_not_set_up": "run `rbac migrate` as the owner of the tables",
}


class BehindError(StoreError):
    """The database knows less than what was in force here already: a copy that is behind, or an old backup."""

    code: ClassVar[str] = "store_behind"


class ForkedError(StoreError):
    """The database holds something else under a number that was in force here already."""

    code: ClassVar[str] = "store_forked"


class EmptyError(NoVersionError):
    """Nothing was published yet."""

    code: ClassVar[str] = "store_empty"


class PostgresStore(Follower):
    """The document called ``name`` in the database at ``address``, over one connection for each process.

    It never goes back: a version with a lower number than one that was read here, or than ``known``, which was in
    force before this process began, is an error, and so is another content under the same number.
    """

    def __init__(
        self, address: Address, name: str = "policy", *, known: Snapshot | None = None, poll_s: float = POLL_S
    ) -> None:
        self.name = name
        self.running: Callable[[], Running] | None = None
        super().__init__(Session(address), poll_s)
        self._versions = Versions(self._session, name)
        self._replicas = Replicas(self._session, name)
        self._highest = (0, b"") if known is None or not known.version else (known.version, known.digest)
        self._held: tuple[Head, Snapshot] | None = None
        self._bad: tuple[Head, StoreError] | None = None
        self._newest = 0
        self._heard: float | None = None
        self._reachable = False
        self._silent = False
        self._rights_known = False
        self._reported: tuple[Running, float] | None = None
        self._may_stand = False

    @property
    def state(self) -> StoreState:
        """What was last heard."""
        heard = None if self._heard is None else time.monotonic() - self._heard
        return StoreState(self._newest, heard, self._reachable)

    def read(self) -> Snapshot:
        """The newest version. Raises :class:`PolicyError` when there is none, or none that may be trusted."""
        with self._in_turn(partial(problem_of, f"pg:{self.name}")):
            return self._read()

    # --- reading, by one thread at a time

    def _read(self) -> Snapshot:
        head = self._head()
        if head is None:
            raise EmptyError(f"nothing was published as `{self.name}` yet")
        number, digest = self._highest
        if head.number < number:
            raise BehindError(
                f"the newest version there is {head.number}, and {number} was in force already: not going back"
            )
        if head.number == number and head.digest != digest:
            raise ForkedError(f"version {number} there is not the version {number} that was in force already")
        if self._held is not None and self._held[0] == head:
            return self._held[1]
        if self._bad is not None and self._bad[0] == head:
            raise self._bad[1]
        try:
            snapshot = self._versions.content(head.number)
        except UnreachableError:
            self._reachable = False
            raise
        except StoreError as error:
            self._bad = (head, error)
            raise
        self._held = (head, snapshot)
        self._highest = (head.number, head.digest)
        return snapshot

    def _head(self) -> Head | None:
        try:
            head = self._versions.head()
        except UnreachableError:
            self._reachable = False
            raise
        self._reachable = True
        self._heard = time.monotonic()
        self._newest = 0 if head is None else head.number
        return head

    def _look(self) -> Head | str:
        """What is there now, without reading it, or why that cannot be said."""
        try:
            head = self._head()
            self._tell_of_rights()
        except StoreError as error:
            return str(error)
        return head or "empty"

    # --- telling

    def _tell_of_rights(self) -> None:
        """Says once that this role may do more than a replica needs."""
        if self._rights_known:
            return
        if self._versions.may_publish():
            log.warning(
                "the role that reads the policy may also publish one: `rbac migrate --service` gives less"
            )
        self._rights_known = True

    def _report(self) -> None:
        """Says what runs here, if that is another thing than before, or some time ago. A report that fails is tried
        again with the next, and changes nothing else."""
        if self.running is None:
            return
        running, before = self.running(), self._reported
        if before is not None and before[0] == running and time.monotonic() - before[1] < REPORT_S:
            return
        self._may_stand = True  # also where the answer does not come
        try:
            self._replicas.report(running)
        except UnreachableError:
            self._reported = None  # told by whoever reads
        except StoreError as error:
            if not self._silent:
                log.warning("what runs here cannot be reported: %s", error)
            self._silent = True
            self._reported = (running, time.monotonic())
        else:
            self._silent = False
            self._reported = (running, time.monotonic())

    def _leave(self) -> None:
        if self._may_stand:
            with contextlib.suppress(StoreError):
                self._replicas.leave()
        self._reported, self._may_stand = None, False
        super()._leave()


def problem_of(place: str, error: StoreError, hint: str | None = None) -> Problem:
    """What a store could not do at ``place``, with the usual hint unless there is another."""
    code = error.code.replace("_", "-")
    return Problem(place, 0, 0, code, "error", str(error), hint or HINTS.get(error.code, ""))
