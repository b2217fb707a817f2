"""deploy/helm: what is in the chart for a person to set, and that what cannot be is refused before anything is applied."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from app.config import Settings
from tests.support.deploy_tools import helm, quiet_environment
from tests.support.kubernetes import CHART, one, refused, settings_of, templated

SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
# What the chart itself decides: where the container listens, and where the secret of the store is mounted.
OWN = {"LISTEN_ADDRESS", "PORT", "POLICY_STORE"}


def test_helm_lints_it(tmp_path: Path) -> None:
    command = [helm(), "lint", "--strict", str(CHART)]
    done = subprocess.run(
        command, env=quiet_environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_setting_may_be_set_and_no_other_name() -> None:
    """`python -m tests.support.chart` writes them anew."""
    assert SCHEMA["definitions"]["setting"]["enum"] == sorted(
        {name.upper() for name in Settings.model_fields} - OWN
    )


def test_every_value_is_in_the_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert set(values) == set(SCHEMA["properties"]) - {"global"}
    assert list(Draft7Validator(SCHEMA).iter_errors(values)) == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"settings": {"ENVIRONMENT": "production", "POLICY_STROE": "x"}}, "POLICY_STROE"),
        ({"settings": {"ENVIRONMENT": "prod"}}, "ENVIRONMENT"),
        ({"settings": {"PORT": "8080"}}, "PORT"),
        ({"settings": {"POLICY_STORE": "postgresql://a:b@c/d"}}, "POLICY_STORE"),
        ({"settings": {"SHUTDOWN_DELAY": 1}}, "SHUTDOWN_DELAY"),
        ({"settings": {"WORKERS": "two"}}, "WORKERS"),
        ({"secretSettings": {"OIDC_ISSUER": "https://id.example.com"}}, "OIDC_ISSUER"),
        ({"replicas": 0}, "replicas"),
        ({"replica": 3}, "replica"),
        ({"image": {"digest": "latest"}}, "digest"),
        ({"store": {"enabled": "yes"}}, "enabled"),
        ({"store": {"enabled": True, "networks": ["db.example.com"]}}, "networks"),
        ({"networkPolicy": {"from": []}}, "from"),
        ({"policy": {"tests": {"a/b": "x"}}}, "a/b"),
        ({"policy": {"rules": "p, a, /b, GET, allow"}}, "policy.model"),
        ({"policy": {"rules": "p, a, /b, GET, allow", "model": "x"}}, "policy.tests"),
        ({"serviceMonitor": {"enabled": True}}, "tokenUrl"),
        ({"serviceMonitor": {"enabled": True, "tokenUrl": "http://id.example.com"}}, "tokenUrl"),
        ({"resources": {"limit": {"memory": "1Gi"}}}, "limit"),
    ],
)
def test_what_cannot_be_is_refused_by_name(values: dict[str, Any], said: str, tmp_path: Path) -> None:
    assert said in refused(tmp_path, values)


def test_a_number_is_a_text_to_the_service(tmp_path: Path) -> None:
    made = templated(tmp_path, values={"settings": {"WORKERS": 4, "DEBUG": False, "KEYS_MAX_AGE": 14400}})
    assert settings_of(made).items() >= {"WORKERS": "4", "DEBUG": "false", "KEYS_MAX_AGE": "14400"}.items()


def test_a_longer_delay_waits_longer(tmp_path: Path) -> None:
    made = templated(tmp_path, values={"settings": {"SHUTDOWN_DELAY": "120"}})
    assert one(made, "Deployment")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 150


def test_other_settings_start_new_pods_and_another_policy_does_not(tmp_path: Path) -> None:
    def template(**values: Any) -> Any:
        return one(templated(tmp_path, values=values), "Deployment")["spec"]["template"]

    policy = {"model": "m", "rules": "r", "tests": {"a": "t"}}
    assert template(policy=policy) == template(policy=policy | {"rules": "others"})
    assert template() != template(settings={"WORKERS": "3"})


def test_the_migration_runs_before_the_release_as_the_roles_that_are_named(tmp_path: Path) -> None:
    roles = {
        "serviceRoles": ["a", "b"],
        "publisherRoles": ["c"],
        "consoleRoles": ["d"],
        "revokerRoles": ["e"],
    }
    job = one(templated(tmp_path, values={"store": {"enabled": True, "migration": roles}}), "Job")
    command = job["spec"]["template"]["spec"]["containers"][0]["command"]
    assert command == [
        "rbac",
        "migrate",
        "--service",
        "a",
        "--service",
        "b",
        "--publisher",
        "c",
        "--console",
        "d",
        "--revoker",
        "e",
    ]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"


def test_several_releases_stand_side_by_side(tmp_path: Path) -> None:
    """Nothing of one is named, or selected, like another's."""
    ours, theirs = (
        {(each["kind"], each["metadata"]["name"]) for each in templated(tmp_path, name)}
        for name in ("sekisho", "orders")
    )
    assert not ours & theirs
