"""The checkpoint: everything that stands between a request and its endpoint, with one owner and one life."""

from dataclasses import dataclass
from typing import NamedTuple

from starlette.types import Scope

from app.auth.principal import Principal
from app.auth.tokens import Authenticator
from app.config import Settings
from app.request_words import RequestWords
from rbac import Decision, LivePolicy, Policy
from rbac.routes import KnownRoutes


class Ruling(NamedTuple):
    """A decision about one request, with the words it was asked in and the document that took it."""

    decision: Decision
    words: tuple[str, ...]
    policy: Policy


@dataclass(frozen=True, slots=True)
class Parts:
    """What a checkpoint is made of."""

    settings: Settings
    authenticator: Authenticator
    live: LivePolicy
    words: RequestWords
    routes: KnownRoutes


class Checkpoint:
    """Knows who is calling and decides what they may do.

    The application's lifespan opens it before the server routes the first request; its parts exist from then on.
    """

    settings: Settings
    authenticator: Authenticator
    live: LivePolicy
    words: RequestWords
    routes: KnownRoutes

    def open(self, parts: Parts) -> None:
        """Takes up its parts."""
        self.settings = parts.settings
        self.authenticator = parts.authenticator
        self.live = parts.live
        self.words = parts.words
        self.routes = parts.routes

    def rule(self, path: str, method: str, scope: Scope, principal: Principal | None) -> Ruling:
        """Decides one request by the document that is live now: one document, however many roles are asked about."""
        policy = self.live.policy
        words = self.words.read(path, method, scope, principal)
        index = self.words.role_index
        if index is None or principal is None or len(principal.roles) < 2:
            return Ruling(policy.decide_request(words), words, policy)
        return Ruling(policy.decide_roles(words, index, principal.roles), words, policy)
