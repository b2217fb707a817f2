"""The words that people write for a method or a path of HTTP and that no request has, each with what to write instead.

The checks of a document and the loader of policy tests both ask here, so that they never disagree.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from rbac.background import paced
from rbac.model.request_shape import HTTP_METHODS
from rbac.text.nearest import nearest

# Methods of WebDAV (RFC 4918, 3253, 5323) and QUERY: rare, and no slip of the pen.
OTHER_METHODS: Final = frozenset(
    ("PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "SEARCH", "QUERY")
)
_EVERY: Final = frozenset(("ALL", "ANY", "EVERY", "EVERYTHING", "ALLE", "TOUS", "TODOS", "全て", "すべて"))
_VERBS: Final = {
    "GET": frozenset(
        ("R", "RO", "RD", "READ", "VIEW", "LIST", "SHOW", "SEE", "FETCH", "LOOK", "DOWNLOAD", "QUERY")
    ),
    "POST": frozenset(
        (
            "CREATE",
            "ADD",
            "NEW",
            "INSERT",
            "SEND",
            "UPLOAD",
            "SUBMIT",
            "APPROVE",
            "EXECUTE",
            "EXEC",
            "RUN",
            "CALL",
        )
    ),
    "PUT` or `PATCH": frozenset(("UPDATE", "EDIT", "MODIFY", "CHANGE", "REPLACE")),
    "DELETE": frozenset(("REMOVE", "DEL", "DESTROY", "ERASE")),
    "POST`, `PUT`, `PATCH` and `DELETE": frozenset(("W", "WR", "WRITE", "MANAGE", "CRUD")),
}
_WEBSOCKET: Final = frozenset(("WS", "WSS", "WEBSOCKET", "UPGRADE"))
_READ_AND_WRITE: Final = frozenset(("RW", "R/W", "RWX", "READWRITE", "READ-WRITE", "READ/WRITE"))
_METHOD: Final = re.compile("|".join(sorted({*HTTP_METHODS, "HEAD"}, key=len, reverse=True)))
_BEGINNING: Final = re.compile(r"\^?([A-Z]+)(?:\.?\*|\.\+|%)\$?")
_METHODS_ALIKE: Final = 0.72
_BETWEEN: Final = re.compile(r"[\s|/;&+,、，・]+|\b(?:AND|OR|UND|ODER)\b")
_BRACKETS: Final = re.compile(r"[()\[\]{}<>^$\\]")
FULL_WIDTH: Final = re.compile(r"[\uff01-\uff5e\u3000]")
_SCHEME: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://[^/]*|//(?:localhost|[\w-]+(?:\.[\w-]+)+|[\w-]+(?=:))(?::\d+)?(?=/)"
)
_HOST: Final = re.compile(r"(?:localhost|[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,})(?::\d+)?(?=/|$)")
_WITH_METHOD: Final = re.compile(
    rf"(?:{_METHOD.pattern})[\s:]+(?P<path>/\S*)|(?P<before>/\S*?)(?:\s+|:)(?:{_METHOD.pattern})"
)
_SIGNS: Final = re.compile(r"[^\w/{(\[:]+(?=/)")
_TWO_PATHS: Final = re.compile(
    r"(?P<one>/[^\s;、，,&・]*)(?:\s*[;、，,&・]\s*|\s+(?:(?:and|or|und|oder|et|ou|&&|\|\|?|\+)\s+)?)(?P<other>/\S*)",
    re.IGNORECASE,
)
_IN_A_LIST: Final = re.compile(r"(?P<path>/\S*?)[、。，,・]+")
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}")


_PATH: Final = re.compile(r"[\^(]*/")


class WordFault(NamedTuple):
    """What is wrong with a word, and what to write instead."""

    message: str
    hint: str


def are_paths(words: Collection[str]) -> bool:
    """Whether these are paths and patterns of paths: most of them, for some may be mistyped."""
    return 2 * sum(_PATH.match(word) is not None for word in paced(words)) > len(words)


def means_every_method(word: str) -> bool:
    """Whether a word in a method's place is one that people write for every method: ``ANY``, ``all``."""
    return _plain(word) in _EVERY


def method_fault(word: str, every: str = "") -> WordFault | None:
    """Why no request asks with the method ``word``; ``None`` if one does. ``every`` is what a rule writes for all."""
    if word in HTTP_METHODS or word in OTHER_METHODS or (every and word == every):
        return None
    whole = f"write `{every}` for every method" if every else "write a line for each method"
    if not word:
        return WordFault("the method is empty, and no request has an empty one", f"write `GET`, or {whole}")
    return WordFault(f"`{word}` is no method that anything asks with", _method_hint(_plain(word), whole))


def _plain(word: str) -> str:
    return unicodedata.normalize("NFKC", word).strip().upper()


def _method_hint(plain: str, whole: str) -> str:
    if plain == "HEAD":
        return "`HEAD` is decided as `GET`: write `GET`"
    if plain in HTTP_METHODS:
        return f"did you mean `{plain}`?"
    if plain in _WEBSOCKET:
        return "the handshake of a WebSocket is decided as `GET`: write `GET`"
    if _means_all(plain):
        return whole
    return _verb_hint(plain) or _several_hint(plain) or _nearest_hint(plain)


def _means_all(plain: str) -> bool:
    """Whether a word is for every method: ``ALL METHODS``, ``**``, ``GET|*``."""
    only = re.sub(r"\s*METHODS?$", "", plain).strip("*./\\")
    if only in _EVERY or plain in _READ_AND_WRITE or plain in {"%", "?", ".+"}:
        return True
    parts = [part for part in _BETWEEN.split(_BRACKETS.sub(" ", plain)) if part]
    signs = [part for part in parts if part.strip("*.!?") == "" and "*" in part]
    return bool(signs) and {*parts} - {*signs} <= {*HTTP_METHODS, "HEAD"}


def _verb_hint(plain: str) -> str:
    methods = next((methods for methods, verbs in _VERBS.items() if plain.rstrip("S") in verbs), "")
    each = ", each on a line of its own" if "," in methods else ""
    return f"write `{methods}`{each}" if methods else ""


def _several_hint(plain: str) -> str:
    if len(plain) > 1 and (plain[0] in "!-~¬" or plain.startswith("NOT ")):
        return "there is no `not`: write a line for each method that is meant, or a deny"
    parts = list(dict.fromkeys(_METHOD.findall(plain)))
    rest = _METHOD.sub(" ", plain).removeprefix("HTTP")
    if not parts or any(word not in {"AND", "OR", "UND", "ODER"} for word in re.findall(r"\w+", rest)):
        start = _BEGINNING.fullmatch(plain)
        parts = [] if start is None else sorted(one for one in HTTP_METHODS if one.startswith(start[1]))
    if not parts:
        return ""
    if len(parts) == 1:
        return f"write `{parts[0].replace('HEAD', 'GET')}`"
    return "write a line for " + " and one for ".join(f"`{part}`" for part in parts)


def _nearest_hint(plain: str) -> str:
    close = nearest(plain, HTTP_METHODS, _METHODS_ALIKE)
    close = close or next((one for one in sorted(HTTP_METHODS) if sorted(one) == sorted(plain)), "")
    methods = "methods are written in capitals: " + ", ".join(sorted(HTTP_METHODS))
    return f"did you mean `{close}`?" if close else methods


def path_fault(path: str) -> WordFault | None:
    """Why no request has the path ``path``, which is compared as it stands; ``None`` if one may have it."""
    if not path:
        return WordFault(
            "the path is empty, and no request has an empty one", "write a path, such as `/orders`"
        )
    for find in (_wide, _origin, _beginning, _behind_the_path, _several_paths, _rest, _segments):
        hint = find(path)
        if hint is not None:
            return WordFault(f"`{path}` is not a path that a request can have", hint)
    return None


def _wide(path: str) -> str | None:
    if not FULL_WIDTH.search(path):
        return None
    plain = unicodedata.normalize("NFKC", path)
    wrong = path_fault(plain) if plain != path else None
    if wrong is not None:
        return f"it holds full-width characters; {wrong.hint}"
    return f"it holds full-width characters: write `{plain}` with half-width ones"


def _origin(path: str) -> str | None:
    """The host of a whole address, which is no part of a request's path."""
    whole = _SCHEME.match(path) or _HOST.match(path)
    if whole is None:
        return None
    rest = re.split("[?#]", path[whole.end() :], maxsplit=1)[0]
    return f"write the path alone, without scheme and host: `/{rest.lstrip('/')}`"


def _beginning(path: str) -> str | None:
    written = _WITH_METHOD.fullmatch(path)
    if written is not None:
        return f"the method has a column of its own: write `{written['path'] or written['before']}`"
    if path.startswith("\\"):
        return _slashes(path)
    if path.startswith("/"):
        return None
    if path.upper() in _EVERY:
        return "a path begins with `/`: write `/*` for every path"
    meant = _SIGNS.sub("", re.sub("%2[Ff]", "/", path.removeprefix("./")), count=1)
    meant = "/" + meant.lstrip("~.!¬<").removesuffix(">").lstrip("/")
    if path[0] in "!¬":
        return f"there is no `not`: write a rule for each path that is meant, or a deny for `{meant}`"
    return f"a path begins with `/`: write `{meant}`"


def _slashes(path: str) -> str:
    meant = re.sub("/+", "/", path.replace("\\", "/"))
    return f"write `/`, not `\\`: `{(meant.rstrip('/') if path.endswith(chr(92)) else meant) or '/'}`"


def _behind_the_path(path: str) -> str | None:
    for sign, name in (("?", "the query"), ("#", "the fragment")):
        before, found, behind = path.partition(sign)
        if found and before == "/" and behind.lstrip("!").startswith("/"):
            return f"the path of a request has no `{sign}`: write `{behind.lstrip('!')}`"
        if found:
            return f"a path has no query and no fragment: delete {name}, and write `{before}`"
    return None


def _several_paths(path: str) -> str | None:
    """Two paths in one word, or the sign of a list behind one."""
    two = _TWO_PATHS.fullmatch(path)
    if two is not None:
        return f"two paths are two lines: write one for `{two['one']}` and one for `{two['other']}`"
    alone = _IN_A_LIST.fullmatch(path)
    return None if alone is None else f"delete what stands behind the path: `{alone['path']}`"


def _rest(path: str) -> str | None:
    if "\\" in path:
        return _slashes(path)
    escape = _ESCAPE.search(path)
    if escape is not None:
        if escape.group().upper() in {"%2F", "%5C"}:
            return f"`{escape.group()}` is refused in a request: write `/` where a segment ends"
        return f"paths are compared decoded: write the character that `{escape.group()}` stands for"
    if any(character.isspace() for character in path):
        return f"delete the space: `{''.join(path.split())}`; two paths are two lines"
    return None


def _segments(path: str) -> str | None:
    parts = path.split("/")[1:]
    if "" in parts[:-1]:
        return "one `/` stands between two segments: " + f"write `{re.sub('//+', '/', path)}`"
    if {".", ".."} & {*parts}:
        return f"write the path without `.` and `..`: `{_resolved(parts)}`"
    return None


def _resolved(parts: Iterable[str]) -> str:
    """The path of these segments as a browser would ask for it."""
    kept: list[str] = []
    for part in parts:
        if part == "..":
            del kept[-1:]
        elif part != ".":
            kept.append(part)
    return "/" + "/".join(kept)
