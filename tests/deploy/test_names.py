"""What deploy/ names is there: every setting in docs/settings.md, every path in the image, every port and probe the service's."""

import re
from pathlib import Path

import pytest
import yaml

from app.config import Settings
from tests.support.deploy_tools import DEPLOY
from tests.support.image import instructions
from tests.support.service import ROOT

KNOWN = {name.upper() for name in Settings.model_fields}
# Names in capitals that are somebody else's: PostgreSQL's image, libpq, pip, Python, AWS.
_OTHERS = (
    r"(?:POSTGRES|PG|PIP|PYTHON|AWS|SETTINGS_AWS|GITHUB|CI|GIT|GH)[A-Z0-9_]*|HOME|PATH|BASE|VERSION|NUMBER"
)
FILES = sorted(
    path
    for path in DEPLOY.rglob("*")
    if path.is_file() and path.suffix not in {".txt", ".in"} and "secrets" not in path.parts
)


def env_names(path: Path) -> set[str]:
    """What in a file stands where an environment names a variable."""
    text = path.read_text(encoding="utf-8")
    forms = (
        r"^\s*(?:- |ENV )?\"?([A-Z][A-Z0-9_]{3,})\"?\s*[:=]",  # YAML's and the shell's
        r"\"?name\"?: \"?([A-Z][A-Z0-9_]{3,})\"?",  # lists of name and value
        r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)`",
    )
    return {name for form in forms for name in re.findall(form, text, re.MULTILINE)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_setting_that_is_named_is_one(path: Path) -> None:
    named = {name for name in env_names(path) if not re.fullmatch(_OTHERS, name)}
    assert {name for name in named if name.removesuffix("_FILE") not in KNOWN and name not in KNOWN} == set()


def test_the_names_are_found_at_all() -> None:
    """A reading that finds nothing would find no mistake, either."""
    assert {"POLICY_STORE_FILE", "FORWARDED_ALLOW_IPS", "WORKERS"} <= env_names(
        DEPLOY / "compose" / "compose.yaml"
    )
    assert {"LISTEN_ADDRESS", "PYTHONUNBUFFERED"} <= env_names(DEPLOY / "Dockerfile")


def test_one_port_everywhere() -> None:
    """The image's, which is the service's default."""
    said = dict(instructions())
    port = str(Settings.model_fields["port"].default)
    assert said["EXPOSE"] == port
    assert f"PORT={port}" in said["ENV"]
    nginx = (DEPLOY / "compose" / "nginx.conf").read_text(encoding="utf-8")
    assert set(re.findall(r"server sekisho-\d:(\d+)", nginx)) == {port}
    published = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())["services"]["nginx"][
        "ports"
    ]
    assert {each.rpartition(":")[2] for each in published} == set(re.findall(r"listen (\d+);", nginx))


def test_every_copied_file_is_in_the_repository() -> None:
    for instruction, value in instructions():
        if instruction == "COPY" and "--from" not in value:
            assert all((ROOT / name).exists() for name in value.split()[:-1]), value
