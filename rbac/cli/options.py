"""The options that every command shares, spelled once: ``model: ModelOption = MODEL``."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from rbac.names import PRESETS, SUBJECT, Subjects
from rbac.own_functions import OwnFunctions, named_functions
from rbac.routes import KnownRoutes, load_routes, routes_beside

MODEL: Final = Path("model.conf")
POLICY: Final = Path("policy.csv")

ModelOption = Annotated[Path, typer.Option("--model", metavar="FILE", help="The Casbin model.")]
PolicyOption = Annotated[Path, typer.Option("--policy", metavar="FILE", help="The rules.")]
RoutesOption = Annotated[
    str | None,
    typer.Option(
        "--routes",
        metavar="APP|FILE|none",
        help="The known endpoints: a FastAPI application (app.main:app), a routes.json, or none. "
        "Default: app.main:app when that application stands beside the policy file, else none.",
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
WithOption = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="WORD=TEXT",
        help="Another word of the model, such as dom=acme; several times for several.",
        show_default=False,
    ),
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


def functions_of(option: list[str] | None) -> OwnFunctions:
    """The functions that ``--functions`` names, by name; commas separate several. Raises FunctionsError."""
    named = (part.strip() for text in option or () for part in text.split(","))
    return named_functions(filter(None, named))


def subjects_of(option: str | None) -> str:
    """What ``--subjects`` says, or the default; a pattern that does not compile is bad usage."""
    if option is None:
        return SUBJECT
    try:
        Subjects.of(option)
    except re.error as error:
        message = f"{option!r} is neither a preset ({', '.join(PRESETS)}) nor a regular expression: {error}"
        raise typer.BadParameter(message, param_hint="--subjects") from error
    return option
