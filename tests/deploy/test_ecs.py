"""deploy/ecs: what AWS's own model of each call takes, and what the image and the service say."""

import json
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator

from app.config import Settings
from tests.support.deploy_tools import DEPLOY
from tests.support.image import instructions

CALLS = {
    "task-definition.json": ("ecs", "RegisterTaskDefinition"),
    "migration-task-definition.json": ("ecs", "RegisterTaskDefinition"),
    "service.json": ("ecs", "CreateService"),
    "target-group.json": ("elbv2", "CreateTargetGroup"),
}
TASKS = [name for name, (_, call) in CALLS.items() if call == "RegisterTaskDefinition"]
# Fargate's sizes: MiB of memory by units of processor time.
SIZES = {"256": range(512, 2049), "1024": range(2048, 8193)}


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DEPLOY / "ecs" / name).read_text(encoding="utf-8"))
    return found


def _input(service: str, call: str) -> Any:
    """The shape of what a call takes, as AWS publishes it."""
    client: Any = boto3.client
    return client(service, region_name="eu-west-1").meta.service_model.operation_model(call).input_shape


def _report(value: dict[str, Any], shape: Any) -> str:
    validator: Any = ParamValidator()
    return str(validator.validate(value, shape).generate_report())


def outside(shape: Any, value: Any, path: str = "") -> list[str]:
    """Texts that are not among those that the model lists, which botocore itself leaves to the service."""
    if shape.type_name == "structure":
        return [
            fault
            for name, each in value.items()
            for fault in outside(shape.members[name], each, f"{path}.{name}")
        ]
    if shape.type_name == "list":
        return [fault for each in value for fault in outside(shape.member, each, f"{path}[]")]
    allowed = getattr(shape, "enum", None)
    return [f"{path}: {value}"] if allowed and value not in allowed else []


@pytest.mark.parametrize("name", CALLS)
def test_it_is_what_the_call_takes(name: str) -> None:
    service, call = CALLS[name]
    shape = _input(service, call)
    value = read(name)
    assert _report(value, shape) == ""
    assert outside(shape, value) == []


def test_a_mistake_would_be_found() -> None:
    shape = _input("ecs", "RegisterTaskDefinition")
    wrong = read("task-definition.json") | {"networkMode": "vpc", "cpus": "1"}
    assert "cpus" in _report(wrong, shape)
    assert outside(shape, {"networkMode": "vpc"}) == [".networkMode: vpc"]


@pytest.mark.parametrize("name", TASKS)
def test_it_runs_as_the_image_does(name: str) -> None:
    task, image = read(name), dict(instructions())
    (container,) = task["containerDefinitions"]
    assert int(task["memory"]) in SIZES[task["cpu"]]
    assert container["user"] == image["USER"]
    assert container["readonlyRootFilesystem"]
    assert container["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
    assert [mount["containerPath"] for mount in container["mountPoints"]] == json.loads(image["VOLUME"])
    assert {mount["sourceVolume"] for mount in container["mountPoints"]} == {
        each["name"] for each in task["volumes"]
    }
    # A decision that is lost on the way is one that nobody can replay.
    assert container["logConfiguration"]["options"]["mode"] == "blocking"


@pytest.mark.parametrize("name", TASKS)
def test_its_settings_are_settings_and_what_is_secret_comes_from_a_secret(name: str) -> None:
    (container,) = read(name)["containerDefinitions"]
    plain = {each["name"]: each["value"] for each in container.get("environment", ())}
    secret = {each["name"] for each in container["secrets"]}
    assert all(each.lower() in Settings.model_fields for each in plain.keys() | secret)
    assert "POLICY_STORE" in secret
    assert not any("://" in value for value in plain.values())


def test_it_checks_its_health_as_the_image_does() -> None:
    (container,) = read("task-definition.json")["containerDefinitions"]
    said = dict(instructions())["HEALTHCHECK"]
    assert container["healthCheck"]["command"] == ["CMD", *json.loads(said[said.index("[") :])]


def test_it_drains_before_it_is_killed() -> None:
    """ECS takes a task out of the target group, and tells it to stop; Fargate kills after 120 seconds at most."""
    (container,) = read("task-definition.json")["containerDefinitions"]
    settings = {each["name"]: each["value"] for each in container["environment"]}
    group = read("target-group.json")
    noticed = group["HealthCheckIntervalSeconds"] * group["UnhealthyThresholdCount"]
    assert int(settings["SHUTDOWN_DELAY"]) > noticed
    assert int(settings["SHUTDOWN_DELAY"]) + 20 <= container["stopTimeout"] <= 120
    assert group["HealthCheckPath"] == "/readyz"


def test_ports_and_names_agree() -> None:
    (container,) = read("task-definition.json")["containerDefinitions"]
    (balanced,) = read("service.json")["loadBalancers"]
    (mapped,) = container["portMappings"]
    assert str(mapped["containerPort"]) == dict(instructions())["EXPOSE"]
    assert balanced["containerPort"] == mapped["containerPort"] == read("target-group.json")["Port"]
    assert balanced["containerName"] == container["name"]
    assert read("service.json")["taskDefinition"] == read("task-definition.json")["family"]
