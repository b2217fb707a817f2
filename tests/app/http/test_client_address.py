"""What a proxy passes on as its client's address is one, or it is nothing."""

import pytest

from app.http.client_address import address_in, settle


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:DB8::0001", "2001:db8::1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::1%<script>\n", "::1"),
        ("", ""),
        ("10.0.0.1/8", ""),
        ("10.0.0.01", ""),
        ("0x7f.1", ""),
        ("127.1", ""),
        ("10.0.0.1\0", ""),
        ("10.0.0.1 ", ""),
        ("unknown", ""),
        ("admin", ""),
        ("１０.0.0.1", ""),
        ("[::1]", ""),
        ("::1, 10.0.0.1", ""),
    ],
)
def test_an_address_is_kept_in_its_usual_spelling_and_other_text_is_dropped(text: str, address: str) -> None:
    assert address_in(text) == address


def test_a_request_without_a_client_stays_without() -> None:
    scope = {"type": "http", "client": None}
    settle(scope)
    assert scope["client"] is None
