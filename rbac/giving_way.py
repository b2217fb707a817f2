"""Long work that ends early once it is about something outdated."""

from collections.abc import Callable

from rbac.pacing import Pace


class GivenWay(Exception):  # noqa: N818 - no error: what ends the work
    """The work is about something that is outdated."""


class Attention(Pace):
    """A pace that ends the work by :class:`GivenWay` as soon as it is ``outdated``."""

    __slots__ = ("_outdated",)

    def __init__(self, outdated: Callable[[], bool]) -> None:
        super().__init__()
        self._outdated = outdated

    def __call__(self) -> None:
        super().__call__()
        if self._outdated():
            raise GivenWay
