"""The service decides about its own paths as its router reads them, so no spelling of one gets past its rule."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.issuer import Issuer
from tests.support.raw_http import ask
from tests.support.service import serving


@pytest.fixture(scope="module")
def port(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Of a service that opens everything to everyone, and denies one page."""
    directory: Path = tmp_path_factory.mktemp("service")
    (directory / "policy.csv").write_text("p, everyone, /*, *, allow\np, everyone, /admin, *, deny\n")
    with serving(issuer, directory, POLICY_GATE="lint", DECISION_LOG="off") as started:
        yield int(started.base_url.rsplit(":", 1)[1])


@pytest.mark.parametrize(
    "target",
    [
        "/admin",
        "/%61dmin",
        "/admin;",
        "/admin;v=1",
        "/admin%3b",
        "/;/admin",
        "/public/..;/admin",
        "/public/%2e%2e;/admin",
        "/public/../admin",
        "/public/%2e%2e/admin",
        "/public/%252e%252e/admin",
        "/./admin",
        "//admin",
        "/admin/",
        "/%2fadmin",
        "/%2561dmin",
        "/admin%23",
        "/admin%3f",
        "/public%5c..%5cadmin",
        "/\\admin",
        "/admin.",
        "/admin%20",
        "/ADMIN",
        "/%EF%BD%81dmin",
        "/admin?;/public",
    ],
)
def test_no_spelling_of_a_denied_page_is_served(port: int, issuer: Issuer, target: str) -> None:
    """It is denied, or it is another path, which leads nowhere: parameters and dots are no more than characters."""
    assert ask(port, "/public")[0] == 200
    for token in (None, issuer.token()):
        assert ask(port, target, token)[0] in {400, 401, 403, 404}
