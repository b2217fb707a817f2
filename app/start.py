"""Starting and stopping: settings, logging, policy, keys, in that order. A start that fails says why in one message."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext

from fastapi import FastAPI

from app.auth.provider import provider_of
from app.auth.tokens import Authenticator
from app.checkpoint import Checkpoint, Parts
from app.config import Settings, SettingsError, disagreements, load_settings
from app.decision_log import DecisionLog
from app.decision_point import DecisionPoint
from app.entities import EntitiesError
from app.logging_config import configure_logging
from app.metrics import Metrics
from app.original_request import PREFIX
from app.pdp_document import decision_point, own_document
from app.pdp_request import PdpRequest, PdpRequestError
from app.policy_gate import live_policy, proxy_policy
from app.pulse import Pulse
from app.request_words import RequestWords
from app.routers import debug, forward_auth
from app.server.listener import Listener
from app.shadow import Shadow
from app.start_error import StartError
from rbac import LivePolicy, PolicyError
from rbac.own_functions import FunctionsError
from rbac.routes import KnownRoutes, routes_of_app

log = logging.getLogger("app.start")


def loaded_policy(settings: Settings, app: FastAPI, *, or_last_good: bool = False) -> LivePolicy:
    """The policy that ``settings`` name, through its gate. Raises :class:`StartError` with everything that is wrong.

    With ``or_last_good`` a refused document gives way to the one that ``POLICY_CACHE`` keeps.
    """
    try:
        live = live_policy(settings, _judged_by(app))
    except FunctionsError as error:
        raise StartError(f"cannot start: POLICY_FUNCTIONS is refused: {error}") from error
    return _load(live, "policy", settings.api_prefix, or_last_good=or_last_good)


def _judged_by(app: FastAPI) -> KnownRoutes:
    """The endpoints that the policy is held against: those of development as well, so that one policy suits both."""
    served = routes_of_app(app)
    return KnownRoutes(
        (*served, *(route for route in routes_of_app(debug.router) if route not in served)), served.source
    )


def loaded_decision_point(
    settings: Settings, live: LivePolicy, *, or_last_good: bool = False
) -> tuple[DecisionPoint, PdpRequest]:
    """What answers other programs: by ``live``, or by a document of its own. Raises :class:`StartError`."""
    own = own_document(settings)
    if own is not None:
        live = _load(own, "decision point's policy", or_last_good=or_last_good)
    try:
        return decision_point(settings, live)
    except EntitiesError as error:
        raise StartError(f"cannot start: PDP_ENTITIES is refused\n{error}") from error
    except PdpRequestError as error:
        raise StartError(
            f"cannot start: the decision point's model and PDP_REQUEST do not fit: {error}"
        ) from error


def loaded_proxy_point(
    settings: Settings, point: DecisionPoint, *, or_last_good: bool = False
) -> DecisionPoint | None:
    """What answers proxies: a document of its own, or ``point``; ``None`` without either. Raises :class:`StartError`."""
    own = settings.forward_auth_document
    if own is None:
        return point
    if settings.forward_auth_policy is None and not own[1].exists():
        return None
    name = "policy of the servers behind a proxy"
    return DecisionPoint(_load(proxy_policy(settings, *own), name, or_last_good=or_last_good))


@asynccontextmanager
async def opened(app: FastAPI, checkpoint: Checkpoint, settings: Settings | None) -> AsyncIterator[None]:
    """Opens ``checkpoint`` for the application's life. Raises :class:`StartError` with all that stands against it."""
    try:
        differing = disagreements() if settings is None else []
        settings = settings or load_settings(documents=False)
    except SettingsError as error:
        raise StartError(str(error)) from error
    configure_logging(settings)
    for sentence, meant in differing:
        log.log(logging.INFO if meant else logging.WARNING, "%s", sentence)
    live = loaded_policy(settings, app, or_last_good=True)
    authenticator = Authenticator(provider_of(settings), keys_max_age=settings.keys_max_age)
    point, pdp_request = loaded_decision_point(settings, live, or_last_good=True)
    proxy_point = loaded_proxy_point(settings, point, or_last_good=True)
    hindrance = forward_auth.hindrance(proxy_point)
    if hindrance:
        log.warning("%s answers 403 to everything: %s", PREFIX, hindrance)
    metrics, shadow = Metrics(), Shadow.of(settings, live)
    decision_log = DecisionLog.of(
        settings,
        compare=None if shadow is None else shadow.compare,
        observe=metrics.count,
        tick=metrics.sample,
    )
    listener = Listener.of(settings)
    metrics.watch(live=live, authenticator=authenticator, log=decision_log, shadow=shadow, listener=listener)
    checkpoint.open(
        Parts(
            settings=settings,
            authenticator=authenticator,
            live=live,
            words=RequestWords.parse(settings.policy_request, live.policy.words),
            routes=routes_of_app(app),
            log=decision_log,
            metrics=metrics,
            listener=listener,
            shadow=shadow,
            decision_point=point,
            pdp_request=pdp_request,
            proxy_point=proxy_point,
        )
    )
    pulse = Pulse(metrics, decision_log)
    others = {each.live for each in (point, proxy_point) if each is not None} - {live}
    async with decision_log, pulse, authenticator, live, AsyncExitStack() as stack, shadow or nullcontext():
        for other in others:
            await stack.enter_async_context(other)
        yield


# What is found when rules and tests name paths that the application does not have.
_ELSEWHERE = frozenset({"rule-without-route", "test-unknown-path"})


def _load(live: LivePolicy, name: str, prefix: str = "", *, or_last_good: bool) -> LivePolicy:
    try:
        live.load(or_last_good=or_last_good)
    except PolicyError as error:
        count = len(error.problems)
        many = "1 problem" if count == 1 else f"{count} problems"
        reason = f"cannot start: the {name} is refused, with {many}"
        if prefix and any(problem.code in _ELSEWHERE for problem in error.problems):
            reason += f"\nAPI_PREFIX is `{prefix}`: rules and policy tests name whole paths, `{prefix}/user` for `/user`"
        raise StartError(f"{reason}\n{error}") from error
    return live
