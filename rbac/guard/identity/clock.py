"""The three ways in which authentication meets time, so that tests can bring their own."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

KEYS_MAX_AGE = 24 * 3600.0
"""Seconds that keys verify tokens without a fetch that worked."""


@dataclass(frozen=True, slots=True)
class Clock:
    """``now`` counts seconds since 1970, for claims; ``monotonic`` seconds, for intervals; ``sleep``
    waits.
    """

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
