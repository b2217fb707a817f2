"""The decision: who may do what, from a Casbin model and a policy document that is read strictly."""

from rbac.decision import Decision, Explanation, NearMiss, Rule
from rbac.errors import PolicyError, Problem, RbacError, RequestError

__all__ = ["Decision", "Explanation", "NearMiss", "PolicyError", "Problem", "RbacError", "RequestError", "Rule"]
