"""What settings are when nobody says: by what other settings are, where that says it."""

from typing import Any, Literal

from app.settings.values import POOL_ID
from rbac.guard.issuers.cognito import cognito_host

POLICY_REQUEST = "sub=claims.sub, role=roles, obj=path, act=method"
PDP_REQUEST = "sub=subject.id, role=subject.properties.role, obj=resource.id, act=action.name"

# The ids that the local Cognito of `make run` makes from the names of its pool and its clients.
LOCAL_POOL_ID = "eu-west-1_8efc411db13592c4a8c39ff216099bd4ab3b185549f76"
LOCAL_CLIENT_ID = "364bcba3a0e5de94b1f636ec69"
LOCAL_MACHINE_ID = "ffb2efcbce51d3cc58a0c7c5a7"


def in_development(earlier: dict[str, Any]) -> bool:
    return bool(earlier["environment"] == "development")


def log_format(earlier: dict[str, Any]) -> Literal["text", "json"]:
    return "text" if in_development(earlier) else "json"


def shutdown_delay(earlier: dict[str, Any]) -> int:
    return 0 if in_development(earlier) else 5


def region(earlier: dict[str, Any]) -> str:
    match = POOL_ID.fullmatch(earlier["cognito_user_pool_id"])
    return match["region"] if match else ""


def pool(earlier: dict[str, Any]) -> str:
    """In development the local Cognito's, until somebody names a pool of their own."""
    local = in_development(earlier) and earlier["identity_provider"] == "cognito"
    return LOCAL_POOL_ID if local else ""


def subjects(earlier: dict[str, Any]) -> str:
    return str(earlier["identity_provider"])


def _is_local(earlier: dict[str, Any]) -> bool:
    return in_development(earlier) and bool(earlier["cognito_user_pool_id"] == LOCAL_POOL_ID)


def token_use(earlier: dict[str, Any]) -> Literal["id", "both"]:
    return "both" if _is_local(earlier) and earlier["identity_provider"] == "cognito" else "id"


def client(earlier: dict[str, Any]) -> tuple[str, ...]:
    return (LOCAL_CLIENT_ID, LOCAL_MACHINE_ID) if _is_local(earlier) else ()


def endpoint(earlier: dict[str, Any]) -> str:
    if _is_local(earlier):
        return f"http://127.0.0.1:{earlier['dev_cognito_port']}"
    region = earlier["cognito_region"]
    return f"https://{cognito_host(region)}" if region else ""


def says(default: str) -> dict[str, Any]:
    """How docs/settings.md words a default that follows from other settings."""
    return {"default": default}
