"""Signing in at the issuer's own page: a code and its proof, in a window of its own, and the token nowhere but in memory."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.consoles import opened, to
from tests.browser.hosted_login import HostedLogin
from tests.support.service import Service, serving


@pytest.fixture(scope="module")
def login() -> Iterator[HostedLogin]:
    with HostedLogin() as listening:
        yield listening


@pytest.fixture(scope="module")
def service(login: HostedLogin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(login, tmp_path_factory.mktemp("hosted")) as started:
        yield started


@pytest.fixture(autouse=True)
def fresh(login: HostedLogin) -> None:
    login.asked.clear()
    login.redeemed.clear()
    login.changes = {}


def at_issuer(page: Page, choose: str) -> None:
    """Opens the issuer's window, and chooses there."""
    with page.expect_popup() as popup:
        page.get_by_role("button", name="Sign in at 127.0.0.1").click()
    window = popup.value
    with window.expect_event("close"):
        window.get_by_role("link", name=choose).click()


def test_a_code_and_its_proof_bring_a_token_that_stays_in_memory(
    login: HostedLogin, service: Service, browser: Browser
) -> None:
    with opened(browser, service.base_url) as page:
        at_issuer(page, "Continue as sam")
        expect(page.locator(".person")).to_contain_text("security")
        page.locator(".cell").first.wait_for()
        (asked,), (redeemed,) = login.asked, login.redeemed
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert asked["redirect_uri"] == f"{service.base_url}/console"
        assert len(asked["state"]) >= 43
        assert len(redeemed["code_verifier"]) >= 43
        assert "client_secret" not in redeemed
        assert "code=" not in page.url
        assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]

        # When the token is refused what was typed stays, and she goes on with another.
        to(page, "draft")
        paper = page.get_by_role("textbox", name="Draft of the policy")
        expect(page.locator(".headline")).to_be_visible()
        paper.fill("p, user, /mine, GET, allow\n")
        login.rotate()
        page.route("**/policy/draft", lambda route: route.fulfill(status=401, json={}), times=1)
        paper.press("End")
        paper.type("#")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Nothing that you typed is lost")
        at_issuer(page, "Continue as sam")
        expect(dialog).to_be_hidden()
        assert "p, user, /mine, GET, allow" in paper.input_value()
        assert len(login.redeemed) == 2
        assert login.redeemed[0]["code_verifier"] != login.redeemed[1]["code_verifier"]


def test_a_sign_in_that_is_cancelled_says_so_and_can_be_tried_again(
    login: HostedLogin, service: Service, browser: Browser
) -> None:
    with opened(browser, service.base_url) as page:
        at_issuer(page, "Cancel")
        expect(page.locator(".trouble")).to_contain_text("The sign-in did not work. (access_denied)")
        assert login.redeemed == []
        at_issuer(page, "Continue as sam")
        expect(page.locator(".person")).to_be_visible()


def test_a_token_for_another_sign_in_is_not_used(
    login: HostedLogin, service: Service, browser: Browser
) -> None:
    login.changes = {"nonce": "somebody else's"}
    with opened(browser, service.base_url) as page:
        at_issuer(page, "Continue as sam")
        expect(page.locator(".trouble")).to_contain_text("(nonce)")
        assert page.locator(".person").count() == 0


def test_a_code_that_nobody_asked_for_signs_nobody_in(
    login: HostedLogin, service: Service, browser: Browser
) -> None:
    with opened(browser, service.base_url) as page:
        with page.expect_popup() as popup:
            page.get_by_role("button", name="Sign in at 127.0.0.1").click()
        popup.value.get_by_role("link", name="Continue as sam").wait_for()
        forged = page.context.new_page()
        forged.goto(f"{service.base_url}/console?code=code-of-somebody&state=forged")
        expect(forged.locator("body")).to_contain_text("You can close this window")
        assert login.redeemed == []
        assert page.locator(".person").count() == 0
