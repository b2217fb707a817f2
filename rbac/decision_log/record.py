"""What the request path leaves behind for each answer, and the line that the decision log makes of it.

docs/decision-log.md describes the line, and docs/decision-log.schema.json is its JSON schema.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import orjson

from rbac import Decision
from rbac.decision_log.redaction import MARK, redacted
from rbac.decision_log.ruling import Ruling, Subject

Via = Literal["http", "authzen", "forward-auth"]

RECORD_BYTES = 1024  # what a record and its line take besides the texts that somebody else chose

_TRACE_ID = 32  # characters of a trace's id

NO_TOKEN = -1  # of `verification_ns`: none was sent
REMEMBERED = 0  # of `verification_ns`: the token had been verified before


class Decided(NamedTuple):
    """A decision. Small and quick to make: everything else is done by whoever writes it down.

    ``time_ns`` is since 1970; ``duration_ns`` is what authentication and decision took together, of which
    ``verification_ns`` went into the token. ``trace`` begins with the id of the trace that the request belongs to.
    """

    time_ns: int
    decision_id: str
    request_id: str
    who: Subject | None
    ruling: Ruling
    act: str
    obj: str
    client: str
    via: Via
    duration_ns: int
    verification_ns: int
    trace: str = ""


class Rejected(NamedTuple):
    """An answer that no decision led to: ``reason`` is a stable code, ``status`` the answer's."""

    time_ns: int
    request_id: str
    reason: str
    status: int
    act: str
    obj: str
    client: str
    via: Via
    duration_ns: int
    verification_ns: int
    trace: str = ""


Record = Decided | Rejected
Entry = dict[str, Any]


def weight(record: Record) -> int:
    """About how many bytes ``record`` takes while it waits, and its line takes when it is written."""
    more = 0
    chosen: tuple[str, ...]
    if type(record) is Decided:
        _, _, request_id, who, (_, words, _, _, halves), act, obj, *_ = record
        if who is None:
            chosen = (request_id, act, obj, *words)
        else:
            roles = who.roles
            chosen = (request_id, act, obj, who.sub, *roles, *words)
            if len(roles) > 1:  # then no word holds them
                chosen += roles
                more = 6 * len(roles)
        if halves is not None:
            roles = halves.program.roles
            chosen += (halves.program.sub, *roles, *roles, *halves.client.words)
            more += RECORD_BYTES + 12 * len(roles)
    else:
        chosen = (record.request_id, record.act, record.obj)
    text = "".join(chosen)
    if text.isascii():
        return RECORD_BYTES + more + len(text)
    # What is beyond ASCII is written as an escape of six characters for each unit of UTF-16.
    return RECORD_BYTES + more + 3 * len(text.encode("utf-16-le", "surrogatepass"))


def entry(record: Record, shadow: Decision | None = None) -> Entry:
    """The members of ``record``'s line. ``shadow`` is another document's decision that came out differently."""
    if isinstance(record, Rejected):
        return _rejection(record)
    time_ns, decision_id, request_id, who, ruling, act, obj, client, via, duration_ns, _, trace = record
    allowed, rule, reason, revision = ruling.decision
    halves = ruling.halves
    roles = () if who is None else who.roles
    members: Entry = {
        "timestamp": timestamp(time_ns),
        "event": "decision",
        "decision_id": decision_id,
        "request_id": request_id,
        "sub": "" if who is None else who.sub,
        "roles": roles,
        "act": act,
        "obj": obj,
        "allowed": allowed,
        "reason": reason,
        "rule_line": None if rule is None else rule.line,
        "policy_revision": revision,
        "duration_us": duration_ns / 1000,
        "client": client,
        "via": via,
        "request": _request(ruling, roles),
    }
    if trace:
        members["trace_id"] = trace[:_TRACE_ID]
    if halves is not None:
        members["halves"] = {
            "person": _outcome(halves.person),
            "client": {
                "sub": halves.program.sub,
                "roles": halves.program.roles,
                **_outcome(halves.client.decision),
                "request": _request(halves.client, halves.program.roles),
            },
        }
    if shadow is not None:
        members["shadow_allowed"] = shadow.allowed
        members["shadow_rule_line"] = None if shadow.rule is None else shadow.rule.line
        members["shadow_revision"] = shadow.revision
    return members


def _rejection(record: Rejected) -> Entry:
    """The members of a line about somebody who was turned away before anything was decided."""
    return {
        "timestamp": timestamp(record.time_ns),
        "event": "rejection",
        "request_id": record.request_id,
        **({"trace_id": record.trace[:_TRACE_ID]} if record.trace else {}),
        "act": record.act,
        "obj": record.obj,
        "reason": record.reason,
        "status": record.status,
        "duration_us": record.duration_ns / 1000,
        "client": record.client,
        "via": record.via,
    }


def _request(ruling: Ruling, roles: Sequence[str]) -> dict[str, Any]:
    """The model's own words as they were asked."""
    _, words, policy, role_index, _ = ruling
    request: dict[str, Any] = dict(zip(policy.words, words, strict=True))
    if role_index is not None:
        request[policy.words[role_index]] = roles
    return request


def _outcome(decision: Decision) -> dict[str, Any]:
    line = None if decision.rule is None else decision.rule.line
    return {"allowed": decision.allowed, "reason": decision.reason, "rule_line": line}


def loss(time_ns: int, lost: int) -> Entry:
    """The members of the line that stands where ``lost`` others should."""
    return {"timestamp": timestamp(time_ns), "event": "loss", "lost": lost}


def plain(members: Sequence[Entry]) -> list[bytes] | None:
    """The lines of ``members`` if nothing in any of them needs a second look, which :func:`line` takes; else ``None``.

    A batch is looked through as one text, which costs little more than looking through one line.
    """
    try:
        lines = [orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in members]
    except TypeError:  # half of a surrogate pair
        return None
    text = b"".join(lines)
    return None if b"J" in text or b"@" in text or b"\x7f" in text or not text.isascii() else lines


def line(members: Entry, email: str | None = None) -> bytes:
    """``members`` as one line of JSON in ASCII, which nothing from outside can break in two or make look like another.

    What looks like a token, what no encoding can write, and the caller's own ``email`` are replaced, and the line then
    says ``"altered": true``: its question cannot be asked again as it was.
    """
    try:
        written = orjson.dumps(members, option=orjson.OPT_APPEND_NEWLINE)
        suspect = b"eyJ" in written or (b"@" in written and email is not None and _quoted(email) in written)
    except TypeError:  # half of a surrogate pair
        written, suspect = b"", True
    if suspect:
        safe = {name: _safe(value, email or "") for name, value in members.items()}
        if safe != members:
            safe["altered"] = True
        written = orjson.dumps(safe, option=orjson.OPT_APPEND_NEWLINE)
    if written.isascii() and b"\x7f" not in written:
        return written
    # Other line ends than "\n", and marks that turn the text around, are no control characters to JSON.
    return (
        json.dumps(orjson.loads(written), separators=(",", ":")).replace("\x7f", "\\u007f").encode("ascii")
        + b"\n"
    )


def timestamp(time_ns: int) -> str:
    """RFC 3339, UTC, with microseconds."""
    seconds, microseconds = divmod(time_ns // 1000, 1_000_000)
    return f"{to_the_second(seconds)}.{microseconds:06d}Z"


@lru_cache(maxsize=1024)
def _quoted(text: str) -> bytes:
    """``text`` as it stands in JSON."""
    return orjson.dumps(text)[1:-1]


@lru_cache(maxsize=4)
def to_the_second(seconds: int) -> str:
    """RFC 3339, without the fraction and what follows it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _safe(value: Any, email: str) -> Any:
    match value:
        case str():
            text = value.encode("utf-8", "backslashreplace").decode("utf-8")
            return redacted(text.replace(email, MARK) if "@" in email else text)
        case dict():
            return {name: _safe(each, email) for name, each in value.items()}
        case tuple():
            return tuple(_safe(each, email) for each in value)
        case _:
            return value
