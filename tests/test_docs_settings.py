"""docs/settings.md is the Settings class as tables: what one says, the other says."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from app.config import Settings

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"


def written(value: Any) -> str:
    """A default as a person would write it in an env file."""
    match value:
        case None | "" | ():
            return "none"
        case SecretStr():
            return written(value.get_secret_value())
        case bool():
            return f"`{str(value).lower()}`"
        case tuple():
            return f"`{','.join(value)}`"
        case _:
            return f"`{value}`"


def expected_row(name: str) -> tuple[str, str, str, str]:
    """What the page must say of a setting."""
    field = Settings.model_fields[name]
    extra = field.json_schema_extra
    worded = extra.get("default") if isinstance(extra, dict) else None
    if worded is None:
        assert field.default is not PydanticUndefined, f"{name} needs words for its default"
        worded = written(field.default)
    assert field.description, f"{name} has no meaning"
    assert field.examples, f"{name} has no example"
    return f"`{name.upper()}`", str(worded), field.description, f"`{field.examples[0]}`"


def documented() -> Iterator[tuple[str, ...]]:
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if re.match(r"\| `[A-Z]", line):
            yield tuple(cell.strip() for cell in line.strip("|").split(" | "))


def test_every_setting_has_its_row_in_order_and_no_row_is_left_over() -> None:
    assert [row[0] for row in documented()] == [f"`{name.upper()}`" for name in Settings.model_fields]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_row_says_what_the_class_says(name: str) -> None:
    rows = {row[0]: row for row in documented()}
    assert rows[f"`{name.upper()}`"] == expected_row(name)
