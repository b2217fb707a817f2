"""Every error answer of the service, in one shape: RFC 9457 ``application/problem+json``, mapped to HTTP here alone.

Besides the members of the standard a problem carries ``error``, a stable code that programs may branch on,
``request_id``, and what the raiser adds (on a 403 ``decision_id`` and ``policy_revision``). A 401 carries an RFC 6750
challenge.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from app import validation
from app.language import Language, preferred_language
from app.request_id import request_id_var
from app.statuses import status_of

REALM = "sekisho"
MEDIA_TYPE = "application/problem+json"

# In a scope: the path that an answer is about, where that is not the request's own.
INSTANCE = "sekisho.instance"


# Stable code -> (status, English, Japanese). The codes are part of the interface; the sentences are not.
class Wording(NamedTuple):
    """What a code means: its HTTP status, and a sentence in each language."""

    status: int
    english: str
    japanese: str


PROBLEMS: Mapping[str, Wording] = {
    "invalid_path": Wording(
        400,
        "The request path holds a character that no path may hold.",
        "リクエストのパスに使用できない文字が含まれています。",
    ),
    "invalid_host": Wording(
        400,
        "A request names its host in one Host header, no less and no more.",
        "リクエストのホストは、ちょうど一つのHostヘッダーで指定する必要があります。",
    ),
    "bad_request": Wording(400, "The request could not be understood.", "リクエストを解釈できませんでした。"),
    "authentication_required": Wording(
        401,
        "This needs a bearer token, and none was sent.",
        "この操作にはベアラートークンが必要ですが、送信されていません。",
    ),
    "invalid_token": Wording(
        401,
        "The bearer token was not accepted.",
        "ベアラートークンが受け付けられませんでした。",
    ),
    "access_denied": Wording(
        403,
        "The token is valid, but the policy does not allow this.",
        "トークンは有効ですが、ポリシーはこの操作を許可していません。",
    ),
    "ambiguous_target": Wording(
        403,
        "The original request names its target in a way that servers read differently, so nothing is decided about it.",
        "元のリクエストの対象は、サーバーによって解釈が異なりうるため、認可判断を行いません。",
    ),
    "request_timeout": Wording(
        408, "The request did not come to its end in time.", "リクエストが制限時間内に完了しませんでした。"
    ),
    "payload_too_large": Wording(413, "The request body is too large.", "リクエストの本文が大きすぎます。"),
    "uri_too_long": Wording(414, "The request target is too long.", "リクエストの対象が長すぎます。"),
    "request_header_fields_too_large": Wording(
        431, "The request headers are too large.", "リクエストのヘッダーが大きすぎます。"
    ),
    "validation_failed": Wording(
        422,
        "The request does not have the form this endpoint needs.",
        "リクエストの形式がこのエンドポイントの要件を満たしていません。",
    ),
    "internal_error": Wording(
        500,
        "Something went wrong on our side. The request id finds it in our logs.",
        "サーバー側で問題が発生しました。リクエストIDでログを調べることができます。",
    ),
    "too_many_connections": Wording(
        503,
        "There are more connections than this service serves at once. Try again shortly.",
        "接続数が上限に達しています。しばらくしてから再試行してください。",
    ),
    "decision_log_unavailable": Wording(
        503,
        "Decisions cannot be recorded at the moment, and none is answered without a record. Try again shortly.",
        "現在、認可判断を記録できないため応答できません。しばらくしてから再試行してください。",
    ),
    "keys_unavailable": Wording(
        503,
        "Tokens cannot be checked at the moment, because the issuer's keys are out of reach. Try again shortly.",
        "発行者の公開鍵を取得できないため、現在トークンを検証できません。しばらくしてから再試行してください。",
    ),
}


@dataclass(frozen=True, slots=True)
class Problem:
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
        spoken = {} if self.language is None else {"Content-Language": self.language}
        return Response(_json(body), self.status, {**_HEADERS, **spoken, **self.headers}, MEDIA_TYPE)


def _json(body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # half a surrogate pair, which JSON can escape and UTF-8 cannot hold
        return json.dumps(body).encode("ascii")


# Whoever opens a problem as a page is to see text, in no frame, and nothing in between is to keep it.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Vary": "Accept-Language",
    "X-Content-Type-Options": "nosniff",
}


def problem(
    scope: Scope,
    code: str,
    *,
    detail: str = "",
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer for ``code`` in the caller's language. ``detail`` follows the code's own sentence where that is English."""
    wording = PROBLEMS[code]
    language = _language(scope)
    sentence = wording.japanese if language == "ja" else f"{wording.english} {detail}".rstrip()
    return Problem(
        code=code,
        status=wording.status,
        detail=sentence,
        language=language,
        instance=_instance(scope),
        extra=extra or {},
        headers=headers or {},
    ).response()


def challenge(code: str | None = None, description: str = "") -> dict[str, str]:
    """The ``WWW-Authenticate`` header of RFC 6750, section 3: no error attribute when there were no credentials."""
    value = f'Bearer realm="{REALM}"'
    if code is not None:
        value += f', error="{code}", error_description="{description}"'
    return {"WWW-Authenticate": value}


def printable(text: str) -> str:
    """``text`` with every character that UTF-8 or a log line could choke on written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


_BEYOND_HTTP = 600  # RFC 9110, section 15: the first digit is 1 to 5, and 1 is no answer yet


def install(app: FastAPI) -> None:
    """Answers every error that routing and endpoints raise on purpose as a problem."""

    async def http_error(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise TypeError("this handler is for HTTP errors") from error
        if not HTTPStatus.OK <= error.status_code < _BEYOND_HTTP:
            raise ValueError(f"{error.status_code} is no status of an answer") from error
        if error.status_code < HTTPStatus.BAD_REQUEST:
            return Response(status_code=error.status_code, headers=error.headers)
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.UNAUTHORIZED and "www-authenticate" not in map(str.lower, headers):
            headers |= challenge()
        return _answer_of_endpoint(request.scope, error.status_code, error.detail, headers)

    async def invalid_request(request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise TypeError("this handler is for validation errors") from error
        language = _language(request.scope)
        faults = [
            {
                "loc": [str(step) for step in fault["loc"]],
                "msg": validation.message(fault["type"], fault["msg"], language),
                "type": fault["type"],
            }
            for fault in error.errors()
        ]
        return problem(request.scope, "validation_failed", extra={"errors": faults})

    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, invalid_request)


# Members that an endpoint's own words never replace.
_RESERVED = frozenset({"status", "instance", "request_id", "decision_id", "policy_revision"})


def _answer_of_endpoint(scope: Scope, status: int, said: Any, headers: Mapping[str, str]) -> Response:
    """The answer to an ``HTTPException``: the status's own code, and the words of whoever raised it.

    A text is the detail, a mapping gives members (its ``detail`` the detail), anything else the member ``errors``.
    """
    said = jsonable_encoder(said)
    own = status_of(status)
    language = _language(scope)
    if said in (None, "", {}, []) or said == _phrase(status):
        if status == HTTPStatus.UNAUTHORIZED and scope.get("sekisho.principal") is None:
            return problem(scope, "authentication_required", headers=headers)
        return Problem(
            own.code, status, own.sentence(language), language, _instance(scope), headers=headers
        ).response()
    members = (
        said if isinstance(said, dict) else {"detail": said} if isinstance(said, str) else {"errors": said}
    )
    spoken = {name: value for name, value in members.items() if name not in _RESERVED}
    return Problem(
        own.code, status, own.english, None, _instance(scope), extra=spoken, headers=headers
    ).response()


def _phrase(status: int) -> str:
    """What Starlette says where nobody says anything."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def internal_error(scope: Scope, error: Exception, *, show_details: bool) -> Response:
    """The 500 for an error that nobody expected; what it was is shown only where ``show_details`` allows it."""
    extra = {"exception": printable(f"{type(error).__name__}: {error}")} if show_details else None
    return problem(scope, "internal_error", extra=extra)


def _language(scope: Scope) -> Language:
    return preferred_language(_header(scope, b"accept-language"))


def _instance(scope: Scope) -> str:
    return printable(scope.get(INSTANCE) or scope["path"])


def _header(scope: Scope, name: bytes) -> str:
    for key, value in scope.get("headers", ()):
        if key == name:
            return bytes(value).decode("latin-1")
    return ""
