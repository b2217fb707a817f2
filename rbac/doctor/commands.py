"""The AWS commands that mend. Cognito's updates forget what they are not told, so they tell everything."""

import json
from collections.abc import Mapping
from shlex import quote
from typing import Any

from rbac.doctor.issuer_setup import IssuerSetup

# What a client's description has and its update does not take.
NOT_SETTABLE = ("ClientSecret", "ClientSecretArn", "ClientType", "CreationDate", "LastModifiedDate")


def aws(setup: IssuerSetup, command: str, **options: str) -> str:
    """``aws cognito-idp COMMAND`` for the pool; an option's name as Python spells it."""
    words = ["aws", "cognito-idp", command, "--region", setup.region, "--user-pool-id", setup.pool]
    for name, value in options.items():
        words += [f"--{name.replace('_', '-')}", value]
    return " ".join(quote(word) for word in words)


def change_client(setup: IssuerSetup, client_id: str, changes: Mapping[str, Any]) -> str:
    """Sets these settings of an app client and leaves the others as they are. Needs ``jq``."""
    read = aws(setup, "describe-user-pool-client", client_id=client_id, query="UserPoolClient", output="json")
    deleted = f"del({', '.join(f'.{name}' for name in NOT_SETTABLE)})"
    edits = [f".{name} = {json.dumps(value)}" for name, value in changes.items()]
    edited = quote(" | ".join([deleted, *edits]))
    write = (
        f"aws cognito-idp update-user-pool-client --region {setup.region} --cli-input-json file://client.json"
    )
    return f"{read} | jq {edited} > client.json && {write}"
