"""deploy/pipelines: valid, shown word for word in docs/pipelines.md, and run step by step on a repository and a store."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tests.support.command import Outcome, Workshop, rbac
from tests.support.deploy_tools import DEPLOY, schema
from tests.support.postgres import PASSWORD, PUBLISHER, Database
from tests.support.service import ROOT

PIPELINES = DEPLOY / "pipelines"
SCHEMAS = {
    "github/policy.yml": "github-workflows",
    "github/publish.yml": "github-workflows",
    "gitlab.yml": "gitlab-ci",
}
FIRST = ("p, user, /user, GET, allow", "p, admin, /admin, GET, allow", "g, admin, user")


def read(name: str) -> Any:
    """`on` is a truth value to YAML 1.1; to GitHub it is a name."""
    return yaml.load(
        (PIPELINES / name).read_text(encoding="utf-8").replace("\non:", '\n"on":'), yaml.SafeLoader
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_is_a_pipeline(name: str) -> None:
    assert [error.message for error in Draft7Validator(schema(SCHEMAS[name])).iter_errors(read(name))] == []


def test_a_mistake_would_be_found() -> None:
    broken = read("github/publish.yml")
    broken["jobs"]["publish"]["step"] = []
    assert list(Draft7Validator(schema("github-workflows")).iter_errors(broken))


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_page_shows_it_word_for_word(name: str) -> None:
    page = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")
    assert (PIPELINES / name).read_text(encoding="utf-8") in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)


@pytest.mark.parametrize("name", ["github/policy.yml", "github/publish.yml"])
def test_what_others_write_is_never_a_part_of_a_script(name: str) -> None:
    """A branch may be called `$(…)`: expressions go into the environment, and scripts read that."""
    for job in read(name)["jobs"].values():
        assert not [step for step in job["steps"] if "${{" in step.get("run", "")]
        assert all(
            step["with"]["persist-credentials"] is False
            for step in job["steps"]
            if "checkout" in step.get("uses", "")
        )
    assert read(name)["permissions"]["contents"] == "read"


def scripts(name: str, job: str) -> list[str]:
    """What a job runs after it was set up."""
    pipeline = read(name)
    if "jobs" not in pipeline:
        return list(pipeline[job]["script"])
    return [step["run"] for step in pipeline["jobs"][job]["steps"] if "rbac" in step.get("run", "")]


class Repository:
    """A repository of Git with a document, and the store that its pipeline publishes to."""

    def __init__(self, workshop: Workshop, database: Database, patch: pytest.MonkeyPatch) -> None:
        self.workshop = workshop
        for name, value in {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "POLICY_STORE": database.url(PUBLISHER),
            "PGPASSWORD": PASSWORD,
            "GIT_CONFIG_GLOBAL": "/dev/null",
        }.items():
            patch.setenv(name, value)
        patch.chdir(workshop.folder)
        workshop.tests("{name: users read, role: user, can: [GET /user], cannot: [GET /admin]}")
        self.run("git init -q -b main")

    def run(self, script: str) -> Outcome:
        """As a pipeline runs it: by bash, which ends at the first command that fails."""
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            capture_output=True,
            check=False,
            text=True,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def commit(self, subject: str, *rules: str) -> None:
        """Commits these rules, as Alice."""
        self.workshop.rules(*rules)
        identity = "-c user.name=Alice -c user.email=alice@example.com"
        done = self.run(f"git add -A; git {identity} commit -qm '{subject}'")
        assert done.code == 0, done.err

    def by_hand(self, base: int, *rules: str) -> None:
        """Publishes these rules beside Git, and leaves the files as they were."""
        kept = self.workshop.policy.read_bytes()
        self.workshop.rules(*rules)
        done = rbac("publish", "--based-on", base, "--reason", "in a hurry")
        assert done.code == 0, done.err
        self.workshop.policy.write_bytes(kept)


@pytest.fixture
def repository(workshop: Workshop, database: Database, monkeypatch: pytest.MonkeyPatch) -> Repository:
    return Repository(workshop, database, monkeypatch)


def test_gitlab_runs_what_github_runs() -> None:
    for job in ("publish", "look"):
        assert scripts("gitlab.yml", job) == scripts("github/publish.yml", job)


def test_the_main_branch_is_published_and_what_is_beside_it_is_told_and_stays(repository: Repository) -> None:
    steps = scripts("github/publish.yml", "publish")
    (look,) = scripts("github/publish.yml", "look")
    repository.commit("Begin", *FIRST)
    for step in steps:
        assert repository.run(step).code == 0, repository.run(step)
    assert repository.run(look).code == 0
    repository.commit("Open a path", *FIRST, "p, user, /open, GET, allow")
    ahead = repository.run(look)
    assert (ahead.code, "not published: " in ahead.out, "Alice: Open a path" in ahead.out) == (1, True, True)
    for step in steps:
        assert repository.run(step).code == 0, step
    assert "Alice: Open a path" in rbac("history").out
    repository.by_hand(2, *FIRST, "p, user, /hurry, GET, allow")
    beside = repository.run(look)
    assert (beside.code, "published beside Git: in a hurry" in beside.out) == (1, True), beside
    repository.commit("Open another", *FIRST, "p, user, /open, GET, allow", "p, user, /later, GET, allow")
    publish = repository.run(steps[-2])
    assert publish.code == 1
    assert "what came later is not Git's" in " ".join(publish.err.split())
    assert "version 3 was published by alice" in publish.err
    assert "/hurry" in publish.out
    assert "/hurry" in rbac("show").out
    assert rbac("publish", "--git", "main", "--based-on", "3").code == 0
    assert repository.run(look).code == 0


def test_a_rollback_by_hand_is_beside_git_though_an_earlier_commit_held_it(repository: Repository) -> None:
    """And a revert in Git is not."""
    opened = (*FIRST, "p, user, /open, GET, allow")
    repository.commit("Begin", *FIRST)
    assert rbac("publish", "--git", "main").code == 0
    repository.commit("Open a path", *opened)
    assert rbac("publish", "--git", "main").code == 0
    assert rbac("rollback", "1", "--reason", "it broke").code == 0
    repository.commit("Open another", *opened, "p, user, /more, GET, allow")
    assert rbac("publish", "--git", "main").code == 1
    assert "version 3, by alice" in rbac("status", "--git", "main").out
    repository.commit("Revert", *FIRST)
    said = rbac("status", "--git", "main")
    assert (said.code, "version 3 is" in said.out, "Alice: Revert" in said.out) == (0, True, True)


def test_what_lies_uncommitted_is_not_published(repository: Repository) -> None:
    repository.commit("Begin", *FIRST)
    repository.workshop.rules(*FIRST, "p, everyone, /*, *, allow")
    (repository.workshop.folder / "policy_tests" / "tests.yaml").write_text("suite: x\ntests: []\n")
    assert rbac("publish", "--git", "HEAD").code == 0
    assert rbac("show").out.splitlines() == list(FIRST)
    assert rbac("status", "--git", "HEAD").code == 0


def test_tests_and_endpoints_are_part_of_what_is_compared(repository: Repository) -> None:
    repository.commit("Begin", *FIRST)
    assert rbac("publish", "--git", "main").code == 0
    repository.workshop.write(
        "routes.json", '[{"act": "GET", "obj": "/user"}, {"act": "GET", "obj": "/admin"}]'
    )
    repository.commit("Say which endpoints there are", *FIRST)
    said = rbac("status", "--git", "main", "--format", "json").json["git"]
    assert (said["same"], said["version"], len(said["unpublished"]), said["beside"]) == (False, 1, 1, [])
    assert rbac("publish", "--git", "main").code == 0
    assert rbac("status", "--git", "main", "--format", "json").json["git"]["same"]


def test_a_document_below_the_repository_is_found_from_anywhere(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = repository.workshop.folder
    repository.commit("Begin", *FIRST)
    repository.run("mkdir -p below other && git mv policy.csv model.conf policy_tests below")
    identity = "-c user.name=Alice -c user.email=alice@example.com"
    assert repository.run(f"git {identity} commit -qm Move").code == 0
    names = f"--model {folder}/below/model.conf --policy ../below/policy.csv"
    monkeypatch.chdir(folder / "other")
    assert rbac(*f"publish --git main {names}".split()).code == 0
    assert rbac(*f"status --git main {names}".split()).code == 0


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        (lambda run: run("rm -rf .git"), "not a git repository"),
        (lambda run: run("git branch -m other"), "main"),
        (
            lambda run: run(
                "git rm -q --cached policy.csv; git -c user.name=A -c user.email=a@b.c commit -qm x"
            ),
            "policy.csv",
        ),
    ],
)
def test_what_git_cannot_say_is_told(repository: Repository, spoiled: Callable[..., Any], said: str) -> None:
    repository.commit("Begin", *FIRST)
    spoiled(repository.run)
    done = rbac("publish", "--git", "main")
    assert (done.code, said in done.err) == (2, True), done


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--git main --routes none", "--routes"),
        ("", "--reason"),
        ("--git=--upload-pack=x", "git"),
        ("--git main:policy.csv", "git"),
    ],
)
def test_what_cannot_be_meant_is_refused(repository: Repository, arguments: str, said: str) -> None:
    repository.commit("Begin", *FIRST)
    done = rbac(*f"publish {arguments}".split())
    assert (done.code, said in done.err) == (2, True), done
