"""A real Chromium, Debian's, driven by Playwright; and the service as `make run` starts it."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.conftest import demo
from tests.support.waiting import LIMIT_S

__all__ = ["demo"]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
FLAGS += ["--disable-component-update", "--disable-sync"]
_LIMIT_MS = LIMIT_S * 1000
expect.set_options(timeout=_LIMIT_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, for one module: while it runs Playwright keeps an event loop, which no other test may meet."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS, timeout=_LIMIT_MS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page in a context of its own; whatever it logs as an error, or asks of another host, fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(_LIMIT_MS)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: complaints.extend(_strays(request.url)))
    yield opened
    context.close()
    assert not complaints


def _strays(url: str) -> list[str]:
    own = url.startswith(("http://127.0.0.1:", "data:", "blob:"))
    return [] if own else [f"asked another host: {url}"]
