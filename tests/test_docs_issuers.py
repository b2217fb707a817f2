"""The page of each issuer: its settings start the service, and are those that the tests of its tokens go by."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.config import Settings, load_settings
from tests.support.issuer_forms import OPENID_FORMS, PLAIN, Form
from tests.support.service import ROOT

PAGES = ROOT / "docs" / "issuers"
FORMS = [form for form in OPENID_FORMS if form is not PLAIN]


def settings_of(form: Form) -> Settings:
    """What the page's block sets, in production."""
    text = (PAGES / f"{form.name}.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sh\n(.+?)```", text, re.DOTALL)
    written = dict(line.split("=", 1) for line in block.splitlines())
    return load_settings(ROOT, written | {"ENVIRONMENT": "production"}, documents=False)


@pytest.mark.parametrize("form", FORMS, ids=[form.name for form in FORMS])
def test_the_pages_settings_are_those_that_are_tested(form: Form, tmp_path: Path) -> None:
    settings = settings_of(form)
    assert settings.identity_provider == form.provider
    assert urlsplit(settings.oidc_issuer).path == form.path
    assert settings.role_claims == (form.role_claim,)
    assert len(settings.oidc_audience) == 1


def test_there_is_a_page_for_each_and_the_overview_names_it() -> None:
    overview = (PAGES / "README.md").read_text(encoding="utf-8")
    assert {page.name for page in PAGES.glob("*.md")} == {"README.md", *(f"{form.name}.md" for form in FORMS)}
    assert all(f"({form.name}.md)" in overview for form in FORMS)
