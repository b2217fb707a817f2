"""`rbac init` begins a policy that is clean, tested through, and never written over another."""

from pathlib import Path

import pytest

from tests.support.command import ROOT, rbac, rbac_process

WRITTEN = ["model.conf", "policy.csv", "policy_tests/orders.yaml", "revocations.csv"]


def begun(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "command",
    [
        ("check", "--strict"),
        ("test", "--coverage", "--mutate", "--min-coverage", "100", "--min-score", "100"),
        ("matrix",),
        ("fmt", "--check"),
    ],
)
def test_what_it_begins_passes_everything_that_is_asked_of_a_policy(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    assert rbac("init", tmp_path / "new").code == 0
    done = rbac_process(*command, cwd=tmp_path / "new")
    assert done.code == 0, done.out + done.err


def test_it_writes_into_a_folder_that_holds_other_things(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    done = rbac("init", tmp_path)
    assert done.out.split() == [str(tmp_path / name) for name in WRITTEN]
    assert begun(tmp_path) == ["README.md", *WRITTEN]


@pytest.mark.parametrize("name", WRITTEN)
def test_it_overwrites_nothing_and_then_writes_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    done = rbac("init", tmp_path)
    assert (done.code, name in done.err) == (1, True)
    assert begun(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_its_model_is_the_shipped_one() -> None:
    assert (ROOT / "rbac" / "template" / "model.conf").read_bytes() == (ROOT / "model.conf").read_bytes()


@pytest.mark.parametrize("command", ["check", "test", "can", "matrix", "fmt"])
def test_outside_a_project_a_command_says_how_to_begin_one(command: str, tmp_path: Path) -> None:
    arguments = (command, "--role", "user") if command == "can" else (command,)
    done = rbac_process(*arguments, cwd=tmp_path)
    assert done.code == 2
    assert "`rbac init`" in done.err, done.err


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    done = rbac("--version")
    assert (done.code, done.out.strip()) == (0, f"rbac {version('sekisho')}")
