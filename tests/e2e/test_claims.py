"""Costs paid back: with a photo, with three taps, without JavaScript, in Easy Read; decided and paid by others."""

import io
import re

import pytest
from PIL import Image
from playwright.async_api import FilePayload, Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.demo.people import COORDINATOR, FINANCE, SECOND_COORDINATOR

MAX_TAPS = 3


def receipt(colour: str = "white") -> FilePayload:
    out = io.BytesIO()
    Image.new("RGB", (600, 900), colour).save(out, "JPEG")
    return {"name": "receipt.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name).first.click()


@pytest.mark.parametrize(
    ("size", "javascript", "who", "easy"),
    [(PHONE, True, "Lena Björk", False), (DESK, False, "Peter Quill-Hughes", False), (PHONE, False, "Xin Li", True)],
    ids=["phone", "desk-no-javascript", "easy-read"],
)
async def test_claimed_with_a_photo_asked_about_and_agreed(
    demo: Demo, open_page: Opener, size: tuple[int, int], javascript: bool, who: str, easy: bool
) -> None:
    member = await open_page(javascript=javascript, size=size)
    await sign_in(member, demo, who)
    if easy:
        await member.get_by_role("button", name="Easy Read").first.click()
        await member.wait_for_load_state()
    await member.goto(f"{demo.url}/me/claims")
    await assert_good(member)
    await member.get_by_role("link", name="Add a cost").click()
    await assert_good(member)
    await member.get_by_role("link", name="Taxi").click()
    await member.get_by_label("How much did you pay?").fill("a lot")
    await member.get_by_label("A photo of the receipt").set_input_files(receipt("beige" if easy else "ivory"))
    await press(member, "Go on")
    await member.get_by_role("alert").filter(has_text="Enter the amount as a number").wait_for()
    await member.get_by_text("Your receipt is here").wait_for()
    await assert_good(member)
    await member.get_by_label("How much did you pay?").fill("18.40")
    await member.get_by_label("What was it for?").fill("To the group")
    await press(member, "Go on")
    await member.get_by_role("heading", level=1, name="Is this right?").wait_for()
    await assert_good(member)
    await press(member, "Send: £18.40")
    await member.get_by_role("heading", level=1, name="Thank you. We have it.").wait_for()
    await assert_good(member)
    found = re.search(r"/me/claims/([A-Z0-9-]+)", member.url)
    assert found

    decider = await open_page(javascript=javascript, size=size)
    await sign_in(decider, demo, COORDINATOR)
    await decider.goto(f"{demo.url}/claims")
    await assert_good(decider)
    await decider.get_by_role("link", name=who).first.click()
    await assert_good(decider)
    await decider.get_by_text("Ask them something first").click()
    await press(decider, "Ask")
    await decider.get_by_role("alert").filter(has_text="Write what you want to know").wait_for()
    await assert_good(decider)
    await decider.get_by_label("Your question").fill("Which group?")
    await press(decider, "Ask")
    await decider.get_by_role("status").filter(has_text="waits for their answer").wait_for()

    await member.goto(f"{demo.url}/me/claims/{found[1]}")
    await assert_good(member)
    await member.get_by_label("Your answer").fill("The gardening group")
    await press(member, "Send the answer")
    await member.get_by_role("status").wait_for()
    await decider.goto(f"{demo.url}/claims/{found[1]}")
    await press(decider, "Right, unless it is ticked")
    await decider.get_by_role("status").filter(has_text="waits for finance").wait_for()

    await member.goto(f"{demo.url}/me/claims/{found[1]}")
    await member.get_by_text("Finance checks it. Then we pay you.").wait_for()
    await assert_good(member)
    finance = await open_page(javascript=javascript, size=size)
    await sign_in(finance, demo, FINANCE)
    await finance.goto(f"{demo.url}/claims/{found[1]}")
    await finance.get_by_role("link", name=re.compile(r"^[A-Z0-9]{4}-[A-Z0-9]{4}$")).first.click()
    await press(finance, "Approve £18.40")
    await finance.get_by_role("status").filter(has_text="is approved").wait_for()
    await member.reload()
    await member.get_by_text("It goes out with the next payments.").wait_for()


async def test_in_arabic(demo: Demo, open_page: Opener) -> None:
    page = await open_page(javascript=False)
    await sign_in(page, demo, "Maryam al-Hashimi")
    for path in ("/me/claims", "/me/claims/new", "/me/claims/new?kind=carer"):
        await page.goto(f"{demo.url}{path}")
        assert await page.evaluate("document.documentElement.dir") == "rtl"
        await assert_good(page)


async def test_three_taps_for_the_usual_fare(demo: Demo, open_page: Opener) -> None:
    page = await open_page()
    await sign_in(page, demo, "Grace Adeyemi")
    await page.goto(f"{demo.url}/me/claims")
    taps = 1  # the link that leads here
    await press(page, "Same as last time: Bus, £4.20")
    taps += 1
    await page.get_by_role("heading", level=1, name="Is this right?").wait_for()
    await press(page, "Send: £4.20")
    taps += 1
    await page.get_by_role("heading", level=1, name="Thank you. We have it.").wait_for()
    assert taps <= MAX_TAPS
    await press(page, "Take it back to change it")
    await page.get_by_role("link", name=re.compile("^Bus")).first.click()
    await assert_good(page)


async def test_what_was_not_paid_is_looked_at_again(demo: Demo, open_page: Opener) -> None:
    page = await open_page(javascript=False)
    await sign_in(page, demo, "Hana Nováková")
    await page.goto(f"{demo.url}/me/claims")
    await page.locator(".tb-entries a").first.click()
    await page.get_by_role("heading", name="Not paid, and why").wait_for()
    await assert_good(page)
    await press(page, "Ask us to look again")
    await page.get_by_role("alert").filter(has_text="Say why you see it another way").wait_for()
    await assert_good(page)
    await page.get_by_label("Do you see it another way? Say why.").fill("It was for my carer")
    await press(page, "Ask us to look again")
    await page.get_by_role("heading", level=1, name="Thank you. We have it.").wait_for()


@pytest.mark.parametrize(("size", "javascript"), [(PHONE, True), (DESK, False)], ids=["phone", "desk-no-javascript"])
async def test_money_in_advance_is_settled_by_a_colleague(
    demo: Demo, open_page: Opener, size: tuple[int, int], javascript: bool
) -> None:
    page = await open_page(javascript=javascript, size=size)
    await sign_in(page, demo, SECOND_COORDINATOR)
    await page.goto(f"{demo.url}/claims/access")
    await assert_good(page)
    await page.get_by_role("link", name="Give money in advance").click()
    await press(page, "Write it down")
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    await page.get_by_label("Who is it for?").fill("Umar Farooq")
    await page.get_by_label("Taxi").check()
    for part, value in (("Day", "1"), ("Month", "12"), ("Year", "2026")):
        await page.get_by_label(part, exact=True).fill(value)
    await page.get_by_label("How much do you give?").fill("20")
    await page.get_by_label("Who signed for it?").fill("U. Farooq")
    await press(page, "Write it down")
    await page.get_by_role("heading", level=1, name="Taxi for Umar Farooq: £20.00").wait_for()
    await page.get_by_label("What was paid?").fill("Taxi there and back")
    await page.get_by_label("How much?").fill("14.60")
    await page.get_by_label("Photo of the receipt").set_input_files(receipt("pink" if javascript else "lavender"))
    await press(page, "Add the receipt")
    await page.get_by_text("£5.40 comes back").wait_for()
    await assert_good(page)
    address = page.url

    colleague = await open_page(javascript=javascript, size=size)
    await sign_in(colleague, demo, FINANCE)
    await colleague.goto(address)
    await colleague.get_by_label("Cash that they hand back").fill("5")
    await press(colleague, "Settle it")
    await colleague.get_by_role("alert").filter(has_text="so £5.40 comes back").wait_for()
    await assert_good(colleague)
    await colleague.get_by_label("Cash that they hand back").fill("5.40")
    await press(colleague, "Settle it")
    await colleague.get_by_role("status").filter(has_text="Settled.").wait_for()
    await assert_good(colleague)
