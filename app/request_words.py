"""How a request becomes the words that a model asks with: the ``POLICY_REQUEST`` setting, made into one function.

``sub=claims.sub, role=roles, obj=path, act=method`` is the default. The other sources are ``claims.<name>``, ``host``
and ``client_ip``. A value that a request does not have is "": no rule that names something meets it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.types import Scope

from app.auth.principal import Principal

# (path, method, scope, principal) -> the words
Reader = Callable[[str, str, Scope, Principal | None], tuple[str, ...]]

_CLAIM = "claims."


class RequestWordsError(ValueError):
    """A mapping that does not fit: an unknown source, a word mapped twice, or words that are not the model's."""

    code = "request_words"


class InvalidHost(ValueError):  # noqa: N818 - what the answer calls it
    """A request with more than one `Host`: which of them another server goes by is not known."""

    code = "invalid_host"


@dataclass(frozen=True, slots=True)
class RequestWords:
    """Reads a model's words from a request: ``read(path, method, scope, principal)`` gives them in the model's order.

    ``role_index`` is the place of the word that the caller's roles fill, ``None`` when no word takes them. What is read
    there is the caller's only role, "" when there is none or more than one. ``path_word`` is filled by the path.
    """

    words: tuple[str, ...]
    read: Reader
    role_index: int | None
    path_word: str | None

    @classmethod
    def parse(cls, mapping: str, model_words: Sequence[str]) -> "RequestWords":
        """The reader for ``mapping`` (``word=source, …``).

        Raises :class:`RequestWordsError` unless it fills exactly ``model_words``.
        """
        sources = dict(_pairs(mapping))
        missing = [word for word in model_words if word not in sources]
        unknown = [word for word in sources if word not in model_words]
        if missing or unknown:
            faults = [f"`{word}` of the model is not mapped" for word in missing]
            faults += [f"`{word}` is mapped, but the model has no such word" for word in unknown]
            raise RequestWordsError("; ".join(faults))
        by_role = [index for index, word in enumerate(model_words) if sources[word] == "roles"]
        if len(by_role) > 1:
            raise RequestWordsError("only one word can be filled from `roles`")
        read = _reader([sources[word] for word in model_words])
        by_path = next((word for word in model_words if sources[word] == "path"), None)
        return cls(tuple(model_words), read, by_role[0] if by_role else None, by_path)


def _pairs(mapping: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for part in mapping.split(","):
        word, equals, source = (piece.strip() for piece in part.partition("="))
        if not word or not equals or not source:
            raise RequestWordsError(f"`{part.strip()}` is not of the form word=source")
        if any(word == known for known, _ in pairs):
            raise RequestWordsError(f"`{word}` is mapped twice")
        pairs.append((word, source))
    return pairs


def _reader(sources: Sequence[str]) -> Reader:
    """One function for all the words: it is called for every request, and a call a word would be most of its cost."""
    names: dict[str, object] = {"host_name": host_name, "client_ip": client_ip, "claim": _claim}
    parts = []
    for place, source in enumerate(sources):
        if source.startswith(_CLAIM) and source not in {_CLAIM, "claims.sub"}:
            names[f"name{place}"] = source.removeprefix(_CLAIM)
            parts.append(f"claim(principal, name{place})")
        elif source in _SOURCES:
            parts.append(_SOURCES[source])
        else:
            known = ", ".join(f"`{name}`" for name in _SOURCES if not name.startswith(_CLAIM))
            raise RequestWordsError(f"`{source}` is no source; there are {known} and `claims.<name>`")
    text = f"lambda path, method, scope, principal: ({''.join(f'{part}, ' for part in parts)})"
    read: Reader = eval(text, names)  # noqa: S307 - made of the fixed texts above alone; a claim's name is a value
    return read


def _claim(principal: Principal | None, name: str) -> str:
    return "" if principal is None else _claim_text(principal.claims.get(name))


def _claim_text(value: Any) -> str:
    """A claim as a word: a string as it is, true and numbers as their JSON text, anything else is no value."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return orjson.dumps(value).decode("ascii")
    return ""


def host_name(scope: Scope) -> str:
    """The host that a request names, in lower case, without its port and a closing dot; "" when it names none.

    Raises :class:`InvalidHost` for a request that names one twice, also the same one.
    """
    hosts = [value for key, value in scope["headers"] if key == b"host"]
    if not hosts:
        return ""
    if len(hosts) > 1:
        raise InvalidHost
    name: str = hosts[0].decode("latin-1").lower()
    bracket, colon = name.rfind("]"), name.rfind(":")
    return (name[:colon] if colon > bracket else name).removesuffix(".")


def client_ip(scope: Scope) -> str:
    """The address that a request came from, as the server saw it; "" when it is unknown."""
    client = scope.get("client")
    return str(client[0]) if client else ""


# Each in Python, of the words that :data:`Reader` is called with and the functions above.
_SOURCES = {
    "claims.sub": '("" if principal is None else principal.sub)',
    "roles": '(principal.roles[0] if principal is not None and len(principal.roles) == 1 else "")',
    "path": "path",
    "method": "method",
    "host": "host_name(scope)",
    "client_ip": "client_ip(scope)",
}
