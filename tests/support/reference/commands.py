"""docs/commands.md: every command of ``rbac`` with its arguments, its options and its examples."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import typer
from typer.core import TyperArgument
from typer.main import get_command

from rbac.cli import build_app
from tests.support.reference.tables import code, table

HEAD: Final = """# Commands

Everything that `rbac` can be told. `rbac COMMAND --help` says the same; `rbac --install-completion` completes names and options in your shell.
Exit codes are the same everywhere: 0 yes, clean or equivalent; 1 no, findings or failed; 2 could not run.

The first commands read a document in files (`--model`, `--policy`), in Git (`git:HEAD`, `git:main`) or in a store (`pg:12`, see [many replicas](store.md)).
"""
SHARED_BY: Final = 6  # so many commands, at least, have an option for it to be told once
SHARED: Final = """## Options that most commands have

"""


def page() -> str:
    """The page."""
    group: Any = get_command(build_app())
    context = typer.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    rows = {name: [_row(each) for each in command.params] for name, command in found.items()}
    counted = Counter(row for own in rows.values() for row in own)
    shared = [row for row, times in counted.items() if times >= SHARED_BY]
    parts = [HEAD, SHARED + table(_COLUMNS, shared) + "\n"]
    parts += [_section(name, command, rows[name], shared) for name, command in found.items()]
    return "\n".join(parts)


Row = tuple[str, str, str, str]
_COLUMNS: Final = ("option", "value", "default", "meaning")


def _section(name: str, command: Any, rows: Sequence[Row], shared: Sequence[Row]) -> str:
    usage = " ".join(
        ["rbac", name, *(_usage(each) for each in command.params if isinstance(each, TyperArgument))]
    )
    parts = [f"## {name}\n", f"`{usage}`\n", command.help.strip() + "\n"]
    own = [row for row in rows if row not in shared]
    if own:
        parts.append(table(_COLUMNS, own) + "\n")
    if besides := [row[0] for row in rows if row in shared]:
        parts.append(f"And, [as most do](#options-that-most-commands-have): {', '.join(besides)}.\n")
    if command.epilog:
        parts.append(command.epilog.replace("\n\n- ", "\n- ").replace("\n- ", "\n\n- ", 1).strip() + "\n")
    return "\n".join(parts)


def _usage(argument: Any) -> str:
    written = _name(argument) + ("…" if argument.nargs == -1 else "")
    return written if argument.required else f"[{written}]"


def _name(argument: Any) -> str:
    return str(argument.metavar).strip("[].")


def _row(parameter: Any) -> Row:
    is_argument = isinstance(parameter, TyperArgument)
    name = _name(parameter) if is_argument else "`, `".join([*parameter.opts, *parameter.secondary_opts])
    value = "" if is_argument or parameter.is_flag else parameter.metavar or _choices(parameter)
    variable = f" Or the variable `{parameter.envvar}`." if parameter.envvar else ""
    required = "required" if parameter.required else ""
    default = (
        ""
        if parameter.default in {None, False} or not parameter.show_default
        else _written(parameter.default)
    )
    return code(name), code(value), required or default, (parameter.help or "") + variable


def _written(default: object) -> str:
    return code(default.as_posix() if isinstance(default, Path) else default)


def _choices(parameter: Any) -> str:
    kind = parameter.type_descriptor
    return "|".join(getattr(kind, "choices", ())) or str(getattr(kind, "name", kind)).upper()
