"""The language of an answer follows Accept-Language, and is English in any doubt."""

import pytest

from rbac.guard.http.language import preferred_language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("ja", "ja"),
        ("JA-jp", "ja"),
        ("ja;q=0.5, en;q=0.4", "ja"),
        ("ja;q=0.4, en;q=0.5", "en"),
        ("ja, en", "en"),
        ("en-GB, ja;q=0.9", "en"),
        ("fr, ja;q=0.1", "ja"),
        ("*, ja;q=0.5", "en"),
        ("ja, *;q=0.5", "ja"),
        ("ja;q=0", "en"),
        ("ja;q=2", "en"),
        ("ja;q=nan", "en"),
        ("ja;q=much", "en"),
        ("jav", "en"),
        (",;=,ja", "ja"),
        ("x" * 5000 + ",ja", "en"),
    ],
)
def test_the_answer_is_in_the_language_that_the_caller_prefers(header: str, language: str) -> None:
    assert preferred_language(header) == language
