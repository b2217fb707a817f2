"""``rbac blame``: which version, by whom and why, brought each line."""

from datetime import UTC
from typing import Annotated

import typer

from rbac.cli.options import NAME, FormatOption, NameOption, StoreOption
from rbac.cli.output import emit_json, say, stdout
from rbac.cli.stored import StoreUsageError, newest, versions_of
from rbac.stores.blame import blame as who_brought

EXAMPLE = """Examples: every line of the newest version; line 12 of version 40, with the reason.

    rbac blame
    rbac blame 12 --version 40
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("blame", epilog=EXAMPLE)(blame)


def blame(
    lines: Annotated[
        list[int] | None,
        typer.Argument(metavar="[LINE]...", help="Lines of policy.csv; default: all.", show_default=False),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option(
            "--version", min=1, metavar="N", help="Of which version; default: the newest.", show_default=False
        ),
    ] = None,
    store: StoreOption = None,
    name: NameOption = NAME,
    output: FormatOption = "text",
) -> None:
    """Say which version brought each line of the rules, by whom, when and why.

    It is the one since which a line of this text has been there without a break: moving a line brings nothing new.
    """
    with versions_of(store, name) as versions:
        number = version or newest(versions)
        found = who_brought(versions.policies(number))
    beyond = [line for line in lines or () if not 0 < line <= len(found)]
    if beyond:
        raise StoreUsageError(f"version {number} has no line {beyond[0]}: it has {len(found)}")
    wanted = [(line, *found[line - 1]) for line in lines or range(1, len(found) + 1)]
    if output == "json":
        shape = [
            {"line": line, "text": text.decode("utf-8", "backslashreplace"), "brought_by": by.to_json()}
            for line, text, by in wanted
        ]
        emit_json({"name": name, "version": number, "lines": shape})
        return
    numbers, authors = (
        max((len(width) for width in widths), default=0)
        for widths in ([str(by.number) for _, _, by in wanted], [by.signed for _, _, by in wanted])
    )
    for line, text, by in wanted:
        when = f"{by.published_at.astimezone(UTC):%Y-%m-%d}"
        about = f"{by.number:>{numbers}}  {by.signed:<{authors}}  {when}"
        rest = f"  {line:>5} | {text.decode('utf-8', 'backslashreplace')}"
        say(stdout(), (about, "dim"), rest, (f"   # {by.why}" if lines else "", "dim"), whole=True)
