"""`revocations.csv` is read strictly: whole, or not at all with every mistake at its place."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rbac.revocations.reading import RevocationsError, read_revocations
from rbac.revocations.row import KINDS, Revocation, moment, written_time

GOOD = b"""# who was sent away
sub, 7f3c1e52-0000-0000-0000-000000000000, 2026-11-28T09:30:00Z, left the company

  # indented
session,aaaa-bbbb,2026-11-28T18:30:00+09:00,laptop stolen, in Kyoto
client, 1h57kf5cpq17m0eml12EXAMPLE, 2026-11-28T09:30:00Z, secret published
everyone, *, 2026-11-01T00:00:00Z, "keys" leaked
"""


def test_rows_are_read_in_order_with_their_lines() -> None:
    at = int(datetime(2026, 11, 28, 9, 30, tzinfo=UTC).timestamp())
    assert read_revocations(GOOD, "revocations.csv") == (
        Revocation("sub", "7f3c1e52-0000-0000-0000-000000000000", at, "left the company", 2),
        Revocation("session", "aaaa-bbbb", at, "laptop stolen, in Kyoto", 5),
        Revocation("client", "1h57kf5cpq17m0eml12EXAMPLE", at, "secret published", 6),
        Revocation("everyone", "*", moment("2026-11-01T00:00:00Z"), '"keys" leaked', 7),
    )


def test_an_empty_file_and_one_of_comments_send_nobody_away() -> None:
    assert read_revocations(b"", "r") == read_revocations(b"# nobody\n\n", "r") == ()


def test_a_byte_order_mark_and_windows_line_ends_change_nothing() -> None:
    windows = b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n")
    assert read_revocations(windows, "r") == read_revocations(GOOD, "r")


T = "2026-11-28T09:30:00Z"
HOSTILE = [
    (f"user, x, {T}, why", 1, "wrong-revocation"),
    (f"Sub, x, {T}, why", 1, "wrong-revocation"),
    (f'"sub", x, {T}, why', 1, "wrong-revocation"),
    (f"sub; x; {T}; why", 1, "wrong-revocation"),
    ("<<<<<<< HEAD", 1, "wrong-revocation"),
    ("sub, x", 7, "wrong-revocation"),
    (f"sub, x, {T}", 29, "wrong-revocation"),
    (f"sub, x, {T},", 30, "wrong-revocation"),
    (f"sub, , {T}, why", 6, "wrong-revocation"),
    (f"sub, *, {T}, why", 6, "wrong-revocation"),
    (f"session, *, {T}, why", 10, "wrong-revocation"),
    (f"client, *, {T}, why", 9, "wrong-revocation"),
    (f"client, client:x, {T}, why", 9, "wrong-revocation"),
    (f"sub, client:x, {T}, why", 6, "wrong-revocation"),
    (f"everyone, , {T}, why", 11, "wrong-revocation"),
    (f"everyone, bob, {T}, why", 11, "wrong-revocation"),
    (f"sub, {'x' * 257}, {T}, why", 6, "wrong-revocation"),
    ("sub, x, 2026-11-28T09:30:00, why", 9, "wrong-time"),
    ("sub, x, 2026-11-28, why", 9, "wrong-time"),
    ("sub, x, 2026-11-28 09:30:00Z, why", 9, "wrong-time"),
    ("sub, x, 2026-11-28T09:30:00.5Z, why", 9, "wrong-time"),
    ("sub, x, 2026-11-28T09:30:60Z, why", 9, "wrong-time"),
    ("sub, x, 2026-02-29T09:30:00Z, why", 9, "wrong-time"),
    ("sub, x, 2026-11-28T24:30:00Z, why", 9, "wrong-time"),
    ("sub, x, 0000-01-01T00:00:00Z, why", 9, "wrong-time"),
    ("sub, x, 2026-11-28T09:30:00+99:00, why", 9, "wrong-time"),
    ("sub, x, 1795858200, why", 9, "wrong-time"),
    ("sub, x, , why", 9, "wrong-time"),
    ("sub, x, ２026-11-28T09:30:00Z, why", 9, "wrong-time"),
]


@pytest.mark.parametrize(("line", "column", "code"), HOSTILE)
def test_a_mistake_is_told_at_its_place(line: str, column: int, code: str) -> None:
    with pytest.raises(RevocationsError) as refused:
        read_revocations(GOOD + line.encode() + b"\n", "revocations.csv")
    (problem,) = refused.value.problems
    assert (problem.line, problem.code, problem.severity) == (8, code, "error")
    assert problem.column == column, str(problem)
    assert problem.hint


def test_every_mistake_is_told_at_once() -> None:
    text = "\n".join(line for line, _, _ in HOSTILE)
    with pytest.raises(RevocationsError) as refused:
        read_revocations(text.encode(), "r")
    assert [problem.line for problem in refused.value.problems] == list(range(1, len(HOSTILE) + 1))


@pytest.mark.parametrize(
    "content", [b"sub, \xff, x", b"sub, a\x00b, x", GOOD.decode().encode("utf-16"), b"\x00" * 50], ids=repr
)
def test_what_is_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(RevocationsError):
        read_revocations(content, "r")


SEEN = st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters=",*")
names = st.text(SEEN, min_size=1, max_size=40)
reasons = st.text(SEEN | st.sampled_from(", *#"), min_size=1).map(lambda text: f"x{text}")
rows = st.builds(
    lambda kind, value, before, reason: Revocation(
        kind, "*" if kind == "everyone" else value, before, reason.strip()
    ),
    st.sampled_from(KINDS),
    names,
    st.integers(-60_000_000_000, 253_402_300_799),
    reasons,
)


@given(st.lists(rows, max_size=5))
@example([Revocation("sub", "x", -31_000_000_000, "before the year 1000")])
def test_what_is_written_is_read_again(written: list[Revocation]) -> None:
    content = "".join(f"{row.text}\n" for row in written).encode()
    read = read_revocations(content, "r")
    assert [(r.kind, r.value, r.before, r.reason) for r in read] == [
        (r.kind, r.value, r.before, r.reason) for r in written
    ]


@given(st.binary(max_size=80) | st.text(alphabet="sub,*: \t\r\n#TZ0123456789-+everyone\ufeff", max_size=80))
def test_any_bytes_are_read_whole_or_refused(content: bytes | str) -> None:
    """Each line is a row, empty, a comment, or a problem: none is passed over."""
    content = content.encode() if isinstance(content, str) else content
    try:
        found = read_revocations(content, "r")
    except RevocationsError:
        return
    text = content.decode("utf-8-sig").replace("\r\n", "\n")
    said = [line for line in text.split("\n") if line.strip(" \t") and line.lstrip(" \t")[0] != "#"]
    assert len(found) == len(said)


@given(st.datetimes(), st.integers(-14 * 60, 14 * 60))
def test_a_time_is_the_same_moment_in_every_zone(local: datetime, minutes: int) -> None:
    local = local.replace(year=2000 + local.year % 100, day=min(local.day, 28))
    there = local.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    assert moment(there.isoformat()) == int(there.timestamp()) == moment(written_time(there.timestamp()))
