"""The last document that passed its gate, kept in a file: for a start while the store holds none that does."""

import asyncio
import fcntl
import json
import logging
import os
import re
import stat
import tempfile
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from rbac.errors import PolicyError, Problem
from rbac.stores.store import Snapshot

log = logging.getLogger("rbac.stores.cache")

_MAGIC = b"sekisho document 1 "
# The last member, in the order of their names.
_VERSION: Final = re.compile(rb'"version":(\d{1,18})\}$')
_VERSION_AT: Final = 40
_PIECE: Final = 3 << 14  # a multiple of three, so that the pieces are one text
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
# What could not be written is tried again after so long, and then each time after twice as long, up to the longest.
_RETRY_S: Final = 2.0
_LONGEST_RETRY_S: Final = 60.0


class DocumentCache:
    """One file that holds model, policy and policy tests of one moment, all or none, with their digest.

    The file is this user's alone. One that is damaged, somebody else's or writable by others is refused. ``failing``
    holds while neither what :meth:`keep` was given last is kept, nor a later version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failing = False
        self._unkept: Snapshot | None = None
        self._writing = threading.Lock()

    def keep(self, snapshot: Snapshot) -> None:
        """Keeps ``snapshot``, now or as soon as :meth:`keep_trying` can. Never raises; logs where it cannot, once."""
        with self._writing:
            self._unkept = snapshot
            self._try()

    async def keep_trying(self) -> None:
        """Writes what could not be kept, when there is room again; until it is cancelled."""
        pause = _RETRY_S
        while True:
            await asyncio.sleep(pause)
            if self.failing:
                pause = min(2 * pause, _LONGEST_RETRY_S)
                await asyncio.to_thread(self._again)
            else:
                pause = _RETRY_S

    def _again(self) -> None:
        with self._writing:
            self._try()

    def _try(self) -> None:
        if self._unkept is None:
            return
        try:
            self.write(self._unkept)
        except OSError as error:
            if not self.failing:
                log.warning("what is in force cannot be kept in %s: %s", self.path, error.strerror)
            self.failing = True
            return
        if self.failing:
            log.info("what is in force is kept in %s again", self.path)
        self._unkept, self.failing = None, False

    def write(self, snapshot: Snapshot) -> None:
        """Keeps ``snapshot`` in place of what was kept, unless that has its version, or a later one: workers share the
        file, and one may be late. Raises ``OSError``, and leaves what was there."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._alone():
            if not snapshot.version or self._kept_version() < snapshot.version:
                self._put(snapshot)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else writes meanwhile. The lock goes with the process that holds it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(self.path.with_name(f".{self.path.name}.lock"), flags, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)

    def _kept_version(self) -> int:
        """The version that is kept; 0 where that is none, or nothing that can be trusted."""
        try:
            found = _VERSION.search(self._body()[-_VERSION_AT:])
        except PolicyError:
            return 0
        return int(found[1]) if found else 0

    def _put(self, snapshot: Snapshot) -> None:
        file, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        try:
            with os.fdopen(file, "wb") as stream:
                digest = sha256()
                stream.write(_head(digest.hexdigest()))
                for piece in _pieces(snapshot):
                    stream.write(piece)
                    digest.update(piece)
                stream.seek(0)
                stream.write(_head(digest.hexdigest()))
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).replace(self.path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise

    def read(self) -> Snapshot:
        """What is kept. Raises :class:`PolicyError` when that is nothing, or nothing that can be trusted."""
        try:
            return _snapshot(json.loads(self._body()))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._refused("is not of a form that this version reads") from error

    def _body(self) -> bytes:
        try:
            content = self._content()
        except OSError as error:
            raise self._refused(f"cannot be read: {error.strerror}") from error
        head, end, body = content.partition(b"\n")
        if head + end != _head(sha256(body).hexdigest()):
            raise self._refused("is damaged: its digest is another")
        return body

    def _content(self) -> bytes:
        file = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(file, "rb") as stream:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                raise self._refused("is not a regular file")
            if status.st_uid != os.geteuid() or status.st_mode & _WRITABLE_BY_OTHERS:
                raise self._refused("may be written by others")
            return stream.read()

    def _refused(self, reason: str) -> PolicyError:
        return PolicyError(
            [
                Problem(
                    file=str(self.path),
                    line=0,
                    column=0,
                    code="cache-refused",
                    severity="error",
                    message=f"the kept document {reason}",
                    hint="mend the document itself; what is kept is written anew once that passes its gate",
                )
            ]
        )


def _head(digest: str) -> bytes:
    return _MAGIC + digest.encode("ascii") + b"\n"


def _pieces(snapshot: Snapshot) -> Iterator[bytes]:
    """The body of the file. The policy, which may be large, comes bit by bit: each is made with Python's lock held."""
    members = _members(replace(snapshot, policy=b""))
    before, middle, behind = json.dumps(members, separators=(",", ":"), sort_keys=True).partition(
        '"policy":"'
    )
    yield f"{before}{middle}".encode("ascii")
    for start in range(0, len(snapshot.policy), _PIECE):
        yield b64encode(snapshot.policy[start : start + _PIECE])
    yield behind.encode("ascii")


def _members(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "model": _text(snapshot.model),
        "model_name": snapshot.model_name,
        "policy": _text(snapshot.policy),
        "policy_name": snapshot.policy_name,
        "tests": {name: _text(content) for name, content in snapshot.tests.items()},
        "tests_name": snapshot.tests_name,
        "passed_over": list(snapshot.passed_over),
        "routes": None if snapshot.routes is None else _text(snapshot.routes),
        "version": snapshot.version,
    }


def _snapshot(members: Mapping[str, Any]) -> Snapshot:
    routes = members.get("routes")
    return Snapshot(
        model=b64decode(members["model"], validate=True),
        policy=b64decode(members["policy"], validate=True),
        tests={name: b64decode(content, validate=True) for name, content in members["tests"].items()},
        model_name=members["model_name"],
        policy_name=members["policy_name"],
        tests_name=members["tests_name"],
        passed_over=tuple(members["passed_over"]),
        routes=None if routes is None else b64decode(routes, validate=True),
        version=int(members.get("version", 0)),
    )


def _text(content: bytes) -> str:
    return b64encode(content).decode("ascii")
