"""What turns the direction of writing, or hides among letters, is told; what languages and emoji are written with is not."""

import pytest

from rbac.text.hidden import hidden_in_prose, hidden_in_words

TURNING = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
BETWEEN = [0x00AD, 0x061C, *range(0x200B, 0x2010), *range(0x2060, 0x2065), 0xFEFF, 0xE0041]


@pytest.mark.parametrize("place", ["# see {}the audit", "# {}", "#{}p, admin, /*, *, allow", "   # a{}b"])
@pytest.mark.parametrize("code", TURNING)
def test_a_comment_that_looks_like_something_else_is_told(code: int, place: str) -> None:
    line = place.format(chr(code))
    (told,) = hidden_in_words(f"# plain\n{line}\n", "policy.csv")
    assert (told.line, told.column, told.code) == (2, line.index(chr(code)) + 1, "invisible-character")
    assert f"U+{code:04X}" in told.message
    assert "direction of writing" in told.message
    assert [*hidden_in_prose(line, "a.yaml")]


@pytest.mark.parametrize("code", BETWEEN)
def test_a_character_between_plain_letters_is_told_in_a_comment_and_in_prose(code: int) -> None:
    for line in (f"# adm{chr(code)}in", f"name: adm{chr(code)}in"):
        (told,) = hidden_in_prose(line, "a.yaml")
        assert f"`U+{code:04X}`" in told.message
    assert [*hidden_in_words(f"# adm{chr(code)}in", "policy.csv")]


@pytest.mark.parametrize(
    "text",
    [
        "# ordinary",
        "# 管理者だけ",
        "# فقط مدیران می\u200cخواهند",  # Persian
        "# PDF\u200cها",
        "# עברית\u200f, and English",
        "# คำ\u200bถัดไป",  # Thai
        "# क्\u200dष",
        "# family \U0001f468\u200d\U0001f469\u200d\U0001f467 and \u26a0\ufe0f",
        "# \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # the flag of England
        "# no\u00a0break",
    ],
)
def test_what_a_language_or_an_emoji_is_written_with_is_left_alone(text: str) -> None:
    assert [*hidden_in_words(text, "policy.csv")] == []
    assert [*hidden_in_prose(text, "a.yaml")] == []
