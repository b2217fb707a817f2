"""Where a database is, and what went wrong there, in words that never hold the password."""

import re
from collections.abc import Mapping
from typing import ClassVar, Final, Self
from urllib.parse import quote

from psycopg import Error, ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from rbac.errors import RbacError

SCHEMES: Final = ("postgresql://", "postgres://")
_SECRET: Final = frozenset({"password", "sslpassword", "oauth_client_secret"})
# What a host name, an address, a socket directory, or a list of them is made of.
_HOSTS: Final = re.compile(r"[A-Za-z0-9._:,/%+~-]*")
_SHORTEST_SECRET: Final = 3


class StoreError(RbacError):
    """The store cannot do what it was asked: it is out of reach, not set up, or refuses. Holds no password."""

    code: ClassVar[str] = "store_failed"


class AddressError(StoreError):
    """A connection string that cannot be one; nothing of it is repeated."""

    code: ClassVar[str] = "store_address_refused"


class Address:
    """A connection string of libpq's (``postgresql://…``). ``str()`` and ``repr()`` say where, and hold no secret.

    What the string leaves out comes from libpq's own places: ``PGPASSWORD``, a password file, a service file.
    """

    __slots__ = ("_parameters", "_secrets")

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._parameters = dict(parameters)
        self._secrets = frozenset(
            value for name, value in parameters.items() if name in _SECRET and len(value) >= _SHORTEST_SECRET
        )

    @classmethod
    def parse(cls, text: str) -> Self:
        """The address in ``text``, without the blanks and the end of a line around it, as a secret's file has one. Raises
        :class:`AddressError`."""
        text = text.strip()
        if not text.startswith(SCHEMES):
            raise AddressError("a store is named by `postgresql://HOST/DATABASE`")
        try:
            parameters = {name: str(value) for name, value in conninfo_to_dict(text).items()}
        except (ProgrammingError, UnicodeError):
            # libpq's own words may quote what it took the password for.
            raise AddressError(
                "the connection string cannot be read; write `:`, `@`, `/` and `%` in a password as %3A, %40, %2F, %25"
            ) from None
        host, port = parameters.get("host", ""), parameters.get("port", "")
        if not _HOSTS.fullmatch(host) or not re.fullmatch(r"[0-9,]*", port):
            raise AddressError(
                "the connection string names no host that can be one; write `@` and `/` in a password as %40 and %2F"
            )
        return cls(parameters)

    @property
    def holds_secret(self) -> bool:
        """Whether a password is written in it."""
        return any(name in _SECRET and value for name, value in self._parameters.items())

    @property
    def user(self) -> str:
        """The role that is named in it, "" where none is."""
        return self._parameters.get("user", "")

    def conninfo(self, **defaults: str | int) -> str:
        """What libpq connects with, secrets and all; ``defaults`` stand where the string says nothing."""
        return make_conninfo("", **{**defaults, **self._parameters})

    def without_secrets(self, text: str) -> str:
        """``text`` on one line, with the secrets of this address taken out however they are spelled."""
        for secret in self._secrets:
            for spelled in {secret, quote(secret, safe=""), quote(secret)}:
                text = text.replace(spelled, "***")
        return " ".join(text.split())

    def reason(self, error: Error) -> str:
        """What the database or the driver says went wrong, in its first sentence."""
        said = getattr(error.diag, "message_primary", None) or str(error) or type(error).__name__
        # What the driver adds on a line of its own is a sentence of its own.
        return self.without_secrets("; ".join(filter(None, map(str.strip, said.splitlines()))))

    def __str__(self) -> str:
        shown = {key: self._parameters.get(key, "") for key in ("user", "host", "port", "dbname")}
        where = shown["host"] + (f":{shown['port']}" if shown["port"] else "")
        user = f"{shown['user']}@" if shown["user"] else ""
        return self.without_secrets(f"postgresql://{user}{where}/{shown['dbname']}")

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"
