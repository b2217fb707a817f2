"""Starting and stopping: settings, logging, documents, keys, in that order. A start that fails says why in one message."""

import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.routing import Router

from app.checkpoint import WATCHED, ServiceCheckpoint, ServiceParts
from app.config import Settings, SettingsError, disagreements, load_settings
from app.console import page
from app.console.desk import Desk, Judged
from app.console.stream import Streams
from app.console.tally import Tally
from app.decision_point.shadow import Shadow
from app.documents import Documents, documents
from app.http.original_request import PREFIX
from app.logs.setup import configure_logging
from app.logs.tracing import Tracing
from app.metrics import Metrics
from app.metrics.pulse import Pulse
from app.provider import provider_of
from app.routers import debug, forward_auth
from app.routers.resource import metadata_url
from app.server.listener import Listener
from app.start_error import StartError
from rbac import Decision
from rbac.decision_log.buffer import DecisionLog
from rbac.decision_log.record import Record
from rbac.decision_log.sinks import STDOUT, FileSink, Sink, StreamSink
from rbac.decision_log.writer import Writer
from rbac.guard.http import SchemeChallenge
from rbac.guard.http.route_index import index_routes
from rbac.guard.http.trace_context import begin_traces
from rbac.guard.http.turns import Turns
from rbac.guard.identity.recognition import Recognition
from rbac.guard.permissions import PermissionLists
from rbac.guard.request_words import RequestWords
from rbac.routes import KnownRoutes, routes_of_app

if TYPE_CHECKING:
    from app.console.archive import Archive

log = logging.getLogger("app.start")

_YOUNG = 5_000  # objects


@asynccontextmanager
async def opened(
    app: FastAPI, checkpoint: ServiceCheckpoint, settings: Settings | None
) -> AsyncIterator[None]:
    """Opens ``checkpoint`` for the application's life. Raises :class:`StartError` with all that stands against it."""
    settings = _settings(settings)
    loaded = documents(settings, judged_by(app), checkpoint.head_start)
    checkpoint.head_start = None  # what it knows grows old
    hindrance = forward_auth.hindrance(loaded.proxy_point)
    if hindrance:
        log.warning("%s answers 403 to everything: %s", PREFIX, hindrance)
    parts = _parts(settings, loaded, routes_of_app(app))
    tracing = Tracing.of(os.environ)
    decision_log = _decision_log(settings, parts, tracing)
    checkpoint.take_up(
        loaded.live,
        Recognition(parts.authenticator, revocations=loaded.revocations),
        lambda policy: RequestWords.parse(settings.policy_request, policy.words),
        log=decision_log,
        explain_denials=settings.explain_denials,
        watched=WATCHED,
        challenge=SchemeChallenge(metadata=metadata_url(settings.oidc_resource)),
    )
    checkpoint.service = parts
    parts.metrics.watch(
        live=loaded.live,
        authenticator=parts.authenticator,
        log=decision_log,
        shadow=parts.shadow,
        listener=parts.listener,
        revocations=loaded.revocations,
        connections=checkpoint.connections,
    )
    if settings.route_index:
        index_routes(app.router)
    async with AsyncExitStack() as stack:
        stack.enter_context(_collected_less_often())
        for each in (
            _traced(tracing),
            checkpoint,
            Pulse(parts.metrics, decision_log),
            parts.shadow or nullcontext(),
            *loaded.others,
        ):
            await stack.enter_async_context(each)
        for desk in (parts.questions, parts.drafts):
            stack.push_async_callback(desk.close)
        yield


def judged_by(app: FastAPI) -> KnownRoutes:
    """The endpoints that the policy is held against: those that settings leave out as well, so that one policy suits all."""
    served = routes_of_app(app)
    optional = (*routes_of_app(debug.router), *routes_of_app(Router(page.routes())))
    return KnownRoutes((*served, *(route for route in optional if route not in served)), served.source)


@contextmanager
def _collected_less_often() -> Iterator[None]:
    """The collector looks at new objects once there are many. A request leaves no cycle behind, and what waits for the
    decision log's thread would be looked at again and again: 700 objects, as Python has it, are what fewer than a hundred
    requests leave there."""
    before, *others = gc.get_threshold()
    gc.set_threshold(max(before, _YOUNG) if before else 0, *others)
    try:
        yield
    finally:
        gc.set_threshold(before, *others)


@asynccontextmanager
async def _traced(tracing: Tracing | None) -> AsyncIterator[None]:
    """Requests begin traces meanwhile, where spans are made; the last of those are sent once the log is written."""
    if tracing is None:
        yield
        return
    begin_traces(wanted=True)
    try:
        yield
    finally:
        begin_traces(wanted=False)
        await asyncio.to_thread(tracing.close)


def _settings(given: Settings | None) -> Settings:
    """``given``, or what the environment and the env files say; logging is set up, and told where they disagree."""
    try:
        differing = disagreements() if given is None else []
        settings = given or load_settings(documents=False)
    except SettingsError as error:
        raise StartError(str(error)) from error
    configure_logging(settings)
    for sentence, meant in differing:
        log.log(logging.INFO if meant else logging.WARNING, "%s", sentence)
    return settings


def _parts(settings: Settings, loaded: Documents, routes: KnownRoutes) -> ServiceParts:
    # httpx2, jose and cryptography: for who serves.
    from rbac.guard.issuers.authenticator import Authenticator

    provider, listener, turns = provider_of(settings), Listener.of(settings), Turns()
    judged = Judged(
        subjects=settings.policy_subjects,
        functions=settings.policy_functions,
        mapping=settings.policy_request,
        several_roles=provider.several_roles,
        routes=routes,
        judged_by=loaded.routes,
    )
    return ServiceParts(
        documents=loaded,
        authenticator=Authenticator(provider, keys_max_age=settings.keys_max_age),
        routes=routes,
        metrics=Metrics(),
        listener=listener,
        shadow=Shadow.of(settings, loaded.live),
        tally=Tally(),
        questions=Desk(loaded.live, judged),
        drafts=Desk(loaded.live, judged),
        turns=turns,
        permissions=PermissionLists(routes, turns),
        streams=Streams(listener),
        archive=_archive(settings),
    )


def _archive(settings: Settings) -> "Archive | None":
    """The versions of the document; ``None`` where it lives in files."""
    if settings.reads_files:
        return None
    from app.console.archive import Archive  # psycopg: loaded where there is a database

    return Archive.of(settings)


def _decision_log(settings: Settings, parts: ServiceParts, tracing: Tracing | None) -> DecisionLog:
    """The log that ``settings`` ask for, whose decisions are counted, compared and traced in its thread."""

    def observe(records: Sequence[Record], shadows: Sequence[Decision]) -> None:
        parts.tally.count(records)
        parts.metrics.count(records, shadows)
        if tracing is not None:
            tracing.observe(records, shadows)

    sink: Sink | None = None
    if settings.decision_log_file is not None:
        sink = FileSink(settings.decision_log_file)
    elif settings.decision_log == "stdout":
        sink = StreamSink(STDOUT)
    writer = Writer(sink, None if parts.shadow is None else parts.shadow.compare, observe)
    return DecisionLog(writer, required=settings.decision_log_required, tick=parts.metrics.sample)
