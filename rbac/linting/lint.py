"""Everything suspicious in a document, in one sorted list. What is wrong in it, reading has refused already."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from rbac.background import in_order, uncollected
from rbac.document.document import Document
from rbac.document.names import SUBJECT, Subjects
from rbac.errors import Problem
from rbac.linting.model.callers import check_callers
from rbac.linting.model.in_matcher import check_matcher
from rbac.linting.model.in_model import check_model
from rbac.linting.names.dead_links import check_dead_links
from rbac.linting.names.domains import check_domains
from rbac.linting.names.in_names import check_names
from rbac.linting.names.letters import check_letters
from rbac.linting.names.persons import check_persons
from rbac.linting.names.role_words import check_role_words
from rbac.linting.names.roles_without_rules import check_roles_without_rules
from rbac.linting.names.self_links import check_self_links
from rbac.linting.patterns.in_patterns import check_patterns
from rbac.linting.patterns.slow_patterns import check_slow_patterns
from rbac.linting.reading.readable import NEEDS_EVERY_LINE
from rbac.linting.reading.subject import Reading
from rbac.linting.routes.in_routes import check_routes
from rbac.linting.routes.new_routes import check_new_routes
from rbac.linting.rules.idle import check_idle
from rbac.linting.rules.in_rules import check_rules
from rbac.linting.rules.in_wildcards import check_wildcards
from rbac.linting.rules.narrow_denies import check_narrow_denies
from rbac.linting.words.single_values import check_single_values
from rbac.linting.words.words import check_words
from rbac.routes import Route

# What lint only warns of, and a service does not start with: its own document must deny by default.
_REFUSED_BY_A_SERVICE = frozenset({"allows-by-default"})

_CHECKS: tuple[Callable[[Reading], Iterator[Problem]], ...] = (
    check_model,
    check_matcher,
    check_callers,
    check_names,
    check_domains,
    check_roles_without_rules,
    check_patterns,
    check_rules,
    check_dead_links,
    check_slow_patterns,
    check_self_links,
)

_CONSEQUENCES = frozenset(("idle-deny", "unknown-role", "never-met"))


def lint(
    document: Document,
    routes: Sequence[Route] | None = None,
    *,
    subjects: str = SUBJECT,
    named: Collection[str] = (),
    whole: bool = True,
    new_routes: bool = False,
) -> tuple[Problem, ...]:
    """The warnings for ``document``, those of its reading included, sorted by file, line and column.

    With ``routes``, rules that meet none of them are told too. ``subjects`` says what a person's name looks like: a
    pattern, or a preset of :data:`rbac.document.names.PRESETS`; ``named`` are the roles and persons that the policy
    tests beside it speak of. Without ``whole``, lines are missing that could not be read, and what argues from their
    absence is not told. With ``new_routes``, endpoints that are open through wildcards alone are told, too. Nothing
    is said of a word that a function of one's own reads.

    The time is in proportion to the document: what compares rules with each other (wider ones, and denies that take
    nothing) has 300,000 steps for each of the two, and names the pattern that was meant for the first few hundred;
    following links and placeholders that lead two ways has 20 more for each rule. In a document that takes more, the
    rest of these warnings is not told, and nothing says so. No garbage is collected meanwhile.
    """
    with uncollected():
        return _lint(
            Reading(document, Subjects.of(subjects)), routes, named=named, whole=whole, new_routes=new_routes
        )


def _lint(
    reading: Reading,
    routes: Sequence[Route] | None,
    *,
    named: Collection[str],
    whole: bool,
    new_routes: bool,
) -> tuple[Problem, ...]:
    document = reading.document
    problems = list(document.warnings)
    for check in _CHECKS:
        problems += check(reading)
    problems += check_idle(reading, named)
    problems += check_wildcards(reading, routes or ())
    problems += check_narrow_denies(reading, routes or ())
    wrong_words: dict[tuple[str, int, int], Problem] = {}
    for problem in (
        *check_words(reading, routes or ()),
        *check_role_words(reading),
        *check_persons(reading, named),
    ):
        wrong_words.setdefault(_place(problem), problem)
    problems = [problem for problem in problems if _place(problem) not in wrong_words]
    if routes:
        # A word that no request has meets no route either: that is said once.
        lines = {line for _, line, _ in wrong_words}
        by_routes = (*check_routes(reading, routes), *check_single_values(reading, routes))
        problems += (problem for problem in by_routes if problem.line not in lines)
    if routes and new_routes:
        problems += check_new_routes(reading, routes)
    problems += wrong_words.values()
    told = {_place(problem) for problem in problems if problem.code not in _CONSEQUENCES}
    problems += (problem for problem in check_letters(reading) if _place(problem) not in told)
    if reading.opaque:
        problems = [
            problem
            for problem in problems
            if problem in document.warnings or not reading.about_opaque(problem)
        ]
    kept = _without_consequences(problems)
    return tuple(in_order(problem for problem in kept if whole or problem.code not in NEEDS_EVERY_LINE))


def _place(problem: Problem) -> tuple[str, int, int]:
    return problem.file, problem.line, problem.column


def as_served(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """These problems of a service's own document, as the service takes them: what it refuses is an error."""
    return tuple(
        replace(problem, severity="error") if problem.code in _REFUSED_BY_A_SERVICE else problem
        for problem in problems
    )


def _without_consequences(problems: Sequence[Problem]) -> Iterator[Problem]:
    """All but what only follows from another mistake on the same line: with a mistyped path, a deny takes nothing."""
    told = {(problem.file, problem.line) for problem in problems if problem.code not in _CONSEQUENCES}
    for problem in problems:
        if problem.code not in _CONSEQUENCES or (problem.file, problem.line) not in told:
            yield problem
