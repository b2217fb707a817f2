"""``rbac lock-out``: a person is denied everything, and a policy test says that it stays so."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer

from rbac.cli import options
from rbac.cli.finding import ENDPOINT, POOL, FindOption, check_sub, person_of
from rbac.cli.from_files import setting
from rbac.cli.locking_out import LockOut, LockOutError, lock_out_of, noticing, rules_about
from rbac.cli.output import NO, emit_json, note_all, say, show_problem, stderr, stdout
from rbac.cli.publishing import gated
from rbac.editing import add, held, prepared, whole
from rbac.errors import PolicyError, Problem
from rbac.mutation.suggestion_file import with_tests
from rbac.policy import Policy
from rbac.reloading.judging import parsed
from rbac.routes import KnownRoutes
from rbac.stores import Snapshot
from rbac.stores.file import FileStore
from rbac.text.visible import is_plain

EXAMPLE = """Examples: a person, by their `sub` or found by their e-mail address; only look.

    rbac lock-out 7f3c1e52-0000-0000-0000-000000000000 --reason "left the company"
    rbac lock-out --find bob@example.com --reason "left the company"
    rbac lock-out --find bob@example.com --reason "left the company" --dry-run
"""
_SUITE: Final = "Who was locked out stays out"
_FILE: Final = "locked_out.yaml"
_BESIDE: Final = "policy_tests"


TestsPlace = Annotated[
    Path | None,
    typer.Option(
        "--tests",
        metavar="PATH",
        envvar="POLICY_TESTS",
        help=f"The policy tests: a file, or a directory. Default: {_BESIDE} beside the policy.",
        show_default=False,
    ),
]


class _Edit(NamedTuple):
    """What is written: the rule's place, and the tests' file with all that it then holds."""

    policy: Path
    line: int
    tests: Path
    content: str


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lock-out", epilog=EXAMPLE)(lock_out)


def lock_out(  # noqa: PLR0913, PLR0917 - each is an option of the command
    reason: options.WhyOption,
    sub: Annotated[
        str | None,
        typer.Argument(
            metavar="SUB", help="The person, by the `sub` of their tokens; or client:ID.", show_default=False
        ),
    ] = None,
    find: FindOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be written; write nothing.")
    ] = False,
    model: options.ModelOption = options.MODEL,
    policy: options.PolicyOption = options.POLICY,
    tests: TestsPlace = None,
    routes: options.RoutesOption = None,
    subjects: options.SubjectsOption = None,
    functions: options.FunctionsOption = None,
    pool: POOL = None,
    endpoint: ENDPOINT = None,
    output: options.FormatOption = "text",
) -> None:
    """Take everything from one person, whatever their roles: the line in the policy, and a policy test that it stays there.

    Nothing is written where lint or the policy tests would refuse it (exit code 1), or where no line means that person and
    nobody else. Their tokens stay valid, and open nothing; `rbac revoke` ends them.
    """
    person = _person(sub, find, pool, endpoint, subjects)
    where = tests or policy.parent / _BESIDE
    people, own = options.subjects_of(subjects), options.functions_of(functions)
    known = options.known_routes(routes, policy)
    while True:
        snapshot = FileStore(model, policy, where).read()
        before = parsed(snapshot, None, people, own)
        locked = lock_out_of(before, person, reason)
        if not locked.changes:
            _say_already(before, person, as_json=output == "json")
            return
        edit = _edit(locked, snapshot, policy, where, known, reason)
        _gate(locked, snapshot, edit, known, as_json=output == "json")
        if dry_run or _write(locked, snapshot, edit):
            break
    _say(locked, edit, dry_run=dry_run, as_json=output == "json")


def _person(
    sub: str | None, find: str | None, pool: str | None, endpoint: str | None, subjects: str | None
) -> str:
    if (sub is None) == (find is None):
        raise typer.BadParameter("say who: a SUB, or --find", param_hint="SUB")
    person = person_of(find, pool, endpoint) if find is not None else sub or ""
    check_sub(person, subjects)
    if not is_plain(person) or set(person) & set(',"#'):
        raise LockOutError(f"`{person}` cannot stand in a rule: disable them at the issuer")
    return person


def _edit(
    locked: LockOut, snapshot: Snapshot, policy: Path, where: Path, routes: KnownRoutes, reason: str
) -> _Edit:
    line = (snapshot.policy + locked.added).rstrip(b"\r\n").count(b"\n") + 1
    file = where if where.suffix in {".yaml", ".yml"} and not where.is_dir() else where / _FILE
    before = snapshot.tests.get(str(file), b"").decode("utf-8-sig")
    return _Edit(policy, line, file, with_tests(file, before, noticing(locked, routes, reason), _SUITE))


def _gate(locked: LockOut, snapshot: Snapshot, edit: _Edit, routes: KnownRoutes, *, as_json: bool) -> None:
    """Nothing where a service would let the edit into force; else what is wrong with it, and exit code 1."""
    tests = {**snapshot.tests, str(edit.tests): edit.content.encode()}
    after = replace(snapshot, policy=snapshot.policy + locked.added, tests=dict(sorted(tests.items())))
    try:
        warnings = gated(locked.after, after, routes)
    except PolicyError as error:
        if as_json:
            problems = [problem.to_json() for problem in error.problems]
            emit_json({"sub": locked.person, "written": False, "problems": problems})
        for problem in error.problems:
            show_problem(stderr(), problem)
        message = (
            "nothing was written: a service would not take it up; mend what is named, and lock them out then"
        )
        say(stderr(), ("rbac: ", "bold"), message)
        raise typer.Exit(NO) from None
    for problem in _about(warnings, edit):
        show_problem(stderr(), problem)


def _about(problems: Sequence[Problem], edit: _Edit) -> Sequence[Problem]:
    return [problem for problem in problems if problem.line == edit.line and problem.file == str(edit.policy)]


def _write(locked: LockOut, snapshot: Snapshot, edit: _Edit) -> bool:
    """Writes both, or nothing; whether the files were still what was judged. Raises ``OSError``.

    The rule first: a service takes it up at once, and the test that it then passes a moment later.
    """
    edit.tests.parent.mkdir(parents=True, exist_ok=True)
    with held(edit.policy) as descriptor, prepared(edit.tests, edit.content.encode()) as test:
        on_disk = edit.tests.read_bytes() if edit.tests.exists() else b""
        if whole(descriptor) != snapshot.policy or on_disk != snapshot.tests.get(str(edit.tests), b""):
            return False
        add(descriptor, locked.added, edit.policy)
        test.replace(edit.tests.resolve())
    return True


def _say_already(policy: Policy, person: str, *, as_json: bool) -> None:
    rules = list(rules_about(policy, person))
    if as_json:
        emit_json({"sub": person, "written": False, "already": True, "rules": rules})
        return
    console = stdout()
    say(console, (person, "bold"), " reaches nothing already, whatever their roles; nothing was written")
    for rule in rules:
        say(console, (rule, "dim"))


def _say(locked: LockOut, edit: _Edit, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        shape: dict[str, Any] = {"sub": locked.person, "written": not dry_run, "dry_run": dry_run}
        shape |= {"policy": {"file": str(edit.policy), "line": edit.line, "text": locked.row}}
        shape |= {"test": {"file": str(edit.tests)}, "revision": locked.after.revision}
        emit_json(shape | {"complete": not locked.notes, "notes": list(locked.notes)})
    else:
        console = stdout()
        does = "would be locked out" if dry_run else "is locked out"
        say(console, (locked.person, "bold"), f" {does}: nothing is left to them, whatever their roles")
        say(console, (f"{edit.policy}:{edit.line}: {locked.row}", "dim"))
        say(console, (f"{edit.tests}: a test that it stays so", "dim"))
    note_all(locked.notes, None if as_json else stdout())
    if (setting("POLICY_STORE") or "file") != "file" and not dry_run:
        note_all(["POLICY_STORE is a database: `rbac publish` puts it in force"])
