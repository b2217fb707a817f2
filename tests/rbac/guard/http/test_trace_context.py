"""A `traceparent` is taken exactly as W3C Trace Context writes it, and anything else is ignored."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbac.guard.http.trace_context import begin_traces, sent_trace, trace_of

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{PARENT}-01"

TAKEN = [
    GOOD,
    f"00-{TRACE}-{PARENT}-00",
    f"00-{TRACE}-{PARENT}-ff",
    f"cc-{TRACE}-{PARENT}-01",  # a later version, whose beginning is the same
    f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like",
    f"01-{TRACE}-{PARENT}-01-",
]
IGNORED = [
    "",
    f"00-{TRACE}-{PARENT}-01-more",  # version 00 has nothing behind the flags
    f"00-{TRACE}-{PARENT}-01-",
    f"ff-{TRACE}-{PARENT}-01",
    f"cc-{TRACE}-{PARENT}-01.more",
    f"00-{'0' * 32}-{PARENT}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    GOOD.upper(),
    f"00-{TRACE[:-1]}A-{PARENT}-01",
    f"00-{TRACE[:-1]}-{PARENT}-01",
    f"00-{TRACE}0-{PARENT}-01",
    f"00-{TRACE}-{PARENT}-1",
    f"00-{TRACE}-{PARENT}-001",
    f"0-{TRACE}-{PARENT}-01",
    f"00_{TRACE}_{PARENT}_01",
    f" {GOOD}",
    f"{GOOD} ",
    f"{GOOD}\n",
    f"{GOOD},{GOOD}",
    f"00-{TRACE[:-1]}g-{PARENT}-01",
    f"00-{TRACE[:-2]}\r\n-{PARENT}-01",
]


@pytest.mark.parametrize("sent", TAKEN)
def test_what_is_one_is_taken(sent: str) -> None:
    assert trace_of(sent.encode()) == sent[3:55]
    assert trace_of(sent.encode()).startswith(TRACE)


@pytest.mark.parametrize("sent", IGNORED)
def test_what_is_none_is_ignored(sent: str) -> None:
    assert trace_of(sent.encode("latin-1")) == ""


def test_digits_of_other_alphabets_are_none() -> None:
    assert trace_of(GOOD.replace("4", "٤").encode()) == ""


ALPHABET = st.sampled_from(list(b"0123456789abcdefABCDEF-\r\n\x1b\xff \t"))


@given(st.lists(ALPHABET, max_size=70).map(bytes) | st.binary(max_size=70))
def test_whatever_is_sent_only_an_id_comes_of_it(sent: bytes) -> None:
    assert re.fullmatch(r"([0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})?", trace_of(sent))


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_one_byte_makes_the_difference(place: int, byte: int) -> None:
    """A byte of a good one is changed: what is taken is what is then written there."""
    sent = GOOD.encode()[:place] + bytes([byte]) + GOOD.encode()[place + 1 :]
    assert trace_of(sent) in {"", sent[3:55].decode("latin-1")}


def test_several_are_as_good_as_none() -> None:
    good = (b"traceparent", GOOD.encode())
    assert sent_trace([]) is None
    assert sent_trace([(b"a", b"b"), good]) == GOOD.encode()
    assert sent_trace([good, good]) == b""
    assert trace_of(b"") == ""


def test_a_trace_begins_here_only_where_somebody_looks_for_it() -> None:
    assert trace_of(None) == ""
    begin_traces(wanted=True)
    try:
        begun = {trace_of(None), trace_of(b"nonsense"), trace_of(None)}
        assert len(begun) == 3
        assert all(re.fullmatch("[0-9a-f]{32}", each) for each in begun)
        assert trace_of(GOOD.encode()) == GOOD[3:]
    finally:
        begin_traces(wanted=False)
    assert trace_of(None) == ""
