"""The path that another server was asked for, read from a request target; refused where two readers could differ."""

import re
from urllib.parse import unquote

# What a proxy and its upstream may read differently: an encoded slash, backslash or NUL; an escape that is none.
_AMBIGUOUS_ESCAPE = re.compile(r"%(?:2[fF]|5[cC]|00|(?![0-9A-Fa-f]{2}))")
_PRINTABLE_ASCII = re.compile(r"[!-~]*\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LONGEST = 8192


class AmbiguousTargetError(ValueError):
    """A request target that a proxy and the server behind it may read differently, or that is none."""

    code = "ambiguous_target"


def path_of(target: str) -> str:
    """The decoded path of an origin-form request target (RFC 9112, section 3.2.1), without its query.

    Decoded once. Raises :class:`AmbiguousTargetError` for anything that authorization would have to guess about.
    """
    raw = target.partition("?")[0]
    if (
        not raw.startswith("/")
        or len(target) > _LONGEST
        or not _PRINTABLE_ASCII.match(target)
        or "#" in target
    ):
        raise AmbiguousTargetError("not a path")
    if _AMBIGUOUS_ESCAPE.search(raw):
        raise AmbiguousTargetError("an escape that is read differently by different servers")
    try:
        path = unquote(raw, errors="strict")
    except UnicodeDecodeError:
        raise AmbiguousTargetError("bytes that are not UTF-8") from None
    if _CONTROL.search(path):
        raise AmbiguousTargetError("a control character")
    if "\\" in path or "//" in path or not {".", ".."}.isdisjoint(path.split("/")):
        raise AmbiguousTargetError("a path that some servers rewrite")
    return path
