"""docs/settings.md is the Settings class as tables: what one says, the other says."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from app.config import Settings, SettingsError, load_settings

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


OF_PROVIDERS = {
    "COGNITO_USER_POOL_ID": "eu-west-1_AbC123xyz",
    "COGNITO_REGION": "eu-west-1",
    "COGNITO_APP_CLIENT_ID": "1h57kf5cpq17m0eml12EXAMPLE",
    "COGNITO_ENDPOINT_URL": "https://cognito-idp.eu-west-1.amazonaws.com",
    "COGNITO_DOMAIN": "example.auth.eu-west-1.amazoncognito.com",
    "AUTH0_DOMAIN": "example.eu.auth0.com",
    "AUTH0_CLIENT_ID": "aBcD1234EXAMPLE",
    "FIREBASE_PROJECT_ID": "my-project-1a2b",
    "OIDC_ISSUER": "https://id.example.com/realms/shop",
    "OIDC_AUDIENCE": "shop-web",
    "OIDC_RESOURCE": "https://api.example.com",
}


def refusal(directory: Path, **environ: str) -> str:
    """What stops the start of a development with these variables; "" where nothing does."""
    try:
        load_settings(directory, {"ENVIRONMENT": "development"} | environ, documents=False)
    except SettingsError as error:
        return str(error)
    return ""


def test_the_settings_that_ask_for_their_own_provider_are_those_that_the_page_lists(tmp_path: Path) -> None:
    kinds = ("COGNITO_", "AUTH0_", "FIREBASE_", "OIDC_")
    assert {name.upper() for name in Settings.model_fields if name.upper().startswith(kinds)} == {
        *OF_PROVIDERS
    }
    providers = get_args(Settings.model_fields["identity_provider"].annotation)
    refused = {
        name
        for name, value in OF_PROVIDERS.items()
        for provider in providers
        if f"{name} (environment): has no effect while IDENTITY_PROVIDER"
        in refusal(tmp_path, IDENTITY_PROVIDER=provider, **{name: value})
    }
    (said,) = re.findall(
        r"^- A setting of another identity provider is refused, .*?(?=^- |^$)",
        PAGE.read_text(),
        re.MULTILINE | re.DOTALL,
    )
    assert {*re.findall(r"`((?:AUTH0|OIDC|FIREBASE|COGNITO)_\w+)`", said)} == refused


def test_the_names_that_are_nearly_a_setting_s_are_refused_as_the_page_says(tmp_path: Path) -> None:
    for name, meant in (("DECISION_LOG_REQUIRD", "DECISION_LOG_REQUIRED"), ("SCOPE", "SCOPES")):
        assert f"`{name}`" in PAGE.read_text()
        assert f"did you mean `{meant}`?" in refusal(tmp_path, **{name: "required"})
