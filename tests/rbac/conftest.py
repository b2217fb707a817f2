"""What the tests of the package share."""

from pathlib import Path

import pytest

from tests.support.command import Workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A folder with the shipped model and a small policy: users read, administrators administer and are users."""
    return Workshop(tmp_path)
