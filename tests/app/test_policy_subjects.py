"""`POLICY_SUBJECTS` says to the service what `--subjects` says to the command: what a person's `sub` looks like."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.policy_gate import live_policy
from rbac.routes import NO_ROUTES
from tests.support.application import settings_for
from tests.support.issuer import Issuer


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


LOCKED_OUT = "auth0|5f7c8ec7c33c6c004bbafe82"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, ["not-a-subject"]),
        ({"POLICY_SUBJECTS": "auth0"}, []),
        ({"POLICY_SUBJECTS": "firebase"}, []),
        ({"POLICY_SUBJECTS": r"auth0\|[0-9a-f]{24}"}, []),
        ({"POLICY_SUBJECTS": "[0-9]+"}, ["not-a-subject"]),
    ],
)
def test_the_gate_of_the_service_judges_people_by_the_setting(
    issuer: Issuer, tmp_path: Path, changes: dict[str, str], told: list[str]
) -> None:
    settings = settings_for(issuer, tmp_path, **changes)
    policy = tmp_path / "policy.csv"
    policy.write_text(f"{policy.read_text(encoding='utf-8')}p, {LOCKED_OUT}, /*, *, deny\n", encoding="utf-8")
    live = live_policy(settings, NO_ROUTES)
    live.load()
    assert [problem.code for problem in live.warnings if LOCKED_OUT in problem.message] == told
    is_person = changes.get("POLICY_SUBJECTS") != "[0-9]+"
    assert live.policy.names().singled_out == ((LOCKED_OUT,) if is_person else ())


def test_without_the_setting_the_identity_provider_says_it(issuer: Issuer, tmp_path: Path) -> None:
    assert settings_for(issuer, tmp_path).policy_subjects == "cognito"
    auth0 = {
        "IDENTITY_PROVIDER": "auth0",
        "AUTH0_DOMAIN": "example.eu.auth0.com",
        "AUTH0_CLIENT_ID": "client",
    }
    assert settings_for(issuer, tmp_path, **auth0).policy_subjects == "auth0"
