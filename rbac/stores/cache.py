"""The last document that passed its gate, kept in a file: for a start while the store holds none that does."""

import json
import os
import stat
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from rbac.errors import PolicyError, Problem
from rbac.stores import Snapshot

_MAGIC = b"sekisho document 1 "
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class DocumentCache:
    """One file that holds model, policy and policy tests of one moment, all or none, with their digest.

    The file is this user's alone. One that is damaged, somebody else's or writable by others is refused.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, snapshot: Snapshot) -> None:
        """Keeps ``snapshot`` in place of what was kept. Raises ``OSError``, and leaves what was there."""
        body = json.dumps(_members(snapshot), separators=(",", ":"), sort_keys=True).encode("ascii")
        head = _MAGIC + sha256(body).hexdigest().encode("ascii") + b"\n"
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        try:
            with os.fdopen(file, "wb") as stream:
                stream.write(head + body)
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
            content = self._content()
        except OSError as error:
            raise self._refused(f"cannot be read: {error.strerror}") from error
        head, _, body = content.partition(b"\n")
        if head != _MAGIC + sha256(body).hexdigest().encode("ascii"):
            raise self._refused("is damaged: its digest is another")
        try:
            return _snapshot(json.loads(body))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._refused("is not of a form that this version reads") from error

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


def _members(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "model": _text(snapshot.model),
        "model_name": snapshot.model_name,
        "policy": _text(snapshot.policy),
        "policy_name": snapshot.policy_name,
        "tests": {name: _text(content) for name, content in snapshot.tests.items()},
        "tests_name": snapshot.tests_name,
        "passed_over": list(snapshot.passed_over),
    }


def _snapshot(members: Mapping[str, Any]) -> Snapshot:
    return Snapshot(
        model=b64decode(members["model"], validate=True),
        policy=b64decode(members["policy"], validate=True),
        tests={name: b64decode(content, validate=True) for name, content in members["tests"].items()},
        model_name=members["model_name"],
        policy_name=members["policy_name"],
        tests_name=members["tests_name"],
        passed_over=tuple(members["passed_over"]),
    )


def _text(content: bytes) -> str:
    return b64encode(content).decode("ascii")
