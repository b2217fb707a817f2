"""An error answer in the shape of RFC 9457, ``application/problem+json``, as plain ASGI.

Besides the members of the standard a problem carries ``error``, a stable code that programs may branch on,
``request_id``, and what the raiser adds (on a 403 ``decision_id`` and ``policy_revision``). A 401 carries a
challenge.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from rbac.guard.http.asgi import Response, Scope, header
from rbac.guard.http.language import Language, preferred_language
from rbac.guard.http.request_id import request_id_var
from rbac.guard.http.statuses import status_of
from rbac.guard.http.wordings import PROBLEMS, Wording
from rbac.text.visible import visible

MEDIA_TYPE = "application/problem+json"

# In a scope: the path that an answer is about, where that is not the request's own.
INSTANCE = "sekisho.instance"


@dataclass(frozen=True, slots=True)
class HttpProblem:
    """One error answer. ``extra`` holds extension members; ``language`` is ``None`` for words that are an endpoint's own."""

    code: str
    status: int
    detail: str
    language: Language | None
    instance: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """The answer that carries this problem."""
        body = {
            "type": f"urn:sekisho:problem:{self.code.replace('_', '-')}",
            "title": status_of(self.status).title(self.language or "en"),
            "status": self.status,
            "detail": self.detail,
            "instance": self.instance,
            "error": self.code,
            "request_id": request_id_var.get(),
            **self.extra,
        }
        content = _json(body)
        headers = [*_HEADERS, (b"content-length", str(len(content)).encode("ascii"))]
        if self.language is not None:
            headers.append(_SPOKEN[self.language])
        headers += [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()
        ]
        return Response(self.status, headers, content)


def _json(body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # half a surrogate pair, which JSON can escape and UTF-8 cannot hold
        return json.dumps(body).encode("ascii")


# Whoever opens a problem as a page is to see text, in no frame, and nothing in between is to keep it.
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"content-type", MEDIA_TYPE.encode("ascii")),
    (b"vary", b"Accept-Language"),
    (b"x-content-type-options", b"nosniff"),
)
_SPOKEN: Mapping[Language, tuple[bytes, bytes]] = {
    "en": (b"content-language", b"en"),
    "ja": (b"content-language", b"ja"),
}


def problem(
    scope: Scope,
    code: str,
    wording: Wording | None = None,
    *,
    detail: str = "",
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer for ``code`` in the caller's language. ``detail`` follows the code's own sentence where that is English.

    ``wording`` is what a code means that is not one of the guard's own.
    """
    wording = wording or PROBLEMS[code]
    language = caller_language(scope)
    sentence = wording.japanese if language == "ja" else f"{wording.english} {detail}".rstrip()
    return HttpProblem(
        code=code,
        status=wording.status,
        detail=sentence,
        language=language,
        instance=instance_of(scope),
        extra=extra or {},
        headers=headers or {},
    ).response()


def caller_language(scope: Scope) -> Language:
    """The language that whoever sent the request prefers."""
    return preferred_language(header(scope, b"accept-language"))


def instance_of(scope: Scope) -> str:
    """The path that an answer is about, as text that any reader can bear."""
    return visible(scope.get(INSTANCE) or scope["path"])
