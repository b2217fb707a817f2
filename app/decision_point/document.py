"""The decision point that the settings ask for: its document, how a question fills its words, what is known."""

import logging
from collections.abc import Sequence
from functools import partial

from app.config import Settings
from app.decision_point.entities import NO_ENTITIES, Entities
from app.decision_point.point import DecisionPoint
from app.decision_point.words import PdpRequest, PdpRequestError
from app.policy_gate import cache_of
from rbac import LivePolicy, Policy, Problem
from rbac.model.own_functions import named_functions
from rbac.reloading.judging import lint_gate
from rbac.stores import Snapshot

log = logging.getLogger("app.pdp_document")


def own_document(settings: Settings) -> LivePolicy | None:
    """The document of ``PDP_MODEL`` and ``PDP_POLICY``, not loaded yet, behind its gate; ``None`` without one.

    It passes lint, and the words of its model are those of ``PDP_REQUEST``. Whether it denies by default is up to its
    owner. Raises FunctionsError.
    """
    if settings.pdp_document is None:
        return None
    return LivePolicy.files(
        *settings.pdp_document,
        gate=partial(_gate, settings.pdp_request),
        cache=cache_of(settings, "decision-point"),
        subjects=settings.policy_subjects,
        functions=named_functions(settings.policy_functions),
    )


def decision_point(settings: Settings, live: LivePolicy) -> tuple[DecisionPoint, PdpRequest]:
    """The decision point over a document that is loaded.

    Raises :class:`EntitiesError` for a bad ``PDP_ENTITIES``, and :class:`PdpRequestError` where ``PDP_REQUEST`` does
    not fit the document. Where nobody set it and the service's own model is another than the default is made for, the
    service starts all the same, and refuses such questions.
    """
    entities = Entities.read(settings.pdp_entities) if settings.pdp_entities is not None else NO_ENTITIES
    try:
        request = PdpRequest.parse(settings.pdp_request, live.policy.words, entities)
    except PdpRequestError as error:
        if settings.pdp_document is not None or "pdp_request" in settings.model_fields_set:
            raise
        log.warning("questions put through AuthZEN are refused until PDP_REQUEST is set: %s", error)
        request = PdpRequest.none("the decision point is not set up for its model")
    return DecisionPoint(live), request


def _gate(mapping: str, policy: Policy, snapshot: Snapshot) -> Sequence[Problem]:
    problems = list(lint_gate(policy, snapshot))
    try:
        PdpRequest.parse(mapping, policy.words)
    except PdpRequestError as error:
        problems.append(
            Problem(
                file=policy.document.model_name,
                line=0,
                column=0,
                code="request-words",
                severity="error",
                message=f"the model and PDP_REQUEST do not fit: {error}",
                hint="map each word of the model's request in PDP_REQUEST",
            )
        )
    return problems
