"""The projects in `examples/` do what they show: few lines changed, their own tests, and a policy that is tested."""

import json
from pathlib import Path

import pytest

from tests.support.examples import EXAMPLES, Example, python

each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


@each_example
def test_few_lines_are_changed(example: Example) -> None:
    """Lines added and lines taken away: one that is replaced counts as two."""
    assert 0 < len(example.changed_lines()) <= example.most, "\n".join(example.changed_lines())


_ASK_BEFORE = """
import json, sys
from fastapi.testclient import TestClient
from {module} import app
with TestClient(app, raise_server_exceptions=False) as client:
    answers = {{path: client.get(path).status_code for path in {paths!r}}}
print(json.dumps([answers, sorted(name for name in sys.modules if name.split(".")[0] == "rbac")]))
"""


@pytest.mark.parametrize(
    ("example", "answers"),
    [
        (EXAMPLES[0], {"/orders": 200, "/reports/sales": 200, "/nowhere": 404}),
        (EXAMPLES[1], {"/orders": 401, "/docs": 200, "/nowhere": 404}),
        (EXAMPLES[2], {"/notices": 200, "/reports/count": 200, "/nowhere": 404}),
    ],
    ids=lambda value: value.name if isinstance(value, Example) else "",
)
def test_the_application_before_the_change_ran_without_a_policy(
    example: Example, answers: dict[str, int], tmp_path: Path
) -> None:
    copy = example.before(tmp_path)
    module = example.application.partition(":")[0]
    ended = python(copy, "-c", _ASK_BEFORE.format(module=module, paths=list(answers)))
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == [answers, []]


@each_example
def test_the_applications_own_tests_pass(example: Example, tmp_path: Path) -> None:
    """Its table of callers and paths among them. The policy tests, too, which the plugin collects."""
    copy = example.copied(tmp_path)
    ended = python(copy, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-p", "no:xdist")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    passed = {line.partition("::")[0] for line in ended.stdout.splitlines() if " PASSED" in line}
    assert any(name.endswith(".py") for name in passed), ended.stdout
    assert any(name.startswith("policy_tests/") for name in passed), ended.stdout


@each_example
def test_the_policy_passes_its_own_checks(example: Example, tmp_path: Path) -> None:
    copy = example.copied(tmp_path)
    checked = python(copy, "-m", "rbac", "check", "--strict")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tested = python(
        copy, "-m", "rbac", "test", "--coverage", "--min-coverage", "100", "--mutate", "--min-score", "100"
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("example", [each for each in EXAMPLES if (each.folder / "routes.json").exists()])
def test_the_known_endpoints_are_the_applications(example: Example, tmp_path: Path) -> None:
    listed = python(example.copied(tmp_path), "-m", "rbac", "routes", example.application, "--format", "json")
    assert json.loads(listed.stdout) == json.loads((example.folder / "routes.json").read_text())
