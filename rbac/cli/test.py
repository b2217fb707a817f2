"""``rbac test``: whether the policy tests hold, and what they leave untested."""

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
from rbac.cli.output import NO, counted, emit_json, say, stdout, track
from rbac.coverage import Cell, Coverage, cover
from rbac.junit import junit_xml
from rbac.policy import Policy
from rbac.scenarios import Case, Report, ScenarioError, ask_all, find_files, questions, read_suites
from rbac.yaml_nodes import Place

TESTS = Path("policy_tests")

EXAMPLE = """Examples: after an edit; in a pipeline, which keeps every rule tested.

    rbac test
    rbac test --coverage --min-coverage 100 --junit results.xml
"""

PathsArgument = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[PATHS]...", help="Test files, or folders of them. [default: policy_tests]"),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("test", epilog=EXAMPLE)(run_policy_tests)


def run_policy_tests(
    paths: PathsArgument = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Say which rules, role links and cells no test touches.")
    ] = False,
    min_coverage: Annotated[
        float | None,
        typer.Option(
            "--min-coverage", min=0, max=100, metavar="PERCENT", help="Fail below.", show_default=False
        ),
    ] = None,
    junit: Annotated[
        Path | None,
        typer.Option(
            "--junit", metavar="FILE", help="Write the results as JUnit XML, too.", show_default=False
        ),
    ] = None,
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
    files = find_files(paths or [TESTS])
    if not files:
        nowhere = Place(str((paths or [TESTS])[0]), 0, 0)
        raise ScenarioError([nowhere.problem("test-asserts-nothing", "there are no policy tests here")])
    asked = questions(loaded, read_suites(files), known)
    report = ask_all(loaded, track(asked, "policy tests", len(asked)))
    covered = cover(loaded, report, known) if coverage or min_coverage is not None else None
    if junit is not None:
        junit.write_bytes(junit_xml(report))
    if output == "json":
        emit_json(_shape(report, covered))
    else:
        _show(report, covered, min_coverage)
    too_little = covered is not None and min_coverage is not None and covered.percent < min_coverage
    if report.failures or too_little:
        raise typer.Exit(NO)


def _shape(report: Report, covered: Coverage | None) -> dict[str, Any]:
    return {
        "revision": report.revision,
        "passed": len(report.cases) - len(report.failures),
        "failed": len(report.failures),
        "cases": [case.to_json() for case in report.cases],
        "coverage": None if covered is None else covered.to_json(),
        "mutation": None,
    }


def _show(report: Report, covered: Coverage | None, min_coverage: float | None) -> None:
    console = stdout()
    for (file, suite), of_file in groupby(
        report.cases, key=lambda case: (case.question.place.file, case.question.suite)
    ):
        say(console, (suite, "bold"), (f"  {file}", "dim"))
        for _, cases in groupby(of_file, key=lambda case: case.question.scenario.place):
            _show_test(console, list(cases), report.policy_name)
        console.print()
    if covered is not None:
        _show_coverage(console, covered, report.policy_name, min_coverage)
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
    for case in failures:
        place = case.question.place
        say(console, f"        {place.file}:{place.line}: ", (case.says(), "bold"), hang=10)
        say(console, f"          {case.because(policy_name)}", hang=12)


def _show_coverage(console: Console, covered: Coverage, policy_name: str, min_coverage: float | None) -> None:
    enough = covered.percent >= (100 if min_coverage is None else min_coverage)
    demanded = f", {min_coverage:g} % demanded" if min_coverage is not None else ""
    share = (f"{covered.percent:.1f} %", "green" if enough else "bold red")
    said = f" ({covered.exercised} of {covered.rules}{demanded})"
    say(console, ("Coverage", "bold"), "  rules and role links that a test exercises: ", share, said)
    for rule in covered.uncovered:
        say(console, f"  no test needs {policy_name}:{rule.line}: {rule.text}")
    if covered.cells:
        mentioned = covered.cells - len(covered.unmentioned)
        say(console, f"  role and endpoint pairs that a test mentions: {mentioned} of {covered.cells}")
    for act, obj, roles in _by_endpoint(covered.unmentioned):
        say(console, f"  no test mentions {act} {obj} for ", (", ".join(roles), "dim"))
    console.print()


def _by_endpoint(cells: tuple[Cell, ...]) -> list[tuple[str, str, list[str]]]:
    grouped = groupby(cells, key=lambda cell: (cell.route.act, cell.route.obj))
    return [(act, obj, [cell.role for cell in found]) for (act, obj), found in grouped]
