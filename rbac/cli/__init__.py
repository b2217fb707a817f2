"""The `rbac` command: one command a file, each with a ``register(app)`` that adds it.

Read ``options`` and ``output``, which all of them share, then ``check``.

Exit codes: 0 yes, clean or equivalent; 1 no, findings or failed; 2 could not run.
"""

import warnings
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from rbac.cli.from_files import settings_from_files
from rbac.cli.laid_out import laid_out
from rbac.cli.output import UNABLE, report_trouble, say, speak_any_encoding, stdout
from rbac.cli.overview import print_overview
from rbac.errors import RbacError

# In the order of `rbac --help`: first what everybody types after an edit, then questions, then what compares. What each says
# of itself stands here too, so that the list of them needs none of their imports.
COMMANDS: Final = {
    "init": (
        "Write model.conf, policy.csv, revocations.csv and policy_tests/ to begin from. Nothing that is there is "
        "overwritten: exit code 1."
    ),
    "check": (
        "Say what is wrong in the policy: every mistake with its line and what to do. Exit code 1 if "
        "there is any."
    ),
    "fmt": "Tidy the policy and its model: columns aligned, no stray bytes or empty columns, comments kept.",
    "test": "Run the policy tests: whether what must stay true of the policy is true.",
    "explain": (
        "Say why a request is allowed or denied: the rule, the way to its role, or the rules that were "
        "nearly met."
    ),
    "can": "List every endpoint that this caller reaches, and the rule that lets them.",
    "who-can": "List every role, and every person the policy names, that reaches an endpoint.",
    "matrix": "Show what each role may do, endpoint by endpoint, and each person whom the policy names.",
    "diff": (
        "Show which (role, method, endpoint) cells a change grants and revokes. Exit code 1 unless "
        "nothing changes."
    ),
    "replay": "Ask a policy every recorded decision again. Exit code 1 if any comes out differently.",
    "unused": "List the rules and role links that no recorded decision needed. Exit code 1 if there are any.",
    "doctor": (
        "Look at the issuer's settings, and say what is dangerous, what cannot work, and what mends it. "
        "Nothing is changed."
    ),
    "revoke": (
        "Refuse the tokens that somebody has: 401 within a second, everywhere, and their connections are "
        "closed."
    ),
    "lock-out": (
        "Take everything from one person, whatever their roles: the line in the policy, and a policy test "
        "that it stays there."
    ),
    "revocations": ("List who is sent away. A file with a mistake is refused with all of them: exit code 2."),
    "routes": "List the endpoints of a FastAPI application. Importing it starts nothing.",
    "publish": (
        "Publish model, rules, policy tests and endpoints as the next version, which every replica then "
        "decides by."
    ),
    "history": "List the versions from the newest on: number, revision, time (UTC), author, reason.",
    "show": "Write what a version holds: the same bytes that were published.",
    "blame": "Say which version brought each line of the rules, by whom, when and why.",
    "rollback": (
        "Publish what an old version holds as the next one: gated like any, by today's lint and its own "
        "tests."
    ),
    "status": (
        "List the replicas by what they run. Exit code 1 unless every one runs the newest version and "
        "nothing troubles it, and where none reports what it runs, unless --git is asked about."
    ),
    "migrate": (
        "Make the tables, or bring them up to this version: as their owner, by one at a time, all steps "
        "or none."
    ),
}


class Command(TyperCommand):
    """Its help shows what to type behind an option: behind a flag, nothing."""

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override] # as in Commands.invoke
        """The parameters, the flags without the name of their type."""
        return _flags_plain(super().get_params(ctx))

    def make_context(self, info_name: Any, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """As its base; what neither the arguments nor a variable say, the file that `NAME_FILE` names may."""
        from_files = {"default_map": settings_from_files(self.params)}
        return super().make_context(info_name, args, parent, **(from_files | extra))

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override] # as in Commands.invoke
        """Runs the command; a policy that a store holds (`--policy pg:12`) is laid out in files for it first."""
        with laid_out(ctx):
            return super().invoke(ctx)


class Commands(TyperGroup):
    """What stops a command (an unreadable file, a refused policy, a bad option) is one message and exit 2."""

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override] # as in invoke
        """The parameters, the flags without the name of their type."""
        return _flags_plain(super().get_params(ctx))

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {
            name: Command(name, help=said, rich_markup_mode="markdown") for name, said in COMMANDS.items()
        }

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported."""
        return None if super().get_command(ctx, cmd_name) is None else _command(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - it goes to the terminal, as typer's does
        """The help of the group, from the lines of :data:`COMMANDS`: no command is imported for it."""
        options = [one for one in self.get_params(ctx) if isinstance(one, TyperOption)]
        print_overview(self.get_usage(ctx), self.help or "", options, COMMANDS)

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
    """The command with every subcommand of :data:`COMMANDS`, each imported when it is asked for."""
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
    return app


def _command(name: str) -> Any:
    """The command ``name``, imported."""
    alone = typer.Typer(rich_markup_mode="markdown", pretty_exceptions_enable=False)
    alone.callback()(_root)
    import_module(f"rbac.cli.{name.replace('-', '_')}").register(alone)
    for registered in alone.registered_commands:
        registered.cls = Command
        registered.epilog = _listed(registered.epilog or "")
    group = typer.main.get_command(alone)
    return group.commands[name]  # type: ignore[attr-defined] # a group has commands


def _listed(examples: str) -> str:
    """Examples, a sentence and indented commands, so that each command keeps a line of its own in the help."""
    lines = (
        f"- `{line.strip()}`" if line.startswith(" ") else line for line in examples.splitlines() if line
    )
    return "\n\n".join(lines)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        say(stdout(), f"rbac {version('sekisho')}")
        raise typer.Exit


def _root(
    shown: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Nothing is common to all commands but what :mod:`rbac.cli.options` spells."""


def main() -> None:
    """What the installed `rbac` and `python -m rbac` run."""
    speak_any_encoding()
    # Python's `re` wonders about `[[` in a pattern, in words about Python; what there is to say of one, `check` says.
    warnings.filterwarnings("ignore", "Possible (?:nested )?set", FutureWarning)
    build_app()(prog_name="rbac")
