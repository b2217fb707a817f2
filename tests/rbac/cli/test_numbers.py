"""Every option that is a number says from where to where it goes, and refuses what lies outside in words about itself."""

import re
from typing import Any, cast

import pytest
import typer

from rbac.cli import COMMANDS, build_app
from tests.support.command import Workshop, rbac
from tests.support.postgres import PASSWORD, PUBLISHER, Database


def numbers() -> list[tuple[str, Any]]:
    """Each command with each of its parameters that are numbers."""
    group = cast("Any", typer.main.get_command(build_app()))
    context = typer.Context(group)
    return [
        (name, parameter)
        for name in COMMANDS
        for parameter in group.get_command(context, name).params
        if re.search(r"\b(?:int|float)\b", str(parameter.type_descriptor.annotation))
    ]


NUMBERS = numbers()
IDS = [f"{command} {parameter.opts[0]}" for command, parameter in NUMBERS]


def test_the_options_that_are_numbers_are_found() -> None:
    assert {"history --limit", "replay --limit", "test --min-coverage", "publish --based-on"} <= {*IDS}
    assert {"rollback version", "blame lines", "revocations --older-than", "doctor --users"} <= {*IDS}


@pytest.mark.parametrize(("command", "parameter"), NUMBERS, ids=IDS)
def test_what_is_no_number_or_means_nothing_is_refused(command: str, parameter: Any) -> None:
    name = parameter.opts[0]
    for text in ("nan", "inf", "x", "", "0x10", "1 2", "-1", str(-(10**30))):
        typed = (f"{name}={text}",) if name.startswith("-") else ("--", text)
        if name == "lines" and text.startswith("-"):
            continue  # any line that the version does not have is told with the version, below
        done = rbac(command, *typed)
        assert done.code == 2, (text, done.out)
        assert "Invalid value for" in done.err, (text, done.err)
        assert name in done.err or parameter.metavar.strip("[].") in done.err, (text, done.err)


@pytest.mark.parametrize("number", [2**31, 2**53, 2**63, 10**30])
def test_a_huge_number_is_one_that_there_is_not_or_all_there_are(
    desk: Workshop, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = f"there is no version {number} of `policy`: the newest is 1"
    for arguments in (
        ("show", "--version", number),
        ("blame", "--version", number),
        ("rollback", number, "--reason", "x"),
    ):
        done = rbac(*arguments)
        assert (done.code, missing in done.err) == (2, True), done.err
    done = desk.rbac("publish", "--reason", "x", "--based-on", str(number))
    said = " ".join(done.err.replace("│", " ").split())
    assert (done.code, f"there is no version {number} yet" in said) == (2, True), said
    done = rbac("diff", f"pg:{number}", "pg:1")
    assert (done.code, missing in done.err) == (2, True), done.err
    done = rbac("blame", number)
    assert (done.code, f"has no line {number}" in done.err) == (2, True), done.err
    monkeypatch.setenv("POLICY_STORE", "file")
    file = desk.write("revocations.csv", "everyone, *, 2026-11-28T09:30:00Z, x\n")
    assert rbac("revocations", "--prune", "--older-than", number, "--revocations", file).code == 0
    log = desk.write("log", "")
    files = ("--model", desk.model, "--policy", desk.policy)
    assert rbac("replay", log, "--limit", number, *files).code == 0
    assert "everyone" in file.read_text()


def test_no_line_is_numbered_by_nothing_or_less(desk: Workshop) -> None:
    for number in ("0", "-1"):
        assert f"has no line {number}" in rbac("blame", "--", number).err


def test_a_limit_of_nothing_lists_all(desk: Workshop) -> None:
    desk.rules("p, user, /user, GET, allow", "p, user, /more, GET, allow")
    assert desk.rbac("publish", "--reason", "x", "--based-on", "1").code == 0
    assert [len(rbac("history", "--limit", n).out.splitlines()) for n in (0, 1, 2)] == [2, 1, 2]


@pytest.fixture
def desk(database: Database, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """A working copy of which version 1 was published."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    monkeypatch.setenv("POLICY_STORE", database.url(PUBLISHER))
    workshop.tests("{name: a, role: user, can: [GET /user]}")
    assert workshop.rbac("publish", "--reason", "first").code == 0
    return workshop
