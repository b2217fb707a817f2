"""The checkpoint before an application: plain ASGI, no framework, no environment.

``guard`` is the front door, ``guarded`` an application behind it. ``middleware`` is the way of a request;
``request_words`` says how it fills a model's words, ``checkpoint`` decides and records, ``refusals`` answer; ``gate`` is
what a document must pass. ``fastapi`` is what endpoints may ask, ``testing`` stands in for an issuer.
"""

from rbac.decision_log.buffer import DecisionLog
from rbac.guard.guard import Guard
from rbac.guard.identity.credentials import bearer, cookie
from rbac.guard.identity.errors import Unauthenticated
from rbac.guard.identity.principal import Principal
from rbac.guard.identity.recognition import Identify
from rbac.guard.issuers.presets import auth0, cognito, firebase, oidc

__all__ = [
    "DecisionLog",
    "Guard",
    "Identify",
    "Principal",
    "Unauthenticated",
    "auth0",
    "bearer",
    "cognito",
    "cookie",
    "firebase",
    "oidc",
]
