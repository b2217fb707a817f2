"""What came of policy tests, on a terminal: what fails, what is missing, and last the verdict."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from rich.console import Console

from rbac.cli.output import nearby, say, stdout
from rbac.mutation.run import MutationReport
from rbac.policy_tests.coverage import Coverage, UnmentionedCell
from rbac.policy_tests.run import Case, Report
from rbac.text.wording import counted

_MOST_FAILURES = 20


@dataclass(frozen=True, slots=True)
class Demand:
    """A share that was demanded of the tests, and why it is not met (``""``: it is)."""

    name: str
    unmet: str


def show(
    report: Report,
    covered: Coverage | None,
    min_coverage: float | None,
    mutated: MutationReport | None,
    min_score: float | None,
    *,
    quiet: bool,
) -> None:
    console = stdout()
    for (file, suite), found in groupby(
        report.cases, key=lambda case: (case.question.place.file, case.question.suite)
    ):
        tests = [list(cases) for _, cases in groupby(found, key=lambda case: case.question.scenario.place)]
        shown = [cases for cases in tests if not quiet or not all(case.passed for case in cases)]
        if shown:
            say(console, (suite, "bold"), (f"  {nearby(file)}", "dim"))
            for cases in shown:
                _show_test(console, cases, report.policy_name)
            console.print()
    if covered is not None and (not quiet or covered.uncovered):
        _show_coverage(console, covered, report.policy_name, min_coverage)
    if mutated is not None and (not quiet or mutated.survived):
        _show_mutation(console, mutated, report.policy_name, min_score)


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
        say(console, f"        {nearby(place.file)}:{place.line}: ", (case.says(), "bold"))
        say(console, f"          {case.because(policy_name)}")
    if len(failures) > _MOST_FAILURES:
        say(console, f"        and {len(failures) - _MOST_FAILURES} more; `--format json` has them all")


def _show_coverage(console: Console, covered: Coverage, policy_name: str, min_coverage: float | None) -> None:
    share = _share(covered.percent, min_coverage)
    said = f": {covered.exercised} of {covered.rules} rules and role links are exercised"
    say(console, ("Coverage  ", "bold"), share, said, _demanded(min_coverage))
    for rule in covered.uncovered:
        say(console, f"  no test needs {policy_name}:{rule.line}: {rule.text}")
    if covered.cells:
        mentioned = covered.cells - len(covered.unmentioned)
        say(console, f"  {mentioned} of {covered.cells} pairs of a role and an endpoint are mentioned")
    for act, obj, roles in _by_endpoint(covered.unmentioned):
        say(console, f"  no test mentions {act} {obj} for ", (", ".join(roles), "dim"))
    console.print()


def _show_mutation(
    console: Console, mutated: MutationReport, policy_name: str, min_score: float | None
) -> None:
    share = _share(mutated.score, min_score)
    said = f": {mutated.killed} of {mutated.mutants} broken policies fail a test"
    alike = f"  ({mutated.equivalent} more change no access)" if mutated.equivalent else ""
    say(console, ("Mutation  ", "bold"), share, said, _demanded(min_score), (alike, "dim"))
    for note in mutated.notes:
        say(console, (f"  note: {note}", "yellow"))
    _show_survivors(console, mutated, policy_name)
    console.print()


def _show_survivors(console: Console, mutated: MutationReport, policy_name: str) -> None:
    """What no test notices, and below it the test that would: one for all that it notices."""
    for test in dict.fromkeys(survivor.suggested_test for survivor in mutated.survived):
        for survivor in mutated.survived:
            if survivor.suggested_test == test:
                place = f"{policy_name}:{survivor.line}"
                say(console, f"  no test notices {place}: ", (survivor.mutation, "bold"))
        if not test:
            say(console, ("    `rbac check` warns of this: mend it, then there is a test to suggest", "dim"))
            continue
        say(console, ("    this would; paste it under `tests:`", "dim"))
        for line in test.rstrip().splitlines():
            say(console, f"      {line}", whole=True)


def _share(percent: float, least: float | None) -> tuple[str, str]:
    """The percentage, and its colour."""
    return f"{floored(percent)} %", "green" if percent >= (100 if least is None else least) else "bold red"


def floored(percent: float) -> str:
    """A percentage with one digit, never rounded up to a whole that was not reached."""
    return f"{math.floor(percent * 10) / 10:g}"


def _demanded(least: float | None) -> str:
    return "" if least is None else f" ({least:g} % demanded)"


def _by_endpoint(cells: tuple[UnmentionedCell, ...]) -> list[tuple[str, str, list[str]]]:
    grouped = groupby(cells, key=lambda cell: (cell.route.act, cell.route.obj))
    return [(act, obj, [cell.role for cell in found]) for (act, obj), found in grouped]


def show_end(
    report: Report, demands: Sequence[Demand], suggest: Path | None, mutated: MutationReport | None
) -> None:
    """The verdict, and behind it what was demanded and is not met: the last thing that is read."""
    console = stdout()
    failed = len(report.failures)
    verdict = (f"{failed} failed", "bold red") if failed else ("all hold", "bold green")
    asked = counted(len(report.cases), "request")
    say(console, f"{asked}: ", verdict, (f"  (revision {report.revision})", "dim"))
    if suggest is not None and mutated is not None:
        number = len(mutated.suggestions)
        said = (
            f"{counted(number, 'test')} added to {nearby(str(suggest))}" if number else "nothing to suggest"
        )
        say(console, said, ": read each, it says what the policy does today" if number else "")
    elif mutated is not None and mutated.suggestions:
        say(console, ("`--suggest FILE` adds the suggested tests to a file", "dim"))
    for demand in demands:
        if demand.unmet:
            say(console, ("too little: ", "bold red"), demand.unmet)
