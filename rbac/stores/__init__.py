"""Where documents come from, behind one small protocol: read what is there now, and say when it may have
changed."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a store holds at one moment.

    ``tests`` are the policy tests: name to bytes, in the order of their names; ``tests_name`` says where they belong.
    ``passed_over`` names files that look like tests and are not read, for their names.
    """

    model: bytes
    policy: bytes
    tests: Mapping[str, bytes] = field(default_factory=dict)
    model_name: str = "model.conf"
    policy_name: str = "policy.csv"
    tests_name: str = "policy_tests"
    passed_over: tuple[str, ...] = ()


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
