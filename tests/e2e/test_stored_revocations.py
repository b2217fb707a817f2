"""Replicas that share revocations in PostgreSQL: whoever is sent away is nobody on each of them, whatever becomes of it."""

import os
import time
from pathlib import Path

import pytest

from rbac.revocations.row import written_time
from tests.support.calls import calling, status
from tests.support.command import rbac_process
from tests.support.forwarding import Forwarder
from tests.support.issuer import Issuer
from tests.support.postgres import REVOKER
from tests.support.press import Press, settings, without_files
from tests.support.service import Service, running, serving, trusting
from tests.support.waiting import comes_true

CALLS = 40


def revoke(press: Press, *arguments: str) -> None:
    env = os.environ | {"POLICY_STORE": press.database.secret_url(REVOKER)}
    done = rbac_process("revoke", "--subjects", ".*", *arguments, "--reason", "left", env=env)
    assert done.code == 0, done.err


def statuses(service: Service, token: str) -> set[int]:
    return {service.get("/protected", token).status_code for _ in range(CALLS)}


def test_a_row_is_in_force_on_every_worker_of_every_replica_and_after_a_restart_without_the_database(
    issuer: Issuer, press: Press, way: Forwarder, tmp_path: Path
) -> None:
    before = int(time.time()) - 60
    bob, ann = (issuer.token(sub=name, iat=before) for name in ("bob", "ann"))
    kept = settings(press, way, POLICY_CACHE=str(tmp_path / "cache"))
    with (
        serving(issuer, without_files(tmp_path / "one"), WORKERS="2", **kept) as one,
        serving(issuer, without_files(tmp_path / "two"), **settings(press, way)) as two,
    ):
        assert [statuses(service, bob) for service in (one, two)] == [{200}, {200}]
        revoke(press, "--sub", "bob")
        assert comes_true(lambda: [statuses(service, bob) for service in (one, two)] == [{401}, {401}])
        # Under load the kernel may pass a worker by: only its log says that it has read the row, too.
        assert comes_true(lambda: one.log().count("1 revocation in force") == 2)
        assert [statuses(service, ann) for service in (one, two)] == [{200}, {200}]
        assert one.get("/protected", issuer.token(sub="bob", iat=int(time.time()) + 5)).status_code == 200
        way.do("refusing")
        assert comes_true(lambda: one.get("/readyz").json()["revocations"]["current"] is False)
        assert statuses(one, bob) == {401}
        assert one.get("/readyz").status_code == 200
    with serving(issuer, without_files(tmp_path / "three"), **kept) as again:
        state = again.get("/readyz").json()["revocations"]
        assert (state["rows"], state["last_good"]) == (1, True)
        assert statuses(again, bob) == {401}
        way.do("forward")
        revoke(press, "--sub", "ann")
        assert comes_true(lambda: statuses(again, ann) == {401})


def test_a_remembered_token_is_401_on_each_of_four_workers_under_load(
    issuer: Issuer, press: Press, way: Forwarder, tmp_path: Path
) -> None:
    """Everybody else goes on undisturbed."""
    before = int(time.time()) - 60
    bob, ann = (issuer.token(sub=name, iat=before) for name in ("bob", "ann"))

    def answers() -> set[int]:
        return {status(service, bob, "/protected") for _ in range(2 * CALLS)}

    with (
        serving(issuer, without_files(tmp_path / "one"), WORKERS="4", **settings(press, way)) as service,
        calling(service, ann) as others,
    ):
        assert answers() == {200}
        revoke(press, "--sub", "bob")
        assert comes_true(lambda: answers() == {401})
        asked = len(others)
        assert comes_true(lambda: len(others) > asked + CALLS)
        assert answers() == {401}
    assert set(others) == {200}


def test_a_file_whose_rows_nobody_would_read_is_told_of_before_the_start(
    issuer: Issuer, press: Press, way: Forwarder, tmp_path: Path
) -> None:
    """They were in force while the document was in files: moved to the database they would be let in again."""
    folder = without_files(tmp_path / "one")
    file = folder / "revocations.csv"
    for content, said in (
        (f"sub, bob, {written_time(time.time())}, left\n", "holds 1 revocation"),
        ("sub, bob\n", "cannot be read"),
    ):
        file.write_text(content)
        with (
            pytest.raises(RuntimeError, match="ended with 2") as refused,
            running(folder, trusting(issuer) | settings(press, way)),
        ):
            pass
        assert said in str(refused.value)
        assert "rbac revocations --import" in str(refused.value)


def test_a_database_without_the_table_or_the_right_lets_nobody_start(
    issuer: Issuer, press: Press, way: Forwarder, tmp_path: Path
) -> None:
    press.database.execute("REVOKE SELECT ON sekisho.revocations FROM gatekeeper")
    with (
        pytest.raises(RuntimeError, match="ended with 2") as refused,
        running(without_files(tmp_path / "one"), trusting(issuer) | settings(press, way)),
    ):
        pass
    assert "the revocations are refused" in str(refused.value)
    assert "rbac migrate" in str(refused.value)
