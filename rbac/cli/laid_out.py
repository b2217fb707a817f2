"""`--policy pg:12` for every command: the version's files, laid out for as long as the command runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import typer

from rbac.cli.from_files import setting
from rbac.cli.output import name_from

_PREFIX: Final = "pg:"
_WRITES: Final = frozenset({"fmt", "lock-out"})
_WRITES_NOT: Final = ("check", "to_stdout", "dry_run")


@contextmanager
def laid_out(context: typer.Context) -> Iterator[None]:
    """Puts files in place of a `pg:` behind ``--policy``, and the version's own model, tests and routes beside it,
    where no others were named. Raises StoreError, StoreUsageError."""
    asked = str(context.params.get("policy", ""))
    if not asked.startswith(_PREFIX):
        yield
        return
    from rbac.cli.stored import StoreUsageError, lay_out, place_of, stored

    parameters = context.params
    if context.command.name in _WRITES and not any(parameters.get(option) for option in _WRITES_NOT):
        raise StoreUsageError("a version never changes: `rbac show --into .` first, and `rbac publish` then")
    name = setting("POLICY_STORE_NAME")
    place = place_of(asked, name) if name else place_of(asked)
    snapshot = stored(parameters.get("store") or setting("POLICY_STORE"), place)
    with TemporaryDirectory(prefix="rbac-") as directory:
        folder = Path(directory, f"pg:{place.name}@{snapshot.version}")
        name_from(directory)
        lay_out(snapshot, folder)
        own = {"policy": folder / "policy.csv", "model": folder / "model.conf"}
        if context.command.name == "test":
            own["paths"] = folder / "policy_tests"
        for parameter, path in own.items():
            source = context.get_parameter_source(parameter)
            if parameter == "policy" or source is None or source.name != "COMMANDLINE":
                parameters[parameter] = [path] if parameter == "paths" else path
        yield
