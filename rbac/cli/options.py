"""The options that every command shares, spelled once: ``model: ModelOption = MODEL``."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from typer import CallbackParam

from rbac.asking import CallingProgram
from rbac.cli.output import DEFAULTS
from rbac.document.names import SUBJECT, SubjectsError, checked_subjects
from rbac.model.own_functions import OwnFunctions, named_functions
from rbac.policy import Policy
from rbac.routes import KnownRoutes, load_routes, routes_beside

MODEL, POLICY = map(Path, DEFAULTS)

ModelOption = Annotated[Path, typer.Option("--model", metavar="FILE", help="The Casbin model.")]
PolicyOption = Annotated[Path, typer.Option("--policy", metavar="FILE", help="The rules.")]
RoutesOption = Annotated[
    str | None,
    typer.Option(
        "--routes",
        metavar="APP|FILE|none",
        help="The known endpoints: a FastAPI application (app.main:app), a routes.json, or none. "
        "Default: the routes.json beside the policy file, else none.",
        show_default=False,
    ),
]
SubjectsOption = Annotated[
    str | None,
    typer.Option(
        "--subjects",
        metavar="PRESET|REGEX",
        envvar="POLICY_SUBJECTS",
        help="What a person's `sub` looks like: cognito, auth0, firebase, or a regular expression. Default: cognito.",
        show_default=False,
    ),
]
FunctionsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--functions",
        metavar="MODULE:NAME",
        envvar="POLICY_FUNCTIONS",
        help="Functions of your own that the matcher calls: one, or a mapping of names to them; several times for several.",
        show_default=False,
    ),
]
SubOption = Annotated[
    str | None,
    typer.Option("--sub", metavar="NAME", help="The person: the token's `sub`.", show_default=False),
]
RolesOption = Annotated[
    list[str] | None,
    typer.Option("--role", metavar="ROLE", help="Their role; several times for several.", show_default=False),
]
ClientOption = Annotated[
    str | None,
    typer.Option(
        "--client",
        metavar="ID",
        help="A program; with --sub or --role, what they call through.",
        show_default=False,
    ),
]
ScopesOption = Annotated[
    list[str] | None,
    typer.Option("--scope", metavar="NAME", help="Its scope; several times for several.", show_default=False),
]
ThroughClientOption = Annotated[
    str | None,
    typer.Option("--client", metavar="ID", help="The program that they call through.", show_default=False),
]
WithOption = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="WORD=TEXT",
        help="Another word of the model, such as dom=acme; several times for several.",
        show_default=False,
    ),
]


def _no_secret_in_sight(context: typer.Context, parameter: CallbackParam, value: str | None) -> str | None:
    """A password among the arguments is for every user of the machine to read."""
    source = context.get_parameter_source(parameter.name or "")
    typed = source is not None and source.name == "COMMANDLINE"
    if typed and value is not None and re.search(r"//[^/?#@]*:[^/?#]*@|password=", value):
        raise typer.BadParameter(
            "a password here is seen by everybody on this machine (and was, just now): give it in POLICY_STORE, "
            "PGPASSWORD or a password file"
        )
    return value


def _document_name(value: str) -> str:
    if not NAMES.fullmatch(value):
        raise typer.BadParameter(
            "a document is called by small letters, digits, `.`, `_` and `-`, at most 63 of them"
        )
    return value


def reason_of(value: str | None) -> str | None:
    """The reason on one line, as those who read the history see it. Raises typer.BadParameter for one that says nothing."""
    if value is None:
        return None
    reason = " ".join(value.split())
    if not 1 <= len(reason) <= _LONGEST_REASON:
        raise typer.BadParameter(f"say why, in at most {_LONGEST_REASON:,} characters")
    if not reason.isascii() and any("\ud800" <= letter <= "\udfff" for letter in reason):
        raise typer.BadParameter("it is no text in UTF-8")
    return reason


def _one_line(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise typer.BadParameter("give a reason of one line")
    return value.strip()


WhyOption = Annotated[
    str,
    typer.Option(
        "--reason",
        metavar="TEXT",
        callback=_one_line,
        help="Why, for those who read it later.",
        show_default=False,
    ),
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        envvar="POLICY_STORE",
        callback=_no_secret_in_sight,
        help="The database: postgresql://USER@HOST/DATABASE, without a password.",
        show_default=False,
    ),
]
NameOption = Annotated[
    str,
    typer.Option(
        "--name",
        metavar="NAME",
        envvar="POLICY_STORE_NAME",
        callback=_document_name,
        help="Which document of those in the database.",
    ),
]
NAME: Final = "policy"
NAMES: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_LONGEST_REASON: Final = 2000
GitOption = Annotated[
    str | None,
    typer.Option(
        "--git",
        metavar="REVISION",
        help="What this branch or commit of Git holds, instead of the files as they lie here.",
        show_default=False,
    ),
]
TestsOption = Annotated[
    Path | None,
    typer.Option(
        "--tests",
        metavar="PATH",
        envvar="POLICY_TESTS",
        help="The policy tests. Default: policy_tests beside the policy.",
        show_default=False,
    ),
]
ReasonOption = Annotated[
    str,
    typer.Option(
        "--reason",
        metavar="TEXT",
        callback=reason_of,
        help="Why, for those who read the history.",
        show_default=False,
    ),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Say what would happen, and what it would change; publish nothing.")
]
TextOrJson = Literal["text", "json"]
FormatOption = Annotated[TextOrJson, typer.Option("--format", help="For people, or for programs.")]


def known_routes(option: str | None, policy: Path) -> KnownRoutes:
    """The endpoints that ``--routes`` names; empty for `none`. Raises RoutesError."""
    if option is None:
        return routes_beside(policy)
    return load_routes(option)


def words_besides(option: list[str] | None) -> dict[str, str]:
    """The words that ``--with`` gives, by name; anything that is not WORD=TEXT is bad usage."""
    pairs = [text.partition("=") for text in option or ()]
    for (word, equals, _), text in zip(pairs, option or (), strict=True):
        if not (word and equals):
            raise typer.BadParameter(f"{text!r} is not WORD=TEXT", param_hint="--with")
    return {word: value for word, _, value in pairs}


def scope_words(scopes: list[str] | None) -> tuple[str, ...]:
    """The words of the policy for what ``--scope`` names."""
    return CallingProgram.of(None, scopes or ()).roles


def program_of(client: str | None, scopes: list[str] | None) -> CallingProgram | None:
    """The program that ``--client`` and ``--scope`` name; ``None`` for neither."""
    return None if client is None and not scopes else CallingProgram.of(client, scopes or ())


def functions_of(option: list[str] | None) -> OwnFunctions:
    """The functions that ``--functions`` names, by name; commas separate several. Raises FunctionsError."""
    named = (part.strip() for text in option or () for part in text.split(","))
    return named_functions(filter(None, named))


def policy_of(model: Path, policy: Path, functions: list[str] | None, subjects: str | None = None) -> Policy:
    """The policy in these files, as the options say. Raises what :meth:`rbac.Policy.load` raises, and FunctionsError."""
    return Policy.load(model, policy, subjects=subjects_of(subjects), functions=functions_of(functions))


def subjects_of(option: str | None) -> str:
    """What ``--subjects`` says, or the default; a pattern that does not compile is bad usage."""
    try:
        return checked_subjects(SUBJECT if option is None else option)
    except SubjectsError as error:
        raise typer.BadParameter(str(error), param_hint="--subjects") from error
