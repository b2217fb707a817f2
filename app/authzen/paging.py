"""Pages of a search. A token says where the next page begins and which search it belongs to; nothing is kept for it."""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from app.decision_point.question import MalformedRequest

MOST_RESULTS = 1000  # on one page
LARGEST_LIMIT = 2**53 - 1  # what every reader of JSON understands (RFC 7493, section 2.2)

_TOKEN = struct.Struct(">QQ16s")  # place, limit, which search
_LONGEST_TOKEN = 4 * -(-_TOKEN.size // 3)
_FOREIGN = "`page.token` is no token of this service"
_ABSENT: Any = object()


class Page(NamedTuple):
    """Which results of a search are wanted: at most ``limit`` from ``place`` on. ``search`` identifies the search."""

    place: int
    limit: int
    search: bytes
    asked_for: bool

    def token(self, place: int) -> str:
        """The token for the page that begins at ``place``."""
        packed = _TOKEN.pack(place, self.limit, self.search)
        return urlsafe_b64encode(packed).rstrip(b"=").decode("ascii")


def read_page(kind: str, members: Mapping[str, Any]) -> Page:
    """The page that a search's members ask for. Raises :class:`MalformedRequest`.

    Also for a token that is none of ours, and for one of a search in which anything else was different. A request with
    a token may leave the limit out, as the standard's own example does; it is then the first request's.
    """
    page = members.get("page", _ABSENT)
    if page is _ABSENT:
        return Page(0, MOST_RESULTS, _identity(kind, members, {}), asked_for=False)
    if type(page) is not dict:
        raise MalformedRequest("`page` must be an object")
    limit = page.get("limit", _ABSENT)
    if type(limit) is float and limit.is_integer():
        limit = int(limit)  # to JSON 5.0 is a whole number
    if limit is not _ABSENT and (type(limit) is not int or not 0 <= limit <= LARGEST_LIMIT):
        raise MalformedRequest(f"`page.limit` must be a whole number from 0 to {LARGEST_LIMIT}")
    if type(page.get("properties", {})) is not dict:
        raise MalformedRequest("`page.properties` must be an object")
    wanted = MOST_RESULTS if limit is _ABSENT else min(limit, MOST_RESULTS)
    search = _identity(kind, members, page)
    token = page.get("token", _ABSENT)
    if token is _ABSENT:
        return Page(0, wanted, search, asked_for=True)
    place, first_limit, first_search = _unpack(token)
    if first_search != search or (limit is not _ABSENT and first_limit != wanted):
        raise MalformedRequest(
            "`page.token` belongs to another search: with it, every other value must stay the same"
        )
    return Page(place, first_limit, search, asked_for=True)


def _unpack(token: object) -> tuple[int, int, bytes]:
    if type(token) is not str:
        raise MalformedRequest("`page.token` must be a string")
    if len(token) > _LONGEST_TOKEN:
        raise MalformedRequest(_FOREIGN)
    try:
        packed = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        place, limit, search = _TOKEN.unpack(packed)
    except (ValueError, struct.error):
        raise MalformedRequest(_FOREIGN) from None
    if limit > MOST_RESULTS:
        raise MalformedRequest(_FOREIGN)
    return place, limit, search


def _identity(kind: str, members: Mapping[str, Any], page: Mapping[str, Any]) -> bytes:
    """All that must stay the same from page to page, as a digest."""
    said = [
        members.get(name)
        for name in ("subject", "action", "resource", "context")
        if name != kind or kind != "action"
    ]
    said += [kind, page.get("properties")]
    return sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).digest()[:16]
