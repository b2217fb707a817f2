"""What happens beside the traffic: edits, edits that are refused, people sent away, new keys, a log that is moved away."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rbac.document.document import revision
from rbac.revocations.row import written_time
from tests.support.issuer import Issuer
from tests.support.service import Service
from tests.support.soak.ledger import Ledger, Progress
from tests.support.soak.traffic import TURNS, Traffic
from tests.support.waiting import comes_true

# The service asks for the key of an unknown id at most every ten seconds.
_ROTATE_S: Final = 15.0


class Changes:
    """Each change waits until every one of ``workers`` has shown that it knows of it; how long the slowest took is kept."""

    def __init__(
        self, service: Service, issuer: Issuer, ledger: Ledger, traffic: Traffic, workers: int
    ) -> None:
        self.service = service
        self.counts = dict.fromkeys(("edits", "refused", "revocations", "rotations", "logs moved"), 0)
        self.slowest_s = 0.0
        self._rotated = time.monotonic()
        self._issuer = issuer
        self._ledger = ledger
        self._traffic = traffic
        self._workers = workers
        self._base = service.policy.read_bytes()
        self._model = (service.directory / "model.conf").read_bytes()

    def first(self) -> None:
        """What is in force from the beginning is version 0, which lets in neither of the two roles."""
        self._ledger.numbers[revision(self._model, self._base)] = 0

    def edit(self) -> None:
        """The next version in the file's place, whole."""
        document = self._ledger.document
        content = self._content(document.written + 1)
        self._ledger.numbers[revision(self._model, content)] = document.written + 1
        document.written += 1
        self._replace(self.service.policy, content)
        self._await("an edit", lambda: document.everywhere(self._workers))
        self.counts["edits"] += 1

    def break_and_mend(self) -> None:
        """A document that is refused, and the one in force again."""
        good = self.service.policy.read_bytes()
        self._replace(self.service.policy, good + b"p, user, /admin, GET, alow\n")
        self._await("a refusal", lambda: not self._current())
        time.sleep(0.5)
        self._replace(self.service.policy, good)
        self._await("the good document", self._current)
        self.counts["refused"] += 1

    def revoke(self) -> None:
        """Somebody who was let in is sent away."""
        sub = f"leaver-{self.counts['revocations']}"
        self._ledger.gone = {sub: Progress()}
        time.sleep(0.5)
        self._ledger.gone[sub].written = 1
        row = f"sub, {sub}, {written_time(int(time.time()) - 1)}, left the company\n"
        file = self.service.directory / "revocations.csv"
        self._replace(file, file.read_bytes() + row.encode())
        self._await("a revocation", lambda: self._ledger.gone[sub].everywhere(self._workers))
        self.counts["revocations"] += 1

    def rotate_keys(self) -> None:
        """A new key, if the last one is not so new itself; that is good for a while yet, as issuers have it."""
        if time.monotonic() < self._rotated + _ROTATE_S:
            return
        self._issuer.rotate(withdraw=False)
        self._issuer.published = self._issuer.published[-2:]
        self._traffic.sign_in()
        # From when the key is there: to make one takes its time, and workers ask for unknown ones every ten seconds.
        self._rotated = time.monotonic()
        self.counts["rotations"] += 1

    def move_log(self, log: Path) -> None:
        """The decision log is moved away, as tools do that rotate it."""
        if log.exists():
            log.rename(log.with_name(f"decisions.{self.counts['logs moved']:06}.jsonl"))
            self.counts["logs moved"] += 1

    def _content(self, number: int) -> bytes:
        return self._base + f"p, {TURNS[number % 2]}, /user, GET, allow\n# version {number}\n".encode()

    def _current(self) -> bool:
        """Whether several answers in a row, of whichever worker, say that the newest document is in force."""
        return all(self.service.get("/readyz").json()["policy"]["current"] for _ in range(6))

    def _await(self, what: str, condition: Callable[[], object]) -> None:
        began = time.monotonic()
        if not comes_true(condition):
            self._ledger.judge("change", "", f"{what} did not come into force", "")
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)

    @staticmethod
    def _replace(file: Path, content: bytes) -> None:
        draft = file.with_name(f".{file.name}.draft")
        draft.write_bytes(content)
        draft.replace(file)
