"""The changelog: what is unreleased becomes a version of a day (Keep a Changelog)."""

import re
from datetime import date
from typing import Final

_UNRELEASED: Final = "## [Unreleased]\n"


class ChangelogError(Exception):
    """There is nothing to release, or the version was released before."""


def cut(text: str, version: str, day: date) -> str:
    """``text`` with all that was unreleased under ``version``, and room for what comes next. Raises ChangelogError."""
    if f"## [{version}]" in text:
        raise ChangelogError(f"{version} stands in CHANGELOG.md already")
    before, found, after = text.partition(_UNRELEASED)
    if not found:
        raise ChangelogError("CHANGELOG.md has no `## [Unreleased]`")
    notes = re.split(r"(?m)^## \[", after)[0]
    if not re.search(r"(?m)^- ", notes):
        raise ChangelogError("nothing is unreleased in CHANGELOG.md")
    return f"{before}{_UNRELEASED}\n## [{version}] - {day.isoformat()}\n{after}"


def notes_of(text: str, version: str) -> str:
    """What the changelog says of a version, for its release page. Raises ChangelogError."""
    found = re.search(rf"(?ms)^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## \[|\Z)", text)
    if found is None:
        raise ChangelogError(f"{version} does not stand in CHANGELOG.md")
    return found[1].strip() + "\n"
