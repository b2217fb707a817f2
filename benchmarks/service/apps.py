"""The applications that are compared. All answer the same endpoint in the same words; they differ in who may ask.

The caller's role is ``billing-0-admin``; the rule that admits is one of ``billing-0-viewer``, two links away, for a
path pattern.
"""

import json
import random
import re
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import casbin
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
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
HUNDRED = {f"/api-{router}": [("GET", f"/{each}/{{number}}") for each in range(10)] for router in range(10)}
GITHUB = Path(__file__).parents[2] / "tests" / "data" / "github" / "routes.json"
PATH = "/billing-0/v1/invoices/000042"
FIRST_TEMPLATE = "/billing-0/v1/notes/{number}"
FIRST_PATH = "/billing-0/v1/notes/000042"
"""Of an endpoint that stands before all others, in an application that has the usual one at its end as well."""
_PLACE = re.compile(r"\{[^}]*\}")


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


async def operation(request: Request) -> Invoice:
    """The same for paths that name other things: the last word of the path is the number."""
    return Invoice(number=request.url.path.rpartition("/")[2], currency="EUR", total=4_200)


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


def sekisho(setup: Setup) -> FastAPI:
    """The service as it is, with one more endpoint.

    ``ENVIRONMENT=development`` only because a key set on 127.0.0.1 is not https; everything that production does
    differently on a request's path is set as production sets it.
    """
    return _with_endpoint(_service(setup, POLICY_MODEL=str(MODEL), POLICY_FILE=str(setup.policy)))


def sekisho_first(setup: Setup) -> ASGIApp:
    """The service, with one more endpoint before all others: two processes would differ in more than a place."""
    app = sekisho(setup)
    app.get(FIRST_TEMPLATE)(invoice)
    app.router.routes.insert(0, app.router.routes.pop())
    return app


def plain_hundred(_: Setup) -> ASGIApp:
    """FastAPI with no authorization and a hundred routes: ten routers, ten endpoints each."""
    return _with_routers(FastAPI(), HUNDRED)


def sekisho_hundred(setup: Setup) -> ASGIApp:
    """The service with the same."""
    return _with_routers(_service(setup, POLICY_MODEL=str(MODEL), POLICY_FILE=str(setup.policy)), HUNDRED)


def plain_github(_: Setup) -> ASGIApp:
    """FastAPI with no authorization and the 1,015 routes of GitHub's API, a router for each first word of a path."""
    return _with_routers(FastAPI(), _github())


def sekisho_github(setup: Setup) -> ASGIApp:
    """The service with the same."""
    return _with_routers(_service(setup, POLICY_MODEL=str(MODEL), POLICY_FILE=str(setup.policy)), _github())


def _github() -> dict[str, list[tuple[str, str]]]:
    routers: dict[str, list[tuple[str, str]]] = {}
    for each in json.loads(GITHUB.read_text(encoding="utf-8")):
        # No dash is in the name of a parameter.
        path = _PLACE.sub(lambda place: place[0].replace("-", "_"), each["path"])
        _, first, *rest = path.split("/")
        prefix, path = (
            (f"/github/{first}", "".join(f"/{text}" for text in rest)) if first else ("/github", "/")
        )
        routers.setdefault(prefix, []).append((each["method"], path))
    return routers


def _with_routers(app: FastAPI, routers: Mapping[str, Sequence[tuple[str, str]]]) -> FastAPI:
    for prefix, routes in routers.items():
        router = APIRouter()
        for method, path in routes:
            router.add_api_route(path, invoice if "{number}" in path else operation, methods=[method])
        app.include_router(router, prefix=prefix)
    return app


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
    """The endpoint where a user's stands: behind all that the application has of its own."""
    app.get(TEMPLATE)(invoice)
    return app


def _service(setup: Setup, **settings: str) -> FastAPI:
    """At production's settings, but for what a key set on 127.0.0.1 does not let be."""
    from app.config import load_settings
    from app.main import create_app

    revocations = setup.scratch / "revocations.csv"
    revocations.touch()
    environ = {
        "ENVIRONMENT": "development",
        "DEBUG": "false",
        "LOG_LEVEL": "WARNING",
        "LOG_FORMAT": "json",
        "EXPLAIN_DENIALS": "false",
        "POLICY_GATE": "lint",
        "DECISION_LOG": setup.decision_log,
        "REVOCATIONS_FILE": str(revocations),
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
    "sekisho-first": sekisho_first,
    "sekisho-without-log": sekisho_without_log,
    "plain-hundred": plain_hundred,
    "sekisho-hundred": sekisho_hundred,
    "plain-github": plain_github,
    "sekisho-github": sekisho_github,
    "decision-point": decision_point,
    "cloudauth": cloudauth,
    "cloudauth-casbin": cloudauth_casbin,
    "fastapi-authz": fastapi_authz,
}


OURS = ("sekisho", "decision-point")
"""What the names of our own applications begin with."""

MORE: dict[str, list[str]] = {
    "sekisho-first": [FIRST_TEMPLATE],
    "sekisho-hundred": [f"{prefix}{path}" for prefix, routes in HUNDRED.items() for _, path in routes],
    "sekisho-github": [
        f"{prefix}{path}"
        for prefix, routes in _github().items()
        for method, path in routes
        if method == "GET"
    ],
}
"""Templates that an application answers besides the usual one."""


def asked_of(app: str) -> list[str]:
    """The paths that an application is asked for, in the order in which it is: all its own, shuffled."""
    more = [] if app == "sekisho-first" else MORE.get(app.replace("plain", "sekisho"), [])
    paths = [_PLACE.sub(lambda place: f"{place[0].strip('{}')}42", template) for template in more] or [PATH]
    random.Random(1).shuffle(paths)
    return paths


def _guarded(admitted: Callable[..., Awaitable[None]]) -> FastAPI:
    app = FastAPI()
    app.get(TEMPLATE, dependencies=[Depends(admitted)])(invoice)
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
