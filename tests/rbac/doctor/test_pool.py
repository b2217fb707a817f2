"""`rbac doctor` on user pools of the local Cognito: nothing is found in a good one, what is wrong is, and the fix mends it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.dev import cognito
from rbac.doctor.commands import NOT_SETTABLE
from rbac.doctor.finding import CODES
from rbac.guard.identity.principal import RoleClaim
from tests.support.example_pools import POLICY, ExamplePool, policy_of

SUB = "7f3c1e52-0000-0000-0000-000000000000"
GROUPS = (RoleClaim("cognito:groups"),)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with cognito.served(0) as url:
        yield url


@pytest.fixture(scope="module")
def api(endpoint: str) -> Any:
    return cognito.client(endpoint)


@pytest.fixture
def example(endpoint: str, api: Any) -> ExamplePool:
    return ExamplePool.of(endpoint, api)


def test_in_a_good_pool_there_is_nothing_to_find(example: ExamplePool) -> None:
    examination = example.examined()
    assert examination.findings == ()
    assert examination.unseen == ()
    assert examination.complete


Change = Callable[[ExamplePool], object]

# What is wrong, and how it comes to be so. Each is found, alone, and its fix ends it.
MENDED: dict[str, tuple[str, Change]] = {
    "nothing guards the pool": ("pool_unprotected", lambda w: w.pool_is(DeletionProtection="INACTIVE")),
    "no second factor": ("mfa_off", lambda w: w.pool_is(MfaConfiguration="OFF")),
    "an attribute that is not there": (
        "attribute_missing",
        lambda w: w.about(role_claims=(*w.setup.role_claims, RoleClaim("custom:team"))),
    ),
    "a writable role": (
        "attribute_writable",
        lambda w: w.client(WriteAttributes=["email", "custom:role"]),
    ),
    "a role that alone is writable": (
        "attribute_writable",
        lambda w: w.client(WriteAttributes=["custom:role"]),
    ),
    "a client that names no writable attributes": (
        "attribute_writable",
        lambda w: w.client(WriteAttributes=None),
    ),
    "a client that names an empty list of them": (
        "attribute_writable",
        lambda w: w.client(WriteAttributes=[]),
    ),
    "another client through which the role is written": (
        "attribute_writable",
        lambda w: w.another_client(ClientName="old", WriteAttributes=["custom:role"]),
    ),
    "another word of the request that is written": (
        "attribute_writable",
        lambda w: w.about(claims=("email",)),
    ),
    "a role that no token holds": ("attribute_unreadable", lambda w: w.client(ReadAttributes=["email"])),
    "tokens of a day": (
        "token_lives_long",
        lambda w: w.client(IdTokenValidity=1, TokenValidityUnits={"IdToken": "days"}),
    ),
    "tokens of 61 minutes": (
        "token_lives_long",
        lambda w: w.client(IdTokenValidity=61, TokenValidityUnits={"IdToken": "minutes"}),
    ),
    "tokens of a program that live a day": (
        "token_lives_long",
        lambda w: (w.about(takes_ids=False, takes_access=True), w.client(AccessTokenValidity=24)),
    ),
    "sign-ins of a year": ("session_lives_long", lambda w: w.client(RefreshTokenValidity=365)),
    "sessions without a name": ("revocation_off", lambda w: w.client(EnableTokenRevocation=False)),
    "a password that is sent": (
        "password_in_clear",
        lambda w: w.client(ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]),
    ),
    "a password that a server sends, in the old words": (
        "password_in_clear",
        lambda w: w.client(ExplicitAuthFlows=["ADMIN_NO_SRP_AUTH"]),
    ),
    "tokens in a URL": ("implicit_grant", lambda w: w.client(AllowedOAuthFlows=["implicit"])),
    "plain http": (
        "callback_insecure",
        lambda w: w.client(CallbackURLs=["http://shop.example.com/", "https://shop.example.com/"]),
    ),
    "a wildcard": (
        "callback_insecure",
        lambda w: w.client(LogoutURLs=["https://*.example.com/"]),
    ),
    "only plain http": ("callback_insecure", lambda w: w.client(CallbackURLs=["http://shop.example.com/"])),
    "this machine in production": (
        "callback_local",
        lambda w: w.client(CallbackURLs=["http://localhost:3000/", "https://shop.example.com/"]),
    ),
    "no domain": ("domain_missing", lambda w: w.about(domain="no-shop.auth.eu-west-1.amazoncognito.com")),
    "a role of nobody, by groups": (
        "role_of_nobody",
        lambda w: (
            w.api.create_group(GroupName="admin", UserPoolId=w.pool),
            w.about(role_claims=GROUPS, policy=policy_of(POLICY + "p, auditor, /audit, GET, allow\n")),
        ),
    ),
    "a scope of nobody": (
        "scope_of_nobody",
        lambda w: w.about(policy=policy_of(POLICY + "p, scope:shop/read, /orders, GET, allow\n")),
    ),
}


@pytest.mark.parametrize(("code", "change"), MENDED.values(), ids=MENDED)
def test_what_is_wrong_is_found_alone_and_its_fix_ends_it(
    example: ExamplePool, code: str, change: Change
) -> None:
    change(example)
    (finding,) = example.examined().findings
    assert finding.code == code
    assert finding.message
    for _ in range(3):  # a new attribute has to be let into the tokens, too
        example.carry_out(finding.fix)
        findings = example.examined().findings
        if not findings:
            break
        (finding,) = findings
    assert example.codes() == []


# What a person has to mend, who knows what was meant.
TOLD: dict[str, tuple[str, Change]] = {
    "no such pool": ("pool_missing", lambda w: w.about(pool="eu-west-1_Nowhere00")),
    "no such client": (
        "client_missing",
        lambda w: w.about(audiences=(*w.setup.audiences, "0nobodys0client")),
    ),
    "another pool's domain": (
        "domain_of_another_pool",
        lambda w: (
            w.api.create_user_pool_domain(
                Domain="others", UserPoolId=w.api.create_user_pool(PoolName="others")["UserPool"]["Id"]
            ),
            w.about(domain="others.auth.eu-west-1.amazoncognito.com"),
        ),
    ),
    "a domain of another region": (
        "domain_missing",
        lambda w: (
            w.api.create_user_pool_domain(Domain=f"here-{w.pool.lower()[-5:]}", UserPoolId=w.pool),
            w.about(domain=f"here-{w.pool.lower()[-5:]}.auth.eu-central-1.amazoncognito.com"),
        ),
    ),
    "a role of nobody": (
        "role_of_nobody",
        lambda w: w.about(policy=policy_of(POLICY + "p, auditor, /audit, GET, allow\n")),
    ),
    "a person who is not there": (
        "person_of_nobody",
        lambda w: w.about(policy=policy_of(POLICY + f"p, {SUB}, /*, *, deny\n")),
    ),
    "a person who is not there and is linked": (
        "person_of_nobody",
        lambda w: w.about(policy=policy_of(POLICY + f"g, {SUB}, admin\n")),
    ),
    "a program that is no client": (
        "client_of_nobody",
        lambda w: w.about(policy=policy_of(POLICY + "g, client:1nobodys2client, user\n")),
    ),
    "a user's role without rules": (
        "role_without_rules",
        lambda w: w.user("eve", "amdin"),
    ),
    "a group without rules": (
        "role_without_rules",
        lambda w: (
            [w.api.create_group(GroupName=name, UserPoolId=w.pool) for name in ("admin", "user", "staff")],
            w.about(role_claims=GROUPS),
        ),
    ),
}


@pytest.mark.parametrize(("code", "change"), TOLD.values(), ids=TOLD)
def test_what_is_wrong_is_told_alone(example: ExamplePool, code: str, change: Change) -> None:
    change(example)
    (finding,) = example.examined().findings
    assert (finding.code, bool(finding.fix)) == (code, True)


SILENT: dict[str, Change] = {
    "a role that only sign-up could write, where nobody signs up": lambda w: (
        w.api.add_custom_attributes(
            UserPoolId=w.pool,
            CustomAttributes=[{"Name": "team", "AttributeDataType": "String", "Mutable": False}],
        ),
        w.pool_is(AdminCreateUserConfig={"AllowAdminCreateUserOnly": True}),
        w.about(role_claims=(*w.setup.role_claims, RoleClaim("custom:team"))),
        w.client(WriteAttributes=["email", "custom:team"], ReadAttributes=None),
    ),
    "a client that names no readable attributes has them all": lambda w: w.client(ReadAttributes=None),
    "a client through which nobody signs in may write": lambda w: w.another_client(
        ClientName="batch", ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"], WriteAttributes=["custom:role"]
    ),
    "an access token that lives long where none is taken": lambda w: w.client(AccessTokenValidity=24),
    "an hour in minutes": lambda w: w.client(IdTokenValidity=60, TokenValidityUnits={"IdToken": "minutes"}),
    "AWS's own flows": lambda w: w.client(ExplicitAuthFlows=None),
    "this machine in development": lambda w: (
        w.about(production=False),
        w.client(CallbackURLs=["http://localhost:3000/", "http://127.0.0.1:8000/"]),
    ),
    "its own domain": lambda w: (
        w.api.create_user_pool_domain(Domain=f"own-{w.pool.lower()[-9:]}", UserPoolId=w.pool),
        w.about(domain=f"own-{w.pool.lower()[-9:]}.auth.eu-west-1.amazoncognito.com"),
    ),
    "no second factor where passwords are another provider's": lambda w: (
        w.pool_is(MfaConfiguration="OFF"),
        w.client(SupportedIdentityProviders=["Corporate"]),
    ),
    "roles that are inherited, everybody's and scopes that every pool has": lambda w: w.about(
        policy=policy_of(
            "p, base, /user, GET, allow\np, everyone, /, GET, allow\np, authenticated, /me, GET, allow\n"
            "p, scope:openid, /o, GET, allow\ng, admin, user\ng, user, base\n"
        )
    ),
    "a role that a program has": lambda w: w.about(
        policy=policy_of(f"{POLICY}p, pep, /ask, POST, allow\ng, client:{w.client_id}, pep\n")
    ),
    "a person who is there": lambda w: w.about(policy=policy_of(f"{POLICY}p, {_sub(w)}, /*, *, deny\n")),
    "several roles in one claim": lambda w: (
        w.about(role_claims=(RoleClaim("custom:role", is_list=True),)),
        w.user("both", "user,admin"),
    ),
}


def _sub(example: ExamplePool) -> str:
    users = example.api.list_users(UserPoolId=example.pool)["Users"]
    sub: str = next(each["Value"] for each in users[0]["Attributes"] if each["Name"] == "sub")
    return sub


@pytest.mark.parametrize("change", SILENT.values(), ids=SILENT)
def test_what_is_right_is_passed_over(example: ExamplePool, change: Change) -> None:
    change(example)
    examination = example.examined()
    assert examination.findings == ()
    assert examination.complete


def test_whoever_is_beyond_the_limit_is_not_called_missing(example: ExamplePool) -> None:
    example.about(policy=policy_of(POLICY + "p, auditor, /a, GET, allow\n"), most_users=1)
    example.user("a-first", "amdin")
    examination = example.examined()
    assert {each.code for each in examination.findings} <= {"role_without_rules"}
    assert [each.check for each in examination.unseen] == ["names"]
    example.about(most_users=3)
    assert example.codes() == ["role_without_rules", "role_of_nobody"]


def test_a_program_whose_secret_is_kept_weighs_less_than_an_open_door(example: ExamplePool) -> None:
    example.another_client(
        ClientName="pep",
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=["shop/read"],
    )
    (finding,) = example.examined().findings
    assert (finding.code, finding.weight) == ("attribute_writable", "warning")


def test_the_pool_of_make_run_has_nothing_but_what_is_for_developers(endpoint: str) -> None:
    """Whoever copies it copies no hole."""
    pool = cognito.seed(endpoint)
    example = ExamplePool.of(endpoint, cognito.client(endpoint))
    example.about(pool=pool.pool_id, audiences=(pool.client_id,), policy=None)
    assert sorted(example.codes()) == ["mfa_off", "password_in_clear", "pool_unprotected"]


def test_an_update_that_is_told_everything_is_told_nothing_that_it_does_not_take(
    example: ExamplePool,
) -> None:
    model = example.api.meta.service_model
    described = model.shape_for("UserPoolClientType").members
    taken = model.operation_model("UpdateUserPoolClient").input_shape.members
    assert set(described) - set(NOT_SETTABLE) <= set(taken)


def test_every_code_is_shown_by_a_test() -> None:
    shown = {code for code, _ in (*MENDED.values(), *TOLD.values())}
    elsewhere = {  # tests/rbac/doctor/test_issuer.py and test_aws.py
        "region_unknown", "domain_not_active", "issuer_insecure", "issuer_differs", "discovery_refused",
        "algorithms_foreign", "keys_refused", "clock_skew",
    }  # fmt: skip
    assert shown | elsewhere == set(CODES)
