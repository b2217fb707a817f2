"""The protocol of a store, and what it holds at one moment."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a store holds at one moment.

    ``tests`` are the policy tests: name to bytes, in the order of their names; ``tests_name`` says where they belong.
    ``passed_over`` names files that look like tests and are not read, for their names. ``routes`` are the endpoints
    that it was published with, as the JSON of ``rbac routes``. ``version`` is the number that a store which counts
    knows it by, 0 in others.
    """

    model: bytes
    policy: bytes
    tests: Mapping[str, bytes] = field(default_factory=dict)
    model_name: str = "model.conf"
    policy_name: str = "policy.csv"
    tests_name: str = "policy_tests"
    passed_over: tuple[str, ...] = ()
    routes: bytes | None = None
    version: int = 0

    @property
    def digest(self) -> bytes:
        """SHA-256 over all that it holds, its version and what was passed over apart."""
        names = [self.model_name, self.policy_name, self.tests_name, *self.tests]
        held = [
            self.model,
            self.policy,
            b"" if self.routes is None else b"\1" + self.routes,
            *self.tests.values(),
        ]
        digest = sha256(b"sekisho content 1")
        for part in (*(name.encode("utf-8", "surrogatepass") for name in names), *held):
            # The length before each part: no two contents are one row of bytes.
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        return digest.digest()


class Store(Protocol):
    """A place that holds one document and its policy tests."""

    def read(self) -> Snapshot:
        """What is there now: model, policy and tests of one moment, never of two.

        May block; called from any thread, by one at a time. Raises :class:`rbac.errors.PolicyError` when
        there is nothing to read, or nothing whole.
        """
        ...

    def changes(self) -> AsyncGenerator[None, None]:
        """Yields once it is listening, so that no change in between is missed, and then whenever :meth:`read`
        may answer otherwise than before. Yields too often rather than too seldom, and ends only when it is
        cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class StoreState:
    """What was last heard of the store: the newest version there (0 before any was seen), how many seconds ago it
    answered (``None``: never), and whether it did when it was last asked."""

    newest: int
    heard_s: float | None
    reachable: bool


@runtime_checkable
class DistantStore(Store, Protocol):
    """A store that may be out of reach, and counts its versions."""

    @property
    def state(self) -> StoreState:
        """What was last heard of it."""
        ...
