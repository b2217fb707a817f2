"""The body of an AuthZEN request: bounded, JSON, and an object that can be read in one way only."""

import json
from typing import Any

import orjson
from starlette.types import Receive, Scope

from app.decision_point.question import MalformedRequest

LARGEST = 1 << 20  # bytes
_JSON = b"application/json"


class TooLarge(MalformedRequest):
    """More than a mebibyte: answered 413."""

    code = "payload_too_large"
    status = 413


class Disconnected(Exception):  # noqa: N818 - what happened
    """The caller went away in the middle of the body, and waits for no answer."""


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """The whole body, whether its length was announced or not.

    Raises :class:`MalformedRequest` for a content type that is not JSON, :class:`TooLarge`, :class:`Disconnected`.
    """
    for name, value in scope["headers"]:
        if name == b"content-type":
            if value != _JSON and value.partition(b";")[0].strip().lower() != _JSON:
                raise MalformedRequest("the content type must be application/json")
            break
    else:
        raise MalformedRequest("the content type is missing; it must be application/json")
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > LARGEST:
            raise TooLarge(f"the body is larger than {LARGEST:,} bytes")
        if not message.get("more_body", False):
            return b"".join([*chunks, chunk]) if chunks else chunk
        chunks.append(chunk)


def read_members(body: bytes) -> dict[str, Any]:
    """The members of the object in ``body``. Raises :class:`MalformedRequest`.

    A member that is given twice is refused: others might read the other one (RFC 7493, section 2.3).
    """
    try:
        members = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedRequest(
            f"the body is not JSON: {error}" if body.strip() else "the body is empty"
        ) from None
    if type(members) is not dict:
        raise MalformedRequest("the body must be an object")
    try:
        kept = orjson.dumps(members)
    except TypeError:  # orjson reads deeper than it writes
        raise MalformedRequest("the body is nested too deeply") from None
    # Every member has a colon, and a string's colons are the same in both, unless one was written as an escape.
    if body.count(b":") != kept.count(b":") or b"\\u003" in body:
        _refuse_repeated(body)
    return members


def _refuse_repeated(body: bytes) -> None:
    try:
        json.loads(body, object_pairs_hook=_unrepeated)
    except RecursionError:
        raise MalformedRequest("the body is nested too deeply") from None


def _unrepeated(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        raise MalformedRequest(f"`{repeated}` is given twice in one object")
