"""A request that is sent exactly as a test spells it."""

import http.client

from tests.support.waiting import LIMIT_S


def ask(
    port: int,
    target: str,
    token: str | None = None,
    method: str = "GET",
    /,
    *more: tuple[str, str],
    **headers: str,
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body for ``target``, which is sent as it is; ``more`` are headers in order, also twice."""
    sent = [*((name.replace("_", "-"), value) for name, value in headers.items()), *more]
    if token is not None:
        sent.append(("Authorization", f"Bearer {token}"))
    named = any(name.lower() == "host" for name, _ in sent)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True, skip_host=named)
        for name, value in sent:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()
