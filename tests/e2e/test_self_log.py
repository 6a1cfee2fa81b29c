"""Logging one's own time on a phone, with a photo; and the one tap by which somebody else adds it."""

import io
import re

import pytest
from PIL import Image
from playwright.async_api import FilePayload, Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_fits, assert_good, minutes_shown
from tests.e2e.signing import sign_in
from timebank.demo.people import APPROVER, SECOND_COORDINATOR

GPS = 0x8825
MAX_TAPS = 5  # what, how long, the words, go on, yes; the day is today unless said otherwise


def photo() -> FilePayload:
    exif = Image.Exif()
    exif.get_ifd(GPS).update({1: "N", 2: (51.0, 30.0, 26.0), 3: "W", 4: (0.0, 7.0, 39.0)})
    out = io.BytesIO()
    Image.new("RGB", (900, 600), "seagreen").save(out, "JPEG", exif=exif)
    with Image.open(io.BytesIO(out.getvalue())) as image:
        assert image.getexif().get_ifd(GPS)
    return {"name": "IMG_1.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


async def approve(page: Page, who: str) -> None:
    await page.get_by_role("button", name=f"Approve {who}").first.click()


@pytest.mark.parametrize(
    ("size", "javascript", "who"),
    [(PHONE, True, "Idris Walker"), (DESK, False, "Tess Whitlock")],
    ids=["phone", "desk-no-javascript"],
)
async def test_logged_with_a_photo_and_added_by_somebody_else(
    demo: Demo, open_page: Opener, size: tuple[int, int], javascript: bool, who: str
) -> None:
    member = await open_page(javascript=javascript, size=size)
    await sign_in(member, demo, who)
    before = await minutes_shown(member)
    await member.goto(f"{demo.url}/log")
    await assert_good(member)
    await member.get_by_text("Another length").click()
    await member.get_by_label("How long?", exact=True).fill("an age")
    await member.get_by_text("Another day", exact=True).click()
    await member.get_by_label("Day", exact=True).fill("31")
    await member.get_by_label("Month", exact=True).fill("2")
    await member.get_by_label("Year", exact=True).fill("2026")
    await member.get_by_label("What did you do?").fill("Sang with the choir")
    await member.get_by_label("A photo, if you like").set_input_files(
        {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"these are notes"}
    )
    await member.get_by_role("button", name="Go on").click()
    await member.get_by_role("alert").filter(has_text="Choose the photo again").wait_for()
    await assert_good(member)
    assert await member.get_by_label("What did you do?").input_value() == "Sang with the choir"
    assert await member.get_by_label("How long?", exact=True).input_value() == "an age"

    await member.get_by_label("Something else").check()
    await member.get_by_label("How long?", exact=True).fill("1 hour 5 minutes")
    for part in ("Day", "Month", "Year"):
        await member.get_by_label(part, exact=True).fill("")
    await member.get_by_label("Today").check()
    await member.get_by_label("A photo, if you like").set_input_files(photo())
    await member.get_by_role("button", name="Go on").click()
    await member.get_by_role("heading", level=1, name="Is this right?").wait_for()
    await assert_good(member)
    await member.get_by_role("button", name="Change something").click()
    await member.get_by_text("Your photo is here").wait_for()
    await assert_good(member)
    await member.get_by_role("button", name="Go on").click()
    await member.get_by_role("button", name="Yes, log it").click()
    await member.get_by_role("heading", level=1, name="Thank you. We have it.").wait_for()
    await assert_good(member)

    logged = re.search(r"/log/(\d+)", member.url)
    assert logged
    kept = await member.request.get(f"{demo.url}/log/{logged[1]}/photo")
    with Image.open(io.BytesIO(await kept.body())) as image:
        assert not image.getexif()
        assert image.size == (900, 600)

    decider = await open_page(javascript=javascript, size=size)
    await sign_in(decider, demo, APPROVER if javascript else SECOND_COORDINATOR)
    await decider.goto(f"{demo.url}/decisions?show=self")
    await assert_good(decider)
    await approve(decider, f"{who}, 1 hour 5 minutes")
    await decider.get_by_role("status").filter(has_text="1 hour 5 minutes added.").wait_for()
    assert "show=self" in decider.url
    await member.goto(f"{demo.url}/log/{logged[1]}")
    await assert_good(member)
    await member.goto(demo.url)
    assert await minutes_shown(member) == before + 65


async def test_taps(demo: Demo, open_page: Opener) -> None:
    page = await open_page()
    await sign_in(page, demo, "Yolanda Ruiz")
    await page.goto(f"{demo.url}/log")
    taps = 0
    for tap in (
        page.get_by_text("Something else", exact=True),
        page.get_by_text("2 hours", exact=True),
        page.get_by_label("What did you do?"),
    ):
        await tap.click()
        taps += 1
    await page.keyboard.type("Wrote to the council")
    for name in ("Go on", "Yes, log it"):
        await page.get_by_role("button", name=name).click()
        taps += 1
    await page.get_by_role("heading", level=1, name="Thank you. We have it.").wait_for()
    assert taps <= MAX_TAPS
    await page.get_by_role("button", name="Take it back").click()
    await page.get_by_role("status").filter(has_text="Taken back: 2 hours.").wait_for()
    await assert_good(page)


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_not_yet_with_a_ready_sentence(demo: Demo, open_page: Opener, size: tuple[int, int]) -> None:
    who = "Winston Clarke" if size == PHONE else "Violet Nash"
    member = await open_page(size=size)
    await sign_in(member, demo, who)
    await member.goto(f"{demo.url}/log")
    await member.get_by_text("Something else", exact=True).click()
    await member.get_by_text("3 hours", exact=True).click()
    await member.get_by_label("What did you do?").fill("Things")
    await member.get_by_role("button", name="Go on").click()
    await member.get_by_role("button", name="Yes, log it").click()
    await member.get_by_role("heading", level=1, name="Thank you. We have it.").wait_for()
    logged = member.url.partition("?")[0]

    page = await open_page(javascript=False, size=size)
    await sign_in(page, demo, SECOND_COORDINATOR)
    await page.goto(f"{demo.url}/decisions")
    card = page.locator(".tb-queue__entry").filter(has=page.get_by_role("heading", name=f"{who}: 3 hours"))
    await card.locator("summary").click()
    await card.get_by_role("button", name="Send: not yet").click()
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    card = page.locator(".tb-queue__entry").filter(has=page.get_by_role("heading", name=f"{who}: 3 hours"))
    await card.get_by_role("button", name="Please tell us a little more").click()
    await page.get_by_role("status").filter(has_text="3 hours not added yet").wait_for()

    await member.goto(logged)
    await member.get_by_text("Please tell us a little more about what you did.").wait_for()
    await assert_good(member)
    await member.get_by_role("link", name="Send it again").click()
    assert await member.get_by_label("What did you do?").input_value() == "Things"
    await member.goto(f"{demo.url}/log/mine")
    await assert_fits(member)


async def test_deputies(demo: Demo, open_page: Opener) -> None:
    page = await open_page(javascript=False)
    await sign_in(page, demo, APPROVER)
    await page.goto(f"{demo.url}/decisions")
    await page.get_by_role("link", name="When you are away").click()
    await page.get_by_role("button", name="Name this deputy").click()
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    deputy = await open_page(javascript=False)
    await sign_in(deputy, demo, "Francis Obi")
    await deputy.goto(f"{demo.url}/decisions")
    await deputy.get_by_role("heading", level=1, name="Decisions").wait_for()
    await assert_good(deputy)
