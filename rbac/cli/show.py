"""``rbac show``: what a version holds, byte for byte."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from rbac.cli.options import NAME, FormatOption, NameOption, StoreOption
from rbac.cli.output import emit_json, say, stdout
from rbac.cli.stored import ROUTES, StoreUsageError, lay_out, newest, versions_of
from rbac.stores import Snapshot

EXAMPLE = """Examples: the rules of version 12; all that the newest holds, to begin an edit with.

    rbac show --version 12 > policy.csv
    rbac show --into .
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("show", epilog=EXAMPLE)(show)


def show(
    version: Annotated[
        int | None,
        typer.Option(
            "--version", min=1, metavar="N", help="Which one; default: the newest.", show_default=False
        ),
    ] = None,
    part: Annotated[
        str,
        typer.Option(
            "--part", metavar="FILE", help="Which of its files: policy.csv, model.conf, routes.json, a test."
        ),
    ] = "policy.csv",
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="DIR", help="Write all its files there instead.", show_default=False),
    ] = None,
    store: StoreOption = None,
    name: NameOption = NAME,
    output: FormatOption = "text",
) -> None:
    """Write what a version holds: the same bytes that were published."""
    with versions_of(store, name) as versions:
        number = version or newest(versions)
        snapshot, about = versions.content(number), versions.version(number)
    if into is not None:
        lay_out(snapshot, into)
        say(
            stdout(),
            f"version {number} of {name}, revision {about.revision}: edit, then `rbac publish --based-on {number}`",
        )
        return
    files = _files(snapshot)
    if output == "json":
        emit_json(about.to_json() | {"files": {file: _text(content) for file, content in files.items()}})
    elif part in files:
        sys.stdout.flush()
        sys.stdout.buffer.write(files[part])
        sys.stdout.buffer.flush()
    else:
        raise StoreUsageError(f"version {number} holds no `{part}`: {', '.join(files)}")


def _files(snapshot: Snapshot) -> dict[str, bytes]:
    routes = {} if snapshot.routes is None else {ROUTES: snapshot.routes}
    return {"policy.csv": snapshot.policy, "model.conf": snapshot.model, **routes, **snapshot.tests}


def _text(content: bytes) -> Any:
    return content.decode("utf-8", "backslashreplace")
