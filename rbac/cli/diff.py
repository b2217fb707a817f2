"""``rbac diff``: exactly which access a change of the policy grants and revokes."""

import subprocess
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

import typer

from rbac import diff_views
from rbac.cli.diff_text import show
from rbac.cli.options import (
    MODEL,
    POLICY,
    FunctionsOption,
    ModelOption,
    PolicyOption,
    RoutesOption,
    SubjectsOption,
    WithOption,
    functions_of,
    known_routes,
    subjects_of,
    words_besides,
)
from rbac.cli.output import NO, emit_json, emit_text, stdout
from rbac.diff import diff as review_diff
from rbac.diff_markdown import to_markdown
from rbac.diff_overview import overview
from rbac.diff_shown import shown
from rbac.errors import RbacError
from rbac.new_endpoints import new_endpoints
from rbac.new_endpoints import to_json as endpoints_to_json
from rbac.own_functions import OwnFunctions
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


def diff(  # noqa: PLR0913, PLR0917 - each is an option of the command
    old: Annotated[
        str | None,
        typer.Argument(metavar="OLD", help="The policy before: a file, or git:REVISION.", show_default=False),
    ] = None,
    new: Annotated[
        str | None,
        typer.Argument(
            metavar="NEW", help="The policy after; default: the file of --policy.", show_default=False
        ),
    ] = None,
    model: ModelOption = MODEL,
    policy: PolicyOption = POLICY,
    routes: RoutesOption = None,
    old_routes: Annotated[
        str | None,
        typer.Option(
            "--old-routes",
            metavar="ROUTES",
            help="The endpoints before: who gets those that are new? Without OLD by the policy as it is.",
            show_default=False,
        ),
    ] = None,
    subjects: SubjectsOption = None,
    functions: FunctionsOption = None,
    words: WithOption = None,
    output: Annotated[
        Literal["text", "json", "markdown"], typer.Option("--format", help="How to show it.")
    ] = "text",
) -> None:
    """Show which (role, method, endpoint) cells a change grants and revokes. Exit code 1 unless nothing
    changes.

    git:REVISION is the file of --policy at that revision, with the model of that revision. What changes off
    the known routes is shown by an example.
    """
    if old is None and old_routes is None:
        raise typer.BadParameter("name the policy before, such as git:HEAD", param_hint="OLD")
    people, own = subjects_of(subjects), functions_of(functions)
    given = words_besides(words)
    before, after = (
        _load(source, model, policy, people, own) for source in (old or str(policy), new or str(policy))
    )
    known = known_routes(routes, policy)
    exact = review_diff(before, after, known, subjects=people, given=given)
    found = shown(exact, before, after, known)
    seen = overview(before, after, found, known, subjects=people)
    opened = () if old_routes is None else new_endpoints(after, load_routes(old_routes), known)
    if output == "json":
        more = {} if old_routes is None else {"new_endpoints": endpoints_to_json(opened)}
        emit_json(diff_views.to_json(found, seen) | more)
    elif output == "markdown":
        emit_text(to_markdown(found, seen, opened))
    else:
        show(stdout(), found, seen, opened)
    if not found.equivalent or any(one.reached for one in opened):
        raise typer.Exit(NO)


def _load(source: str, model: Path, policy: Path, subjects: str, functions: OwnFunctions) -> Policy:
    """The policy in a file, or at a git revision. Raises RevisionError, PolicyError, OSError."""
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
