"""``rbac test``: whether the policy tests hold, and what they leave untested."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from rbac.cli.options import (
    MODEL,
    POLICY,
    FormatOption,
    ModelOption,
    PolicyOption,
    RoutesOption,
    known_routes,
)
from rbac.cli.output import NO, Bar, emit_json, nearby, say, show_problem, stderr, stdout, track
from rbac.coverage import Cell, Coverage, cover
from rbac.junit import junit_xml
from rbac.mutation import MutationReport
from rbac.mutation import mutate as mutate_policy
from rbac.policy import Policy
from rbac.routes import KnownRoutes
from rbac.scenarios import Case, Report, ScenarioError, Suite, ask_all, find_files, questions, read_suites
from rbac.suite_files import no_tests, suite_files
from rbac.wording import counted

TESTS = Path("policy_tests")
_MOST_FAILURES = 20

EXAMPLE = """Examples: after an edit; in a pipeline, which keeps every rule tested.

    rbac test
    rbac test --coverage --mutate
    rbac test --min-coverage 100 --min-score 100 --junit results.xml
"""

PathsArgument = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[PATHS]...", help="Test files, or folders of them. [default: policy_tests]"),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("test", epilog=EXAMPLE)(run_policy_tests)


CoverageOption = Annotated[
    bool, typer.Option("--coverage", help="Say which rules, role links and cells no test touches.")
]
MutateOption = Annotated[
    bool, typer.Option("--mutate", help="Break the policy line by line; say which breaks no test notices.")
]
JunitOption = Annotated[
    Path | None,
    typer.Option("--junit", metavar="FILE", help="Write the results as JUnit XML, too.", show_default=False),
]


def _least(option: str, said: str) -> Any:
    return typer.Option(option, min=0, max=100, metavar="PERCENT", help=said, show_default=False)


LeastCoverageOption = Annotated[float | None, _least("--min-coverage", "Fail if fewer rules are.")]
LeastScoreOption = Annotated[float | None, _least("--min-score", "Fail if fewer are noticed.")]


def run_policy_tests(  # noqa: PLR0913, PLR0917 - each is an option of the command
    paths: PathsArgument = None,
    coverage: CoverageOption = False,
    min_coverage: LeastCoverageOption = None,
    mutate: MutateOption = False,
    min_score: LeastScoreOption = None,
    junit: JunitOption = None,
    model: ModelOption = MODEL,
    policy: PolicyOption = POLICY,
    routes: RoutesOption = None,
    output: FormatOption = "text",
) -> None:
    """Run the policy tests: whether what must stay true of the policy is true.

    Exit code 1 if a test fails or too little is covered, 2 if a test cannot be read.
    """
    loaded = Policy.load(model, policy)
    known = known_routes(routes, policy)
    suites = _read(paths or [TESTS])
    asked = questions(loaded, suites, known)
    report = ask_all(loaded, track(asked, "policy tests", len(asked)))
    covered = cover(loaded, report, known) if coverage or min_coverage is not None else None
    mutated = _mutate(loaded, suites, known) if mutate or min_score is not None else None
    if junit is not None:
        junit.write_bytes(junit_xml(report))
    if output == "json":
        emit_json(_shape(report, covered, mutated))
    else:
        _show(report, covered, min_coverage, mutated, min_score)
    too_little = _below(covered.percent if covered else None, min_coverage)
    if report.failures or too_little or _below(mutated.score if mutated else None, min_score):
        raise typer.Exit(NO)


def _read(paths: list[Path]) -> tuple[Suite, ...]:
    for path in paths:
        for problem in suite_files(path).warnings():
            show_problem(stderr(), problem)
    files = find_files(paths)
    if not files:
        raise ScenarioError([no_tests(str(paths[0]))])
    return read_suites(files)


def _below(share: float | None, least: float | None) -> bool:
    return share is not None and least is not None and share < least


def _mutate(policy: Policy, suites: Sequence[Suite], routes: KnownRoutes) -> MutationReport:
    with Bar("mutants", None) as bar:
        return mutate_policy(policy, suites, routes, bar.update)


def _shape(report: Report, covered: Coverage | None, mutated: MutationReport | None) -> dict[str, Any]:
    return {
        "revision": report.revision,
        "passed": len(report.cases) - len(report.failures),
        "failed": len(report.failures),
        "cases": [case.to_json() for case in report.cases],
        "coverage": None if covered is None else covered.to_json(),
        "mutation": None if mutated is None else asdict(mutated),
    }


def _show(
    report: Report,
    covered: Coverage | None,
    min_coverage: float | None,
    mutated: MutationReport | None,
    min_score: float | None,
) -> None:
    console = stdout()
    for (file, suite), of_file in groupby(
        report.cases, key=lambda case: (case.question.place.file, case.question.suite)
    ):
        say(console, (suite, "bold"), (f"  {nearby(file)}", "dim"), hang=2)
        for _, cases in groupby(of_file, key=lambda case: case.question.scenario.place):
            _show_test(console, list(cases), report.policy_name)
        console.print()
    if covered is not None:
        _show_coverage(console, covered, report.policy_name, min_coverage)
    if mutated is not None:
        _show_mutation(console, mutated, report.policy_name, min_score)
    failed = len(report.failures)
    verdict = (f"{failed} failed", "bold red") if failed else ("all hold", "bold green")
    asked = counted(len(report.cases), "request")
    say(console, f"{asked}: ", verdict, (f"  (revision {report.revision})", "dim"))


def _show_test(console: Console, cases: list[Case], policy_name: str) -> None:
    name = cases[0].question.scenario.name
    failures = [case for case in cases if not case.passed]
    if not failures:
        say(console, ("  pass  ", "green"), name, (f"  ({counted(len(cases), 'request')})", "dim"), hang=8)
        return
    say(
        console,
        ("  FAIL  ", "bold red"),
        name,
        (f"  ({len(failures)} of {counted(len(cases), 'request')})", "dim"),
        hang=8,
    )
    if cases[0].question.scenario.why:
        say(console, f"        why: {cases[0].question.scenario.why}", hang=13)
    for case in failures[:_MOST_FAILURES]:
        place = case.question.place
        say(console, f"        {nearby(place.file)}:{place.line}: ", (case.says(), "bold"), hang=10)
        say(console, f"          {case.because(policy_name)}", hang=12)
    if len(failures) > _MOST_FAILURES:
        say(console, f"        and {len(failures) - _MOST_FAILURES} more; `--format json` has them all")


def _show_coverage(console: Console, covered: Coverage, policy_name: str, min_coverage: float | None) -> None:
    share = _share(covered.percent, min_coverage)
    said = f": {covered.exercised} of {covered.rules} rules and role links are exercised"
    say(console, ("Coverage  ", "bold"), share, said, _demanded(min_coverage), hang=2)
    for rule in covered.uncovered:
        say(console, f"  no test needs {policy_name}:{rule.line}: {rule.text}", hang=4)
    if covered.cells:
        mentioned = covered.cells - len(covered.unmentioned)
        say(console, f"  {mentioned} of {covered.cells} pairs of a role and an endpoint are mentioned")
    for act, obj, roles in _by_endpoint(covered.unmentioned):
        say(console, f"  no test mentions {act} {obj} for ", (", ".join(roles), "dim"), hang=4)
    console.print()


def _show_mutation(
    console: Console, mutated: MutationReport, policy_name: str, min_score: float | None
) -> None:
    share = _share(mutated.score, min_score)
    said = f": {mutated.killed} of {mutated.mutants} broken policies fail a test"
    alike = f"  ({mutated.equivalent} more change no access)" if mutated.equivalent else ""
    say(console, ("Mutation  ", "bold"), share, said, _demanded(min_score), (alike, "dim"), hang=2)
    for note in mutated.notes:
        say(console, (f"  note: {note}", "yellow"), hang=4)
    for survivor in mutated.survived:
        say(
            console, f"  no test notices {policy_name}:{survivor.line}: ", (survivor.mutation, "bold"), hang=4
        )
        say(console, ("    this would; paste it under `tests:`", "dim"))
        for line in survivor.suggested_test.rstrip().splitlines():
            say(console, f"      {line}")
    console.print()


def _share(percent: float, least: float | None) -> tuple[str, str]:
    """The percentage, never rounded up to a whole that was not reached."""
    shown = math.floor(percent * 10) / 10
    return f"{shown:g} %", "green" if percent >= (100 if least is None else least) else "bold red"


def _demanded(least: float | None) -> str:
    return "" if least is None else f" ({least:g} % demanded)"


def _by_endpoint(cells: tuple[Cell, ...]) -> list[tuple[str, str, list[str]]]:
    grouped = groupby(cells, key=lambda cell: (cell.route.act, cell.route.obj))
    return [(act, obj, [cell.role for cell in found]) for (act, obj), found in grouped]
