"""Records for the decision log, a sink that fails when it is told to, and the lines that came out."""

import errno
import itertools
import os
import threading
from pathlib import Path
from time import time_ns
from typing import Any

import orjson

from rbac import Policy
from rbac.decision_log.record import REMEMBERED, Decided, Rejected, Via
from rbac.decision_log.ruling import Ruling, Subject
from rbac.guard.identity.principal import Principal
from tests.support.service import ROOT
from tests.support.waiting import LIMIT_S

SHIPPED = Policy.load(ROOT / "model.conf", ROOT / "policy.csv")
BOB = Principal("7f3c1a52-0b54-4d5e-9a3e-2f6f0c1d8e90", ("user",), "bob", "bob@example.com")

_numbers = itertools.count(1)


def ruling(
    obj: str = "/user", act: str = "GET", who: Subject | None = BOB, policy: Policy = SHIPPED
) -> Ruling:
    """What ``policy`` says about a request, as the checkpoint asks it."""
    roles = () if who is None else who.roles
    words = ("" if who is None else who.sub, roles[0] if len(roles) == 1 else "", obj, act)
    if len(roles) < 2:
        return Ruling(policy.decide_request(words), words, policy)
    return Ruling(policy.decide_roles(words, 1, roles), words, policy, 1)


def decided(
    obj: str = "/user",
    act: str = "GET",
    who: Subject | None = BOB,
    *,
    via: Via = "http",
    policy: Policy = SHIPPED,
    verification_ns: int = REMEMBERED,
    request_id: str = "",
) -> Decided:
    """The record of one decision; its ``decision_id`` is a number."""
    number = next(_numbers)
    return Decided(
        time_ns(),
        str(number),
        request_id or f"r{number}",
        who,
        ruling(obj, act, who, policy),
        act,
        obj,
        "192.0.2.1",
        via,
        12_345,
        verification_ns,
    )


def rejected(reason: str = "expired", status: int = 401, obj: str = "/user") -> Rejected:
    """The record of one rejection."""
    return Rejected(time_ns(), "r", reason, status, "GET", obj, "192.0.2.1", "http", 5_000, 4_000)


def lines(path: Path) -> list[dict[str, Any]]:
    """The decision lines in a file, each of which must be whole."""
    raw = path.read_bytes()
    assert raw.endswith(b"\n") or not raw
    return [orjson.loads(line) for line in raw.split(b"\n")[:-1]]


class Sink:
    """Keeps what it is given. It fails while ``full``, and blocks while it is ``stuck``."""

    def __init__(self) -> None:
        self.content = b""
        self.full = False
        self.closed = False
        self.attempts = 0
        self._flowing = threading.Event()
        self._flowing.set()

    @property
    def stuck(self) -> bool:
        return not self._flowing.is_set()

    @stuck.setter
    def stuck(self, stuck: bool) -> None:
        if stuck:
            self._flowing.clear()
        else:
            self._flowing.set()

    def write(self, lines: bytes) -> int:
        self.attempts += 1
        self._flowing.wait(LIMIT_S)
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.content += lines
        return len(lines)

    def close(self) -> None:
        self.closed = True

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.content.splitlines()]

    @property
    def ids(self) -> list[str]:
        """The ids of the decisions, in the order of their lines."""
        return [line["decision_id"] for line in self.lines if line["event"] == "decision"]
