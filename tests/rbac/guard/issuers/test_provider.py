"""A provider accepts somebody's tokens and not anybody's, and says whether a caller may have several roles."""

from dataclasses import replace
from typing import Any, Final

import pytest

from rbac.guard.identity.principal import RoleClaim
from rbac.guard.issuers.provider import DIALECTS, Provider

ID: Final = Provider("https://id", "https://keys", frozenset({"shop"}), (), DIALECTS["oidc"])


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"issuer": ""}, "needs an issuer"),
        ({"jwks_url": ""}, "needs an issuer"),
        ({"audiences": frozenset({"shop", ""})}, "at least one audience"),
        ({"audiences": frozenset()}, "at least one audience"),
        ({"token_use": "both"}, "need a resource"),
        ({"token_use": "both", "dialect": DIALECTS["firebase"]}, "of firebase cannot be verified"),
        ({"resource": "https://api"}, "only access tokens"),
        ({"scopes": "required"}, "only access tokens"),
    ],
)
def test_a_provider_that_would_accept_anybodys_tokens_or_nobodys_is_refused(
    changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        replace(ID, **changes)


@pytest.mark.parametrize(
    ("changes", "several"),
    [
        ({}, False),
        ({"role_claims": (RoleClaim("role"),)}, False),
        ({"role_claims": (RoleClaim("role", is_list=True),)}, True),
        ({"role_claims": (RoleClaim("a"), RoleClaim("b"))}, True),
        ({"role_claims": (RoleClaim("cognito:groups"),)}, False),
        ({"role_claims": (RoleClaim("cognito:groups"),), "dialect": DIALECTS["cognito"]}, True),
        ({"role_claims": (RoleClaim("custom:role"),), "dialect": DIALECTS["cognito"]}, False),
        ({"token_use": "both", "resource": "https://api"}, True),
    ],
)
def test_several_roles_come_from_lists_from_several_claims_and_from_access_tokens(
    changes: dict[str, Any], several: bool
) -> None:
    assert replace(ID, **changes).several_roles is several
