"""Where a request came from. A proxy that is believed may pass on what its client wrote: only an address is one."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from socket import AF_INET, inet_pton

from starlette.types import Scope


def settle(scope: Scope) -> None:
    """Leaves in ``scope`` a client whose host is an address in its usual spelling, or none at all."""
    client = scope.get("client")
    if client is not None:
        host, port = client
        address = address_in(host)
        if address != host:
            scope["client"] = (address, port) if address else None


@lru_cache(maxsize=1024)
def address_in(text: str) -> str:
    """The IP address that ``text`` is, in its usual spelling and without a zone; "" when it is none.

    An IPv4 address that is written as one of IPv6 (``::ffff:…``) is itself.
    """
    try:
        inet_pton(AF_INET, text)  # most are of this kind, and it is quickly told
    except (OSError, ValueError):
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return ""
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return str(mapped or address)
    return text
