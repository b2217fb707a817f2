"""A local Cognito for development and tests: moto's server on 127.0.0.1, spoken to through the real boto3.

Its signing key is published with moto: outside development a token of its proves nothing.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import boto3

from app.dev import srp

REGION = "eu-west-1"
POOL_NAME = "sekisho-development"
CLIENT_NAME = "sekisho-development"
PASSWORD = "Checkpoint-2026!"

# Who can sign in, and the role in their `custom:role`; carol has none.
USERS: Mapping[str, str | None] = MappingProxyType(
    {"alice": "admin", "bob": "user", "sam": "security", "carol": None}
)


@dataclass(frozen=True, slots=True)
class Pool:
    """A user pool with one app client."""

    pool_id: str
    client_id: str


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
    """The development pool with its client and its four users."""
    cognito = client(endpoint_url)
    pool = create_pool(cognito)
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
