"""What a document must pass before it decides anything here: lint, the request's words, and its own policy tests."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.config import Settings
from app.provider import provider_of
from rbac import LivePolicy, Policy, PolicyError, Problem
from rbac.guard.gate import lint_and, misfits, tests_hold
from rbac.guard.request_words import RequestWords
from rbac.linting.lint import as_served
from rbac.model.own_functions import named_functions
from rbac.policy_tests.suite_files import NO_TESTS
from rbac.policy_tests.verdict import Verdict
from rbac.reloading.judging import lint_gate
from rbac.revocations.file import RevocationFile
from rbac.revocations.live import LiveRevocations
from rbac.revocations.reading import read_revocations
from rbac.routes import NO_ROUTES, KnownRoutes
from rbac.stores import Snapshot
from rbac.stores.cache import DocumentCache
from rbac.stores.file import FileStore
from rbac.text.wording import counted

if TYPE_CHECKING:  # psycopg: loaded where the document is in a database
    from rbac.stores.postgres.address import Address
    from rbac.stores.postgres.replicas import Running
    from rbac.stores.postgres.store import PostgresStore

log = logging.getLogger("app.policy_gate")


def cache_of(settings: Settings, name: str) -> DocumentCache | None:
    """Where ``POLICY_CACHE`` keeps the last good document called ``name``."""
    return None if settings.policy_cache is None else DocumentCache(settings.policy_cache / name)


def live_policy(settings: Settings, routes: KnownRoutes) -> LivePolicy:
    """The policy that ``settings`` name, not loaded yet, behind the gate that they ask for. Raises FunctionsError."""
    # What was in force of one document says nothing about another.
    cache = cache_of(settings, "policy" if settings.reads_files else f"store-{settings.policy_store_name}")
    store = None if settings.reads_files else _database(settings, cache)
    files = FileStore(settings.policy_model, settings.policy_file, settings.policy_tests)
    live = LivePolicy(
        files if store is None else store,
        gate=partial(own_gate, settings.policy_request, provider_of(settings).several_roles, routes),
        tests_gate=partial(_warn_only if settings.policy_gate == "lint" else tests_hold, routes),
        on_swap=None if store is None else lambda _: store.tell(),
        on_refusal=None if store is None else lambda _: store.tell(),
        cache=cache,
        subjects=settings.policy_subjects,
        functions=named_functions(settings.policy_functions),
    )
    if store is not None:
        store.running = partial(_running, live)
    return live


def _database(settings: Settings, cache: DocumentCache | None) -> "PostgresStore":
    """The store in PostgreSQL, which goes back behind nothing that was in force here before."""
    from rbac.stores.postgres.store import PostgresStore

    return PostgresStore(_address(settings), settings.policy_store_name, known=_kept(cache))


def live_revocations(settings: Settings) -> LiveRevocations:
    """Who was sent away, not loaded yet: in a file, or beside the policy in the database."""
    if settings.reads_files:
        return LiveRevocations(
            RevocationFile(settings.revocations_file), cache=cache_of(settings, "revocations")
        )
    from rbac.stores.postgres.revocations import PostgresRevocations, mark_of

    cache = cache_of(settings, f"store-{settings.policy_store_name}-revocations")
    kept = _kept(cache)
    known = mark_of(b"" if kept is None else kept.policy)
    rows = PostgresRevocations(_address(settings), settings.policy_store_name, known=known)
    return LiveRevocations(rows, cache=cache)


def left_in_file(settings: Settings) -> str:
    """What a file of revocations holds that is not read because the database has them; "" where it holds none."""
    file = settings.revocations_file
    if settings.reads_files or not file.exists():
        return ""
    try:
        rows = counted(len(read_revocations(file.read_bytes(), str(file))), "revocation")
    except (OSError, PolicyError):
        rows = "revocations that cannot be read"
    if rows.startswith("0 "):
        return ""
    return (
        f"`{file}` holds {rows}, and with POLICY_STORE the database has them: add them to it with "
        f"`rbac revocations --import {file}`, and empty the file"
    )


def _kept(cache: DocumentCache | None) -> Snapshot | None:
    """What was in force here before this process began."""
    if cache is None or not cache.path.exists():
        return None
    try:
        return cache.read()
    except PolicyError as error:
        for problem in error.problems:
            log.warning("what was in force before cannot be known: %s", problem)
    return None


def _address(settings: Settings) -> "Address":
    from rbac.stores.postgres.address import Address

    return Address.parse(settings.policy_store.get_secret_value())


def _running(live: LivePolicy) -> "Running":
    """What this process tells the store that it runs."""
    from rbac.stores.postgres.replicas import Running

    return Running(live.version, live.policy.revision, str(live.problems[0]) if live.problems else "")


def proxy_policy(settings: Settings, model: Path, policy: Path, tests: Path) -> LivePolicy:
    """A document about the servers behind a proxy, not loaded yet, behind the same gate. Raises FunctionsError."""
    return LivePolicy.files(
        model,
        policy,
        tests,
        gate=lambda read, snapshot: as_served(lint_gate(read, snapshot)),
        tests_gate=partial(_warn_only if settings.policy_gate == "lint" else tests_hold, NO_ROUTES),
        cache=cache_of(settings, "forward-auth"),
        subjects=settings.policy_subjects,
        functions=named_functions(settings.policy_functions),
    )


def own_gate(
    mapping: str, several: bool, routes: KnownRoutes, policy: Policy, snapshot: Snapshot
) -> Sequence[Problem]:
    """What ``rbac check`` says of the service's own document, and that the request's words fit."""

    def fits(policy: Policy) -> Iterator[Problem]:
        return misfits(
            policy,
            lambda policy: RequestWords.parse(mapping, policy.words),
            several_roles=several,
            mapping_is_called="POLICY_REQUEST",
            roles_are_called="ROLE_CLAIMS",
        )

    return lint_and(fits, routes, policy, snapshot)


def _warn_only(routes: KnownRoutes, policy: Policy, snapshot: Snapshot) -> Verdict:
    """Tests that fail are warnings; to have none is what was asked for."""
    tested = tests_hold(routes, policy, snapshot)
    told = (problem for problem in tested.problems if problem.code != NO_TESTS)
    return replace(tested, problems=tuple(replace(problem, severity="warning") for problem in told))
