"""``rbac diff``: exactly which access a change of the policy grants and revokes."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

import typer

from rbac.cli import options
from rbac.cli.diff_text import show
from rbac.cli.from_files import setting
from rbac.cli.output import NO, emit_json, emit_text, stdout
from rbac.cli.stored import PREFIX, place_of, stored, stored_policy
from rbac.diff import views
from rbac.diff.diff import diff as review_diff
from rbac.diff.markdown import to_markdown
from rbac.diff.new_endpoints import new_endpoints
from rbac.diff.new_endpoints import to_json as endpoints_to_json
from rbac.diff.overview import overview
from rbac.diff.shown import shown
from rbac.errors import RbacError
from rbac.model.own_functions import OwnFunctions
from rbac.policy import Policy
from rbac.routes import load_routes

EXAMPLE = """Examples: what an edit changes, against the last commit; as a comment for a pull request.

    rbac diff git:HEAD policy.csv
    rbac diff git:origin/main git:HEAD --format markdown
"""
_REVISION: Final = "git:"


class RevisionError(RbacError):
    """A revision that git cannot show: no repository, no such revision, or no such file in it."""

    code: ClassVar[str] = "revision_unreadable"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff", epilog=EXAMPLE)(diff)


OldArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="OLD", help="The policy before: a file, git:REVISION, or pg:VERSION.", show_default=False
    ),
]
NewArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="NEW", help="The policy after; default: the file of --policy.", show_default=False
    ),
]
OldRoutesOption = Annotated[
    str | None,
    typer.Option(
        "--old-routes",
        metavar="ROUTES",
        help="The endpoints before: who gets those that are new? Without OLD by the policy as it is.",
        show_default=False,
    ),
]


def diff(  # noqa: PLR0913, PLR0917 - each is an option of the command
    old: OldArgument = None,
    new: NewArgument = None,
    model: options.ModelOption = options.MODEL,
    policy: options.PolicyOption = options.POLICY,
    routes: options.RoutesOption = None,
    old_routes: OldRoutesOption = None,
    subjects: options.SubjectsOption = None,
    functions: options.FunctionsOption = None,
    words: options.WithOption = None,
    output: Annotated[
        Literal["text", "json", "markdown"], typer.Option("--format", help="How to show it.")
    ] = "text",
) -> None:
    """Show which (role, method, endpoint) cells a change grants and revokes. Exit code 1 unless nothing
    changes.

    git:REVISION is the file of --policy at that revision, with the model of that revision; pg:VERSION is a version in the
    store that POLICY_STORE names, pg: the newest. What changes off the known routes is shown by an example.
    """
    if old is None and old_routes is None:
        raise typer.BadParameter("name the policy before, such as git:HEAD", param_hint="OLD")
    people, own = options.subjects_of(subjects), options.functions_of(functions)
    given = options.words_besides(words)
    before, after = (
        _load(source, model, policy, people, own) for source in (old or str(policy), new or str(policy))
    )
    known = options.known_routes(routes, policy)
    exact = review_diff(before, after, known, subjects=people, given=given)
    found = shown(exact, before, after, known)
    seen = overview(before, after, found, known, subjects=people)
    opened = new_endpoints(after, known if old_routes is None else load_routes(old_routes), known)
    found = replace(found, notes=tuple(dict.fromkeys((*found.notes, *opened.notes))))
    if output == "json":
        more = {} if old_routes is None else {"new_endpoints": endpoints_to_json(opened)}
        emit_json(views.to_json(found, seen) | more)
    elif output == "markdown":
        emit_text(to_markdown(found, seen, opened))
    else:
        show(stdout(), found, seen, opened)
    if not found.equivalent or any(one.reached for one in opened):
        raise typer.Exit(NO)


def _load(source: str, model: Path, policy: Path, subjects: str, functions: OwnFunctions) -> Policy:
    """The policy in a file, at a git revision, or in the store. Raises RevisionError, StoreError, PolicyError, OSError."""
    if source.startswith(PREFIX):
        place = place_of(source, setting("POLICY_STORE_NAME") or options.NAME)
        return stored_policy(stored(setting("POLICY_STORE"), place), place.name, subjects, functions)
    if not source.startswith(_REVISION):
        return Policy.load(model, source, subjects=subjects, functions=functions)
    revision = source.removeprefix(_REVISION)
    rules = _show_file(revision, policy)
    try:
        definition = _show_file(revision, model)
    except RevisionError:
        # A model that is not under version control, or lies elsewhere, is taken to be the same then and now.
        definition = model.read_bytes()
    return Policy.parse(
        definition,
        rules,
        model_name=f"{revision}:{model}",
        policy_name=f"{revision}:{policy}",
        subjects=subjects,
        functions=functions,
    )


def _show_file(revision: str, path: Path) -> bytes:
    if revision.startswith("-") or ":" in revision or not revision:
        raise RevisionError(f"`{revision}` is no git revision")
    where = path.absolute()
    command = ["git", "-C", str(where.parent), "show", f"{revision}:./{where.name}"]
    try:
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 no shell, and no option: see above
    except FileNotFoundError as error:
        raise RevisionError("git is not installed") from error
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        raise RevisionError(f"git cannot show `{path}` at `{revision}`: {reason}")
    return done.stdout
