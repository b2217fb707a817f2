"""An issuer of our own, for services that need one, and a folder with a policy."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import Workshop
from tests.support.issuer import Issuer


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """It signs tokens, and serves its keys."""
    with Issuer() as listening:
        yield listening


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A folder with the shipped model and a small policy: users read, administrators administer and are users."""
    return Workshop(tmp_path)
