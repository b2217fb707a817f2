"""Auth0 tenants: ID tokens by OpenID Connect Core 1.0, whose roles a rule or an action of the tenant's adds."""

from rbac.guard.issuers.openid import OpenIdRules

USERNAME_CLAIMS = ("nickname", "name", "email")


class Auth0Rules(OpenIdRules):
    """OpenID Connect's rules.

    The library as shipped refuses every token that has a ``nonce``, which is every token of Auth0's own browser SDK.
    """
