"""The applications that are compared. All answer the same endpoint in the same words; they differ in who may ask.

The caller's role is ``billing-0-admin``; the rule that admits is one of ``billing-0-viewer``, two links away, for a
path pattern.
"""

import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import casbin
from fastapi import Depends, FastAPI, HTTPException, Request
from jose import jwt
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError, SimpleUser
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from benchmarks.service.issuer import CLIENT, ISSUER, POOL, REGION
from benchmarks.workload import MODEL

ROLE = "billing-0-admin"
TEMPLATE = "/billing-0/v1/invoices/{number}"
PATH = "/billing-0/v1/invoices/000042"


@dataclass(frozen=True)
class Setup:
    """What an application is made from."""

    issuer: str
    policy: Path
    scratch: Path
    decision_log: str


class Invoice(BaseModel):
    """What the endpoint answers with."""

    number: str
    currency: str
    total: int


async def invoice(number: str) -> Invoice:
    """The endpoint itself, the same function in every FastAPI application."""
    return Invoice(number=number, currency="EUR", total=4_200)


def plain(_: Setup) -> ASGIApp:
    """FastAPI with no authorization: what every figure is divided by."""
    return _with_endpoint(FastAPI())


def plain_without_telemetry(_: Setup) -> ASGIApp:
    """The same without FastAPI's own telemetry, which our service does not have either."""
    return _with_endpoint(FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False}))


def starlette(_: Setup) -> ASGIApp:
    """Starlette with no authorization and no models."""

    async def answer(request: Request) -> JSONResponse:
        return JSONResponse({"number": request.path_params["number"], "currency": "EUR", "total": 4_200})

    return Starlette(routes=[Route(TEMPLATE, answer)])


def sekisho(setup: Setup) -> ASGIApp:
    """The service as it is, with one more endpoint.

    ``ENVIRONMENT=development`` only because a key set on 127.0.0.1 is not https; everything that production does
    differently on a request's path is set as production sets it.
    """
    return _with_endpoint(_service(setup, POLICY_MODEL=str(MODEL), POLICY_FILE=str(setup.policy)))


def sekisho_without_log(setup: Setup) -> ASGIApp:
    """The same with ``DECISION_LOG=off``: decisions are counted, and the newest kept in memory, as always."""
    return sekisho(replace(setup, decision_log="off"))


def decision_point(setup: Setup) -> ASGIApp:
    """The service as it is shipped, which decides for other programs by a document of theirs."""
    return _service(
        setup,
        POLICY_MODEL=str(MODEL),
        POLICY_FILE=str(MODEL.with_name("policy.csv")),
        PDP_MODEL=str(MODEL),
        PDP_POLICY=str(setup.policy),
    )


def _with_endpoint(app: FastAPI) -> FastAPI:
    """The endpoint in the first place of the table, so that every router finds it at its first look."""
    app.get(TEMPLATE)(invoice)
    app.router.routes.insert(0, app.router.routes.pop())
    return app


def _service(setup: Setup, **settings: str) -> FastAPI:
    """At production's settings, but for what a key set on 127.0.0.1 does not let be."""
    from app.config import load_settings
    from app.main import create_app

    environ = {
        "ENVIRONMENT": "development",
        "DEBUG": "false",
        "LOG_LEVEL": "WARNING",
        "LOG_FORMAT": "json",
        "EXPLAIN_DENIALS": "false",
        "POLICY_GATE": "lint",
        "DECISION_LOG": setup.decision_log,
        "COGNITO_USER_POOL_ID": POOL,
        "COGNITO_REGION": REGION,
        "COGNITO_APP_CLIENT_ID": CLIENT,
        "COGNITO_ENDPOINT_URL": setup.issuer,
    }
    return create_app(load_settings(setup.scratch, environ | settings))


def cloudauth(setup: Setup) -> ASGIApp:
    """fastapi-cloudauth, and ``if`` the role is the right one."""
    current_user = _current_user(setup)

    async def admitted(user: Annotated[Any, Depends(current_user)]) -> None:
        if user.role != ROLE:
            raise HTTPException(403)

    return _guarded(admitted)


def cloudauth_casbin(setup: Setup) -> ASGIApp:
    """fastapi-cloudauth, and stock Casbin on the same model and policy as ours."""
    current_user = _current_user(setup)
    enforcer = casbin.Enforcer(str(MODEL), str(setup.policy))

    async def admitted(request: Request, user: Annotated[Any, Depends(current_user)]) -> None:
        if not enforcer.enforce(user.sub, user.role, request.url.path, request.method):
            raise HTTPException(403)

    return _guarded(admitted)


def fastapi_authz(setup: Setup) -> ASGIApp:
    """fastapi-authz: a Casbin middleware behind Starlette's authentication middleware.

    It asks with three words, so the model is ours without ``sub``, and the caller is known by the role. The token is
    verified as fastapi-cloudauth verifies it.
    """
    middleware = import_module("fastapi_authz").CasbinMiddleware
    verifier = _current_user(setup).verifier
    bearer = import_module("fastapi.security").HTTPAuthorizationCredentials

    class Verified(AuthenticationBackend):
        async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser]:
            scheme, _, token = conn.headers.get("authorization", "").partition(" ")
            try:
                await verifier.verify_token(bearer(scheme=scheme, credentials=token))
            except (HTTPException, ValueError) as error:
                raise AuthenticationError("invalid token") from error
            return AuthCredentials(), SimpleUser(jwt.get_unverified_claims(token)["custom:role"])

    text = MODEL.read_text(encoding="utf-8")
    text = text.replace("r = sub, role, obj, act", "r = sub, obj, act")
    text = text.replace("g(r.role, p.role) || g(r.sub, p.role)", "g(r.sub, p.role)")
    three_words = setup.scratch / "three-words.conf"
    three_words.write_text(text, encoding="utf-8")
    app = _with_endpoint(FastAPI())
    app.add_middleware(middleware, enforcer=casbin.Enforcer(str(three_words), str(setup.policy)))
    app.add_middleware(AuthenticationMiddleware, backend=Verified())
    return app


APPS: dict[str, Callable[[Setup], ASGIApp]] = {
    "plain": plain,
    "plain-without-telemetry": plain_without_telemetry,
    "starlette": starlette,
    "sekisho": sekisho,
    "sekisho-without-log": sekisho_without_log,
    "decision-point": decision_point,
    "cloudauth": cloudauth,
    "cloudauth-casbin": cloudauth_casbin,
    "fastapi-authz": fastapi_authz,
}


def _guarded(admitted: Callable[..., Awaitable[None]]) -> FastAPI:
    app = FastAPI()
    app.get(TEMPLATE, dependencies=[Depends(admitted)])(invoice)
    app.router.routes.insert(0, app.router.routes.pop())
    return app


def _current_user(setup: Setup) -> Any:
    """fastapi-cloudauth's verification of a Cognito ID token as shipped, but for where the keys are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports pydantic's version 1 names
        shipped = import_module("fastapi_cloudauth.cognito")
        base = import_module("fastapi_cloudauth.base")

    class Caller(BaseModel):
        sub: str
        role: str = Field(alias="custom:role")

    return base.UserInfoAuth(
        shipped.JWKS(url=f"{setup.issuer}/{POOL}/.well-known/jwks.json"),
        user_info=Caller,
        audience=CLIENT,
        issuer=ISSUER,
        extra=shipped.CognitoExtraVerifier(client_id=CLIENT, issuer=ISSUER, token_use={"id"}),
    )
