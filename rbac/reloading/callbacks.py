"""Callbacks that are told of events one at a time and in order, whatever they do and whichever thread tells them."""

import logging
import threading
from collections import deque
from collections.abc import Callable

log = logging.getLogger("rbac.live")


class Callbacks:
    """What is to be told, in order. Added under any lock, told outside all of them."""

    def __init__(self) -> None:
        self._untold: deque[Callable[[], None]] = deque()
        self._telling = threading.Lock()

    def add(self, call: Callable[[], None]) -> None:
        """Puts ``call`` behind those that wait."""
        self._untold.append(call)

    def tell(self) -> None:
        """Makes the calls that wait, unless a call that is under way will be followed by them. Never raises.

        A call that fails is logged, and the next one is made; one that adds calls of its own has them made after it.
        """
        while self._untold and self._telling.acquire(blocking=False):
            try:
                self._tell_next()
            finally:
                self._telling.release()

    def _tell_next(self) -> None:
        try:
            call = self._untold.popleft()
        except IndexError:  # another thread was as fast
            return
        try:
            call()
        except Exception:
            log.exception("a callback of the live policy failed; what it was told of stands")
