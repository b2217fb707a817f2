"""The last line of defence for what must never be logged. Nothing is meant to reach it: no code logs a token.

It works on rendered text, where message, arguments, extra fields and traceback have all come together. Every
pattern is linear in the text's length, because part of the text comes from callers.
"""

import re

MARK = "[redacted]"

_QUOTE = r"\\{0,4}[\"']"
_PATTERNS = (
    # Anything that starts like a JSON object in base64url: a token in compact form, or one of its parts.
    (re.compile(r"eyJ[\w=-]{8,}(?:\.[\w=-]*)*", re.ASCII), MARK),
    # A challenge also says Bearer; what follows there is no credential.
    (
        re.compile(
            r"\b(Bearer|Basic|Negotiate|DPoP)((?:\s|%20|\+){1,8})(?!realm=|error=|scope=)[\w.~+/%=-]+",
            re.ASCII | re.IGNORECASE,
        ),
        rf"\1\2{MARK}",
    ),
    # The header itself, whatever its scheme: as a line (up to its end), in a dict, or in ASGI's list of pairs.
    (
        re.compile(
            rf"(\b(?:proxy-)?authorization(?:{_QUOTE})?\s{{0,8}}[:=,]\s{{0,8}}b?(?:{_QUOTE})?)"
            r"(?!(?:Bearer|Basic|Negotiate|DPoP)\b)[\w.~+/%=-][^\"'\\\n]*",
            re.ASCII | re.IGNORECASE,
        ),
        rf"\1{MARK}",
    ),
    # The password in a URL.
    (re.compile(r"(://[^\s:/@\"']{0,64}:)[^\s/@\"']{1,256}@", re.ASCII), rf"\1{MARK}@"),
)
# What a text must hold for any pattern to meet; far cheaper to look for than the patterns.
_SUSPECT = re.compile(r"eyJ|bearer|basic|negotiate|dpop|authorization|://", re.IGNORECASE)


def redacted(text: str) -> str:
    """``text`` with everything that looks like a credential replaced by ``[redacted]``."""
    if _SUSPECT.search(text) is None:
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text
