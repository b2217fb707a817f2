"""Decision logs, read: every line is a decision, a rejection, a loss, or damaged and named as such.

docs/decision-log.md describes a line, docs/decision-log.schema.json is its schema. What a reader here does not need, a
line may lack.
"""

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Final, NamedTuple

import orjson

from rbac.errors import RbacError

STDIN: Final = "-"

LoggedWord = str | tuple[str, ...]  # several roles, each asked about in turn
Progress = Callable[[int], None]

_LONGEST: Final = 16 * 1024 * 1024  # bytes; no line of ours comes near it
_EVERY: Final = 4096  # lines between two reports of progress
_GZIP: Final = b"\x1f\x8b"
_MEMBERS: Final = {
    "timestamp": (str, "a time"),
    "decision_id": (str, "a text"),
    "roles": (list, "a list of texts"),
    "act": (str, "a text"),
    "obj": (str, "a text"),
    "allowed": (bool, "true or false"),
    "policy_revision": (str, "a text"),
    "via": (str, "a text"),
    "request": (dict, "an object of texts, or of lists of texts"),
    "rule_line": (int, "a number or null"),
}
_members: Final = itemgetter(*_MEMBERS)
_RULED: Final = tuple(kind for kind, _ in _MEMBERS.values())
_SHAPES: Final = frozenset({_RULED, (*_RULED[:-1], type(None))})


class DamagedLineError(RbacError):
    """A line that is none of a decision log: its text says what is wrong with it."""

    code: ClassVar[str] = "damaged_line"


class Recorded(NamedTuple):
    """One recorded decision. ``timestamp`` is RFC 3339 in UTC with microseconds, so that texts sort as times do.

    ``request`` holds the words of the model that was asked, and several roles as a tuple; ``altered`` says that it is
    not what was asked. ``client`` holds the words that were asked about the program, where somebody called through one.
    """

    timestamp: str
    decision_id: str
    roles: tuple[str, ...]
    act: str
    obj: str
    allowed: bool
    policy_revision: str
    via: str
    request: dict[str, LoggedWord]
    rule_line: int | None
    altered: bool
    client: dict[str, LoggedWord] | None = None


@dataclass(frozen=True, slots=True)
class Damage:
    """A damaged line: ``line`` counts in its file, ``number`` through all that was read, both from 1."""

    file: str
    line: int
    number: int
    why: str


class DecisionLines:
    """The decisions in ``logs``, in order: paths, plain or gzip, and ``-`` for standard input. Iterate once.

    Reading goes on behind a damaged line. What is no decision is counted: ``rejections``, ``lost`` (records that the
    log says are missing) and ``damaged``. ``progress`` is called every now and then with the bytes read so far.

    Iterating raises ``OSError`` for a log that cannot be opened or read.
    """

    def __init__(self, logs: Sequence[str | Path], progress: Progress | None = None) -> None:
        self.file = ""
        self.line = 0
        self.number = 0
        self.rejections = 0
        self.lost = 0
        self.damaged: list[Damage] = []
        self._logs = [str(log) for log in logs]
        self._progress = progress
        self._bytes = 0  # of the logs that are done with

    def __iter__(self) -> Iterator[Recorded]:
        for log in self._logs:
            self.file, self.line = log, 0
            with _opened(log) as (raw, content):
                yield from self._decisions(raw, content)
                self._bytes += _position(raw)
        self._report(0)

    def _decisions(self, raw: io.BufferedReader, content: BinaryIO) -> Iterator[Recorded]:
        for text in self._texts(content):
            self.line += 1
            self.number += 1
            if not self.number % _EVERY:
                self._report(_position(raw))
            try:
                decision = self._read(text)
            except DamagedLineError as error:
                self._damaged(str(error))
            else:
                if decision is not None:
                    yield decision

    def _texts(self, content: BinaryIO) -> Iterator[bytes]:
        """The lines of a log; one that is too long as its beginning, which is no JSON."""
        while True:
            try:
                text = content.readline(_LONGEST)
                rest = text
                while len(rest) == _LONGEST and not rest.endswith(b"\n"):
                    rest = content.readline(_LONGEST)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                self.line += 1
                self.number += 1
                self._damaged(f"the compressed file is damaged from here on: {error}")
                return
            if not text:
                return
            yield text

    def _read(self, text: bytes) -> Recorded | None:
        """The decision in a line, ``None`` for a line of another kind, which is counted."""
        try:
            members = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            cut = "" if text.endswith(b"\n") else "; it is the last one and ends without a line end"
            raise DamagedLineError(f"not JSON: {error.msg}{cut}") from error
        if type(members) is not dict:
            raise DamagedLineError("no JSON object")
        event = members.get("event")
        if event == "decision":
            return _recorded(members)
        if event == "rejection":
            if type(members.get("reason")) is not str:
                raise DamagedLineError("`reason` is not a text")
            self.rejections += 1
        elif event == "loss":
            lost = members.get("lost")
            if type(lost) is not int or lost < 1:
                raise DamagedLineError("`lost` is not a number from 1")
            self.lost += lost
        else:
            raise DamagedLineError("`event` is none of decision, rejection and loss")
        return None

    def _damaged(self, why: str) -> None:
        self.damaged.append(Damage(self.file, self.line, self.number, why))

    def _report(self, position: int) -> None:
        if self._progress is not None:
            self._progress(self._bytes + position)


def utc(text: str) -> str:
    """An RFC 3339 time, or a day for its beginning in UTC, as the log writes times. Else raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        if len(text) != len("2026-01-01"):
            raise ValueError("a time needs its zone, such as Z")
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _recorded(members: dict[str, Any]) -> Recorded:
    try:
        found = _members(members)
    except KeyError as error:
        raise DamagedLineError(f"`{error.args[0]}` is missing") from error
    if tuple(map(type, found)) not in _SHAPES:
        raise DamagedLineError(_ill_typed(found))
    timestamp, decision_id, roles, act, obj, allowed, revision, via, request, rule_line = found
    return Recorded(
        _timestamp(timestamp),
        decision_id,
        _texts(roles, "roles"),
        act,
        obj,
        allowed,
        revision,
        via,
        _words(request),
        rule_line,
        members.get("altered") is True,
        _client(members["halves"]) if "halves" in members else None,
    )


def _client(halves: Any) -> dict[str, LoggedWord]:
    client = halves.get("client") if isinstance(halves, dict) else None
    request = client.get("request") if isinstance(client, dict) else None
    if not isinstance(request, dict):
        raise DamagedLineError("`halves` says nothing of what was asked about the client")
    return _words(request)


def _ill_typed(found: Sequence[Any]) -> str:
    for (name, (kind, meaning)), value in zip(_MEMBERS.items(), found, strict=True):
        if type(value) is not kind and not (name == "rule_line" and value is None):
            return f"`{name}` is not {meaning}"
    return "a member has no known type"


def _timestamp(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise DamagedLineError("`timestamp` has no zone")
        return text if len(text) == 27 and text[10] == "T" and text[26] == "Z" else utc(text)
    except (ValueError, OverflowError) as error:
        raise DamagedLineError("`timestamp` is not a time") from error


def _texts(values: list[Any], name: str) -> tuple[str, ...]:
    for value in values:
        if type(value) is not str:
            raise DamagedLineError(f"`{name}` is not {_MEMBERS[name][1]}")
    return tuple(values)


def _words(request: dict[str, Any]) -> dict[str, LoggedWord]:
    for word, value in request.items():
        if type(value) is not str:
            if type(value) is not list:
                raise DamagedLineError(f"`request` is not {_MEMBERS['request'][1]}")
            request[word] = _texts(value, "request")
    return request


@contextmanager
def _opened(log: str) -> Iterator[tuple[io.BufferedReader, BinaryIO]]:
    """The bytes as they lie there, and what they say."""
    if log == STDIN:
        given: Any = sys.stdin.buffer
        with _unpacked(given if isinstance(given, io.BufferedReader) else io.BufferedReader(given)) as pair:
            yield pair
        return
    with Path(log).open("rb") as raw, _unpacked(raw) as pair:
        yield pair


@contextmanager
def _unpacked(raw: io.BufferedReader) -> Iterator[tuple[io.BufferedReader, BinaryIO]]:
    if raw.peek(2)[:2] != _GZIP:
        yield raw, raw
        return
    with gzip.GzipFile(fileobj=raw) as unzipped:
        # a buffer of C around it reads lines four times as fast
        yield raw, io.BufferedReader(unzipped)


def _position(raw: io.BufferedReader) -> int:
    try:
        return raw.tell()
    except OSError:  # a pipe has none
        return 0
