"""The decision: who may do what, from a Casbin model and a policy document that is read strictly."""

from rbac import installed  # noqa: F401 - first: what follows needs the right `casbin`

# isort: split
from rbac.decision import Decision, Explanation, NearMiss, Rule
from rbac.document import Document
from rbac.enforcer import IndexedEnforcer
from rbac.errors import EvaluationError, PolicyError, Problem, RbacError, RequestError
from rbac.lint import lint
from rbac.live import LivePolicy
from rbac.policy import Policy

__all__ = [
    "Decision",
    "Document",
    "EvaluationError",
    "Explanation",
    "IndexedEnforcer",
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
