"""Nothing that a policy holds is more than text in Markdown: no cell, no mention, no link, no tag."""

import re

import pytest
from markdown_it import MarkdownIt

from rbac.text.markdown import code, plain, sentence, table

HOSTILE = [
    "ev`il",
    "``",
    "`",
    "a``b`c",
    "@octocat",
    "a@b.example",
    "x|y",
    "`|`",
    "<script>alert(1)</script>",
    "<!-- x",
    "[a](http://evil.example)",
    "![a](http://evil.example/x.png)",
    "**bold**",
    "~~gone~~",
    "_it_",
    "&lt;b&gt;",
    "a\nb",
    "a\u202eb",
    " padded ",
    "\\",
    "\\|",
    "http://evil.example",
    "日本語",
]


def cells(lines: list[str]) -> list[list[str]]:
    """The text of each cell of a table, as a reader sees it."""
    tokens = MarkdownIt("commonmark").enable("table").parse("\n".join(lines))
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        if token.type == "inline":
            assert not {child.type for child in token.children or ()} - {"text", "code_inline", "html_inline"}
            assert all(
                child.content == "<!-- -->" for child in token.children or () if child.type == "html_inline"
            )
            rows[-1].append(
                "".join(child.content for child in token.children or () if child.type != "html_inline")
            )
    return rows


@pytest.mark.parametrize("text", HOSTILE)
def test_code_in_a_cell_is_the_text_and_nothing_else(text: str) -> None:
    shown = text.replace("\n", "\\n").replace("\u202e", "\\u202e")
    assert cells(table(["a", "b"], [[code(text), "end"]])) == [["a", "b"], [shown, "end"]]


@pytest.mark.parametrize("text", HOSTILE)
def test_plain_text_in_a_cell_is_the_text_and_nothing_else(text: str) -> None:
    shown = text.replace("\n", "\\n").replace("\u202e", "\\u202e").strip()
    assert cells(table(["a", "b"], [[plain(text), "end"]])) == [["a", "b"], [shown, "end"]]


@pytest.mark.parametrize("text", HOSTILE)
def test_nobody_is_mentioned(text: str) -> None:
    # GitHub mentions whom an `@` stands directly in front of, but not in code.
    assert not re.search(r"@\w", plain(text))
    assert not re.search(r"@\w", re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", code(text)))


def test_what_a_sentence_quotes_is_code() -> None:
    assert sentence("one person becomes `admin`") == "one person becomes `admin`"
    assert sentence("`a|b` & *c*") == "`a\\|b` \\& \\*c\\*"
