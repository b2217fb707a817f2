"""The issuer's keys: fetched without blocking, kept while it is down, dropped when it withdraws them."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Collection
from functools import partial

import httpx2

from rbac.guard.identity.clock import KEYS_MAX_AGE, Clock
from rbac.guard.identity.errors import InvalidToken, KeysUnavailable
from rbac.guard.identity.fetching import OUT_OF_REACH, fetched, new_client
from rbac.guard.identity.keys import SigningKey, read_key_set
from rbac.guard.identity.token_format import RS256

log = logging.getLogger("rbac.guard")

TIME_LIMIT = 3.0  # seconds for one fetch, from the name's look-up to the last byte
REFRESH_EVERY = (
    300.0  # seconds: half of what withdrawn keys may live on, so that one failed fetch does not exceed it
)
ASK_AGAIN_EVERY = 10.0  # seconds between fetches that nothing but unknown key ids asked for
_FIRST_RETRY = 0.5
_LONGEST_RETRY = 30.0
_LONGEST_RETRY_WITHOUT_KEYS = 5.0  # nobody gets in meanwhile

Fetch = Callable[[str], Awaitable[bytes]]
"""The body that an address answers with. Raises :class:`IssuerAnswerError`, and what an HTTP client raises."""

Locate = Callable[[Fetch, bool], Awaitable[str]]
"""Where the keys are, when it takes the issuer to say so; with whether the fetch before failed. Raises as :data:`Fetch`."""


class KeySet:
    """The keys at ``url`` for ``algorithms``, by ``kid``. One fetch at a time; whoever needs its answer meanwhile waits
    for the same one.

    With ``locate`` the keys are where that says, and ``url`` is whom it asks.

    Fetched again every 5 minutes (after a failure sooner, with back-off), and for an unknown ``kid`` at most
    once in 10 s; those two do not count against each other. Keys whose last good fetch is ``max_age`` seconds ago
    are no keys: the issuer may have withdrawn them since. ``on_change`` is called with the kids that are gone, after
    each good fetch and when keys became too old. Without ``start`` nothing happens in the background, and a fetch
    that is due begins when a key is asked for.
    """

    def __init__(
        self,
        url: str,
        *,
        algorithms: Collection[str] = frozenset({RS256}),
        locate: Locate | None = None,
        on_change: Callable[[Collection[str]], object] = lambda _gone: None,
        clock: Clock | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        time_limit: float = TIME_LIMIT,
        max_age: float = KEYS_MAX_AGE,
    ) -> None:
        self.url = url
        self.fetches = 0
        self.failures = 0
        self.last_fetch_ok = False
        self._algorithms = algorithms
        self._locate = locate
        self._on_change = on_change
        self._max_age = max_age
        self._clock = clock or Clock()
        self._transport = transport
        self._time_limit = time_limit
        self._keys: dict[str, SigningKey] = {}
        self._client: httpx2.AsyncClient | None = None
        self._flight: asyncio.Task[dict[str, SigningKey]] | None = None
        self._background: asyncio.Task[None] | None = None
        self._failures_in_a_row = 0
        self._due = -math.inf
        self._may_ask_again = -math.inf
        self._fetched_at = self._clock.monotonic()

    @property
    def known(self) -> bool:
        """Whether there are keys: a fetch has succeeded, and not too long ago."""
        return bool(self._keys)

    @property
    def age(self) -> float:
        """Seconds since the last fetch that worked, or since this began where none has."""
        return self._clock.monotonic() - self._fetched_at

    @property
    def kids(self) -> frozenset[str]:
        """The ids of the keys that verify tokens now."""
        return frozenset(self._keys)

    def start(self) -> None:
        """Begins to keep the keys fresh in the background."""
        if self._background is None or self._background.done():
            # Of an event loop that has ended nothing can be used any more.
            self._client = self._flight = None
            self._background = asyncio.create_task(self._keep_fresh(), name="key set")

    async def stop(self) -> None:
        """Ends what runs in the background. The keys stay."""
        tasks = [task for task in (self._background, self._flight) if task is not None]
        self._background = None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    async def signing_key(self, kid: str) -> SigningKey:
        """The key called ``kid``.

        Raises :class:`InvalidToken` when the issuer has none of that name, and :class:`KeysUnavailable` while nobody
        can tell: its keys were never reached, are too old, or lack this one and cannot be fetched again.
        """
        now = self._clock.monotonic()
        if now >= self._due or now - self._fetched_at >= self._max_age:
            self._expire_if_due(now)
            self._fetch_if_due(now)
        key = self._keys.get(kid)
        if key is None:
            key = await self._look_again(kid)
        return key

    async def _look_again(self, kid: str) -> SigningKey:
        # Twice, because a fetch that was under way may have left before the issuer published the key.
        for _ in range(2):
            if self._flight is None and not self._ask_for_unknown():
                break
            await self._landing()
            if kid in self._keys:
                return self._keys[kid]
        if self._keys and self.last_fetch_ok:
            raise InvalidToken("unknown_key")
        raise KeysUnavailable(math.ceil(max(1.0, self._due - self._clock.monotonic())))

    def _ask_for_unknown(self) -> bool:
        """Begins a fetch for a key id that nobody has seen, unless another was begun for one within 10 s."""
        now = self._clock.monotonic()
        if not self._keys or now < self._may_ask_again:
            return False
        self._may_ask_again = now + ASK_AGAIN_EVERY
        self._take_off()
        return True

    def _expire_if_due(self, now: float) -> None:
        if not self._keys or now - self._fetched_at < self._max_age:
            return
        gone = frozenset(self._keys)
        self._keys = {}
        log.critical(
            "the issuer's keys could not be fetched for %.0f s, which is longer than `keys_max_age`: "
            "no token can be verified until they are within reach again",
            self.age,
        )
        self._on_change(gone)

    def _fetch_if_due(self, now: float) -> None:
        if self._flight is None and now >= self._due:
            self._take_off()

    def _take_off(self) -> None:
        self.fetches += 1
        self._flight = asyncio.create_task(self._fetch(), name="key set fetch")
        self._flight.add_done_callback(self._settle)

    async def _landing(self) -> None:
        """Waits for the fetch under way, whatever becomes of it. Who gives up does not end it for the
        others.
        """
        if self._flight is not None:
            await asyncio.wait((self._flight,))

    async def _keep_fresh(self) -> None:
        while True:
            now = self._clock.monotonic()
            self._expire_if_due(now)
            self._fetch_if_due(now)
            await self._landing()
            wait = self._due - self._clock.monotonic()
            if self._keys:
                wait = min(wait, self._max_age - self.age)
            await self._clock.sleep(max(wait, 0.01))

    async def _fetch(self) -> dict[str, SigningKey]:
        if self._client is None:
            self._client = new_client(self.url, time_limit=self._time_limit, transport=self._transport)
        fetch = partial(fetched, self._client)
        async with asyncio.timeout(self._time_limit):
            url = self.url if self._locate is None else await self._locate(fetch, self._failures_in_a_row > 0)
            return read_key_set(await fetch(url), self._algorithms)

    def _settle(self, flight: asyncio.Task[dict[str, SigningKey]]) -> None:
        """Takes in what a fetch brought. Runs before anybody who waits for it goes on."""
        self._flight = None
        if flight.cancelled():
            return
        error = flight.exception()
        if error is None:
            self._accept(flight.result())
        else:
            self._count_failure(error)

    def _accept(self, fetched: dict[str, SigningKey]) -> None:
        gone = {kid for kid, key in self._keys.items() if not key.is_in(fetched)}
        if fetched.keys() != self._keys.keys() or gone:
            log.info("the issuer's keys are now: %s", ", ".join(sorted(fetched)))
        elif not self.last_fetch_ok:
            log.info("the issuer's keys are within reach again")
        self._keys = fetched
        self.last_fetch_ok = True
        self._failures_in_a_row = 0
        self._fetched_at = self._clock.monotonic()
        self._due = self._fetched_at + REFRESH_EVERY
        self._on_change(gone)

    def _count_failure(self, error: BaseException) -> None:
        self.failures += 1
        self.last_fetch_ok = False
        longest = _LONGEST_RETRY if self._keys else _LONGEST_RETRY_WITHOUT_KEYS
        delay = min(_FIRST_RETRY * 2.0 ** min(self._failures_in_a_row, 10), longest)
        self._failures_in_a_row += 1
        self._due = self._clock.monotonic() + delay
        expected = isinstance(error, OUT_OF_REACH)
        log.warning(
            "the issuer's keys could not be fetched from %s (%s: %s); next attempt in %.1f s, %s",
            self.url,
            type(error).__name__,
            str(error)[:200],  # may quote what the other side sent
            delay,
            "the last good keys stay" if self._keys else "no token can be verified until then",
            exc_info=None if expected else error,
        )
