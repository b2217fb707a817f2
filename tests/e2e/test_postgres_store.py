"""Replicas that share a document in PostgreSQL: they follow it, and go on deciding whatever happens to the database."""

import os
import shutil
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.command import Outcome, rbac_process
from tests.support.forwarding import Forwarder
from tests.support.issuer import Issuer
from tests.support.postgres import PASSWORD, PASSWORD_IN_URL, SERVICE, Cluster
from tests.support.press import Press, follows, settings, without_files
from tests.support.service import kill_one, running, serving, trusting, workers
from tests.support.waiting import comes_true


def status(press: Press) -> Outcome:
    env = os.environ | {"POLICY_STORE": press.database.secret_url(SERVICE)}
    return rbac_process("status", "--format", "json", env=env)


def test_two_replicas_of_two_workers_follow_what_is_published_and_say_what_they_run(
    issuer: Issuer, press: Press, way: Forwarder, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        replicas = [
            stack.enter_context(
                serving(issuer, without_files(tmp_path / name), **settings(press, way, WORKERS="2"))
            )
            for name in ("one", "two")
        ]
        for _ in range(3):
            number = press.publish()
            assert all(follows(service, number) for service in replicas)
        assert comes_true(lambda: status(press).code == 0)
        told = status(press).json
        assert told["newest"] == number
        assert len(told["replicas"]) == 4
        victim = kill_one(replicas[0])
        assert comes_true(lambda: victim not in workers(replicas[0]) and len(workers(replicas[0])) == 2)
        number = press.publish()
        assert all(follows(service, number) for service in replicas)
    # Who stopped in order took its report back; who was killed is silent, and seen as that.
    assert comes_true(lambda: len(status(press).json["replicas"]) == 1)


def test_the_database_may_go_and_come_back(
    issuer: Issuer, press: Press, way: Forwarder, postgres: Cluster, tmp_path: Path
) -> None:
    with serving(issuer, without_files(tmp_path / "one"), **settings(press, way)) as service:
        assert follows(service, 1)
        assert follows(service, press.publish())
        postgres.kill()
        assert comes_true(lambda: service.get("/readyz").json()["store"]["reachable"] is False)
        ready = service.get("/readyz")
        assert (ready.status_code, ready.json()["policy"]["current"]) == (200, False)
        assert service.get("/metrics").status_code == 200
        postgres.start()
        assert follows(service, press.publish())
        assert service.get("/readyz").json()["policy"]["current"] is True


def test_a_start_without_the_database_uses_the_kept_document_and_heals(
    issuer: Issuer, press: Press, way: Forwarder, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    kept = settings(press, way, POLICY_CACHE=str(cache), WORKERS="2")
    with serving(issuer, without_files(tmp_path / "one"), **kept) as service:
        assert follows(service, press.publish())
    way.do("refusing")
    with serving(issuer, without_files(tmp_path / "two"), **kept) as service:
        ready = service.get("/readyz").json()
        assert (ready["policy"]["last_good"], ready["store"]["version"]) == (True, 2)
        assert (ready["store"]["reachable"], ready["store"]["heard_seconds"]) == (False, None)
        assert service.get("/metrics").status_code == 200
        assert "starting on the last good one" in service.log()
        way.do("forward")
        assert follows(service, press.publish())
    kept_file = cache / "store-policy"
    kept_file.write_bytes(kept_file.read_bytes()[:-1])
    way.do("refusing")
    three = without_files(tmp_path / "three")
    with (
        pytest.raises(RuntimeError, match="ended with 2") as refused,
        running(three, trusting(issuer) | kept),
    ):
        pass
    assert "no last good document to start on" in str(refused.value)
    assert "store-unreachable" in str(refused.value)


def test_a_release_starts_on_no_tables_that_are_newer_than_itself_and_goes_on_on_what_it_kept(
    issuer: Issuer, press: Press, way: Forwarder, tmp_path: Path
) -> None:
    kept = settings(press, way, POLICY_CACHE=str(tmp_path / "cache"))
    with serving(issuer, without_files(tmp_path / "one"), **kept) as service:
        assert follows(service, press.publish())
        press.database.execute(
            "INSERT INTO sekisho.migrations (number, name, digest) SELECT max(number) + 1, 'x', 'x' FROM sekisho.migrations"
        )
        assert service.get("/readyz").json()["policy"]["current"] is True
    with serving(issuer, without_files(tmp_path / "two"), **kept) as service:
        ready = service.get("/readyz").json()
        assert (ready["policy"]["last_good"], ready["store"]["version"]) == (True, 2)
        assert "store-newer" in service.log()
    with (
        pytest.raises(RuntimeError, match="ended with 2") as refused,
        running(without_files(tmp_path / "three"), trusting(issuer) | settings(press, way)),
    ):
        pass
    assert "the tables are those of a newer version" in str(refused.value)


def test_no_log_and_no_command_line_holds_the_password(
    issuer: Issuer, press: Press, way: Forwarder, tmp_path: Path
) -> None:
    quiet = settings(press, way, LOG_LEVEL="DEBUG", WORKERS="2")
    with serving(issuer, without_files(tmp_path / "one"), **quiet) as service:
        lines = [
            Path(f"/proc/{pid}/cmdline").read_bytes() for pid in (service.process.pid, *workers(service))
        ]
        way.do("silent")
        assert comes_true(lambda: service.get("/readyz").json()["store"]["reachable"] is False)
        way.do("refusing")
        told = service.log() + service.get("/readyz").text + repr(lines)
    for secret in (PASSWORD, PASSWORD_IN_URL):
        assert secret not in told
        assert secret not in service.log()


def test_a_replica_that_is_killed_while_it_swaps_starts_on_a_whole_document(
    issuer: Issuer, press: Press, way: Forwarder, tmp_path: Path
) -> None:
    kept = settings(press, way, POLICY_CACHE=str(tmp_path / "cache"))
    for _ in range(3):
        with serving(issuer, without_files(tmp_path / "one"), **kept) as service:
            press.publish()
            service.stop(signal.SIGKILL)
        shutil.rmtree(tmp_path / "one")
    way.do("refusing")
    with serving(issuer, without_files(tmp_path / "two"), **kept) as service:
        version = service.get("/readyz").json()["store"]["version"]
        assert service.get("/metrics").status_code == (200 if version % 2 == 0 else 401)
