"""`rbac doctor` where AWS answers otherwise than the local Cognito: refusals, strangers, silence; by AWS's own shapes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from rbac.doctor import aws
from rbac.doctor.aws import ACTIONS, NotThere, PoolReader
from rbac.doctor.examination import OF_POOLS, Examination, examine
from rbac.doctor.finding import CannotSee, Finding
from rbac.doctor.issuer_setup import IssuerSetup, of_pool
from rbac.doctor.pool import check_domain, check_there
from rbac.guard.identity.principal import RoleClaim
from tests.support.example_pools import POLICY, policy_of
from tests.support.ports import free_port

POOL = "eu-west-1_AbC123xyz"
CLIENT = "1h57kf5cpq17m0eml12EXAMPLE"
ISSUER = "https://127.0.0.1:1/"


@pytest.fixture
def client() -> Any:
    create: Any = boto3.client
    return create("cognito-idp", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")


def issuer_setup_of(**changes: Any) -> IssuerSetup:
    at = f"http://127.0.0.1:{free_port()}"
    return replace(of_pool(POOL, [CLIENT], endpoint=at), policy=policy_of(POLICY), **changes)


def pool_checks(examination: Examination) -> dict[str, str]:
    return {each.check: each.reason for each in examination.unseen if each.check in OF_POOLS}


class Refusing:
    """Answers everything with one error."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __getattr__(self, name: str) -> Callable[..., None]:
        def call(**_: object) -> None:
            make: Any = ClientError
            raise make({"Error": {"Code": self.code, "Message": "no"}}, name)

        return call


def stubbed(client: Any) -> Any:
    """Botocore's own stub, which holds every answer to AWS's documented shape."""
    create: Any = Stubber
    return create(client)


@pytest.mark.parametrize(
    ("code", "says", "fix"),
    [
        (
            "AccessDeniedException",
            "AWS refuses cognito-idp:",
            "allow cognito-idp:DescribeUserPool",
        ),
        ("UnrecognizedClientException", "does not accept the credentials", "aws sts get-caller-identity"),
        ("ExpiredTokenException", "does not accept the credentials", "aws sts get-caller-identity"),
        ("TooManyRequestsException", "AWS answers TooManyRequestsException", ""),
        ("InternalErrorException", "AWS answers InternalErrorException", ""),
    ],
)
def test_a_refusal_is_said_of_each_check_and_is_no_finding(code: str, says: str, fix: str) -> None:
    setup = issuer_setup_of(domain="id.example.com")
    examination = examine(setup, PoolReader(setup, Refusing(code)))
    said = pool_checks(examination)
    assert set(said) == set(OF_POOLS) - {"programs"}  # the policy names none
    assert all(says in reason for reason in said.values())
    assert examination.findings == ()
    assert not examination.complete
    assert fix in next(each.fix for each in examination.unseen if each.check == "pool")


def described(**changes: Any) -> dict[str, Any]:
    return {"UserPool": {"Id": POOL, "Name": "shop", "DeletionProtection": "ACTIVE", **changes}}


def test_a_right_that_one_check_lacks_hides_none_of_the_others(client: Any) -> None:
    setup = issuer_setup_of()
    stubber = stubbed(client)
    stubber.add_response("describe_user_pool", described(), {"UserPoolId": POOL})
    for _ in range(20):
        stubber.add_client_error("list_user_pool_clients", "AccessDeniedException", "no", 400)
    reader = PoolReader(setup, client)
    with stubber:
        assert list(check_there(reader)) == []
        assert list(OF_POOLS["deletion"](reader)) == []
        with pytest.raises(CannotSee, match="ListUserPoolClients"):
            list(OF_POOLS["second factor"](reader))


def domain(status: str, pool: str = POOL) -> dict[str, Any]:
    return {"DomainDescription": {"UserPoolId": pool, "Domain": "id.example.com", "Status": status}}


def found(
    client: Any, answer: dict[str, Any] | None, host: str = "id.example.com", **pool: Any
) -> list[Finding]:
    setup = issuer_setup_of(domain=host)
    stubber = stubbed(client)
    if answer is None:
        stubber.add_client_error("describe_user_pool_domain", "ResourceNotFoundException", "none", 400)
    else:
        stubber.add_response("describe_user_pool_domain", answer, {"Domain": host.partition(".auth.")[0]})
    stubber.add_response("describe_user_pool", described(**pool))
    with stubber:
        return list(check_domain(PoolReader(setup, client)))


@pytest.mark.parametrize(
    ("answer", "codes"),
    [
        (domain("ACTIVE"), []),
        (domain("UPDATING"), []),
        (domain("FAILED"), ["domain_not_active"]),
        (domain("CREATING"), ["domain_not_active"]),
        (domain("ACTIVE", "eu-west-1_Another00"), ["domain_of_another_pool"]),
        ({"DomainDescription": {}}, ["domain_missing"]),
        (None, ["domain_missing"]),
    ],
)
def test_a_domain_is_there_works_and_is_the_pools(client: Any, answer: Any, codes: list[str]) -> None:
    assert [each.code for each in found(client, answer)] == codes


@pytest.mark.parametrize(
    ("pool", "fix"),
    [
        ({"CustomDomain": "login.example.com"}, "COGNITO_DOMAIN=login.example.com"),
        ({"Domain": "shop"}, "COGNITO_DOMAIN=shop.auth.eu-west-1.amazoncognito.com"),
        ({}, f"COGNITO_DOMAIN=the domain of {POOL}"),
    ],
)
def test_whose_domain_it_should_be_is_said(client: Any, pool: dict[str, str], fix: str) -> None:
    (finding,) = found(client, domain("ACTIVE", "eu-west-1_Another00"), **pool)
    assert finding.fix == fix


def test_a_domain_of_ones_own_takes_a_certificate(client: Any) -> None:
    (finding,) = found(client, None)
    assert finding.fix.endswith("--custom-domain-config CertificateArn=ARN")


@pytest.mark.parametrize(("region", "codes"), [("eu-west-1", []), ("eu-nowhere-9", ["region_unknown"])])
def test_a_region_that_is_none_is_found_where_nothing_answers(
    monkeypatch: pytest.MonkeyPatch, region: str, codes: list[str]
) -> None:
    """The name of an AWS host that does not exist resolves to nothing; here a port where nobody listens stands for it."""
    pool = f"{region}_AbC123xyz"
    setup = of_pool(pool, [CLIENT])
    create: Any = boto3.client
    silent = create(
        "cognito-idp",
        region_name=region,
        endpoint_url=f"http://127.0.0.1:{free_port()}",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=None,
    )
    reader = PoolReader(setup, silent)
    if codes:
        assert [each.code for each in check_there(reader)] == codes
    else:
        with pytest.raises(CannotSee, match="cannot be reached"):
            list(check_there(reader))


def test_without_credentials_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(CannotSee, match="no AWS credentials") as caught:
        list(check_there(PoolReader(issuer_setup_of())))
    assert "aws configure" in caught.value.fix


def test_a_profile_that_is_none_and_an_endpoint_that_is_none_are_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(CannotSee, match="endpoint"):
        list(check_there(PoolReader(replace(issuer_setup_of(), endpoint="nonsense"))))
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    with pytest.raises(CannotSee, match="no-such-profile"):
        list(check_there(PoolReader(issuer_setup_of())))


def test_without_boto3_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("boto3", "botocore.exceptions"):
        with monkeypatch.context() as without:
            without.setitem(__import__("sys").modules, name, None)
            with pytest.raises(Exception, match="boto3 is not installed"):
                list(check_there(PoolReader(issuer_setup_of())))


def test_lists_are_read_to_their_end_and_a_secret_goes_no_further(client: Any) -> None:
    stubber = stubbed(client)
    pages = [("one", "more"), ("two", None)]
    for name, token in pages:
        listed: dict[str, Any] = {"UserPoolClients": [{"ClientId": name}]}
        stubber.add_response("list_user_pool_clients", listed | ({"NextToken": token} if token else {}))
    for name, _ in pages:
        answer = {"UserPoolClient": {"ClientId": name, "ClientSecret": "s3cret-of-twenty-four-letters"}}
        stubber.add_response("describe_user_pool_client", answer, {"UserPoolId": POOL, "ClientId": name})
    reader = PoolReader(issuer_setup_of(), client)
    with stubber:
        assert [each["ClientId"] for each in reader.clients] == ["one", "two"]
        assert "s3cret-of-twenty-four-letters" not in str(reader.clients)


def test_it_calls_what_it_says_that_it_calls_and_nothing_that_writes(client: Any) -> None:
    operations = client.meta.service_model.operation_names
    assert {action.removeprefix("cognito-idp:") for action in ACTIONS} <= set(operations)
    assert all(action.startswith(("cognito-idp:Describe", "cognito-idp:List")) for action in ACTIONS)
    asked: list[str] = []

    class Recorder:
        def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
            def call(**_: object) -> dict[str, Any]:
                asked.append(name)
                client_id = {"ClientId": CLIENT, "UserPoolId": POOL}
                return {
                    "UserPool": described()["UserPool"] | {"SchemaAttributes": [{"Name": "custom:role"}]},
                    "UserPoolClients": [client_id],
                    "UserPoolClient": client_id,
                    "DomainDescription": {},
                    "Groups": [],
                    "ResourceServers": [],
                    "Users": [],
                }

            return call

    setup = issuer_setup_of(domain="id.example.com", role_claims=(RoleClaim("cognito:groups"),))
    examine(setup, PoolReader(setup, Recorder()))
    called = {"".join(word.capitalize() for word in name.split("_")) for name in asked}
    assert {f"cognito-idp:{name}" for name in called} == set(ACTIONS)


def test_what_is_not_there_is_told_from_what_cannot_be_seen() -> None:
    with pytest.raises(NotThere):
        _ = PoolReader(issuer_setup_of(), Refusing("ResourceNotFoundException")).pool
    assert aws.regions() >= {"eu-west-1", "cn-north-1", "us-gov-west-1"}
