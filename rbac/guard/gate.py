"""What a document must pass before a guard decides by it: lint, its own tests, and that it can be asked at all."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from casbin.constant.constants import PRIORITY_EFFECT, SUBJECT_PRIORITY_EFFECT

from rbac.errors import Problem, RequestError
from rbac.guard.request_words import RequestWords, RequestWordsError
from rbac.guard.requirements import GuardedEndpoint
from rbac.linting.lint import as_served
from rbac.policy import Policy
from rbac.policy_tests.verdict import Verdict
from rbac.reloading.judging import lint_gate
from rbac.routes import KnownRoutes
from rbac.stores import Snapshot
from rbac.text.wording import quoted

# The first rule that is met decides: the answers for several roles cannot be put together.
_BY_PRIORITY = frozenset({PRIORITY_EFFECT, SUBJECT_PRIORITY_EFFECT})


def misfits(
    policy: Policy,
    words: Callable[[Policy], RequestWords],
    *,
    several_roles: bool = False,
    mapping_is_called: str = "`words`",
    roles_are_called: str = "the role claims",
) -> Iterator[Problem]:
    """Why ``policy`` cannot be asked about requests: an error for each reason.

    ``several_roles``: callers may bring several. The two names are what people know the settings by.
    """
    try:
        asked = words(policy)
    except RequestWordsError as error:
        message = f"the model and {mapping_is_called} do not fit: {error}"
        hint = f"map each word of the model's request in {mapping_is_called}"
        yield of_model(policy, "request-words", message, hint)
        return
    if several_roles and asked.role_index is not None and policy.document.definition.effect in _BY_PRIORITY:
        message = (
            f"the model decides by priority, so one role at a time, and {roles_are_called} can bring several, as can the "
            "scopes of an access token"
        )
        hint = (
            f"name one claim in {roles_are_called} that holds one role, or use an effect without priorities"
        )
        yield of_model(policy, "several-roles", message, hint)


def unanswered(policy: Policy, asked: RequestWords, endpoints: Iterable[GuardedEndpoint]) -> Iterator[str]:
    """Why ``endpoints`` cannot be asked about by ``policy``: a sentence for each reason."""
    shape = policy.document.definition.shape
    for endpoint in endpoints:
        for requirement in endpoint.requirements:
            try:
                asked.check(requirement.given(shape, asked.unfilled))
            except RequestError as error:
                yield f"`{endpoint.name}` requires `{requirement.act}`: {error}"


def unguarded(endpoints: Sequence[GuardedEndpoint], asked: RequestWords) -> str:
    """Which endpoints nobody asks about where requests by themselves decide nothing; "" when there is none."""
    open_ones = [endpoint.name for endpoint in endpoints if not endpoint.requirements and not endpoint.asks]
    if endpoints and not open_ones:
        return ""
    why = (
        f"nothing fills {quoted(word for word in asked.words if word in asked.unfilled)}"
        if asked.unfilled
        else ""
    )
    why = f"requests decide nothing by themselves here{f' ({why})' if why else ''}"
    if not endpoints:
        return f"{why}, and the application shows no routes that could be looked through"
    named = quoted(open_ones[:_MOST_NAMED])
    more = f" and {len(open_ones) - _MOST_NAMED} more" if len(open_ones) > _MOST_NAMED else ""
    have = "has" if len(open_ones) == 1 else "have"
    return f"{why}, so every route needs require() or Ask, and {named}{more} {have} neither"


_MOST_NAMED = 10


def of_model(policy: Policy, code: str, message: str, hint: str = "") -> Problem:
    """An error that is about the model as a whole."""
    return Problem(policy.document.model_name, 0, 0, code, "error", message, hint)


def lint_and(
    more: Callable[[Policy], Iterable[Problem]], routes: KnownRoutes, policy: Policy, snapshot: Snapshot
) -> Sequence[Problem]:
    """What ``rbac check`` says of a service's own document, and ``more``."""
    return [*as_served(lint_gate(policy, snapshot, routes)), *more(policy)]


def tests_hold(routes: KnownRoutes, policy: Policy, snapshot: Snapshot) -> Verdict:
    """Whether the document passes its own tests, and that it has some."""
    from rbac.policy_tests.run import hold  # YAML: loaded by whoever gates

    return hold(policy, snapshot.tests, routes, place=snapshot.tests_name, passed_over=snapshot.passed_over)
