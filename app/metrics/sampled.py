"""The numbers that something else in the service counts: what each is called, and where it is read."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

from app.decision_point.shadow import Shadow
from app.server.listener import Listener
from rbac import LivePolicy
from rbac.decision_log.buffer import DecisionLog
from rbac.guard.http.connections import Connections
from rbac.revocations.live import LiveRevocations
from rbac.stores import DistantStore

if TYPE_CHECKING:
    from rbac.guard.issuers.authenticator import Authenticator  # loaded at the start: see app.lifespan


class Watched(NamedTuple):
    """What counts by itself. ``began`` is when it began to, by the monotonic clock."""

    live: LivePolicy
    authenticator: "Authenticator"
    log: DecisionLog
    shadow: Shadow | None
    listener: Listener
    revocations: LiveRevocations
    connections: Connections | None
    began: float


class Sampled(NamedTuple):
    """One number: a total that only grows, or a gauge, and what it is for all workers together.

    ``read`` gives ``None`` where there is nothing to say.
    """

    name: str
    text: str
    how: Literal["total", "livesum", "livemin", "livemax"]
    read: Callable[[Watched], float | None]


def _behind(watched: Watched) -> int | None:
    store = watched.live.store
    return max(0, store.state.newest - watched.live.version) if isinstance(store, DistantStore) else None


def _silent(watched: Watched) -> float | None:
    store = watched.live.store
    if not isinstance(store, DistantStore):
        return None
    heard = store.state.heard_s
    return time.monotonic() - watched.began if heard is None else heard


SAMPLED = (
    Sampled(
        "token_cache_tokens",
        "Verified tokens remembered.",
        "livesum",
        lambda of: of.authenticator.cached_tokens,
    ),
    Sampled(
        "key_fetches", "Fetches of the issuer's keys begun.", "total", lambda of: of.authenticator.fetches
    ),
    Sampled(
        "key_fetch_failures",
        "Fetches of the issuer's keys that failed.",
        "total",
        lambda of: of.authenticator.failures,
    ),
    Sampled(
        "keys_known",
        "1 while there are keys of the issuer's to trust.",
        "livemin",
        lambda of: of.authenticator.keys_known,
    ),
    Sampled(
        "keys_age_seconds",
        "Time since the issuer's keys were fetched.",
        "livemax",
        lambda of: of.authenticator.keys_age,
    ),
    Sampled("policy_reloads", "Documents that replaced another one.", "total", lambda of: of.live.reloads),
    Sampled(
        "policy_refused",
        "Documents that were refused while another one was in force.",
        "total",
        lambda of: of.live.refused,
    ),
    Sampled(
        "policy_age_seconds",
        "Time since the live document came into force.",
        "livemax",
        lambda of: max(0.0, time.time() - of.live.loaded_at),
    ),
    Sampled(
        "policy_loaded_timestamp_seconds",
        "When the live document came into force.",
        "livemin",
        lambda of: of.live.loaded_at,
    ),
    Sampled(
        "policy_current", "0 while a newer document is refused.", "livemin", lambda of: not of.live.problems
    ),
    Sampled(
        "policy_last_good", "1 after a start on the kept document.", "livemax", lambda of: of.live.last_good
    ),
    Sampled(
        "policy_cache_failing",
        "1 while what is in force cannot be kept in POLICY_CACHE.",
        "livemax",
        lambda of: not (of.live.kept and of.revocations.kept),
    ),
    Sampled(
        "policy_version", "The store's number of the live document.", "livemin", lambda of: of.live.version
    ),
    Sampled("policy_versions_behind", "Newer versions that the store is known to hold.", "livemax", _behind),
    Sampled("policy_store_silent_seconds", "Time since the store's database answered.", "livemax", _silent),
    Sampled(
        "revocations", "Rows of the revocations in force.", "livemin", lambda of: of.revocations.table.rows
    ),
    Sampled(
        "revocations_current",
        "0 while newer revocations are refused.",
        "livemin",
        lambda of: not of.revocations.problems,
    ),
    Sampled(
        "revocation_reloads", "Revocations that replaced others.", "total", lambda of: of.revocations.reloads
    ),
    Sampled(
        "revocations_refused", "Revocations that were refused.", "total", lambda of: of.revocations.refused
    ),
    Sampled(
        "revoked_connections",
        "Connections that were cut because their callers were sent away.",
        "total",
        lambda of: of.connections.ended if of.connections else None,
    ),
    Sampled("connections", "Connections that are open.", "livesum", lambda of: of.listener.connections),
    Sampled("draining", "1 while a stop lets others hear of it.", "livemax", lambda of: of.listener.draining),
    Sampled("decision_log_buffer_records", "Records not written yet.", "livesum", lambda of: of.log.pending),
    Sampled(
        "decision_log_buffer_bytes",
        "About what those records take.",
        "livesum",
        lambda of: of.log.pending_bytes,
    ),
    Sampled("decision_log_written", "Decision log lines written.", "total", lambda of: of.log.writer.written),
    Sampled(
        "decision_log_failures",
        "Attempts to write the decision log that failed.",
        "total",
        lambda of: of.log.writer.failures,
    ),
    Sampled(
        "decision_log_lost", "Records that there was no room to keep.", "total", lambda of: of.log.writer.lost
    ),
    Sampled(
        "decision_log_failing",
        "1 while the decision log cannot be written.",
        "livemax",
        lambda of: of.log.writer.failing,
    ),
    Sampled(
        "decision_log_write_seconds",
        "How long the write under way has taken so far.",
        "livemax",
        lambda of: of.log.writer.blocked_for,
    ),
    Sampled(
        "shadow_decisions",
        "Decisions that the shadow policy took, too.",
        "total",
        lambda of: of.shadow.compared if of.shadow else None,
    ),
    Sampled(
        "shadow_failures",
        "Decisions that the shadow policy could not take.",
        "total",
        lambda of: of.shadow.failed if of.shadow else None,
    ),
    Sampled(
        "shadow_loaded",
        "1 while there is a shadow policy to compare with.",
        "livemin",
        lambda of: of.shadow.policy is not None if of.shadow else None,
    ),
)
