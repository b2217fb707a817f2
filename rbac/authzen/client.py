"""Asks a decision point over AuthZEN, from another program. Any doubt is a deny, and the doubt is kept.

    from rbac.authzen.client import DecisionPointClient, Question

    with DecisionPointClient("https://sekisho.example.com", token=sign_in) as decisions:
        if decisions.allows(Question("alice", "GET", "/orders/7", role="user")):
            ...

:class:`AsyncDecisionPointClient` is the same with ``await``. Needs ``httpx2``, which the extra ``guard`` brings.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from rbac.installed import brought_by

with brought_by("guard"):
    import httpx2

MOST_QUESTIONS = 1000
"""Questions that a decision point takes at once."""


@dataclass(frozen=True, slots=True)
class Question:
    """May ``subject`` do ``action`` to ``resource``?

    ``role`` is put into the subject's properties, a sequence as several roles. Other properties go into the three mappings.
    """

    subject: str
    action: str
    resource: str
    role: str | Sequence[str] | None = None
    subject_type: str = "user"
    resource_type: str = "route"
    subject_properties: Mapping[str, Any] = field(default_factory=dict)
    resource_properties: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The question as the standard writes it (AuthZEN 1.0, section 6.1)."""
        properties = dict(self.subject_properties)
        if self.role is not None:
            properties["role"] = self.role if isinstance(self.role, str) else list(self.role)
        return {
            "subject": {"type": self.subject_type, "id": self.subject, "properties": properties},
            "action": {"name": self.action},
            "resource": {
                "type": self.resource_type,
                "id": self.resource,
                "properties": dict(self.resource_properties),
            },
            "context": dict(self.context),
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """``allowed`` only if the decision point said so. ``failure`` says why there is no decision, ``None`` when there is one.

    ``context`` holds ``reason``, ``policy_revision`` and ``decision_id`` where a decision was taken.
    """

    allowed: bool
    context: Mapping[str, Any] = field(default_factory=dict)
    failure: str | None = None

    def __bool__(self) -> bool:
        return self.allowed


class _Protocol:
    """What both clients say and how they read the answer; only the waiting differs."""

    def __init__(self, base_url: str, token: str | Callable[[], str]) -> None:
        self._url = f"{base_url.rstrip('/')}/access/v1/evaluations"
        self._token = token

    def _request(self, questions: Sequence[Question]) -> dict[str, Any]:
        if len(questions) > MOST_QUESTIONS:
            raise ValueError(f"at most {MOST_QUESTIONS} questions at once, not {len(questions)}")
        token = self._token if isinstance(self._token, str) else self._token()
        return {
            "url": self._url,
            "headers": {"Authorization": f"Bearer {token}"},
            "json": {"evaluations": [question.to_json() for question in questions]},
        }


def _read(response: httpx2.Response, count: int) -> list[Answer]:
    """An answer for each question. What is not exactly what the standard promises is a deny."""
    if response.status_code != httpx2.codes.OK:
        return _denied(count, f"the decision point answered {response.status_code}")
    try:
        items = response.json()["evaluations"]
        if not isinstance(items, list) or len(items) != count:
            return _denied(count, "the decision point gave another number of answers")
        return [_answer(item) for item in items]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _denied(count, "the decision point's answer cannot be read")


def _answer(item: Mapping[str, Any]) -> Answer:
    context = item.get("context", {})
    if "error" in context:
        return Answer(
            allowed=False, context=context, failure=f"the decision point could not decide: {context['error']}"
        )
    return Answer(allowed=item["decision"] is True, context=context)


def _denied(count: int, failure: str) -> list[Answer]:
    return [Answer(allowed=False, failure=failure)] * count


class DecisionPointClient(_Protocol):
    """Waits for its answers. ``timeout`` is for a whole question, in seconds; ``token`` a bearer token or what gives one."""

    def __init__(
        self,
        base_url: str,
        token: str | Callable[[], str],
        *,
        timeout: float = 1.0,
        http: httpx2.Client | None = None,
    ) -> None:
        super().__init__(base_url, token)
        self._http = http or httpx2.Client(timeout=timeout)

    def allows(self, question: Question) -> Answer:
        """True exactly when the decision point allows it. Never raises for what the decision point does."""
        return self.ask([question])[0]

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """An answer for each question, in order. Raises ``ValueError`` for more than 1,000."""
        if not questions:
            return []
        request = self._request(questions)
        try:
            return _read(self._http.post(**request), len(questions))
        except httpx2.HTTPError as error:
            return _denied(len(questions), f"the decision point cannot be reached: {type(error).__name__}")

    def close(self) -> None:
        """Gives the connections back."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncDecisionPointClient(_Protocol):
    """The same for programs with an event loop."""

    def __init__(
        self,
        base_url: str,
        token: str | Callable[[], str],
        *,
        timeout: float = 1.0,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        super().__init__(base_url, token)
        self._http = http or httpx2.AsyncClient(timeout=timeout)

    async def allows(self, question: Question) -> Answer:
        """True exactly when the decision point allows it. Never raises for what the decision point does."""
        return (await self.ask([question]))[0]

    async def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """An answer for each question, in order. Raises ``ValueError`` for more than 1,000."""
        if not questions:
            return []
        request = self._request(questions)
        try:
            return _read(await self._http.post(**request), len(questions))
        except httpx2.HTTPError as error:
            return _denied(len(questions), f"the decision point cannot be reached: {type(error).__name__}")

    async def close(self) -> None:
        """Gives the connections back."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
