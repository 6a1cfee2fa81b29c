"""Finance enters a supplier's invoice: found by its total, matched, explained; the second time it is known."""

import pytest
from playwright.async_api import Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.demo.offers import QUAY_CAFE
from timebank.demo.people import FINANCE

PDF = b"%PDF-1.4\n% a paper\n%%EOF\n"


async def fill(page: Page, number: str, total: str) -> None:
    await page.get_by_label("Its number").fill(number)
    await page.get_by_label("Total, with tax").fill(total)
    today = await page.evaluate("[new Date().getDate(), new Date().getMonth() + 1, new Date().getFullYear()]")
    for part, text in zip(("day", "month", "year"), today, strict=True):
        await page.locator(f"[name='invoiced_on-{part}']").fill(str(text))


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name).click()
    await page.wait_for_load_state()


@pytest.mark.parametrize(
    ("size", "javascript", "number", "total", "higher"),
    [(PHONE, False, "QC-PHONE", "3.80", False), (DESK, True, "QC-DESK", "5.20", True)],
    ids=["phone-no-javascript", "desk"],
)
async def test_an_invoice_from_paper_to_matched(
    demo: Demo, open_page: Opener, size: tuple[int, int], javascript: bool, number: str, total: str, higher: bool
) -> None:
    page = await open_page(javascript=javascript, size=size)
    await sign_in(page, demo, FINANCE)
    await page.goto(f"{demo.url}/payments/invoices")
    await assert_good(page)
    await page.get_by_role("link", name="Enter an invoice").click()
    await page.wait_for_url("**/invoices/new")
    await assert_good(page)
    await page.get_by_label("Who sent it?").select_option(label=QUAY_CAFE)
    await press(page, "Go on")
    await press(page, "Save the invoice")
    assert await page.locator(".govuk-error-summary a").count() >= 2
    await assert_good(page)
    await fill(page, number, total)
    await press(page, "Find what it is for")
    if higher:
        assert "Nothing adds up to the total." in await page.get_by_role("main").inner_text()
        await page.get_by_label("£4.20").first.check()
    else:
        assert "These add up to the total." in await page.get_by_role("main").inner_text()
        assert await page.locator("[name='references']:checked").count() == 1
    await assert_good(page)
    await press(page, "Save the invoice")
    await page.wait_for_url("**/payments/invoices/*")
    assert not page.url.endswith("/new")
    await assert_good(page)
    if higher:
        assert "£1.00 is open." in await page.get_by_role("main").inner_text()
        await page.get_by_role("radio", name="No", exact=True).check()
        await page.get_by_label("Why is it higher?").fill("They charged for a bag. We agreed not to pay it.")
        await press(page, "Save")
    first = page.url
    await page.get_by_label("Add the invoice").set_input_files(
        {"name": "invoice.pdf", "mimeType": "application/pdf", "buffer": PDF}
    )
    await press(page, "Keep it here")
    assert await page.get_by_role("link", name="invoice.pdf").count() == 1
    await assert_good(page)

    # The same number again: refused, with a link to the first one, and nothing typed is lost.
    await page.goto(f"{demo.url}/payments/invoices/new")
    await page.get_by_label("Who sent it?").select_option(label=QUAY_CAFE)
    await press(page, "Go on")
    await fill(page, number.lower(), "1.00")
    await page.locator("[name='references']").first.check()
    await press(page, "Save the invoice")
    assert "It is here already." in await page.get_by_role("main").inner_text()
    assert await page.get_by_label("Its number").input_value() == number.lower()
    await assert_good(page)
    await page.get_by_role("link", name="See the first one").click()
    await page.wait_for_url(first)
