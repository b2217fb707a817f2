"""The interactive documentation works in a browser, with the Authorize button, and asks no other host."""

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Demo


def test_the_authorize_button_sends_the_token(demo: Demo, page: Page) -> None:
    page.goto(f"{demo.service.base_url}/docs")
    page.get_by_role("button", name="Authorize").click()
    page.get_by_label("auth-bearer-value").fill(demo.tokens["bob"].id_token)
    page.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").click()

    operation = page.locator("#operations-protected-user_page_user_get")
    operation.get_by_role("button").first.click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table .response .response-col_status")).to_contain_text("200")
    expect(operation.locator(".live-responses-table")).to_contain_text('"username": "bob"')


def test_every_endpoint_says_that_it_takes_a_token_and_may_refuse(demo: Demo) -> None:
    description = demo.service.get("/openapi.json").json()
    scheme = description["components"]["securitySchemes"]["cognito"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    operations = [operation for path in description["paths"].values() for operation in path.values()]
    assert len(operations) > 7
    for operation in operations:
        assert {"cognito": []} in operation["security"]
        assert {"400", "401", "403", "503"} <= operation["responses"].keys()
    assert {} not in description["paths"]["/admin"]["get"]["security"]
    assert {} in description["paths"]["/public"]["get"]["security"]
