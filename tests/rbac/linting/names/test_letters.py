"""A letter that is drawn like another, or not at all, is told on its line; words of every language are left alone."""

import pytest

from tests.rbac.linting.words.test_words import codes, told

INVISIBLE = "00A0 00AD 034F 061C 1680 180E 2000 2003 2007 2009 200B 200C 200D 200E 200F 202A 202E 202F 205F 2060 2064 2066 2069 2800 3000 3164 FE0F FEFF FFA0 E0041"


@pytest.mark.parametrize(
    "place", ["p, sup{}port, /refunds/7, GET, deny", "p, support, /ref{}unds, GET, deny", "g, le{}ad, clerk"]
)
@pytest.mark.parametrize("character", INVISIBLE.split())
def test_a_character_that_nobody_sees_is_told(character: str, place: str) -> None:
    assert "invisible-character" in codes(told(place.format(chr(int(character, 16)))))


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("mаnаger-of-all", "anew"),
        ("sαles", "anew"),
        ("ѕtоre", "anew"),
        ("stօre", "anew"),
        ("Ꭺccounts", "anew"),
        ("ɑccounts", "anew"),
        ("store–manager", "`store-manager`"),
        ("store—manager", "`store-manager`"),
        ("store−manager", "`store-manager`"),
        ("store‑manager", "`store-manager`"),
        ("ｓｔｏｒｅ", "`store`"),
        ("𝐬𝐭𝐨𝐫𝐞", "`store`"),
        ("ⓢtore", "`store`"),
        ("team①", "`team1`"),
        ("cafe\u0301", "anew"),
    ],
)
def test_a_letter_that_is_drawn_like_another_is_told_without_a_twin_in_the_policy(
    word: str, hint: str
) -> None:
    for line in (f"p, {word}, /refunds, PUT, allow", f"p, support, /{word}, PUT, allow", f"g, {word}, clerk"):
        (problem,) = told(line)
        assert problem.code in {"deceptive-letter", "impossible-path"}
        assert hint.strip("`") in problem.hint


@pytest.mark.parametrize("path", ["∕refunds", "／refunds", "/orders∕items", "/orders/｛id｝", "/orders/＊"])
def test_a_sign_of_a_path_that_is_drawn_like_another_is_told(path: str) -> None:
    assert {"deceptive-letter", "impossible-path"} & {*codes(told(f"p, support, {path}, PUT, deny"))}


@pytest.mark.parametrize(
    "word",
    [
        "管理者",
        "admin管理者",
        "менеджер",
        "διαχειριστής",
        "مدير",
        "manažér",
        "Müller",
        "관리자",
        "店舗スタッフ",
        "สมาชิก",
        "ﾃﾝﾁｮｳ",
    ],
)
def test_a_word_of_any_language_is_left_alone(word: str) -> None:
    assert told(f"p, {word}, /{word}/{{id}}, PUT, allow") == []
    assert told(f"g, {word}, clerk") == []
