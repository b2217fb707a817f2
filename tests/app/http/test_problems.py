"""Every error answer has one shape, and its words are for people."""

import pytest

from app.http.problems import PROBLEMS, problem
from rbac.guard.http import BEARER
from rbac.text.visible import visible

SCOPE = {"type": "http", "path": "/adm\nin\ud800", "headers": [(b"accept-language", b"ja")]}


@pytest.mark.parametrize("code", PROBLEMS)
def test_every_code_is_a_problem_document_in_the_callers_language(code: str) -> None:
    answer = problem({**SCOPE, "path": "/x"}, code)
    assert answer.status_code == PROBLEMS[code].status
    headers = dict(answer.raw_headers)
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"content-language"] == b"ja"
    assert PROBLEMS[code].japanese in bytes(answer.body).decode()
    assert PROBLEMS[code].english.isascii()
    assert not PROBLEMS[code].japanese.isascii()


def test_a_path_that_no_text_can_hold_is_shown_escaped() -> None:
    assert b'"instance":"/adm\\\\nin\\\\ud800"' in bytes(problem(SCOPE, "invalid_path").body)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/ok", "/ok"),
        ("/関所", "/関所"),
        ("a\rb", "a\\rb"),
        ("\x85", "\\x85"),
        ("\u2028", "\\u2028"),
        ("\u202e", "\\u202e"),
    ],
)
def test_what_a_terminal_or_a_log_line_could_choke_on_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_challenge_names_an_error_only_when_there_were_credentials() -> None:
    assert BEARER.headers() == {"WWW-Authenticate": 'Bearer realm="sekisho"'}
    assert BEARER.headers("invalid_token", "the token has expired") == {
        "WWW-Authenticate": 'Bearer realm="sekisho", error="invalid_token", error_description="the token has expired"'
    }
