"""Several roles of one caller, under models that can take them and models that cannot."""

from pathlib import Path

import pytest

from app.main import create_app
from app.start_error import StartError
from rbac import Policy
from rbac.decision_log.ruling import Ruling
from tests.support.application import bearer, served, settings_for
from tests.support.issuer import Issuer

BY_PRIORITY = """
[request_definition]
r = sub, role, obj, act

[policy_definition]
p = role, obj, act, eft

[role_definition]
g = _, _

[policy_effect]
e = priority(p.eft) || deny

[matchers]
m = g(r.role, p.role) && keyMatch3(r.obj, p.obj) && r.act == p.act
"""
RULES = "p, user, /user, GET, allow\np, guest, /user, GET, deny\n"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    (tmp_path / "model.conf").write_text(BY_PRIORITY)
    (tmp_path / "policy.csv").write_text(RULES)
    return tmp_path


@pytest.mark.parametrize(
    "claims", ["custom:role,custom:team", "cognito:groups", "custom:role:list", "custom:role,cognito:groups"]
)
def test_a_priority_effect_where_callers_may_bring_several_roles_is_a_refused_start(
    house: Path, claims: str
) -> None:
    with Issuer() as issuer:
        settings = settings_for(issuer, house, ROLE_CLAIMS=claims)
        with (
            pytest.raises(StartError, match="ROLE_CLAIMS can bring several"),
            served(settings, create_app(settings)),
        ):
            pass


def test_a_priority_effect_with_one_role_decides_by_it(house: Path) -> None:
    with Issuer() as issuer, served(settings_for(issuer, house)) as client:
        for role, status in (("user", 200), ("guest", 403)):
            token = issuer.token(**{"custom:role": role})
            assert client.get("/user", headers=bearer(token)).status_code == status


def test_several_roles_that_nobody_foresaw_are_denied_and_told(caplog: pytest.LogCaptureFixture) -> None:
    policy = Policy.parse(BY_PRIORITY.encode(), RULES.encode())
    ruling = Ruling.of_caller(policy, ("sub", "", "/user", "GET"), 1, ("user", "user"))
    assert not ruling.decision.allowed
    assert "one role at a time, and several were given" in caplog.text


def test_a_list_in_a_text_claim_is_several_roles_of_the_shipped_policy(tmp_path: Path) -> None:
    with Issuer() as issuer:
        settings = settings_for(issuer, tmp_path, ROLE_CLAIMS="custom:role:list")
        with served(settings) as client:
            for text in ("guest,user", "[guest, user]"):
                token = issuer.token(**{"custom:role": text})
                assert client.get("/user", headers=bearer(token)).status_code == 200
