"""What a status says by itself, in either language, and what one says that nobody named."""

import re
from itertools import pairwise

import pytest

from rbac.guard.http.statuses import STATUSES, status_of


@pytest.mark.parametrize("number", [499, 599, *STATUSES])
def test_a_status_says_its_title_and_its_sentence_in_the_language_that_is_asked_for(number: int) -> None:
    status = status_of(number)
    for english, other in (
        (status.title("en"), status.title("ja")),
        (status.sentence("en"), status.sentence("ja")),
    ):
        assert english.isascii()
        assert re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", other)
    assert status.sentence("en").endswith(".")
    assert status.sentence("ja").endswith("。")


def test_a_status_that_nobody_named_is_the_clients_or_the_servers() -> None:
    unnamed = [number for number in range(400, 600) if number not in STATUSES]
    assert {499, 599} <= set(unnamed)
    assert {number: status_of(number).code for number in unnamed} == {
        number: "server_error" if number > 499 else "client_error" for number in unnamed
    }
    assert [status_of(number).title("en") for number in (499, 599)] == ["Client Error", "Server Error"]
    assert status_of(1000).code == "server_error"


def test_statuses_stand_in_order_and_no_code_twice() -> None:
    assert all(one < following for one, following in pairwise(STATUSES))
    codes = [status.code for status in STATUSES.values()]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)
