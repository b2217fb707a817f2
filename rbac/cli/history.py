"""``rbac history``: who published what, when and why."""

from datetime import UTC
from typing import Annotated

import typer

from rbac.cli.options import NAME, FormatOption, NameOption, StoreOption
from rbac.cli.output import emit_json, say, stderr, stdout
from rbac.cli.stored import versions_of

EXAMPLE = """Examples: the last versions; what changed between two of them.

    rbac history
    rbac diff pg:12 pg:15
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("history", epilog=EXAMPLE)(history)


def history(
    limit: Annotated[
        int,
        typer.Option("--limit", min=0, max=1_000_000_000, metavar="N", help="Versions to list; 0 lists all."),
    ] = 20,
    store: StoreOption = None,
    name: NameOption = NAME,
    output: FormatOption = "text",
) -> None:
    """List the versions from the newest on: number, revision, time (UTC), author, reason."""
    with versions_of(store, name) as versions:
        listed = versions.history(limit or None)
    if output == "json":
        emit_json({"name": name, "versions": [version.to_json() for version in listed]})
        return
    if not listed:
        say(stderr(), f"nothing was published as `{name}` yet: `rbac publish`")
    console = stdout()
    numbers = max((len(str(version.number)) for version in listed), default=0)
    authors = max((len(version.signed) for version in listed), default=0)
    for version in listed:
        again = f"  (version {version.restores} again)" if version.restores else ""
        when = f"{version.published_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        about = f"{version.revision}  {when}  {version.signed:<{authors}}  {version.why}"
        say(console, (f"{version.number:>{numbers}}", "bold"), f"  {about}", (again, "dim"))
