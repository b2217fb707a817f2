"""What holds for every command: help with an example, exit codes, streams, no colour in a pipe."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer import rich_utils

from rbac.cli import COMMANDS as LISTED
from rbac.cli import build_app
from rbac.cli.output import say, stdout
from tests.support.command import ROOT, Workshop, rbac, rbac_process

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


LONG_RULE = "p, user, /a/long/path/{name}/below/{another}/one/that/is/even/longer, GET, allow"


@pytest.mark.parametrize(
    ("command", "rules"),
    [
        (("can", "--role", "admin"), ("p, admin, /admin, GET, allow", LONG_RULE, "g, admin, user")),
        (("can", "--role", "user", "--all"), ("p, admin, /admin, GET, allow", LONG_RULE)),
        (("who-can", "GET", "/a"), ("p, user, /a, GET, allow", LONG_RULE)),
        (("check",), (LONG_RULE, LONG_RULE.replace("user", "admin"), "g, admin, user")),
        (("check",), ("p, admin, /admin GET allow",)),
        (("matrix",), ("p, admin, /admin GET allow",)),
        (("can", "--role", "nobody-has-a-role-of-such-a-long-name"), (LONG_RULE,)),
        (("diff", "nowhere/in/a/folder/that/is/rather/deep/and/has/a/long/name/policy.csv"), (LONG_RULE,)),
    ],
)
def test_a_terminal_of_80_columns_breaks_no_line_itself(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], rules: tuple[str, ...]
) -> None:
    monkeypatch.chdir(workshop.folder)
    workshop.rules(*rules)
    monkeypatch.setenv("COLUMNS", "80")
    wide = workshop.rbac(*command)
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal, and not a pipe
    narrow = workshop.rbac(*command)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", narrow.out + narrow.err)
    assert max(map(len, shown.splitlines())) <= 80
    assert "".join(shown.split()) == "".join((wide.out + wide.err).split())


@pytest.mark.parametrize("words", ["one, two,   three, four " * 9, f"see https://{'a' * 90}, and more " * 2])
def test_a_wrapped_line_has_the_words_and_the_spaces_of_the_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    say(stdout(), words, hang=4)
    first, *more = capsys.readouterr().out.splitlines()
    assert more
    assert all(line[:4].isspace() and line[4] != " " for line in more)
    at = 0
    for line in (first, *(line[4:] for line in more)):
        begins = words.index(line.strip(), at)
        assert not words[at:begins].strip()
        at = begins + len(line.strip())
    assert not words[at:].strip()


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


def test_a_pattern_that_python_wonders_about_is_told_in_our_words_alone(workshop: Workshop) -> None:
    workshop.rules("p, user, /orders/[[id]]/items, GET, allow")
    done = rbac_process("check", "--policy", workshop.policy, "--model", workshop.model, "--routes", "none")
    assert "[foreign-placeholder]" in done.out
    assert "Warning" not in done.err


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


@pytest.mark.parametrize("command", COMMANDS)
def test_the_list_says_of_a_command_what_it_says_of_itself(command: str) -> None:
    """The list is written without importing the commands."""
    said = " ".join(rbac(command, "--help").out.replace("│", " ").split())
    assert " ".join(LISTED[command].split()) in said


def test_the_list_of_commands_imports_none_of_them_nor_what_reads_markdown() -> None:
    program = (
        "import sys; from rbac.cli import main; sys.argv = ['rbac', '--help']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    ours = ("rbac.cli.", "rbac.document", "rbac.engine")
    assert {name for name in loaded if name.startswith(ours)} == {
        "rbac.cli.output",
        "rbac.cli.overview",
        "rbac.cli.from_files",
        "rbac.cli.laid_out",
    }
    assert not loaded & {"yaml", "casbin", "rich.markdown", "markdown_it", "pygments"}


@pytest.mark.parametrize("columns", ["50", "80", "140"])
def test_the_list_of_commands_is_laid_out_as_typer_lays_it_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    group: Any = typer.main.get_command(build_app())
    with group.make_context("rbac", [], resilient_parsing=True) as context:
        group.format_help(context, None)
        ours = capsys.readouterr().out
        rich_utils.rich_format_help(obj=group, ctx=context, markup_mode="markdown")
    assert ours == capsys.readouterr().out
    assert "Commands" in ours


def test_every_command_that_is_spoken_of_is_there() -> None:
    """In the help, in messages and on the pages: what somebody is told to type exists."""
    sources = [*(ROOT / "rbac").rglob("*.py"), *(ROOT / "app").rglob("*.py"), *(ROOT / "docs").rglob("*.md")]
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    spoken_of = {
        (match[1], path.name)
        for path in (*sources, *pages)
        for match in re.finditer(r"`rbac ([a-z][a-z-]*)", path.read_text(encoding="utf-8"))
    }
    assert {"check", "revoke"} <= {name for name, _ in spoken_of}
    assert {(name, where) for name, where in spoken_of if name not in LISTED} == set()
