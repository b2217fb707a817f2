"""``rbac publish``: a document as the next version in the store, for every replica."""

from typing import TYPE_CHECKING, Annotated

import typer

from rbac.cli import options
from rbac.cli.commits import DocumentPaths, commit_at, git_head, held_at
from rbac.cli.output import say, stderr
from rbac.cli.publishing import NewVersion, publish_draft
from rbac.cli.stored import based_on as base_of
from rbac.cli.stored import versions_of, working_copy

if TYPE_CHECKING:  # the driver is an extra
    from rbac.stores.postgres.versions import Versions

EXAMPLE = """Examples: what it would change; publish what began as version 12; in a pipeline, what the main branch holds.

    rbac publish --based-on 12 --reason "clerks may refund" --dry-run
    rbac publish --based-on 12 --reason "clerks may refund"
    rbac publish --git main
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("publish", epilog=EXAMPLE)(publish)


WhyPublishedOption = Annotated[
    str | None,
    typer.Option(
        "--reason",
        metavar="TEXT",
        callback=options.reason_of,
        help="Why, for those who read the history. With --git by default what the commit says.",
        show_default=False,
    ),
]
BasedOnOption = Annotated[
    int | None,
    typer.Option(
        "--based-on",
        min=1,
        metavar="N",
        help="The version that the edit began with; needed once there is one.",
        show_default=False,
    ),
]


def publish(  # noqa: PLR0913, PLR0917 - each is an option of the command
    reason: WhyPublishedOption = None,
    git: options.GitOption = None,
    based_on: BasedOnOption = None,
    dry_run: options.DryRunOption = False,
    model: options.ModelOption = options.MODEL,
    policy: options.PolicyOption = options.POLICY,
    tests: options.TestsOption = None,
    routes: options.RoutesOption = None,
    subjects: options.SubjectsOption = None,
    functions: options.FunctionsOption = None,
    store: options.StoreOption = None,
    name: options.NameOption = options.NAME,
    output: options.FormatOption = "text",
) -> None:
    """Publish model, rules, policy tests and endpoints as the next version, which every replica then decides by.

    What lint or the policy tests refuse is not published, and neither is what is not based on the newest version:
    then it says who published what meanwhile. Exit code 1 then.

    With --git what a commit holds is published, and the newest version must be what an earlier commit of that branch held:
    a version that somebody published beside Git is told, and stays.
    """
    people, own = options.subjects_of(subjects), options.functions_of(functions)
    suites = tests or policy.parent / "policy_tests"
    paths = DocumentPaths.of(model, policy, suites)
    if git is None:
        snapshot, known = working_copy(model, policy, suites, routes)
    elif routes is not None:
        raise typer.BadParameter(
            "goes with the files as they lie here; a commit has its own routes.json", param_hint="--routes"
        )
    else:
        commit = commit_at(git, paths.folder)
        reason = reason or commit.subject
        snapshot, known = held_at(commit.sha, paths)
    if not reason:
        raise typer.BadParameter("say why, for those who read the history", param_hint="--reason")
    with versions_of(store, name) as versions:
        if git is not None and based_on is None:
            based_on = _known_to_git(git, paths, versions)
        base, head = base_of(versions, based_on)
        draft = NewVersion(snapshot, base, reason, 0, known, people, own)
        publish_draft(versions, draft, head, dry_run=dry_run, as_json=output == "json")


def _known_to_git(revision: str, paths: DocumentPaths, versions: "Versions") -> int:
    """The newest version that a commit of ``revision`` holds; 0 where none does. Says so where it is not the newest."""
    found = git_head(revision, paths, versions.history())
    if found.beside:
        held = (
            f"version {found.version.number} ({found.commit.subject})"
            if found.version and found.commit
            else "no version"
        )
        say(
            stderr(),
            ("rbac: ", "bold"),
            f"{held} is the newest that {revision} held: what came later is not Git's. Bring it into Git, and publish once "
            f"with --based-on {found.beside[0].number}",
        )
    return found.version.number if found.version else 0
