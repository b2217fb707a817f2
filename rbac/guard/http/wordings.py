"""What each refusal of the guard means. The codes are part of the interface; the sentences are not."""

from collections.abc import Mapping
from typing import NamedTuple


class Wording(NamedTuple):
    """What a code means: its HTTP status, and a sentence in each language."""

    status: int
    english: str
    japanese: str


PROBLEMS: Mapping[str, Wording] = {
    "invalid_path": Wording(
        400,
        "The request path holds a character that no path may hold.",
        "リクエストのパスに使用できない文字が含まれています。",
    ),
    "invalid_host": Wording(
        400,
        "A request names its host in one Host header, no less and no more.",
        "リクエストのホストは、ちょうど一つの Host ヘッダーで指定する必要があります。",
    ),
    "uri_too_long": Wording(414, "The request target is too long.", "リクエストの対象が長すぎます。"),
    "authentication_required": Wording(
        401,
        "This needs a bearer token, and none was sent.",
        "この操作にはベアラートークンが必要ですが、送信されていません。",
    ),
    "invalid_token": Wording(
        401,
        "The bearer token was not accepted.",
        "ベアラートークンが受け付けられませんでした。",
    ),
    "access_denied": Wording(
        403,
        "The token is valid, but the policy does not allow this.",
        "トークンは有効ですが、ポリシーはこの操作を許可していません。",
    ),
    "insufficient_scope": Wording(
        403,
        "The token is valid, but the program that sent it was not given what this needs.",
        "トークンは有効ですが、このプログラムに必要なスコープが与えられていません。",
    ),
    "internal_error": Wording(
        500,
        "Something went wrong on our side. The request id finds it in our logs.",
        "サーバー側で問題が発生しました。リクエスト ID でログを調べることができます。",
    ),
    "decision_log_unavailable": Wording(
        503,
        "Decisions cannot be recorded at the moment, and none is answered without a record. Try again shortly.",
        "現在、認可判断を記録できないため応答できません。しばらくしてから再試行してください。",
    ),
    "keys_unavailable": Wording(
        503,
        "Tokens cannot be checked at the moment, because the issuer's keys are out of reach. Try again shortly.",
        "発行者の公開鍵を取得できないため、現在トークンを検証できません。しばらくしてから再試行してください。",
    ),
}
