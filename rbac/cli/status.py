"""``rbac status``: what every replica decides by."""

from collections.abc import Iterator
from datetime import UTC

import typer

from rbac.cli import options
from rbac.cli.commits import DocumentPaths, GitHead, git_head
from rbac.cli.output import NO, emit_json, say, stderr, stdout
from rbac.cli.stored import newest, session_of
from rbac.text.wording import counted

EXAMPLE = """Examples: in a pipeline, after `rbac publish`; whether somebody published beside Git.

    until rbac status; do sleep 1; done
    rbac status --git origin/main
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status", epilog=EXAMPLE)(status)


def status(
    git: options.GitOption = None,
    model: options.ModelOption = options.MODEL,
    policy: options.PolicyOption = options.POLICY,
    tests: options.TestsOption = None,
    store: options.StoreOption = None,
    name: options.NameOption = options.NAME,
    output: options.FormatOption = "text",
) -> None:
    """List the replicas by what they run. Exit code 1 unless every one runs the newest version and nothing troubles it, and
    where none reports what it runs, unless --git is asked about.

    A replica that has not reported for a while is gone, or cut off from the database: then it may decide by an old
    version. With --git also whether the newest version is what that branch holds, byte for byte; exit code 1 unless it is.
    """
    with session_of(store) as session:
        from rbac.stores.postgres.replicas import Replicas
        from rbac.stores.postgres.versions import Versions

        versions = Versions(session, name)
        head = newest(versions)
        paths = DocumentPaths.of(model, policy, tests or policy.parent / "policy_tests")
        in_git = None if git is None else git_head(git, paths, versions.history())
        listed = Replicas(session, name).all()
    current = [each for each in listed if each.version == head and not each.trouble and not each.silent]
    if output == "json":
        about_git = {} if in_git is None else {"git": in_git.to_json()}
        emit_json(
            {"name": name, "newest": head, "replicas": [each.to_json(head) for each in listed]} | about_git
        )
    else:
        console = stdout()
        width = max((len(each.replica) for each in listed), default=0)
        for each in listed:
            behind = f"{counted(head - each.version, 'version')} behind" if each.version < head else "newest"
            silent = f"  silent for {each.age_s:.0f} s" if each.silent else ""
            style = "" if each in current else "yellow"
            line = f"{each.replica:<{width}}  {each.version}  {each.revision}  {behind}{silent}"
            say(console, (line, style), f"  {each.trouble}" if each.trouble else "")
        say(
            console,
            (f"version {head} of {name}: {len(current)} of {counted(len(listed), 'replica')}", "bold"),
        )
        for sentence in () if in_git is None else _about(in_git):
            say(console, (sentence, "" if in_git is None or in_git.same else "yellow"))
    if not listed and in_git is None:
        say(stderr(), f"no replica has reported what it runs: is POLICY_STORE set, and `{name}` its name?")
    outdated = len(current) < len(listed) or (not listed and in_git is None)
    if outdated or (in_git is not None and not in_git.same):
        raise typer.Exit(NO)


def _about(found: GitHead) -> Iterator[str]:
    """What Git and the store have of each other, a sentence a line."""
    if found.version is None or found.commit is None:
        yield f"no version is what a commit of {found.revision} held"
        return
    held = f"version {found.version.number} is {found.commit.subject}"
    if found.same:
        yield f"{held}: what {found.revision} holds"
        return
    for version in reversed(found.beside):
        when = f"{version.published_at.astimezone(UTC):%Y-%m-%d %H:%M}"
        yield f"version {version.number}, by {version.signed} at {when}, was published beside Git: {version.why}"
    yield f"{held}: the newest that {found.revision} held"
    for commit in reversed(found.unpublished):
        yield f"not published: {commit.subject}"
