"""What an issuer answers: fetched whole or not at all, bounded in bytes, and from the address that was asked."""

from typing import ClassVar
from urllib.parse import urlsplit

import httpx2

from rbac.errors import RbacError
from rbac.guard.identity.addresses import is_loopback

MAX_ANSWER_BYTES = 256 * 1024


class IssuerAnswerError(RbacError):
    """An answer from the issuer that is not to be gone by. What was known before stays."""

    code: ClassVar[str] = "issuer_answer_refused"


OUT_OF_REACH = (IssuerAnswerError, httpx2.HTTPError, OSError)
"""What a fetch raises, ``TimeoutError`` among them, when the issuer is to blame."""


def new_client(
    url: str, *, time_limit: float, transport: httpx2.AsyncBaseTransport | None = None
) -> httpx2.AsyncClient:
    """What fetches from the issuer at ``url``."""
    return httpx2.AsyncClient(
        transport=transport,
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        timeout=time_limit,
        follow_redirects=False,
        trust_env=not is_loopback(urlsplit(url).hostname),  # a proxy cannot reach our loopback
    )


async def fetched(client: httpx2.AsyncClient, url: str) -> bytes:
    """The body of a 200 answer. Raises :class:`IssuerAnswerError` for any other, and what ``client`` raises."""
    return (await fetched_whole(client, url))[0]


async def fetched_whole(client: httpx2.AsyncClient, url: str) -> tuple[bytes, httpx2.Headers]:
    """The same with its headers."""
    answer = bytearray()
    async with client.stream("GET", url) as response:
        if response.status_code != 200:
            raise IssuerAnswerError(f"the issuer answered {response.status_code}")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise IssuerAnswerError("the answer is compressed, which was not asked for")
        async for chunk in response.aiter_raw():
            answer += chunk
            if len(answer) > MAX_ANSWER_BYTES:
                raise IssuerAnswerError(f"the answer is larger than {MAX_ANSWER_BYTES} bytes")
        headers = response.headers
    return bytes(answer), headers
