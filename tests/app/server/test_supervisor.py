"""Workers that a start begins with are told what was judged for it; those that come later judge for themselves."""

from typing import Any

import pytest
import uvicorn

from app.server import supervisor
from app.server.supervisor import Supervisor


class Started:
    """A worker that is told to be one: it serves at once, until it is killed."""

    exitcode = -9
    pid = 1

    def __init__(self, config: uvicorn.Config, sockets: list[Any]) -> None:
        self.config = config
        self.process = self
        self.alive = True

    def start(self) -> None: ...

    def join(self) -> None: ...

    def look(self) -> bool | None:
        return True if self.alive else None

    def kill(self) -> None:
        self.alive = False

    terminate = kill

    def wait_until_ready(self, *_: object) -> bool:
        return self.alive


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    """Two of them, just started."""
    monkeypatch.setattr(supervisor, "Worker", Started)
    first, later = (uvicorn.Config("nowhere:app", workers=2) for _ in range(2))
    started = Supervisor(later, [], first=first)
    started.init_processes()
    assert [each.config for each in started.processes] == [first, first]
    return started


def test_one_that_replaces_a_dead_one_judges_for_itself(workers: Supervisor) -> None:
    kept, dead = workers.processes
    dead.kill()
    workers.keep_subprocess_alive()
    assert workers.processes[0] is kept
    assert workers.processes[1].config is workers.config


def test_those_of_a_hangup_judge_for_themselves(workers: Supervisor) -> None:
    workers.restart_all()
    assert [each.config for each in workers.processes] == [workers.config] * 2


def test_one_more_judges_for_itself(workers: Supervisor) -> None:
    workers.handle_ttin()
    assert workers.processes[-1].config is workers.config
