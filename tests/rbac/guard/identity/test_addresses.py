"""Which addresses of an issuer can be trusted, and where it describes itself."""

import pytest

from rbac.guard.identity.addresses import (
    MAX_ADDRESS_LENGTH,
    discovery_url,
    is_loopback,
    issuer_address,
    trusted_address,
)

LONGEST = "https://id.example.com/".ljust(MAX_ADDRESS_LENGTH, "x")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        (None, False),
        ("", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
    ],
)
def test_this_machine_is_an_address_or_the_one_name_that_means_it(host: str | None, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    "url",
    [
        "https://id.example.com",
        "https://id.example.com:8443/realms/a?x=1",
        "http://localhost:9000",
        "http://[::1]:9000/",
        "http://127.0.0.1",
        "HTTPS://id.example.com",
    ],
)
def test_an_answer_is_trusted_over_https_and_from_this_machine(url: str) -> None:
    assert trusted_address(url).hostname


@pytest.mark.parametrize(
    "url",
    [
        "",
        "id.example.com",
        "https://",
        "https:///keys",
        "http://id.example.com",
        "http://localhost.example.com",
        "ftp://localhost",
        "file:///etc/keys",
        "https://user@id.example.com",
        "https://id.example.com@elsewhere.example.com",
        "https://id.example.com#keys",
        "https://id.example.com:0",
        "https://id.example.com:port",
        "https://id.example.com:70000",
        "https://id.example.com/a b",
        "https://id.example.com/a\\b",
        "https://id.example.com/a\n",
        "https://id.exämple.com",
        "https://[::1",
    ],
)
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - some of the sentences are Python's
        trusted_address(url)


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://id.example.com", "https://id.example.com/.well-known/openid-configuration"),
        ("https://id.example.com/a/", "https://id.example.com/a/.well-known/openid-configuration"),
        (LONGEST, f"{LONGEST}/.well-known/openid-configuration"),
    ],
)
def test_an_issuer_is_its_address_to_the_letter_and_describes_itself_below_it(issuer: str, url: str) -> None:
    assert issuer_address(issuer) == issuer
    assert discovery_url(issuer) == url


@pytest.mark.parametrize(
    "issuer",
    ["https://id.example.com?", "https://id.example.com?a=1", "https://id.example.com#", "http://id.example.com", LONGEST + "x"],
)  # fmt: skip
def test_what_no_issuer_is_called_is_refused(issuer: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - some of the sentences are Python's
        issuer_address(issuer)
