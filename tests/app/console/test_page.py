"""The page is there unless a setting takes it away, and then nothing of it is."""

import json
import re
from html import unescape
from pathlib import Path

import pytest

from tests.support.application import bearer, served, settings_for
from tests.support.issuer import Issuer


def test_cognitos_hosted_ui_is_where_a_pool_with_a_domain_signs_in(tmp_path: Path) -> None:
    domain = "example.auth.eu-west-1.amazoncognito.com"
    with Issuer() as issuer, served(settings_for(issuer, tmp_path, COGNITO_DOMAIN=domain)) as client:
        answer = client.get("/console")
        about = json.loads(unescape(re.findall(r'name="about" content="([^"]*)"', answer.text)[0]))
        assert about["issuer"]["authorize"] == f"https://{domain}/oauth2/authorize"
        assert about["issuer"]["token"] == f"https://{domain}/oauth2/token"
        assert about["issuer"]["client_id"] == issuer.client_id
        assert about["demo"] is None
        assert f"connect-src 'self' https://{domain};" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(("console", "status"), [("true", 200), ("false", 404)])
def test_a_setting_takes_the_page_away_and_the_policy_over_http_stays(
    tmp_path: Path, console: str, status: int
) -> None:
    with Issuer() as issuer, served(settings_for(issuer, tmp_path, CONSOLE=console)) as client:
        for path in ("/console", "/console/assets/main.js"):
            assert client.get(path).status_code == status
        token = issuer.token(**{"custom:role": "security"})
        assert client.get("/policy", headers=bearer(token)).status_code == 200
        listed = client.get("/policy/matrix", headers=bearer(token)).json()["endpoints"]
        assert any(each["obj"] == "/console" for each in listed) is (status == 200)
        assert not client.get("/policy/status", headers=bearer(token)).json()["warnings"]
