"""Verified tokens, remembered so that the next request with one costs a hash instead of a signature."""

from collections import OrderedDict
from collections.abc import Callable, Collection
from hashlib import sha256

from rbac.guard.identity.principal import Principal

SentOnce = tuple[float, str, int, bytes, str]
"""A token that was sent once: when it expires, its key's id, its length, its payload, its kind.

A tuple of texts and numbers alone, which the collector leaves out: of many tokens it would walk every claim.
"""

ReadPayload = Callable[[bytes, str], Principal]
"""Whom the payload of a verified token of some kind stands for."""

_SECOND_CHANCES = 64
_FOR_NEW = 4  # the part of the places that tokens which were sent once do not yield


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
    times that). A token that was sent once is kept as bytes; ``read`` makes the principal when it is sent again. Those go
    first, the oldest before the others, as long as they are a quarter: however many new tokens come, of those that are in
    use three in four stay. Only verified tokens get in, so that nothing here grows with what callers make up.
    """

    def __init__(
        self,
        now: Callable[[], float],
        read: ReadPayload,
        *,
        max_tokens: int = 10_000,
        max_bytes: int = 16 << 20,
    ) -> None:
        self._now = now
        self._read = read
        self._max_tokens = max_tokens
        self._max_bytes = max_bytes
        self._bytes = 0
        # Ordered, because a dict is slow to find what is first in it once much before that is gone.
        self._new: OrderedDict[bytes, SentOnce] = OrderedDict()
        self._entries: OrderedDict[bytes, _Remembered] = OrderedDict()
        # What was looked for last, in vain: it is verified next, and put. So it is hashed once.
        self._sought = b"", b""

    def __len__(self) -> int:
        return len(self._entries) + len(self._new)

    def get(self, token: bytes) -> Principal | None:
        """The principal of a token that was verified before and has not expired since."""
        digest = sha256(token).digest()
        entry = self._entries.get(digest)
        if entry is None:
            if digest in self._new:
                return self._again(digest)
            self._sought = token, digest
            return None
        if self._now() >= entry.expires:
            self._drop(digest)
            return None
        entry.asked_again = True
        return entry.principal

    def is_sought(self, token: bytes) -> bool:
        """Whether ``token`` is what :meth:`get` was asked for last, and did not have."""
        return token == self._sought[0]

    def put(self, token: bytes, payload: bytes, kind: str, *, expires: float, kid: str) -> None:
        """Remembers a verified token until ``expires`` (seconds since 1970)."""
        sought, digest = self._sought
        if token != sought:
            digest = sha256(token).digest()
        self._sought = b"", b""
        new, entries = self._new, self._entries
        if digest in new or digest in entries:
            self._drop(digest)
        weight = len(token)
        if weight > self._max_bytes:
            return
        while len(new) + len(entries) >= self._max_tokens or self._bytes + weight > self._max_bytes:
            self._evict()
        new[digest] = expires, kid, weight, payload, kind
        self._bytes += weight

    def forget(self, kids: Collection[str]) -> int:
        """Drops every token that one of ``kids`` signed, and every expired one. Returns how many."""
        now = self._now()
        gone = [
            digest for digest, entry in self._entries.items() if entry.kid in kids or now >= entry.expires
        ]
        gone += [digest for digest, (expires, kid, *_) in self._new.items() if kid in kids or now >= expires]
        for digest in gone:
            self._drop(digest)
        return len(gone)

    def _again(self, digest: bytes) -> Principal | None:
        """The principal of a token that is sent for the second time."""
        expires, kid, weight, payload, kind = self._new.pop(digest)
        if self._now() >= expires:
            self._bytes -= weight
            return None
        principal = self._read(payload, kind)
        self._entries[digest] = _Remembered(principal, expires, kid, weight)
        return principal

    def _evict(self) -> None:
        """What was sent once, as long as it is enough. Else the clock algorithm, bounded: what was asked for again goes to
        the back, a few times at most."""
        if _FOR_NEW * len(self._new) >= len(self):
            self._bytes -= self._new.popitem(last=False)[1][2]
            return
        for _ in range(_SECOND_CHANCES):
            digest, entry = self._entries.popitem(last=False)
            if not entry.asked_again:
                self._bytes -= entry.weight
                return
            entry.asked_again = False
            self._entries[digest] = entry
        self._drop(next(iter(self._entries)))

    def _drop(self, digest: bytes) -> None:
        if digest in self._new:
            self._bytes -= self._new.pop(digest)[2]
        elif digest in self._entries:
            self._bytes -= self._entries.pop(digest).weight
