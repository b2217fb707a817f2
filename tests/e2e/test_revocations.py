"""Whoever is sent away is nobody on every worker within a second, under load, and after a restart."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rbac.revocations.row import written_time
from tests.support.calls import calling, status
from tests.support.issuer import Issuer
from tests.support.service import Service, serving
from tests.support.waiting import comes_true

WORKERS = 4
# Connections are spread over the workers by the kernel: so many reach each of four, but for once in 10^9.
CALLS = 80


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


def statuses(service: Service, token: str) -> set[int]:
    return {status(service, token) for _ in range(CALLS)}


def test_a_remembered_token_is_401_on_each_worker_within_a_second_under_load(
    issuer: Issuer, tmp_path: Path
) -> None:
    now = int(time.time())
    old = issuer.token(sub="bob", iat=now - 60, **{"custom:role": "user"})
    other = issuer.token(sub="ann", iat=now - 60, **{"custom:role": "user"})
    settings = {"WORKERS": str(WORKERS), "DECISION_LOG": str(tmp_path / "decisions.jsonl")}
    with serving(issuer, tmp_path, **settings) as service:
        file = tmp_path / "revocations.csv"
        assert statuses(service, old) == {200}
        with calling(service, other) as others:
            with file.open("a") as written:
                written.write(f"sub, bob, {written_time(now - 1)}, left the company\n")
            began = time.monotonic()
            rounds: list[float] = []

            def refused_everywhere() -> bool:
                start = time.monotonic()
                found = statuses(service, old)
                rounds.append(time.monotonic() - start)
                return found == {401}

            assert comes_true(refused_everywhere)
            # On a machine as slow as the slowest round says, which asks each worker many times.
            assert time.monotonic() - began < 1.0 + 10 * max(rounds)
            # Under load the kernel may pass a worker by: only its log says that it has read the row, too.
            assert comes_true(lambda: service.log().count("1 revocation in force") == WORKERS)
            refused = service.get("/user", old)
            assert 'error="invalid_token"' in refused.headers["www-authenticate"]
            # What the front end gets that refreshes: today's role.
            fresh = issuer.token(sub="bob", iat=now, **{"custom:role": "admin"})
            assert service.get("/admin", fresh).status_code == 200
            # A file that nobody can read keeps them away, and says so.
            good = file.read_bytes()
            file.write_bytes(b"sub, bob\n")
            assert comes_true(lambda: service.get("/readyz").json()["revocations"]["current"] is False)
            assert comes_true(lambda: service.log().count("revocations refused") == WORKERS)
            assert statuses(service, old) == {401}
            file.write_bytes(good)
            assert comes_true(lambda: service.get("/readyz").json()["revocations"]["current"])
        assert set(others) == {200}
        assert service.eventually_records(tmp_path / "decisions.jsonl", '"revoked"')
        security = issuer.token(sub="sam", **{"custom:role": "security"})
        assert 'sekisho_rejections_total{reason="revoked"}' in service.get("/metrics", security).text
    with serving(issuer, tmp_path) as service:
        assert statuses(service, old) == {401}


@pytest.mark.parametrize("content", [b"sub, bob\n", None])
def test_revocations_that_cannot_be_read_are_a_refused_start(
    issuer: Issuer, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "revocations.csv"
    file.mkdir() if content is None else file.write_bytes(content)
    with pytest.raises(RuntimeError, match="ended with 2") as refused, serving(issuer, tmp_path):
        pass
    assert "revocations.csv" in str(refused.value)
