"""The service's few friendly sentences, in English and in Japanese."""

from typing import Annotated

from fastapi import Depends, Request

from app.language import Language, preferred_language

_GREETINGS: dict[str, tuple[str, str]] = {
    "running": ("Sekisho is running.", "関所は稼働しています。"),
    "public": (
        "Hello, {name}! This page is open to everyone.",
        "{name}さん、こんにちは！このページは誰でも閲覧できます。",
    ),
    "protected": ("Hello, {name}! Your token is valid.", "{name}さん、こんにちは！トークンは有効です。"),
    "user": (
        "Hello, {name}! The policy lets you in.",
        "{name}さん、こんにちは！ポリシーにより許可されています。",
    ),
    "admin": ("Welcome, {name}. Mind the gate.", "{name}さん、ようこそ。関所の管理へ。"),
}
_NOBODY = {"en": "traveller", "ja": "旅の方"}


async def caller_language(request: Request) -> Language:
    """The language that the caller prefers."""
    return preferred_language(request.headers.get("accept-language", ""))


CallerLanguage = Annotated[Language, Depends(caller_language)]


def greeting(key: str, language: Language, name: str | None = None) -> str:
    """The sentence ``key`` in ``language``, to ``name`` or to nobody in particular."""
    english, japanese = _GREETINGS[key]
    sentence = japanese if language == "ja" else english
    return sentence.format(name=name or _NOBODY[language])
