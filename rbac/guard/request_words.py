"""How a request becomes the words that a model asks with: a text such as ``sub=claims.sub, role=roles``, made a function.

``sub=claims.sub, role=roles, obj=path, act=method`` is the usual one. The other sources are ``claims.<name>``, ``host``
and ``client_ip``. A value that a request does not have is "": no rule that names something meets it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any, ClassVar

import orjson

from rbac.document.names import is_of_access_token
from rbac.errors import RbacError, RequestError
from rbac.guard.http.asgi import Scope
from rbac.guard.http.target import method_asked, path_asked
from rbac.guard.identity.errors import InvalidToken
from rbac.guard.identity.principal import Principal, claim_at
from rbac.model.request_shape import check_words
from rbac.policy import Policy
from rbac.text.wording import quoted

USUAL = "sub=claims.sub, role=roles, obj=path, act=method"

# (path, method, scope, principal) -> the words
WordsReader = Callable[[str, str, Scope, Principal | None], tuple[str, ...]]

_CLAIM = "claims."


class RequestWordsError(RbacError, ValueError):
    """A mapping that does not fit: an unknown source, a word mapped twice, or words that are not the model's."""

    code: ClassVar[str] = "request_words"


class InvalidHost(RbacError, ValueError):  # noqa: N818 - what the answer calls it
    """A request with more than one `Host`: which of them another server goes by is not known."""

    code: ClassVar[str] = "invalid_host"


@dataclass(frozen=True, slots=True)
class RequestWords:
    """Reads a model's words from a request: ``read(path, method, scope, principal)`` gives them in the model's order.

    ``role_index`` is the place of the word that the caller's roles fill, ``None`` when no word takes them. What is read
    there is the caller's only role, "" when there is none or more than one. ``path_word`` is filled by the path.
    ``unfilled`` are the words that nothing fills, which whoever asks has to give; they are read as "". ``of_request``
    are filled by the request and not by its caller. ``decides``: a request by itself is a question, and nobody has to ask.
    """

    words: tuple[str, ...]
    read: WordsReader
    role_index: int | None
    path_word: str | None
    unfilled: frozenset[str] = frozenset()
    of_request: frozenset[str] = frozenset()
    decides: bool = True

    @classmethod
    def parse(cls, mapping: str, model_words: Sequence[str], *, partly: bool = False) -> "RequestWords":
        """The reader for ``mapping`` (``word=source, …``).

        Raises :class:`RequestWordsError` unless it fills exactly ``model_words``, or ``partly`` some of them.
        """
        return cls._of(dict(_pairs(mapping)), model_words, partly=partly)

    @classmethod
    def of_callers(cls, policy: Policy) -> "RequestWords":
        """The reader that fills the words that say who asks, and leaves all others to whoever asks."""
        shape = policy.document.definition.shape
        sources = {} if shape.role is None else {shape.role: "roles"}
        sources |= {} if shape.sub is None else {shape.sub: "claims.sub"}
        return replace(cls._of(sources, policy.words, partly=True), decides=False)

    @classmethod
    def _of(cls, sources: Mapping[str, str], model_words: Sequence[str], *, partly: bool) -> "RequestWords":
        missing = [word for word in model_words if word not in sources]
        unknown = [word for word in sources if word not in model_words]
        if unknown or (missing and not partly):
            faults = [f"`{word}` of the model is not mapped" for word in missing if not partly]
            faults += [f"`{word}` is mapped, but the model has no such word" for word in unknown]
            raise RequestWordsError("; ".join(faults))
        by_role = [index for index, word in enumerate(model_words) if sources.get(word) == "roles"]
        if len(by_role) > 1:
            raise RequestWordsError("only one word can be filled from `roles`")
        filled = [sources.get(word) for word in model_words]
        at_once = len(filled) > 1 and set(filled).issubset(_READ_AT_ONCE)
        read = _reader_at_once if at_once else _reader
        return cls(
            tuple(model_words),
            read(filled),
            by_role[0] if by_role else None,
            next((word for word in model_words if sources.get(word) == "path"), None),
            frozenset(missing),
            frozenset(word for word, source in sources.items() if source in _OF_REQUEST),
            not missing,
        )

    def filled(
        self, given: Mapping[str, str], scope: Scope | None, principal: Principal | None
    ) -> tuple[tuple[str, ...], int | None]:
        """The words of a question of an endpoint's own, and the place that several roles fill.

        ``given`` goes before what is mapped. Without a ``scope`` there is no request, so its words have to be given,
        too. Raises :class:`rbac.RequestError` for a word that is missing, unknown or no text.
        """
        self.check(given, in_request=scope is not None)
        path = method = ""
        if scope is not None:
            path, method = path_asked(scope), method_asked(scope)
        read = self.read(path, method, scope if scope is not None else _NO_REQUEST, principal)
        words = tuple(given.get(word, value) for word, value in zip(self.words, read, strict=True))
        place = self.role_index
        return words, None if place is not None and self.words[place] in given else place

    def check(self, given: Mapping[str, str], *, in_request: bool = True) -> None:
        """Raises :class:`rbac.RequestError` where ``given`` words do not make this model's question whole."""
        check_words(given, self.words)
        for word, value in given.items():
            if not isinstance(value, str):
                raise RequestError(f"`{word}` must be a text, and is {type(value).__name__}")
        wanted = self.unfilled if in_request else self.unfilled | self.of_request
        missing = [word for word in self.words if word in wanted and word not in given]
        if missing:
            raise RequestError(f"nothing fills {quoted(missing)} of the model's request: it has to be given")


_NO_REQUEST: Scope = {"headers": ()}


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


def _reader(sources: Sequence[str | None]) -> WordsReader:
    """A function that puts each value in its places. It is called for every request: one call a word would be most of
    what it costs."""
    wanted = _places(sources)
    nothing = [""] * len(sources)
    subs, roles = wanted.pop("claims.sub", []), wanted.pop("roles", [])
    paths, methods = wanted.pop("path", []), wanted.pop("method", [])
    of_scope = [(place, _OF_SCOPE[name]) for name in _OF_SCOPE for place in wanted.pop(name, [])]
    claims = [(place, source.removeprefix(_CLAIM)) for source, places in wanted.items() for place in places]

    def read(path: str, method: str, scope: Scope, principal: Principal | None) -> tuple[str, ...]:
        words = nothing.copy()
        for place in paths:
            words[place] = path
        for place in methods:
            words[place] = method
        for place, source in of_scope:
            words[place] = source(scope)
        if principal is not None:
            for place in subs:
                words[place] = principal.sub
            if len(principal.roles) == 1:
                for place in roles:
                    words[place] = principal.roles[0]
            for place, name in claims:
                words[place] = _claim_text(claim_at(principal.claims, name))
        return tuple(words)

    return read


_READ_AT_ONCE = ("claims.sub", "roles", "path", "method", None)


def _reader_at_once(sources: Sequence[str | None]) -> WordsReader:
    """The same for at least two of :data:`_READ_AT_ONCE`: the values, put in order in one call."""
    ordered: Callable[[tuple[str, ...]], tuple[str, ...]] = itemgetter(*map(_READ_AT_ONCE.index, sources))

    def read(path: str, method: str, _: Scope, principal: Principal | None) -> tuple[str, ...]:
        if principal is None:
            return ordered(("", "", path, method, ""))
        roles = principal.roles
        return ordered((principal.sub, roles[0] if len(roles) == 1 else "", path, method, ""))

    return read


def _places(sources: Sequence[str | None]) -> dict[str, list[int]]:
    """The places that each source fills. Raises :class:`RequestWordsError` for one that is none."""
    places: dict[str, list[int]] = {}
    for place, source in enumerate(sources):
        if source is None:
            continue
        if source not in _SOURCES and (not source.startswith(_CLAIM) or source == _CLAIM):
            names = quoted(each for each in _SOURCES if not each.startswith(_CLAIM))
            raise RequestWordsError(f"`{source}` is no source; there are {names} and `claims.<name>`")
        places.setdefault(source, []).append(place)
    return places


def _claim_text(value: Any) -> str:
    """A claim as a word: a string as it is, true and numbers as their JSON text, anything else is no value.

    Raises :class:`InvalidToken` for a text that only an access token brings, and not in a claim.
    """
    if isinstance(value, str):
        if is_of_access_token(value):  # a word for rules, which no claim can give
            raise InvalidToken("bad_claim")
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


_OF_SCOPE: Mapping[str, Callable[[Scope], str]] = {"host": host_name, "client_ip": client_ip}
_OF_REQUEST = frozenset({"path", "method", *_OF_SCOPE})
_SOURCES = ("claims.sub", "roles", "path", "method", *_OF_SCOPE)
