"""`rbac revoke` and `rbac revocations` on a real database: by whoever may, and by nobody else."""

import time
from pathlib import Path

import pytest

from rbac.revocations.row import moment, written_time
from tests.support.command import rbac, rbac_process
from tests.support.postgres import PASSWORD, PUBLISHER, REVOKER, SERVICE, Database

SUB = "7f3c1e52-0000-0000-0000-000000000000"
DAY = 86_400


class Desk:
    """The help desk, signed in to the database."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database = database
        self._patch = monkeypatch
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        monkeypatch.delenv("REVOCATIONS_FILE", raising=False)
        self.sign_in(REVOKER)

    def sign_in(self, role: str) -> None:
        self._patch.setenv("POLICY_STORE", self.database.url(role))


@pytest.fixture
def desk(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(database, monkeypatch)


def test_a_row_goes_into_the_database_with_who_added_it_and_when(desk: Desk, tmp_path: Path) -> None:
    done = rbac("revoke", "--sub", SUB, "--reason", "left, at last", "--format", "json").json
    assert (done["number"], done["by"], done["store"]) == (1, REVOKER, "pg:policy")
    assert abs(moment(done["before"]) - time.time()) < 120
    shown = rbac("revoke", "--everyone", "--reason", "key leaked", "--before", "2026-01-01T00:00:00Z")
    assert (
        "pg:policy/revocations, row 2, by helpdesk: everyone, *, 2026-01-01T00:00:00Z, key leaked"
        in shown.out
    )
    desk.sign_in(SERVICE)
    listed = rbac("revocations")
    assert "2 revocations in pg:policy" in listed.out
    assert "by helpdesk, left, at last" in listed.out
    assert [each["number"] for each in rbac("revocations", "--format", "json").json["revocations"]] == [1, 2]
    assert "0 revocations in pg:orders" in rbac("revocations", "--name", "orders").out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("role", [SERVICE, PUBLISHER])
def test_who_may_not_is_told_so(desk: Desk, role: str) -> None:
    desk.sign_in(role)
    done = rbac_process("revoke", "--sub", SUB, "--reason", "x")
    assert done.code == 2
    assert "permission denied" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--sub", "bob@example.com", "--reason", "x"),
        ("--sub", SUB, "--reason", "x" * 501),
        ("--session", "a\u200bb", "--reason", "x"),
        ("--session", "кот", "--reason", "x"),
    ],
)
def test_what_the_database_does_not_take_is_refused_in_a_sentence(
    desk: Desk, arguments: tuple[str, ...]
) -> None:
    done = rbac("revoke", *arguments)
    assert done.code == 2
    assert done.err
    assert "0 revocations" in rbac("revocations").out


def test_a_file_is_meant_where_one_is_typed(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "revocations.csv"
    file.write_text("")
    assert rbac("revoke", "--sub", SUB, "--reason", "x", "--revocations", file).code == 0
    assert "sub" in file.read_text()
    assert "0 revocations" in rbac("revocations").out
    both = ("--revocations", file, "--store", desk.database.url(REVOKER))
    assert rbac("revoke", "--sub", SUB, "--reason", "x", *both).code == 2
    assert rbac("revocations", "--import", file, "--revocations", file).code == 2


def test_a_files_rows_are_taken_over_once(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "revocations.csv"
    file.write_text(f"# kept\nsub, {SUB}, 2026-01-01T00:00:00Z, left\nsession, s, 2026-01-01T00:00:00Z, x\n")
    assert "2 rows added" in rbac("revocations", "--import", file).out
    assert "0 rows added" in rbac("revocations", "--import", file).out
    file.write_text("sub, x\n")
    assert rbac("revocations", "--import", file).code == 2
    file.write_text("everyone, *, 2126-01-01T00:00:00Z, a slip of the pen that nobody could take back\n")
    refused = rbac("revocations", "--import", file)
    assert (refused.code, "revocation-ahead" in refused.err) == (2, True)
    assert "2 revocations" in rbac("revocations").out


def test_rows_that_are_over_are_taken_out_of_force(desk: Desk) -> None:
    old = written_time(time.time() - 40 * DAY)
    rbac("revoke", "--sub", SUB, "--reason", "left", "--before", old)
    rbac("revoke", "--session", "s", "--reason", "stolen")
    pruned = rbac("revocations", "--prune", "--format", "json").json
    assert [each["value"] for each in pruned["pruned"]] == [SUB]
    assert [each["value"] for each in pruned["revocations"]] == ["s"]
    assert "0 rows taken out" in rbac("revocations", "--prune").out
    desk.sign_in(SERVICE)
    assert "1 revocation in" in rbac("revocations").out
