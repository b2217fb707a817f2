"""``rbac revoke``: somebody is sent away, now."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from rbac.cli import options
from rbac.cli.finding import ENDPOINT, POOL, FindOption, check_sub, person_of
from rbac.cli.output import emit_json, say, stdout
from rbac.cli.stored import keeps_revocations, revocations_of
from rbac.revocations.ahead import INSTEAD, MEANS, is_ahead
from rbac.revocations.reading import wrong_value
from rbac.revocations.row import ALL, EXAMPLE_TIME, Kind, Revocation, moment, written_time
from rbac.revocations.writing import append

EXAMPLE = """Examples: a person, found by their e-mail address; one stolen session; everybody.

    rbac revoke --sub 7f3c1e52-0000-0000-0000-000000000000 --reason "left the company"
    rbac revoke --find bob@example.com --reason "left the company"
    rbac revoke --session 1f0a5c1e-aaaa-bbbb-cccc-000000000000 --reason "laptop stolen"
    rbac revoke --everyone --reason "signing key leaked"
"""

REVOCATIONS: Final = Path("revocations.csv")
RevocationsOption = Annotated[
    Path,
    typer.Option(
        "--revocations", metavar="FILE", envvar="REVOCATIONS_FILE", help="Who was sent away, and since when."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("revoke", epilog=EXAMPLE)(revoke)


PersonOption = Annotated[
    str | None, typer.Option("--sub", metavar="SUB", help="A person: all their tokens.", show_default=False)
]
SessionOption = Annotated[
    str | None,
    typer.Option(
        "--session", metavar="ID", help="One session: a token's origin_jti or sid.", show_default=False
    ),
]
ProgramOption = Annotated[
    str | None,
    typer.Option("--client", metavar="ID", help="All tokens of one client.", show_default=False),
]
BeforeOption = Annotated[
    str | None,
    typer.Option(
        "--before",
        metavar="TIME",
        help=f"Tokens issued until then, like {EXAMPLE_TIME}. Default: now, by the clock of this machine, or of the "
        "database.",
        show_default=False,
    ),
]


def revoke(  # noqa: PLR0913, PLR0917 - each is an option of the command
    context: typer.Context,
    reason: options.WhyOption,
    sub: PersonOption = None,
    session: SessionOption = None,
    client: ProgramOption = None,
    everyone: Annotated[bool, typer.Option("--everyone", help="Every token there is.")] = False,
    find: FindOption = None,
    before: BeforeOption = None,
    revocations: RevocationsOption = REVOCATIONS,
    store: options.StoreOption = None,
    name: options.NameOption = options.NAME,
    pool: POOL = None,
    endpoint: ENDPOINT = None,
    subjects: options.SubjectsOption = None,
    output: options.FormatOption = "text",
) -> None:
    """Refuse the tokens that somebody has: 401 within a second, everywhere, and their connections are closed.

    With --store, or POLICY_STORE, it is a row in the database for every replica, else a line of revocations.csv.
    Whoever is still welcome at the issuer comes back with a new token, and with today's role. To keep somebody out,
    disable them at the issuer, or deny them everything in the policy: `p, <sub>, /*, *, deny`.
    """
    if find is not None:
        if sub is not None:
            raise typer.BadParameter("--find finds the person that --sub names: give one of them")
        sub = person_of(find, pool, endpoint)
    kind, value = _whose(sub, session, client, everyone=everyone)
    _check(kind, value, subjects)
    row = Revocation(kind, value, _moment(before), reason)
    if keeps_revocations(context, store):
        with revocations_of(store, name) as desk:
            entry = desk.add([row], now=before is None)[0]
        row = replace(row, before=entry.before)
        place: dict[str, object] = {"number": entry.number, "by": entry.revoked_by, "store": f"pg:{name}"}
        where = f"pg:{name}/revocations, row {entry.number}, by {entry.revoked_by}"
    else:
        line = append(revocations, row)
        place, where = {"line": line}, f"{revocations}:{line}"
    if output == "json":
        emit_json(row.to_json() | place)
    else:
        _say(row, where)


def _say(row: Revocation, where: str) -> None:
    console = stdout()
    whose = "everyone" if row.kind == "everyone" else f"{row.kind} {row.value}"
    until = written_time(row.before)
    say(console, (whose, "bold"), f" is sent away: tokens issued until {until} are refused")
    say(console, (f"{where}: {row.text}", "dim"))


def _whose(sub: str | None, session: str | None, client: str | None, *, everyone: bool) -> tuple[Kind, str]:
    given: list[tuple[Kind, str]] = []
    for kind, value in (
        ("sub", sub),
        ("session", session),
        ("client", client),
        ("everyone", ALL if everyone else None),
    ):
        if value is not None:
            given.append((kind, value))  # type: ignore[arg-type]  # each is a kind
    if len(given) != 1:
        raise typer.BadParameter("say who: one of --sub, --find, --session, --client and --everyone")
    return given[0]


def _check(kind: Kind, value: str, subjects: str | None) -> None:
    """Bad usage, where a row would do nothing that anybody wants."""
    wrong = wrong_value(kind, value)
    if wrong is not None:
        raise typer.BadParameter(f"{wrong[0]}; {wrong[1]}")
    if kind == "sub":
        check_sub(value, subjects)


def _moment(before: str | None) -> int:
    if before is None:
        return int(time.time())
    try:
        said = moment(before)
    except ValueError:
        raise typer.BadParameter(f"write a time like {EXAMPLE_TIME}", param_hint="--before") from None
    if is_ahead(said):
        message = f"{written_time(said)} is yet to come, and {MEANS}; {INSTEAD}"
        raise typer.BadParameter(message, param_hint="--before")
    return said
