"""Tokens that are not spelt as a token is, or hold what is not one JSON object: rows of name, token,
reason.
"""

import json
from collections.abc import Iterator

from rbac.guard.identity.errors import RejectionReason
from tests.support.issuer import Issuer, base64url

Row = tuple[str, str, RejectionReason]


def misspelt(issuer: Issuer) -> Iterator[Row]:
    good = issuer.token()
    header, payload, signature = good.split(".")
    spellings = {
        "empty": "",
        "one dot": ".",
        "two dots": "..",
        "three dots": "...",
        "one segment": header,
        "two segments": f"{header}.{payload}",
        "unsigned, with its last dot": f"{header}.{payload}.",
        "four segments": f"{good}.{signature}",
        "five segments, as an encrypted refresh token": f"{header}..{payload}.{payload}.{signature}",
        "no header": f".{payload}.{signature}",
        "no payload": f"{header}..{signature}",
        "a space in front": f" {good}",
        "a space behind": f"{good} ",
        "a newline behind": f"{good}\n",
        "a carriage return inside": f"{header}.{payload}\r\n.{signature}",
        "a tab inside": f"{header}.\t{payload}.{signature}",
        "a NUL behind": f"{good}\0",
        "a NUL inside": f"{header}.{payload}.\0{signature}",
        "padded header": f"{header}=.{payload}.{signature}",
        "padded payload": f"{header}.{payload}==.{signature}",
        "padded signature": f"{good}==",
        "junk inside the signature": f"{header}.{payload}.{signature[:9]}!*{signature[9:]}",
        "junk inside the header": f"{header[:5]}~{header[5:]}.{payload}.{signature}",
        "a letter outside ASCII": f"{header}.{payload}.{signature[:-1]}é",
        "a full-width dot": f"{header}．{payload}.{signature}",
        "digits of another script": f"{header}.{payload}.{signature[:-1]}٣",
        "half a surrogate pair": f"{header}.{payload}.{signature}\ud800",
        "percent-encoded": good.replace(".", "%2E"),
        "its scheme twice": f"Bearer {good}",
        "two tokens": f"{good} {good}",
        "two tokens with a comma": f"{good},{good}",
        "in quotes": f'"{good}"',
        "the JSON serialization": json.dumps(
            {"protected": header, "payload": payload, "signature": signature}
        ),
        "the word undefined": "undefined",
        "the word null": "null",
        "a length that no base64 has": f"{header}.{payload}.AAAAA",
    }
    for name, token in spellings.items():
        yield name, token, "malformed"
    yield "the standard alphabet", _standard_alphabet(issuer), "malformed"
    for name, token in _stray_bits(issuer):
        yield name, token, "malformed"


def _standard_alphabet(issuer: Issuer) -> str:
    # "?>" in a claim makes a `/` or a `+` in the payload, and this signature is right for just that spelling.
    header, payload, _ = issuer.token(note="???>>>???>>>???").split(".")
    return issuer.sign_segments(header, payload.replace("_", "/").replace("-", "+"))


def _stray_bits(issuer: Issuer) -> Iterator[tuple[str, str]]:
    """The last letter's unused bits set: the same bytes, spelt otherwise. Header and payload are signed as
    spelt.
    """
    header, payload, signature = issuer.token().split(".")
    yield "stray bits in the signature", f"{header}.{payload}.{_next_letter(signature)}"
    uneven = next(text for text in _payloads(issuer) if len(text) % 4)
    yield "stray bits in the payload", issuer.sign_segments(header, _next_letter(uneven))
    yield "padding that was signed", issuer.sign_segments(header, uneven + "=" * (-len(uneven) % 4))
    yield "junk in the payload that was signed", issuer.sign_segments(header, f"{payload[:7]}!{payload[7:]}")


def _payloads(issuer: Issuer) -> Iterator[str]:
    for length in range(3):
        yield base64url(json.dumps(issuer.claims(note="x" * length)).encode())


def _next_letter(segment: str) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return segment[:-1] + letters[letters.index(segment[-1]) + 1]


def not_json(issuer: Issuer) -> Iterator[Row]:
    claims = json.dumps(issuer.claims())
    body = claims[1:-1]
    role_claim, role = issuer.form.role_claim.partition(".")[0], issuer.form.role
    if role_claim not in issuer.form.claims:
        role_claim = issuer.form.role_claim
    sub, algorithm = issuer.form.claims["sub"], issuer.scheme.name
    documents: dict[str, str | bytes] = {
        "a list": f"[{claims}]",
        "a string": '"claims"',
        "null": "null",
        "a number": "1",
        "nothing but a space": " ",
        "text": "sub=alice",
        "cut short": claims[:-1],
        "more behind it": claims + "{}",
        "single quotes": claims.replace('"', "'"),
        "a comment": "/* */" + claims,
        "a trailing comma": "{" + body + ",}",
        "a byte-order mark": "\ufeff" + claims,
        "UTF-16": claims.encode("utf-16-le"),
        "bytes that are not UTF-8": claims.encode().replace(b"alice", b"\xff\xfe"),
        "an overlong UTF-8 sequence": claims.encode().replace(b"alice", b"\xc0\xae"),
        "a raw newline in a string": claims.replace("alice", "al\nice"),
        "a raw NUL in a string": claims.replace("alice", "al\0ice"),
        "sub twice": "{" + body + ', "sub": "root"}',
        "sub twice, once escaped": "{" + body + ', "s\\u0075b": "root"}',
        "exp twice": "{" + body + ', "exp": 9999999999}',
        "the role twice": "{" + body + f', "{role_claim}": "user"}}',
        "a nested member twice": "{" + body + ', "address": {"a": 1, "a": 2}}',
        "NaN": "{" + body + ', "x": NaN}',
        "Infinity": "{" + body + ', "x": Infinity}',
        "minus Infinity": "{" + body + ', "x": -Infinity}',
        "exp NaN": claims.replace('"exp": ', '"exp": NaN, "was": '),
        "exp Infinity": claims.replace('"exp": ', '"exp": Infinity, "was": '),
        "exp 1e400": claims.replace('"exp": ', '"exp": 1e400, "was": '),
        "iat minus 1e400": claims.replace('"iat": ', '"iat": -1e400, "was": '),
        "a nested 1e999": "{" + body + ', "x": [1e999]}',
        "exp of 5,000 digits": claims.replace('"exp": ', '"exp": ' + "9" * 5000 + ', "was": '),
        "an integer of 30 digits": "{" + body + ', "x": ' + "9" * 30 + "}",
        "lists nested 2,000 deep": "{" + body + ', "x": ' + "[" * 2000 + "]" * 2000 + "}",
        "lists opened 4,000 times": "[" * 4000,
        "objects nested 600 deep": "{" + body + ', "x": ' + '{"a":' * 600 + "1" + "}" * 600 + "}",
        "objects nested 17 deep": "{" + body + ', "x": ' + '{"a":' * 17 + "1" + "}" * 17 + "}",
        "half a surrogate pair in sub": claims.replace(sub, "\\ud800"),
        "half a surrogate pair in the role": claims.replace(f'"{role}"', '"\\udfff"'),
        "half a surrogate pair in a name": "{" + body + ', "\\udc00": 1}',
        "half a surrogate pair, nested": "{" + body + ', "x": [{"y": "\\uD83D"}]}',
    }
    for name, document in documents.items():
        raw = document.encode() if isinstance(document, str) else document
        yield f"payload: {name}", issuer.sign(raw), "malformed"
    header = f'"kid": "{issuer.kid}", "alg": "{algorithm}"'
    headers: dict[str, str | bytes] = {
        "a list": f'["kid", "{issuer.kid}"]',
        "a string": f'"{algorithm}"',
        "null": "null",
        "text": algorithm,
        "cut short": "{" + header,
        "more behind it": "{" + header + "}}",
        "a byte-order mark": "\ufeff{" + header + "}",
        "bytes that are not UTF-8": b'{"kid": "\xff", "alg": "%s"}' % algorithm.encode(),
        "alg twice": '{"alg": "none", ' + header + "}",
        "kid twice": '{"kid": "x", ' + header + "}",
        "alg twice, once escaped": '{"\\u0061lg": "none", ' + header + "}",
        "NaN": "{" + header + ', "x": NaN}',
        "nested 1,500 deep": "{" + header + ', "x": ' + "[" * 1500 + "]" * 1500 + "}",
        "half a surrogate pair in kid": f'{{"alg": "{algorithm}", "kid": "\\ud800"}}',
    }
    for name, text in headers.items():
        raw = text.encode() if isinstance(text, str) else text
        yield f"header: {name}", issuer.sign(json.dumps(issuer.claims()).encode(), raw), "malformed"
