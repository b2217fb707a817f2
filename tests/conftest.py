"""What every test run keeps to, in one process or side by side."""

import os
import signal
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.support.forwarding import Forwarder
    from tests.support.postgres import Cluster, Database

# How fast the machine is says nothing about the code.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

NO_NAMESPACE = "only root may make a root of its own, and only where the kernel gives a mount namespace"
"""Nothing that is installed changes that: the one skip that is no failure in continuous integration."""

_SKIPPED = "skipped_modules"
_SKIPPED_MODULES: set[str] = set()


def pytest_configure() -> None:
    """Whoever starts a run in the background may have it ignore Ctrl-C, and everything that it starts would, too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many tests run side by side: a quarter of the time one waits, for a service that starts or for a clock."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """What a test printed or logged crosses from a worker as UTF-8, which cannot carry half a surrogate pair."""
    return _encodable((yield))


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_encodable, value))
    return value


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A module that skips itself as a whole, which a worker does not tell together with its tests."""
    if report.skipped:
        _SKIPPED_MODULES.add(report.nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """The modules that a worker skipped, heard when it ends."""
    _SKIPPED_MODULES.update(getattr(node, "workeroutput", {}).get(_SKIPPED, ()))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In continuous integration a skipped test is a failure: what could not be run was not shown."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_SKIPPED] = sorted(_SKIPPED_MODULES)
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") != "true" or reporter is None:
        return
    if _SKIPPED_MODULES or any(
        NO_NAMESPACE not in str(each.longrepr) for each in reporter.stats.get("skipped", ())
    ):
        reporter.write_line("skipped tests are failures here", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED if exitstatus == pytest.ExitCode.OK else exitstatus


@pytest.fixture(scope="session")
def postgres() -> "Iterator[Cluster]":
    """A running PostgreSQL, which a test that stops or freezes it starts again."""
    from tests.support.postgres import cluster

    with cluster() as made:
        yield made


@pytest.fixture
def database(postgres: "Cluster") -> "Database":
    """A new database with the tables in it, where nothing was published."""
    return postgres.database().migrated()


@pytest.fixture
def way(postgres: "Cluster") -> "Iterator[Forwarder]":
    """A way to PostgreSQL that a test may block."""
    from tests.support.forwarding import forwarder

    with forwarder(postgres.port) as made:
        yield made
