"""fmt tidies a policy file and never changes what it says."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rbac.document.document import Document, check_bytes, parse_definition
from rbac.document.formatting import format_model, format_policy
from rbac.errors import PolicyError
from tests.support.documents import MODEL, POLICY

DEFINITION = parse_definition(MODEL)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "p,everyone, /,GET , allow\np,admin,/admin,DELETE,deny\n",
            "p, everyone, /,      GET,    allow\np, admin,    /admin, DELETE, deny\n",
            id="columns of rows that follow each other are aligned",
        ),
        pytest.param(
            "p, a, /, GET, allow\n\n# note  \np, longer, /, GET, allow\ng, a, b\n",
            "p, a, /, GET, allow\n\n# note\np, longer, /, GET, allow\ng, a, b\n",
            id="comments and blank lines stay, and end what is aligned",
        ),
        pytest.param(
            "\ufeffp, a, /, GET, allow\r\n", "p, a, /, GET, allow\n", id="no byte-order mark, no CRLF"
        ),
        pytest.param(
            "p, a, /, GET, allow,,\ng, a, b,,,\n",
            "p, a, /, GET, allow\ng, a, b\n",
            id="a spreadsheet's columns",
        ),
        pytest.param(
            "p, a, /\nx, y\np, a], /\n", "p, a, /\nx, y\np, a], /\n", id="what cannot be read is left alone"
        ),
        pytest.param("p, a, /, GET, allow\n\n\n", "p, a, /, GET, allow\n", id="one line end at the end"),
        pytest.param(
            "p, a, /, GET, allow, x,\n", "p, a, /, GET, allow, x\n", id="a column too many is not empty"
        ),
        pytest.param("", "", id="nothing"),
        pytest.param(
            "p, a, /(x, y), GET, allow", "p, a, /(x, y), GET, allow\n", id="a comma in brackets parts nothing"
        ),
        pytest.param(
            "p, 管理者, /, GET, allow\np, a, /, GET, allow\n",
            "p, 管理者, /, GET, allow\np, a,      /, GET, allow\n",
            id="an East Asian letter is two columns wide",
        ),
    ],
)
def test_a_file_is_tidied(before: str, after: str) -> None:
    assert format_policy(before, DEFINITION) == after


def test_without_a_model_no_column_is_taken_for_superfluous() -> None:
    assert format_policy("p, a,,\n") == "p, a, ,\n"


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(PolicyError, match="undecodable"):
        format_policy(b"p, \xff")
    with pytest.raises(PolicyError, match="control-character"):
        format_policy(b"p, \x00")


def test_a_model_loses_its_byte_order_mark_and_crlf_and_keeps_its_meaning() -> None:
    tidied = format_model(b"\xef\xbb\xbf" + MODEL.replace(b"\n", b" \r\n"))
    assert tidied.encode() == MODEL


def test_the_shipped_policy_survives_tidying_with_its_meaning() -> None:
    tidied = format_policy(POLICY, DEFINITION)
    assert Document.parse(MODEL, tidied.encode()).rows == Document.parse(MODEL, POLICY).rows
    assert [line for line in tidied.split("\n") if line.startswith("#")] == [
        line.rstrip() for line in POLICY.decode().split("\n") if line.startswith("#")
    ]


WORDS = st.text(alphabet="ab/*.:{}[]()#\"' \t\u3000é管", max_size=8)
ROWS = st.builds(
    lambda *words: ",".join(words), st.sampled_from(["p", " p "]), WORDS, WORDS, WORDS, st.just("allow")
)
LINKS = st.builds(lambda a, b: f"g, {a},{b}", WORDS, WORDS)
OTHER = st.one_of(st.sampled_from(["", "   ", "# a, b,,", "p, x", "q, y"]), WORDS)


@settings(max_examples=300, deadline=None)
@example(lines=['""'], mark=False, end="\n")
@example(lines=['"# see [1, 2"', '"# 1)"'], mark=False, end="\n")
@example(lines=["p, a, /x, GET, allow", ",,,"], mark=True, end="\r\n")
@given(st.lists(st.one_of(ROWS, LINKS, OTHER), max_size=6), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_tidying_keeps_the_meaning_and_tidying_twice_changes_nothing(
    lines: list[str], mark: bool, end: str
) -> None:
    content = (("\ufeff" if mark else "") + end.join(lines)).encode()
    tidied = format_policy(content, DEFINITION)
    assert format_policy(tidied, DEFINITION) == tidied
    document, problems = check_bytes(MODEL, content)
    again, found = check_bytes(MODEL, tidied.encode())
    if document is not None:
        assert again is not None
        assert again.rows == document.rows
        assert not {problem.code for problem in found} & {"byte-order-mark", "crlf"}
    else:
        # A refused document is mended where each of its problems said so, and nowhere else.
        mended = all("`rbac fmt`" in problem.hint for problem in problems if problem.severity == "error")
        assert again is None or mended
