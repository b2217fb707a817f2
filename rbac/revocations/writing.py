"""A row more in ``revocations.csv``, and rows that are over: each edit is whole, and two people's are both there."""

from collections.abc import Sequence
from pathlib import Path

from rbac.editing import add, held, replace, whole
from rbac.revocations.reading import read_revocations
from rbac.revocations.row import Revocation


def append(path: Path, row: Revocation) -> int:
    """Writes ``row`` behind the others of the file at ``path``; its line.

    Raises :class:`rbac.revocations.reading.RevocationsError`, and writes nothing, where the file cannot be read or could
    not afterwards: a service would not take it up. Raises ``OSError``.
    """
    with held(path) as descriptor:
        before = whole(descriptor)
        read_revocations(before, str(path))
        line = f"{row.text}\n".encode()
        if before and not before.endswith(b"\n"):
            line = b"\n" + line
        read_revocations(before + line, str(path))
        add(descriptor, line, path)
        return (before + line).count(b"\n")


def over(rows: Sequence[Revocation], until: int) -> list[Revocation]:
    """Those of ``rows`` that say nothing any more: no token issued at or before ``until`` (seconds since 1970) lives, or
    another row about the same says as much."""
    latest: dict[tuple[str, str], Revocation] = {}
    for row in rows:
        known = latest.get((row.kind, row.value))
        if known is None or row.before > known.before:
            latest[row.kind, row.value] = row
    return [row for row in rows if row.before <= until or latest[row.kind, row.value] is not row]


def prune(path: Path, until: int) -> list[Revocation]:
    """Takes the rows that are :func:`over` out of the file at ``path``, comments kept; which. Raises as :func:`append`."""
    with held(path) as descriptor:
        before = whole(descriptor)
        gone = over(read_revocations(before, str(path)), until)
        lines = {row.line for row in gone}
        if gone:
            kept = [line for number, line in enumerate(before.split(b"\n"), 1) if number not in lines]
            replace(path, b"\n".join(kept))
        return gone
