"""What the HTTP server and the application tell each other: limits, what was refused for them, and that it is over."""

from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Literal, Protocol, Self

# Its place in the lifespan's state, which the server hands to each connection.
STATE = "sekisho.listener"

# Why something was turned away: the `error` of the answer, and `idle`, which nobody is told.
ListenerReason = Literal[
    "bad_request",
    "idle",
    "invalid_host",
    "payload_too_large",
    "request_header_fields_too_large",
    "request_timeout",
    "too_many_connections",
    "uri_too_long",
]


class LimitSettings(Protocol):
    """What :meth:`Listener.of` reads of the service's settings."""

    @property
    def limit_target(self) -> int: ...

    @property
    def limit_head(self) -> int: ...

    @property
    def limit_head_seconds(self) -> int: ...

    @property
    def limit_body(self) -> int: ...

    @property
    def limit_body_seconds(self) -> int: ...

    @property
    def limit_connections(self) -> int: ...

    @property
    def shutdown_delay(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What a caller may take: bytes of a request's target, head and body, the seconds for each, and connections."""

    target: int = 8 * 1024
    head: int = 64 * 1024
    head_seconds: float = 10.0
    body: int = 2 * 1024 * 1024
    body_seconds: float = 30.0
    connections: int = 1000


class Idle(Protocol):
    """A connection on which nothing is being answered."""

    def give_way(self) -> None:
        """Ends, so that another can take its place."""


class Listener:
    """The state of one worker's listening: owned by the application's lifespan, used by every connection.

    ``refused`` counts by reason what the limits turned away, ``idle`` are the connections on which nothing is being
    answered, the oldest first. From ``draining`` on the service is not ready any more, and still answers.
    """

    def __init__(self, limits: Limits | None = None, shutdown_delay: float = 0.0) -> None:
        self.limits = limits or Limits()
        self.shutdown_delay = shutdown_delay
        self.draining = False
        self.connections = 0
        self.refused: Counter[str] = Counter()
        # Ordered, because a dict is slow to find what is first in it once much before that is gone.
        self.idle: OrderedDict[Idle, None] = OrderedDict()

    @classmethod
    def of(cls, settings: LimitSettings) -> Self:
        """The listener that ``settings`` ask for."""
        limits = Limits(
            target=settings.limit_target,
            head=settings.limit_head,
            head_seconds=settings.limit_head_seconds,
            body=settings.limit_body,
            body_seconds=settings.limit_body_seconds,
            connections=settings.limit_connections,
        )
        return cls(limits, settings.shutdown_delay)
