"""Every way of asking that proxies have is understood, and every answer is a verdict; by the shipped document."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.issuer import Issuer
from tests.support.raw_http import ask
from tests.support.service import Service, running, serving, trusting


@pytest.fixture(scope="module")
def service(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(issuer, tmp_path_factory.mktemp("service")) as started:
        yield started


FORWARDED = {"X_Forwarded_Method": "GET", "X_Forwarded_Uri": "/user", "X_Forwarded_Host": "api.example.com"}


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("/forward-auth", FORWARDED, 200),
        ("/forward-auth", FORWARDED | {"X_Forwarded_Method": "POST"}, 403),
        ("/forward-auth", FORWARDED | {"X_Forwarded_Uri": "/admin?x=1"}, 200),
        ("/forward-auth", FORWARDED | {"X_Original_URI": "/user", "X_Original_Method": "GET"}, 200),
        ("/forward-auth", FORWARDED | {"X_Original_URI": "/public"}, 403),
        ("/forward-auth", FORWARDED | {"X_Original_Method": "POST"}, 403),
        ("/forward-auth", FORWARDED | {"X_Forwarded_Uri": ""}, 403),
        ("/forward-auth", FORWARDED | {"X_Forwarded_Uri": "https://api.example.com/user"}, 403),
        ("/forward-auth", FORWARDED | {"X_Forwarded_Host": "a b"}, 403),
        ("/forward-auth", FORWARDED | {"X_Forwarded_Method": "G ET"}, 403),
        ("/forward-auth", {"X_Original_URI": "/user"}, 403),
        ("/forward-auth", {}, 403),
        ("/forward-auth/user", {}, 200),
        ("/forward-auth/", {}, 403),
        ("/forward-auth/nowhere", {}, 403),
        ("/forward-auth/user?x=//", {}, 200),
        ("/forward-auth//user", {}, 403),
        ("/forward-auth/user%00", {}, 403),
        ("/forward-auth/user", {"X_Forwarded_Uri": "/public"}, 403),
    ],
)
def test_every_proxys_way_of_asking_is_understood_or_refused(
    service: Service, issuer: Issuer, target: str, headers: dict[str, str], status: int
) -> None:
    port = int(service.base_url.rsplit(":", 1)[1])
    assert ask(port, target, issuer.token(), **headers)[0] == status


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "PATCH", "PURGE", "HEAD", "TRACE"])
def test_whatever_the_method_the_answer_is_a_verdict(service: Service, method: str) -> None:
    port = int(service.base_url.rsplit(":", 1)[1])
    for target in ("/forward-auth", "/forward-auth/user", "/forward-auth/%0a", "/forward-auth/public"):
        assert ask(port, target, None, method)[0] in {200, 401, 403}


@contextmanager
def unreachable() -> Iterator[Issuer]:
    with Issuer() as issuer:
        issuer.hang_up()
        yield issuer


def test_a_verdict_is_given_while_the_keys_are_unknown(tmp_path: Path) -> None:
    with unreachable() as issuer, running(tmp_path, trusting(issuer)) as service:
        port = int(service.base_url.rsplit(":", 1)[1])
        assert service.get("/public", issuer.token()).status_code == 503
        assert ask(port, "/forward-auth/public", issuer.token())[0] == 403
        assert ask(port, "/forward-auth/public")[0] == 200
