"""``rbac check``: everything that is wrong or suspicious in a document."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from rbac.cli import options
from rbac.cli.annotations import github_commands, sarif
from rbac.cli.output import (
    NO,
    emit_json,
    emit_text,
    report_trouble,
    say,
    show_problem,
    source_lines,
    stdout,
)
from rbac.document.document import Document, check_bytes, revision
from rbac.document.names import SUBJECT, Subjects
from rbac.errors import Problem, RbacError
from rbac.linting.lint import as_served, lint
from rbac.linting.reading.readable import readable_part
from rbac.model.own_functions import NO_FUNCTIONS, OwnFunctions
from rbac.policy_tests.scenario_file import hidden_in_suites, named_in
from rbac.policy_tests.suite_files import suite_files
from rbac.revocations.ahead import ahead
from rbac.revocations.reading import RevocationsError, read_revocations
from rbac.routes import BESIDE, KnownRoutes
from rbac.text.hidden import hidden_in_prose
from rbac.text.nearest import INVISIBLE
from rbac.text.wording import counted

EXAMPLE = """Examples: before a commit; while editing; for GitHub's code scanning.

    rbac check --strict
    rbac check --watch
    rbac check --format sarif > policy.sarif
"""

TESTS: Final = "policy_tests"
"""Where policy tests lie beside a policy."""
REVOCATIONS: Final = "revocations.csv"
"""And revocations."""

CheckFormat = Literal["text", "json", "sarif", "github"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check", epilog=EXAMPLE)(check)


_NOTHING_KNOWN: Final = (
    "no endpoint is known, so no path and no method was compared with any: name an application "
    f"(--routes app.main:app), or save its endpoints beside the policy as {BESIDE}"
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found. ``document`` is ``None`` where the reading refused it."""

    revision: str
    document: Document | None
    problems: tuple[Problem, ...]

    def failed(self, *, strict: bool) -> bool:
        """Whether there is an error, or, when it is strict, anything at all."""
        return any(strict or problem.severity == "error" for problem in self.problems)


KnowingTestsOption = Annotated[
    Path | None,
    typer.Option(
        "--tests",
        metavar="PATH",
        envvar="POLICY_TESTS",
        exists=True,
        help="The policy tests, whose roles are known. Default: policy_tests beside the policy.",
        show_default=False,
    ),
]
SentAwayOption = Annotated[
    Path | None,
    typer.Option(
        "--revocations",
        metavar="FILE",
        envvar="REVOCATIONS_FILE",
        exists=True,
        dir_okay=False,
        help="Who was sent away. Default: revocations.csv beside the policy, where there is one.",
        show_default=False,
    ),
]
NewRoutesOption = Annotated[
    bool,
    typer.Option("--new-routes", help="Also tell endpoints that are open through wildcards alone."),
]


def check(  # noqa: PLR0913, PLR0917 - each is an option of the command
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as findings.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Check again whenever a file is saved.")] = False,
    model: options.ModelOption = options.MODEL,
    policy: options.PolicyOption = options.POLICY,
    routes: options.RoutesOption = None,
    subjects: options.SubjectsOption = None,
    functions: options.FunctionsOption = None,
    tests: KnowingTestsOption = None,
    revocations: SentAwayOption = None,
    new_routes: NewRoutesOption = False,
    output: Annotated[
        CheckFormat, typer.Option("--format", help="For people, programs, code scanning, or GitHub's log.")
    ] = "text",
) -> None:
    """Say what is wrong in the policy: every mistake with its line and what to do. Exit code 1 if there is any.

    Errors keep a policy from coming into force, and revocations.csv. Warnings do not, unless --strict. With --strict,
    with the routes of an application, or with a routes.json beside it, the policy is judged as a service judges its own:
    it must deny by default.
    """
    people, own = options.subjects_of(subjects), options.functions_of(functions)
    known = options.known_routes(routes, policy)
    if new_routes and not known:
        raise typer.BadParameter("no endpoint is known: name them with --routes", param_hint="--new-routes")

    sent_away = revocations or policy.with_name(REVOCATIONS)

    def once() -> bool:
        checked = check_files(model, policy, known, people, functions=own, tests=tests, new_routes=new_routes)
        found = check_revocations(sent_away, people)
        checked = replace(checked, problems=errors_first({*checked.problems, *found}))
        if strict or known.served or known.source == str(policy.parent / BESIDE):
            checked = replace(checked, problems=errors_first(as_served(checked.problems)))
        files = (model, policy, sent_away) if found else (model, policy)
        show(checked, output, files, strict=strict, routes_known=bool(known))
        return checked.failed(strict=strict)

    if watch:
        _keep_checking(once, (model, policy, sent_away))
    elif once():
        raise typer.Exit(NO)


def check_files(
    model: Path,
    policy: Path,
    routes: KnownRoutes,
    subjects: str = SUBJECT,
    *,
    functions: OwnFunctions = NO_FUNCTIONS,
    tests: Path | None = None,
    new_routes: bool = False,
) -> Checked:
    """Read and lint the document in these files, errors first. Raises ``OSError`` for a file that cannot be read.
    ``tests`` is where the policy tests are, if not beside the policy.

    The warnings about the lines that can be read are among the problems of a document that is refused.
    """
    model_bytes, policy_bytes = model.read_bytes(), policy.read_bytes()
    read = partial(check_bytes, model_name=str(model), policy_name=str(policy), functions=functions)
    document, found = read(model_bytes, policy_bytes)
    beside = _tests_in(tests or policy.parent / TESTS)
    problems = {*found, *hidden_in_suites(beside), *_hidden_in_routes(routes)}
    readable = document or readable_part(read, model_bytes, policy_bytes, found)
    if readable is not None:
        problems |= set(
            lint(
                readable,
                routes or None,
                subjects=subjects,
                named=named_in(beside),
                whole=document is not None,
                new_routes=new_routes,
            )
        )
    return Checked(revision(model_bytes, policy_bytes), document, errors_first(problems))


def check_revocations(file: Path, subjects: str = SUBJECT) -> tuple[Problem, ...]:
    """What is wrong with the revocations in ``file``, in the words of a service that does not take them up, and a warning
    for each row about somebody whom no token can name or of a moment that is yet to come, and for each line that is not
    what it looks like; nothing where there is no file. Raises ``OSError``."""
    if not file.exists():
        return ()
    try:
        content = file.read_bytes()
        rows = read_revocations(content, str(file))
    except RevocationsError as error:
        return error.problems
    people = Subjects.of(subjects)
    hidden = hidden_in_prose(content.decode("utf-8"), str(file))
    message = "is not what a `sub` looks like here, so the row sends nobody away"
    hint = "write the person's `sub`: `rbac revoke --find` finds it in the pool"
    strangers = (
        Problem(
            str(file),
            row.line,
            len(row.kind) + 3,
            "not-a-subject",
            "warning",
            f"`{row.value}` {message}",
            hint,
        )
        for row in rows
        if row.kind == "sub" and not people.is_sub(row.value)
    )
    return *strangers, *hidden, *ahead(rows, str(file))


def errors_first(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Problems by severity, then by place."""
    return tuple(sorted(problems, key=lambda problem: (problem.severity != "error", problem)))


def _tests_in(place: Path) -> dict[str, bytes]:
    """The policy tests beside a policy, without those that cannot be read."""
    tests: dict[str, bytes] = {}
    for file in suite_files(place).read:
        with contextlib.suppress(OSError):
            tests[str(file)] = file.read_bytes()
    return tests


def _hidden_in_routes(routes: KnownRoutes) -> Iterator[Problem]:
    """A warning for each endpoint that is written with a character which nobody sees."""
    for route in routes:
        found = INVISIBLE.search(f"{route.act} {route.obj}")
        if found is not None:
            character = f"U+{ord(found.group()):04X}"
            message = (
                f"the invisible character `{character}` is part of the endpoint `{route.act} {route.obj}`"
            )
            hint = "delete it there, or ask whoever wrote the endpoint"
            yield Problem(routes.source, 0, 0, "invisible-character", "warning", message, hint)


def show(
    checked: Checked,
    output: CheckFormat,
    files: Sequence[Path],
    *,
    strict: bool,
    routes_known: bool = True,
) -> None:
    """Write what was found to stdout."""
    if output == "json":
        emit_json(
            {"revision": checked.revision, "problems": [problem.to_json() for problem in checked.problems]}
        )
    elif output == "sarif":
        emit_json(sarif(checked.problems))
    elif output == "github":
        emit_text(github_commands(checked.problems))
    else:
        _show_text(checked, files, strict=strict, routes_known=routes_known)


def _show_text(checked: Checked, files: Sequence[Path], *, strict: bool, routes_known: bool) -> None:
    console = stdout()
    sources = {str(file): source_lines(file) for file in files}
    for problem in checked.problems:
        lines = sources.get(problem.file, [])
        source = lines[problem.line - 1] if 0 < problem.line <= len(lines) else None
        show_problem(console, problem, source)
        console.print()
    errors = sum(problem.severity == "error" for problem in checked.problems)
    warnings = len(checked.problems) - errors
    if errors:
        verdict = (f"refused: {counted(errors, 'error')}, {counted(warnings, 'warning')}", "bold red")
    elif warnings:
        verdict = (counted(warnings, "warning"), "bold red" if strict else "bold yellow")
    else:
        verdict = ("clean", "bold green")
    *most, last = map(str, files)
    say(console, f"{', '.join(most)} and {last}: ", verdict, (_extent(checked), "dim"))
    if not routes_known:
        say(
            console,
            (_NOTHING_KNOWN, "dim"),
        )


def _extent(checked: Checked) -> str:
    if checked.document is None:
        return f"  (revision {checked.revision})"
    kinds = {"p": 0, "g": 0}
    for ptype, rows in checked.document.rows.items():
        kinds[ptype[0]] += len(rows)
    return (
        f"  ({counted(kinds['p'], 'rule')}, {counted(kinds['g'], 'role link')}, revision {checked.revision})"
    )


def _keep_checking(once: Callable[[], bool], files: Sequence[Path]) -> None:
    """Check now and after every change, until Ctrl-C. A file that is missing for a moment is said and waited for."""
    from watchfiles import watch

    console = stdout()
    folders = {file.absolute().parent for file in files}
    names = {file.name for file in files}

    def attempt() -> None:
        try:
            once()
        except (OSError, RbacError) as error:
            report_trouble(error)
        say(console, ("watching; Ctrl-C ends", "dim"))

    attempt()
    with contextlib.suppress(KeyboardInterrupt):
        for changes in watch(*folders, recursive=False):
            # A mounted ConfigMap swaps a link called `..data` instead of the files themselves.
            if any(Path(changed).name in {*names, "..data"} for _, changed in changes):
                console.rule(style="dim")
                attempt()
