"""Requests to 127.0.0.1, in the clear."""

import ssl
from contextlib import AbstractContextManager
from typing import Any, Final

import httpx2

from tests.support.waiting import LIMIT_S

_TRUSTS_NOBODY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""To read who is trusted over TLS takes 20 ms, for each request that is a client of its own."""

_OPTIONS: Final[dict[str, Any]] = {"trust_env": False, "timeout": LIMIT_S, "verify": _TRUSTS_NOBODY}
"""No proxy of anybody's environment, and no limit that a slow machine meets."""


def request(method: str, url: str, **options: Any) -> httpx2.Response:
    """One request over a connection of its own."""
    return httpx2.request(method, url, **_OPTIONS, **options)


def get(url: str, **options: Any) -> httpx2.Response:
    """One GET over a connection of its own."""
    return request("GET", url, **options)


def post(url: str, **options: Any) -> httpx2.Response:
    """One POST over a connection of its own."""
    return request("POST", url, **options)


def stream(method: str, url: str, **options: Any) -> AbstractContextManager[httpx2.Response]:
    """One request whose answer is read as it comes."""
    return httpx2.stream(method, url, **{**_OPTIONS, **options})


def client(base_url: str) -> httpx2.Client:
    """Many requests over connections that are kept."""
    return httpx2.Client(base_url=base_url, **_OPTIONS)
