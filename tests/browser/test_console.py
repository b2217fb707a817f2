"""The console does the security team's work in a real browser, and shows nobody what the policy does not allow."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.consoles import VIEWS, audited, opened, to, with_token
from tests.e2e.conftest import Demo
from tests.support.issuer import Issuer
from tests.support.service import ROOT, Service, serving

PERSON = "7f3c1e52-0000-4000-8000-000000000000"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u202egnp" + "x" * 2000
SHOWN = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&\\u{202e}gnp"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


@pytest.fixture
def hostile(issuer: Issuer, tmp_path: Path) -> Iterator[Service]:
    rules = (ROOT / "policy.csv").read_text(encoding="utf-8")
    more = f"p, {HOSTILE}, /admin, GET, allow\ng, {HOSTILE}, user\n"
    (tmp_path / "policy.csv").write_text(rules + more, encoding="utf-8")
    with serving(issuer, tmp_path, POLICY_GATE="lint") as service:
        yield service


def as_user(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()
    page.locator("main .view").wait_for()


def test_sam_does_a_days_work(demo: Demo, browser: Browser) -> None:
    with opened(browser, demo.service.base_url) as page:
        assert page.locator(".cell").count() == 0
        as_user(page, "sam")
        expect(page.locator(".person")).to_contain_text("security")

        # Who reaches /admin, and why alice does.
        page.get_by_label("Path", exact=True).fill("/admin")
        expect(page.locator(".space .row")).to_have_count(1)
        assert "path=%2Fadmin" in page.url
        cell = page.get_by_role("gridcell", name="admin, GET /admin: allowed, an administrative path")
        expect(cell).to_have_class(re.compile(r"\brisky\b"))
        cell.hover()
        expect(page.locator(".path")).to_contain_text("p, admin, /admin, GET, allow")
        cell.click()
        expect(page.locator(".verdict")).to_contain_text("Allowed")
        expect(page.locator(".source .here")).to_contain_text("p, admin, /admin, GET, allow")

        # A draft that opens it to every user, and makes a person an admin.
        to(page, "draft")
        paper = page.get_by_role("textbox", name="Draft of the policy")
        expect(page.locator(".headline")).to_contain_text("The same as what is in force")
        live = paper.input_value()
        paper.fill(f"{live}p, user, /admin, GET, allow\ng, {PERSON}, admin\n")
        expect(page.locator(".headline")).to_contain_text("one person becomes admin")
        entry = page.locator(".entries li.plus", has_text="an administrative path")
        expect(entry).to_contain_text("GET /admin")
        expect(entry).to_contain_text("user")
        expect(page.locator(".outcome")).to_contain_text(f"{PERSON} becomes admin")
        expect(page.locator(".outcome")).to_contain_text("user can GET /admin, and should not")
        page.get_by_role("button", name="Copy as patch").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        patch = page.evaluate("navigator.clipboard.readText()")
        assert patch.splitlines()[-2:] == ["+p, user, /admin, GET, allow", f"+g, {PERSON}, admin"]

        # One that cannot be read: its problem stands on its line.
        paper.fill(f"{live}p, user, admin\n")
        at = live.count("\n") + 1
        expect(page.locator(".headline")).to_contain_text("Cannot be read")
        page.get_by_role("button", name=f"line {at}").click()
        expect(page.locator(".gutter .error")).to_have_text(f"✕ {at}")

        # What was typed stays while she looks elsewhere, and bob's refused call comes by.
        to(page, "live")
        expect(page.locator(".live-state")).to_have_text("Live")
        assert demo.status("/admin", "bob") == 403
        page.get_by_label("Refused ones only").check()
        row = page.locator(".stream a", has_text="GET /admin").first
        row.click()
        expect(page.locator(".then")).to_contain_text("Refused")
        expect(page.locator(".answer")).to_contain_text("Denied because no rule allows it.")
        expect(page.locator(".answer")).to_contain_text("Nearly met")
        to(page, "draft")
        assert paper.input_value() == f"{live}p, user, admin\n"
        assert demo.service.policy.read_text(encoding="utf-8") == live


def test_bob_is_told_what_it_takes_and_sees_nothing(demo: Demo, browser: Browser) -> None:
    with opened(browser, demo.service.base_url) as page:
        as_user(page, "bob")
        for view, permission in (
            ("matrix", "GET /policy/matrix"),
            ("roles", "GET /policy"),
            ("draft", "GET /policy"),
            ("live", "GET /policy/decisions"),
            ("status", "GET /policy/status"),
        ):
            to(page, view)
            expect(page.locator(".closed").first).to_contain_text(f"It takes the permission {permission}")
            expect(page.locator(".closed").first).to_contain_text("user")
        assert "p, admin" not in page.content()


def test_who_signs_in_next_sees_nothing_of_who_was_there_before(demo: Demo, browser: Browser) -> None:
    with opened(browser, demo.service.base_url) as page:
        as_user(page, "sam")
        page.locator(".cell").first.wait_for()
        page.get_by_role("button", name="Sign out").click()
        expect(page.locator(".sign-in")).to_be_visible()
        assert page.locator(".cell").count() == 0
        as_user(page, "carol")
        expect(page.locator(".closed")).to_be_visible()
        assert page.locator(".cell").count() == 0
        assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("locale", "width"), [("en-US", 1280), ("ja-JP", 390), ("en-US", 360)])
def test_every_view_can_be_used_by_everybody(
    demo: Demo, browser: Browser, locale: str, width: int, scheme: str
) -> None:
    look: dict[str, Any] = {
        "viewport": {"width": width, "height": 844},
        "color_scheme": scheme,
        "locale": locale,
    }
    shown = {
        "matrix": ".cell",
        "roles": ".node",
        "why": ".card.empty",
        "draft": ".headline",
        "live": ".chart svg",
        "status": ".cards",
    }
    with opened(browser, demo.service.base_url, **look) as page:
        assert audited(page) == []
        as_user(page, "sam")
        for view in VIEWS:
            to(page, view)
            page.locator(shown[view]).first.wait_for()
            assert audited(page) == [], view
        assert page.locator("html").get_attribute("lang") == locale[:2]
        page.goto(f"{demo.service.base_url}/console#/why?role=user&act=GET&obj=%2Fadmin")
        page.locator(".answer").wait_for()
        assert audited(page) == []


def test_the_matrix_is_walked_with_the_keyboard(demo: Demo, browser: Browser) -> None:
    with opened(browser, demo.service.base_url) as page:
        as_user(page, "sam")
        page.locator('.cell[tabindex="0"]').focus()
        for key in ("ArrowDown", "ArrowRight", "End", "PageDown", "Home", "ArrowRight"):
            page.keyboard.press(key)
        label = page.evaluate("document.activeElement.getAttribute('aria-label')")
        assert label.startswith("any valid token, ")
        assert page.locator('.cell[tabindex="0"]').count() == 1
        page.keyboard.press("Enter")
        expect(page.locator(".verdict")).to_be_visible()
        assert "#/why?" in page.url


def test_hostile_names_are_text_everywhere(hostile: Service, issuer: Issuer, browser: Browser) -> None:
    with opened(browser, hostile.base_url) as page:
        with_token(page, issuer.token(**{"custom:role": "security"}))
        expect(page.locator(".row.head")).to_contain_text(SHOWN)
        to(page, "roles")
        node = page.locator('.node[aria-label^="Role <script>"]')
        node.focus()
        page.keyboard.press("Enter")
        expect(page.locator(".about")).to_contain_text(SHOWN)
        to(page, "draft")
        paper = page.get_by_role("textbox", name="Draft of the policy")
        expect(page.locator(".headline")).to_be_visible()
        name = SHOWN.replace('"', "")
        paper.fill(f"{paper.input_value()}p, {name}, /metrics, GET, allow\n")
        expect(page.locator(".entries").first).to_contain_text("<script>alert(1)</script>")
        hostile.request(
            "GET",
            "/<img src=x onerror=alert(3)>".replace(" ", "%20"),
            issuer.token(**{"custom:role": SHOWN[:200]}),
        )
        to(page, "live")
        expect(page.locator(".stream")).to_contain_text("<img src=x onerror=alert(3)>")
        page.goto(
            f"{hostile.base_url}/console#/why?role=%3Cscript%3Ealert(4)%3C%2Fscript%3E&act=GET&obj=%2Fadmin&with=%7Bbad"
        )
        expect(page.locator(".verdict")).to_contain_text("Refused")
        assert page.locator("main script, main img").count() == 0
        assert audited(page) == []


def test_a_token_that_dies_in_the_middle_takes_nothing_that_was_typed(
    hostile: Service, issuer: Issuer, browser: Browser
) -> None:
    claims = {"custom:role": "security", "sub": PERSON}
    with opened(browser, hostile.base_url) as page:
        page.clock.install()
        page.reload()
        with_token(page, issuer.token(**claims))
        to(page, "draft")
        paper = page.get_by_role("textbox", name="Draft of the policy")
        expect(page.locator(".headline")).to_be_visible()
        typed = f"{paper.input_value()}p, user, /metrics, GET, allow\n"
        paper.fill(typed)
        expect(page.locator(".headline")).to_contain_text("gain 1 endpoint")
        page.clock.fast_forward("02:00:00")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Nothing that you typed is lost")
        # By the page's clock it is two hours later.
        with_token(page, issuer.token(**claims, exp=int(time.time()) + 4 * 3600))
        expect(dialog).to_be_hidden()
        assert paper.input_value() == typed
        expect(page.locator(".headline")).to_contain_text("gain 1 endpoint")


def test_what_was_typed_stays_in_the_other_language_and_is_gone_for_who_comes_next(
    demo: Demo, browser: Browser
) -> None:
    with opened(browser, demo.service.base_url) as page:
        as_user(page, "sam")
        to(page, "draft")
        paper = page.locator("textarea.code")
        expect(page.locator(".headline")).to_be_visible()
        paper.fill("p, user, /mine, GET, allow\n")
        questions = page.locator(".questions")
        questions.get_by_label("Role", exact=True).fill("user")
        questions.get_by_label("Path", exact=True).fill("/mine")
        questions.get_by_role("button", name="Keep asking").click()
        expect(questions).to_contain_text("Refused → Allowed")
        # Half a question is not lost when an answer comes.
        questions.get_by_label("Path", exact=True).fill("/half")
        paper.fill("p, user, /mine, GET, allow\n# more\n")
        expect(page.locator(".draft-state")).to_contain_text("Compared with")
        assert questions.get_by_label("Path", exact=True).input_value() == "/half"
        page.get_by_role("button", name="日本語").click()
        expect(page.locator("h1")).to_have_text("下書き")
        expect(page.locator(".headline")).to_contain_text(re.compile("エンドポイント [0-9]+ 件"))
        expect(page.locator(".headline h2")).not_to_contain_text("endpoint")
        assert paper.input_value() == "p, user, /mine, GET, allow\n# more\n"
        expect(page.locator(".questions .kept")).to_contain_text("拒否 → 許可")
        # What is wrong is said in the page's language, and in detail in the service's.
        paper.fill("p, user, /mine, GET, alow\n")
        problem = page.locator(".problems li.error")
        expect(problem).to_contain_text("効果が allow でも deny でもありません。")
        expect(problem.locator("[lang=en]").first).to_contain_text("alow")
        paper.fill("p, user, /mine, GET, allow\n# more\n")
        expect(page.locator(".problems li.error")).to_have_count(0)
        page.get_by_role("button", name="サインアウト").click()
        as_user(page, "sam")
        to(page, "draft")
        expect(page.locator(".headline")).to_be_visible()
        assert "/mine" not in paper.input_value()
        expect(page.locator(".questions .kept li")).to_have_count(0)


def test_a_draft_that_is_too_long_is_told_how_much_may_be_sent(
    issuer: Issuer, browser: Browser, tmp_path: Path
) -> None:
    with (
        serving(issuer, tmp_path, POLICY_GATE="lint", LIMIT_BODY="65536") as service,
        opened(browser, service.base_url) as page,
    ):
        with_token(page, issuer.token(**{"custom:role": "security"}))
        to(page, "draft")
        expect(page.locator(".headline")).to_be_visible()
        # As a paste comes; typed out, so much takes the browser a minute.
        page.locator("textarea.code").evaluate(
            "(area, text) => { area.value = text; area.dispatchEvent(new InputEvent('input', { bubbles: true })) }",
            "# a comment of some length\n" * 4000,
        )
        expect(page.locator(".trouble-card")).to_contain_text("KiB long, and the service takes 64 KiB")
        expect(page.locator(".trouble-card")).to_contain_text("LIMIT_BODY")
        assert audited(page) == []


def test_the_page_forbids_what_it_does_not_need(hostile: Service) -> None:
    page = hostile.get("/console")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script>" not in page.text
    assert "style=" not in page.text
    for name in ("main.js", "console.css", "gate.svg"):
        asset = hostile.get(f"/console/assets/{name}")
        assert asset.status_code == 200
        assert asset.headers["x-content-type-options"] == "nosniff"
    assert hostile.get("/console/assets/../page.py").status_code in {401, 403, 404}
    assert '"demo": null' in page.text.replace("&quot;", '"')
