"""A page in Japanese is the page in English: the same headings, blocks, links, code and figures, section by section."""

import re
from dataclasses import fields
from itertools import pairwise

import pytest

from tests.support.service import ROOT
from tests.support.twins import TWINS, Section, language_link, read, sections


@pytest.mark.parametrize(("page", "twin"), TWINS.items())
def test_the_two_have_the_same_headings(page: str, twin: str) -> None:
    assert [each.level for each in sections(twin, read(twin))] == [
        each.level for each in sections(page, read(page))
    ]


@pytest.mark.parametrize("part", [field.name for field in fields(Section) if field.name != "level"])
@pytest.mark.parametrize(("page", "twin"), TWINS.items())
def test_each_section_has_the_same(page: str, twin: str, part: str) -> None:
    pairs = zip(sections(page, read(page)), sections(twin, read(twin)), strict=True)
    for number, (english, japanese) in enumerate(pairs):
        expected, found = getattr(english, part), getattr(japanese, part)
        assert found == expected, f"{twin}, section {number}"


@pytest.mark.parametrize("source", [*TWINS, *TWINS.values()])
def test_each_leads_to_the_other(source: str) -> None:
    assert f"]({language_link(source)})" in (ROOT / source).read_text(encoding="utf-8")


@pytest.mark.parametrize("twin", TWINS.values())
def test_no_sentence_in_japanese_is_broken_by_a_line(twin: str) -> None:
    """The end of a line is shown as a blank, which Japanese does not have between its words."""
    lines = re.sub(
        r"^(?:<!-- [^\n]+ -->\n)?^```.*?^```$", "", read(twin), flags=re.MULTILINE | re.DOTALL
    ).splitlines()
    broken = [
        after
        for before, after in pairwise(lines)
        if re.match(r"[^|#\s]|\s+[^-*\s]", before)
        and after.strip()
        and not re.match(r"\s*(?:[|#]|[-*] |\d+\. )", after)
    ]
    assert broken == []


@pytest.mark.parametrize(
    ("was", "becomes", "part"),
    [
        ("100,000 件のルールは", "100,001 件のルールは", "figures"),
        ("docs/incident.md", "docs/review.md", "links"),
        ("`/readyz`", "`/healthz`", "words_as_code"),
        ("make bench", "make test", "words_as_code"),
        ("| `/user` | 401 | 403 | 200 | 200 |\n", "", "table_rows"),
        ("curl -i http://127.0.0.1:8000/public", "curl http://127.0.0.1:8000/public", "blocks"),
        ("### API を呼び出す方", "## API を呼び出す方", "level"),
    ],
)
def test_a_difference_is_noticed(was: str, becomes: str, part: str) -> None:
    text = read("README.ja.md")
    assert was in text
    before, after = (sections("README.ja.md", each) for each in (text, text.replace(was, becomes, 1)))
    assert [getattr(each, part) for each in before] != [getattr(each, part) for each in after]
