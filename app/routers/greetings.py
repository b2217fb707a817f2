"""The service's few friendly sentences, in English and in Japanese."""

from typing import Annotated

from fastapi import Depends, Request, Response

from rbac.guard.http.language import Language, preferred_language

_GREETINGS: dict[str, tuple[str, str]] = {
    "running": ("Sekisho is running.", "関所は稼働しています。"),
    "public": (
        "Hello, {name}! This page is open to everyone.",
        "{name}、こんにちは！このページは誰でも閲覧できます。",
    ),
    "protected": ("Hello, {name}! Your token is valid.", "{name}、こんにちは！トークンは有効です。"),
    "user": (
        "Hello, {name}! The policy lets you in.",
        "{name}、こんにちは！ポリシーにより許可されています。",
    ),
    "admin": ("Welcome, {name}. Mind the gate.", "{name}、ようこそ。関所の管理へ。"),
}
# 旅の方 is a polite address already and takes no さん.
_NOBODY = {"en": "traveller", "ja": "旅の方"}


async def caller_language(request: Request, response: Response) -> Language:
    """The language that the caller prefers; the answer says that it follows from it, and from who asks."""
    language = preferred_language(request.headers.get("accept-language", ""))
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept-Language, Authorization"
    return language


CallerLanguage = Annotated[Language, Depends(caller_language)]


def greeting(key: str, language: Language, name: str | None = None) -> str:
    """The sentence ``key`` in ``language``, to ``name`` or to nobody in particular."""
    english, japanese = _GREETINGS[key]
    if language == "ja":
        return japanese.format(name=f"{name}さん" if name else _NOBODY["ja"])
    return english.format(name=name or _NOBODY["en"])
