"""A local Cognito for development and tests: moto's server on 127.0.0.1, spoken to through the real boto3.

Its signing key is published with moto: outside development a token of its proves nothing.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import httpx2

from app.dev import machines, srp
from app.dev.people import PASSWORD, USERS

__all__ = ["PASSWORD", "USERS"]

REGION = "eu-west-1"
POOL_NAME = "sekisho-development"
CLIENT_NAME = "sekisho-development"

# Programs sign in by `client_credentials`, and are given these scopes.
RESOURCE_SERVER = "sekisho"
SCOPES = {"ask": "put questions to the decision point", "watch": "scrape the metrics"}
MACHINE = "pep"


@dataclass(frozen=True, slots=True)
class Pool:
    """A user pool with one app client."""

    pool_id: str
    client_id: str


@dataclass(frozen=True, slots=True)
class Machine:
    """An app client of a program."""

    client_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What Cognito answers a sign-in with."""

    id_token: str
    access_token: str
    refresh_token: str


def endpoint(port: int) -> str:
    """Where a local Cognito on ``port`` is reached."""
    return f"http://127.0.0.1:{port}"


def client(endpoint_url: str) -> Any:
    """The boto3 client for a local Cognito. It takes any credentials."""
    create: Any = boto3.client  # boto3 has no annotations
    return create(
        "cognito-idp",
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id="development",
        aws_secret_access_key="development",
    )


@contextmanager
def served(port: int) -> Iterator[str]:
    """A local Cognito on 127.0.0.1:``port`` (0 for any free one) while the block runs; gives its URL.

    Its pool and client ids are made from their names, so that they are the same at every start.
    """
    os.environ["MOTO_COGNITO_IDP_USER_POOL_ID_STRATEGY"] = "HASH"
    os.environ["MOTO_COGNITO_IDP_USER_POOL_CLIENT_ID_STRATEGY"] = "HASH"
    from moto.server import ThreadedMotoServer

    srp.install()
    machines.install()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    try:
        _, actual = server.get_host_and_port()
        yield endpoint(actual)
    finally:
        server.stop()


def create_pool(cognito: Any, pool_name: str = POOL_NAME, client_name: str = CLIENT_NAME) -> Pool:
    """A pool whose app client can read ``custom:role`` and cannot write it: else users would promote themselves."""
    attribute = {"Name": "role", "AttributeDataType": "String", "Mutable": True}
    pool_id = cognito.create_user_pool(PoolName=pool_name, Schema=[attribute])["UserPool"]["Id"]
    created = cognito.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName=client_name,
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        ReadAttributes=["email", "email_verified", "custom:role"],
        WriteAttributes=["email"],
    )
    return Pool(pool_id, created["UserPoolClient"]["ClientId"])


def create_machine(cognito: Any, pool: Pool) -> Machine:
    """A resource server with two scopes, and a program's app client that may have both."""
    scopes = [{"ScopeName": name, "ScopeDescription": said} for name, said in SCOPES.items()]
    cognito.create_resource_server(
        UserPoolId=pool.pool_id, Identifier=RESOURCE_SERVER, Name=RESOURCE_SERVER, Scopes=scopes
    )
    created = cognito.create_user_pool_client(
        UserPoolId=pool.pool_id,
        ClientName=MACHINE,
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=[f"{RESOURCE_SERVER}/{name}" for name in SCOPES],
        # No person signs in through it, or could write a role if they did: who names neither lets both.
        ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"],
        WriteAttributes=["email"],
    )["UserPoolClient"]
    return Machine(created["ClientId"], created["ClientSecret"])


def machine_of(endpoint_url: str, pool_id: str) -> Machine:
    """The program's app client of a pool that :func:`seed` made."""
    cognito = client(endpoint_url)
    listed = cognito.list_user_pool_clients(UserPoolId=pool_id)["UserPoolClients"]
    client_id = next(each["ClientId"] for each in listed if each["ClientName"] == MACHINE)
    found = cognito.describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)["UserPoolClient"]
    return Machine(client_id, found["ClientSecret"])


def machine_token(endpoint_url: str, machine: Machine, *scopes: str) -> str:
    """The access token of a program: the grant that every OAuth library knows. Raises ``httpx2.HTTPError``."""
    answer = httpx2.post(
        f"{endpoint_url}{machines.PATH}",
        auth=(machine.client_id, machine.secret),
        data={"grant_type": "client_credentials", "scope": " ".join(scopes)},
        timeout=10,
        trust_env=False,
    )
    token: str = answer.raise_for_status().json()["access_token"]
    return token


def create_user(cognito: Any, pool: Pool, name: str, role: str | None) -> None:
    """A confirmed user with a verified e-mail address and, unless it is ``None``, a role."""
    attributes = [
        {"Name": "email", "Value": f"{name}@example.com"},
        {"Name": "email_verified", "Value": "true"},
    ]
    if role is not None:
        attributes.append({"Name": "custom:role", "Value": role})
    cognito.admin_create_user(
        UserPoolId=pool.pool_id, Username=name, UserAttributes=attributes, MessageAction="SUPPRESS"
    )
    cognito.admin_set_user_password(UserPoolId=pool.pool_id, Username=name, Password=PASSWORD, Permanent=True)


def seed(endpoint_url: str) -> Pool:
    """The development pool with its client, its four users and its program."""
    cognito = client(endpoint_url)
    pool = create_pool(cognito)
    create_machine(cognito, pool)
    for name, role in USERS.items():
        create_user(cognito, pool, name, role)
    return pool


def sign_in(endpoint_url: str, client_id: str, name: str, password: str = PASSWORD) -> Tokens:
    """Signs in with a password, as an application would; raises botocore's ``ClientError`` when Cognito refuses."""
    answer = client(endpoint_url).initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": password},
    )["AuthenticationResult"]
    return Tokens(answer["IdToken"], answer["AccessToken"], answer["RefreshToken"])
