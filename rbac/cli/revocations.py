"""``rbac revocations``: who is sent away, and rows that are over."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rbac.cli.options import NAME, FormatOption, NameOption, StoreOption
from rbac.cli.output import emit_json, say, show_problem, stderr, stdout
from rbac.cli.revoke import REVOCATIONS, RevocationsOption
from rbac.cli.stored import StoreUsageError, keeps_revocations, revocations_of
from rbac.revocations.ahead import ahead
from rbac.revocations.file import RevocationFile
from rbac.revocations.reading import RevocationsError, read_revocations
from rbac.revocations.row import Revocation, written_time
from rbac.revocations.writing import prune as take_out
from rbac.text.wording import counted

if TYPE_CHECKING:  # the driver is an extra
    from rbac.stores.postgres.revocations import RevocationDesk

EXAMPLE = """Examples: who is sent away; take out what no token can meet any more; take a file's rows into the database.

    rbac revocations
    rbac revocations --prune
    rbac revocations --import revocations.csv
"""
_DAY_S = 86_400


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("revocations", epilog=EXAMPLE)(revocations)


def revocations(
    context: typer.Context,
    prune: Annotated[bool, typer.Option("--prune", help="Take out the rows that are over.")] = False,
    days: Annotated[
        int,
        typer.Option(
            "--older-than",
            min=1,
            metavar="DAYS",
            help="With --prune: as long as a token lives at most, and some more.",
        ),
    ] = 31,
    taken: Annotated[
        Path | None,
        typer.Option(
            "--import",
            metavar="FILE",
            help="Add the rows of this file to the database, those that it does not have.",
            show_default=False,
        ),
    ] = None,
    revocations: RevocationsOption = REVOCATIONS,
    store: StoreOption = None,
    name: NameOption = NAME,
    output: FormatOption = "text",
) -> None:
    """List who is sent away. A file with a mistake is refused with all of them: exit code 2.

    A row is over when every token that it meets has expired, or when another one says as much about the same. With
    --store, or POLICY_STORE, the rows are the database's: there they stay for those who ask later, and are not in force.
    """
    until = int(time.time()) - days * _DAY_S
    if keeps_revocations(context, store):
        with revocations_of(store, name) as desk:
            _of_database(desk, taken, until if prune else None, as_json=output == "json")
        return
    if taken is not None:
        raise StoreUsageError("--import adds to a database: --store, or POLICY_STORE")
    gone = take_out(revocations, until) if prune else []
    rows = _read(revocations)
    for problem in ahead(rows, str(revocations)):
        show_problem(stderr(), problem)
    if output == "json":
        shapes = {"revocations": rows, "pruned": gone}
        emit_json({key: [row.to_json() | {"line": row.line} for row in of] for key, of in shapes.items()})
        return
    console = stdout()
    for row in rows:
        say(console, f"{written_time(row.before)}  {row.kind:<8}  {row.value}  ", (row.reason, "dim"))
    if prune:
        say(console, f"{counted(len(gone), 'row')} taken out")
    say(console, f"{counted(len(rows), 'revocation')} in {revocations}")


def _read(file: Path) -> Sequence[Revocation]:
    written = RevocationFile(file).read()
    return read_revocations(written.content, written.name)


def _of_database(desk: "RevocationDesk", taken: Path | None, until: int | None, *, as_json: bool) -> None:
    from rbac.stores.postgres.revocations import in_force

    before = in_force(desk.all())
    known = {(entry.kind, entry.value, entry.before) for entry in before}
    new = (
        []
        if taken is None
        else [row for row in _read(taken) if (row.kind, row.value, row.before) not in known]
    )
    to_come = ahead(new, str(taken))
    if to_come:
        raise RevocationsError(replace(each, severity="error") for each in to_come)
    if new:
        desk.add([replace(row, line=0) for row in new])
    gone = [entry for entry in before if until is not None and entry.before <= until]
    if gone and until is not None:
        desk.over(until, "rbac revocations --prune")
    entries = in_force(desk.all()) if new or gone else before
    if as_json:
        shapes = {"revocations": entries, "pruned": gone}
        emit_json(
            {key: [entry.to_json() for entry in of] for key, of in shapes.items()} | {"added": len(new)}
        )
        return
    console = stdout()
    for entry in entries:
        by = f"by {entry.revoked_by}, {entry.reason}"
        say(console, f"{written_time(entry.before)}  {entry.kind:<8}  {entry.value}  ", (by, "dim"))
    if taken is not None:
        say(console, f"{counted(len(new), 'row')} added")
    if until is not None:
        say(console, f"{counted(len(gone), 'row')} taken out")
    say(console, f"{counted(len(entries), 'revocation')} in pg:{desk.name}")
