"""Verified tokens, remembered so that the next request with one costs a hash instead of a signature."""

from collections import OrderedDict
from collections.abc import Callable, Collection
from hashlib import sha256

from app.auth.principal import Principal

_SECOND_CHANCES = 64


class _Remembered:
    __slots__ = ("asked_again", "expires", "kid", "principal", "weight")

    def __init__(self, principal: Principal, expires: float, kid: str, weight: int) -> None:
        self.principal = principal
        self.expires = expires
        self.kid = kid
        self.weight = weight
        self.asked_again = False


class TokenCache:
    """Principals by SHA-256 of their token, until the token expires or its key is withdrawn.

    Holds at most ``max_tokens`` tokens, and at most ``max_bytes`` of them (their claims take about three
    times that). What goes first is what came first and was not asked for again. Only verified tokens get in,
    so that nothing here grows with what callers make up.
    """

    def __init__(
        self, now: Callable[[], float], *, max_tokens: int = 10_000, max_bytes: int = 16 << 20
    ) -> None:
        self._now = now
        self._max_tokens = max_tokens
        self._max_bytes = max_bytes
        self._bytes = 0
        # Ordered, because a dict is slow to find what is first in it once much before that is gone.
        self._entries: OrderedDict[bytes, _Remembered] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, token: bytes) -> Principal | None:
        """The principal of a token that was verified before and has not expired since."""
        digest = sha256(token).digest()
        entry = self._entries.get(digest)
        if entry is None:
            return None
        if self._now() >= entry.expires:
            self._drop(digest)
            return None
        entry.asked_again = True
        return entry.principal

    def put(self, token: bytes, principal: Principal, *, expires: float, kid: str) -> None:
        """Remembers a verified token until ``expires`` (seconds since 1970)."""
        digest = sha256(token).digest()
        if digest in self._entries:
            self._drop(digest)
        if len(token) > self._max_bytes:
            return
        while len(self._entries) >= self._max_tokens or self._bytes + len(token) > self._max_bytes:
            self._evict()
        self._entries[digest] = _Remembered(principal, expires, kid, len(token))
        self._bytes += len(token)

    def forget(self, kids: Collection[str]) -> int:
        """Drops every token that one of ``kids`` signed, and every expired one. Returns how many."""
        now = self._now()
        gone = [
            digest for digest, entry in self._entries.items() if entry.kid in kids or now >= entry.expires
        ]
        for digest in gone:
            self._drop(digest)
        return len(gone)

    def _evict(self) -> None:
        """The clock algorithm, bounded: what was asked for again goes to the back, a few times at most."""
        for _ in range(_SECOND_CHANCES):
            digest, entry = self._entries.popitem(last=False)
            if not entry.asked_again:
                self._bytes -= entry.weight
                return
            entry.asked_again = False
            self._entries[digest] = entry
        self._drop(next(iter(self._entries)))

    def _drop(self, digest: bytes) -> None:
        self._bytes -= self._entries.pop(digest).weight
