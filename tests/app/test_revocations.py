"""Who is sent away is said by two moments that are written down, and by no clock of the machine that serves."""

import time
from pathlib import Path

import pytest

from rbac.guard.identity.clock import Clock
from rbac.revocations.row import written_time
from tests.support.application import bearer, served, settings_for
from tests.support.issuer import Issuer
from tests.support.waiting import comes_true

HOUR = 3600


@pytest.mark.parametrize("off", [-2 * HOUR, 0, 2 * HOUR], ids=["back", "right", "forward"])
@pytest.mark.parametrize("moved", [-30 * 60, 30 * 60], ids=["set back", "set forward"])
def test_a_clock_that_is_off_or_set_lets_nobody_in_and_sends_nobody_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: int, moved: int
) -> None:
    """The service's clock is ``off`` by so many seconds, and is set by ``moved`` while it runs."""
    shift = [float(off)]
    monkeypatch.setattr(
        "rbac.guard.issuers.authenticator.Clock", lambda: Clock(lambda: time.time() + shift[0])
    )
    # Issued so that both readings of the clock take the tokens for valid.
    issued = int(time.time()) + off - HOUR
    file = tmp_path / "revocations.csv"
    file.write_text("")
    with Issuer() as issuer:
        bob, ann, again = (
            issuer.token(sub=sub, iat=iat, exp=issued + 4 * HOUR)
            for sub, iat in (("bob", issued), ("ann", issued), ("bob", issued + 1))
        )
        with served(settings_for(issuer, tmp_path)) as client:

            def statuses() -> list[int]:
                return [
                    client.get("/protected", headers=bearer(token)).status_code for token in (bob, ann, again)
                ]

            assert statuses() == [200, 200, 200]
            file.write_text(f"sub, bob, {written_time(issued)}, left\n")
            assert comes_true(lambda: statuses() == [401, 200, 200])
            shift[0] += moved
            assert statuses() == [401, 200, 200]
            file.write_text(f"sub, bob, {written_time(issued - 1)}, left\n")
            assert comes_true(lambda: statuses() == [200, 200, 200])
