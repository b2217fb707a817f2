"""Who can sign in to the local Cognito of development. Their password is no secret."""

from collections.abc import Mapping
from types import MappingProxyType

PASSWORD = "Checkpoint-2026!"

# Who can sign in, and the role in their `custom:role`; carol has none.
USERS: Mapping[str, str | None] = MappingProxyType(
    {"alice": "admin", "bob": "user", "sam": "security", "carol": None}
)
