"""pytest runs policy tests where there is a policy, explains what fails, and leaves everything else alone."""

import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

from tests.support.command import Workshop

# What pytest imports when a test runs it in this process is forgotten after the test: import it once, before.
for module in ("rbac.linting.lint", "rbac.policy_tests.run"):
    import_module(module)

pytest_plugins = "pytester"

HOLDS = "{name: users read, role: user, can: [GET /user], cannot: [GET /admin]}"
FAILS = "{name: nobody is a user, role: admin, cannot: [GET /user]}"
OPTIONS = (
    "-p",
    "no:cacheprovider",
    "-p",
    "no:asyncio",
    "-p",
    "no:randomly",
    "-p",
    "no:xdist",
    "-W",
    "error",
    "-rA",
)


@dataclass(frozen=True, slots=True)
class Project:
    """A project with a policy, a root directory of its own and no settings; pytest finds the plugin by itself."""

    pytester: pytest.Pytester
    files: Workshop

    def run(self) -> tuple[int, str]:
        """The exit code of pytest on this project, every warning an error, and what it printed."""
        done = self.pytester.runpytest_inprocess(*OPTIONS)
        return int(done.ret), done.stdout.str()


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    """See :class:`Project`."""
    files = Workshop(pytester.path)
    files.write("pytest.ini", "[pytest]\n")
    return Project(pytester, files)


def test_policy_tests_are_collected_one_by_one(project: Project) -> None:
    project.files.tests(HOLDS, FAILS)
    code, out = project.run()
    assert code == 1
    assert "PASSED policy_tests/tests.yaml::users read" in out
    assert "FAILED policy_tests/tests.yaml::nobody is a user" in out


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("", "PASSED policy_tests/tests.yaml::one person"),
        ("rbac_subjects = [0-9]{6}\n", "`123456` is a person and no role"),
        (
            "rbac_subjects = [\n",
            "is neither a preset (cognito, auth0, firebase, oidc) nor a regular expression",
        ),
    ],
    ids=["nothing", "a_pattern", "neither"],
)
def test_what_a_person_is_called_is_said_in_the_settings(project: Project, said: str, shown: str) -> None:
    project.files.rules("p, user, /user, GET, allow", "g, 123456, user")
    project.files.write("pytest.ini", f"[pytest]\n{said}")
    project.files.tests("{name: one person, role: '123456', can: [GET /user]}")
    code, out = project.run()
    assert shown in out
    assert bool(code) is bool(said)


def test_functions_of_ones_own_are_named_in_the_settings(project: Project) -> None:
    model = project.files.model.read_text(encoding="utf-8").replace("keyMatch3(", "same_path(")
    project.files.write("model.conf", model)
    project.files.write("our_paths.py", "def same_path(path, pattern):\n    return path == pattern\n")
    project.files.write("pytest.ini", "[pytest]\nrbac_functions = our_paths:same_path\n")
    project.files.tests(HOLDS)
    code, out = project.run()
    assert code == 0, out
    assert "PASSED policy_tests/tests.yaml::users read" in out


def test_every_part_of_the_format_is_run(project: Project) -> None:
    project.files.write(
        "policy_tests/tests.yaml",
        "suite: s\ngroups: {roles: {all: [user, admin]}, endpoints: {own: [GET /user]}}\ntests:\n"
        "  - {name: group, only: [all], methods: only, can: [own]}\n"
        "  - {name: exact, role: user, exactly: [own]}\n"
        "  - {name: each, why: the audit, roles-each: [all], cannot: [{below: /}]}\n",
    )
    code, out = project.run()
    assert code == 1
    assert "PASSED policy_tests/tests.yaml::group" in out
    assert "PASSED policy_tests/tests.yaml::exact" in out
    assert "FAILED policy_tests/tests.yaml::each" in out
    assert "why: the audit" in out
    assert "user can GET /* (as /user), and should not" in out


def test_a_failure_says_what_was_decided_by_which_rule_on_which_line(project: Project) -> None:
    project.files.tests(FAILS)
    _, out = project.run()
    assert "policy_tests/tests.yaml:3: admin can GET /user, and should not" in out
    assert "policy.csv:1: p, user, /user, GET, allow" in out
    assert "Traceback" not in out
    assert "pytest_plugin.py" not in out


def test_a_name_with_what_cannot_be_shown_or_sent_is_spelled_out(project: Project) -> None:
    holds = HOLDS.replace("users read", '"half \\ud800 a pair, \\e[31m red, \\n two lines"')
    fails = FAILS.replace("nobody is a user", '"half \\udfff a pair"').replace("admin,", '"\\ud800",')
    project.files.tests(holds, fails)
    code, out = project.run()
    assert code == 1
    assert "PASSED policy_tests/tests.yaml::half \\ud800 a pair, \\x1b[31m red, \\n two lines" in out
    assert "FAILED policy_tests/tests.yaml::half \\udfff a pair" in out
    assert "no role `\\ud800`" in out


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("suite: s\ntests:\n  - {name: n, rolle: user, can: [GET /]}\n", "policy_tests/bad.yaml:3:15"),
        ("suite: [", "policy_tests/bad.yaml:1"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_with_its_line(
    project: Project, content: str, says: str
) -> None:
    project.files.tests(HOLDS)
    project.files.write("policy_tests/bad.yaml", content)
    code, out = project.run()
    assert code == 2
    assert says in out


@pytest.mark.parametrize("errors", [True, False], ids=["errors", "warnings"])
@pytest.mark.parametrize(
    ("tests", "said"),
    [
        (f"groups: {{roles: {{staff: [user]}}}}\ntests: [{HOLDS}]", "[test-unused-group]"),
        (f"tests: [{HOLDS}, {HOLDS}]", "[test-duplicate]"),
        (f"tests: [{HOLDS}] # \u202e", "[invisible-character]"),
    ],
    ids=["group", "name", "hidden"],
)
def test_what_is_odd_about_a_file_is_a_warning_of_pytests(
    project: Project, tests: str, said: str, errors: bool
) -> None:
    project.files.write("policy_tests/tests.yaml", f"suite: odd\n{tests}\n")
    done = project.pytester.runpytest_inprocess(*OPTIONS, *(() if errors else ("-W", "default")))
    out = done.stdout.str()
    assert said in out
    assert "rbac/pytest_plugin.py" not in out
    assert ("policy_tests/tests.yaml::users read" in out) is not errors
    assert int(done.ret) == (2 if errors else 0)


def test_an_unknown_role_fails_its_test_with_its_line(project: Project) -> None:
    project.files.tests("{name: typo, role: usr, cannot: [GET /admin]}")
    code, out = project.run()
    assert code == 1
    assert "policy_tests/tests.yaml:3:24: error: the policy knows no role `usr`" in out


def test_a_refused_policy_is_an_error_with_its_lines(project: Project) -> None:
    project.files.tests(HOLDS)
    project.files.rules("p, user, /user, GET, alow")
    code, out = project.run()
    assert code == 2
    assert "policy.csv:1" in out
    assert "alow" in out


PYTHON_TESTS = """
def test_yes(policy):
    assert policy.allows("user", "GET", "/user")
    assert policy.allows(["user", "admin"], "GET", "/admin")
    assert not policy.allows(None, "GET", "/user")
    assert not policy.allows("user", "GET", "/user", sub="mallory") is False
    assert policy.decide(role="user", sub="x", obj="/user", act="GET").allowed

def test_denied(policy):
    assert policy.allows("user", "GET", "/admin")

def test_allowed(policy):
    assert not policy.allows("admin", "GET", "/user")
"""


def test_the_fixture_answers_and_a_failure_explains_itself(project: Project) -> None:
    project.files.write("test_it.py", PYTHON_TESTS)
    _, out = project.run()
    assert "PASSED test_it.py::test_yes" in out
    assert "assert <denied: no rule allows it; nearest is policy.csv:2: p, admin, /admin, GET, allow" in out
    assert "assert not <allowed by policy.csv:1: p, user, /user, GET, allow>" in out


def test_a_role_is_somebody_with_a_valid_token(project: Project) -> None:
    project.files.rules("p, authenticated, /profile, GET, allow", "p, user, /user, GET, allow")
    project.files.write(
        "test_it.py",
        "def test_it(policy):\n"
        '    assert policy.allows("user", "GET", "/profile")\n'
        '    assert not policy.allows(None, "GET", "/profile")\n',
    )
    assert project.run()[0] == 0


def test_the_settings_say_where_things_are(project: Project) -> None:
    project.files.write("conf/m.conf", project.files.model.read_bytes())
    project.files.write("conf/p.csv", "p, user, /other, GET, allow\n")
    project.files.write("conf/routes.json", '[{"method": "GET", "path": "/other"}]')
    settings = "rbac_model = conf/m.conf\nrbac_policy = conf/p.csv\nrbac_tests = one two\nrbac_routes = conf/routes.json\n"
    project.files.write("pytest.ini", f"[pytest]\n{settings}")
    project.files.write("one/a.yaml", "suite: s\ntests:\n  - {name: other, role: user, can: [GET /other]}\n")
    project.files.write("two/b.yml", "suite: s\ntests:\n  - {name: typo, role: user, cannot: [GET /othr]}\n")
    project.files.tests(HOLDS)
    _, out = project.run()
    assert "PASSED one/a.yaml::other" in out
    assert "FAILED two/b.yml::typo" in out
    assert "no route has the path `/othr`" in out
    assert "users read" not in out


def test_a_project_without_a_policy_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "policy_tests").mkdir()
    (tmp_path / "policy_tests" / "theirs.yaml").write_text("some: [thing", encoding="utf-8")
    (tmp_path / "other.yaml").write_text("- not ours", encoding="utf-8")
    (tmp_path / "test_theirs.py").write_text(
        "import pytest\n\n@pytest.fixture\ndef policy():\n    return 7\n\ndef test_it(policy):\n    assert policy == 7\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", *OPTIONS]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_other_yaml_of_a_project_with_a_policy_is_left_alone(project: Project) -> None:
    project.files.write("deploy/values.yaml", "replicas: 3\n")
    project.files.write("policy_tests/README.md", "# not a test\n")
    project.files.tests(HOLDS)
    code, out = project.run()
    assert code == 0, out
    assert "1 passed" in out


def pytest_in(folder: Path) -> tuple[int, str]:
    """pytest run there as people run it, the folder first on the path."""
    command = [sys.executable, "-m", "pytest", *OPTIONS]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("theirs", ["rbac.py", "rbac/__init__.py"])
def test_a_project_with_an_rbac_of_its_own_is_left_alone(tmp_path: Path, theirs: str) -> None:
    """Its tests run and import its own module, whatever the package is called."""
    files = Workshop(tmp_path)
    files.write("pytest.ini", "[pytest]\n")
    files.write(theirs, "ANSWER = 42\n")
    files.write("test_theirs.py", "import rbac\n\ndef test_it():\n    assert rbac.ANSWER == 42\n")
    files.model.unlink()
    code, out = pytest_in(tmp_path)
    assert code == 0, out
    assert "1 passed" in out


@pytest.mark.parametrize("theirs", ["rbac.py", "rbac/__init__.py"])
def test_policy_tests_beside_an_rbac_of_ones_own_say_in_one_sentence_why_not(
    tmp_path: Path, theirs: str
) -> None:
    """What cannot be run is an error that names the file that is in the way; other tests run."""
    files = Workshop(tmp_path)
    files.write("pytest.ini", "[pytest]\naddopts = --continue-on-collection-errors\n")
    files.write(theirs, "ANSWER = 42\n")
    files.write("test_theirs.py", "import rbac\n\ndef test_it():\n    assert rbac.ANSWER == 42\n")
    files.write("test_ours.py", "def test_it(policy):\n    assert policy\n")
    files.tests(HOLDS)
    code, out = pytest_in(tmp_path)
    assert code == 1
    assert "1 passed" in out
    assert out.count(f"here `rbac` is `{tmp_path / theirs}`") >= 2
    assert "Traceback" not in out


def test_the_plugin_imports_nothing_of_the_package_until_it_is_needed(tmp_path: Path) -> None:
    """A run without policy tests does not take the name `rbac`."""
    files = Workshop(tmp_path)
    files.write("pytest.ini", "[pytest]\n")
    files.model.unlink()
    files.write("test_it.py", "import sys\n\ndef test_it():\n    assert 'rbac' not in sys.modules\n")
    code, out = pytest_in(tmp_path)
    assert code == 0, out


def test_loading_the_plugin_imports_no_command_line_no_web_framework_and_no_yaml() -> None:
    program = "import sys, rbac.pytest_plugin; print(sorted({'yaml', 'typer', 'rich', 'fastapi', 'rbac.space.space'} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
