"""Formats of payment files: what each needs, how a run looks, and columns for a bank of the time bank's own."""

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.demo.people import FINANCE


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()
    await page.wait_for_load_state()


@pytest.mark.parametrize(
    ("size", "javascript", "name"),
    [(PHONE, False, "Mutual of the Harbour"), (DESK, True, "Mutual of the River")],
    ids=["phone-no-javascript", "desk"],
)
async def test_finance_looks_at_formats_and_makes_the_columns_of_their_bank(
    demo: Demo, open_page: Opener, size: tuple[int, int], javascript: bool, name: str
) -> None:
    page = await open_page(javascript=javascript, size=size)
    await sign_in(page, demo, FINANCE)
    await page.goto(f"{demo.url}/payments/batches/1")
    await page.get_by_text("Another format", exact=True).click()
    await page.get_by_role("link", name="See how this run looks in each format").click()
    await page.wait_for_load_state()
    await assert_good(page)
    await page.get_by_role("link", name="Bacs Standard 18", exact=True).click()
    await page.wait_for_load_state()
    await expect(page.get_by_role("main")).to_contain_text("Send a test file to your bank first.")
    await expect(page.get_by_role("region", name="First lines of the file")).to_contain_text("CONTRA")
    await assert_good(page)

    await page.goto(f"{demo.url}/payments/formats")
    await page.get_by_role("link", name="My bank wants other columns").click()
    await page.wait_for_load_state()
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("Column, row 4", exact=True).select_option("")
    await press(page, "Keep this format")
    await page.get_by_role("alert").filter(has_text="Choose the amount in one of the rows.").wait_for()
    await expect(page.get_by_label("Name", exact=True)).to_have_value(name)
    await expect(page.get_by_label("Heading, row 4", exact=True)).to_have_value("Amount")
    await assert_good(page)
    await page.get_by_label("Column, row 4", exact=True).select_option("amount")
    await page.get_by_label("Place, row 4", exact=True).fill("1")
    await page.get_by_label("Amounts", exact=True).select_option("pence")
    await press(page, "See how it looks")
    await expect(page.get_by_role("region", name="First lines of the file")).to_contain_text("Amount,")
    await assert_good(page)
    await press(page, "Keep this format")
    await expect(page.get_by_role("main")).to_contain_text("is kept.")
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)
    await assert_good(page)

    await page.get_by_role("link", name="Change", exact=True).click()
    await page.wait_for_load_state()
    await page.get_by_label("What to know first").fill("Ask Ana before the first upload.")
    await press(page, "Keep this format")
    await expect(page.get_by_role("main")).to_contain_text("Ask Ana before the first upload.")
    await press(page, f"Retire {name}")
    await expect(page.get_by_role("main")).to_contain_text("is not offered any more. Its files stay.")
    await assert_good(page)
