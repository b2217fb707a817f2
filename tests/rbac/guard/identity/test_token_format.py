"""A segment has one spelling, and the quick reading of JSON takes nothing that the strict one would refuse or read
differently."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rbac.guard.identity import token_format
from rbac.guard.identity.errors import InvalidToken
from rbac.guard.identity.token_format import MAX_DEPTH, MAX_TOKEN_LENGTH, TokenForm, read_strictly

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(st.binary(min_size=1, max_size=80))
def test_every_segment_that_an_issuer_writes_is_read(content: bytes) -> None:
    assert token_format._decode_segment(urlsafe_b64encode(content).rstrip(b"=")) == content


@given(st.text(ALPHABET + "+/=. \n", max_size=12))
def test_a_segment_is_read_in_its_one_spelling_alone(text: str) -> None:
    segment = text.encode()
    try:
        content = token_format._decode_segment(segment)
    except InvalidToken:
        content = b""
    canonical = urlsafe_b64encode(content).rstrip(b"=") if content else None
    if content:
        assert segment == canonical
    elif segment and set(text) <= set(ALPHABET) and len(segment) % 4 != 1:
        decoded = urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
        assert urlsafe_b64encode(decoded).rstrip(b"=") != segment


@given(st.text(ALPHABET + "+/=. \né", max_size=12))
def test_a_segment_that_is_read_elsewhere_is_held_to_the_same_spelling(text: str) -> None:
    refused = []
    for read in (token_format._decode_segment, token_format._check_segment):
        try:
            read(text.encode())
        except InvalidToken as error:
            refused.append(error.reason)
    assert refused in ([], ["malformed"] * 2)


def test_what_was_read_never_shows_what_is_in_it() -> None:
    read = read_strictly(token({"alg": "RS256", "kid": "k1"}, {"sub": "alice"}))
    assert repr(read) == f"{read}" == "SignedToken(algorithm='RS256', kind='jwt')"


@pytest.mark.parametrize(
    "segment",
    [b"QU=JD", b"QU JD", b"QU\nJD", b"QU+JD", b"QU/JD", b"QUJD=", b"QUJD====", b"=QUJD", b"QQ==", b""],
)
def test_what_is_no_base64url_is_refused_and_not_passed_over(segment: bytes) -> None:
    assert token_format._decode_segment(b"QUJD") == b"ABC"
    for padded in (segment, segment + b"A", segment + b"AA", segment + b"AAA"):
        if padded.strip(b"A"):
            with pytest.raises(InvalidToken):
                token_format._decode_segment(padded)


@pytest.mark.parametrize("segment", [b"", b"A", b"QUJDA", b"QR", b"QUJ", b"QUJDQR", b"QUJDQUJ"])
def test_a_segment_of_no_whole_bytes_is_refused_and_one_with_bits_to_spare_too(segment: bytes) -> None:
    with pytest.raises(InvalidToken):
        token_format._decode_segment(segment)


def strictly(text: bytes) -> object:
    decoded = token_format._DECODER.decode(text.decode("utf-8"))
    token_format._check_values(decoded)
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
    quick = token_format._usual(written)
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
    assert token_format._usual(text) is None


def test_what_cognito_writes_is_read_quickly() -> None:
    text = '{"sub":"7f3c","cognito:groups":["a","b"],"email_verified":true,"exp":1795532107,"name":"é"}'
    assert token_format._usual(text.encode()) == json.loads(text)


def nested(depth: int, opening: str, closing: str, blank: str) -> bytes:
    """A claims set of so many arrays or objects, one in the other, itself among them."""
    inner = opening * (depth - 1) + "1" + closing * (depth - 1)
    return f'{{"a":{blank}{inner}}}'.encode()


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"b":', "}"), ('[{"b":', "}]")])
@pytest.mark.parametrize("blank", ["", " "], ids=["quickly", "strictly"])
def test_nesting_has_an_end_however_it_is_read(opening: str, closing: str, blank: str) -> None:
    each = opening.count("[") + opening.count("{")
    levels = (MAX_DEPTH - 2) // each + 1  # a value in the deepest of them is a level as well
    assert token_format.read_claims(nested(levels, opening, closing, blank))
    with pytest.raises(InvalidToken):
        token_format.read_claims(nested(MAX_DEPTH + 1, opening, closing, blank))


def token(header: dict[str, object], claims: object) -> str:
    segments = (json.dumps(each).encode() for each in (header, claims))
    return ".".join([*(urlsafe_b64encode(each).rstrip(b"=").decode() for each in segments), "c2ln"])


def test_a_token_is_read_whole() -> None:
    form = TokenForm(frozenset({"RS256", "ES256"}), frozenset({"jwt", "at+jwt"}))
    written = token({"alg": "ES256", "typ": "application/AT+JWT", "kid": "k1"}, {"sub": "a"})
    read = read_strictly(written, form)
    assert (read.credentials, read.kid, read.claims) == (written, "k1", {"sub": "a"})
    assert (read.algorithm, read.kind) == ("ES256", "at+jwt")
    plain = read_strictly(token({"alg": "RS256", "kid": "k1"}, {"sub": "a"}))
    assert (plain.algorithm, plain.kind) == ("RS256", "jwt")


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"alg": "HS256", "kid": "k"}, "bad_algorithm"),
        ({"alg": ["RS256"], "kid": "k"}, "bad_algorithm"),
        ({"kid": "k"}, "bad_algorithm"),
        ({"alg": "RS256", "kid": "k", "typ": "at+jwt"}, "bad_header"),
        ({"alg": "RS256", "kid": "k", "typ": 1}, "bad_header"),
        ({"alg": "RS256", "kid": "k", "typ": "jwtx"}, "bad_header"),
        ({"alg": "RS256"}, "bad_header"),
        ({"alg": "RS256", "kid": ""}, "bad_header"),
        ({"alg": "RS256", "kid": "a\nb"}, "bad_header"),
        *(({"alg": "RS256", "kid": "k", name: 1}, "bad_header") for name in token_format._FORBIDDEN_HEADERS),
    ],
)
def test_a_header_that_no_issuer_of_ours_writes_is_refused(header: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidToken) as refused:
        read_strictly(token(header, {"sub": "a"}))
    assert refused.value.reason == reason


def test_the_longest_token_is_read_and_a_longer_one_is_not() -> None:
    short = token({"alg": "RS256", "kid": "k1"}, {"sub": "a", "more": ""})
    signature = "A" * (MAX_TOKEN_LENGTH - len(short.rpartition(".")[0]) - 1)
    longest = f"{short.rpartition('.')[0]}.{signature}"
    reasons = []
    for written in (longest, f"{longest}A", "é.b.c", "e30.e30", "e30.e30.c2ln.c2ln", ""):
        try:
            read_strictly(written)
            reasons.append("")
        except InvalidToken as refused:
            reasons.append(refused.reason)
    fits = len(signature) % 4 != 1
    assert reasons == ["" if fits else "malformed", "too_large", *["malformed"] * 4]


@pytest.mark.parametrize("payload", [[1], None, "a", 1])
def test_claims_are_an_object(payload: object) -> None:
    with pytest.raises(InvalidToken):
        read_strictly(token({"alg": "RS256", "kid": "k1"}, payload))


@pytest.mark.parametrize("number", [2**63 - 1, 10**17, -(10**17), 1.5, 1e300])
def test_numbers_that_everybody_carries_are_read(number: float) -> None:
    assert token_format.read_claims(json.dumps({"n": number}).encode()) == {"n": number}


@pytest.mark.parametrize(
    "text", ['{"n": 1e400}', '{"n": NaN}', f'{{"n": {10**30}}}', '{"s": "\\ud800"}', '{"\\ud800": 1}']
)
def test_what_nobody_else_could_carry_is_refused(text: str) -> None:
    with pytest.raises(InvalidToken):
        token_format.read_claims(text.encode())
