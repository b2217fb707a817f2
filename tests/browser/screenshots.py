"""``make screenshots``: every view of the console, light and dark, wide and narrow, into docs/images.

``python -m tests.browser.screenshots [DIRECTORY] [--language ja] [--only draft] [--png]``
"""

import argparse
import base64
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import FLAGS
from tests.browser.consoles import to
from tests.browser.stored import ERIN, StoredDemo, stored_demo
from tests.e2e.conftest import Demo
from tests.support.postgres import cluster
from tests.support.service import ROOT

SCENES = ("signin", "matrix", "roles", "why", "draft", "live", "status", "history")
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}
_QUALITY = 82
_DRAFTED = f"p, user, /admin, GET, allow\ng, {ERIN.replace('c0ffee52', 'b16b00b5')}, admin\n"


def traffic(demo: Demo) -> None:
    """A few calls of everybody's, so that there is something to see."""
    for path, name in (
        ("/user", "bob"), ("/admin", "alice"), ("/admin", "bob"), ("/profile", "carol"), ("/user", "carol"),
        ("/user", None), ("/public", None), ("/me/permissions", "bob"), ("/admin", "bob"), ("/metrics", "sam"),
    ):  # fmt: skip
        demo.status(path, name)
        time.sleep(0.05)


def stage(page: Page, scene: str) -> None:
    """Brings ``scene`` onto the page of somebody who is signed in."""
    if scene == "why":
        page.evaluate("location.hash = '#/why?role=admin&act=GET&obj=%2Fuser'")
        page.locator(".answer").wait_for()
    elif scene == "history":
        page.evaluate("location.hash = '#/status?version=3'")
        page.locator(".change .patch").wait_for()
        page.locator(".history").evaluate(
            "(card) => scrollTo(0, card.getBoundingClientRect().top + scrollY - 110)"
        )
    else:
        to(page, scene)
        ready = {
            "matrix": ".cell", "roles": ".node", "draft": ".headline", "live": ".chart svg", "status": ".replicas"
        }  # fmt: skip
        page.locator(ready[scene]).first.wait_for()
    if scene == "matrix":
        page.get_by_role("gridcell", name="admin, POST /access/v1/evaluations:").hover()
        page.locator(".path .chain").wait_for()
    if scene == "draft":
        paper = page.locator("textarea.code")
        paper.fill(f"{paper.input_value()}{_DRAFTED}")
        page.locator(".entries").first.wait_for()
        paper.evaluate("(field) => { field.scrollTop = field.scrollHeight; }")
    if scene == "live":
        page.locator(".stream a").first.wait_for()
    page.wait_for_timeout(400)


def shoot(page: Page, path: Path) -> None:
    """What the page shows now, as ``path`` names the kind of picture."""
    kind = path.suffix[1:]
    asked = {"format": kind, **({"quality": _QUALITY} if kind == "webp" else {})}
    taken = page.context.new_cdp_session(page).send("Page.captureScreenshot", asked)
    path.write_bytes(base64.b64decode(taken["data"]))


def pictures(
    browser: Browser, stored: StoredDemo, directory: Path, language: str, scenes: list[str], kind: str
) -> None:
    """Every scene in both themes and both sizes."""
    for theme in ("light", "dark"):
        for size, (width, height) in SIZES.items():
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=theme,
                locale=language,
                reduced_motion="reduce",
            )
            page = context.new_page()
            page.goto(f"{stored.demo.service.base_url}/console")
            page.locator(".sign-in").wait_for()
            for scene in scenes:
                if scene != "signin" and page.locator(".sign-in").count():
                    page.locator(".demo button", has_text="sam").click()
                    page.locator("main .view").wait_for()
                    traffic(stored.demo)
                if scene != "signin":
                    stage(page, scene)
                shoot(page, directory / f"console-{scene}-{theme}-{size}.{kind}")
            context.close()


def main() -> None:
    """Takes the pictures that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--language", default="en-US")
    parser.add_argument("--only", action="append", choices=SCENES)
    parser.add_argument("--png", action="store_true")
    asked = parser.parse_args()
    asked.directory.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory() as place,
        cluster() as postgres,
        stored_demo(postgres.database().migrated(), Path(place)) as stored,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        kind = "png" if asked.png else "webp"
        pictures(
            browser,
            stored,
            asked.directory,
            asked.language,
            [each for each in SCENES if not asked.only or each in asked.only],
            kind,
        )
        browser.close()


if __name__ == "__main__":
    main()
