"""Several workers: one that dies is replaced, also while the files hold nothing to start on, and none outlives its parent."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.support.issuer import Issuer
from tests.support.service import (
    ROOT,
    Service,
    clean_environment,
    kill_one,
    running,
    serving,
    trusting,
    workers,
)
from tests.support.waiting import LIMIT_S, comes_true


def policies(service: Service) -> list[dict[str, object]]:
    """What several answers in a row say about the document: of either worker, in whatever order."""
    return [service.get("/readyz").json()["policy"] for _ in range(20)]


def break_the_document(service: Service) -> str:
    """The revision that stays in force."""
    revision: str = service.get("/readyz").json()["policy"]["revision"]
    with service.policy.open("a") as policy:
        policy.write("p, user, /admin, GET, alow\n")
    assert comes_true(lambda: not any(each["current"] for each in policies(service)))
    return revision


def test_a_worker_that_dies_while_the_document_is_broken_is_replaced_on_the_last_good_one(
    issuer: Issuer, tmp_path: Path
) -> None:
    with serving(issuer, tmp_path, WORKERS="2") as service:
        revision = break_the_document(service)
        before = workers(service)
        victim = kill_one(service)
        assert comes_true(lambda: victim not in workers(service) and len(workers(service)) == 2)
        assert service.eventually_logs("starting on the last good one")
        (new,) = workers(service) - before
        assert comes_true(lambda: any(each["last_good"] for each in policies(service)))
        assert {each["revision"] for each in policies(service)} == {revision}
        for worker in before - {victim}:  # now all answers are the new one's
            os.kill(worker, signal.SIGKILL)
        assert comes_true(lambda: len(workers(service)) == 2 and new in workers(service))
        assert comes_true(lambda: all(each["last_good"] for each in policies(service)))
        assert service.get("/admin", issuer.token(**{"custom:role": "user"})).status_code == 403
        assert service.get("/admin", issuer.token()).status_code == 200
        assert service.process.poll() is None
        lines = service.policy.read_text().splitlines()
        service.policy.write_text("\n".join(lines[:-1]) + "\n")
        assert comes_true(
            lambda: all(each["current"] and not each["last_good"] for each in policies(service))
        )
        assert service.stop() == 0


@pytest.mark.parametrize("missing", ["the rules", "the model", "the tests"])
def test_a_worker_that_dies_while_a_file_is_missing_is_replaced_on_the_last_good_document(
    issuer: Issuer, tmp_path: Path, missing: str
) -> None:
    files = {"the rules": "policy.csv", "the model": "model.conf", "the tests": "policy_tests"}
    place = tmp_path / "own"
    place.mkdir()
    for name in files.values():
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, place / name)
    settings = {
        "POLICY_FILE": str(place / "policy.csv"),
        "POLICY_MODEL": str(place / "model.conf"),
        "POLICY_TESTS": str(place / "policy_tests"),
    }
    with serving(issuer, tmp_path, WORKERS="2", POLICY_GATE="tests", **settings) as service:
        revision = service.get("/readyz").json()["policy"]["revision"]
        (place / files[missing]).rename(place / "away")
        assert comes_true(lambda: not any(each["current"] for each in policies(service)))
        for victim in workers(service):
            os.kill(victim, signal.SIGKILL)
        assert comes_true(lambda: all(each["last_good"] for each in policies(service)))
        assert {each["revision"] for each in policies(service)} == {revision}
        assert service.get("/admin", issuer.token()).status_code == 200
        (place / "away").rename(place / files[missing])
        assert comes_true(lambda: all(each["current"] for each in policies(service)))
        assert service.stop() == 0


def test_a_worker_that_cannot_start_does_not_end_the_others(issuer: Issuer, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with serving(issuer, tmp_path, WORKERS="2", POLICY_CACHE=str(kept)) as service:
        break_the_document(service)
        (kept / "policy").write_bytes(b"damaged")
        kill_one(service)
        assert service.eventually_logs("could not start: trying again in 1 s")
        assert service.get("/public").status_code == 200
        lines = service.policy.read_text().splitlines()
        service.policy.write_text("\n".join(lines[:-1]) + "\n")
        assert comes_true(lambda: len(workers(service)) == 2)
        assert service.eventually_logs("policy")
        assert service.stop() == 0


def test_a_start_of_the_whole_on_a_refused_document_stays_refused(issuer: Issuer, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    settings = {"WORKERS": "2", "POLICY_CACHE": str(kept)}
    with serving(issuer, tmp_path, **settings) as service:
        assert (kept / "policy").exists()
        assert service.stop() == 0
    with (tmp_path / "policy.csv").open("a") as policy:
        policy.write("p, user, /admin, GET, alow\n")
    with (
        pytest.raises(RuntimeError, match="the service ended with 2"),
        running(tmp_path, trusting(issuer) | settings),
    ):
        pass


FAILING = """
import sys
import uvicorn
from app.server.supervisor import Supervisor

async def app(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no"})

if __name__ == "__main__":
    config = uvicorn.Config("failing:app", port=0, workers=2)
    sys.exit(Supervisor(config, [config.bind_socket()]).run())
"""


def test_workers_of_which_none_ever_served_end_the_whole_and_not_with_0(tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text(FAILING)
    ended = subprocess.run(
        [sys.executable, "failing.py"],
        cwd=tmp_path,
        env=clean_environment(PYTHONPATH=f"{ROOT}:{tmp_path}"),
        timeout=LIMIT_S,
        check=False,
        capture_output=True,
    )
    assert ended.returncode == 3


def test_workers_do_not_outlive_their_parent(issuer: Issuer, tmp_path: Path) -> None:
    with serving(issuer, tmp_path, WORKERS="2") as service:
        service.process.kill()
        service.process.wait(LIMIT_S)

        def gone() -> bool:
            try:
                service.get("/healthz")
            except httpx2.TransportError:
                return True
            return False

        assert comes_true(gone)


def test_a_hangup_replaces_every_worker_while_the_service_answers(issuer: Issuer, tmp_path: Path) -> None:
    with serving(issuer, tmp_path, WORKERS="2") as service:
        before = workers(service)
        service.process.send_signal(signal.SIGHUP)
        assert comes_true(lambda: service.get("/public").status_code == 200 and not workers(service) & before)
        assert comes_true(lambda: len(workers(service)) == 2)
        assert service.stop() == 0
