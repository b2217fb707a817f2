"""``rbac diff``: exactly which access a change of the policy grants and revokes."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

import typer
from rich.console import Console

from rbac import diff_views
from rbac.cli.options import (
    MODEL,
    POLICY,
    ModelOption,
    PolicyOption,
    RoutesOption,
    SubjectsOption,
    WithOption,
    known_routes,
    subject_pattern,
    words_besides,
)
from rbac.cli.output import NO, emit_json, say, stdout
from rbac.diff import Diff
from rbac.diff import diff as review_diff
from rbac.errors import RbacError
from rbac.names import SUBJECT
from rbac.policy import Policy

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


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The policy before: a file, or git:REVISION.")],
    new: Annotated[
        str | None,
        typer.Argument(
            metavar="NEW", help="The policy after; default: the file of --policy.", show_default=False
        ),
    ] = None,
    model: ModelOption = MODEL,
    policy: PolicyOption = POLICY,
    routes: RoutesOption = None,
    subjects: SubjectsOption = None,
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
    pattern = subject_pattern(subjects)
    before, after = (_load(source, model, policy) for source in (old, new or str(policy)))
    found = review_diff(
        before,
        after,
        known_routes(routes, policy),
        subjects=pattern.pattern if pattern else SUBJECT,
        given=words_besides(words),
    )
    if output == "json":
        emit_json(diff_views.to_json(found))
    elif output == "markdown":
        sys.stdout.write(diff_views.to_markdown(found))
    else:
        _show(found)
    if not found.equivalent:
        raise typer.Exit(NO)


def _load(source: str, model: Path, policy: Path) -> Policy:
    """The policy in a file, or at a git revision. Raises RevisionError, PolicyError, OSError."""
    if not source.startswith(_REVISION):
        return Policy.load(model, source)
    revision = source.removeprefix(_REVISION)
    rules = _show_file(revision, policy)
    try:
        definition = _show_file(revision, model)
    except RevisionError:
        # A model that is not under version control, or lies elsewhere, is taken to be the same then and now.
        definition = model.read_bytes()
    return Policy.parse(
        definition, rules, model_name=f"{revision}:{model}", policy_name=f"{revision}:{policy}"
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


def _show(found: Diff) -> None:
    console = stdout()
    say(console, (diff_views.summary(found), "bold"), (f"  {found.old} -> {found.new}", "dim"))
    cells = diff_views.entries(found.cells)
    _section(console, "Look at these first", (entry for entry in cells if entry.danger))
    _section(console, "Granted", (entry for entry in cells if entry.granted and not entry.danger))
    _section(console, "Revoked", (entry for entry in cells if not entry.granted))
    _section(console, "Named people", diff_views.entries(found.people))
    if found.links:
        say(console, "")
        say(console, ("Role links", "bold"))
        for link in found.links:
            say(console, "  ", diff_views.link_sentence(link))
    for note in found.notes:
        say(console, ("note: ", "bold yellow"), note)


def _section(console: Console, title: str, entries: Iterable[diff_views.Entry]) -> None:
    shown = list(entries)
    if not shown:
        return
    say(console, "")
    say(console, (title, "bold"))
    for entry in shown:
        sign = ("+ ", "green") if entry.granted else ("- ", "red")
        example = (" (example)", "dim") if entry.changes[0].witness else ""
        danger = (f"  {entry.danger}", "bold red") if entry.danger else ""
        say(console, "  ", sign, (entry.endpoint, "bold"), example, danger)
        say(console, f"      {entry.who}")
        say(console, "      ", (entry.why, "dim"))
