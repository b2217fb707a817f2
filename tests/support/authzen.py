"""Decision points for AuthZEN's own scenarios: a model, a policy and entities each, and a caller who may ask."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from tests.support.application import bearer
from tests.support.issuer import Issuer

SCENARIOS = Path(__file__).parents[1] / "data" / "authzen"

# How each scenario's questions fill the words of its model.
REQUESTS: Mapping[str, str] = {
    "suite": "sub=subject.id, role=subject.properties.role, type=resource.type, obj=resource.id, act=action.name, "
    "status=resource.properties.status, soft=action.properties.soft",
    "api-gateway": "role=subject.properties.roles, obj=resource.id, act=action.name",
    "todo": "email=subject.properties.email, role=subject.properties.roles, type=resource.type, act=action.name, "
    "owner=resource.properties.ownerID",
    "search": "sub=subject.id, role=subject.properties.role, home=subject.properties.department, "
    "type=resource.type, act=action.name, owner=resource.properties.owner, "
    "department=resource.properties.department",
}


def decision_point(scenario: str) -> dict[str, str]:
    """The settings that make the service decide for ``scenario``."""
    directory = SCENARIOS / scenario
    return {
        "PDP_MODEL": str(directory / "model.conf"),
        "PDP_POLICY": str(directory / "policy.csv"),
        "PDP_ENTITIES": str(directory / "entities.json"),
        "PDP_REQUEST": REQUESTS[scenario],
    }


def enforcement_point(issuer: Issuer) -> dict[str, str]:
    """The header of a program that may ask."""
    return bearer(issuer.token(**{"custom:role": "pep"}))


def question(
    subject: Any = "alice", action: Any = "read", resource: Any = "record-1", **more: Any
) -> dict[str, Any]:
    """A question's members; an id or a name alone stands for a user, an action and a record."""
    members = {
        "subject": {"type": "user", "id": subject} if isinstance(subject, str) else subject,
        "action": {"name": action} if isinstance(action, str) else action,
        "resource": {"type": "record", "id": resource} if isinstance(resource, str) else resource,
    }
    return {name: value for name, value in members.items() if value is not None} | more


class Asking:
    """A client that puts questions to the decision point as an enforcement point does."""

    def __init__(self, client: TestClient, headers: Mapping[str, str]) -> None:
        self.client = client
        self.headers = dict(headers)

    def post(self, name: str, body: Any = None, **request: Any) -> Any:
        """The response of ``/access/v1/{name}``."""
        headers = {**self.headers, **request.pop("headers", {})}
        if body is not None:
            request["json"] = body
        return self.client.post(f"/access/v1/{name}", headers=headers, **request)

    def decision(self, body: Any) -> bool:
        """The decision about one well-formed question."""
        answer = self.post("evaluation", body)
        if answer.status_code != 200:
            raise AssertionError(answer.text)
        return bool(answer.json()["decision"])

    def found(self, kind: str, body: Any) -> list[str]:
        """The ids or names that a search finds, in order."""
        answer = self.post(f"search/{kind}", body)
        if answer.status_code != 200:
            raise AssertionError(answer.text)
        return [result.get("id") or result["name"] for result in answer.json()["results"]]
