"""What `publish` and `rollback` share: the gate, the next version, and what the loser of two is told."""

from collections.abc import Sequence
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import typer

from rbac.background import uncollected
from rbac.cli.diff_text import show
from rbac.cli.output import NO, emit_json, say, show_problem, stderr, stdout
from rbac.cli.stored import stored_policy
from rbac.diff import views
from rbac.diff.diff import diff as review_diff
from rbac.diff.overview import overview
from rbac.diff.shown import shown
from rbac.errors import PolicyError, Problem
from rbac.linting.lint import as_served
from rbac.model.own_functions import OwnFunctions
from rbac.policy import Policy
from rbac.policy_tests.run import hold
from rbac.reloading.judging import judged, lint_gate, parsed
from rbac.routes import KnownRoutes
from rbac.stores import Snapshot

if TYPE_CHECKING:  # the driver is an extra
    from rbac.stores.postgres.versions import Version, Versions


class NewVersion(NamedTuple):
    """What somebody wants to publish: what it holds, the version it began with, why, and how it is read."""

    snapshot: Snapshot
    based_on: int
    reason: str
    restores: int
    routes: KnownRoutes
    subjects: str
    functions: OwnFunctions


def publish_draft(
    versions: "Versions", draft: NewVersion, head: "Version | None", *, dry_run: bool, as_json: bool
) -> None:
    """Publishes what passes the gate and is based on ``head``, and says what came of it. Exit code 1 where nothing could be
    published."""
    policy = _gated(draft, as_json=as_json)
    if (head.number if head else 0) != draft.based_on:
        _outdated(versions, draft, policy, as_json=as_json)
    if head is not None and head.digest == draft.snapshot.digest and _is_whole(versions, head):
        _say_same(head, as_json=as_json)
        return
    if dry_run:
        _say_draft(versions, draft, policy, head, as_json=as_json)
        return
    from rbac.stores.postgres.versions import OutdatedError

    try:
        made = versions.publish(
            draft.snapshot, based_on=draft.based_on, reason=draft.reason, restores=draft.restores
        )
    except OutdatedError:
        _outdated(versions, draft, policy, as_json=as_json)
    if as_json:
        emit_json({"published": True, "version": made.to_json()})
    else:
        say(
            stdout(),
            f"published version {made.number} of {versions.name} as {made.author}: revision {made.revision}",
        )


def _gated(draft: NewVersion, *, as_json: bool) -> Policy:
    """The policy, if a service would let it into force; else what is wrong with it, and exit code 1."""
    try:
        with uncollected():
            policy = parsed(draft.snapshot, None, draft.subjects, draft.functions)
            warnings = gated(policy, draft.snapshot, draft.routes)
    except PolicyError as error:
        if as_json:
            emit_json({"published": False, "problems": [each.to_json() for each in error.problems]})
        for problem in error.problems:
            show_problem(stderr(), problem)
        say(stderr(), ("rbac: ", "bold"), "not published: the document did not pass lint and its tests")
        raise typer.Exit(NO) from None
    for problem in warnings:
        show_problem(stderr(), problem)
    return policy


def gated(policy: Policy, snapshot: Snapshot, routes: KnownRoutes) -> Sequence[Problem]:
    """The warnings about a document that a service would let into force. Raises :class:`PolicyError` with what is wrong with
    any other."""
    return judged(
        policy,
        snapshot,
        partial(_lint, routes),
        lambda read, held: hold(
            read, held.tests, routes, place=held.tests_name, passed_over=held.passed_over
        ),
    ).warnings


def _lint(routes: KnownRoutes, policy: Policy, snapshot: Snapshot) -> tuple[Problem, ...]:
    return as_served(lint_gate(policy, snapshot, routes))


def _outdated(versions: "Versions", draft: NewVersion, policy: Policy, *, as_json: bool) -> NoReturn:
    """Tells who published what meanwhile, and what one's own would change of it. Ends with exit code 1."""
    since = [version for version in versions.history() if version.number > draft.based_on]
    if not since:
        raise typer.BadParameter(f"there is no version {draft.based_on} yet", param_hint="--based-on")
    console = stderr()
    for version in reversed(since):
        when = f"{version.published_at.astimezone(UTC):%Y-%m-%d %H:%M}"
        say(console, f"version {version.number} was published by {version.signed} at {when}: {version.why}")
    say(
        console,
        ("rbac: ", "bold"),
        f"not published: yours began with version {draft.based_on}; what it would change of version {since[0].number}:",
    )
    _show_change(
        versions,
        draft,
        policy,
        since[0].number,
        as_json=as_json,
        more={
            "published": False,
            "newer": [version.to_json() for version in since],
        },
    )
    raise typer.Exit(NO)


def _is_whole(versions: "Versions", head: "Version") -> bool:
    """Whether the newest version still holds what was published; what somebody changed is to be published again."""
    from rbac.stores.postgres.versions import AlteredError

    try:
        versions.content(head.number)
    except AlteredError as error:
        say(stderr(), ("rbac: ", "bold"), f"{error}; it is published again")
        return False
    return True


def _say_same(head: "Version", *, as_json: bool) -> None:
    if as_json:
        emit_json({"published": False, "version": head.to_json(), "unchanged": True})
    else:
        say(stdout(), f"nothing to publish: version {head.number}, by {head.signed}, holds the same")


def _say_draft(
    versions: "Versions", draft: NewVersion, policy: Policy, head: "Version | None", *, as_json: bool
) -> None:
    more = {"published": False, "dry_run": True}
    if not as_json:
        say(
            stdout(),
            f"would publish version {draft.based_on + 1} of {versions.name}: revision {policy.revision}",
        )
    if head is not None:
        _show_change(versions, draft, policy, head.number, as_json=as_json, more=more)
    elif as_json:
        emit_json(more)


def _show_change(
    versions: "Versions",
    draft: NewVersion,
    policy: Policy,
    number: int,
    *,
    as_json: bool,
    more: dict[str, Any],
) -> None:
    before = stored_policy(versions.content(number), versions.name, draft.subjects, draft.functions)
    exact = review_diff(before, policy, draft.routes, subjects=draft.subjects)
    found = shown(exact, before, policy, draft.routes)
    seen = overview(before, policy, found, draft.routes, subjects=draft.subjects)
    if as_json:
        emit_json(more | {"diff": views.to_json(found, seen)})
    else:
        show(stdout(), found, seen)
