"""Fifty roles and a thousand endpoints: what is out of sight is not on the page, and everything can be reached.

``python -m tests.browser.test_large_matrix`` measures how long it takes.
"""

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import orjson
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from rbac import Policy
from rbac.review.matrix import matrix
from rbac.review.matrix_views import to_json
from rbac.routes import routes_of_app
from tests.browser.conftest import FLAGS
from tests.browser.consoles import opened, with_token
from tests.browser.large_service import ENDPOINTS, ROLES, app, write_policy
from tests.support.issuer import Issuer
from tests.support.service import ROOT, Service, running, trusting
from tests.support.waiting import LIMIT_S

_COMMAND = ("-m", "uvicorn", "tests.browser.large_service:app", "--port", "{port}", "--log-level", "warning")
# What a window of 900 pixels shows of rows of 32, and what stands ready beyond both ends.
_MOST_ROWS = 45


@contextmanager
def large(issuer: Issuer, directory: Path) -> Iterator[Service]:
    """The service with fifty roles and a thousand endpoints."""
    write_policy(directory / "policy.csv")
    settings = trusting(issuer) | {"POLICY_GATE": "lint", "LIMIT_BODY": "10485760"}
    with running(directory, settings, _COMMAND) as service:
        assert service.eventually("/readyz", None, 200), service.log()
        yield service


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


@pytest.fixture(scope="module")
def service(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with large(issuer, tmp_path_factory.mktemp("large")) as started:
        yield started


def test_only_what_is_in_sight_is_on_the_page_and_all_of_it_can_be_reached(
    service: Service, issuer: Issuer, browser: Browser
) -> None:
    with opened(browser, service.base_url) as page:
        with_token(page, issuer.token(**{"custom:role": "security"}))
        page.locator(".cell").first.wait_for()
        rows = page.locator(".space .row")
        grid = page.get_by_role("grid")
        assert int(grid.get_attribute("aria-rowcount") or 0) > ENDPOINTS
        assert int(grid.get_attribute("aria-colcount") or 0) > ROLES
        assert 0 < rows.count() <= _MOST_ROWS
        page.locator('.cell[tabindex="0"]').focus()
        for _ in range(20):
            page.keyboard.press("PageDown")
        assert rows.count() <= _MOST_ROWS
        page.keyboard.press("Control+End")
        assert rows.count() <= _MOST_ROWS
        last = int(grid.get_attribute("aria-rowcount") or 0)
        expect(page.locator(f'.row[aria-rowindex="{last}"]')).to_be_visible()
        page.get_by_label("Role", exact=True).fill("team-4")
        page.get_by_label("Path", exact=True).fill("/issues")
        page.get_by_label("Danger").select_option("by a wildcard")
        expect(page.locator(".gridbox .empty")).to_be_visible()
        page.get_by_label("Danger").select_option("any")
        page.get_by_label("Danger").select_option("")
        expect(grid).to_have_attribute("aria-colcount", "11")
        assert "role=team-4" in page.url
        assert "path=%2Fissues" in page.url
        assert rows.count() <= _MOST_ROWS


_SCROLL = """async (top) => {
  document.querySelector(".grid").scrollTop = top;
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
}"""
_STEP = 180  # pixels: a fast turn of the wheel
_STEPS = 60


def figures(page: Page, token: str) -> dict[str, float]:
    """Milliseconds of the page's own thread, as its processor counts them: until the matrix is shown, and for each step of
    scrolling, the median and the longest."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def worked() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return 1000 * float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))

    begun = worked()
    with_token(page, token)
    page.locator(".cell").first.wait_for()
    shown = worked() - begun
    steps = []
    for step in range(_STEPS):
        begun = worked()
        page.evaluate(_SCROLL, step * _STEP)
        steps.append(worked() - begun)
    return {"shown": shown, "step": median(steps[1:]), "longest step": max(steps[1:])}


def main() -> None:
    """Prints the figures, all of them processor time."""
    with TemporaryDirectory() as place:
        policy_file = Path(place) / "policy.csv"
        write_policy(policy_file)
        policy, routes = Policy.load(ROOT / "model.conf", policy_file), routes_of_app(app)
        begun = time.process_time()
        text = orjson.dumps(to_json(matrix(policy, routes)))
        sys.stdout.write(f"the answer: {time.process_time() - begun:.2f} s, {len(text):,} bytes\n")
    with (
        Issuer() as issuer,
        TemporaryDirectory() as place,
        large(issuer, Path(place)) as service,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(LIMIT_S * 1000)
        page.goto(f"{service.base_url}/console")
        for name, value in figures(page, issuer.token(**{"custom:role": "security"})).items():
            sys.stdout.write(f"{name}: {value:.0f} ms\n")
        browser.close()


if __name__ == "__main__":
    main()
