"""The versions of the document in PostgreSQL: read by the role that the service reads with, and added to by another."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self, TypeVar

from app.config import Settings
from app.console.desk import BusyError
from rbac.stores import Snapshot
from rbac.stores.postgres.address import Address
from rbac.stores.postgres.replicas import Replica, Replicas
from rbac.stores.postgres.session import Session
from rbac.stores.postgres.versions import Head, OutdatedError, Version, Versions

_MOST_WAITING: Final = 4
"""Questions that wait for the database beside the one that is being answered."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class NextVersion:
    """What is to be published: what it holds, the version that it began with, why, and for whom."""

    content: Snapshot
    based_on: int
    reason: str
    requested_by: str
    restores: int = 0


class Archive:
    """Asks the database one question at a time, over a connection that ends with the answer.

    Raises :class:`BusyError` when too many wait already, and what :class:`Versions` raises. ``publishes`` says whether
    versions can be added.
    """

    def __init__(self, reader: Address, publisher: Address | None, name: str) -> None:
        self.name = name
        self.publishes = publisher is not None
        self._reader = reader
        self._publisher = publisher
        self._turn = asyncio.Lock()
        self._asking = 0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """That of ``settings``, whose document lives in a database."""
        publisher = settings.policy_publish_store.get_secret_value()
        reader = Address.parse(settings.policy_store.get_secret_value())
        return cls(reader, Address.parse(publisher) if publisher else None, settings.policy_store_name)

    async def history(self, limit: int, before: int | None = None) -> tuple[int, list[Version]]:
        """The newest number, 0 where there is none, and so many versions from the newest, or the one before ``before``."""

        def ask(session: Session) -> tuple[int, list[Version]]:
            versions = Versions(session, self.name)
            return _number(versions.head()), versions.history(limit, before=before)

        return await self._ask(self._reader, ask)

    async def since(self, number: int) -> list[Version]:
        """What was published after version ``number``, the newest first."""

        def ask(session: Session) -> list[Version]:
            versions = Versions(session, self.name)
            newer = _number(versions.head()) - number
            return versions.history(newer) if newer > 0 else []

        return await self._ask(self._reader, ask)

    async def version(self, number: int) -> tuple[Version, Snapshot]:
        """Version ``number``, and what it holds. Raises :class:`NoVersionError`."""

        def ask(session: Session) -> tuple[Version, Snapshot]:
            versions = Versions(session, self.name)
            return versions.version(number), versions.content(number)

        return await self._ask(self._reader, ask)

    async def replicas(self) -> tuple[int, Sequence[Replica]]:
        """The newest number, and what every replica says that it runs."""

        def ask(session: Session) -> tuple[int, Sequence[Replica]]:
            return _number(Versions(session, self.name).head()), Replicas(session, self.name).all()

        return await self._ask(self._reader, ask)

    async def publish(self, wanted: NextVersion, base: Version) -> Version:
        """The version that ``wanted`` has become. Raises :class:`OutdatedError` where somebody published first.

        ``base`` is the version that it began with, as the reader has it: the publisher must know it, too.
        """
        if self._publisher is None:
            raise RuntimeError("there is no role to publish with")

        def ask(session: Session) -> Version:
            versions = Versions(session, self.name)
            if versions.version(base.number).digest != base.digest:
                raise OutdatedError(f"version {base.number} is another where POLICY_PUBLISH_STORE publishes")
            return versions.publish(
                wanted.content,
                based_on=wanted.based_on,
                reason=wanted.reason,
                restores=wanted.restores,
                requested_by=wanted.requested_by,
            )

        return await self._ask(self._publisher, ask)

    async def _ask(self, address: Address, question: Callable[[Session], Answer]) -> Answer:
        if self._asking > _MOST_WAITING:
            raise BusyError("too many questions wait already")
        self._asking += 1
        try:
            async with self._turn:
                # A caller who goes away leaves the thread to its end: an answer has its time.
                return await asyncio.shield(asyncio.to_thread(_asked, address, question))
        finally:
            self._asking -= 1


def _asked(address: Address, question: Callable[[Session], Answer]) -> Answer:
    session = Session(address)
    try:
        return question(session)
    finally:
        session.close()


def _number(head: Head | None) -> int:
    return 0 if head is None else head.number
