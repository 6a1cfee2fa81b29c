"""Paying what was typed in: one person proposes, another approves, then it leaves in two taps; a credit and a month."""

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.demo.people import ADMINISTRATOR, FINANCE

SIZES = [(PHONE, False), (DESK, True)]
IDS = ["phone-no-javascript", "desk"]


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()
    await page.wait_for_load_state()


@pytest.mark.parametrize(("size", "javascript"), SIZES, ids=IDS)
async def test_one_types_it_in_another_approves_and_it_leaves(
    demo: Demo, open_page: Opener, size: tuple[int, int], javascript: bool
) -> None:
    number = f"HALL-{size[0]}"
    page = await open_page(javascript=javascript, size=size)
    await sign_in(page, demo, FINANCE)
    await page.goto(f"{demo.url}/payments/new")
    await press(page, "Send for approval")
    await assert_good(page)  # everything is missing
    await page.get_by_label("Who is paid?").select_option(index=1)
    await page.get_by_label("Amount, tax included").fill("41.50")
    await page.get_by_label("What is it for?").fill(f"Hall, {number}")
    await page.get_by_label("Invoice number").fill(number)
    await page.get_by_label("Why is it paid?").fill("The group meets there")
    await press(page, "Send for approval")
    await page.get_by_role("alert").filter(has_text="Say where the invoice or receipt is.").wait_for()
    await expect(page.get_by_label("Invoice number")).to_have_value(number)
    await page.get_by_label("Where is the invoice or receipt?").fill("Folder 3")
    await press(page, "Send for approval")
    await expect(page.get_by_role("main")).to_contain_text("£41.50 to")
    await page.get_by_text("Pay only a part now").click()
    await page.get_by_label("How much now?").fill("40.00")
    await press(page, "Save")
    await expect(page.get_by_role("main")).to_contain_text("£40.00 of £41.50")
    assert await page.get_by_role("button", name="Approve £40.00 of £41.50").count() == 0
    await assert_good(page)
    place = page.url

    other = await open_page(javascript=javascript, size=size)
    await sign_in(other, demo, ADMINISTRATOR)
    await other.goto(f"{demo.url}/payments")
    await assert_good(other)
    await other.get_by_label("Tick £40.00 to").first.check()
    await press(other, "Approve all that are ticked")
    await expect(other.get_by_role("main")).to_contain_text("1 payment approved.")
    await other.get_by_role("button", name="Export").click()  # tap one; the file is tap two
    await other.wait_for_load_state()
    await expect(other.get_by_role("link", name="Download the file")).to_be_visible()
    await assert_good(other)
    await page.goto(place)
    await expect(page.get_by_role("main")).to_contain_text("On its way")


@pytest.mark.parametrize(("size", "javascript"), SIZES, ids=IDS)
async def test_a_credit_note_needs_two_people(
    demo: Demo, open_page: Opener, size: tuple[int, int], javascript: bool
) -> None:
    page = await open_page(javascript=javascript, size=size)
    await sign_in(page, demo, FINANCE)
    await page.goto(f"{demo.url}/payments/credits")
    await press(page, "Save")
    await assert_good(page)
    await page.get_by_label("Who sent it?").select_option(index=1)
    await page.get_by_label("Number of the credit note").fill(f"CN-{size[0]}")
    await page.get_by_label("Amount", exact=True).fill("0.05")
    await page.get_by_label("What is it for?").fill("One lunch too many")
    await press(page, "Save")
    await expect(page.get_by_role("main")).to_contain_text("someone else in finance checks it")
    await assert_good(page)
    other = await open_page(javascript=javascript, size=size)
    await sign_in(other, demo, ADMINISTRATOR)
    await other.goto(page.url)
    await press(other, "Agree")
    await expect(other.get_by_role("main")).to_contain_text("Counts")
    await assert_good(other)
    await other.goto(f"{demo.url}/payments/export")
    await assert_good(other)
    await other.goto(f"{demo.url}/payments/months")
    await assert_good(other)
