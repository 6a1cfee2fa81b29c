"""A member’s own choices in the browser: where hours go, a pause, leaving, a copy of everything; and safeguarding."""

import zipfile
from pathlib import Path

from playwright.async_api import Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.demo.members_choices import LEAD, LEAVING, YOUNG_WITHOUT
from timebank.demo.people import ADMINISTRATOR, COORDINATOR

MEMBER = "Leroy Baptiste"
RECEIVER = "Gwen Thomas"
CHECKED = "Violet Nash"


async def press(page: Page, name: str) -> None:
    await page.get_by_role("main").get_by_role("button", name=name, exact=True).click()


async def heading(page: Page, name: str) -> None:
    await page.get_by_role("heading", level=1, name=name).wait_for()


async def test_hours_go_where_the_member_says(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript)
    await sign_in(page, demo, MEMBER)
    await page.goto(f"{demo.url}/me")
    await page.get_by_role("link", name="Where my hours go").click()
    await heading(page, "What happens to my hours")
    await assert_good(page)
    await page.get_by_label("They go to one person").check()
    await page.get_by_label("Who gets them?").fill("Nobody by this name")
    await press(page, "Save")
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    assert await page.get_by_label("Who gets them?").input_value() == "Nobody by this name"
    assert await page.get_by_label("They go to one person").is_checked()
    await page.get_by_label("Who gets them?").fill(RECEIVER.lower())
    await press(page, "Save")
    await page.get_by_role("status").filter(has_text="go to the person you chose").wait_for()
    await page.goto(f"{demo.url}/me/hours-choice")
    assert await page.get_by_label("Who gets them?").input_value() == RECEIVER
    await page.get_by_label("I keep them").check()
    await press(page, "Save")
    await page.get_by_role("status").filter(has_text="You keep the hours").wait_for()


async def test_a_pause_and_back(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript)
    await sign_in(page, demo, MEMBER)
    await page.goto(f"{demo.url}/me/pause")
    await assert_good(page)
    for part, typed in (("Day", "31"), ("Month", "2"), ("Year", "2027")):
        await page.get_by_label(part, exact=True).fill(typed)
    await press(page, "Pause now")
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    assert await page.get_by_label("Day", exact=True).input_value() == "31"
    for part in ("Day", "Month", "Year"):
        await page.get_by_label(part, exact=True).fill("")
    await press(page, "Pause now")
    await heading(page, "You are paused")
    await assert_good(page)
    await page.goto(demo.url)
    assert await page.locator(".tb-hero__hours").count() == 1, "the hours can be seen"
    await page.goto(f"{demo.url}/me/pause")
    await press(page, "Come back now")
    await page.get_by_role("status").filter(has_text="Welcome back").wait_for()


async def test_leaving_takes_two_taps_and_staying_one(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript)
    await sign_in(page, demo, MEMBER)
    await page.goto(f"{demo.url}/me")
    await page.get_by_role("link", name="Leave the time bank").click()
    await heading(page, "Leave the time bank")
    await assert_good(page)
    await press(page, "Leave")
    await heading(page, "You are leaving")
    await assert_good(page)
    await page.reload()
    await heading(page, "You are leaving")

    desk = await open_page(javascript=javascript, size=DESK)
    await sign_in(desk, demo, COORDINATOR)
    await desk.goto(f"{demo.url}/members/leaving")
    await assert_good(desk)
    names = await desk.locator(".tb-entries a").all_inner_texts()
    assert MEMBER in names
    assert LEAVING in names
    await desk.get_by_role("link", name=MEMBER).click()
    await heading(desk, f"{MEMBER} is leaving")
    await assert_good(desk)

    await press(page, "I want to stay")
    await page.get_by_role("status").filter(has_text="You stay").wait_for()
    await desk.goto(f"{demo.url}/members/leaving")
    assert MEMBER not in await desk.locator(".tb-entries a").all_inner_texts()


async def test_a_copy_of_everything_and_who_looked(demo: Demo, open_page: Opener, tmp_path: Path) -> None:
    page = await open_page(size=PHONE)
    await sign_in(page, demo, MEMBER)
    await page.goto(f"{demo.url}/me/download")
    await assert_good(page)
    async with page.expect_download() as coming:
        await press(page, "Download my copy")
    kept = tmp_path / "copy.zip"
    await (await coming.value).save_as(kept)
    with zipfile.ZipFile(kept) as archive:
        (tmp_path / "read.html").write_bytes(archive.read("read-me-first.html"))
        assert "everything.json" in archive.namelist()
    assert MEMBER in (tmp_path / "read.html").read_text("utf-8")
    await page.goto(f"{demo.url}/me/looks")
    await assert_good(page)


async def test_a_coordinator_writes_down_age_and_departure(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript, size=DESK)
    await sign_in(page, demo, ADMINISTRATOR)
    member_id = await _id_of(page, demo, MEMBER)
    await page.goto(f"{demo.url}/members/{member_id}/leave")
    await heading(page, f"{MEMBER} leaves")
    await assert_good(page)
    await page.goto(f"{demo.url}/members/{member_id}/age")
    await assert_good(page)
    await press(page, "Save")
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    await page.get_by_label("Old enough").check()
    await press(page, "Save")
    await page.get_by_text("They are old enough.").wait_for()


async def test_the_lead_sees_what_few_see(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript)
    await sign_in(page, demo, LEAD)
    await page.goto(f"{demo.url}/safeguarding")
    await assert_good(page)
    assert await page.get_by_role("link", name=YOUNG_WITHOUT).count() == 1
    await page.get_by_label("Full name or member number").fill("Nobody by this name")
    await press(page, "Open")
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    await page.get_by_label("Full name or member number").fill(CHECKED)
    await press(page, "Open")
    await heading(page, CHECKED)
    await assert_good(page)
    await press(page, "Save")
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    await page.goto(f"{demo.url}/safeguarding/people")
    await assert_good(page)
    await press(page, "Save")
    await page.get_by_role("alert").wait_for()
    await assert_good(page)


async def _id_of(page: Page, demo: Demo, name: str) -> str:
    await page.goto(f"{demo.url}/members?q={name}")
    address = await page.get_by_role("link", name=name, exact=True).first.get_attribute("href")
    assert address is not None
    return address.rsplit("/", 1)[1]
