"""What the service answers besides the guard's refusals, in the same shape, and the errors that endpoints raise."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.http import validation
from rbac.guard import http
from rbac.guard.http import BEARER, HttpProblem, Wording, caller_language, instance_of
from rbac.guard.http.asgi import Response as PlainResponse
from rbac.guard.http.asgi import Scope
from rbac.guard.http.statuses import status_of
from rbac.guard.middleware import PRINCIPAL
from rbac.text.visible import visible

PROBLEMS: Mapping[str, Wording] = {
    **http.PROBLEMS,
    "bad_request": Wording(400, "The request could not be understood.", "リクエストを解釈できませんでした。"),
    "ambiguous_target": Wording(
        403,
        "The original request names its target in a way that servers read differently, so nothing is decided about it.",
        "元のリクエストの対象は、サーバーによって解釈が異なりうるため、認可判断を行いません。",
    ),
    "request_timeout": Wording(
        408, "The request did not come to its end in time.", "リクエストが制限時間内に完了しませんでした。"
    ),
    "payload_too_large": Wording(413, "The request body is too large.", "リクエストの本文が大きすぎます。"),
    "request_header_fields_too_large": Wording(
        431, "The request headers are too large.", "リクエストのヘッダーが大きすぎます。"
    ),
    "validation_failed": Wording(
        422,
        "The request does not have the form this endpoint needs.",
        "リクエストの形式がこのエンドポイントの要件を満たしていません。",
    ),
    "no_versions": Wording(
        404,
        "The document in force is kept in files, and has no versions: POLICY_STORE names no database.",
        "有効な文書はファイルにあり、バージョンがありません。POLICY_STORE はデータベースを指していません。",
    ),
    "publishing_off": Wording(
        404,
        "This service only reads versions: POLICY_PUBLISH_STORE names no role that publishes.",
        "このサービスはバージョンを読むだけです。POLICY_PUBLISH_STORE に公開用のロールがありません。",
    ),
    "version_missing": Wording(404, "There is no such version.", "そのバージョンはありません。"),
    "version_outdated": Wording(
        409,
        "Somebody published first: this began with a version that is not the newest any more.",
        "先に別の人が公開しました。元にしたバージョンはもう最新ではありません。",
    ),
    "policy_refused": Wording(
        422,
        "The document does not pass lint and its tests, so it is not published.",
        "文書が検査またはテストに合格しないため、公開されません。",
    ),
    "store_unavailable": Wording(
        503,
        "The database that keeps the versions does not answer as it should.",
        "バージョンを保管するデータベースが正しく応答しません。",
    ),
    "too_many_connections": Wording(
        503,
        "There are more connections than this service serves at once. Try again shortly.",
        "接続数が上限に達しています。しばらくしてから再試行してください。",
    ),
}


def problem(
    scope: Scope,
    code: str,
    *,
    detail: str = "",
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> PlainResponse:
    """The answer for ``code``, one of :data:`PROBLEMS`, in the caller's language."""
    return http.problem(scope, code, PROBLEMS[code], detail=detail, extra=extra, headers=headers)


class AnsweredError(Exception):
    """What an endpoint raises to answer with ``code``, one of :data:`PROBLEMS`, and the members ``extra``."""

    def __init__(
        self,
        code: str,
        *,
        detail: str = "",
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.extra = extra or {}
        self.headers = headers or {}


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
            headers |= BEARER.headers()
        return _starlette(_answer_of_endpoint(request.scope, error.status_code, error.detail, headers))

    async def invalid_request(request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise TypeError("this handler is for validation errors") from error
        language = caller_language(request.scope)
        faults = [
            {
                "loc": [str(step) for step in fault["loc"]],
                "msg": validation.message(fault["type"], fault["msg"], language),
                "type": fault["type"],
            }
            for fault in error.errors()
        ]
        return _starlette(problem(request.scope, "validation_failed", extra={"errors": faults}))

    async def answered(request: Request, error: Exception) -> Response:
        if not isinstance(error, AnsweredError):
            raise TypeError("this handler is for answers that endpoints raise") from error
        answer = problem(
            request.scope, error.code, detail=error.detail, extra=error.extra, headers=error.headers
        )
        return _starlette(answer)

    app.add_exception_handler(AnsweredError, answered)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, invalid_request)


def _starlette(plain: PlainResponse) -> Response:
    response = Response(plain.body, plain.status_code)
    response.raw_headers = plain.raw_headers
    return response


# Members that an endpoint's own words never replace.
_RESERVED = frozenset({"status", "instance", "request_id", "decision_id", "policy_revision"})


def _answer_of_endpoint(scope: Scope, status: int, said: Any, headers: Mapping[str, str]) -> PlainResponse:
    """The answer to an ``HTTPException``: the status's own code, and the words of whoever raised it.

    A text is the detail, a mapping gives members (its ``detail`` the detail), anything else the member ``errors``.
    """
    said = jsonable_encoder(said)
    own = status_of(status)
    language = caller_language(scope)
    if said in (None, "", {}, []) or said == _phrase(status):
        if status == HTTPStatus.UNAUTHORIZED and scope.get(PRINCIPAL) is None:
            return problem(scope, "authentication_required", headers=headers)
        return HttpProblem(
            own.code, status, own.sentence(language), language, instance_of(scope), headers=headers
        ).response()
    members = (
        said if isinstance(said, dict) else {"detail": said} if isinstance(said, str) else {"errors": said}
    )
    spoken = {name: value for name, value in members.items() if name not in _RESERVED}
    return HttpProblem(
        own.code, status, own.english, None, instance_of(scope), extra=spoken, headers=headers
    ).response()


def _phrase(status: int) -> str:
    """What Starlette says where nobody says anything."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def internal_error(scope: Scope, error: Exception, *, show_details: bool) -> PlainResponse:
    """The 500 for an error that nobody expected; what it was is shown only where ``show_details`` allows it."""
    extra = {"exception": visible(f"{type(error).__name__}: {error}")} if show_details else None
    return problem(scope, "internal_error", extra=extra)
