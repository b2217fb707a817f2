"""Run FastAPI's or Starlette's own tests with every router finding its routes by the index, and without it.

    git clone --branch 1.10.0 https://github.com/Kludex/starlette CHECKOUT
    python -m benchmarks.routing_suites CHECKOUT [pytest arguments]

The tests are run from the checkout; what they test is installed, and so must be what they need. A checkout of another
version has tests that fail either way: it is told which outcomes differ. Exits with 0 where none does.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from starlette.routing import Router

from rbac.guard.http.route_index import index_routes

INDEXED = "BENCHMARKS_INDEXED"

# What of the suites is about routing: all that finds, includes, mounts or refuses an endpoint.
USUAL = (
    "test_routing.py",
    "test_endpoints.py",
    "test_applications.py",
    "test_websockets.py",
    "test_custom_route_class.py",
    "test_additional_responses_router.py",
    "test_empty_router.py",
    "test_extra_routes.py",
    "test_include_route.py",
    "test_include_router_defaults_overrides.py",
    "test_route_scope.py",
    "test_router_circular_import.py",
    "test_router_events.py",
    "test_router_include_context.py",
    "test_router_prefix_with_template.py",
    "test_router_redirect_slashes.py",
    "test_ws_router.py",
    "test_application.py",
    "test_path.py",
)


def main(checkout: Path, arguments: list[str]) -> int:
    """Runs the suite of ``checkout`` twice and compares; 0 where every test comes out the same."""
    chosen = arguments or ["-q", *(f"tests/{name}" for name in USUAL if (checkout / "tests" / name).exists())]
    plain, indexed = (_outcomes(checkout, chosen, indexed=indexed) for indexed in (False, True))
    differing = sorted(name for name in plain.keys() | indexed.keys() if plain.get(name) != indexed.get(name))
    for name in differing:
        print(f"{name}: {plain.get(name)} without the index, {indexed.get(name)} with it")
    passed = sum(outcome == "passed" for outcome in plain.values())
    print(f"{len(plain)} tests, {passed} pass without the index; {len(differing)} differ with it")
    return 1 if differing or not passed else 0


def _outcomes(checkout: Path, arguments: list[str], *, indexed: bool) -> dict[str, str]:
    """What came of each test, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="routing-") as scratch:
        report = Path(scratch) / "report.xml"
        environment = os.environ | {INDEXED: "1" if indexed else ""}
        command = [sys.executable, "-m", "benchmarks.routing_suites", "--inside", str(checkout)]
        subprocess.run([*command, f"--junitxml={report}", *arguments], env=environment, check=False)
        cases = ET.parse(report).getroot().iter("testcase")
        return {f"{case.get('classname')}::{case.get('name')}": _outcome(case) for case in cases}


def _outcome(case: ET.Element) -> str:
    kinds = [child.tag for child in case if child.tag in {"failure", "error", "skipped"}]
    return kinds[0] if kinds else "passed"


def inside(checkout: Path, arguments: list[str]) -> int:
    """Runs the tests in this process; the exit status of pytest."""
    if os.environ.get(INDEXED):
        _index_every_router()
    os.chdir(checkout)
    sys.path.insert(0, str(checkout))
    settings = ["-c", os.devnull, "--rootdir", str(checkout), "-p", "no:cacheprovider", "-p", "no:rbac"]
    return pytest.main([*settings, "-p", "no:randomly", *arguments])


def _index_every_router() -> None:
    made = Router.__init__

    def indexed(self: Router, *args: Any, **kwargs: Any) -> None:
        made(self, *args, **kwargs)
        index_routes(self)

    Router.__init__ = indexed  # type: ignore[method-assign]  # before any of the tests makes one


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        sys.exit(inside(Path(sys.argv[2]), sys.argv[3:]))
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
