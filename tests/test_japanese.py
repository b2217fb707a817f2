"""What is said in Japanese is written in one way, wherever it is said: on pages, in the console, in answers over HTTP."""

import re
from typing import Final

import pytest

from tests.support.service import ROOT
from tests.support.twins import TWINS

_J: Final = "[ぁ-んァ-ヶー一-龠々]"
_CODE: Final = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_CONSOLE: Final = ("app/console/static/words.ja.js", "app/console/static/problems.ja.js")
_ANSWERS: Final = (
    "app/http/problems.py",
    "app/http/validation.py",
    "app/routers/greetings.py",
    "rbac/guard/http/statuses.py",
    "rbac/guard/http/wordings.py",
)
_PAGES: Final = tuple(TWINS.values())

# What is not written, and what is written in its place.
NOT_SO: Final = {
    "コンマ": "カンマ",
    "端末": "ターミナル",
    "機械": "マシン",
    "セキュリティチーム": "セキュリティ担当者",
    "知られて": "既知",
    **{
        f"{short}(?!ー)": f"{short}ー"
        for short in ("ユーザ", "サーバ(?!レス)", "フォルダ", "ブラウザ", "ヘッダ", "エディタ")
    },
    rf"{_J}[A-Za-z0-9]|[A-Za-z0-9]{_J}": "a blank between Latin letters and Japanese",
    rf"{_J}\$\{{n\}}|\$\{{n\}}{_J}": "a blank around a number",
}
ON_PAGES: Final = {
    rf"[{_J[1:-1]}、。）] \[{_J}": "no blank before a link that begins in Japanese",
    rf"{_J}:(?=[ \"])": "：",
    rf"{_J} ?\((?!http)": "（",
}


def found(text: str, rules: dict[str, str]) -> list[str]:
    """Where ``text`` is written otherwise, each with what to write."""
    return [
        f"{match[0]!r} in {text[max(0, match.start() - 12) : match.end() + 12]!r}: {right}"
        for wrong, right in rules.items()
        for match in re.finditer(wrong, text)
    ]


def _said(source: str) -> str:
    text = (ROOT / source).read_text(encoding="utf-8")
    if source.endswith(".md"):
        text = re.sub(r"\]\([^)]*\)", "]", _CODE.sub("", text))
    return text


@pytest.mark.parametrize("source", [*_PAGES, *_CONSOLE, *_ANSWERS])
def test_words_and_blanks_are_the_same_everywhere(source: str) -> None:
    text = _said(source)
    assert re.search(_J, text)
    assert found(text, NOT_SO) == []


@pytest.mark.parametrize("source", _PAGES)
def test_punctuation_of_a_page_is_japanese(source: str) -> None:
    assert found(_said(source), ON_PAGES) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "コンマで",
        "端末で",
        "サーバが",
        "サーバ",
        "JSONとして",
        "残り${n}分",
        "は [ページ](a.md)",
        "名前: x",
        "鍵 (公開)",
    ],
)
def test_what_is_written_otherwise_is_noticed(wrong: str) -> None:
    assert found(wrong, NOT_SO | ON_PAGES) != []


@pytest.mark.parametrize(
    "right", ["JSON として", "サーバー", "サーバーレス", "残り ${n} 分", "は[ページ](a.md)", "名前：x"]
)
def test_what_is_right_is_left_alone(right: str) -> None:
    assert found(right, NOT_SO | ON_PAGES) == []
