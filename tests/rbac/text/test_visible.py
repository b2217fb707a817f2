"""What nobody would see in a text, or what steers a screen, is shown as an escape; the rest is left alone."""

import json
import unicodedata

import pytest

from rbac.text.visible import visible, visible_json, visible_lines

BIDI = [chr(code) for code in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))]
BLANK = [
    chr(code)
    for code in (
        *(
            0x00,
            0x07,
            0x0A,
            0x0D,
            0x1B,
            0x7F,
            0x85,
            0xA0,
            0xAD,
            0x34F,
            0x115F,
            0x1160,
            0x17B4,
            0x180B,
            0x180E,
        ),
        *(0x2000, 0x200B, 0x200C, 0x200D, 0x2028, 0x2029, 0x202F, 0x205F, 0x2060, 0x2061, 0x206F, 0x2800),
        *(0x3000, 0x3164, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF9, 0x1D173, 0xE0001, 0xE0041, 0xE0100, 0xD800, 0xE000),
    )
]


@pytest.mark.parametrize("character", BIDI + BLANK, ids=lambda character: f"{ord(character):04x}")
def test_a_character_that_is_not_seen_is_an_escape_in_every_form(character: str) -> None:
    shown = visible(f"a{character}b")
    assert shown.isascii()
    assert shown.isprintable()
    assert shown == f"a{character.encode('unicode_escape').decode()}b"
    text = visible_json(json.dumps({"name": f"a{character}b"}, ensure_ascii=False))
    assert json.loads(text) == {"name": f"a{character}b"}
    assert text.isascii()


def test_no_character_that_changes_the_direction_of_writing_is_left() -> None:
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "BN"}
    left = [
        chr(code)
        for code in range(0x110000)
        if unicodedata.bidirectional(chr(code)) in turning and visible(chr(code)) == chr(code)
    ]
    assert left == []


@pytest.mark.parametrize("text", ["user", "ユーザー", "é", "e\u0301", "עברית", "🙂", "a b", "`|@"])
def test_what_is_seen_is_left_alone(text: str) -> None:
    assert visible(text) == text
    assert visible_json(json.dumps(text, ensure_ascii=False)) == json.dumps(text, ensure_ascii=False)


def test_line_feeds_stay_where_lines_are_meant() -> None:
    assert visible_lines("a\u202e\nb\r\n") == "a\\u202e\nb\\r\n"
