"""The decision: who may do what, from a Casbin model and a policy document that is read strictly.

What is named here is imported when it is first used, and ``casbin`` with it: ``import rbac`` alone takes next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from rbac import installed  # noqa: F401 - first: what follows needs the right `casbin`

if TYPE_CHECKING:
    from rbac.decision import Decision, Explanation, NearMiss, Rule
    from rbac.document.document import Document
    from rbac.enforcers import IndexedAsyncEnforcer, IndexedFastEnforcer, IndexedSyncedEnforcer
    from rbac.engine.enforcer import IndexedEnforcer
    from rbac.errors import EvaluationError, PolicyError, Problem, RbacError, RequestError
    from rbac.linting.lint import lint
    from rbac.live import LivePolicy
    from rbac.policy import Policy

__all__ = [
    "Decision",
    "Document",
    "EvaluationError",
    "Explanation",
    "IndexedAsyncEnforcer",
    "IndexedEnforcer",
    "IndexedFastEnforcer",
    "IndexedSyncedEnforcer",
    "LivePolicy",
    "NearMiss",
    "Policy",
    "PolicyError",
    "Problem",
    "RbacError",
    "RequestError",
    "Rule",
    "lint",
]

# Where each name is at home.
_HOMES: Final = {
    "Decision": "rbac.decision",
    "Document": "rbac.document.document",
    "EvaluationError": "rbac.errors",
    "Explanation": "rbac.decision",
    "IndexedAsyncEnforcer": "rbac.enforcers",
    "IndexedEnforcer": "rbac.engine.enforcer",
    "IndexedFastEnforcer": "rbac.enforcers",
    "IndexedSyncedEnforcer": "rbac.enforcers",
    "LivePolicy": "rbac.live",
    "NearMiss": "rbac.decision",
    "Policy": "rbac.policy",
    "PolicyError": "rbac.errors",
    "Problem": "rbac.errors",
    "RbacError": "rbac.errors",
    "RequestError": "rbac.errors",
    "Rule": "rbac.decision",
    "lint": "rbac.linting.lint",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(home), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
