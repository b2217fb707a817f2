"""Whatever the terminal can show, each command says what it has to say, and shows nothing that steers it."""

import io
import os
import subprocess
import sys

import pytest

from rbac.cli import main
from tests.support.command import Workshop

ENVIRONMENTS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "cp932": {"PYTHONIOENCODING": "cp932"},
    "the C locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "no UTF-8 mode": {"PYTHONUTF8": "0", "LC_ALL": "C.UTF-8"},
}
PERSON = "3b7e5c0a-9d5e-4a52-8f0e-6c1d2b9a4f11"
RULES = (
    "# 利用者",
    "p, everyone, /, GET, allow",
    "p, 管理者, /管理/{id}, *, allow",
    "p, us\u202eer, /user, GET, allow",
    f"g, {PERSON}, 管理者",
)
COMMANDS = (
    ("check",),
    ("check", "--format", "github"),
    ("check", "--format", "sarif"),
    ("fmt", "--check"),
    ("fmt", "--stdout"),
    ("test", "TESTS", "--coverage", "--mutate"),
    ("can", "--role", "管理者"),
    ("who-can", "GET", "/管理/7"),
    ("explain", "--role", "管理者", "--act", "GET", "--obj", "/user"),
    ("matrix",),
    ("matrix", "--format", "csv"),
    ("matrix", "--format", "markdown"),
    ("matrix", "--format", "html"),
    ("matrix", "--format", "svg"),
    ("matrix", "--format", "json"),
    ("diff", "OLD"),
    ("diff", "OLD", "--format", "markdown"),
    ("diff", "OLD", "--format", "json"),
    ("routes", "ROUTES"),
    ("--help",),
)


@pytest.fixture
def document(workshop: Workshop) -> Workshop:
    workshop.write("old.csv", "p, everyone, /, GET, allow\n")
    workshop.write("routes.json", '[{"act": "GET", "obj": "/管理/{id}"}]')
    workshop.rules(*RULES)
    workshop.tests("{name: 管理者は読める, role: 管理者, can: [GET /管理/7], cannot: [GET /user]}")
    return workshop


def words(document: Workshop, command: tuple[str, ...]) -> list[str]:
    """The command on this folder's document."""
    folder = document.folder
    places = {
        "TESTS": str(folder / "policy_tests"),
        "OLD": str(folder / "old.csv"),
        "ROUTES": str(folder / "routes.json"),
    }
    found = [places.get(word, word) for word in command]
    if command[0] not in {"routes", "--help"}:
        found += ["--model", str(document.model), "--policy", str(document.policy)]
    if command[0] in {"test", "can", "who-can", "matrix", "diff", "check"}:
        found += ["--routes", "none"]
    return found


def run(
    document: Workshop, command: tuple[str, ...], encoding: str, monkeypatch: pytest.MonkeyPatch
) -> bytes:
    """What the command writes to a stream of this encoding, which fails over what it has not, as Python's do."""
    written = io.BytesIO()
    out = io.TextIOWrapper(written, encoding, "strict")
    err = io.TextIOWrapper(io.BytesIO(), encoding, "strict")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["rbac", *words(document, command)])
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        with pytest.raises(SystemExit) as ended:
            main()
    out.flush()
    assert ended.value.code in {0, 1, None}
    return written.getvalue()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("encoding", ["ascii", "cp932", "latin-1"])
def test_every_command_speaks_in_every_encoding(
    document: Workshop, encoding: str, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(document, command, encoding, monkeypatch)


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_a_command_speaks_in_every_environment(document: Workshop, environment: dict[str, str]) -> None:
    unset = ("LC_", "LANG", "PYTHON")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(unset)}
    done = subprocess.run(
        [sys.executable, "-m", "rbac", *words(document, ("matrix",))],
        env=plain | environment,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    assert b"GET /user" in done.stdout


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_shows_what_turns_the_direction_of_writing(
    document: Workshop, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = run(document, command, "utf-8", monkeypatch).decode()
    # `fmt --stdout` is the policy itself.
    assert ("\u202e" in out) == (command == ("fmt", "--stdout"))


def test_marks_that_a_terminal_cannot_show_are_others(
    document: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = run(document, ("matrix",), "cp932", monkeypatch).decode("cp932")
    assert "+ allowed, > allowed by another role's rule, x denied by a rule" in out
    assert "管理者" in out
    assert "\\u" not in out.replace("\\u202e", "")
