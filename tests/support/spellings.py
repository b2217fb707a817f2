"""Spellings of a path that servers may take for it, and servers' own ways of reading a target, for tests of both."""

import random
from urllib.parse import quote

DENIED = "/app/public/internal/x"
DENIED_PREFIX = "/app/public/internal/"

# Each opens, behind some server, what a policy denies inside `/app/public/*`.
TRICKS = (
    "/app/public/..;/admin/x",
    "/app/public/..;a=b/admin/x",
    "/app/public/%2e%2e;/admin/x",
    "/app/public/%2e%2e%3b/admin/x",
    "/app/public/internal;/x",
    "/app/public/internal;v=1/x",
    "/app/public/internal%3b/x",
    "/app/public/internal%253b/x",
    "/app/public/x;/../internal/x",
    "/app/public/../admin/x",
    "/app/public/%2e%2e/admin/x",
    "/app/public/%252e%252e/admin/x",
    "/app/public/%25252e%25252e/admin/x",
    "/app/public/%2569nternal/x",
    "/app/public/%69nternal/x",
    "/app/public/internal/x%23",
    "/app/public/internal/x%3fy",
    "/app/public/internal./x",
    "/app/public/internal%20/x",
    "/app/public/%EF%BD%89nternal/x",
    "/app/public/%EF%BC%8E%EF%BC%8E/admin/x",
    "/app/public/x%5c..%5cinternal/x",
    "/app/public/x%2f..%2finternal/x",
    "/app/public//internal/x",
    "/app/public/./internal/x",
    "/app/public/%u002e%u002e/admin/x",
    "/app/public/internal%00/x",
)


def spelling(chance: random.Random) -> str:
    """A target that some server may take for ``DENIED``."""
    spelt = list(DENIED)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(1, len(spelt))
        match chance.randrange(9):
            case 0:
                spelt[place] = "".join(f"%{byte:02x}" for byte in spelt[place].encode())
            case 1:
                spelt[place] = spelt[place].replace("%", "%25")
            case 2:
                spelt.insert(
                    place, chance.choice(["/.", "/..", "/x/..", "/%2e", "/", "\\..", "/..;", "/..;/"])
                )
            case 3:
                slashes = [at for at, text in enumerate(spelt) if text == "/" and at > 0] or [len(spelt)]
                spelt.insert(chance.choice(slashes), chance.choice([";", ";v=1", "%3b", "%3Bv", "%253b"]))
            case 4:
                spelt.append(chance.choice(["%23", "%23/../y", "%3fy", ";y", "%2523y", ";a=b/c"]))
            case 5 if spelt[place] == "/":
                spelt[place] = chance.choice(["\\", "%5c", "%2f", "%252f", "%EF%BC%8F", "%255c"])
            case 6:
                spelt[place] = chance.choice(["%25%36%31", quote(chr(ord(spelt[place][0]) + 0xFEE0))])
            case 7:
                spelt[0:0] = list(chance.choice(["/app/..", "/..", "/.;", "/a/%2e%2e", "/%252e", "/b/..;c"]))
            case _:
                spelt.insert(place, chance.choice(["%20", ".", "%00", "%u002e", "%25u002e"]))
    return "".join(spelt)
