"""What spreadsheets and editors save in a policy's place is named for what it is, and `rbac fmt` makes a policy of it."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from rbac.document.document import Document, check_bytes
from rbac.document.formatting import format_policy
from rbac.errors import Problem
from rbac.linting.lint import lint
from tests.support.command import Workshop

SHOP: Final = Path(__file__).parents[2] / "data" / "edits" / "shop"
MODEL: Final = (SHOP / "model.conf").read_bytes()
POLICY: Final = (SHOP / "policy.csv").read_text(encoding="utf-8")
SHOP_READ: Final = Document.parse(MODEL, POLICY.encode())

Cells = list[list[str]]


def opened(*, stripped: bool = True) -> Cells:
    """The policy as a spreadsheet shows it: a row a line, a cell between commas."""
    rows = [line.split(",") for line in POLICY.splitlines()]
    return [[cell.strip() if stripped else cell for cell in row] for row in rows]


def saved(
    rows: Cells, separator: str, *, end: str = "\r\n", pad: bool = True, every: bool = False, also: str = ""
) -> str:
    """The rows as Excel and LibreOffice write them: filled up to the longest, and quoted where a cell holds a separator,
    a quote or one of ``also``, or ``every`` cell."""
    out = io.StringIO()
    width = max(map(len, rows)) if pad else 0
    for row in rows:
        filled = [*row, *[""] * (width - len(row))]
        quoted = [
            '"' + cell.replace('"', '""') + '"'
            if (every and cell) or any(sign in cell for sign in (separator, '"', *also))
            else cell
            for cell in filled
        ]
        out.write(separator.join(quoted) + end)
    return out.getvalue()


def in_one_column() -> Cells:
    """The policy in a spreadsheet that parts at semicolons: a whole line in the first cell."""
    return [[line] for line in POLICY.splitlines()]


SAVES: Final[dict[str, Callable[[], bytes]]] = {
    "Excel, CSV": lambda: saved(opened(), ",").encode("cp1252"),
    "Excel, CSV UTF-8": lambda: saved(opened(), ",").encode("utf-8-sig"),
    "Excel, CSV UTF-8, spaces kept": lambda: saved(opened(stripped=False), ",").encode("utf-8-sig"),
    "Excel in German, CSV": lambda: saved(opened(), ";").encode("cp1252"),
    "Excel in German, CSV UTF-8": lambda: saved(opened(stripped=False), ";").encode("utf-8-sig"),
    "Excel, Unicode text": lambda: saved(opened(), "\t", also=",").encode("utf-16"),
    "Excel, text with tabs": lambda: saved(opened(), "\t", also=",").encode("cp1252"),
    "Excel, one column": lambda: saved(in_one_column(), ",").encode("utf-8-sig"),
    "LibreOffice, commas": lambda: saved(opened(), ",", end="\n").encode(),
    "LibreOffice, semicolons": lambda: saved(opened(), ";", end="\n").encode(),
    "LibreOffice, tabs": lambda: saved(opened(), "\t", end="\n").encode(),
    "LibreOffice, every cell quoted": lambda: saved(opened(), ",", end="\n", every=True).encode(),
    "LibreOffice, every cell quoted, semicolons": lambda: saved(opened(), ";", end="\n", every=True).encode(),
    "LibreOffice, one column": lambda: saved(in_one_column(), ";", end="\n", every=True).encode(),
    "Numbers, not filled up": lambda: saved(opened(), ";", pad=False).encode(),
    "Notepad, Unicode": lambda: POLICY.replace("\n", "\r\n").encode("utf-16"),
    "Notepad, Unicode big endian": lambda: b"\xfe\xff" + POLICY.encode("utf-16-be"),
    "UTF-16 without a mark": lambda: POLICY.encode("utf-16-le"),
    "UTF-32": lambda: POLICY.encode("utf-32"),
    "Latin-1 in a comment": lambda: (POLICY + "# für Jörg Müller\n").encode("latin-1"),
    "Shift JIS in a comment": lambda: (POLICY + "# 監査のために\n").encode("cp932"),
    "EUC-JP in a comment": lambda: (POLICY + "# 監査のために\n").encode("euc-jp"),
}


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES.keys())
def test_a_save_becomes_the_policy_that_it_was(save: Callable[[], bytes]) -> None:
    tidied = format_policy(save(), SHOP_READ.definition)
    document = Document.parse(MODEL, tidied.encode())
    assert document.rows == SHOP_READ.rows
    assert lint(document) == ()
    assert "\r" not in tidied
    assert ',"' not in tidied
    assert format_policy(tidied, SHOP_READ.definition) == tidied


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES.keys())
def test_a_save_is_told_to_a_person_with_what_to_do(save: Callable[[], bytes]) -> None:
    _, problems = check_bytes(MODEL, save())
    assert problems
    assert all("rbac fmt" in problem.hint or "UTF-8" in problem.hint for problem in problems)


def test_comments_and_blank_lines_survive_a_spreadsheet() -> None:
    tidied = format_policy(SAVES["Excel, CSV UTF-8"](), SHOP_READ.definition)
    assert [line for line in tidied.splitlines() if line[:1] == "#"] == [
        ",".join(part.strip() for part in line.split(",")) for line in POLICY.splitlines() if line[:1] == "#"
    ]
    one_column = format_policy(SAVES["Excel, one column"](), SHOP_READ.definition)
    assert one_column == format_policy(POLICY, SHOP_READ.definition)


def test_the_command_makes_the_file_clean(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.write("model.conf", MODEL)
    shop.write("policy.csv", SAVES["Excel in German, CSV UTF-8"]())
    assert shop.rbac("check").code == 1
    assert shop.rbac("fmt").code == 0
    done = shop.rbac("check", "--strict")
    assert done.code == 0, done.out


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("p, Jörg, /refunds, GET, allow\n".encode("latin-1"), "1:5"),
        ("p, 監査, /refunds, GET, allow\n".encode("cp932"), "1:4"),
    ],
)
def test_letters_of_an_uncertain_encoding_in_a_rule_are_not_guessed(
    content: bytes, place: str, tmp_path: Path
) -> None:
    shop = Workshop(tmp_path)
    shop.write("policy.csv", content)
    done = shop.rbac("fmt")
    assert done.code == 2
    assert place in done.err
    assert shop.policy.read_bytes() == content


def test_quotes_that_are_part_of_a_word_stay_for_their_meaning() -> None:
    line = 'p, "user", /b, GET, allow\n'
    assert format_policy(line, SHOP_READ.definition) == line


def errors_of(line: str) -> list[Problem]:
    """What reading says of a line in the shop's policy."""
    _, problems = check_bytes(MODEL, (POLICY + line + "\n").encode())
    assert {problem.line for problem in problems} <= {POLICY.count("\n") + 1}
    return [problem for problem in problems if problem.severity == "error"]


@pytest.mark.parametrize(
    ("line", "code", "hint"),
    [
        *(
            (
                f"p{sign}support{sign}/refunds{sign}GET{sign}allow",
                "wrong-separator",
                "`p, support, /refunds, GET, allow`",
            )
            for sign in ";\t、，；|"
        ),
        ("p、 support、 /refunds、 GET、 allow", "wrong-separator", "`p, support, /refunds, GET, allow`"),
        ("p, support，/refunds, GET, allow", "wrong-separator", "`p, support, /refunds, GET, allow`"),
        ("p, support; /refunds; GET; allow", "wrong-separator", "`p, support, /refunds, GET, allow`"),
        ("p support /refunds GET allow", "wrong-separator", "`p, support, /refunds, GET, allow`"),
        ("g;lead;manager", "wrong-separator", "`g, lead, manager`"),
        ('"p","support","/refunds","GET","allow"', "wrong-separator", "`p, support, /refunds, GET, allow`"),
        ('"p, support, /refunds, GET, allow"', "wrong-separator", "`p, support, /refunds, GET, allow`"),
        ("<<<<<<< HEAD", "merge-conflict", "delete the marks"),
        ("=======", "merge-conflict", "delete the marks"),
        (">>>>>>> theirs", "merge-conflict", "delete the marks"),
        ("||||||| base", "merge-conflict", "delete the marks"),
        ("; a comment", "unknown-type", "`# a comment`"),
        ("// a comment", "unknown-type", "`# a comment`"),
        ("-- a comment", "unknown-type", "`# a comment`"),
        ("＃ a comment", "unknown-type", "`# a comment`"),
        ('"# a comment, quoted",,,,', "unknown-type", "`rbac fmt`"),
        (",,,,", "unknown-type", "`rbac fmt`"),
        (";;;;", "unknown-type", "`rbac fmt`"),
        ("P, support, /refunds, GET, allow", "unknown-type", "did you mean `p`?"),
        ("role, path, method, effect", "unknown-type", "begin the line with `#`"),
        ("allow, support, /refunds, GET", "unknown-type", "`p, role, obj, act, eft`"),
        ("p2, support, /refunds, GET, allow", "unknown-type", "`p`, `g`"),
        ('p, support, "/refunds,/reports", GET, allow', "wrong-width", "quotes do not protect a comma"),
        ("p, support, /refunds, GET, allow # May, June", "wrong-width", "a line of its own"),
        ("p, support, /refunds, GET,POST, allow", "wrong-width", "a line for `GET` and one for `POST`"),
        ("p, support, /refunds, GET, allow,,,", "wrong-width", "`rbac fmt`"),
        ("g, support, /refunds, GET, allow", "wrong-width", "`p, support, /refunds, GET, allow`"),
        ("p, lead, manager", "wrong-width", "`g, lead, manager`"),
        ("p, support, /refunds, GET, Allow", "unknown-effect", "write `allow`"),
        ("p, support, /refunds, GET, permit", "unknown-effect", "write `allow`"),
        ("p, support, /refunds, GET, forbidden", "unknown-effect", "write `deny`"),
        ('p, support, /refunds, GET, "deny"', "unknown-effect", "write `deny`"),
        ("p, support, /refunds, GET, deny # until May", "unknown-effect", "write `deny`"),
        ("p, support, /refunds, allow, GET", "unknown-effect", "`p, role, obj, act, eft`"),
        ("p, support, /refunds, GET,", "unknown-effect", "write `allow` or `deny`"),
    ],
)
def test_a_line_that_is_no_row_is_named_for_what_it_is(line: str, code: str, hint: str) -> None:
    (problem,) = errors_of(line)
    assert problem.code == code
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (POLICY.encode("utf-16"), "UTF-16"),
        (POLICY.encode("utf-16-le"), "UTF-16"),
        (POLICY.encode("utf-16-be"), "UTF-16"),
        ("# für Jörg\n".encode("latin-1"), "in Latin-1 (Windows-1252) the word would be `für`"),
        ("# 監査のために\n".encode("cp932"), "in Shift JIS the word would be `監査のために`"),
        ("# 監査のために\n".encode("euc-jp"), "in EUC-JP the word would be `監査のために`"),
    ],
)
def test_another_encoding_is_called_by_its_name(content: bytes, said: str) -> None:
    document, (problem,) = check_bytes(MODEL, content)
    assert document is None
    assert problem.code == "undecodable"
    assert said in problem.message


def test_a_spreadsheet_s_own_reading_agrees_with_the_saves() -> None:
    rows = list(csv.reader(io.StringIO(saved(opened(), ";")), delimiter=";"))
    assert [[cell for cell in row if cell] for row in rows] == [
        [cell for cell in row if cell] for row in opened()
    ]
