"""The user pool and its domain: whether they are there, and what guards them."""

from collections.abc import Iterator

from rbac.doctor.aws import NotThere, PoolReader, Unreached, regions
from rbac.doctor.commands import aws
from rbac.doctor.finding import Finding
from rbac.text.wording import quoted

OWN_DOMAIN = ".amazoncognito.com"


def check_there(reader: PoolReader) -> Iterator[Finding]:
    """Region and pool are there."""
    setup = reader.setup
    try:
        _ = reader.pool
    except NotThere:
        yield Finding(
            "pool_missing",
            "error",
            f"pool {setup.pool}",
            f"`{setup.region}` has no user pool of that id in the account of these credentials",
            f"aws cognito-idp list-user-pools --region {setup.region} --max-results 60",
        )
    except Unreached:
        if setup.endpoint or setup.region in regions():
            raise
        yield Finding(
            "region_unknown",
            "error",
            f"region {setup.region}",
            "AWS has no region of that name, and nothing answers there",
            "aws account list-regions",
        )


def check_guarded(reader: PoolReader) -> Iterator[Finding]:
    """The pool cannot be deleted by mistake."""
    setup = reader.setup
    if reader.pool.get("DeletionProtection", "INACTIVE") != "ACTIVE":
        yield Finding(
            "pool_unprotected",
            "warning",
            f"pool {setup.pool}",
            "one call deletes the pool, and all its users with it",
            f"console: Amazon Cognito > User pools > {setup.pool} > Overview > Delete protection > Activate "
            "(`update-user-pool` by hand would reset every setting that it is not told)",
        )


def check_mfa(reader: PoolReader) -> Iterator[Finding]:
    """Passwords alone do not sign in. Who signs in elsewhere (SAML, another provider) brings no password."""
    setup = reader.setup
    passwords = any(
        "COGNITO" in client.get("SupportedIdentityProviders", ["COGNITO"]) for client in reader.clients
    )
    if passwords and reader.pool.get("MfaConfiguration", "OFF") == "OFF":
        yield Finding(
            "mfa_off",
            "warning",
            f"pool {setup.pool}",
            "nobody can have a second factor: a stolen password is enough",
            aws(
                setup,
                "set-user-pool-mfa-config",
                mfa_configuration="OPTIONAL",
                software_token_mfa_configuration="Enabled=true",  # noqa: S106 - no password
            ),
        )


def check_attributes(reader: PoolReader) -> Iterator[Finding]:
    """What the policy decides by is an attribute of the pool."""
    setup = reader.setup
    there = {each["Name"] for each in reader.pool.get("SchemaAttributes", ())}
    for claim in setup.deciding:
        if claim.startswith("custom:") and claim not in there:
            custom = sorted(name for name in there if name.startswith("custom:"))
            others = f"; it has {quoted(custom)}" if custom else ""
            name = claim.removeprefix("custom:")
            yield Finding(
                "attribute_missing",
                "error",
                f"pool {setup.pool}",
                f"the policy decides by `{claim}`, and the pool has no such attribute{others}",
                aws(
                    setup,
                    "add-custom-attributes",
                    custom_attributes=f"Name={name},AttributeDataType=String,Mutable=true",
                ),
            )


def check_domain(reader: PoolReader) -> Iterator[Finding]:
    """The domain of the sign-in is there, works, and is this pool's."""
    setup = reader.setup
    if not setup.domain:
        return
    own = setup.domain.endswith(OWN_DOMAIN)
    name = setup.domain.partition(".")[0] if own else setup.domain
    about = f"domain {setup.domain}"
    try:
        described = reader.domain(name)
    except NotThere:
        described = {}
    there = own_region(setup.domain, setup.region) if own else True
    if not described or not there:
        fix = aws(setup, "create-user-pool-domain", domain=name)
        if not own:
            fix += " --custom-domain-config CertificateArn=ARN"
        yield Finding(
            "domain_missing",
            "error",
            about,
            f"`{setup.region}` has no such domain",
            fix,
        )
    elif described.get("UserPoolId") != setup.pool:
        yield Finding(
            "domain_of_another_pool",
            "error",
            about,
            f"it is the domain of the pool `{described.get('UserPoolId')}`, whose tokens are refused here",
            f"COGNITO_DOMAIN={_host_of(reader) or 'the domain of ' + setup.pool}",
        )
    elif described.get("Status", "ACTIVE") not in {"ACTIVE", "UPDATING"}:
        yield Finding(
            "domain_not_active",
            "warning",
            about,
            f"its status is {described['Status']}",
            f"aws cognito-idp describe-user-pool-domain --region {setup.region} --domain {name}",
        )


def own_region(domain: str, region: str) -> bool:
    """Whether a domain of AWS's own is one of the region."""
    return f".auth.{region}." in domain or f".auth-fips.{region}." in domain


def _host_of(reader: PoolReader) -> str:
    """The domain that the pool has."""
    custom = reader.pool.get("CustomDomain")
    prefix = reader.pool.get("Domain")
    if custom:
        return str(custom)
    return f"{prefix}.auth.{reader.setup.region}{OWN_DOMAIN}" if prefix else ""
