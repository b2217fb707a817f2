"""Decision logs are read line by line, and a line that is none is named, whatever it is."""

import gzip
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rbac.decision_log import lines as decision_lines
from rbac.decision_log.lines import DecisionLines, Recorded, utc
from rbac.decision_log.record import entry, line, loss
from tests.support.decisions import decided, rejected

WHOLE = entry(decided("/user"))
ABSENT = object()


def read(path: Path, *more: str | Path) -> tuple[DecisionLines, list[Recorded]]:
    lines = DecisionLines([path, *more])
    return lines, list(lines)


def written(tmp_path: Path, lines: Sequence[bytes], name: str = "log.jsonl") -> Path:
    path = tmp_path / name
    path.write_bytes(b"".join(lines))
    return path


def test_what_the_service_writes_is_read_as_it_was_meant(tmp_path: Path) -> None:
    record = decided("/user", via="authzen")
    path = written(tmp_path, [line(entry(record)), line(entry(rejected())), line(loss(0, 7))])
    lines, (decision,) = read(path)
    assert (lines.rejections, lines.lost, lines.damaged, lines.number) == (1, 7, [], 3)
    ruling = record.ruling
    assert decision == Recorded(
        timestamp=entry(record)["timestamp"],
        decision_id=record.decision_id,
        roles=("user",),
        act="GET",
        obj="/user",
        allowed=True,
        policy_revision=ruling.decision.revision,
        via="authzen",
        request=dict(zip(ruling.policy.words, ruling.words, strict=True)),
        rule_line=ruling.decision.rule.line if ruling.decision.rule else None,
        altered=False,
    )


ILL_TYPED = [
    ("timestamp", 5),
    ("timestamp", "yesterday"),
    ("timestamp", "2026-01-01T00:00:00"),
    ("timestamp", "2026-13-01T00:00:00.000000Z"),
    ("event", "decided"),
    ("decision_id", None),
    ("roles", "user"),
    ("roles", ["user", 5]),
    ("act", 1),
    ("obj", ["/user"]),
    ("allowed", 1),
    ("allowed", "true"),
    ("rule_line", "47"),
    ("rule_line", True),
    ("policy_revision", None),
    ("via", 0),
    ("request", ["u", "user", "/user", "GET"]),
    ("request", {"sub": None}),
    ("request", {"role": ["user", 1]}),
]
MEMBERS = [name for name in WHOLE if name not in {"request_id", "sub", "reason", "duration_us", "client"}]


@pytest.mark.parametrize(("member", "value"), [*ILL_TYPED, *((name, ABSENT) for name in MEMBERS)])
def test_a_member_that_is_missing_or_of_another_type_is_damage(
    tmp_path: Path, member: str, value: Any
) -> None:
    members = {name: was for name, was in (WHOLE | {member: value}).items() if was is not ABSENT}
    path = written(tmp_path, [line(WHOLE), json.dumps(members).encode() + b"\n", line(WHOLE)])
    lines, decisions = read(path)
    assert len(decisions) == 2
    (damage,) = lines.damaged
    assert (damage.file, damage.line, damage.number) == (str(path), 2, 2)
    assert f"`{member}`" in damage.why


@pytest.mark.parametrize(
    "members",
    [{"event": "rejection"}, {"event": "loss", "lost": 0}, {"event": "loss", "lost": "9"}],
    ids=str,
)
def test_lines_of_the_other_kinds_are_checked_too(tmp_path: Path, members: dict[str, Any]) -> None:
    lines, _ = read(written(tmp_path, [json.dumps(members).encode()]))
    assert (len(lines.damaged), lines.rejections, lines.lost) == (1, 0, 0)


def test_a_whole_last_line_needs_no_line_end(tmp_path: Path) -> None:
    lines, decisions = read(written(tmp_path, [line(WHOLE), line(WHOLE).rstrip()]))
    assert (len(decisions), lines.damaged) == (2, [])


def test_lines_count_in_their_file_and_through_all(tmp_path: Path) -> None:
    first = written(tmp_path, [line(WHOLE), b"\n", line(WHOLE)[:-9]], "1.jsonl")
    second = written(tmp_path, [b"{}\n", line(WHOLE)], "2.jsonl")
    lines, decisions = read(first, second)
    assert len(decisions) == 2
    assert [(Path(one.file).name, one.line, one.number) for one in lines.damaged] == [
        ("1.jsonl", 2, 2),
        ("1.jsonl", 3, 3),
        ("2.jsonl", 1, 4),
    ]
    assert "ends without a line end" in lines.damaged[1].why


def test_an_endless_line_is_one_damaged_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision_lines, "_LONGEST", 1024)
    path = written(tmp_path, [line(WHOLE), b"x" * 5000 + b"\n", line(WHOLE), b'"' + b"y" * 2047])
    lines, decisions = read(path)
    assert len(decisions) == 2
    assert [damage.line for damage in lines.damaged] == [2, 4]


def test_a_compressed_log_that_ends_early_is_damage_behind_what_it_holds(tmp_path: Path) -> None:
    packed = gzip.compress(b"".join(line(entry(decided(f"/{number}"))) for number in range(2000)))
    path = written(tmp_path, [packed[: len(packed) // 2]], "log.jsonl.gz")
    after = written(tmp_path, [line(WHOLE)], "after.jsonl")
    lines, decisions = read(path, after)
    assert 100 < len(decisions) < 2000
    assert [decision.obj for decision in decisions] == [
        *(f"/{number}" for number in range(len(decisions) - 1)),
        "/user",
    ]
    (damage,) = lines.damaged
    assert damage.line == len(decisions)
    assert "compressed" in damage.why


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_is_a_log_like_any_other(monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    text = line(WHOLE) + b"{\n"
    given = io.BytesIO(gzip.compress(text) if packed else text)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=given))
    lines = DecisionLines(["-"])
    assert len(list(lines)) == 1
    assert [damage.line for damage in lines.damaged] == [2]


def test_progress_counts_the_bytes_of_all_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision_lines, "_EVERY", 10)
    path = written(tmp_path, [line(WHOLE)] * 100)
    seen: list[int] = []
    assert len(list(DecisionLines([path, path], seen.append))) == 200
    assert seen == sorted(seen)
    assert len(seen) == 21
    assert seen[-1] == 2 * path.stat().st_size


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-01-01", "2026-01-01T00:00:00.000000Z"),
        ("2026-01-01T09:00:00+09:00", "2026-01-01T00:00:00.000000Z"),
        ("2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.500000Z"),
    ],
)
def test_times_are_told_as_the_log_tells_them(tmp_path: Path, text: str, meant: str) -> None:
    assert utc(text) == meant
    if "T" in text:
        _, (decision,) = read(written(tmp_path, [json.dumps(WHOLE | {"timestamp": text}).encode()]))
        assert decision.timestamp == meant


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        utc("2026-01-01T00:00:00")
