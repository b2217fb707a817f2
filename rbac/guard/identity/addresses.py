"""Addresses of issuers: which can be trusted, and where one describes itself."""

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

MAX_ADDRESS_LENGTH = 2048


def is_loopback(host: str | None) -> bool:
    """Whether ``host`` is this machine, by an address or by the one name that means it."""
    if host is None or host == "localhost":
        return host is not None
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def trusted_address(url: str) -> SplitResult:
    """``url`` in parts, where an answer from there can be trusted: https, or http on this machine's loopback.

    Raises ``ValueError`` for any other, and for one with a user, a fragment or a character that no URL has.
    """
    parts = urlsplit(url)  # raises ValueError, too, as `port` does
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if not plain or not parts.hostname or "@" in parts.netloc or parts.fragment or parts.port == 0:
        raise ValueError("not the address of a server")
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname)):
        return parts
    raise ValueError("neither https nor on this machine")


def issuer_address(issuer: str) -> str:
    """``issuer``, if it can be an OpenID provider's ``iss``: an https URL without query and fragment, or one of http on
    this machine's loopback. Raises ``ValueError``."""
    parts = trusted_address(issuer)
    if parts.query or "?" in issuer or "#" in issuer or len(issuer) > MAX_ADDRESS_LENGTH:
        raise ValueError("an issuer has neither query nor fragment")
    return issuer


def discovery_url(issuer: str) -> str:
    """Where an issuer describes itself (section 4.1)."""
    return f"{issuer.removesuffix('/')}/.well-known/openid-configuration"
