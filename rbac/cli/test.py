"""``rbac test``: whether the policy tests hold, and what they leave untested."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from rbac.cli import options
from rbac.cli.from_files import setting
from rbac.cli.output import NO, Bar, emit_json, show_problem, stderr, track
from rbac.cli.test_text import Demand, floored, show, show_end
from rbac.linting.lint import lint
from rbac.mutation.run import MutationReport
from rbac.mutation.run import mutate as mutate_policy
from rbac.mutation.suggestion_file import add_suggestions
from rbac.policy import Policy
from rbac.policy_tests.coverage import cover
from rbac.policy_tests.junit import junit_xml
from rbac.policy_tests.run import ScenarioError, Suite, ask_all, find_files, questions, read_suites
from rbac.policy_tests.scenario_file import suite_warnings
from rbac.policy_tests.suite_files import no_tests, suite_files
from rbac.routes import KnownRoutes

TESTS = Path("policy_tests")

EXAMPLE = """Examples: after an edit; in a pipeline, which keeps every rule tested.

    rbac test
    rbac test --coverage --mutate
    rbac test --min-coverage 100 --min-score 100 --junit results.xml
"""

PathsArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[PATHS]...",
        show_default=False,
        help="Test files, or folders of them. Default: what POLICY_TESTS says, else policy_tests.",
    ),
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


SuggestOption = Annotated[
    Path | None,
    typer.Option(
        "--suggest",
        metavar="FILE",
        help="Add the tests that --mutate suggests to this file.",
        show_default=False,
    ),
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show what fails or is missing, and the verdict.")
]


LeastCoverageOption = Annotated[float | None, _least("--min-coverage", "Fail if fewer rules are.")]
LeastScoreOption = Annotated[float | None, _least("--min-score", "Fail if fewer are noticed.")]


def run_policy_tests(  # noqa: PLR0913, PLR0917 - each is an option of the command
    paths: PathsArgument = None,
    coverage: CoverageOption = False,
    min_coverage: LeastCoverageOption = None,
    mutate: MutateOption = False,
    min_score: LeastScoreOption = None,
    suggest: SuggestOption = None,
    quiet: QuietOption = False,
    junit: JunitOption = None,
    model: options.ModelOption = options.MODEL,
    policy: options.PolicyOption = options.POLICY,
    routes: options.RoutesOption = None,
    subjects: options.SubjectsOption = None,
    functions: options.FunctionsOption = None,
    output: options.FormatOption = "text",
) -> None:
    """Run the policy tests: whether what must stay true of the policy is true.

    Exit code 1 if a test fails or too little is covered, 2 if a test cannot be read.
    """
    loaded = options.policy_of(model, policy, functions, subjects)
    known = options.known_routes(routes, policy)
    suites = _read(paths or [Path(setting("POLICY_TESTS") or TESTS)])
    asked = questions(loaded, suites, known)
    report = ask_all(loaded, track(asked, "policy tests", len(asked)))
    covered = cover(loaded, report, known) if coverage or min_coverage is not None else None
    mutates = mutate or min_score is not None or suggest is not None
    mutated = _mutate(loaded, suites, known) if mutates else None
    percent, score = covered.percent if covered else None, mutated.score if mutated else None
    demands = [
        *_demand("coverage", "of rules and role links exercised", percent, min_coverage),
        *_demand("score", "of broken policies noticed", score, min_score),
    ]
    if suggest is not None and mutated is not None:
        add_suggestions(suggest, mutated.suggestions)
    if junit is not None:
        junit.write_bytes(junit_xml(report, [(demand.name, demand.unmet) for demand in demands]))
    if output == "json":
        more = {
            "coverage": None if covered is None else covered.to_json(),
            "mutation": None if mutated is None else mutated.to_json(),
        }
        emit_json(report.to_json() | more)
    else:
        show(report, covered, min_coverage, mutated, min_score, quiet=quiet)
        show_end(report, demands, suggest, mutated)
    if report.failures or any(demand.unmet for demand in demands):
        raise typer.Exit(NO)


def _demand(name: str, of_what: str, share: float | None, least: float | None) -> Iterator[Demand]:
    if share is None or least is None:
        return
    unmet = f"{floored(share)} % {of_what}, and {least:g} % demanded (--min-{name})" if share < least else ""
    yield Demand(f"at least {least:g} % {of_what}", unmet)


def _read(paths: list[Path]) -> tuple[Suite, ...]:
    for path in paths:
        for problem in suite_files(path).warnings():
            show_problem(stderr(), problem)
    files = find_files(paths)
    if not files:
        raise ScenarioError([no_tests(str(paths[0]))])
    for problem in suite_warnings({str(file): file.read_bytes() for file in files}):
        show_problem(stderr(), problem)
    return read_suites(files)


def _mutate(policy: Policy, suites: Sequence[Suite], routes: KnownRoutes) -> MutationReport:
    warned = {
        problem.line
        for problem in lint(policy.document, routes or None, subjects=policy.subjects_look_like)
        if problem.file == policy.document.policy_name
    }
    with Bar("mutants", None) as bar:
        return mutate_policy(policy, suites, routes, bar.update, warned=warned)
