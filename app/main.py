"""The service. ``uvicorn app.main:app`` serves it; ``python -m app`` checks every setting and the policy first.

Importing this module starts nothing and needs no Cognito: settings, keys and policy are read in the lifespan.
"""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.middleware import Middleware
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app import documentation
from app.authzen import description
from app.checkpoint import ServiceCheckpoint
from app.config import Settings, Surface, load_surface
from app.console import page
from app.documents import HeadStart
from app.http import problems
from app.http.access_log import RequestLogMiddleware
from app.http.cors import CrossOriginMiddleware
from app.http.inner_layers import InnerLayers
from app.lifespan import opened
from app.routers import (
    authzen,
    debug,
    forward_auth,
    health,
    me,
    metrics,
    policy,
    protected,
    public,
    resource,
    versions,
)
from app.server.listener import STATE
from rbac.guard.http.asgi import called
from rbac.guard.middleware import AuthorizationMiddleware


class Service(FastAPI):
    """FastAPI without its outermost layers.

    :class:`app.http.access_log.RequestLogMiddleware` answers for crashes here, telemetry is off, and a limit of bodies is
    not FastAPI's: nothing is left for them to do, but where the service is mounted in an application that has such a limit.
    """

    _ours: ASGIApp | None = None

    def build_middleware_stack(self) -> ASGIApp:
        stack = super().build_middleware_stack()
        return stack.app if isinstance(stack, ServerErrorMiddleware) else stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.answer(scope, receive, send)

    def answer(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """The same, and no coroutine of its own: our server calls this (:mod:`app.server.protocol`)."""
        if scope["type"] == "lifespan" or self.root_path or MAX_BODY_SIZE_SCOPE_KEY in scope:
            return super().__call__(scope, receive, send)
        scope["app"] = self
        return (self._ours or self._from_ours_on())(scope, receive, send)

    def _from_ours_on(self) -> ASGIApp:
        """The layers from the first on that was asked for."""
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        first: Any = self.user_middleware[0].cls
        layer: Any = self.middleware_stack
        while self.max_body_size is None and type(layer) is not first:
            layer = layer.app
        self._ours = called(layer)
        return self._ours


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application. Without ``settings`` they are read when it starts, from the environment and the env files."""
    surface = load_surface() if settings is None else Surface.of(settings)
    checkpoint = ServiceCheckpoint()
    decision_point = authzen.endpoints_of(checkpoint)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
        async with opened(app, checkpoint, settings):
            yield {STATE: checkpoint.service.listener}

    app = Service(
        title=surface.api_title,
        version=surface.api_version,
        description=documentation.DESCRIPTION,
        lifespan=lifespan,
        middleware=[
            Middleware(forward_auth.OnlyVerdicts),
            Middleware(RequestLogMiddleware, show_error_details=surface.debug),
            Middleware(CrossOriginMiddleware, checkpoint=checkpoint),
            Middleware(AuthorizationMiddleware, checkpoint=checkpoint),
            Middleware(authzen.Shortcut, endpoints=decision_point),
            Middleware(InnerLayers),
        ],
        # The decision log and the metrics say what happened. FastAPI's own telemetry, once somebody sets up an exporter
        # for it, would send on query strings, request bodies and stack traces: tokens turn up in those.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        redirect_slashes=False,  # the policy decided about this path, not about another
        openapi_url=None,  # app.documentation serves it
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    app.state.checkpoint = checkpoint
    app.router.routes += [*authzen.routes(decision_point), *forward_auth.routes(checkpoint)]
    for router in (public.router, protected.router):
        app.include_router(router, prefix=surface.api_prefix)
    app.include_router(me.router)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(resource.router)
    app.include_router(policy.router)
    app.include_router(versions.router)
    if surface.debug and surface.environment == "development":
        app.include_router(debug.router)
    if surface.console:
        app.router.routes += page.routes()
    documentation.install(app, description.PATHS)
    problems.install(app)
    return app


app = create_app()


def knowing(head_start: HeadStart | None) -> FastAPI:
    """``app``, told what is known of its documents already."""
    checkpoint: ServiceCheckpoint = app.state.checkpoint
    checkpoint.head_start = head_start
    return app
