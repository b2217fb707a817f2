"""The console in a real browser: how tests open it, sign in, and hold what it may not do against it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request

from tests.support.waiting import LIMIT_S

AUDIT = (Path(__file__).parent / "audit.js").read_text(encoding="utf-8")
VIEWS = ("matrix", "roles", "why", "draft", "live", "status")
_LIMIT_MS = LIMIT_S * 1000
# The browser itself says so of every answer that is an error.
_OF_ANSWERS = "Failed to load resource: the server responded with a status of"


class Complaints:
    """What a page must never do: fail, break its own Content-Security-Policy, or ask another host."""

    def __init__(self, page: Page) -> None:
        self.said: list[str] = []
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("console", self._console)
        page.on("request", self._request)
        page.on("dialog", self._dialog)

    def _dialog(self, dialog: Dialog) -> None:
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(_OF_ANSWERS):
            self.said.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "blob:http://127.0.0.1:")):
            self.said.append(f"asked another host: {request.url}")


@contextmanager
def opened(browser: Browser, url: str, **context: Any) -> Iterator[Page]:
    """A page of the console in a context of its own, which must complain of nothing until it is closed."""
    chosen = {"viewport": {"width": 1280, "height": 900}, "locale": "en-US", **context}
    made = browser.new_context(permissions=["clipboard-read", "clipboard-write"], **chosen)
    made.set_default_timeout(_LIMIT_MS)
    page = made.new_page()
    complaints = Complaints(page)
    try:
        page.goto(f"{url}/console")
        yield page
        assert complaints.said == []
    finally:
        made.close()


def with_token(page: Page, token: str) -> None:
    """Signs in by pasting ``token``."""
    form = page.locator(".sign-in").last
    form.locator("textarea").fill(token)
    form.locator("button[type=submit]").click()


def to(page: Page, view: str) -> None:
    """Goes to a view by its link."""
    page.locator(f'nav a[data-view="{view}"]').click()
    page.locator(f".view.{view} h1").wait_for()


def audited(page: Page) -> list[str]:
    """What is wrong with what is on the page now, as far as a machine can tell: axe-core, and what it does not look at."""
    faults: list[str] = page.evaluate(AUDIT)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    told = [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary']}"
        for one in found
        for node in one["nodes"]
    ]
    return faults + told
