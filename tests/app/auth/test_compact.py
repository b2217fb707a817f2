"""A segment has one spelling, and the quick reading of JSON takes nothing that the strict one would refuse or read
differently."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.auth import compact
from app.auth.errors import InvalidToken

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(st.binary(min_size=1, max_size=80))
def test_every_segment_that_an_issuer_writes_is_read(content: bytes) -> None:
    assert compact._decode_segment(urlsafe_b64encode(content).rstrip(b"=")) == content


@given(st.text(ALPHABET + "+/=. \n", max_size=12))
def test_a_segment_is_read_in_its_one_spelling_alone(text: str) -> None:
    segment = text.encode()
    try:
        content = compact._decode_segment(segment)
    except InvalidToken:
        content = b""
    canonical = urlsafe_b64encode(content).rstrip(b"=") if content else None
    if content:
        assert segment == canonical
    elif segment and set(text) <= set(ALPHABET) and len(segment) % 4 != 1:
        decoded = urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
        assert urlsafe_b64encode(decoded).rstrip(b"=") != segment


def strictly(text: bytes) -> object:
    decoded = compact._DECODER.decode(text.decode("utf-8"))
    compact._check_values(decoded)
    return decoded


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(("sub", "é", "a")), values), st.booleans(), st.booleans())
def test_what_is_read_quickly_is_what_the_strict_reading_reads(
    claims: dict[str, object], compactly: bool, in_ascii: bool
) -> None:
    text = json.dumps(claims, separators=(",", ":") if compactly else None, ensure_ascii=in_ascii)
    try:
        written = text.encode("utf-8")
    except UnicodeEncodeError:
        return
    quick = compact._usual(written)
    if quick is not None:
        assert repr(quick) == repr(strictly(written))


@pytest.mark.parametrize(
    "text",
    [
        b'{"sub":"a","sub":"a"}',
        b'{"sub":"a","sub":"b"}',
        b'{"o":{"x":1,"x":1}}',
        b'{"n":1e400}',
        b'{"n":NaN}',
        b'{"n":-Infinity}',
        b'{"n":9223372036854775808}',
        b'{"n":99999999999999999999999999}',
        b'{"n":1.0000000000000000000001}',
        b'{"s":"\\ud800"}',
        b'{"s":"\xff"}',
        b'{"a":1} ',
        b'{"a":1}{"a":1}',
        b"[1]",
        b"null",
        b"",
    ],
)
def test_what_could_be_read_in_two_ways_is_left_to_the_strict_reading(text: bytes) -> None:
    assert compact._usual(text) is None


def test_what_cognito_writes_is_read_quickly() -> None:
    text = '{"sub":"7f3c","cognito:groups":["a","b"],"email_verified":true,"exp":1795532107,"name":"é"}'
    assert compact._usual(text.encode()) == json.loads(text)
