"""Where the version stands: in pyproject.toml, which says it, and in every file that repeats it."""

import re
import tomllib
from pathlib import Path
from typing import Final, NamedTuple

_NUMBER: Final = r"[0-9]+\.[0-9]+\.[0-9]+(?:(?:a|b|rc)[0-9]+)?"


class Place(NamedTuple):
    """A file, and what stands before a version in it, as a regular expression."""

    file: str
    before: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """What stands before it, and the version."""
        return re.compile(f"({self.before})({_NUMBER})", re.MULTILINE)


PLACES: Final = (
    Place("pyproject.toml", r'^version = "'),
    Place("app/settings/service.py", r'    api_version: str = Field\(\s*"'),
    Place("docs/pipelines.md", r"    rev: v"),
    Place("docs/settings.md", r"\| `API_VERSION` \| `"),
    Place("deploy/helm/sekisho/Chart.yaml", r"^(?:version|appVersion): "),
    Place("deploy/kubernetes/overlays/production/kustomization.yaml", r"    newTag: "),
    Place("deploy/kubernetes/overlays/files/kustomization.yaml", r"    newTag: "),
    Place("deploy/ecs/task-definition.json", r"/sekisho:"),
    Place("deploy/ecs/migration-task-definition.json", r"/sekisho:"),
)


class VersionError(Exception):
    """A version that cannot be the next one, or a file in which it does not stand where it did."""


def current(root: Path) -> str:
    """The version that pyproject.toml says."""
    return str(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def named(root: Path, place: Place) -> list[str]:
    """The versions that stand in a place."""
    text = (root / place.file).read_text(encoding="utf-8")
    return [found[2] for found in place.pattern.finditer(text)]


def write(root: Path, version: str) -> list[str]:
    """Writes the version into every place; the files that changed. Raises VersionError, and then nothing was written."""
    if not re.fullmatch(_NUMBER, version):
        raise VersionError(f"`{version}` is no version: 1.2.3, or 1.2.3rc1")
    if _order(version) < _order(current(root)):
        raise VersionError(f"`{version}` is before {current(root)}, which is in pyproject.toml")
    texts: dict[Path, str] = {}
    for place in PLACES:
        file = root / place.file
        text, times = place.pattern.subn(rf"\g<1>{version}", file.read_text(encoding="utf-8"))
        if not times:
            raise VersionError(f"no version stands in {place.file} where it should: {place.before}")
        texts[file] = text
    changed = [file for file, text in texts.items() if file.read_text(encoding="utf-8") != text]
    for file in changed:
        file.write_text(texts[file], encoding="utf-8")
    return [str(file.relative_to(root)) for file in changed]


def _order(version: str) -> tuple[int, ...]:
    """By number, and a candidate before what it is a candidate of."""
    numbers, stage, candidate = re.fullmatch(r"([0-9.]+)([a-z]*)([0-9]*)", version).groups()  # type: ignore[union-attr]  # it is a version
    return (*map(int, numbers.split(".")), ("a", "b", "rc", "").index(stage), int(candidate or 0))
