"""The real Prometheus, and its promtool."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support import plain_http
from tests.support.ports import free_port
from tests.support.service import ROOT
from tests.support.waiting import LIMIT_S, comes_true


def program(name: str) -> str:
    """Where ``prometheus`` or ``promtool`` is. Skips the test where it is not."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}: apt-get install prometheus")
    return found


def promtool(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """What promtool says."""
    command = [program("promtool"), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def panels() -> list[str]:
    """What the panels of the dashboard ask."""
    return list(_expressions(json.loads((ROOT / "docs/grafana-dashboard.json").read_text(encoding="utf-8"))))


def _expressions(node: Any) -> Iterator[str]:
    """Every PromQL expression of a dashboard, its variables filled in as Grafana would."""
    if isinstance(node, dict):
        if isinstance(node.get("expr"), str):
            filled = node["expr"].replace("$job", ".*").replace("$instance", ".*")
            yield filled.replace("$__rate_interval", "1m").replace("$__range", "1h")
        for child in node.values():
            yield from _expressions(child)
    elif isinstance(node, list):
        for child in node:
            yield from _expressions(child)


class Prometheus:
    """One that runs, and what it is asked."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **parameters: str) -> Any:
        """The ``data`` of an answer; ``None`` while there is none."""
        try:
            answer = plain_http.get(f"{self.url}/api/v1/{path}", params=parameters)
        except httpx2.TransportError:
            return None
        return answer.json()["data"] if answer.status_code == 200 else None

    def query(self, expression: str) -> list[Any] | None:
        """The samples of an expression, ``None`` where it cannot be evaluated."""
        found = self.get("query", query=expression)
        return None if found is None else list(found["result"])


@contextmanager
def scraping(directory: Path, configuration: str) -> Iterator[Prometheus]:
    """A Prometheus with this configuration, until the block ends."""
    (directory / "prometheus.yml").write_text(configuration)
    port = free_port()
    command = [
        program("prometheus"),
        f"--config.file={directory}/prometheus.yml",
        f"--storage.tsdb.path={directory}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        prometheus = Prometheus(f"http://127.0.0.1:{port}")
        assert comes_true(lambda: prometheus.get("status/buildinfo") is not None)
        yield prometheus
    finally:
        server.terminate()
        server.wait(LIMIT_S)
