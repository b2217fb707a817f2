"""What a 401 asks for."""

import re
from dataclasses import dataclass
from typing import Final

REALM: Final = "sekisho"
_BEARER: Final = "Bearer"
_SCHEME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 11.1: a token


@dataclass(frozen=True, slots=True)
class SchemeChallenge:
    """What callers are asked for (RFC 9110, section 11.6.1): credentials of ``scheme``.

    ``metadata`` is the address of the resource's metadata (RFC 9728, section 5.1). Raises ``ValueError`` for a scheme
    that no header can name.
    """

    scheme: str = _BEARER
    metadata: str = ""

    def __post_init__(self) -> None:
        if not _SCHEME.fullmatch(self.scheme):
            raise ValueError(f"`{self.scheme}` is not the name of an authentication scheme")

    @property
    def is_bearer(self) -> bool:
        """Whether it is one of RFC 6750, which has words for what is wrong with a token."""
        return self.scheme == _BEARER

    def headers(self, code: str | None = None, description: str = "", *, needed: str = "") -> dict[str, str]:
        """The ``WWW-Authenticate`` header, as RFC 6750, section 3, has it: no error attribute when there were no
        credentials. ``needed`` is the scope that would do. Another scheme is named with its realm alone.
        """
        value = f'{self.scheme} realm="{REALM}"'
        if not self.is_bearer:
            return {"WWW-Authenticate": value}
        if code is not None:
            value += f', error="{code}", error_description="{description}"'
        if needed:
            value += f', scope="{needed}"'
        if self.metadata:
            value += f', resource_metadata="{self.metadata}"'
        return {"WWW-Authenticate": value}


BEARER: Final = SchemeChallenge()
