"""Callers of every kind: each call knows what its answer has to be."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any, Final
from urllib.parse import urlsplit

from tests.support.issuer import Issuer
from tests.support.soak.ledger import Ledger
from tests.support.waiting import LIMIT_S

# A role that even versions of the document let in, and one that odd ones do.
TURNS: Final = ("even", "odd")
_KEPT_FOR: Final = 40  # calls over one connection: the next one may lead to another worker

# What everybody's answer is whatever else happens, in the service's own document and in that of the servers behind a proxy.
_TABLE: Final[Mapping[str, Mapping[str, int]]] = {
    "": {
        "/public": 200,
        "/user": 401,
        "/nowhere": 401,
        "/forward-auth/public": 200,
        "/forward-auth/user": 401,
    },
    "user": {
        "/public": 200,
        "/user": 200,
        "/admin": 403,
        "/nowhere": 403,
        "/metrics": 403,
        "/me/permissions": 200,
        "/forward-auth/user": 200,
        "/forward-auth/admin": 403,
    },
    "admin": {"/admin": 200, "/user": 200, "/policy": 403, "/forward-auth/admin": 200},
    "security": {"/policy": 200, "/metrics": 200, "/admin": 403},
    "stranger": {"/protected": 200, "/user": 403, "/forward-auth/protected": 200},
}


@dataclass(frozen=True)
class Reply:
    """An answer: which worker it came from is the beginning of its request id."""

    status: int
    body: bytes
    request_id: str

    @property
    def worker(self) -> str:
        return self.request_id.partition("-")[0]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Call:
    """A request, and ``judge``: why an answer to it is wrong, or ""."""

    kind: str
    path: str
    token: str | None
    judge: Callable[[Reply], str]
    body: bytes | None = None

    @property
    def method(self) -> str:
        return "GET" if self.body is None else "POST"


class Traffic:
    """Makes calls of every kind in turn, over connections that are kept for a while."""

    def __init__(self, base_url: str, issuer: Issuer, ledger: Ledger, *, pause_s: float, seed: int) -> None:
        self._netloc = urlsplit(base_url).netloc
        self._issuer = issuer
        self._ledger = ledger
        self._pause_s = pause_s
        self._seed = seed
        self._tokens: dict[str, str] = {}
        self._over = threading.Event()
        self._callers = ThreadPoolExecutor(thread_name_prefix="caller")
        self._calling: list[Future[None]] = []
        self.sign_in()

    def sign_in(self) -> None:
        """Everybody gets a token that is signed by the newest key."""
        roles = ("user", "admin", "security", "stranger", "pep", *TURNS)
        self._tokens = {role: self._issuer.token(sub=f"a-{role}", **{"custom:role": role}) for role in roles}

    def token_of(self, sub: str) -> str:
        """A token of a user who may be sent away; of a while ago."""
        return self._issuer.token(sub=sub, iat=int(time.time()) - 60, **{"custom:role": "user"})

    def fill(self, threads: int, workers: int, tokens: int) -> None:
        """Has each worker remember so many tokens: what is bounded is full from the beginning, as it is in the long run."""
        seen = Counter[str]()

        def some(seed: int) -> None:
            chance = random.Random(seed)
            while len(seen) < workers or min(seen.values()) < tokens:
                connection = HTTPConnection(self._netloc, timeout=LIMIT_S)
                for _ in range(_KEPT_FOR):
                    seen[self.put(connection, self._new(chance)).worker] += 1
                connection.close()

        with ThreadPoolExecutor(threads, "filling") as pool:
            for done in [pool.submit(some, self._seed + 1_000_000 + number) for number in range(threads)]:
                done.result()

    def start(self, threads: int) -> None:
        """Begins to call, over so many connections at a time."""
        for number in range(threads):
            self._calling.append(self._callers.submit(self._ask, random.Random(self._seed + number)))

    def stop(self) -> None:
        """Ends after the calls that are under way. Raises what ended a caller before."""
        self._over.set()
        self._callers.shutdown()
        for caller in self._calling:
            caller.result()

    def _ask(self, chance: random.Random) -> None:
        while not self._over.is_set():
            connection = HTTPConnection(self._netloc, timeout=LIMIT_S)
            try:
                for _ in range(_KEPT_FOR):
                    if self._over.is_set():
                        break
                    self.put(connection, self._some(chance))
                    self._over.wait(self._pause_s)
            except (OSError, HTTPException) as error:
                self._ledger.judge("connection", "", repr(error), "")
            finally:
                connection.close()

    def put(self, connection: HTTPConnection, call: Call) -> Reply:
        """Makes one call and judges its answer."""
        headers = {} if call.token is None else {"Authorization": f"Bearer {call.token}"}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(call.method, call.path, call.body, headers)
        answer = connection.getresponse()
        reply = Reply(answer.status, answer.read(), answer.headers.get("x-request-id", ""))
        wrong = call.judge(reply)
        if wrong:
            wrong = f"{call.method} {call.path}: {wrong}: {reply.status} {reply.body[:300]!r}"
        self._ledger.judge(call.kind, str(reply.status), wrong, reply.request_id)
        return reply

    # --- the kinds

    def _some(self, chance: random.Random) -> Call:
        kinds = (self._plain, self._turn, self._question, self._bad, self._new, self._gone)
        return chance.choices(kinds, (6, 3, 2, 2, 2, 1))[0](chance)

    def _plain(self, chance: random.Random) -> Call:
        caller = chance.choice(list(_TABLE))
        path = chance.choice(list(_TABLE[caller]))
        return Call("plain", path, self._tokens.get(caller), _is(_TABLE[caller][path]))

    def _bad(self, chance: random.Random) -> Call:
        head, _, signature = self._tokens["admin"].split(".")
        _, claims, _ = self._issuer.token(sub="somebody-else").split(".")
        token = chance.choice(
            [
                self._issuer.token(exp=int(time.time()) - chance.randint(61, 999)),
                self._issuer.token(iss="https://example.com"),
                f"{head}.{claims}.{signature}",
                chance.randbytes(20).hex(),
            ]
        )
        return Call(
            "bad token", chance.choice(["/user", "/public", "/admin", "/forward-auth/user"]), token, _is(401)
        )

    def _new(self, chance: random.Random) -> Call:
        token = self._issuer.token(sub=chance.randbytes(8).hex(), **{"custom:role": "user"})
        return Call("new token", "/user", token, _is(200))

    def _turn(self, chance: random.Random) -> Call:
        """By which version is this decided? A refusal says it, who is let in only whom it is for."""
        turn = chance.randrange(2)
        document = self._ledger.document
        before, floor = dict(document.met), document.floor

        def judge(reply: Reply) -> str:
            least = document.least(before, floor, reply.worker)
            if reply.status == 200:
                allowed = [
                    number for number in range(max(1, least), document.written + 1) if number % 2 == turn
                ]
                return "" if allowed else f"{TURNS[turn]} is let in by none of {least} to {document.written}"
            if reply.status != 403:
                return "neither yes nor no"
            return self._by(reply, reply.json["policy_revision"], turn, least, allowed=False)

        return Call("edited", "/user", self._tokens[TURNS[turn]], judge)

    def _question(self, chance: random.Random) -> Call:
        """The same, asked by a program through AuthZEN; every answer names its revision."""
        turn = chance.randrange(2)
        document = self._ledger.document
        before, floor = dict(document.met), document.floor
        subject = {"type": "user", "id": "somebody", "properties": {"role": TURNS[turn]}}
        asked = {"subject": subject, "action": {"name": "GET"}, "resource": {"type": "path", "id": "/user"}}

        def judge(reply: Reply) -> str:
            if reply.status != 200:
                return "no decision"
            least = document.least(before, floor, reply.worker)
            told = reply.json
            return self._by(reply, told["context"]["policy_revision"], turn, least, allowed=told["decision"])

        return Call(
            "AuthZEN", "/access/v1/evaluation", self._tokens["pep"], judge, json.dumps(asked).encode()
        )

    def _by(self, reply: Reply, revision: str, turn: int, least: int, *, allowed: bool) -> str:
        document = self._ledger.document
        number = self._ledger.numbers.get(revision)
        if number is None or not least <= number <= document.written:
            return f"decided by version {number}, not by one of {least} to {document.written}"
        if allowed != (number > 0 and number % 2 == turn):
            return f"version {number} says otherwise about {TURNS[turn]}"
        document.shown(reply.worker, number)
        return ""

    def _gone(self, chance: random.Random) -> Call:
        """Somebody who is sent away, or will be."""
        sub = chance.choice(list(self._ledger.gone) or [""])
        if not sub:
            return self._plain(chance)
        return self.as_one_who_goes(sub)

    def as_one_who_goes(self, sub: str) -> Call:
        """A call of one user: let in until they are sent away, and by no worker again that turned them down."""
        progress = self._ledger.gone[sub]
        before, floor, token = dict(progress.met), progress.floor, self.token_of(sub)

        def judge(reply: Reply) -> str:
            if reply.status == 401:
                progress.shown(reply.worker, 1)
                return "" if progress.written else "turned down before they were sent away"
            if reply.status != 200:
                return "neither let in nor turned down"
            return "let in again" if progress.least(before, floor, reply.worker) else ""

        return Call("revoked", "/user", token, judge)


def _is(status: int) -> Callable[[Reply], str]:
    return lambda reply: "" if reply.status == status else f"not {status}"
