"""``rbac migrate``: the tables of the store, and what each role may do with them."""

from typing import Annotated

import typer

from rbac.cli.options import FormatOption, StoreOption
from rbac.cli.output import NO, emit_json, say, stdout
from rbac.cli.stored import session_of

EXAMPLE = """Examples: before a release that needs it; with the roles that the service and the publishers sign in as.

    rbac migrate --check
    rbac migrate --service gatekeeper --publisher alice --publisher pipeline --revoker helpdesk
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("migrate", epilog=EXAMPLE)(migrate)


def _roles(option: str, help_: str) -> object:
    return typer.Option(option, metavar="ROLE", help=help_, show_default=False)


def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Only say what is left to do; exit code 1 if anything is.")
    ] = False,
    service: Annotated[
        list[str] | None, _roles("--service", "A role that may read, and say what it runs.")
    ] = None,
    publisher: Annotated[list[str] | None, _roles("--publisher", "A role that may read and publish.")] = None,
    console: Annotated[
        list[str] | None, _roles("--console", "A role that a service publishes with, for its callers.")
    ] = None,
    revoker: Annotated[
        list[str] | None, _roles("--revoker", "A role that may send people away, and publish nothing.")
    ] = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> None:
    """Make the tables, or bring them up to this version: as their owner, by one at a time, all steps or none.

    Doing it again does nothing. Roles exist already; they are given what their task takes, and no more.
    """
    with session_of(store) as session:
        from rbac.stores.postgres import migrations

        if check:
            steps = migrations.pending(session)
        else:
            steps = migrations.migrate(
                session,
                service=service or (),
                publisher=publisher or (),
                console=console or (),
                revoker=revoker or (),
            )
    if output == "json":
        emit_json(
            {"made": not check, "steps": [{"number": step.number, "name": step.name} for step in steps]}
        )
    else:
        for step in steps:
            say(stdout(), f"{'left' if check else 'made'}: {step.number:04} {step.name}")
        if not steps:
            say(stdout(), "nothing is left to do")
    if check and steps:
        raise typer.Exit(NO)
