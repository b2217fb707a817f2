"""What holds for every command: help with an example, exit codes, streams, no colour in a pipe."""

import os
import re
from pathlib import Path

import pytest
import typer.main

from rbac.cli import build_app
from tests.support.command import Workshop, rbac, rbac_process

COMMANDS = sorted(typer.main.get_command(build_app()).commands)  # type: ignore[attr-defined] # a group has commands


def test_the_commands_of_the_design_are_there() -> None:
    assert {"check", "fmt", "test", "explain", "can", "who-can", "matrix", "diff", "routes"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_at_80_columns(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = rbac(command, "--help")
    assert done.code == 0
    assert re.search(rf"Examples?:.*rbac {command}\b", done.out, re.DOTALL)
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize("command", [(), *((command,) for command in COMMANDS)], ids="-".join)
def test_help_shows_what_to_type_whole_and_no_type_of_python(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = rbac(*command, "--help").out
    assert "--help" in shown
    assert re.findall(r"…|<bool>|<(?:str|list)\b", shown.split("─ Options ─", 1)[1]) == []


def test_help_without_a_command_lists_the_commands() -> None:
    done = rbac("--help")
    assert done.code == 0
    assert all(command in done.out for command in COMMANDS)
    assert "could not run" in done.out


@pytest.mark.parametrize("arguments", [("nonsense",), ("check", "--nonsense"), ("check", "--format", "xml")])
def test_bad_usage_is_a_2_and_said_on_stderr(arguments: tuple[str, ...]) -> None:
    done = rbac(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err


@pytest.mark.parametrize("command", ["check", "fmt", "test", "explain", "can", "matrix"])
@pytest.mark.parametrize("missing", ["--model", "--policy"])
def test_a_file_that_is_missing_is_a_2_and_named_on_stderr(command: str, missing: str) -> None:
    done = rbac(command, missing, "nowhere.csv")
    assert (done.code, done.out) == (2, "")
    assert "nowhere.csv" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("command", ["test", "explain", "can", "matrix"])
def test_a_refused_policy_is_a_2_and_every_problem_is_on_stderr(workshop: Workshop, command: str) -> None:
    workshop.rules("p, user, /user, GET, alow", "P, user, /user, GET, allow")
    done = workshop.rbac(command)
    assert (done.code, done.out) == (2, "")
    assert "policy.csv:1:22" in done.err
    assert "policy.csv:2:1" in done.err
    assert "rbac check" in done.err


@pytest.mark.parametrize(
    ("reference", "says"),
    [("nowhere.json", "nowhere.json"), ("no_such_module:app", "no_such_module"), ("x y", "x y")],
)
def test_routes_that_cannot_be_read_are_a_2(workshop: Workshop, reference: str, says: str) -> None:
    workshop.tests("{name: n, role: user, can: [GET /user]}")
    done = workshop.rbac("test", "--routes", reference)
    assert (done.code, done.out) == (2, "")
    assert says in done.err


def test_a_pattern_that_is_none_is_bad_usage(workshop: Workshop) -> None:
    done = workshop.rbac("check", "--subjects", "(")
    assert done.code == 2
    assert "--subjects" in done.err


def test_the_module_and_the_installed_command_are_the_same(workshop: Workshop) -> None:
    done = rbac_process("check", "--policy", workshop.policy, "--model", workshop.model)
    assert done.code == 0
    assert "clean" in done.out
    assert done.err == ""


@pytest.mark.parametrize("setting", [{}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}])
def test_a_pipe_gets_no_colour(workshop: Workshop, setting: dict[str, str]) -> None:
    workshop.rules("p, user, /user, GET, alow")
    environment = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"} | setting
    done = rbac_process("check", "--policy", workshop.policy, "--model", workshop.model, env=environment)
    assert done.code == 1
    assert "\x1b[3" not in done.out


def test_what_a_file_says_cannot_steer_the_terminal(workshop: Workshop, tmp_path: Path) -> None:
    routes = workshop.write(
        "routes.json", '[{"act": "GET", "obj": "/a\\u001b[31m\\u0085b", "name": "\\u202ex"}]'
    )
    done = rbac("routes", routes)
    assert done.code == 0
    assert "/a\\x1b[31m\\x85b" in done.out
    assert not {"\x1b", "\x85", "\u202e"} & set(done.out)


def test_a_pipe_that_is_closed_is_no_traceback(workshop: Workshop) -> None:
    import subprocess
    import sys

    workshop.rules(*(f"p, user, /{n}, GET, alow" for n in range(5000)))
    check = [
        sys.executable,
        "-m",
        "rbac",
        "check",
        "--policy",
        str(workshop.policy),
        "--model",
        str(workshop.model),
    ]
    with subprocess.Popen(check, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        trouble = process.stderr.read().decode()
        process.wait(60)
    assert "Traceback" not in trouble


def test_completion_is_offered_for_bash_and_zsh_and_completes_commands() -> None:
    words = {**os.environ, "_RBAC_COMPLETE": "complete_bash", "COMP_WORDS": "rbac ex", "COMP_CWORD": "1"}
    done = rbac_process(env=words)
    assert "explain" in done.out.split()
