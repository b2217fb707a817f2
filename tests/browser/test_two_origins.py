"""A front end on another origin, in a real browser: what it may read of answers, and what one person leaves to the next."""

import functools
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.support.http_server import http_server
from tests.support.issuer import Issuer
from tests.support.service import ROOT, Service, running, trusting

CRASHING = ("-m", "uvicorn", "tests.support.crashing:app", "--port", "{port}")
ALICE, BOB = "a" * 8 + "-1111-4111-8111-111111111111", "b" * 8 + "-2222-4222-8222-222222222222"


class Quiet(SimpleHTTPRequestHandler):
    """A web server of static files that keeps its log to itself."""

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def front_end() -> Iterator[str]:
    """An origin of its own, with the JavaScript client on it."""
    handler = functools.partial(Quiet, directory=str(ROOT / "docs" / "clients"))
    with http_server(handler) as address:
        yield address


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


@pytest.fixture(scope="module")
def service(front_end: str, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory: Path = tmp_path_factory.mktemp("origins")
    rules = (ROOT / "policy.csv").read_text(encoding="utf-8")
    (directory / "policy.csv").write_text(rules + "p, everyone, /crash, GET, allow\n", encoding="utf-8")
    settings = trusting(issuer) | {"ALLOWED_ORIGINS": front_end, "POLICY_GATE": "lint"}
    with running(directory, settings, CRASHING) as started:
        assert started.eventually("/readyz", None, 200), started.log()
        yield started


REFRESH_FOUR_TIMES = """
async ([base, alice, bob]) => {
  const { Permissions } = await import("/permissions.js");
  let token = alice;
  const permissions = new Permissions(base, () => token);
  const seen = [];
  for (const who of [alice, alice, bob, bob]) {
    token = who;
    const known = await permissions.refresh();
    seen.push([known, permissions.may("GET", "/admin"), permissions.may("GET", "/user")]);
  }
  return seen;
}
"""


def test_what_may_be_done_stays_known_at_every_refresh_and_is_never_the_person_befores(
    page: Page, front_end: str, service: Service, issuer: Issuer
) -> None:
    alice = issuer.token(sub=ALICE, **{"custom:role": "admin"})
    bob = issuer.token(sub=BOB, **{"custom:role": "user"})
    page.goto(f"{front_end}/")
    seen = page.evaluate(REFRESH_FOUR_TIMES, [service.base_url, alice, bob])
    assert seen == [[True, True, True], [True, True, True], [True, False, True], [True, False, True]]


# What a front end without a client of ours does: it sends the tag it kept, whoever is signed in now.
ASK_WITH_TAG = """
async ([base, token, tag]) => {
  const headers = { Authorization: `Bearer ${token}`, ...(tag ? { "If-None-Match": tag } : {}) };
  const answer = await fetch(`${base}/me/permissions`, { headers });
  return [answer.status, answer.headers.get("ETag"), answer.status === 200 ? (await answer.json()).sub : null];
}
"""


def test_the_next_person_in_one_browser_is_shown_their_own_list(
    page: Page, front_end: str, service: Service, issuer: Issuer
) -> None:
    page.goto(f"{front_end}/")
    _, tag, _ = page.evaluate(ASK_WITH_TAG, [service.base_url, issuer.token(sub=ALICE), ""])
    status, _, sub = page.evaluate(ASK_WITH_TAG, [service.base_url, issuer.token(sub=BOB), tag])
    assert (status, sub) == (200, BOB)


ASK = """
async (url) => {
  const answer = await fetch(url);
  return [answer.status, (await answer.json()).error, answer.headers.get("X-Request-ID")];
}
"""


def test_a_page_reads_a_crash_and_a_refusal_with_their_request_ids(
    page: Page, front_end: str, service: Service
) -> None:
    page.goto(f"{front_end}/")
    for path, status, error in (
        ("/crash", 500, "internal_error"),
        ("/admin", 401, "authentication_required"),
    ):
        answer = page.evaluate(ASK, f"{service.base_url}{path}")
        assert answer[:2] == [status, error]
        assert answer[2]
