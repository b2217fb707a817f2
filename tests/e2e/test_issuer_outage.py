"""The issuer down at start, down later, and with new keys: what the service answers meanwhile, and how it heals."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.issuer import Issuer
from tests.support.service import Service, running, serving, trusting


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


def test_a_service_whose_issuer_is_down_starts_answers_503_for_tokens_and_heals_by_itself(
    issuer: Issuer, tmp_path: Path
) -> None:
    issuer.hang_up()
    with running(tmp_path, trusting(issuer)) as service:
        assert service.get("/public").status_code == 200
        assert service.get("/admin").status_code == 401
        assert service.get("/readyz").status_code == 503
        refused = service.get("/public", issuer.token())
        assert (refused.status_code, refused.json()["error"]) == (503, "keys_unavailable")
        assert int(refused.headers["retry-after"]) >= 1
        issuer.listen()
        assert service.eventually("/admin", issuer.token(), 200)
        assert service.get("/readyz").json()["keys"] == {"known": True, "fresh": True}


def test_known_keys_go_on_working_while_the_issuer_is_down(issuer: Issuer, tmp_path: Path) -> None:
    with serving(issuer, tmp_path) as service:
        assert service.eventually("/admin", issuer.token(), 200)
        issuer.hang_up()
        assert service.get("/admin", issuer.token(jti="another")).status_code == 200
        assert service.get("/readyz").status_code == 200


def test_a_new_key_that_cannot_be_fetched_is_503_and_not_a_forged_token(
    issuer: Issuer, tmp_path: Path
) -> None:
    with serving(issuer, tmp_path) as service:
        issuer.rotate()
        issuer.hang_up()
        for number in range(3):
            refused = service.get("/admin", issuer.token(jti=str(number)))
            assert (refused.status_code, refused.json()["error"]) == (503, "keys_unavailable")
            assert int(refused.headers["retry-after"]) >= 1


def test_a_token_signed_with_a_new_key_works_within_one_request(issuer: Issuer, tmp_path: Path) -> None:
    with serving(issuer, tmp_path) as service:
        old = issuer.token()
        assert service.eventually("/admin", old, 200)
        issuer.rotate()
        assert _first_status(service, issuer.token()) == 200
        withdrawn = service.get("/admin", old)
        assert (withdrawn.status_code, withdrawn.json()["error"]) == (401, "invalid_token")


def _first_status(service: Service, token: str) -> int:
    return service.get("/admin", token).status_code
