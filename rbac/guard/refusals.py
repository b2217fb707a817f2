"""Why a request is not routed, as an answer: everything that can go wrong on the way is mapped to HTTP here."""

import re
from contextlib import suppress
from dataclasses import replace
from typing import ClassVar

from rbac.decision import Decision, NearMiss
from rbac.decision_log.buffer import RETRY_AFTER, DecisionLogUnavailable
from rbac.decision_log.ruling import Ruling
from rbac.document.names import CLIENT, SCOPE
from rbac.errors import EvaluationError, RbacError
from rbac.guard.http import BEARER, SchemeChallenge, problem
from rbac.guard.http.asgi import Response, Scope
from rbac.guard.identity.errors import AuthError, KeysUnavailable, Unauthenticated
from rbac.guard.identity.principal import Principal
from rbac.guard.request_words import InvalidHost
from rbac.policy import Policy


class InvalidPath(RbacError):  # noqa: N818 - what the answer calls it
    """The path holds a control character."""

    code: ClassVar[str] = "invalid_path"


class PathTooLong(InvalidPath):
    """The path is longer than what is decided about."""

    code: ClassVar[str] = "uri_too_long"


class AuthenticationRequired(RbacError):  # noqa: N818 - what the answer calls it
    """An endpoint needs a caller, and nobody is calling."""

    code: ClassVar[str] = "authentication_required"


class AccessDenied(RbacError):  # noqa: N818 - what the answer calls it
    """The policy does not allow it: 401 to nobody in particular, 403 to anybody else."""

    code: ClassVar[str] = "access_denied"

    def __init__(self, principal: Principal | None, ruling: Ruling, decision_id: str) -> None:
        super().__init__("the policy does not allow this")
        self.principal = principal
        self.ruling = ruling
        self.decision_id = decision_id


REFUSALS = (
    AccessDenied,
    AuthenticationRequired,
    AuthError,
    DecisionLogUnavailable,
    InvalidHost,
    InvalidPath,
)
"""Why a request is refused: by a decision, which is the first, or without one."""


def denied(
    scope: Scope, denial: AccessDenied, *, explain: bool, challenge: SchemeChallenge = BEARER
) -> Response:
    """The answer to what the policy does not allow; ``explain``: with the roles and rules it comes from.

    Where nothing but a scope is missing it says which (RFC 6750, section 3.1).
    """
    principal, ruling = denial.principal, denial.ruling
    if principal is None:
        return problem(scope, "authentication_required", headers=challenge.headers())
    extra: dict[str, object] = {
        "decision_id": denial.decision_id,
        "policy_revision": ruling.decision.revision,
    }
    if explain:
        extra["explanation"] = explanation(principal, ruling)
    needed = missing_scope(principal, ruling) if challenge.is_bearer else ""
    if needed:
        sentence = "the token was not given the scope that this needs"
        headers = challenge.headers("insufficient_scope", sentence, needed=needed)
        return problem(scope, "insufficient_scope", extra=extra, headers=headers)
    return problem(scope, "access_denied", extra=extra)


_MOST_SCOPES = 100


def missing_scope(principal: Principal, ruling: Ruling) -> str:
    """A scope with which what was denied would be allowed, the first in order of the policy's names; "" where none would
    do, or where it is not the scopes that are missing."""
    halves = ruling.halves
    program = principal.through if halves is not None else principal
    if (
        program is None
        or not program.sub.startswith(CLIENT)
        or (halves is not None and not halves.person.allowed)
    ):
        return ""
    policy, words = ruling.policy, (ruling if halves is None else halves.client).words
    role = policy.document.definition.shape.role
    if role is None:
        return ""
    place = policy.words.index(role)
    scopes = [name for name in scope_words(policy) if name not in program.roles]
    for name in scopes[:_MOST_SCOPES]:
        if Ruling.of_caller(policy, words, place, (*program.roles, name)).decision.allowed:
            return name.removeprefix(SCOPE)
    return ""


def scope_words(policy: Policy) -> list[str]:
    """The words for scopes that ``policy`` names and a challenge can spell (RFC 6749, section 3.3), in order."""
    return [name for name in policy.names().roles if _SCOPE_WORD.fullmatch(name)]


_SCOPE_WORD = re.compile(rf"{SCOPE}[!#-\[\]-~]+")


def rejection(scope: Scope, error: Exception, *, challenge: SchemeChallenge = BEARER) -> tuple[str, Response]:
    """The reason that the log names, and the answer."""
    match error:
        case InvalidPath() | InvalidHost():
            return error.code, problem(scope, error.code)
        case AuthenticationRequired():
            return error.code, problem(scope, error.code, headers=challenge.headers())
        case DecisionLogUnavailable():
            return error.code, problem(scope, error.code, headers={"Retry-After": str(RETRY_AFTER)})
        case KeysUnavailable():
            return error.code, problem(scope, error.code, headers={"Retry-After": str(error.retry_after)})
    reason = error.reason if isinstance(error, Unauthenticated) else Unauthenticated.code
    sentence = _UNSPEAKABLE.sub("?", str(error))[:_LONGEST_SENTENCE]
    return reason, problem(scope, "invalid_token", headers=challenge.headers("invalid_token", sentence))


# What `error_description` cannot hold (RFC 6750, section 3): an application may say anything of its callers.
_UNSPEAKABLE = re.compile(r"[^ !#-\[\]-~]")
_LONGEST_SENTENCE = 300


def explanation(principal: Principal, ruling: Ruling) -> dict[str, object]:
    """Which of the caller's roles and which rule a denial comes from, or what comes nearest."""
    if ruling.halves is not None and principal.through is not None:
        person, client, _ = ruling.halves
        return {
            "person": explanation(
                replace(principal, through=None), ruling._replace(decision=person, halves=None)
            ),
            "client": explanation(principal.through, client),
        }
    decision: Decision = ruling.decision
    words = dict(zip(ruling.policy.words, ruling.words, strict=True))
    nearest: tuple[NearMiss, ...] = ()
    if decision.rule is None:
        with suppress(EvaluationError):  # what could not be decided has nothing near it
            nearest = ruling.policy.explain(**words).nearest
    return {
        "roles": list(principal.roles),
        "reason": decision.reason,
        "rule": decision.rule and decision.rule.to_json(),
        "nearest": [miss.to_json() for miss in nearest],
    }
