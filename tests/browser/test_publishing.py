"""With the policy in PostgreSQL: published from the draft, refused when somebody was first, and rolled back, in the browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.consoles import audited, opened, to
from tests.browser.stored import DANA, ON_LEAVE, StoredDemo, stored_demo
from tests.support.postgres import CONSOLE, PUBLISHER, Cluster
from tests.support.waiting import comes_true

TICKETS = "p, helpdesk, /tickets, GET, allow\n"
HOSTILE = "<img src=x onerror=alert(1)>\u202e'\""


@pytest.fixture
def stored(postgres: Cluster, tmp_path: Path) -> Iterator[StoredDemo]:
    with stored_demo(postgres.database().migrated(), tmp_path) as started:
        yield started


def signed_in(page: Page, name: str = "sam") -> None:
    page.locator(".demo button", has_text=name).click()
    page.locator("main .view").wait_for()


def test_a_draft_is_published_refused_when_somebody_was_first_and_rolled_back(
    stored: StoredDemo, browser: Browser
) -> None:
    with opened(browser, stored.demo.service.base_url) as page:
        signed_in(page)
        to(page, "draft")
        paper = page.get_by_role("textbox", name="Draft of the policy")
        panel = page.locator(".publish")
        publish = panel.get_by_role("button", name="Publish version 4")
        expect(panel).to_contain_text("Nothing to publish")
        expect(publish).to_be_disabled()

        # What its tests refuse cannot be published, and neither what nobody says why of.
        paper.fill(f"{ON_LEAVE}p, user, /admin, GET, allow\n")
        expect(panel).to_contain_text("What its tests refuse is not published")
        paper.fill(f"{ON_LEAVE}{TICKETS}")
        expect(page.locator(".new-access")).to_contain_text("New access: 1 change grants something")
        expect(panel).to_contain_text("Say why")
        panel.get_by_label("Why, for those who read the history").fill("Tickets are for the helpdesk")
        expect(publish).to_be_enabled()
        assert audited(page) == []

        # Somebody else was first: who, why, and what this would change of theirs. Nothing typed is lost.
        stored.publish(f"{ON_LEAVE}p, everyone, /prices, GET, allow\n", f"Prices are public {HOSTILE}")
        publish.click()
        conflict = page.locator(".conflict")
        expect(conflict).to_contain_text("somebody was first")
        expect(conflict).to_contain_text(f"Version 4 · {PUBLISHER}")
        expect(conflict).to_contain_text("Prices are public <img src=x onerror=alert(1)>")
        expect(conflict.locator(".removed")).to_contain_text("-p, everyone, /prices, GET, allow")
        assert paper.input_value() == f"{ON_LEAVE}{TICKETS}"
        assert audited(page) == []
        conflict.get_by_role("button", name="Go on from version 4").click()
        paper.fill(f"{ON_LEAVE}p, everyone, /prices, GET, allow\n{TICKETS}")
        again = panel.get_by_role("button", name="Publish version 5")
        expect(again).to_be_enabled()
        again.click()
        expect(panel).to_contain_text("Version 5 is published")
        expect(page.locator(".headline")).to_contain_text("The same as what is in force")

        # Who published it, for whom, what it changed; and version 3 again, as version 6.
        to(page, "status")
        newest = page.locator(".version-row").first
        expect(newest).to_contain_text("Tickets are for the helpdeskIn force")
        expect(newest).to_contain_text(f"{CONSOLE} for ")
        expect(page.locator(".replicas")).to_contain_text("1 of 1 run version 5")
        newest.click()
        expect(page.locator(".version-detail")).to_contain_text("From version 4 to version 5")
        expect(page.locator(".change .added").first).to_contain_text("p, helpdesk, /tickets, GET, allow")
        page.locator(".version-row", has_text="Erin is on leave").click()
        back = page.locator(".rollback")
        expect(back.locator(".trial")).to_contain_text("Access taken away")
        back.get_by_label("Why, for those who read the history").fill("Too much at once")
        assert audited(page) == []
        back.get_by_role("button", name="Publish version 3 again, as 6").click()
        expect(page.locator(".version-detail")).to_contain_text("Version 6 is published")
        expect(page.locator(".version-row").first).to_contain_text("version 3 again")
        assert page.locator("main img, main script").count() == 0
    assert comes_true(lambda: stored.demo.service.get("/readyz").json()["store"]["version"] == 6)


def test_a_rollback_is_refused_when_somebody_was_first(stored: StoredDemo, browser: Browser) -> None:
    with opened(browser, stored.demo.service.base_url, locale="ja-JP") as page:
        signed_in(page)
        page.evaluate("location.hash = '#/status?version=1'")
        back = page.locator(".rollback")
        expect(back.locator(".trial .removed", has_text=DANA)).to_be_visible()
        stored.publish(f"{ON_LEAVE}# later\n", "Only a comment")
        back.locator("textarea").fill("戻す")
        if back.locator("input[type=checkbox]").count():
            back.locator("input[type=checkbox]").check()
        back.locator("button[type=submit]").click()
        expect(back.locator(".conflict")).to_contain_text("Only a comment")
        assert audited(page) == []


def test_who_may_only_read_is_told_what_publishing_takes(stored: StoredDemo, browser: Browser) -> None:
    readers = "p, reader, /policy, GET, allow\np, reader, /policy/draft, POST, allow\ng, user, reader\n"
    stored.publish(f"{ON_LEAVE}{readers}", "bob may look")
    assert stored.demo.service.eventually("/policy", stored.demo.id_token("bob"), 200)
    with opened(browser, stored.demo.service.base_url) as page:
        signed_in(page, "bob")
        to(page, "draft")
        panel = page.locator(".publish")
        paper = page.get_by_role("textbox", name="Draft of the policy")
        paper.fill(f"{ON_LEAVE}# mine\n")
        panel.get_by_label("Why, for those who read the history").fill("I would like to")
        button = panel.get_by_role("button", name="Publish version 5")
        expect(button).to_be_enabled()
        button.click()
        expect(panel.locator(".closed")).to_contain_text("It takes the permission POST /policy/publish")
        assert paper.input_value() == f"{ON_LEAVE}# mine\n"
