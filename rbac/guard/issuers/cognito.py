"""Amazon Cognito user pools: ID tokens, as the AWS guide on verifying JSON web tokens describes them."""

from typing import Any

from rbac.guard.identity.claims import ClaimRules
from rbac.guard.identity.errors import SEND_ID_TOKEN, InvalidToken

USERNAME_CLAIMS = ("cognito:username", "username")
ROLE_LISTS = frozenset({"cognito:groups"})  # the one claim that Cognito writes as a list of names

# AWS keeps apart what it runs for China, for Europe and for governments: other hosts, other accounts.
PARTITIONS = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "eu-isoe-": "cloud.adc-e.uk",
    "us-isof-": "csp.hci.ic.gov",
}
DEFAULT_PARTITION = "amazonaws.com"


def cognito_host(region: str) -> str:
    """The host that issues a region's tokens and publishes their keys."""
    suffix = next(
        (host for prefix, host in PARTITIONS.items() if region.startswith(prefix)), DEFAULT_PARTITION
    )
    return f"cognito-idp.{region}.{suffix}"


class CognitoRules(ClaimRules):
    """ID tokens only: an access token names no application and carries no custom attributes."""

    def check_use(self, claims: dict[str, Any]) -> None:
        """``token_use`` is "id"."""
        if claims["token_use"] != "id":
            raise InvalidToken("wrong_use", SEND_ID_TOKEN)
