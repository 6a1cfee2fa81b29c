"""Cash less what its payee owes us: a credit note with its paper, agreed by another; the slip; what was handed over."""

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.demo.people import ADMINISTRATOR, FINANCE
from timebank.demo.suppliers import STALL

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()
    await page.wait_for_load_state()


@pytest.mark.parametrize(("size", "javascript"), [(PHONE, False), (DESK, True)], ids=["phone-no-javascript", "desk"])
async def test_what_they_owe_us_is_kept_back_from_cash(
    demo: Demo, open_page: Opener, size: tuple[int, int], javascript: bool
) -> None:
    page, other = [await open_page(javascript=javascript, size=size) for _ in range(2)]
    await sign_in(page, demo, FINANCE)
    await sign_in(other, demo, ADMINISTRATOR)
    await page.goto(f"{demo.url}/payments/credits")
    await page.get_by_label("Who sent it?").select_option(label=STALL)
    await page.get_by_label("Number of the credit note").fill(f"ST-{size[0]}")
    await page.get_by_label("Amount", exact=True).fill("0.25")
    await page.get_by_label("What is it for?").fill("One box was empty")
    paper = {"name": f"ST {size[0]}.pdf", "mimeType": "application/pdf", "buffer": PDF}
    await page.get_by_label("The credit note itself").set_input_files(paper)  # type: ignore[arg-type]
    await press(page, "Save")
    await expect(page.get_by_role("link", name=f"ST {size[0]}.pdf")).to_be_visible()
    await assert_good(page)
    await other.goto(page.url)
    await expect(other.get_by_role("main")).to_contain_text("Check it against the paper below.")
    await press(other, "Agree")

    await page.goto(f"{demo.url}/payments/new")
    await page.get_by_label("Who is paid?").select_option(label=STALL)
    await page.get_by_label("Amount, tax included").fill("5.00")
    await page.get_by_label("What is it for?").fill("Sandwiches")
    await page.get_by_label("Why is it paid?").fill("A long day")
    await page.get_by_label("Where is the invoice or receipt?").fill("Folder 4")
    await press(page, "Send for approval")
    await other.goto(page.url)
    await press(other, "Approve £5.00")
    await other.goto(page.url)
    await expect(other.get_by_role("main")).to_contain_text("You approved this")

    await page.goto(page.url)
    await expect(page.get_by_role("heading", name="Pay £4.75 in cash")).to_be_visible()
    await page.get_by_label("How much was handed over?").fill("5.00")
    await page.get_by_label("Number of the receipt").fill(f"R-{size[0]}")
    await page.get_by_label("Who signed for it?").fill("Dot")
    await press(page, "Paid in cash")
    await page.get_by_role("alert").filter(has_text="£4.75 had to be handed over").wait_for()
    await assert_good(page)
    await page.get_by_label("How much was handed over?").fill("4.75")
    await press(page, "Paid in cash")
    await expect(page.get_by_role("main")).to_contain_text("£0.25 kept back, because they owed us that")
    await assert_good(page)
