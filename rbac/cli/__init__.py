"""The `rbac` command: one command a file, each with a ``register(app)`` that adds it.

Exit codes: 0 yes, clean or equivalent; 1 no, findings or failed; 2 could not run.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from rbac.cli.output import UNABLE, report_trouble, speak_any_encoding
from rbac.errors import RbacError

# In the order of `rbac --help`: first what everybody types after an edit, then questions, then what compares.
COMMANDS = (
    "check",
    "fmt",
    "test",
    "explain",
    "can",
    "who_can",
    "matrix",
    "diff",
    "replay",
    "unused",
    "routes",
    "publish",
    "history",
    "show",
    "rollback",
)


class Command(TyperCommand):
    """Its help shows what to type behind an option: behind a flag, nothing."""

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override] # as in Commands.invoke
        """The parameters, the flags without the name of their type."""
        return _flags_plain(super().get_params(ctx))


class Commands(TyperGroup):
    """What stops a command (an unreadable file, a refused policy, a bad option) is one message and exit 2."""

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override] # as in invoke
        """The parameters, the flags without the name of their type."""
        return _flags_plain(super().get_params(ctx))

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override] # typer's own context class is not public
        """Run the command; an error of ours or of the operating system ends in exit code 2, no traceback."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except (RbacError, OSError) as error:
            report_trouble(error)
            raise typer.Exit(UNABLE) from error


def _flags_plain(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        if isinstance(parameter, TyperOption) and parameter.is_flag and parameter.metavar is None:
            parameter.metavar = ""
    return parameters


def build_app() -> typer.Typer:
    """The command with every subcommand of :data:`COMMANDS` that this installation has."""
    app = typer.Typer(
        name="rbac",
        cls=Commands,
        help=(
            "Read, test and change policy.csv, the file that says who may do what.\n\n"
            "Exit codes: 0 yes or clean, 1 no or findings, 2 could not run."
        ),
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    # A callback keeps `rbac COMMAND` a group whatever the number of commands.
    app.callback()(_root)
    for name in COMMANDS:
        module = f"rbac.cli.{name}"
        if find_spec(module) is not None:
            import_module(module).register(app)
    for command in app.registered_commands:
        command.cls = Command
        command.epilog = _listed(command.epilog or "")
    return app


def _listed(examples: str) -> str:
    """Examples, a sentence and indented commands, so that each command keeps a line of its own in the help."""
    lines = (
        f"- `{line.strip()}`" if line.startswith(" ") else line for line in examples.splitlines() if line
    )
    return "\n\n".join(lines)


def _root() -> None:
    """Nothing is common to all commands but what :mod:`rbac.cli.options` spells."""


def main() -> None:
    """What the installed `rbac` and `python -m rbac` run."""
    speak_any_encoding()
    build_app()(prog_name="rbac")
