"""`.pre-commit-hooks.yaml`: each hook runs a command that there is, with options that it has, on the files it is about."""

import re
import shlex

import pytest
import yaml

from tests.support.command import ROOT, Workshop

HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook["id"]))
def test_a_hook_passes_on_a_sound_policy(hook: dict[str, str], workshop: Workshop) -> None:
    workshop.tests("{name: a user reads, role: user, can: [GET /user]}")
    program, command, *options = shlex.split(hook["entry"])
    paths = [workshop.folder / "policy_tests"] if command == "test" else []
    done = workshop.rbac(command, *options, *map(str, hook.get("args", [])), *paths)
    assert (program, done.code) == ("rbac", 0), done


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook["id"]))
def test_a_hook_runs_when_the_policy_changes(hook: dict[str, str]) -> None:
    assert re.search(hook["files"], "policy.csv")
