"""User pools in the local Cognito for `rbac doctor`: one in which there is nothing to find, and the commands that mend others."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Self

from app.dev import cognito
from rbac.doctor.aws import PoolReader
from rbac.doctor.commands import NOT_SETTABLE
from rbac.doctor.examination import Examination, examine
from rbac.doctor.issuer_setup import IssuerSetup, of_pool
from rbac.policy import Policy
from tests.support.command import MODEL

_numbers = count()

POLICY = "p, user, /user, GET, allow\np, admin, /admin, GET, allow\ng, admin, user\n"
CLIENT: Mapping[str, Any] = {
    "ClientName": "web",
    "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    "ReadAttributes": ["email", "custom:role"],
    "WriteAttributes": ["email"],
    "AllowedOAuthFlowsUserPoolClient": True,
    "AllowedOAuthFlows": ["code"],
    "AllowedOAuthScopes": ["openid"],
    "CallbackURLs": ["https://shop.example.com/", "shop://signed-in"],
    "LogoutURLs": ["https://shop.example.com/bye"],
    "SupportedIdentityProviders": ["COGNITO"],
}


def policy_of(text: str) -> Policy:
    """A policy with the shipped model."""
    return Policy.parse(MODEL.encode(), text.encode())


@dataclass
class ExamplePool:
    """A pool of its own, as it should be until a test makes it otherwise."""

    api: Any
    setup: IssuerSetup
    client_id: str

    @classmethod
    def of(cls, endpoint: str, api: Any) -> "ExamplePool":
        """A new pool at ``endpoint``, with a client and two users."""
        pool = api.create_user_pool(
            PoolName=f"example {next(_numbers)}", DeletionProtection="ACTIVE", MfaConfiguration="OPTIONAL"
        )["UserPool"]["Id"]
        # Added later: a pool that is made with attributes of its own lacks the standard ones here, which AWS's have.
        role = {"Name": "role", "AttributeDataType": "String", "Mutable": True}
        api.add_custom_attributes(UserPoolId=pool, CustomAttributes=[role])
        client = api.create_user_pool_client(UserPoolId=pool, **CLIENT)["UserPoolClient"]["ClientId"]
        for name in ("admin", "user"):
            cognito.create_user(api, cognito.Pool(pool, client), f"some-{name}", name)
        setup = replace(of_pool(pool, [client], endpoint=endpoint), policy=policy_of(POLICY))
        return cls(api, setup, client)

    @property
    def pool(self) -> str:
        return self.setup.pool

    def client(self, client_id: str = "", **changes: Any) -> Self:
        """Changes the client; ``None`` takes a setting away."""
        found = self.api.describe_user_pool_client(UserPoolId=self.pool, ClientId=client_id or self.client_id)
        kept = {name: value for name, value in found["UserPoolClient"].items() if name not in NOT_SETTABLE}
        kept |= changes
        gone = [name for name, value in changes.items() if value is None]
        self._backend_client(client_id or self.client_id, gone)
        self.api.update_user_pool_client(**{name: kept[name] for name in kept if kept[name] is not None})
        return self

    def user(self, name: str, role: str) -> Self:
        """A further user."""
        cognito.create_user(self.api, cognito.Pool(self.pool, self.client_id), name, role)
        return self

    def _backend_client(self, client_id: str, gone: list[str]) -> None:
        """The local Cognito's update forgets nothing, where AWS forgets what it is not told."""
        from moto.cognitoidp.models import cognitoidp_backends

        backends: Any = cognitoidp_backends
        for regions in backends.values():
            for backend in regions.values():
                if self.pool in backend.user_pools:
                    config = backend.user_pools[self.pool].clients[client_id].extended_config
                    for name in gone:
                        config.pop(name, None)

    def pool_is(self, **changes: Any) -> Self:
        """Changes the pool, and nothing else of it."""
        from moto.cognitoidp.models import cognitoidp_backends

        backends: Any = cognitoidp_backends
        for regions in backends.values():
            for backend in regions.values():
                if self.pool in backend.user_pools:
                    backend.user_pools[self.pool].extended_config.update(changes)
                    if "MfaConfiguration" in changes:
                        backend.user_pools[self.pool].mfa_config = changes["MfaConfiguration"]
        return self

    def another_client(self, **settings: Any) -> str:
        """A further client of the pool."""
        made = self.api.create_user_pool_client(UserPoolId=self.pool, **settings)
        client_id: str = made["UserPoolClient"]["ClientId"]
        return client_id

    def about(self, **changes: Any) -> Self:
        """Changes who is examined."""
        self.setup = replace(self.setup, **changes)
        return self

    def examined(self, api: Any = None) -> Examination:
        """The examination of the pool as it is now."""
        return examine(self.setup, PoolReader(self.setup, api or self.api))

    def codes(self) -> list[str]:
        """The codes of what is found."""
        return [each.code for each in self.examined().findings]

    def carry_out(self, fix: str) -> None:
        """What a person's shell would do with a fix that is a command: AWS is asked by boto3, and jq is read."""
        if fix.startswith("console: "):
            assert fix.startswith(f"console: Amazon Cognito > User pools > {self.pool} > ")
            self.pool_is(DeletionProtection="ACTIVE")
            return
        first, _, rest = fix.partition(" | jq ")
        if not rest:
            self._call(shlex.split(first))
            return
        described = self._call(shlex.split(first))["UserPoolClient"]
        edit, *_ = shlex.split(rest)
        for part in edit.split(" | "):
            if part.startswith("del("):
                for name in re.findall(r"\.(\w+)", part):
                    described.pop(name, None)
            else:
                name, value = re.fullmatch(r"\.(\w+) = (.*)", part).groups()  # type: ignore[union-attr]  # else no fix
                described[name] = json.loads(value)
        self.api.update_user_pool_client(**described)

    def _call(self, words: list[str]) -> Any:
        assert words[:2] == ["aws", "cognito-idp"]
        operation, *options = words[2:]
        pairs = dict(zip(options[::2], options[1::2], strict=True))
        shape = self.api.meta.service_model.operation_model(_camel(operation)).input_shape
        assert pairs.pop("--region") == self.setup.region
        pairs.pop("--query", None)
        pairs.pop("--output", None)
        given = {_camel(name.removeprefix("--")): value for name, value in pairs.items()}
        members = {name.lower(): name for name in shape.members}
        arguments = {
            members[name.lower()]: _value(shape.members[members[name.lower()]], value)
            for name, value in given.items()
        }
        if "MfaConfiguration" in arguments:
            self.pool_is(MfaConfiguration=arguments["MfaConfiguration"])  # here described from another place
        return getattr(self.api, operation.replace("-", "_"))(**arguments)


def _camel(words: str) -> str:
    return "".join(word.capitalize() for word in words.split("-"))


def _value(shape: Any, text: str) -> Any:
    """A value as the AWS command line reads it: a word, or its shorthand ``Name=role,Mutable=true``."""
    match shape.type_name:
        case "string":
            return text
        case "integer":
            return int(text)
        case "boolean":
            return text == "true"
        case "structure":
            pairs = (part.partition("=") for part in text.split(","))
            return {name: _value(shape.members[name], value) for name, _, value in pairs}
        case "list":
            return [_value(shape.member, text)]
    raise AssertionError(f"{shape.name} cannot be written so")
