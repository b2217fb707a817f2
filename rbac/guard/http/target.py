"""Every path that a server may find in a request target; refused where no list of them could be complete.

A proxy passes a target on as it came, and nobody knows how the server behind it reads it: one takes path parameters
away before it decodes (Tomcat), another after, one decodes twice, one ends the path at ``%23``. All of these readings
are known here, so that a decision can be taken about each.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import ClassVar
from urllib.parse import unquote

from rbac.errors import RbacError
from rbac.guard.http.asgi import Scope
from rbac.text.visible import has_control

# An encoded slash, backslash or NUL, in the target or in what is left of it when it has been decoded.
_FORBIDDEN_ESCAPE = re.compile(r"%(?:2[fF]|5[cC]|00|[uU][0-9A-Fa-f]{4})")
_NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_PRINTABLE_ASCII = re.compile(r"[!-~]*\Z")
_PARAMETERS = re.compile(r";[^/]*")
# What Windows takes for another spelling of the same name: blanks and dots at its end, and a stream's type.
_WINDOWS_END = re.compile(r"(?<=[^/])(?<![/ .])[ .]+(?=/|\Z)|:[^/:]*:\$[^/]*")
_READ_FURTHER = re.compile(r"[%;#?]|[^\x00-\x7f]|[ .](?:/|\Z)|:\$")
_LONGEST = 8192
_MOST_READINGS = 16


class AmbiguousTargetError(RbacError, ValueError):
    """A request target that a proxy and the server behind it may read differently, or that is none."""

    code: ClassVar[str] = "ambiguous_target"


def readings_of(target: str, *, parameters: bool = False) -> tuple[str, ...]:
    """The decoded paths that servers may find in an origin-form request target (RFC 9112, section 3.2.1).

    The first is the target's own: without its query, decoded once. ``parameters`` says whether a path may have
    parameters (``;name=value``); a reading without them then follows. Raises :class:`AmbiguousTargetError` for a target
    that is none, and for one with a reading that servers go on to rewrite.
    """
    raw = target.partition("?")[0]
    if (
        not raw.startswith("/")
        or len(target) > _LONGEST
        or not _PRINTABLE_ASCII.match(target)
        or "#" in target
    ):
        raise AmbiguousTargetError("not a path")
    if _NO_ESCAPE.search(raw):
        raise AmbiguousTargetError("an escape that is read differently by different servers")
    own = _decoded(raw)
    found = {own: None}
    pending = [own]
    while pending:
        reading = pending.pop()
        _check(reading, parameters=parameters)
        if _READ_FURTHER.search(reading) is None:
            continue
        for other in _read_otherwise(reading):
            if other not in found:
                found[other] = None
                pending.append(other)
        if len(found) > _MOST_READINGS:
            raise AmbiguousTargetError("a path that can be read in too many ways")
    return tuple(found)


def _decoded(text: str) -> str:
    if _FORBIDDEN_ESCAPE.search(text):
        raise AmbiguousTargetError("an escape that is read differently by different servers")
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise AmbiguousTargetError("bytes that are not UTF-8") from None


def _check(path: str, *, parameters: bool) -> None:
    """Raises for what a server may rewrite into a path that nobody was asked about."""
    if has_control(path):
        raise AmbiguousTargetError("a control character")
    if ";" in path and not parameters:
        raise AmbiguousTargetError("path parameters, which some servers take away")
    if "\\" in path or "//" in path or any(part.strip() in {".", ".."} for part in path.split("/")):
        raise AmbiguousTargetError("a path that some servers rewrite")


def _read_otherwise(path: str) -> Iterator[str]:
    """What one more step of some server makes of ``path``."""
    if ";" in path:
        yield _PARAMETERS.sub("", path)
        yield path.partition(";")[0]
    for end in "#?":
        if end in path:
            yield path.partition(end)[0]
    if _ESCAPE.search(path) or _FORBIDDEN_ESCAPE.search(path):
        yield _decoded(path)
    yield _WINDOWS_END.sub("", path)
    if not path.isascii():
        # What looks like another character is made into it by some servers: a fullwidth full stop, a fullwidth letter.
        yield unicodedata.normalize("NFKC", path)


def route_path(scope: Scope) -> str:
    """The decoded path exactly as the router matches it: without a ``root_path`` that a proxy put before it.

    An application that is mounted in another is asked for by the whole path, as the tools list its routes.
    """
    path: str = scope["path"]
    root: str = scope.get("app_root_path", scope.get("root_path", ""))
    if root and path.startswith(root) and path[len(root) : len(root) + 1] in {"", "/"}:
        return path[len(root) :]
    return path


def mounted_at(scope: Scope) -> str:
    """Where the application that is handed ``scope`` is mounted in another; "" where it is in none."""
    root: str = scope.get("root_path", "")
    return root.removeprefix(scope.get("app_root_path", root))


def path_asked(scope: Scope) -> str:
    """The path that a request is decided about."""
    path: str = route_path(scope) if scope.get("root_path") else scope["path"]
    return path


def method_asked(scope: Scope) -> str:
    """The method that a request is decided about: a WebSocket handshake is a GET, and so is a HEAD."""
    method: str = scope.get("method", "GET")
    return "GET" if scope["type"] == "websocket" or method == "HEAD" else method
