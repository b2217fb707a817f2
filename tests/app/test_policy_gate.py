"""The gates of the running service say of a document what `rbac check` says of it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.config import Settings
from app.policy_gate import live_policy, proxy_policy
from rbac import LivePolicy
from rbac.cli.check import check_files
from rbac.routes import NO_ROUTES, KnownRoutes, load_routes
from tests.support.application import settings_for
from tests.support.issuer import Issuer
from tests.support.service import ROOT

DENIED = "p, trainee, /user, GET, deny\n"
TEST = "suite: s\ntests:\n  - {{name: n, {caller}, cannot: [GET /user]}}\n"
CALLERS = {
    "nobody": None,
    "the role": "role: trainee",
    "one of several roles": "roles: [user, trainee]",
    "each of several roles": "roles-each: [user, trainee]",
    "another role": "role: user",
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


def own(settings: Settings, _directory: Path) -> tuple[LivePolicy, KnownRoutes]:
    routes = load_routes("app.main:app")
    return live_policy(settings, routes), routes


def of_a_proxy(settings: Settings, directory: Path) -> tuple[LivePolicy, KnownRoutes]:
    files = directory / "model.conf", directory / "policy.csv", directory / "policy_tests"
    return proxy_policy(settings, *files), NO_ROUTES


def of_a_library(_settings: Settings, directory: Path) -> tuple[LivePolicy, KnownRoutes]:
    files = directory / "model.conf", directory / "policy.csv", directory / "policy_tests"
    return LivePolicy.files(*files), NO_ROUTES


GATES = {"the service's own": own, "the proxies'": of_a_proxy, "a library's": of_a_library}


@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
@pytest.mark.parametrize("caller", CALLERS.values(), ids=CALLERS)
def test_a_role_that_policy_tests_name_is_known_to_gate_and_command_alike(
    issuer: Issuer,
    tmp_path: Path,
    gate: Callable[[Settings, Path], tuple[LivePolicy, KnownRoutes]],
    caller: str | None,
) -> None:
    shutil.copytree(ROOT / "policy_tests", tmp_path / "policy_tests")
    if caller is not None:
        (tmp_path / "policy_tests" / "trainees.yaml").write_text(TEST.format(caller=caller), encoding="utf-8")
    settings = settings_for(issuer, tmp_path, POLICY_TESTS=str(tmp_path / "policy_tests"))
    policy = tmp_path / "policy.csv"
    policy.write_text(policy.read_text(encoding="utf-8") + DENIED, encoding="utf-8")
    live, routes = gate(settings, tmp_path)
    live.load()
    said = check_files(tmp_path / "model.conf", policy, routes).problems
    warned = [problem for problem in live.warnings if not problem.code.startswith("test-")]
    assert {(one.line, one.code, one.message) for one in warned} == {
        (one.line, one.code, one.message) for one in said
    }
    known = caller is not None and "trainee" in caller
    assert ("unknown-role" in {one.code for one in warned}) is not known
