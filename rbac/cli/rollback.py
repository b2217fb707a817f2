"""``rbac rollback``: an old version again, as the next one."""

from dataclasses import replace
from typing import Annotated

import typer

from rbac.cli import options
from rbac.cli.publishing import NewVersion, publish_draft
from rbac.cli.stored import newest, routes_with, versions_of

EXAMPLE = """Examples: what it would change; version 11 again.

    rbac rollback 11 --reason "12 locked the clerks out" --dry-run
    rbac rollback 11 --reason "12 locked the clerks out"
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rollback", epilog=EXAMPLE)(rollback)


def rollback(  # noqa: PLR0913, PLR0917 - each is an option of the command
    version: Annotated[int, typer.Argument(metavar="N", min=1, help="The version to bring back.")],
    reason: options.ReasonOption,
    dry_run: options.DryRunOption = False,
    routes: options.RoutesOption = None,
    subjects: options.SubjectsOption = None,
    functions: options.FunctionsOption = None,
    store: options.StoreOption = None,
    name: options.NameOption = options.NAME,
    output: options.FormatOption = "text",
) -> None:
    """Publish what an old version holds as the next one: gated like any, by today's lint and its own tests."""
    people, own = options.subjects_of(subjects), options.functions_of(functions)
    with versions_of(store, name) as versions:
        head = versions.version(newest(versions))
        snapshot = replace(versions.content(version), version=0)
        known = routes_with(snapshot, routes)
        draft = NewVersion(snapshot, head.number, reason, version, known, people, own)
        publish_draft(versions, draft, head, dry_run=dry_run, as_json=output == "json")
