"""What is wrong with a request's parameter or body, in the caller's language. The stable word for it is pydantic's type."""

from rbac.guard.http.language import Language

_JAPANESE = {
    "bool_parsing": "真偽値として解釈できません。",
    "bool_type": "真偽値でなければなりません。",
    "date_from_datetime_parsing": "日付として解釈できません。",
    "datetime_parsing": "日時として解釈できません。",
    "dict_type": "オブジェクトでなければなりません。",
    "enum": "許可された値のいずれかでなければなりません。",
    "extra_forbidden": "余分な項目です。",
    "float_parsing": "数値として解釈できません。",
    "float_type": "数値でなければなりません。",
    "greater_than": "値が小さすぎます。",
    "greater_than_equal": "値が小さすぎます。",
    "int_from_float": "整数でなければなりません。",
    "int_parsing": "整数として解釈できません。",
    "int_type": "整数でなければなりません。",
    "json_invalid": "JSON として解釈できません。",
    "less_than": "値が大きすぎます。",
    "less_than_equal": "値が大きすぎます。",
    "list_type": "配列でなければなりません。",
    "literal_error": "許可された値のいずれかでなければなりません。",
    "missing": "必須の項目がありません。",
    "model_attributes_type": "オブジェクトでなければなりません。",
    "string_pattern_mismatch": "文字列の形式が正しくありません。",
    "string_too_long": "文字列が長すぎます。",
    "string_too_short": "文字列が短すぎます。",
    "string_type": "文字列でなければなりません。",
    "uuid_parsing": "UUID として解釈できません。",
}
_JAPANESE_OTHERWISE = "値が正しくありません。"


def message(kind: str, english: str, language: Language) -> str:
    """The sentence for pydantic's error type ``kind``, whose English is pydantic's own."""
    return _JAPANESE.get(kind, _JAPANESE_OTHERWISE) if language == "ja" else english
