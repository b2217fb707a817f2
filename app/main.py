"""The service. ``uvicorn app.main:app`` serves it; ``python -m app`` checks every setting and the policy first.

Importing this module starts nothing and needs no Cognito: settings, keys and policy are read in the lifespan.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware import Middleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp

from app import documentation, problems
from app.auth.middleware import AuthorizationMiddleware
from app.authzen import description
from app.checkpoint import Checkpoint
from app.config import Settings, Surface, load_surface
from app.cross_origin import CrossOriginMiddleware
from app.request_log import RequestLogMiddleware
from app.routers import authzen, debug, forward_auth, health, me, metrics, protected, public
from app.server.listener import STATE
from app.start import opened


class Service(FastAPI):
    """FastAPI without its outermost layer: :class:`app.request_log.RequestLogMiddleware` answers for crashes here."""

    def build_middleware_stack(self) -> ASGIApp:
        stack = super().build_middleware_stack()
        return stack.app if isinstance(stack, ServerErrorMiddleware) else stack


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application. Without ``settings`` they are read when it starts, from the environment and the env files."""
    surface = load_surface() if settings is None else Surface.of(settings)
    checkpoint = Checkpoint()
    decision_point = authzen.endpoints_of(checkpoint)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
        async with opened(app, checkpoint, settings):
            yield {STATE: checkpoint.listener}

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
    if surface.debug and surface.environment == "development":
        app.include_router(debug.router)
    documentation.install(app, description.PATHS)
    problems.install(app)
    return app


app = create_app()
