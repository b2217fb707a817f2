"""Where revocations come from: one small protocol, and the file that speaks it."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rbac.stores.watched import WatchedFiles, content_of


@dataclass(frozen=True, slots=True)
class Written:
    """What a store of revocations holds at one moment: the bytes of ``revocations.csv``, and what it is called.
    ``number`` counts the rows that a database has had so far, 0 in other stores."""

    content: bytes
    name: str
    number: int = 0


class RevocationStore(Protocol):
    """A place that holds revocations, as :class:`rbac.stores.Store` holds a document."""

    def read(self) -> Written:
        """What is there now, whole. May block. Raises :class:`rbac.PolicyError` where nothing whole is to be read."""
        ...

    def changes(self) -> AsyncGenerator[None, None]:
        """Yields once it is listening, and then whenever :meth:`read` may answer otherwise than before."""
        ...


class RevocationFile(WatchedFiles):
    """``revocations.csv``, as its editors write it. One that is missing is one that cannot be read."""

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        self.path = Path(path)

    def files(self) -> list[Path]:
        return [self.path]

    def read(self) -> Written:
        """The file once nobody writes it. Raises :class:`rbac.PolicyError`."""
        return self.steady(lambda: Written(content_of(self.path), str(self.path)))
