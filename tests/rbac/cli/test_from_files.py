"""What a variable may say, a file may: `POLICY_STORE_FILE` for `POLICY_STORE`, and so for each that commands read."""

import re
from pathlib import Path

import pytest

from tests.support.command import ROOT, Workshop, rbac
from tests.support.postgres import PASSWORD_IN_URL, PUBLISHER, Database

SETTINGS = {
    name
    for file in (ROOT / "rbac" / "cli").glob("*.py")
    for name in re.findall(r'(?:envvar=|\bsetting\()"([A-Z_]+)"', file.read_text(encoding="utf-8"))
}


def test_every_variable_that_a_command_reads_may_be_a_file() -> None:
    """None is asked for past the one place that knows of files."""
    assert {
        "POLICY_STORE",
        "POLICY_STORE_NAME",
        "POLICY_TESTS",
        "POLICY_SUBJECTS",
        "REVOCATIONS_FILE",
    } <= SETTINGS
    asked = [
        file.name
        for file in (ROOT / "rbac" / "cli").glob("*.py")
        if re.search(r"os\.environ|getenv", file.read_text(encoding="utf-8")) and file.name != "from_files.py"
    ]
    assert not asked


def test_a_store_is_named_by_a_secret_that_is_mounted(
    workshop: Workshop, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "store"
    secret.write_text(database.secret_url(PUBLISHER) + "\n")
    monkeypatch.delenv("POLICY_STORE", raising=False)
    monkeypatch.setenv("POLICY_STORE_FILE", str(secret))
    workshop.tests("{name: users read, role: user, can: [GET /user], cannot: [GET /admin]}")
    done = workshop.rbac("publish", "--reason", "a test")
    assert done.code == 0, done.err
    for command in (
        ("history",),
        ("can", "--policy", "pg:1", "--role", "user"),
        ("diff", "pg:1", workshop.policy),
    ):
        assert rbac(*command).code == 0, command


def test_what_people_look_like_and_where_tests_are_may_stand_in_files(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    workshop.tests("{name: users read, role: user, can: [GET /user]}")
    (workshop.folder / "policy_tests").rename(workshop.folder / "elsewhere")
    (tmp_path / "place").write_text(f"{workshop.folder / 'elsewhere'}\n")
    assert workshop.rbac("test").code == 2
    monkeypatch.setenv("POLICY_TESTS_FILE", str(tmp_path / "place"))
    assert workshop.rbac("test").code == 0
    (tmp_path / "people").write_text("[")
    monkeypatch.setenv("POLICY_SUBJECTS_FILE", str(tmp_path / "people"))
    assert "--subjects" in workshop.rbac("check").err


@pytest.mark.parametrize(
    ("content", "beside", "said"),
    [
        (None, "", "such file"),
        (b"\xff\xfe", "", "not UTF-8"),
        (b"x" * 65_537, "", "larger than 64 KiB"),
        (b"postgresql://a:geheim@h/d", "postgresql://b@h/d", "cannot stand"),
        (b"postgres:geheim", "", "postgresql://"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_and_not_repeated(
    content: bytes | None, beside: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "store"
    if content is not None:
        secret.write_bytes(content)
    monkeypatch.setenv("POLICY_STORE_FILE", str(secret))
    monkeypatch.setenv("POLICY_STORE", beside)
    for command in (("history",), ("check", "--policy", "pg:1"), ("diff", "pg:1", "pg:2")):
        done = rbac(*command)
        assert (done.code, said in done.err) == (2, True), done.err
        assert "geheim" not in done.out + done.err
    assert PASSWORD_IN_URL not in str(content)
