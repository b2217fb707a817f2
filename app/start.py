"""Starting and stopping: settings, logging, policy, keys, in that order. A start that fails says why in one message."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth.provider import provider_of
from app.auth.tokens import Authenticator
from app.checkpoint import Checkpoint, Parts
from app.config import Settings, SettingsError, load_settings
from app.decision_log import DecisionLog
from app.logging_config import configure_logging
from app.metrics import Metrics
from app.policy_gate import live_policy
from app.request_words import RequestWords
from app.shadow import Shadow
from rbac import LivePolicy, PolicyError
from rbac.routes import routes_of_app


class StartError(Exception):
    """The service must not start as things are; the text is for the person who starts it."""

    code = "start_refused"


def loaded_policy(settings: Settings, app: FastAPI) -> LivePolicy:
    """The policy that ``settings`` name, through its gate. Raises :class:`StartError` with everything that is wrong."""
    live = live_policy(settings, routes_of_app(app))
    try:
        live.load()
    except PolicyError as error:
        count = len(error.problems)
        many = "1 problem" if count == 1 else f"{count} problems"
        raise StartError(f"cannot start: the policy is refused, with {many}\n{error}") from error
    return live


@asynccontextmanager
async def opened(app: FastAPI, checkpoint: Checkpoint, settings: Settings | None) -> AsyncIterator[None]:
    """Opens ``checkpoint`` for the application's life. Raises :class:`StartError` with all that stands against it."""
    try:
        settings = settings or load_settings()
    except SettingsError as error:
        raise StartError(str(error)) from error
    configure_logging(settings)
    live = loaded_policy(settings, app)
    authenticator = Authenticator(provider_of(settings))
    metrics, shadow = Metrics(), Shadow.of(settings, live)
    decision_log = DecisionLog.of(
        settings,
        compare=None if shadow is None else shadow.compare,
        observe=metrics.count,
        tick=metrics.sample,
    )
    metrics.watch(live=live, authenticator=authenticator, log=decision_log, shadow=shadow)
    checkpoint.open(
        Parts(
            settings=settings,
            authenticator=authenticator,
            live=live,
            words=RequestWords.parse(settings.policy_request, live.policy.words),
            routes=routes_of_app(app),
            log=decision_log,
            metrics=metrics,
            shadow=shadow,
        )
    )
    async with decision_log, authenticator, live, shadow or nullcontext():
        yield


class ReadableStart:
    """Plain ASGI, around the lifespan: the server is told why the start failed in words, not in a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return

        async def send_readably(message: Message) -> None:
            reason = sys.exception()
            if message["type"] == "lifespan.startup.failed" and isinstance(reason, StartError):
                message = {**message, "message": str(reason)}
            await send(message)

        with suppress(StartError):  # the server has been told, and ends
            await self.app(scope, receive, send_readably)
