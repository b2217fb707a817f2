"""Forged, damaged and borrowed tokens over real HTTP: each is 401 with a challenge, and none leaves a trace but that."""

import re
from collections.abc import Iterator

import pytest

from tests.support import plain_http
from tests.support.hostile import hostile_tokens, sendable
from tests.support.issuer import Issuer
from tests.support.issuer_forms import COGNITO
from tests.support.openid import COMBINATIONS, NAMES
from tests.support.service import Service, serving


@pytest.fixture(scope="module", params=[(COGNITO, "RS256"), *COMBINATIONS], ids=["cognito", *NAMES])
def issuer(request: pytest.FixtureRequest) -> Iterator[Issuer]:
    form, algorithm = request.param
    with Issuer(form=form, algorithm=algorithm) as listening:
        yield listening


@pytest.fixture(scope="module")
def service(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(issuer, tmp_path_factory.mktemp("hostile"), LOG_LEVEL="DEBUG", LOG_FORMAT="json") as started:
        yield started


def test_every_hostile_token_is_401_with_a_challenge_everywhere_and_gets_into_no_log(
    service: Service, issuer: Issuer
) -> None:
    hostile = [(name, token) for name, token in hostile_tokens(issuer) if sendable(token)]
    assert len(hostile) >= 100
    wrong: list[tuple[str, str, int | str]] = []
    with plain_http.client(service.base_url) as client:
        for number, (name, token) in enumerate(hostile):
            for path in ("/public", "/admin"):
                sent = [
                    (b"Authorization", b"Bearer " + token.encode("utf-8")),
                    (b"X-Request-ID", b"logged-%d" % number),
                ]
                answer = client.get(path, headers=sent)
                challenge = answer.headers.get("www-authenticate", "")
                if answer.status_code != 401 or not challenge.startswith(
                    'Bearer realm="sekisho", error="invalid_token"'
                ):
                    wrong.append((name, path, answer.status_code))
                if len(token) > 20 and token in answer.text:
                    wrong.append((name, path, "echoed"))
    assert wrong == []
    genuine = issuer.token()
    assert service.get("/profile", genuine, x_request_id="genuine").status_code == 200
    assert service.get("/public", issuer.token(sub="a\nb")).status_code == 401
    reaches = issuer.form.role == "admin"
    assert service.get("/admin", issuer.token()).status_code == (200 if reaches else 403)
    # Access lines: the log is not empty for want of a level.
    for request_id in (f"logged-{number}", "genuine"):
        assert service.eventually_logs(f'"{request_id}"')
    log = service.log()
    assert "Traceback" not in log
    assert genuine not in log
    assert not re.search(r"eyJ[A-Za-z0-9_-]{10,}\.", log)
