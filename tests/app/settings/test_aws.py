"""Settings in AWS: a secret of Secrets Manager and parameters of Parameter Store, on the local AWS."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pytest

from app.config import SettingsError, load_settings, load_surface
from app.dev import cognito

POOL = {
    "ENVIRONMENT": "production",
    "COGNITO_USER_POOL_ID": "eu-west-1_AbC123xyz",
    "COGNITO_APP_CLIENT_ID": "1h57kf5cpq17m0eml12example",
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with cognito.served(0) as url:
        yield url


@pytest.fixture
def aws(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes clients of the local AWS, and has boto3 find it as it finds the real one."""
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "development",
        "AWS_SECRET_ACCESS_KEY": "development",
    }.items():
        monkeypatch.setenv(name, value)
    return boto3.client


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A directory with all the files that the defaults name."""
    (tmp_path / "model.conf").touch()
    (tmp_path / "policy.csv").touch()
    (tmp_path / "revocations.csv").touch()
    (tmp_path / "policy_tests").mkdir()
    return tmp_path


def secret(aws: Any, name: str, text: str) -> dict[str, str]:
    aws("secretsmanager").create_secret(Name=name, SecretString=text)
    return POOL | {"SETTINGS_AWS_SECRET": name}


def test_a_secret_holds_settings_that_files_and_the_process_override(aws: Any, house: Path) -> None:
    held = {"LOG_LEVEL": "ERROR", "WORKERS": "3", "PORT": "9003"}
    environ = secret(aws, "sekisho/one", json.dumps(held))
    (house / ".env").write_text("PORT=9002\n")
    settings = load_settings(house, environ | {"LOG_LEVEL": "DEBUG"})
    assert (settings.log_level, settings.port, settings.workers) == ("DEBUG", 9002, 3)


def test_parameters_below_a_path_are_settings_decrypted_and_on_every_page(aws: Any, house: Path) -> None:
    held = {"WORKERS": "3", "LOG_LEVEL": "ERROR"} | {
        f"ALLOWED_{kind}": "GET" for kind in ("METHODS", "HEADERS")
    }
    for name, value in held.items():
        aws("ssm").put_parameter(Name=f"/sekisho/a/{name}", Value=value, Type="SecureString")
    for number in range(12):
        aws("ssm").put_parameter(Name=f"/sekisho/b/{number}", Value="x", Type="String")
    settings = load_settings(house, POOL | {"SETTINGS_AWS_PARAMETERS": "/sekisho/a/"})
    assert (settings.workers, settings.log_level, settings.allowed_methods) == (3, "ERROR", ("GET",))
    with pytest.raises(SettingsError, match="12 settings are wrong"):
        load_settings(house, POOL | {"SETTINGS_AWS_PARAMETERS": "/sekisho/b"})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("hunter2", "must be a secret that holds a JSON object of settings"),
        ('["hunter2"]', "must be a secret that holds a JSON object of settings"),
        ('{"WORKERS": {"hunter2": 1}}', "must hold texts alone"),
        ('{"WORKRES": "hunter2"}', "there is no such setting; did you mean `WORKERS`?"),
        ('{"DEBUG": "hunter2"}', "cannot come from AWS, which is asked later"),
        ('{"ENVIRONMENT": "staging"}', "cannot come from AWS, which is asked later"),
        ('{"CONSOLE": "hunter2"}', "cannot come from AWS, which is asked later"),
        ('{"SETTINGS_AWS_SECRET": "hunter2"}', "there is no such setting"),
    ],
)
def test_a_secret_of_another_form_is_a_fault_that_does_not_repeat_it(
    aws: Any, house: Path, text: str, fault: str
) -> None:
    environ = secret(aws, f"sekisho/form/{sha256(text.encode()).hexdigest()[:12]}", text)
    with pytest.raises(SettingsError) as caught:
        load_settings(house, environ)
    (told,) = caught.value.faults
    assert fault in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("setting", "value", "fault"),
    [
        ("SETTINGS_AWS_SECRET", "not/there", "AWS answers ResourceNotFoundException"),
        ("SETTINGS_AWS_PARAMETERS", "no-path", "must be a path, which begins with `/`"),
    ],
)
def test_what_is_not_there_is_a_fault_that_names_the_setting(
    aws: Any, house: Path, setting: str, value: str, fault: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(house, POOL | {setting: value})
    (told,) = caught.value.faults
    assert told.startswith(f"{setting} (environment): ")
    assert fault in told


def test_a_region_that_nobody_named_is_a_fault(
    aws: Any, house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(
        SettingsError, match=r"SETTINGS_AWS_SECRET \(environment\): cannot be read: NoRegionError"
    ):
        load_settings(house, POOL | {"SETTINGS_AWS_SECRET": "any"})


def test_importing_the_application_asks_aws_nothing(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    surface = load_surface(house, POOL | {"SETTINGS_AWS_SECRET": "any", "API_TITLE": "Orders"})
    assert surface.api_title == "Orders"
