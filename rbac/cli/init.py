"""``rbac init``: a model, a policy, its first tests, and who was sent away (nobody), to begin from."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Final

import typer

from rbac.cli.output import NO, say, stderr, stdout

TEMPLATE: Final = "template"
EXAMPLE = """Example: begin in an empty folder, then ask what was begun with.

    rbac init

    rbac check

    rbac test

    rbac matrix
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init", epilog=EXAMPLE)(init)


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where; made if it is not there.")
    ] = Path(),
) -> None:
    """Write model.conf, policy.csv, revocations.csv and policy_tests/ to begin from. Nothing that is there is overwritten:
    exit code 1.
    """
    begun = {Path(*parts): source for parts, source in _below(files("rbac") / TEMPLATE)}
    there = [name for name in begun if (folder / name).exists()]
    if there:
        for name in there:
            say(stderr(), ("rbac: ", "bold"), f"`{folder / name}` is there already; nothing was written")
        raise typer.Exit(NO)
    for name, source in begun.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(source.read_bytes())
        say(stdout(), str(folder / name))


def _below(folder: Traversable, *above: str) -> list[tuple[tuple[str, ...], Traversable]]:
    found: list[tuple[tuple[str, ...], Traversable]] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        name = (*above, entry.name)
        found += [(name, entry)] if entry.is_file() else _below(entry, *name)
    return found
