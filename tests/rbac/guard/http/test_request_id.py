"""An id that ties an answer to its log lines: the caller's own where every header can carry it, else one of nobody else's."""

import re

import pytest

from rbac.guard.http import request_id as module
from rbac.guard.http.request_id import new_id, request_id

OURS = re.compile(r"[0-9a-f]{12}-[0-9a-f]{10,}")


@pytest.mark.parametrize("sent", [b"mine", b"!", b"a b", b"~" * 1024, b"a" + b" " * 1022 + b"b"])
def test_a_callers_own_is_kept(sent: bytes) -> None:
    assert request_id(sent) == sent.decode()


@pytest.mark.parametrize(
    "sent",
    [
        None,
        b"",
        b" ",
        b" a",
        b"a ",
        b"a\n",
        b"a\r\nb",
        b"\x00",
        b"a\x7f",
        b"\xe9",
        b"~" * 1025,
        "日本".encode(),
    ],
)
def test_what_a_header_cannot_carry_is_replaced(sent: bytes | None) -> None:
    made = request_id(sent)
    assert OURS.fullmatch(made)
    assert made != request_id(sent)


def test_no_two_are_alike_in_one_process_and_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [new_id() for _ in range(1_000)]
    assert len(set(ids)) == 1_000
    assert len({made.partition("-")[0] for made in ids}) == 1
    monkeypatch.setattr(module, "_process", module._process)  # which a child is not to have
    module._renew_after_fork()
    made = new_id()
    assert OURS.fullmatch(made)
    assert made.partition("-")[0] != ids[0].partition("-")[0]
