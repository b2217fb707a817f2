"""``Vary: Origin``: what a cache is told of an answer that would be another one for a request with an ``Origin``."""

from collections.abc import Sequence

# In a scope: whether the answer says so.
VARIES = "sekisho.varies"

HeaderPairs = Sequence[tuple[bytes, bytes]]


def varying(headers: HeaderPairs) -> HeaderPairs:
    """``headers`` of an answer that depends on the request's origin, as Starlette's layer of CORS says it."""
    for name, _ in headers:
        if name == b"vary":
            return _added(headers)
    return [*headers, _VARY]


_VARY = (b"vary", b"Origin")


def _added(headers: HeaderPairs) -> HeaderPairs:
    """One ``Vary`` where the first was, with the values of all."""
    value = b", ".join([*(value for name, value in headers if name == b"vary"), b"Origin"])
    first = next(place for place, (name, _) in enumerate(headers) if name == b"vary")
    others = [pair for pair in headers[first:] if pair[0] != b"vary"]
    return [*headers[:first], (b"vary", value), *others]
