"""Why a line is no row, to the letter: where it goes wrong, by which code, in which sentence, and what to write instead."""

import re

import pytest

from rbac.document.document import check_bytes
from rbac.errors import Problem
from tests.support.documents import MODEL

ROW = "`p, user, /x, GET, allow`"
COLUMNS = "`p, role, obj, act, eft`"
FOUR = "a `p` line has 4 columns behind its type, and this one has"
TWO = "a `g` line has 2 columns behind its type, and this one has"
WIDE = "write it as `p, role, obj, act, eft`, and delete what is too much"
NARROW = "write it as `p, role, obj, act, eft`, with a comma before every column"
OWN_LINE = "a comment stands on a line of its own, which begins with `#`"
WHOLE = f"write {ROW}, or run `rbac fmt` for the whole file"
PARTED = "the columns are parted by {}, and not by commas"
NO_TYPE = "`{}` is no type of line, and Casbin would ignore it"
BEGIN = "begin the line with `p`, `g`, or with `#` if it is a comment"
MERGE = "keep the lines of the version that is meant, and delete the marks"
NO_COMMENT = "`{}` does not begin a comment, and Casbin would ignore the line"
NO_EFFECT = "{} is neither `allow` nor `deny`, so the rule would do nothing"
ALLOW = "write `allow`, in small letters and without quotes"
DENY = "write `deny`, in small letters and without quotes"
NEITHER = "write `allow` or `deny`, in small letters, and a comment on a line of its own"
COMMENT_BEHIND = "and the comment on a line of its own that begins with `#`"

Fault = tuple[int, str, str, str]
"""The column from 1, the code, the sentence, and the hint."""

WRONG_WIDTH: dict[str, tuple[int, str, str]] = {
    "p, user, /x, GET, allow, ": (
        26,
        f"{FOUR} 5, the last of them empty",
        "run `rbac fmt`, which removes empty columns at the end",
    ),
    "p, user, /x, GET, allow,  , ,": (
        27,
        f"{FOUR} 7, the last of them empty",
        "run `rbac fmt`, which removes empty columns at the end",
    ),
    "p, user, /x, GET, allow # why, and how": (
        25,
        f"{FOUR} 5: a comment behind it counts as columns",
        OWN_LINE,
    ),
    "p, user, /x, GET, allow, // why": (26, f"{FOUR} 5: a comment behind it counts as columns", OWN_LINE),
    "p, user, /x, GET  ": (17, f"{FOUR} 3", NARROW),
    "p, user": (8, f"{FOUR} 1", NARROW),
    "p, user, /(x, y), GET": (22, f"{FOUR} 3", NARROW),
    'p, "user, /(x, GET), allow': (27, f"{FOUR} 3", NARROW),
    "p, user, /x, GET, allow, , x": (26, f"{FOUR} 6", WIDE),
    "p, user, /x, GET, allow, x, ": (26, f"{FOUR} 6", WIDE),
    "p, user, /x, a, b, allow": (20, f"{FOUR} 5", WIDE),
    "g, admin, user, x": (17, f"{TWO} 3", "write it as `g, who, role`, and delete what is too much"),
    "g, admin": (9, f"{TWO} 1", "write it as `g, who, role`, with a comma before every column"),
    "p, admin, user": (15, f"{FOUR} 2", "a line with 2 columns begins with `g`: write `g, admin, user`"),
    "g, user, /x, GET, allow": (14, f"{TWO} 4", f"a line with 4 columns begins with `p`: write {ROW}"),
    'p, "a, b", /x, GET, allow': (
        4,
        f"{FOUR} 5",
        "quotes do not protect a comma: write the word without quotes and without a comma",
    ),
    "p, user, /x, 'a, b', allow": (
        14,
        f"{FOUR} 5",
        "quotes do not protect a comma: write the word without quotes and without a comma",
    ),
    "p, 'user', /x, a, b, allow": (22, f"{FOUR} 5", WIDE),
    "p, user, /x, GET, POST, allow": (19, f"{FOUR} 5", "write a line for `GET` and one for `POST`"),
    "p, user, /x, get, post, put, allow": (
        19,
        f"{FOUR} 6",
        "write a line for `get` and one for `post` and one for `put`",
    ),
    "p, user, /x, GET, GET, allow": (24, f"{FOUR} 5", WIDE),
    "p, user, /x, GET, POST, allow, x": (25, f"{FOUR} 6", WIDE),
}

WRONG_SEPARATOR: dict[str, tuple[int, str, str]] = {
    "p; user; /x; GET; allow": (1, PARTED.format("semicolons"), WHOLE),
    "p; user; /x; GET; allow;;": (1, PARTED.format("semicolons"), WHOLE),
    "g; admin; ": (
        1,
        PARTED.format("semicolons"),
        "write `g, admin, `, or run `rbac fmt` for the whole file",
    ),
    "p; user, /x; GET; allow": (1, PARTED.format("semicolons"), WHOLE),
    "p\tuser\t/x\tGET\tallow": (1, PARTED.format("tabs"), WHOLE),
    "p user /x GET allow": (1, PARTED.format("spaces"), f"write {ROW}"),
    "  p|user|/x|GET|allow": (3, PARTED.format("bars"), WHOLE),
    "p｜user｜/x｜GET｜allow": (1, PARTED.format("full-width bars"), WHOLE),
    "p、user、/x、GET、allow": (1, PARTED.format("Japanese commas"), WHOLE),
    "p､user､/x､GET､allow": (1, PARTED.format("half-width Japanese commas"), WHOLE),
    "p，user，/x，GET，allow": (1, PARTED.format("full-width commas"), WHOLE),
    "p；user；/x；GET；allow": (1, PARTED.format("full-width semicolons"), WHOLE),
    "p،user،/x،GET،allow": (1, PARTED.format("Arabic commas"), WHOLE),
    "p； user； /x, GET, allow": (1, PARTED.format("full-width semicolons"), WHOLE),
    '"p", "user", "/x", "GET", "allow"': (1, "the words are in quotes, which would be part of them", WHOLE),
    '"p","user","/x","GET","allow"': (1, "the words are in quotes, which would be part of them", WHOLE),
    '"p, user, /x, GET, allow"': (1, "the words are in quotes, which would be part of them", WHOLE),
    '"p, user, /x, GET, allow",,': (1, "the words are in quotes, which would be part of them", WHOLE),
    "p, user, /x， GET, allow": (
        12,
        "`，` (fullwidth comma) is no comma, so two columns are one",
        f"write {ROW}",
    ),
    "p, user; /x, GET, allow": (8, "`;` (semicolon) is no comma, so two columns are one", f"write {ROW}"),
    "p, user; /x; GET, allow": (8, "`;` (semicolon) is no comma, so two columns are one", f"write {ROW}"),
    "p, user\t/x, GET, allow": (8, "`\t` (tab) is no comma, so two columns are one", f"write {ROW}"),
}

MERGE_CONFLICT: dict[str, tuple[int, str, str]] = {
    line: (1, f"`{line[:7]}` is the mark of two versions that were not merged", MERGE)
    for line in ("<<<<<<< HEAD", "=======", "||||||| base", ">>>>>>> theirs")
}

UNKNOWN_TYPE: dict[str, tuple[int, str, str]] = {
    # With a word more than a row has it is none, by whatever its words are parted.
    '"g, admin, user", x': (1, NO_TYPE.format('"g'), "did you mean `g`?"),
    "p; user; /x; GET; allow; extra": (1, NO_TYPE.format("p; user; /x; GET; allow; extra"), BEGIN),
    # A word that holds a comma cannot be written.
    'p;"a, b";/x;GET;allow': (1, NO_TYPE.format('p;"a'), BEGIN),
    "========": (1, NO_TYPE.format("========"), BEGIN),
    ",,,,": (1, "the line holds nothing but separators", "delete it, or run `rbac fmt`"),
    ";;;": (1, "the line holds nothing but separators", "delete it, or run `rbac fmt`"),
    '"",""': (1, "the line holds nothing but separators", "delete it, or run `rbac fmt`"),
    '"# a, b"': (1, "the comment is in quotes, so it is none", "begin the line with `#`, or run `rbac fmt`"),
    '"# (': (1, "the comment is in quotes, so it is none", "begin the line with `#`, or run `rbac fmt`"),
    "// note": (1, NO_COMMENT.format("//"), "write `# note`"),
    "/// note": (1, NO_COMMENT.format("///"), "write `# note`"),
    "  ; note, more": (3, NO_COMMENT.format(";"), "write `# note, more`"),
    "-- note": (1, NO_COMMENT.format("--"), "write `# note`"),
    "/* note": (1, NO_COMMENT.format("/*"), "write `# note`"),
    "<!-- note": (1, NO_COMMENT.format("<!--"), "write `# note`"),
    "% note": (1, NO_COMMENT.format("%"), "write `# note`"),
    "' note": (1, NO_COMMENT.format("'"), "write `# note`"),
    "＃ note": (1, NO_COMMENT.format("＃"), "write `# note`"),
    "REM note": (1, NO_COMMENT.format("REM"), "write `# note`"),
    "rem": (1, NO_COMMENT.format("rem"), "write `# `"),
    "remote, x": (1, NO_TYPE.format("remote"), BEGIN),
    "P, user, /x, GET, allow": (1, NO_TYPE.format("P"), "did you mean `p`?"),
    "ｐ, user, /x, GET, allow": (1, NO_TYPE.format("ｐ"), "did you mean `p`?"),
    # What stands in quotes is a rule, and not a comment: as one it would be lost.
    "'p', 'user', '/x', 'GET', 'deny'": (1, NO_TYPE.format("'p'"), "did you mean `p`?"),
    '"G", admin, user': (1, NO_TYPE.format('"G"'), "did you mean `g`?"),
    "role, path, method": (
        1,
        NO_TYPE.format("role"),
        "if this names the columns, begin the line with `#`: `# p, role, obj, act, eft`",
    ),
    "Sub, x": (
        1,
        NO_TYPE.format("Sub"),
        "if this names the columns, begin the line with `#`: `# p, role, obj, act, eft`",
    ),
    "allow, user, /x, GET": (1, NO_TYPE.format("allow"), f"a rule is written {COLUMNS}"),
    "link, a, b": (1, NO_TYPE.format("link"), f"a rule is written {COLUMNS}"),
    " hello": (2, NO_TYPE.format("hello"), BEGIN),
    "p2, a": (1, NO_TYPE.format("p2"), BEGIN),
    ", user, /x, GET, allow": (
        1,
        "the line has no type in front of its first comma, and Casbin would ignore it",
        BEGIN,
    ),
}

UNBALANCED: dict[str, tuple[int, str, str]] = {
    "p, user, /(x, GET, allow": (
        11,
        "the `(` is never closed, so the rest of the line would be one column",
        "close it, or delete it",
    ),
    "p, user, /(x[, GET, allow": (
        13,
        "the `[` is never closed, so the rest of the line would be one column",
        "close it, or delete it",
    ),
    "p, user, /x), GET, allow": (12, "the `)` closes nothing", "delete it, or open it before"),
    "p, user, /x, GET, allow]": (24, "the `]` closes nothing", "delete it, or open it before"),
}

UNKNOWN_EFFECT: dict[str, tuple[int, str, str]] = {
    f"p, user, /x, GET,  {effect}": (20, NO_EFFECT.format(f"the effect `{effect}`"), hint)
    for effect, hint in {
        "Allow": ALLOW,
        "ALLOWED": ALLOW,
        "ＡＬＬＯＷ": ALLOW,
        '"allow"': ALLOW,
        "allow;": ALLOW,
        "1": ALLOW,
        "許可": ALLOW,
        "'deny'": DENY,
        "block": DENY,
        "0": DENY,
        "拒否": DENY,
        "allow # why": f"write `allow`, {COMMENT_BEHIND}",
        "deny -- why": f"write `deny`, {COMMENT_BEHIND}",
        "deny//why": f"write `deny`, {COMMENT_BEHIND}",
        "maybe": NEITHER,
        "allow why": NEITHER,
    }.items()
} | {
    "p, allow, user, /x, GET": (
        21,
        NO_EFFECT.format("the effect `GET`"),
        f"the columns are in another order: write them as {COLUMNS}",
    ),
    "p, user, deny, GET, /x": (
        21,
        NO_EFFECT.format("the effect `/x`"),
        f"the columns are in another order: write them as {COLUMNS}",
    ),
    "p, user, /x, GET, ": (19, NO_EFFECT.format("the empty effect"), NEITHER),
}

FAULTS: list[tuple[str, Fault]] = [
    (line, (column, code, message, hint))
    for code, lines in {
        "wrong-width": WRONG_WIDTH,
        "wrong-separator": WRONG_SEPARATOR,
        "merge-conflict": MERGE_CONFLICT,
        "unknown-type": UNKNOWN_TYPE,
        "unbalanced-bracket": UNBALANCED,
        "unknown-effect": UNKNOWN_EFFECT,
    }.items()
    for line, (column, message, hint) in lines.items()
]


@pytest.mark.parametrize(("line", "fault"), FAULTS, ids=[repr(line) for line, _ in FAULTS])
def test_a_line_that_is_no_row_is_told_for_what_it_is(line: str, fault: Fault) -> None:
    before = "p, user, /y, GET, allow\n# a note\n"
    document, problems = check_bytes(
        MODEL, f"{before}{line}\ng, admin, user\n".encode(), policy_name="ours.csv"
    )
    column, code, message, hint = fault
    assert document is None
    assert problems == (Problem("ours.csv", 3, column, code, "error", message, hint),)


@pytest.mark.parametrize("line", ["", "  ", "\t", "# a, (note", "   # note", "  # a (note, and more"])
def test_a_line_that_says_nothing_is_none(line: str) -> None:
    document, problems = check_bytes(MODEL, line.encode())
    assert document is not None
    assert problems == ()


def test_what_a_row_was_to_be_is_one_as_it_is_told() -> None:
    """Whoever pastes what a hint says to write has a row."""
    told = [match for _, fault in FAULTS if (match := re.match(r"write `([pg], [^`]+)`", fault[3]))]
    assert len(told) > 15
    for match in told:
        document, problems = check_bytes(MODEL, match[1].encode())
        assert (document is not None, problems) == (True, ()), match[1]


@pytest.mark.parametrize(
    ("roles", "columns"),
    [
        ("_, _", "g2, who, role"),
        ("_, _, _", "g2, who, role, domain"),
    ],
)
def test_a_link_is_written_with_what_its_columns_are_for(roles: str, columns: str) -> None:
    model = MODEL.replace(b"g = _, _", f"g = _, _\ng2 = {roles}".encode())
    _, problems = check_bytes(model, b"g2, a\n")
    assert [each.hint for each in problems] == [f"write it as `{columns}`, with a comma before every column"]
