"""The AuthZEN endpoints as ``/openapi.json`` lists them: they are plain ASGI, and FastAPI cannot describe them."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.authzen.paging import LARGEST_LIMIT

_Schema = dict[str, Any]

_STRING: _Schema = {"type": "string"}
# A word of a question: no control characters, which no rule's pattern can be trusted with.
_WORD: _Schema = {"type": "string", "maxLength": 8192, "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"}
_NAME: _Schema = {"type": "string", "maxLength": 8192}
_PROPERTIES: _Schema = {"type": "object", "additionalProperties": True}
# In words alone: which properties are read, and what of, is a matter of PDP_REQUEST.
_WITH_ROLES: _Schema = _PROPERTIES | {
    "description": "As the service is set up, such as `role`: a role or a list of them, without control characters."
}
_CONTEXT: _Schema = {"type": "object", "additionalProperties": True}


def _object(required: Sequence[str] = (), /, **properties: _Schema) -> _Schema:
    schema: _Schema = {"type": "object", "properties": properties}
    return schema | {"required": list(required)} if required else schema


_TYPE_AND_ID = _object(("type", "id"), type=_NAME, id=_WORD, properties=_PROPERTIES)
_SUBJECT = _object(("type", "id"), type=_NAME, id=_WORD, properties=_WITH_ROLES)
_TYPE = _object(("type",), type=_NAME, properties=_PROPERTIES)
_NAMED = _object(("name",), name=_WORD, properties=_PROPERTIES)
_QUESTION: dict[str, _Schema] = {
    "subject": _SUBJECT,
    "action": _NAMED,
    "resource": _TYPE_AND_ID,
    "context": _CONTEXT,
}
_ASKED = ("subject", "action", "resource")
# `token` stands in the description alone: no text that fits a schema is one, only what an answer before gave.
_PAGE: _Schema = _object(
    limit={"type": "integer", "minimum": 0, "maximum": LARGEST_LIMIT}, properties=_CONTEXT
) | {
    "description": (
        "`limit`: at most so many results. `token`: the `next_token` of the answer before, with everything else in the "
        "request as it was."
    )
}
_DECISION = _object(
    ("decision",),
    decision={"type": "boolean"},
    context=_object(
        reason=_STRING,
        policy_revision=_STRING,
        decision_id=_STRING,
        error=_object(("status", "message"), status={"type": "integer"}, message=_STRING),
    ),
)
# What stands for all items of a batch may be a part, for an item says the rest, and is judged with each item.
_DEFAULTS: dict[str, _Schema] = {
    "subject": _object(type=_NAME, id=_NAME, properties=_PROPERTIES),
    "action": _object(name=_NAME, properties=_PROPERTIES),
    "resource": _object(type=_NAME, id=_NAME, properties=_PROPERTIES),
    "context": _CONTEXT,
}
_BATCH = _object(
    **_DEFAULTS,
    evaluations={
        "type": "array",
        "maxItems": 1000,
        "items": {},
        "description": (
            "Each item has the members of a single question; the batch's own stand for those that it leaves out. An item "
            "that is malformed is a deny whose `context.error` says why."
        ),
    },
    options=_object(
        evaluations_semantic={
            "type": "string",
            "enum": ["execute_all", "deny_on_first_deny", "permit_on_first_permit"],
            "default": "execute_all",
        }
    ),
) | {
    "anyOf": [
        {"required": ["evaluations"], "properties": {"evaluations": {"minItems": 1}}},
        {"required": list(_ASKED), "properties": _QUESTION},
    ]
}


_CONFIGURATION: _Schema = {
    "type": "object",
    "properties": {"sekisho_limits": {"type": "object", "additionalProperties": {"type": "integer"}}},
    "additionalProperties": _STRING,
}


def _results(item: _Schema) -> _Schema:
    return _object(
        ("results",),
        page=_object(("next_token",), next_token=_STRING, count={"type": "integer"}),
        context=_CONTEXT,
        results={"type": "array", "items": item},
    )


def _operation(summary: str, about: str, asked: _Schema, answer: _Schema) -> dict[str, Any]:
    message = {"content": {"application/json": {"schema": _STRING}}}
    return {
        "post": {
            "tags": ["authzen"],
            "summary": summary,
            "description": about,
            "operationId": summary.lower().replace(" ", "_"),
            "requestBody": {"required": True, "content": {"application/json": {"schema": asked}}},
            "responses": {
                "200": {"description": "The answer", "content": {"application/json": {"schema": answer}}},
                "400": {"description": "What is malformed, as a JSON string", **message},
                "413": {"description": "More than a mebibyte", **message},
            },
        }
    }


_RESULT = _object(("type", "id"), type=_STRING, id=_STRING)

PATHS: Mapping[str, dict[str, Any]] = {
    "/access/v1/evaluation": _operation(
        "Evaluate a question",
        "May this subject do this action to this resource? A deny is a 200.",
        _object(_ASKED, **_QUESTION),
        _DECISION,
    ),
    "/access/v1/evaluations": _operation(
        "Evaluate several questions",
        "At most 1,000, in order. The members beside `evaluations` stand for what an item leaves out.",
        _BATCH,
        _object(evaluations={"type": "array", "items": _DECISION}),
    ),
    "/access/v1/search/subject": _operation(
        "Search for subjects",
        "Who may do this action to this resource?",
        _object(_ASKED, **(_QUESTION | {"subject": _TYPE}), page=_PAGE),
        _results(_RESULT),
    ),
    "/access/v1/search/resource": _operation(
        "Search for resources",
        "To what may this subject do this action?",
        _object(_ASKED, **(_QUESTION | {"resource": _TYPE}), page=_PAGE),
        _results(_RESULT),
    ),
    "/access/v1/search/action": _operation(
        "Search for actions",
        "What may this subject do to this resource?",
        _object(
            ("subject", "resource"), subject=_SUBJECT, resource=_TYPE_AND_ID, context=_CONTEXT, page=_PAGE
        ),
        _results(_object(("name",), name=_STRING)),
    ),
    "/.well-known/authzen-configuration": {
        "get": {
            "tags": ["public"],
            "summary": "Where the endpoints are",
            "description": "AuthZEN's metadata document: the addresses of what is served, and no data.",
            "operationId": "authzen_configuration",
            "responses": {
                "200": {
                    "description": "The metadata document",
                    "content": {"application/json": {"schema": _CONFIGURATION}},
                }
            },
        }
    },
}
