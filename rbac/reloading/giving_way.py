"""Long work that ends early once it is about something outdated."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection
from typing import ClassVar, Self

from rbac.background import Pace
from rbac.errors import PolicyError, RbacError
from rbac.stores import Snapshot, Store
from rbac.text.wording import counted

log = logging.getLogger("rbac.live")

_LOOK_S = 0.1
# So long nothing must change before an edit is taken up whose test files became fewer. Whoever copies a directory file by
# file must not let in what a file refuses that is still on its way.
_SETTLED_S = 2.0


class GivenWay(RbacError):  # noqa: N818 - no error: what ends the work
    """The work is about something that is outdated."""

    code: ClassVar[str] = "outdated_work"


class Attention(Pace):
    """A pace that ends the work by :class:`GivenWay` as soon as it is ``outdated``."""

    __slots__ = ("_outdated",)

    def __init__(self, outdated: Callable[[], bool]) -> None:
        super().__init__()
        self._outdated = outdated

    def __call__(self) -> None:
        super().__call__()
        if self._outdated():
            raise GivenWay

    @classmethod
    def to(cls, store: Store, snapshot: Snapshot, changed: threading.Event) -> Self:
        """Ends work about ``snapshot`` once ``store``, of which ``changed`` tells, holds another."""

        def outdated() -> bool:
            if not changed.is_set():
                return False
            changed.clear()
            try:
                return store.read() != snapshot
            except PolicyError:
                return True

        return cls(outdated)


def wait_for_tests(store: Store, snapshot: Snapshot, missing: Collection[str]) -> None:
    """Waits while test files are missing that judged documents before. Raises :class:`GivenWay` once the store changes."""
    first, *others = sorted(missing)
    files = f"{first} and {counted(len(others), 'other')}" if others else first
    log.warning("an edit waits %g s for test files that are gone: %s", _SETTLED_S, files)
    settle(store, snapshot, _SETTLED_S)


def settle(store: Store, snapshot: Snapshot, seconds: float) -> None:
    """Returns once ``store`` has held ``snapshot`` for so long. Raises :class:`GivenWay` when it holds another."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(min(_LOOK_S, seconds))
        with contextlib.suppress(PolicyError):
            if store.read() == snapshot:
                continue
        raise GivenWay
