"""CORS for the origins that the settings name. A preflight is answered here and is no request of its own.

A proxy's question is not for a browser: nothing is answered here that has ``/forward-auth`` in its path.
"""

from collections.abc import Awaitable

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app.config import Configured
from app.http.access_log import HAS_ORIGIN, CrashMiddleware
from app.http.original_request import is_like_prefix
from app.http.vary import VARIES
from rbac.guard.http.asgi import called

_EXPOSED = ("X-Request-ID", "WWW-Authenticate", "ETag", "Retry-After")


class CrossOriginMiddleware:
    """Starlette's CORS layer, put up once the settings are known; nothing at all where no origin is allowed."""

    def __init__(self, app: ASGIApp, checkpoint: Configured) -> None:
        self.app = app
        self._next = called(app)
        self.checkpoint = checkpoint
        self._layer: ASGIApp | None = None

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return self.app(scope, receive, send)
        layer = self._layer
        if layer is None:
            layer = self._layer = self._put_up()
        if layer is self.app or is_like_prefix(scope["path"]):
            return self._next(scope, receive, send)
        if HAS_ORIGIN in scope:
            return layer(scope, receive, send)
        # Nearly every request: all that the layer does for it is to say what the answer would depend on.
        scope[VARIES] = True
        return self._next(scope, receive, send)

    def _put_up(self) -> ASGIApp:
        settings = self.checkpoint.settings
        if not settings.allowed_origins:
            return self.app
        return CORSMiddleware(
            CrashMiddleware(self.app, show_error_details=settings.debug),
            allow_origins=settings.allowed_origins,
            allow_methods=settings.allowed_methods,
            allow_headers=settings.allowed_headers,
            allow_credentials=settings.allow_credentials,
            expose_headers=_EXPOSED,
        )
