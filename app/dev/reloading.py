"""Runs the service, and starts it anew whenever its code is saved."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from watchfiles import PythonFilter, watch

_SETTLED_MS = 50
_BURST_MS = 200
_LOOK_MS = 200

Start = Callable[[], "subprocess.Popen[bytes]"]


def keep_serving(start: Start, code: tuple[Path, ...], listening: Callable[[], bool], greeting: str) -> int:
    """Runs what ``start`` starts until a signal ends it; its exit code.

    A change of a Python file below ``code`` stops it and starts it again. One that ends by itself before it was ever
    ``listening`` ends the run; one that ends after a change waits for the next. ``greeting`` is said once it listens, on
    standard error: standard output is the decisions' alone.
    """
    service = start()
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()
        service.terminate()  # Ctrl-C reaches the service by itself too: stopping twice is stopping once

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    greeted = told = False
    changes = watch(
        *code,
        watch_filter=PythonFilter(),
        debounce=_BURST_MS,
        step=_SETTLED_MS,
        stop_event=stopping,
        rust_timeout=_LOOK_MS,
        yield_on_timeout=True,
        raise_interrupt=False,
    )
    for changed in changes:
        ended = service.poll()
        if changed and not stopping.is_set():
            names = ", ".join(sorted({Path(path).name for _, path in changed}))
            print(f"{names} changed: starting again", file=sys.stderr, flush=True)
            service.terminate()
            service.wait()
            service, told = start(), False
        elif ended is not None and not greeted:
            break
        elif ended is not None and not told:
            print(
                f"the service ended with {ended}; save a file to start it again", file=sys.stderr, flush=True
            )
            told = True
        elif not greeted and listening():
            print(greeting, file=sys.stderr, flush=True)
            greeted = True
    ended = service.wait()
    return 0 if stopping.is_set() and ended in {0, -signal.SIGINT, -signal.SIGTERM} else ended
