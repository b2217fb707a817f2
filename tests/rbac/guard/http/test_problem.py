"""A problem is one shape, in the caller's language, about the path that the answer is about; and what a 401 asks for."""

import json
from typing import Any

import pytest

from rbac.guard.http import BEARER, PROBLEMS, HttpProblem, SchemeChallenge, problem
from rbac.guard.http.asgi import Response
from rbac.guard.http.problem import INSTANCE

JAPANESE = [(b"accept-language", b"ja")]


def body(answer: Response) -> dict[str, Any]:
    """What the problem says, its length being what its header says."""
    assert dict(answer.raw_headers)[b"content-length"] == str(len(answer.body)).encode()
    read: dict[str, Any] = json.loads(answer.body)
    return read


@pytest.mark.parametrize(
    ("headers", "detail", "language"),
    [
        ([], f"{PROBLEMS['invalid_token'].english} It is torn.", b"en"),
        (JAPANESE, PROBLEMS["invalid_token"].japanese, b"ja"),
    ],
)
def test_a_problem_is_whole_in_the_language_of_its_caller(
    headers: list[tuple[bytes, bytes]], detail: str, language: bytes
) -> None:
    answer = problem(
        {"path": "/user", "headers": headers},
        "invalid_token",
        detail="It is torn.",
        extra={"more": [1]},
        headers={"X-Name": "é"},
    )
    said = body(answer)
    assert said.pop("title").isascii() is (language == b"en")
    assert said == {
        "type": "urn:sekisho:problem:invalid-token",
        "status": 401,
        "detail": detail,
        "instance": "/user",
        "error": "invalid_token",
        "request_id": "-",
        "more": [1],
    }
    assert answer.status_code == 401
    sent = dict(answer.raw_headers)
    assert sent[b"content-language"] == language
    assert sent[b"x-name"] == "é".encode("latin-1")
    assert sent[b"cache-control"] == b"no-store"
    assert sent[b"vary"] == b"Accept-Language"


def test_without_a_detail_the_sentence_is_the_codes_own() -> None:
    assert body(problem({"path": "/"}, "access_denied"))["detail"] == PROBLEMS["access_denied"].english


def test_the_words_may_be_an_endpoints_own_and_are_then_in_no_language() -> None:
    other = HttpProblem("sold_out", 409, "売り切れ", None, "/tea").response()
    assert body(other)["detail"] == "売り切れ"
    assert body(other)["title"] == "Conflict"
    assert b"content-language" not in dict(other.raw_headers)
    worded = problem({"path": "/"}, "access_denied", PROBLEMS["invalid_path"])
    assert (worded.status_code, body(worded)["error"]) == (PROBLEMS["invalid_path"].status, "access_denied")


def test_an_answer_about_another_path_says_so_and_half_a_letter_is_no_reason_to_fail() -> None:
    assert body(problem({"path": "/ask", INSTANCE: "/asked\n"}, "access_denied"))["instance"] == "/asked\\n"
    assert body(problem({"path": "/"}, "access_denied", extra={"name": "\ud800"}))["name"] == "\ud800"


@pytest.mark.parametrize(
    ("challenge", "code", "needed", "header"),
    [
        (BEARER, None, "", 'Bearer realm="sekisho"'),
        (BEARER, "bad", "", 'Bearer realm="sekisho", error="bad", error_description="why"'),
        (BEARER, None, "a", 'Bearer realm="sekisho", scope="a"'),
        (
            SchemeChallenge(metadata="https://m"),
            "bad",
            "a",
            'Bearer realm="sekisho", error="bad", error_description="why", scope="a", resource_metadata="https://m"',
        ),
        (SchemeChallenge("DPoP", "https://m"), "bad", "a", 'DPoP realm="sekisho"'),
    ],
)
def test_a_challenge_says_what_its_scheme_has_words_for(
    challenge: SchemeChallenge, code: str | None, needed: str, header: str
) -> None:
    challenge = SchemeChallenge(challenge.scheme, challenge.metadata)
    assert challenge.headers(code, "why", needed=needed) == {"WWW-Authenticate": header}


def test_a_challenge_says_nothing_that_it_is_not_told() -> None:
    assert BEARER.headers() == {"WWW-Authenticate": 'Bearer realm="sekisho"'}
    assert BEARER.headers("bad") == {
        "WWW-Authenticate": 'Bearer realm="sekisho", error="bad", error_description=""'
    }


@pytest.mark.parametrize("scheme", ["", "Two words", "Bearer\n", 'a"', "é"])
def test_a_scheme_that_no_header_can_name_is_refused(scheme: str) -> None:
    with pytest.raises(ValueError, match="authentication scheme"):
        SchemeChallenge(scheme)
