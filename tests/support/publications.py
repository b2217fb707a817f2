"""Versions that a test publishes while replicas are asked, and which of them each answer may have come from."""

import http.client
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from rbac.document.document import revision
from rbac.stores import Snapshot
from rbac.stores.file import FileStore
from rbac.stores.postgres.session import Session
from rbac.stores.postgres.versions import Versions
from tests.support.issuer import Issuer
from tests.support.postgres import OWNER, PUBLISHER, Database
from tests.support.service import ROOT, Service
from tests.support.waiting import LIMIT_S, comes_true

# An even version lets the one role in and an odd one the other: no answer is right by two versions in a row.
ROLES: Final = ("even", "odd")


class Publications:
    """The shipped document, published again and again.

    No replica may decide by a version below ``floor``, which is in force everywhere, nor by one above ``ceiling``: that
    is the newest that can have come through. ``numbers`` has the version of each revision that was ever right.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.floor = self.ceiling = self.newest = 0
        self.numbers: dict[str, int] = {}
        self._base = FileStore(ROOT / "model.conf", ROOT / "policy.csv", ROOT / "policy_tests").read()

    def content(self, number: int, more: bytes = b"") -> Snapshot:
        """What version ``number`` holds, with ``more`` lines of rules."""
        rule = f"p, {ROLES[number % 2]}, /user, GET, allow\n# version {number}\n".encode()
        return replace(self._base, policy=self._base.policy + rule + more)

    def publish(self, *, hidden: bool = False, more: bytes = b"") -> int:
        """Publishes the next version and returns its number. ``hidden``: nothing of it can come through until it is
        :meth:`shown`."""
        number = self.newest + 1
        content = self.content(number, more)
        self.expect(number, content)
        if not hidden:
            self.ceiling = number
        self.store(number, content)
        self.newest = number
        return number

    def expect(self, number: int, content: Snapshot) -> None:
        """From now on an answer may say that it is by ``content``, which is version ``number``."""
        self.numbers[revision(content.model, content.policy)] = number

    def store(self, number: int, content: Snapshot) -> None:
        """Publishes ``content`` as version ``number``, as the publisher's role."""
        session = Session(self.database.address(PUBLISHER))
        try:
            Versions(session, "policy").publish(content, based_on=number - 1, reason=f"a test's {number}")
        finally:
            session.close()

    def shown(self) -> None:
        """From now on the newest version can come through."""
        self.ceiling = self.newest

    def in_force(self, workers: int) -> bool:
        """Whether so many workers come to say that they decide by the newest version: no other may be met from then on."""
        query = f"SELECT count(*) FROM sekisho.replicas WHERE version = {self.newest}"
        told = comes_true(lambda: self.database.execute(query, OWNER)[0][0] == workers)
        if told:
            self.floor = self.newest
        return told


@dataclass
class Judged:
    """What was answered: how often and how soon, each answer that no version explains, and how many calls were cut off."""

    answers: int = 0
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    cut_off: int = 0


class Callers:
    """Ask each replica in turn as either role, over connections that they keep, and judge every answer."""

    def __init__(self, issuer: Issuer, publications: Publications, pause_s: float = 0.02) -> None:
        claims = {"iat": int(issuer.now()) - 7200, "exp": int(issuer.now()) + 86400}
        self._tokens = [issuer.token(**claims, **{"custom:role": role}) for role in ROLES]
        self._publications = publications
        self._pause_s = pause_s
        self._over = threading.Event()
        self.judged: dict[str, Judged] = {}

    @contextmanager
    def asking(self, services: Sequence[Service]) -> Iterator["Callers"]:
        """Asks meanwhile."""
        self.judged = {service.base_url: Judged() for service in services}
        threads = [threading.Thread(target=self._ask, args=(service.base_url,)) for service in services]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def goes_on(self) -> bool:
        """Whether every replica comes to answer ten times more."""
        before = {url: judged.answers for url, judged in self.judged.items()}
        return comes_true(
            lambda: all(judged.answers >= before[url] + 10 for url, judged in self.judged.items())
        )

    @property
    def wrong(self) -> list[str]:
        """Every answer that no version explains."""
        return [each for judged in self.judged.values() for each in judged.wrong]

    @property
    def answers(self) -> int:
        """How many answers were judged."""
        return sum(judged.answers for judged in self.judged.values())

    def taken(self) -> list[float]:
        """How many seconds each answer took that came since this was asked last."""
        taken: list[float] = []
        for judged in self.judged.values():
            seconds, judged.seconds = judged.seconds, []
            taken += seconds
        return taken

    def cut_off(self) -> int:
        """How many calls were cut off since this was asked last."""
        number = sum(judged.cut_off for judged in self.judged.values())
        for judged in self.judged.values():
            judged.cut_off = 0
        return number

    def _ask(self, url: str) -> None:
        judged = self.judged[url]
        while not self._over.is_set():
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=LIMIT_S)
            try:
                self._ask_over(connection, url, judged)
            except (OSError, http.client.HTTPException):
                judged.cut_off += 1
                self._over.wait(self._pause_s)
            finally:
                connection.close()

    def _ask_over(self, connection: http.client.HTTPConnection, url: str, judged: Judged) -> None:
        turn = met = 0
        while not self._over.is_set():
            turn = 1 - turn
            # One connection is one worker, and that never goes back.
            least = max(met, self._publications.floor)
            began = time.perf_counter()
            connection.request("GET", "/user", headers={"Authorization": f"Bearer {self._tokens[turn]}"})
            answer = connection.getresponse()
            body = answer.read()
            judged.seconds.append(time.perf_counter() - began)
            most = self._publications.ceiling
            explained = [n for n in self._said(answer.status, body, turn, most) if least <= n <= most]
            if explained:
                met = explained[0]
            else:
                judged.wrong.append(
                    f"{url} answered {answer.status} to `{ROLES[turn]}` by none of {least} to {most}: {body[:300]!r}"
                )
            judged.answers += 1
            self._over.wait(self._pause_s)

    def _said(self, status: int, body: bytes, turn: int, most: int) -> Sequence[int]:
        """The versions that an answer may be by: a refusal names its revision, who is let in only knows whom it is for."""
        if status == 200:
            return range(turn or 2, most + 1, 2)
        number = (
            self._publications.numbers.get(json.loads(body)["policy_revision"]) if status == 403 else None
        )
        return [] if number is None or number % 2 == turn else [number]
