"""A voucher on a member's phone and at a supplier's till: two people, without an account on one side."""

import io
from datetime import UTC, datetime

import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_fits, assert_good
from tests.e2e.signing import sign_in
from timebank.demo.people import COORDINATOR
from timebank.demo.vouchers import CAKE


def supplier_door(demo: Demo) -> str:
    return next(door.url for who, door in demo.doors.items() if who.startswith("Supplier"))


async def book(page: Page, demo: Demo, title: str) -> None:
    await page.goto(f"{demo.url}/offers")
    href = await page.locator("a", has_text=title).first.get_attribute("href")
    await page.goto(f"{demo.url}{href}/check")
    await page.get_by_role("button", name="Use 1 hour").click()
    await page.wait_for_url("**/bookings/*")


async def look_up(page: Page, code: str) -> None:
    await page.get_by_label("The code of the voucher").fill(code)
    await page.get_by_role("button", name="Look it up").click()
    await page.wait_for_load_state()


@pytest.mark.parametrize(
    ("size", "javascript", "who"),
    [(PHONE, False, "Leroy Baptiste"), (DESK, True, "Arthur Penrose")],
    ids=["phone-no-javascript", "desk"],
)
async def test_shown_by_a_member_and_confirmed_at_the_till(
    demo: Demo, open_page: Opener, size: tuple[int, int], javascript: bool, who: str
) -> None:
    member = await open_page(javascript=javascript, size=size)
    await sign_in(member, demo, who)
    await book(member, demo, CAKE)
    await assert_good(member)
    await member.get_by_role("button", name="Show my voucher").click()
    await member.wait_for_url("**/code/*")
    await assert_good(member)
    code = (await member.locator(".tb-voucher__code").inner_text()).split(":")[-1].strip()
    assert len(code) == 11
    size_of_code = await member.locator(".tb-voucher__code").evaluate("(e) => parseFloat(getComputedStyle(e).fontSize)")
    assert size_of_code >= 28
    picture = Image.open(io.BytesIO(await member.locator(".tb-voucher__square").screenshot()))
    (square,) = zxingcpp.read_barcodes(picture)
    assert square.text == f"{demo.url}/till/use/{code.replace('-', '')}"

    till = await open_page(javascript=javascript, size=size)
    await till.goto(f"{demo.url}/till")
    await assert_good(till)  # no poster yet: it says how to begin
    await till.goto(supplier_door(demo))
    assert till.url == f"{demo.url}/till"  # the secret has left the address
    await assert_good(till)
    await look_up(till, "AAAAA-AAAAB")
    await till.get_by_role("alert").filter(has_text="A letter is wrong or missing").wait_for()
    assert await till.get_by_label("The code of the voucher").input_value() == "AAAAA-AAAAB"
    await assert_good(till)
    await till.goto(f"{demo.url}/till/use/{code.replace('-', '')}")  # what the square on the member's phone opens
    assert await till.get_by_label("The code of the voucher").input_value() == code
    await till.get_by_role("button", name="Look it up").click()
    await till.get_by_text(f"It belongs to {who.split(maxsplit=1)[0]}.").wait_for()
    assert who not in await till.locator("body").inner_text()
    await assert_good(till)
    await till.get_by_role("button", name="Confirm").click()
    await till.get_by_role("heading", name="Done at").wait_for()
    await assert_good(till)
    await till.reload()
    assert await till.get_by_role("heading", name="Done at").count() == 1
    await till.goto(f"{demo.url}/till")
    await look_up(till, code)
    await till.get_by_role("alert").filter(has_text="already used at").wait_for()
    await assert_fits(till)
    for path in ("/till/tally", "/till/statement"):
        await till.goto(f"{demo.url}{path}")
        await assert_good(till)
    await member.goto(member.url.partition("/code/")[0])
    await member.get_by_text("You have used it.").wait_for()


async def test_the_till_in_easy_read(demo: Demo, open_page: Opener) -> None:
    till = await open_page(size=PHONE)
    await till.context.add_cookies([{"name": "timebank_reading", "value": "en.easy", "url": demo.url}])
    await till.goto(supplier_door(demo))
    await assert_good(till)
    assert await till.locator("html.tb-easy").count() == 1
    await till.goto(f"{demo.url}/till/open/none")
    await assert_good(till)


async def test_staff_see_what_runs_out_and_check_codes(demo: Demo, open_page: Opener) -> None:
    page = await open_page(size=PHONE)
    await sign_in(page, demo, COORDINATOR)
    await page.goto(f"{demo.url}/vouchers")
    await page.get_by_text("Codes run out:").wait_for()
    await assert_good(page)
    await page.get_by_role("link", name="A book from the Book Nook").first.click()
    await page.get_by_label("Or paste them").fill(f"NEW-{datetime.now(UTC):%H%M%S}\nDEMO-BOOK-1187")
    await assert_good(page)
    await page.get_by_role("button", name="See what will happen").click()
    await page.get_by_text("We have this code already.").wait_for()
    await assert_good(page)
    await page.goto(f"{demo.url}/suppliers")
    await assert_good(page)
    await page.get_by_role("link", name="Quay Café CIC").click()
    await page.get_by_role("heading", name="Poster for the till").wait_for()
    await assert_good(page)
