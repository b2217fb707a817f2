"""What an HTTP status says by itself: a stable code, and a title and a sentence in each language.

For answers that an endpoint gives with an ``HTTPException`` of its own, and for the titles of all others. The codes are
those of RFC 9110's names, whatever name a release of Python gives a status.
"""

from collections.abc import Mapping
from typing import NamedTuple

from rbac.guard.http.language import Language


class Status(NamedTuple):
    """One status: ``code`` is part of the interface, the words are not."""

    code: str
    english_title: str
    japanese_title: str
    english: str
    japanese: str

    def title(self, language: Language) -> str:
        """The title in ``language``."""
        return self.japanese_title if language == "ja" else self.english_title

    def sentence(self, language: Language) -> str:
        """The sentence in ``language``."""
        return self.japanese if language == "ja" else self.english


_CLIENT = Status(
    "client_error",
    "Client Error",
    "リクエストエラー",
    "The request cannot be answered.",
    "このリクエストには応答できません。",
)
_SERVER = Status(
    "server_error",
    "Server Error",
    "サーバーエラー",
    "The server cannot answer this now.",
    "サーバーは現在このリクエストに応答できません。",
)
STATUSES: Mapping[int, Status] = {
    400: Status(
        "bad_request",
        "Bad Request",
        "不正なリクエスト",
        "The request could not be understood.",
        "リクエストを解釈できませんでした。",
    ),
    401: Status(
        "unauthorized",
        "Unauthorized",
        "認証が必要です",
        "This needs credentials that were not accepted.",
        "この操作に必要な認証情報が受け付けられませんでした。",
    ),
    402: Status(
        "payment_required",
        "Payment Required",
        "支払いが必要です",
        "This needs a payment.",
        "この操作には支払いが必要です。",
    ),
    403: Status(
        "forbidden",
        "Forbidden",
        "アクセス拒否",
        "This endpoint does not allow it.",
        "このエンドポイントはこの操作を許可していません。",
    ),
    404: Status(
        "not_found",
        "Not Found",
        "見つかりません",
        "There is nothing at this path.",
        "このパスには何もありません。",
    ),
    405: Status(
        "method_not_allowed",
        "Method Not Allowed",
        "許可されていないメソッド",
        "This path does not answer to this method.",
        "このパスはこのメソッドに対応していません。",
    ),
    406: Status(
        "not_acceptable",
        "Not Acceptable",
        "受理できません",
        "Nothing here has the form that was asked for.",
        "求められた形式では応答できません。",
    ),
    408: Status(
        "request_timeout",
        "Request Timeout",
        "リクエストのタイムアウト",
        "The request took too long to arrive.",
        "リクエストの受信に時間がかかりすぎました。",
    ),
    409: Status(
        "conflict",
        "Conflict",
        "競合",
        "The request conflicts with the present state.",
        "リクエストが現在の状態と競合しています。",
    ),
    410: Status("gone", "Gone", "消滅", "What was here is gone.", "ここにあったものは削除されました。"),
    411: Status(
        "length_required",
        "Length Required",
        "長さの指定が必要です",
        "The request must say how long it is.",
        "リクエストには長さの指定が必要です。",
    ),
    412: Status(
        "precondition_failed",
        "Precondition Failed",
        "前提条件が満たされていません",
        "A precondition of the request does not hold.",
        "リクエストの前提条件が満たされていません。",
    ),
    413: Status(
        "payload_too_large",
        "Content Too Large",
        "本文が大きすぎます",
        "The request body is too large.",
        "リクエストの本文が大きすぎます。",
    ),
    414: Status(
        "uri_too_long",
        "URI Too Long",
        "URI が長すぎます",
        "The request target is too long.",
        "リクエストの対象が長すぎます。",
    ),
    415: Status(
        "unsupported_media_type",
        "Unsupported Media Type",
        "対応していない形式",
        "The request body has a type that is not understood here.",
        "リクエストの本文の形式に対応していません。",
    ),
    416: Status(
        "range_not_satisfiable",
        "Range Not Satisfiable",
        "範囲を満たせません",
        "There is nothing in the range that was asked for.",
        "求められた範囲には何もありません。",
    ),
    417: Status(
        "expectation_failed",
        "Expectation Failed",
        "期待を満たせません",
        "The request expects what is not done here.",
        "リクエストの期待に応えられません。",
    ),
    418: Status(
        "im_a_teapot",
        "I'm a Teapot",
        "ティーポットです",
        "A teapot does not brew coffee.",
        "ティーポットではコーヒーを淹れられません。",
    ),
    421: Status(
        "misdirected_request",
        "Misdirected Request",
        "宛先が違います",
        "The request belongs to another server.",
        "リクエストは別のサーバー宛てです。",
    ),
    422: Status(
        "unprocessable_content",
        "Unprocessable Content",
        "処理できない内容",
        "The request is understood and cannot be carried out.",
        "リクエストは解釈できますが、実行できません。",
    ),
    423: Status("locked", "Locked", "ロック中", "This is locked.", "対象はロックされています。"),
    424: Status(
        "failed_dependency",
        "Failed Dependency",
        "依存先の失敗",
        "What this depends on has failed.",
        "依存している処理が失敗しました。",
    ),
    425: Status(
        "too_early",
        "Too Early",
        "早すぎます",
        "The request came too early. Send it again.",
        "リクエストが早すぎます。もう一度送信してください。",
    ),
    426: Status(
        "upgrade_required",
        "Upgrade Required",
        "アップグレードが必要です",
        "This needs another protocol.",
        "別のプロトコルが必要です。",
    ),
    428: Status(
        "precondition_required",
        "Precondition Required",
        "前提条件の指定が必要です",
        "The request must name a precondition.",
        "リクエストには前提条件の指定が必要です。",
    ),
    429: Status(
        "too_many_requests",
        "Too Many Requests",
        "リクエスト過多",
        "Too many requests in a short time. Try again later.",
        "短時間のリクエストが多すぎます。しばらくしてから再試行してください。",
    ),
    431: Status(
        "request_header_fields_too_large",
        "Request Header Fields Too Large",
        "ヘッダーが大きすぎます",
        "The request headers are too large.",
        "リクエストのヘッダーが大きすぎます。",
    ),
    451: Status(
        "unavailable_for_legal_reasons",
        "Unavailable For Legal Reasons",
        "法的理由により利用できません",
        "This is not available for legal reasons.",
        "法的な理由により利用できません。",
    ),
    500: Status(
        "internal_error",
        "Internal Server Error",
        "サーバー内部エラー",
        "Something went wrong on our side. The request id finds it in our logs.",
        "サーバー側で問題が発生しました。リクエスト ID でログを調べることができます。",
    ),
    501: Status(
        "not_implemented",
        "Not Implemented",
        "未実装",
        "This is not implemented.",
        "この機能は実装されていません。",
    ),
    502: Status(
        "bad_gateway",
        "Bad Gateway",
        "不正なゲートウェイ応答",
        "Another server answered wrongly.",
        "別のサーバーから不正な応答がありました。",
    ),
    503: Status(
        "service_unavailable",
        "Service Unavailable",
        "サービス利用不可",
        "This is not available at the moment. Try again shortly.",
        "現在利用できません。しばらくしてから再試行してください。",
    ),
    504: Status(
        "gateway_timeout",
        "Gateway Timeout",
        "ゲートウェイのタイムアウト",
        "Another server did not answer in time.",
        "別のサーバーから時間内に応答がありませんでした。",
    ),
    507: Status(
        "insufficient_storage",
        "Insufficient Storage",
        "容量不足",
        "There is no room left.",
        "空き容量がありません。",
    ),
}


def status_of(number: int) -> Status:
    """The status with this number; one that nobody named is a client's or the server's error in general."""
    return STATUSES.get(number) or (_SERVER if number >= 500 else _CLIENT)
