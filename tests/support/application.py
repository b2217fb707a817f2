"""The application inside the test's own process, with a real issuer; for what a real server would hide or mend."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.testclient import TestClient

from app.config import Settings, load_settings
from app.main import create_app
from tests.support.issuer import Issuer
from tests.support.service import ROOT, trusting


def settings_for(issuer: Issuer, directory: Path, **changes: str) -> Settings:
    """Settings that trust ``issuer``, with the policy files in ``directory``: the shipped ones unless they are there."""
    for name in ("model.conf", "policy.csv", "revocations.csv"):
        if not (directory / name).exists():
            shutil.copy(ROOT / name, directory / name)
    environment = {
        "ENVIRONMENT": "development",
        **trusting(issuer),
        "POLICY_GATE": "lint",
        "POLICY_TESTS": "no-policy-tests",
        "DECISION_LOG": "off",
        **changes,
    }
    return load_settings(directory, environment)


@contextmanager
def served(settings: Settings, app: FastAPI | None = None) -> Iterator[TestClient]:
    """A client of the application while its lifespan runs. Errors reach the client as answers, as they do in production."""
    with TestClient(app or create_app(settings), raise_server_exceptions=False) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    """The header that presents ``token``."""
    return {"Authorization": f"Bearer {token}"}
