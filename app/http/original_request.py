"""The request that a proxy asks about: method, path and host, as its question names them."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.types import Scope

from rbac.guard.http.target import AmbiguousTargetError, readings_of

PREFIX = "/forward-auth"

# `PREFIX` in any spelling, before or behind other segments.
_LIKE_PREFIX = re.compile(rf"{PREFIX}(?:[/;]|\Z)", re.IGNORECASE)
# Methods are told apart by case, but some servers raise what they are sent.
_METHOD = re.compile(r"[A-Z]{1,32}(?:-[A-Z]{1,32})?\Z")
_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\Z")
_URL = re.compile(r"https?://(?P<host>[^/?#@]+)(?P<target>/.*)\Z", re.IGNORECASE)
_TARGET_HEADERS = (b"x-original-uri", b"x-forwarded-uri")
# The first is what ingress-nginx sends. Some servers serve what a client names in either, whatever it asks for.
_URL_HEADERS = (b"x-original-url", b"x-rewrite-url")
_METHOD_HEADERS = (b"x-original-method", b"x-forwarded-method")
_OVERRIDE_HEADERS = (b"x-http-method-override", b"x-http-method", b"x-method-override")
_HOST_HEADERS = (b"x-forwarded-host",)


@dataclass(frozen=True, slots=True)
class OriginalRequest:
    """What is asked about, in every way that the server behind the proxy may read it; the first of each is the plain one.

    ``host`` is in lower case and without its port, "" when the question names none.
    """

    methods: tuple[str, ...]
    paths: tuple[str, ...]
    host: str

    @classmethod
    def of(cls, scope: Scope, *, parameters: bool = False) -> "OriginalRequest":
        """Reads the question in ``scope``. Raises :class:`AmbiguousTargetError` in any doubt.

        ``parameters`` says whether a path may have parameters (``;name=value``).
        """
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        targets, hosts = _targets(scope)
        methods = _values(headers, _METHOD_HEADERS)
        hosts |= set(_values(headers, _HOST_HEADERS))
        if _behind(scope):  # path, method and host are the original request's own
            methods.append(scope.get("method", "GET"))
            own = _values(headers, (b"host",))
            if len(own) > 1:
                raise AmbiguousTargetError("several hosts")
            hosts.update(own)
        readings = {readings_of(target, parameters=parameters) for target in targets}
        if not readings or not methods:
            raise AmbiguousTargetError("no target" if not readings else "no method")
        if len(readings) > 1 or len(set(methods)) > 1 or len(hosts) > 1:
            raise AmbiguousTargetError("headers that disagree")
        overridden = (*methods[:1], *(text.upper() for text in _values(headers, _OVERRIDE_HEADERS)))
        return cls(_methods(overridden), readings.pop(), _host_name(hosts))


def is_like_prefix(path: str) -> bool:
    """Whether a decoded ``path`` has ``/forward-auth`` in it, however it is spelled and whatever stands before it."""
    text = unquote(path) if "%" in path else path
    # Most paths show at once that it is not in them.
    return PREFIX in text.lower() and _LIKE_PREFIX.search(text) is not None


def named_target(scope: Scope) -> str:
    """The path that a question names, as it was sent and without its query; "" where it does not name one."""
    try:
        targets, _ = _targets(scope)
    except AmbiguousTargetError:
        return ""
    paths = {target.partition("?")[0] for target in targets}
    return paths.pop() if len(paths) == 1 else ""


def _targets(scope: Scope) -> tuple[set[str], set[str]]:
    """The targets that the question names, and the hosts that stand before them."""
    headers = scope["headers"]
    behind = _behind(scope)
    targets = {*_values(headers, _TARGET_HEADERS), *([behind] if behind else [])}
    hosts = set()
    for text in _values(headers, _URL_HEADERS):
        url = _URL.match(text)
        targets.add(url["target"] if url else text)
        if url:
            hosts.add(url["host"])
    return targets, hosts


def _behind(scope: Scope) -> str:
    """What stands behind the prefix (Envoy puts the original path there), as it was sent."""
    raw: str = scope["raw_path"].decode("latin-1")
    root: str = scope.get("root_path", "")
    own = raw.removeprefix(root) if raw.removeprefix(root).startswith("/") else raw
    behind = own.removeprefix(PREFIX)
    if behind == own or (behind and not behind.startswith("/")):
        raise AmbiguousTargetError(f"another spelling of {PREFIX}")
    return behind


def _values(headers: list[tuple[bytes, bytes]], names: tuple[bytes, ...]) -> list[str]:
    return [value.decode("latin-1") for name, value in headers if name in names]


def _methods(named: tuple[str, ...]) -> tuple[str, ...]:
    if not all(map(_METHOD.match, named)):
        raise AmbiguousTargetError("not a method")
    return tuple(dict.fromkeys("GET" if method == "HEAD" else method for method in named))


def _host_name(hosts: set[str]) -> str:
    if not hosts:
        return ""
    match = _HOST.match(hosts.pop())
    if match is None:
        raise AmbiguousTargetError("not a host")
    return match["name"].lower().removesuffix(".")
