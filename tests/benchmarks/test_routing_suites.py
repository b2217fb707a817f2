"""The tests of other projects are run with the route index and without, and what differs is found."""

from pathlib import Path

import pytest

from benchmarks.routing_suites import main

SUITE = """
from starlette.routing import Route, Router


def test_a_router() -> None:
    router = Router([Route("/a", lambda request: None)])
    assert type(router.middleware_stack).__name__ != "{name}"
"""


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [("RouteIndex", 1, "passed without the index, failure with it"), ("another", 0, "0 differ with it")],
)
def test_what_differs_is_named(
    name: str, status: int, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_routing.py").write_text(SUITE.format(name=name))
    assert main(tmp_path, []) == status
    assert said in capfd.readouterr().out
