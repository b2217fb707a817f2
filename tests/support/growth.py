"""How much work a call is: counted, as the clock of a busy machine proves little."""

import re
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any


def lines_run(function: Callable[..., object], *arguments: object) -> int:
    """How many lines of Python a call runs; each round of a loop on one line counts."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    re.purge()  # it remembers 512 expressions, which a larger document has more of
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function(*arguments)
    finally:
        sys.settrace(before)
    return count


def takes_at_most(times: float, many: Callable[[], object], few: Callable[[], object]) -> bool:
    """Whether ``many`` takes at most ``times`` the processor time of ``few``.

    Only for what lines cannot show, because it is done outside Python. One of some turns is to hold: what else the
    machine does makes a turn longer, never shorter, and what grows too fast does not hold in any.
    """
    few()  # what is imported and compiled once
    return any(_seconds(many) <= times * _seconds(few) for _ in range(_TURNS))


_TURNS = 8


def _seconds(function: Callable[[], object]) -> float:
    start = time.thread_time()
    function()
    return time.thread_time() - start
