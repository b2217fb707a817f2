"""What the guard needs of HTTP, without a framework: ``asgi`` has its shapes, ``target`` a request's path and method,
``request_id`` its id; ``wordings``, ``challenge`` and ``problem`` are refusals as answers, in English or Japanese;
``connections`` are those that are open, of callers who may be sent away.
"""

from rbac.guard.http.challenge import BEARER, SchemeChallenge
from rbac.guard.http.language import Language, preferred_language
from rbac.guard.http.problem import (
    INSTANCE,
    MEDIA_TYPE,
    HttpProblem,
    caller_language,
    instance_of,
    problem,
)
from rbac.guard.http.wordings import PROBLEMS, Wording

__all__ = [
    "BEARER",
    "INSTANCE",
    "MEDIA_TYPE",
    "PROBLEMS",
    "HttpProblem",
    "Language",
    "SchemeChallenge",
    "Wording",
    "caller_language",
    "instance_of",
    "preferred_language",
    "problem",
]
