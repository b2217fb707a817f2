"""`rbac revoke` and `rbac revocations`: rows are written whole, by the one who was meant, and taken out when they are over."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app.dev import cognito
from rbac.revocations.reading import RevocationsError, read_revocations
from rbac.revocations.row import Revocation, moment, written_time
from rbac.revocations.writing import append, over, prune

SUB = "7f3c1e52-0000-0000-0000-000000000000"
DAY = 86_400


def rbac(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "rbac", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=_environment(environment))


def _environment(changes: dict[str, str]) -> dict[str, str]:
    import os

    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COGNITO_", "POLICY_"))}
    return kept | changes


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "revocations.csv"
    path.write_text("# nobody yet")
    return path


def rows(file: Path) -> list[tuple[str, str, str]]:
    return [(row.kind, row.value, row.reason) for row in read_revocations(file.read_bytes(), "r")]


@pytest.mark.parametrize(
    ("arguments", "row"),
    [
        (("--sub", SUB), ("sub", SUB)),
        (("--session", "s-1"), ("session", "s-1")),
        (("--client", "app1"), ("client", "app1")),
        (("--everyone",), ("everyone", "*")),
    ],
)
def test_a_row_is_written_behind_what_is_there(
    file: Path, arguments: tuple[str, ...], row: tuple[str, str]
) -> None:
    done = rbac("revoke", *arguments, "--reason", "left, at last", "--revocations", str(file))
    assert done.returncode == 0, done.stderr
    assert rows(file) == [(*row, "left, at last")]
    assert file.read_text().startswith("# nobody yet\n")
    listed = rbac("revocations", REVOCATIONS_FILE=str(file))
    assert row[1] in listed.stdout
    assert "1 revocation in" in listed.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--reason", "x"),
        ("--sub", SUB, "--everyone", "--reason", "x"),
        ("--sub", "bob@example.com", "--reason", "x"),
        ("--sub", "admin", "--reason", "x"),
        ("--sub", SUB, "--reason", " "),
        ("--sub", SUB, "--reason", "two\nlines"),
        ("--session", "a,b", "--reason", "x"),
        ("--session", "*", "--reason", "x"),
        ("--sub", SUB, "--reason", "x", "--before", "yesterday"),
        ("--sub", SUB, "--reason", "x", "--before", written_time(time.time() + 3600)),
        ("--everyone", "--reason", "x", "--before", "9999-12-31T23:59:59Z"),
        ("--sub", SUB, "--find", "bob", "--reason", "x"),
        ("--find", "bob", "--reason", "x"),
    ],
)
def test_what_would_send_nobody_away_or_somebody_else_is_refused(
    file: Path, arguments: tuple[str, ...]
) -> None:
    before = file.read_bytes()
    assert rbac("revoke", *arguments, "--revocations", str(file)).returncode == 2
    assert file.read_bytes() == before


def test_a_file_that_no_service_would_take_up_is_not_added_to(file: Path) -> None:
    file.write_text("sub, x\nfoo\n")
    done = rbac("revoke", "--sub", SUB, "--reason", "x", "--revocations", str(file))
    assert done.returncode == 2
    assert ":1:7: error:" in done.stderr
    assert ":2:1: error:" in done.stderr
    assert file.read_text() == "sub, x\nfoo\n"
    assert rbac("revocations", "--revocations", str(file)).returncode == 2


def test_rows_of_several_who_write_at_once_are_all_there(file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        lines = list(
            pool.map(lambda number: append(file, Revocation("sub", f"p{number}", DAY, "left")), range(40))
        )
    assert sorted(lines) == list(range(2, 42))
    assert {row.value: row.line for row in read_revocations(file.read_bytes(), "r")} == {
        f"p{number}": line for number, line in enumerate(lines)
    }


def test_rows_are_over_once_no_token_can_meet_them_or_another_says_as_much() -> None:
    old = Revocation("sub", "a", 10, "x", 1)
    newer = Revocation("sub", "a", 200, "x", 2)
    same = Revocation("sub", "a", 200, "again", 3)
    client = Revocation("client", "a", 150, "x", 4)
    assert over([old, newer, same, client], until=100) == [old, same]
    assert over([old, newer, same, client], until=150) == [old, same, client]
    assert over([client], until=149) == []


def test_pruning_keeps_comments_and_what_is_in_force(file: Path) -> None:
    file.write_text(f"# a\nsub, a, {'1970-01-01T00:00:10Z'}, x\n# b\nsub, b, 1970-01-02T00:00:00Z, y\n")
    assert [row.value for row in prune(file, 10)] == ["a"]
    assert file.read_text() == "# a\n# b\nsub, b, 1970-01-02T00:00:00Z, y\n"
    assert prune(file, 10) == []
    file.write_text("nonsense\n")
    with pytest.raises(RevocationsError):
        prune(file, 10)


def test_a_person_is_found_by_name_or_address_and_nobody_else_is_sent_away(file: Path) -> None:
    with cognito.served(0) as endpoint:
        pool = cognito.seed(endpoint)
        users: Any = cognito.client(endpoint).list_users(UserPoolId=pool.pool_id)["Users"]
        subs = {
            user["Username"]: next(each["Value"] for each in user["Attributes"] if each["Name"] == "sub")
            for user in users
        }
        where = {
            "COGNITO_USER_POOL_ID": pool.pool_id,
            "COGNITO_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "development",
            "AWS_SECRET_ACCESS_KEY": "development",
            "REVOCATIONS_FILE": str(file),
        }
        for wanted in ("bob@example.com", "carol"):
            done = rbac(
                "revoke", "--find", wanted, "--reason", "left", "--before", "2026-01-01T00:00:00Z", **where
            )
            assert done.returncode == 0, done.stderr
        assert [row[1] for row in rows(file)] == [subs["bob"], subs["carol"]]
        assert read_revocations(file.read_bytes(), "r")[0].before == moment("2026-01-01T00:00:00Z")
        before = file.read_bytes()
        for wanted in ("nobody@example.com", 'x" or username = "bob', "bo"):
            assert rbac("revoke", "--find", wanted, "--reason", "left", **where).returncode == 2
        assert file.read_bytes() == before
