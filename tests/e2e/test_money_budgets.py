"""Finance sets a budget up, reads what is left of it, and codes a payment: on a phone without JavaScript, at a desk."""

import pytest
from playwright.async_api import Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.demo.people import FINANCE

SIZES = pytest.mark.parametrize(
    ("size", "javascript"), [(PHONE, False), (DESK, True)], ids=["phone-no-javascript", "desk"]
)


async def type_date(page: Page, name: str, day: str) -> None:
    for part, text in zip(("day", "month", "year"), day.split(), strict=True):
        await page.locator(f"[name='{name}-{part}']").fill(text)


@SIZES
async def test_a_grant_a_budget_and_an_order(
    demo: Demo, open_page: Opener, size: tuple[int, int], javascript: bool
) -> None:
    page = await open_page(javascript=javascript, size=size)
    await sign_in(page, demo, FINANCE)
    mark = f"{size[0]}"
    await page.goto(f"{demo.url}/budgets/funds")
    await page.get_by_role("button", name="Add the grant").click()
    await page.wait_for_load_state()
    assert await page.locator(".govuk-error-summary a").count() >= 3
    await assert_good(page)
    await page.get_by_label("Name", exact=True).fill(f"Grant {mark}")
    await page.get_by_label("Who gives it?").fill("A funder")
    await page.get_by_label("How much is it?").fill("1,000")
    await type_date(page, "starts_on", "1 1 2026")
    await type_date(page, "ends_on", "31 12 2099")
    await page.get_by_role("button", name="Add the grant").click()
    await page.wait_for_url("**/budgets/funds/*")
    await assert_good(page)
    await page.get_by_role("link", name="Add a budget from this grant").click()
    await page.wait_for_url("**/budgets/new*")
    await page.get_by_label("Name", exact=True).fill(f"Lunches {mark}")
    await page.get_by_label("How much may be spent?").fill("1000.01")
    await type_date(page, "starts_on", "1 1 2026")
    await type_date(page, "ends_on", "31 12 2099")
    await page.get_by_role("button", name="Add the budget").click()
    await page.wait_for_load_state()
    # Too much: it says what the grant has, and keeps what was typed.
    assert "£1,000.00 that no other budget has" in await page.locator(".govuk-error-summary").inner_text()
    assert await page.get_by_label("How much may be spent?").input_value() == "1000.01"
    await assert_good(page)
    await page.get_by_label("How much may be spent?").fill("1000")
    await page.get_by_role("button", name="Add the budget").click()
    await page.wait_for_url(f"{demo.url}/budgets/*")
    await page.get_by_role("link", name="Add a purchase order").click()
    await page.wait_for_url("**/budgets/orders*")
    await page.get_by_label("Number").fill(f"PO-{mark}")
    await page.get_by_label("How much?").fill("400")
    await page.get_by_role("button", name="Add the order").click()
    await page.wait_for_url("**/budgets/orders/*")
    await assert_good(page)
    await page.get_by_role("link", name="See its budget").click()
    await page.wait_for_url(f"{demo.url}/budgets/*")
    drawn = page.get_by_role("img", name=f"Lunches {mark}: £0.00 spent, £0.00 booked, £400.00 on order, £600.00 left")
    assert await drawn.count() == 1
    await assert_good(page)
    for path in ("/budgets", "/budgets/orders", "/budgets/codes", "/budgets/1"):
        await page.goto(f"{demo.url}{path}")
        await assert_good(page)


@SIZES
async def test_a_payment_is_coded_from_its_page(
    demo: Demo, open_page: Opener, size: tuple[int, int], javascript: bool
) -> None:
    page = await open_page(javascript=javascript, size=size)
    await sign_in(page, demo, FINANCE)
    await page.goto(f"{demo.url}/payments?state=draft")
    await page.get_by_role("main").get_by_role("table").get_by_role("link").first.click()
    await page.wait_for_load_state()
    await page.get_by_role("link", name="Budget, nominal code and tax").click()
    await page.wait_for_url("**/coding")
    await assert_good(page)
    await page.get_by_label("Tax in it").fill("9,999.99")
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_load_state()
    assert "Enter the tax that is in the" in await page.locator(".govuk-error-summary").inner_text()
    await assert_good(page)
    await page.get_by_label("Tax in it").fill("0.50")
    await page.get_by_label("Tax code").fill("T1")
    await page.get_by_label("Which budget pays for it?").select_option(index=1)
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_load_state()
    assert "Coded: budget" in await page.get_by_role("main").inner_text()
