"""What pytest loads on every machine that has the package: the settings, the files to collect, the fixture ``policy``.

A module of its own, so that nothing of ``rbac`` is imported, nor the name taken from a project's own ``rbac``, before
there is a policy test to run or a test that asks for the fixture.
"""

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from rbac.policy_tests.suite_files import SuiteFiles
    from rbac.pytest_plugin import PolicyToTest

_SUFFIXES = frozenset({".yaml", ".yml"})
_SUITES = pytest.StashKey["SuiteFiles | str | None"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The settings, all of them paths from pytest's root directory but for the routes."""
    parser.addini("rbac_model", "the Casbin model that policy tests are about", default="model.conf")
    parser.addini("rbac_policy", "the policy that policy tests are about", default="policy.csv")
    parser.addini("rbac_tests", "folders of policy tests", type="args", default=["policy_tests"])
    help_text = "an application (app.main:app), a routes.json or none; as for `rbac test`"
    parser.addini("rbac_routes", help_text, default="")
    people = "what a person's `sub` looks like: cognito, auth0, firebase, or a regular expression"
    parser.addini("rbac_subjects", people, default="")
    parser.addini(
        "rbac_functions",
        "functions of your own that the matcher calls (module:name)",
        type="args",
        default=[],
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A folder of policy tests is looked into whatever its name, as the gate of a service does."""
    suites = _suites(config)
    if (
        suites is None
        or isinstance(suites, str)
        or config.getoption("ignore")
        or config.getoption("ignore_glob")
    ):
        return None
    return False if collection_path in suites.directories else None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.File | None:
    """A policy test file, if this is one and the policy that it is about is there."""
    suites = _suites(parent.config)
    if isinstance(suites, str):
        return _unusable(file_path, parent, suites)
    if suites is None or file_path not in suites.read:
        return None
    found: pytest.File = _plugin().PolicyTestFile.from_parent(parent, path=file_path)
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Names the files that look like policy tests and are not read as such."""
    suites = _suites(config)
    for problem in () if suites is None or isinstance(suites, str) else suites.warnings():
        terminalreporter.write_line(_plugin().shown(str(problem)), yellow=True)


def _suites(config: pytest.Config) -> "SuiteFiles | str | None":
    """The policy tests of this run, found once; ``None`` where there is nothing to look for or no policy to test, and
    the reason where they cannot be run."""
    if _SUITES not in config.stash:
        named = (config.rootpath / folder for folder in config.getini("rbac_tests"))
        folders = [Path(os.path.normpath(folder)) for folder in named if folder.is_dir()]
        documents = (config.rootpath / config.getini(f"rbac_{kind}") for kind in ("model", "policy"))
        config.stash[_SUITES] = None
        if folders and all(path.is_file() for path in documents):
            try:
                config.stash[_SUITES] = _plugin().suites_in(folders)
            except ImportError as error:
                config.stash[_SUITES] = str(error)
    return config.stash[_SUITES]


def _unusable(file_path: Path, parent: pytest.Collector, reason: str) -> "Unusable | None":
    folders = [parent.config.rootpath / folder for folder in parent.config.getini("rbac_tests")]
    if file_path.suffix not in _SUFFIXES or not any(map(file_path.is_relative_to, folders)):
        return None
    unusable: Unusable = Unusable.from_parent(parent, path=file_path)
    unusable.reason = reason
    return unusable


class Unusable(pytest.File):
    """A policy test file that cannot be run here: an error with one sentence, and every other test runs."""

    reason = ""

    def collect(self) -> list[pytest.Item]:
        """Raise the reason."""
        raise self.CollectError(self.reason)


def _plugin() -> Any:
    """The module that runs policy tests. Raises an ImportError of one sentence where ``rbac`` is someone else's."""
    package = import_module("rbac")
    file = getattr(package, "__file__", None) or str(next(iter(package.__path__), ""))
    if Path(file).resolve().parent != Path(__file__).resolve().with_name("rbac"):
        raise ImportError(
            f"policy tests need the package `rbac` of `sekisho`, and here `rbac` is `{file}`: rename that, or set "
            "`rbac_tests` to a folder that is not there"
        )
    return import_module("rbac.pytest_plugin")


@pytest.fixture(scope="session")
def policy(pytestconfig: pytest.Config) -> "PolicyToTest":
    """The policy of ``rbac_model`` and ``rbac_policy``: ``assert policy.allows("user", "GET", "/user")``."""
    try:
        plugin = _plugin()
    except ImportError as error:
        pytest.fail(str(error), pytrace=False)
    asked: PolicyToTest = plugin.policy_to_test(pytestconfig)
    return asked
