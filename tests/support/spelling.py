"""How tokens are spelt, and members that are left out of them."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any


class _Absent:
    """A value that says in a test's name what it is, the same in every run."""

    def __repr__(self) -> str:
        return "absent"


ABSENT: Any = _Absent()  # a claim or header member that is left out


def without_absent(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not ABSENT}


def base64url(raw: bytes) -> str:
    """``raw`` as RFC 7515 spells it: no padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """The bytes that ``text`` spells."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
