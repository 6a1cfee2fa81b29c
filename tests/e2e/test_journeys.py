"""What goes differently from the plan: a group with somebody missing, too few hours, the same file once more."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from playwright.async_api import Page

from tests.e2e.conftest import Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_fits, assert_good, minutes_shown
from tests.e2e.signing import sign_in
from timebank.demo.people import COORDINATOR, PARTICIPANT

GROUP = "Garden group"
EXTRA = PARTICIPANT  # who is in other groups, never in this one
SPENDER = "Bernard O'Leary"
COURSE, COURSE_MINUTES = "Chairing a meeting", 240
FILE_PERSON, FILE_GROUP = "Jamal Edwards", "Reading panel"
WIDEST_KEYBOARD_WALK = 200

Presser = Callable[[str], Awaitable[None]]


async def test_log_again_with_one_absent_and_one_more(demo: Demo, open_page: Opener, javascript: bool) -> None:
    extra = await open_page(javascript=javascript)
    await sign_in(extra, demo, EXTRA)
    before = await minutes_shown(extra)

    page = await open_page(javascript=javascript)
    await sign_in(page, demo, COORDINATOR)
    await page.goto(f"{demo.url}/groups")
    await page.get_by_role("link", name=f"Log again: {GROUP}").click()
    names = await page.locator(".tb-register__rows label[for^=came]").all_inner_texts()
    absent, different = names[:2]
    assert EXTRA not in names, "the person who comes for the first time was there last time"

    await page.get_by_label(absent, exact=True).uncheck()
    more = page.locator(".tb-register__row").filter(has=page.get_by_label(different, exact=True)).locator("details")
    await more.locator("summary").click()
    await more.get_by_label("How long, if different").fill("45 min")
    await page.get_by_label("Name").first.fill(EXTRA)
    await page.get_by_label("How long?", exact=True).fill("an age")
    await page.get_by_role("button", name="Save the register").click()
    await page.get_by_role("alert").filter(has_text="an age").wait_for()
    await assert_good(page)
    assert not await page.get_by_label(absent, exact=True).is_checked()
    assert await page.get_by_label("Name").first.input_value() == EXTRA

    await page.get_by_label("How long?", exact=True).fill("1:30")
    await page.get_by_role("button", name="Save the register").click()
    await page.get_by_role("heading", level=1, name=f"Saved for {len(names)} people").wait_for()
    await assert_good(page)
    credited = {
        (await line.locator("bdi").first.inner_text()): await line.locator(".tb-entry__hours").inner_text()
        for line in await page.locator(".tb-entries > li").all()
    }
    assert absent not in credited
    assert credited[different] == "45 minutes"
    assert credited[EXTRA] == "1 hour 30 minutes"
    await extra.goto(demo.url)
    assert await minutes_shown(extra) == before + 90

    await page.get_by_role("button", name="Undo").click()
    await page.get_by_role("heading", level=1, name="This register is undone").wait_for()
    await assert_good(page)
    assert await page.get_by_role("button", name="Undo").count() == 0
    await extra.goto(demo.url)
    assert await minutes_shown(extra) == before


async def test_hours_that_are_spent_already(demo: Demo, open_page: Opener) -> None:
    page = await open_page(javascript=False)
    await sign_in(page, demo, SPENDER)
    before = await minutes_shown(page)
    assert COURSE_MINUTES <= before < 2 * COURSE_MINUTES, f"{SPENDER} can book the course once, not twice"
    await page.goto(f"{demo.url}/offers?q=Chairing")
    await page.get_by_role("link", name=COURSE).click()
    await page.get_by_role("link", name="Use 4 hours").click()
    other_tab = await page.context.new_page()
    await other_tab.goto(page.url)
    await page.get_by_role("button", name="Use 4 hours").click()
    await page.wait_for_url("**/bookings/*")

    # The other tab still shows the button; pressing it takes nothing, and says what is booked already.
    await other_tab.get_by_role("button", name="Use 4 hours").click()
    await other_tab.get_by_role("alert").filter(has_text="You booked this a moment ago").wait_for()
    await assert_good(other_tab)
    assert await other_tab.get_by_role("button", name="Use 4 hours").count() == 0
    await other_tab.get_by_role("link", name=page.url.rsplit("/", 1)[1]).click()

    await other_tab.get_by_role("button", name="Cancel this booking").click()
    await other_tab.get_by_role("status").filter(has_text="The hours are free again").wait_for()
    await assert_good(other_tab)
    await other_tab.goto(f"{demo.url}/offers")
    assert str(before // 60) in await other_tab.locator(".tb-lead").inner_text()


async def test_nobody_without_hours_is_offered_the_button(demo: Demo, open_page: Opener) -> None:
    page = await open_page()
    await sign_in(page, demo, COORDINATOR)  # who gave no time of her own
    await page.goto(f"{demo.url}/offers/1")
    await page.get_by_text("You need 1 hour more for this.").wait_for()
    using = page.get_by_role("main").get_by_role("button", name="Use")
    assert await using.count() == 0
    await assert_good(page)
    await page.goto(f"{demo.url}/offers/1/check")
    assert await using.count() == 0
    await assert_good(page)


async def test_the_same_file_twice(demo: Demo, open_page: Opener) -> None:
    page = await open_page(javascript=False)
    await sign_in(page, demo, COORDINATOR)
    day = (datetime.now(UTC) - timedelta(days=2)).date()
    content = f"Name,Date,Time,Activity\n{FILE_PERSON},{day:%d/%m/%Y},0:50,{FILE_GROUP}\n"
    await upload(page, demo, content)
    await page.get_by_role("button", name="Save 1 line").click()
    await page.get_by_role("heading", level=1, name="Saved for 1 person").wait_for()
    saved = page.url

    member = await open_page()
    await sign_in(member, demo, FILE_PERSON)
    after = await minutes_shown(member)

    await upload(page, demo, content)
    await page.get_by_role("status").filter(has_text="This file was added before. Nothing was changed.").wait_for()
    assert page.url == saved
    await assert_good(page)

    # The spreadsheet saved it anew, a little differently: now every line is looked at, and known.
    await upload(page, demo, content.replace(",", ";").replace("0:50", "50 min"))
    await page.get_by_text("Already recorded").wait_for()
    await page.get_by_text("0 lines are ready").wait_for()
    await assert_good(page)
    await page.get_by_role("button", name="Save the register").click()
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    await member.goto(demo.url)
    assert await minutes_shown(member) == after


async def test_the_whole_spending_by_keyboard(demo: Demo, open_page: Opener) -> None:
    page = await open_page()
    await sign_in(page, demo, SPENDER)
    press = walker(page)
    await press("Use my hours")
    await page.wait_for_url("**/offers")
    await press("Lunch at the Quay Café")
    await press("Use 1 hour")
    await page.wait_for_url("**/check")
    await press("Use 1 hour")
    await page.wait_for_url("**/bookings/*")
    await press("Cancel this booking")
    await page.get_by_role("status").filter(has_text="The hours are free again").wait_for()


async def test_the_work_menu_of_a_phone(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript)
    await sign_in(page, demo, COORDINATOR)
    navigation = page.get_by_role("navigation", name="Main")
    assert await navigation.get_by_role("link", name="Members").count() == 0
    await navigation.locator("summary").focus()
    await page.keyboard.press("Enter")
    await navigation.get_by_role("link", name="Bookings to do").click()
    await page.get_by_role("heading", level=1, name="Bookings to do").wait_for()
    assert await navigation.locator("summary").inner_text() == "Work: Bookings to do"
    await navigation.locator("summary").click()
    assert await navigation.locator("[aria-current]:visible").all_inner_texts() == ["Bookings to do"]
    await assert_good(page)
    await page.set_viewport_size({"width": 1280, "height": 900})
    assert await navigation.locator("summary").is_hidden()
    assert await navigation.get_by_role("link", name="Members").count() == 1
    await assert_fits(page)


async def upload(page: Page, demo: Demo, content: str) -> None:
    await page.goto(f"{demo.url}/registers/upload")
    await page.get_by_label("Register saved as CSV").set_input_files(
        {"name": "register.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    await page.get_by_role("button", name="See what will happen").click()


def walker(page: Page) -> Presser:
    """``await press("Use 1 hour")``: Tab to the link or button of that name in the main part, then Enter."""

    async def press(name: str) -> None:
        for _ in range(WIDEST_KEYBOARD_WALK):
            await page.keyboard.press("Tab")
            here = page.locator("main :focus")
            if await here.count() and name in await here.inner_text():
                await page.keyboard.press("Enter")
                return
        raise AssertionError(f"the keyboard never reaches “{name}” on {page.url}")

    return press
