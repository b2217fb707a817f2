"""What settings must be to each other: each rule is one function that names what it reads. ``machine`` has more of them.

A rule answers with what is wrong, or "" when nothing is. It never repeats a value that may be a secret.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from app.settings.derived import DerivedSettings
from app.settings.values import POOL_ID, mapping_pairs, widest_network
from rbac.guard.issuers.cognito import DEFAULT_PARTITION, PARTITIONS, cognito_host


class Conflict(NamedTuple):
    """A broken rule: the settings it read, the one to mend first, and what is wrong with it."""

    fields: tuple[str, ...]
    message: str


class ContradictionError(ValueError):
    """Settings that are each well-formed and cannot be true together."""

    def __init__(self, conflicts: list[Conflict]) -> None:
        self.conflicts = conflicts
        super().__init__(
            "; ".join(f"{conflict.fields[0].upper()} {conflict.message}" for conflict in conflicts)
        )


_Check = Callable[[DerivedSettings], str]


class _Rule(NamedTuple):
    fields: tuple[str, ...]
    check: _Check


class Rules(list[_Rule]):
    """Rules of one kind, in the order in which they were written down."""

    def about(self, *fields: str) -> Callable[[_Check], _Check]:
        """Takes up the rule below, which reads ``fields``: the first is the one to mend."""

        def register(check: _Check) -> _Check:
            self.append(_Rule(fields, check))
            return check

        return register

    def broken(self, settings: DerivedSettings) -> list[Conflict]:
        """What is wrong with ``settings``."""
        found = [Conflict(rule.fields, rule.check(settings)) for rule in self]
        return [conflict for conflict in found if conflict.message]


contradictions = Rules()
"""Every way in which settings disagree with each other."""


def _is_cognito(url: str, region: str) -> bool:
    parts = urlsplit(url)
    hosts = {f"cognito-idp.{region}.{suffix}" for suffix in {DEFAULT_PARTITION, *PARTITIONS.values()}}
    return parts.scheme == "https" and parts.netloc in hosts


def issuer_host(settings: DerivedSettings) -> str:
    """The host in ``iss``: the endpoint's when that is Cognito, else the one that an emulator claims."""
    if _is_cognito(settings.cognito_endpoint_url, settings.cognito_region):
        return urlsplit(settings.cognito_endpoint_url).netloc
    return cognito_host(settings.cognito_region)


def _needed(field: str, provider: str, advice: str) -> None:
    @contradictions.about(field, "identity_provider", "environment")
    def check(settings: DerivedSettings) -> str:
        missing = settings.identity_provider == provider and not getattr(settings, field)
        return f"is missing; {advice}" if missing else ""


_needed("cognito_user_pool_id", "cognito", "set it to the id of the user pool, like `eu-west-1_AbC123xyz`")
_needed("cognito_app_client_id", "cognito", "set it to the id of the app client whose users sign in here")
_needed("auth0_domain", "auth0", "set it to the tenant, like `example.eu.auth0.com`")
_needed("auth0_client_id", "auth0", "set it to the client id of the application whose users sign in here")
_needed("firebase_project_id", "firebase", "set it to the id of the project")

_needed(
    "oidc_issuer", "oidc", "set it to what `iss` in the tokens is, like `https://id.example.com/realms/shop`"
)


def _of_another_provider(field: str, provider: str) -> None:
    """Whoever sets one means that provider. Cognito's own may stay: an env file has them for the local one."""

    @contradictions.about(field, "identity_provider")
    def check(settings: DerivedSettings) -> str:
        if not getattr(settings, field) or settings.identity_provider == provider:
            return ""
        return (
            f"has no effect while IDENTITY_PROVIDER is `{settings.identity_provider}`; set that to `{provider}`, "
            f"or take {field.upper()} out"
        )


_of_another_provider("oidc_issuer", "oidc")
_of_another_provider("oidc_audience", "oidc")
_of_another_provider("auth0_domain", "auth0")
_of_another_provider("auth0_client_id", "auth0")
_of_another_provider("firebase_project_id", "firebase")


@contradictions.about("oidc_audience", "identity_provider", "environment", "token_use")
def _id_tokens_have_an_audience(settings: DerivedSettings) -> str:
    missing = (
        settings.identity_provider == "oidc" and settings.token_use != "access" and not settings.oidc_audience
    )
    return (
        "is missing; set it to the client id of the application whose users sign in here" if missing else ""
    )


@contradictions.about("token_use", "identity_provider")
def _firebase_has_no_access_tokens(settings: DerivedSettings) -> str:
    wrong = settings.identity_provider == "firebase" and settings.token_use != "id"
    return "must be `id` with `firebase`, whose access tokens are no JWT" if wrong else ""


@contradictions.about("oidc_resource", "token_use", "identity_provider")
def _access_tokens_have_a_resource(settings: DerivedSettings) -> str:
    if settings.token_use == "id":
        return "has no effect while TOKEN_USE is `id`" if settings.oidc_resource else ""
    if settings.oidc_resource or settings.identity_provider not in {"auth0", "oidc"}:
        return ""
    return "is missing; set it to the `aud` of the access tokens that are for this service"


@contradictions.about("scopes", "token_use")
def _only_access_tokens_have_scopes(settings: DerivedSettings) -> str:
    wrong = settings.scopes == "required" and settings.token_use == "id"
    return "has no effect while TOKEN_USE is `id`: an ID token has no scopes" if wrong else ""


@contradictions.about("oidc_issuer", "environment", "identity_provider")
def _the_issuer_is_not_this_machine(settings: DerivedSettings) -> str:
    if (
        settings.is_development
        or settings.identity_provider != "oidc"
        or not settings.oidc_issuer.startswith("http:")
    ):
        return ""
    return f"must be https outside development (this is `{settings.environment}`)"


@contradictions.about("debug", "environment")
def _no_debugging_in_production(settings: DerivedSettings) -> str:
    return "must be `false` in production" if settings.debug and settings.environment == "production" else ""


@contradictions.about("cognito_region", "cognito_user_pool_id")
def _region_is_the_pools(settings: DerivedSettings) -> str:
    pool = POOL_ID.fullmatch(settings.cognito_user_pool_id)
    if pool is None or pool["region"] == settings.cognito_region:
        return ""
    return f"disagrees with the user pool, which is in `{pool['region']}`; leave it out, or write that"


@contradictions.about("cognito_endpoint_url", "environment", "cognito_region", "cognito_user_pool_id")
def _keys_come_from_the_issuer(settings: DerivedSettings) -> str:
    url, region = settings.cognito_endpoint_url, settings.cognito_region
    if settings.is_development or not url:
        return ""
    if not url.startswith("https://"):
        return (
            f"must be https outside development; leave it out to use AWS (this is `{settings.environment}`)"
        )
    if _is_cognito(url, region):
        return ""
    return f"must be Cognito itself outside development: `https://{cognito_host(region or 'REGION')}`"


@contradictions.about("allowed_origins", "environment")
def _origins_are_named(settings: DerivedSettings) -> str:
    if settings.environment != "production" or "*" not in settings.allowed_origins:
        return ""
    return "must name the origins in production: `*` lets any page call with a visitor's credentials"


@contradictions.about("forwarded_allow_ips", "policy_request")
def _client_address_is_not_the_callers_word(settings: DerivedSettings) -> str:
    decides = any(source == "client_ip" for _, source in mapping_pairs(settings.policy_request))
    wide = widest_network(settings.forwarded_allow_ips) if decides else ""
    if not wide:
        return ""
    return f"must name the proxies: with `{wide}` any caller chooses the `client_ip` that POLICY_REQUEST decides by"


@contradictions.about("pdp_model", "pdp_policy")
def _a_model_has_rules(settings: DerivedSettings) -> str:
    return "needs PDP_POLICY beside it" if settings.pdp_model and not settings.pdp_policy else ""


@contradictions.about("forward_auth_tests", "forward_auth_policy", "pdp_policy")
def _tests_have_a_document(settings: DerivedSettings) -> str:
    own = settings.forward_auth_document
    return "needs FORWARD_AUTH_POLICY beside it" if settings.forward_auth_tests and own is None else ""


@contradictions.about("policy_publish_store", "policy_store")
def _publishing_has_a_store_and_a_role_of_its_own(settings: DerivedSettings) -> str:
    publisher = settings.policy_publish_store.get_secret_value()
    if not publisher:
        return ""
    if settings.reads_files:
        return "has no effect while POLICY_STORE is `file`"
    from rbac.stores.postgres.address import Address

    same = Address.parse(publisher).user == Address.parse(settings.policy_store.get_secret_value()).user
    return "must sign in as another role than POLICY_STORE, which may only read" if same else ""


@contradictions.about("decision_log_required", "decision_log")
def _a_required_log_is_kept(settings: DerivedSettings) -> str:
    contradicts = settings.decision_log_required and settings.decision_log == "off"
    return "cannot be `true` while DECISION_LOG is `off`" if contradicts else ""


@contradictions.about("decision_log", "log_file")
def _logs_have_files_of_their_own(settings: DerivedSettings) -> str:
    path = settings.decision_log_file
    same = path is not None and settings.log_file is not None and are_one(path, settings.log_file)
    return "must be another file than LOG_FILE, which is rotated away" if same else ""


def are_one(path: Path, other: Path) -> bool:
    """Whether both name one file, however they are spelled or linked, also one that is not there yet."""
    with suppress(OSError):  # hard links
        if path.samefile(other):
            return True
    return path.resolve() == other.resolve()
