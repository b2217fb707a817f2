"""The seam between the settings and who vouches for the service's callers."""

from collections.abc import Sequence
from typing import Protocol

from app.config import Settings, load_settings
from app.settings.values import mapping_pairs
from rbac import Policy
from rbac.doctor.issuer_setup import IssuerSetup
from rbac.guard.identity.principal import RoleClaim
from rbac.guard.issuers.access import Scopes, TokenUse
from rbac.guard.issuers.provider import DIALECTS, Provider, ProviderName
from rbac.model.own_functions import named_functions

_CLAIM = "claims."


class ProviderSettings(Protocol):
    """What :func:`provider_of` reads of the service's settings."""

    @property
    def identity_provider(self) -> ProviderName:
        """Who issues the tokens."""

    @property
    def issuer(self) -> str:
        """What ``iss`` must be, to the letter."""

    @property
    def jwks_url(self) -> str:
        """Where the issuer's keys are, as a JWK Set."""

    @property
    def audiences(self) -> Sequence[str]:
        """What ``aud`` may be."""

    @property
    def role_claims(self) -> Sequence[str]:
        """The claims that name roles, as ``ROLE_CLAIMS`` writes them."""

    @property
    def token_use(self) -> TokenUse:
        """Which tokens are accepted."""

    @property
    def oidc_resource(self) -> str:
        """Whom access tokens must be bound to."""

    @property
    def scopes(self) -> Scopes:
        """Whether a person's access token is bounded by its client's words."""


def provider_of(settings: ProviderSettings) -> Provider:
    """The provider that ``settings`` name."""
    return Provider(
        settings.issuer,
        settings.jwks_url,
        frozenset(settings.audiences),
        tuple(RoleClaim.parse(written) for written in settings.role_claims),
        DIALECTS[settings.identity_provider],
        settings.token_use,
        settings.oidc_resource,
        settings.scopes,
    )


def issuer_setup_of(settings: Settings, policy: Policy | None) -> IssuerSetup:
    """The issuer that ``settings`` name, as ``rbac doctor`` examines it, and the policy that decides by its tokens."""
    provider = provider_of(settings)
    is_cognito = settings.identity_provider == "cognito"
    sources = [source for _, source in mapping_pairs(settings.policy_request)]
    return IssuerSetup(
        provider=settings.identity_provider,
        issuer=settings.issuer,
        keys_url="" if provider.dialect.is_discovered else settings.jwks_url,
        audiences=tuple(settings.audiences),
        role_claims=provider.role_claims,
        claims=tuple(source.removeprefix(_CLAIM) for source in sources if source.startswith(_CLAIM)),
        takes_ids=provider.takes_ids,
        takes_access=provider.takes_access,
        production=settings.environment == "production",
        pool=settings.cognito_user_pool_id if is_cognito else "",
        endpoint=settings.cognito_endpoint_url if is_cognito else "",
        domain=settings.cognito_domain if is_cognito else "",
        policy=policy,
    )


def service_issuer_setup() -> IssuerSetup:
    """The issuer of the service whose settings are read here, as the service reads them.

    Without a policy where that is in a store, or nowhere. Raises :class:`app.config.SettingsError`, and what
    :meth:`rbac.Policy.load` raises.
    """
    settings = load_settings(documents=False)
    policy = None
    if settings.reads_files and settings.policy_file.exists():
        policy = Policy.load(
            settings.policy_model,
            settings.policy_file,
            subjects=settings.policy_subjects,
            functions=named_functions(settings.policy_functions),
        )
    return issuer_setup_of(settings, policy)
