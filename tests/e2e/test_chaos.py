"""Edits, broken documents, people sent away, new keys and killed workers, in any order: every answer is the one that is due."""

import json
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from rbac.document.document import revision
from rbac.revocations.row import written_time
from tests.support.issuer import Issuer
from tests.support.service import Service, kill_one, serving, workers
from tests.support.waiting import LIMIT_S, comes_true

ROLES = ("clerk", "auditor")
PATHS = ("/user", "/admin", "/policy")
PEOPLE = ("ann", "bob", "eve")
# Each is refused, for a reason of its own.
BROKEN = (
    b"p, user, /user, GET, alow\n",
    b"p, user, /user\n",
    b"q, user, /user, GET, allow\n",
    b"p, user, /user, GET, allow\xff\n",
    b"p, user, /user\x00, GET, allow\n",
    b'"p, user, /user, GET, allow\n',
    b"g, admin\n",
)


class Answer(NamedTuple):
    """What came, and which worker it came from: that is the beginning of its request id."""

    status: int
    body: bytes
    worker: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Chaos(RuleBasedStateMachine):
    """A service of two workers, and what it has to answer by all that was done to it. Every step waits until each worker
    knows of it; from then on there is one right answer."""

    service: ClassVar[Service]
    issuer: ClassVar[Issuer]
    base: ClassVar[bytes]
    model: ClassVar[bytes]

    def __init__(self) -> None:
        super().__init__()
        self.effects: dict[tuple[str, str], str] = {}
        self.broken = False
        self.gone: set[str] = set()
        self.revocations = self.service.directory / "revocations.csv"
        self.nobody_gone = self.revocations.read_bytes()
        self._put(self._document())
        self._await_document()

    def teardown(self) -> None:
        self.revocations.write_bytes(self.nobody_gone)

    # --- what is done to it

    @rule(
        role=st.sampled_from(ROLES),
        path=st.sampled_from(PATHS),
        effect=st.sampled_from(["allow", "deny", ""]),
    )
    def edit(self, role: str, path: str, effect: str) -> None:
        """A rule comes, goes or turns round; a document that was broken is whole again."""
        self.effects[role, path] = effect
        self._put(self._document())
        self._await_document()

    @rule(line=st.sampled_from(BROKEN), role=st.sampled_from(ROLES), path=st.sampled_from(PATHS))
    def break_it(self, line: bytes, role: str, path: str) -> None:
        """What would open more is refused with the line that cannot be read, and the last good document stays."""
        self._put(self._document() + f"p, {role}, {path}, GET, allow\n".encode() + line)
        self.broken = True
        self._everywhere("/readyz", None, lambda answer: answer.json["policy"]["current"] is False)

    @rule(sub=st.sampled_from(PEOPLE))
    def send_away(self, sub: str) -> None:
        """Tokens that they have are no good any more."""
        self.gone.add(sub)
        self._write_revocations()
        self._everywhere("/protected", self._token("clerk", sub), lambda answer: answer.status == 401)

    @precondition(lambda self: self.gone)
    @rule()
    def let_back_in(self) -> None:
        """The row of one of them is taken out."""
        sub = self.gone.pop()
        self._write_revocations()
        self._everywhere("/protected", self._token("clerk", sub), lambda answer: answer.status == 200)

    @rule()
    def rotate_keys(self) -> None:
        """A token of the new key is unknown at most until the keys are asked for again, and never a failure."""
        self.issuer.rotate(withdraw=False)

        def known(answer: Answer) -> bool:
            assert answer.status in {200, 401}
            return answer.status == 200

        self._everywhere("/protected", self._token("clerk", "zoe"), known)

    @rule()
    def kill_a_worker(self) -> None:
        """Another one takes its place, on the last good document where the newest is broken."""
        victim = kill_one(self.service)
        assert comes_true(lambda: victim not in workers(self.service) and len(workers(self.service)) == 2)
        self._everywhere("/readyz", None, lambda answer: answer.status == 200)

    # --- what holds after each step

    @invariant()
    def every_answer_is_the_one_that_is_due(self) -> None:
        """Of everybody, at every path, by whichever worker; a failure is never among them."""
        for role in ROLES:
            for sub in PEOPLE[:2]:
                for path in PATHS:
                    allowed = self.effects.get((role, path)) == "allow"
                    due = 401 if sub in self.gone else 200 if allowed else 403
                    assert self._ask(path, self._token(role, sub)).status == due, (role, sub, path)
        assert self._ask("/public", None).status == 200
        assert self._ask("/user", None).status == 401
        assert self._ask("/admin", self._token("admin", "zoe")).status == 200
        ready = self._ask("/readyz", None)
        assert (ready.status, ready.json["policy"]["current"]) == (200, not self.broken)

    # --- how

    def _document(self) -> bytes:
        lines = [
            f"p, {role}, {path}, GET, {effect}\n" for (role, path), effect in self.effects.items() if effect
        ]
        return self.base + "".join(lines).encode()

    def _put(self, content: bytes) -> None:
        draft = self.service.policy.with_name("draft")
        draft.write_bytes(content)
        draft.replace(self.service.policy)
        self.broken = False

    def _await_document(self) -> None:
        wanted = revision(self.model, self._document())

        def decides(answer: Answer) -> bool:
            policy = answer.json["policy"]
            return bool(policy["revision"] == wanted and policy["current"])

        self._everywhere("/readyz", None, decides)

    def _write_revocations(self) -> None:
        rows = [f"sub, {sub}, {written_time(int(time.time()))}, a test\n" for sub in sorted(self.gone)]
        draft = self.revocations.with_name("draft-revocations")
        draft.write_bytes(self.nobody_gone + "".join(rows).encode())
        draft.replace(self.revocations)

    def _token(self, role: str, sub: str) -> str:
        return self.issuer.token(sub=sub, iat=int(time.time()) - 60, **{"custom:role": role})

    def _ask(self, path: str, token: str | None) -> Answer:
        """One answer, over a connection of its own; a worker that was killed may have had it."""
        for _ in range(5):
            connection = HTTPConnection(urlsplit(self.service.base_url).netloc, timeout=LIMIT_S)
            try:
                connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
                answer = connection.getresponse()
                given = Answer(answer.status, answer.read(), answer.headers["x-request-id"].partition("-")[0])
            except (OSError, HTTPException):
                continue
            finally:
                connection.close()
            # A worker that just began is not ready before it knows the keys, and answers everybody all the same.
            assert given.status < 500 or path == "/readyz", given
            return given
        raise AssertionError("nobody answers")

    def _everywhere(self, path: str, token: str | None, due: Callable[[Answer], bool]) -> None:
        """Waits until each of two workers gives an answer that is ``due``, and none gives another."""

        def holds() -> bool:
            seen: dict[str, bool] = {}
            for _ in range(16):
                answer = self._ask(path, token)
                seen[answer.worker] = due(answer) and seen.get(answer.worker, True)
                if not seen[answer.worker] or len(seen) == 2:
                    break
            return len(seen) == 2 and all(seen.values())

        assert comes_true(holds), self.service.log()[-3000:]


@pytest.fixture(scope="module")
def service(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory: Path = tmp_path_factory.mktemp("chaos")
    settings = {"WORKERS": "2", "POLICY_GATE": "lint", "DECISION_LOG": "off", "LOG_LEVEL": "ERROR"}
    with serving(issuer, directory, **settings) as started:
        yield started


def test_whatever_happens_in_whatever_order_every_answer_is_the_one_that_is_due(
    service: Service, issuer: Issuer
) -> None:
    Chaos.service, Chaos.issuer = service, issuer
    Chaos.base = service.policy.read_bytes()
    Chaos.model = (service.directory / "model.conf").read_bytes()
    run_state_machine_as_test(Chaos, settings=settings(max_examples=2, stateful_step_count=8, deadline=None))
