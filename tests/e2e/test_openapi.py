"""The description of the API is valid, and what is really answered: made-up requests, good and bad, find no difference."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from tests.support.issuer import Issuer
from tests.support.service import Service, serving
from tests.support.waiting import LIMIT_S

EXAMPLES = os.environ.get("OPENAPI_EXAMPLES", "25")  # for each endpoint; 300 by hand


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


@pytest.fixture(scope="module")
def service(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    settings = {
        "ROLE_CLAIMS": "custom:role:list",
        "DEBUG": "true",
        "LOG_LEVEL": "WARNING",
        "DECISION_LOG": "off",
    }
    with serving(issuer, tmp_path_factory.mktemp("openapi"), **settings) as running:
        yield running


def test_the_description_is_valid_and_each_part_of_it_has_its_words(service: Service) -> None:
    description = service.get("/openapi.json").json()
    validate(description)
    tags = {tag["name"]: tag["description"] for tag in description["tags"]}
    assert all(text != name for name, text in tags.items())
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)
            assert tags.keys() >= set(operation["tags"])
    assert {} not in description["paths"]["/metrics"]["get"]["security"]
    assert {} in description["paths"]["/healthz"]["get"]["security"]


def test_no_made_up_request_is_answered_otherwise_than_the_description_says(
    issuer: Issuer, service: Service, tmp_path: Path
) -> None:
    token = issuer.token(**{"custom:role": "admin,security"})
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{service.base_url}/openapi.json"]
    options = ["--header", f"Authorization: Bearer {token}", "--max-examples", EXAMPLES, "--no-color"]
    options += ["--suppress-health-check=all", "--generation-database=none", "--seed=1"]
    ended = subprocess.run(
        [*command, *options], cwd=tmp_path, capture_output=True, text=True, timeout=30 * LIMIT_S, check=False
    )
    assert ended.returncode == 0, ended.stdout[-5000:]
