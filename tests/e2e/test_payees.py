"""Bank details: typed by one person, confirmed by another, and a member's own account."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.demo.people import ADMINISTRATOR, FINANCE

SIZES = [(PHONE, False, "Bernard O'Leary"), (DESK, True, "Idris Walker")]
IDS = ["phone-no-javascript", "desk"]


async def type_account(page: Page, holder: str, sort_code: str, number: str) -> None:
    await page.get_by_label("Name on the account").fill(holder)
    await page.get_by_label("Sort code", exact=True).fill(sort_code)
    await page.get_by_label("Account number", exact=True).fill(number)


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()
    await page.wait_for_load_state()


@pytest.mark.parametrize(("size", "javascript", "member"), SIZES, ids=IDS)
async def test_two_people_stand_behind_bank_details(
    demo: Demo, open_page: Opener, size: tuple[int, int], javascript: bool, member: str
) -> None:
    page = await open_page(javascript=javascript, size=size)
    await sign_in(page, demo, FINANCE)
    await page.goto(f"{demo.url}/payees/new")
    await press(page, "Add this payee")
    await assert_good(page)  # a name is missing
    await page.get_by_label("Name", exact=True).fill(f"The Allotment, paid to {member}")
    await press(page, "Add this payee")
    await type_account(page, "The Allotment", "08 99 99", "66374959")
    await press(page, "Send it to be confirmed")
    await page.get_by_role("alert").filter(has_text="does not fit the sort code").wait_for()
    await expect(page.get_by_label("Account number", exact=True)).to_have_value("66374959")
    await assert_good(page)
    await page.get_by_label("Account number", exact=True).fill("6637 4958")
    await press(page, "Send it to be confirmed")  # two taps: the form, this button
    assert re.fullmatch(r".*/payees/\d+", page.url)
    await expect(page.get_by_role("main")).to_contain_text("You typed this account.")
    assert await page.get_by_role("button", name="Confirm this account").count() == 0
    await assert_good(page)

    other = await open_page(javascript=javascript, size=size)
    await sign_in(other, demo, ADMINISTRATOR)
    await other.goto(page.url)
    await expect(other.get_by_role("main")).to_contain_text("Somebody else has this account: Quay Café CIC")
    await other.get_by_text("Show the whole number that waits").click()
    await press(other, "Show it")
    await other.get_by_role("alert").filter(has_text="Say why you need the whole number.").wait_for()
    await assert_good(other)
    await other.get_by_label("Why do you need it?").first.fill("To read it back on the phone")
    await press(other, "Show it")
    await expect(other.get_by_role("main")).to_contain_text("6637 4958")
    await assert_good(other)
    await other.get_by_role("link", name="Back", exact=True).click()
    await other.get_by_text("Refuse it").click()
    await press(other, "Refuse this account")
    await other.get_by_role("alert").filter(has_text="Say why it is refused").wait_for()
    await assert_good(other)
    await press(other, "Confirm this account")  # one tap
    await expect(other.get_by_role("main")).to_contain_text("To read it back on the phone")
    assert "66374958" not in await other.content()
    await assert_good(other)


@pytest.mark.parametrize(("size", "javascript", "member"), SIZES, ids=IDS)
async def test_a_member_says_where_their_money_goes(
    demo: Demo, open_page: Opener, size: tuple[int, int], javascript: bool, member: str
) -> None:
    page = await open_page(javascript=javascript, size=size)
    await sign_in(page, demo, member)
    await page.goto(f"{demo.url}/me/paid")
    await type_account(page, member, "10-79-99", "88837492")
    await press(page, "Send")
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    await page.get_by_label("Account number", exact=True).fill("88837491")
    await press(page, "Send")
    await page.get_by_text("We are checking the account that ends in 7491.").wait_for()
    await assert_good(page)
    await page.context.add_cookies([{"name": "timebank_reading", "value": "en.easy", "url": demo.url}])
    await press(page, "Take it back")
    await page.get_by_role("heading", name="Tell us your account").wait_for()
    await assert_good(page)


async def test_how_we_pay_is_changed_and_remembered(demo: Demo, open_page: Opener) -> None:
    page = await open_page(size=PHONE)
    await sign_in(page, demo, FINANCE)
    await page.goto(f"{demo.url}/payments/settings")
    await page.get_by_label("Working days until the bank moves the money").fill("forty")
    await press(page, "Save")
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    await page.get_by_label("Working days until the bank moves the money").fill("2")
    await press(page, "Save")
    await expect(page.get_by_role("main")).to_contain_text("Working days ahead")
    await assert_good(page)
    await page.get_by_label("Working days until the bank moves the money").fill("1")
    await press(page, "Save")
