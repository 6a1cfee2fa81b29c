"""Registers as coordinators and session leaders save them: taps counted, drafts, guests, corrections, two at once."""

import re

import pytest
from playwright.async_api import Locator, Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.demo.people import COORDINATOR, SECOND_COORDINATOR

LUNCH = "Tuesday lunch club"
LED, LEADER = "Garden group", "Grace Adeyemi"
READING = "Reading panel"
# No other test saves registers of these two, so that their last time is known.
ADVISERS, CHECKERS = "Hospital café advisers", "Easy Read checkers"
BOTH_SIZES = pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])


class Taps:
    """Counts what a person presses; typing is no tap."""

    def __init__(self) -> None:
        self.count = 0

    async def on(self, what: Locator) -> None:
        self.count += 1
        await what.click()


async def ticked(page: Page) -> list[str]:
    """The names with a tick, in the order of the page."""
    return await page.locator("li:has(input[name=came]:checked) label[for^=came] bdi").all_inner_texts()


async def save(page: Page) -> None:
    await page.get_by_role("button", name="Save the register").click()
    await page.wait_for_load_state()


async def undo(page: Page) -> None:
    await page.get_by_role("button", name="Undo").click()
    await page.get_by_role("heading", level=1, name="This register is undone").wait_for()


@BOTH_SIZES
async def test_logging_a_group_takes_two_taps_and_one_for_each_exception(
    demo: Demo, open_page: Opener, javascript: bool, size: tuple[int, int]
) -> None:
    page = await open_page(javascript=javascript, size=size)
    await sign_in(page, demo, COORDINATOR)
    await page.goto(f"{demo.url}/groups")
    taps = Taps()
    await taps.on(page.get_by_role("link", name=f"Log again: {LUNCH}"))
    await page.get_by_role("heading", level=1, name=LUNCH).wait_for()
    people = await ticked(page)
    assert len(people) >= 10
    for absent in people[:3]:
        await taps.on(page.locator("label[for^=came]", has=page.get_by_text(absent, exact=True)))
    await taps.on(page.get_by_role("button", name="Save the register"))
    await page.get_by_role("heading", level=1, name=f"Saved for {len(people) - 3} people").wait_for()
    assert taps.count == 2 + 3
    for absent in people[:3]:
        assert await page.get_by_text(absent, exact=True).count() == 0
    await undo(page)


async def test_the_first_page_is_two_taps_from_a_saved_register(demo: Demo, open_page: Opener) -> None:
    page = await open_page(javascript=False)
    await sign_in(page, demo, COORDINATOR)
    await page.goto(demo.url)
    taps = Taps()
    card = page.get_by_role("link", name="Log again: ").first  # which group is due depends on the day of the week
    group = (await card.inner_text()).removeprefix("Log again: ")
    await taps.on(card)
    await page.get_by_role("heading", level=1, name=group).wait_for()
    people = await ticked(page)
    await taps.on(page.get_by_role("button", name="Save the register"))
    await page.get_by_role("heading", level=1, name=re.compile(f"^Saved for {len(people)} p")).wait_for()
    assert taps.count == 2
    await undo(page)


async def test_a_draft_is_kept_and_gone_on_with(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript)
    await sign_in(page, demo, COORDINATOR)
    await page.goto(f"{demo.url}/groups")
    await assert_good(page)
    await page.get_by_role("link", name=f"Log again: {READING}").click()
    await page.get_by_label("Name", exact=True).first.fill("Somebody half remem")
    if javascript:
        await page.get_by_text(re.compile(r"Draft kept at \d\d:\d\d")).wait_for()
        await page.goto(f"{demo.url}/groups")
    else:
        await page.get_by_role("button", name="Save draft").click()
        await page.get_by_role("status").filter(has_text="The draft is saved").wait_for()
    draft = page.get_by_role("link", name=re.compile(f"^{READING} ?, go on with the draft"))
    await draft.click()
    assert await page.get_by_label("Name", exact=True).first.input_value() == "Somebody half remem"
    await page.go_back()
    await page.get_by_role("button", name=f"Delete the draft of {READING}").click()
    await page.get_by_role("status").filter(has_text="The draft is deleted").wait_for()
    assert await draft.count() == 0


@BOTH_SIZES
async def test_a_guest_a_mistake_and_the_way_back(demo: Demo, open_page: Opener, size: tuple[int, int]) -> None:
    page = await open_page(javascript=False, size=size)
    await sign_in(page, demo, COORDINATOR)
    await page.goto(f"{demo.url}/groups")
    await page.get_by_role("link", name=f"Log again: {ADVISERS}").click()
    people = await ticked(page)
    guest = f"Guest of {size[0]}"
    await page.get_by_label("Name", exact=True).nth(0).fill(guest)
    await page.get_by_label("Name", exact=True).nth(1).fill("Bushr")
    # Open already where a session is planned.
    if not await page.get_by_label(
        "Preparation, for everybody"
    ).is_visible():  # open already where a session is planned
        await page.get_by_text("Start, preparation and travel").click()
    await page.get_by_label("Preparation, for everybody").fill("an age")
    await save(page)
    alert = page.get_by_role("alert")
    await alert.get_by_text(f"We do not know “{guest}”").wait_for()
    await assert_good(page)
    assert len(await ticked(page)) == len(people)
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Download what is typed").click()
    content = (await (await download.value).path()).read_text("utf-8")
    assert guest in content
    assert "an age" in content
    await page.get_by_label("Preparation, for everybody").fill("15 min")
    await page.locator("#row-x0 label", has_text="A guest").click()
    assert await page.locator("#pick-x1 option:checked").inner_text() == "Bushra Khan"
    await save(page)
    await page.get_by_role("heading", level=1, name=f"Saved for {len(people) + 2} people").wait_for()
    await assert_good(page)
    await page.locator("li", has_text=guest).get_by_role("link", name="This guest is now a member").click()
    await page.get_by_text(f"This guest is now a member: {guest}").click()
    row = page.locator("li", has_text=guest)
    await row.get_by_role("button", name="Give them their time").click()
    await alert.get_by_text("Add them as a member first").wait_for()
    await assert_good(page)
    await page.go_back()
    await page.go_back()
    await undo(page)


async def test_two_who_save_the_same_session(demo: Demo, open_page: Opener, javascript: bool) -> None:
    first, second = await open_page(javascript=javascript), await open_page(javascript=javascript, size=DESK)
    for page, name in ((first, COORDINATOR), (second, SECOND_COORDINATOR)):
        await sign_in(page, demo, name)
        await page.goto(f"{demo.url}/groups")
        await page.get_by_role("link", name=f"Log again: {CHECKERS}").click()
    people = await ticked(first)
    await first.get_by_label(people[0], exact=True).uncheck()
    await first.get_by_label("How long?", exact=True).fill("2:00")
    await save(first)
    await second.get_by_label("Name", exact=True).first.fill("Tess Whitlock")
    await save(second)
    await second.get_by_role("alert").get_by_text(f"{COORDINATOR} saved this group for this day already").wait_for()
    await assert_good(second)
    table = second.get_by_role("table", name="What differs")
    rows = [await row.get_by_role("cell").all_inner_texts() for row in await table.get_by_role("row").all()]
    assert [cells for cells in rows if cells and cells[0] == "2 hours" != cells[1]], "somebody came for another time"
    assert len([cells for cells in rows if cells and cells[0] == "not there"]) == 2
    await second.get_by_role("button", name="Add only who is missing (2)").click()
    await second.get_by_role("heading", level=1, name="Saved for 2 people").wait_for()
    await undo(second)
    await undo(first)


async def test_correcting_after_a_look_at_who_is_affected(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript, size=DESK if javascript else PHONE)
    await sign_in(page, demo, COORDINATOR)
    await page.goto(f"{demo.url}/groups")
    await page.get_by_role("link", name=f"Log again: {LUNCH}").click()
    people = await ticked(page)
    await save(page)
    await page.get_by_role("link", name="Correct this register").click()
    await page.get_by_label(people[0], exact=True).fill("")
    await page.get_by_label(people[1], exact=True).fill("soon")
    see = page.get_by_role("button", name="See what will change")
    await see.click()
    await page.get_by_role("alert").get_by_text("soon").wait_for()
    await assert_good(page)
    await page.get_by_label(people[1], exact=True).fill("0:30")
    await page.get_by_label("Why is it corrected?").fill("I mixed up two weeks.")
    await see.click()
    affected = page.get_by_role("region", name="Who is affected")
    await affected.wait_for()
    await assert_good(page)
    words = await affected.inner_text()
    assert f"{people[0]}: " in words
    assert "taken out." in words
    assert "becomes 30 minutes." in words
    await affected.get_by_role("button", name="Correct the register").click()
    await page.get_by_role("status").filter(has_text="The register is corrected").wait_for()
    await assert_good(page)
    # Nothing of it stays for the other tests: everybody is taken out again.
    await page.get_by_role("link", name="Correct this register").click()
    for field in await page.locator("input[name^=minutes-]").all():
        await field.fill("")
    await page.get_by_label("Why is it corrected?").fill("Only a trial.")
    await see.click()
    await affected.get_by_role("button", name="Correct the register").click()
    await page.get_by_role("status").filter(has_text="The register is corrected").wait_for()


async def test_a_session_leader_logs_their_own_group(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript)
    await sign_in(page, demo, LEADER)
    await page.goto(f"{demo.url}/groups")
    assert await page.get_by_role("link", name=re.compile(f"^Log.*{READING}")).count() == 0
    await assert_good(page)
    await page.get_by_role("link", name=f"Log again: {LED}").click()
    names = await ticked(page)
    assert all(len(name.split()) == 1 or len(name.split()[1]) == 1 for name in names), names
    await assert_good(page)
    await save(page)
    await page.get_by_role("heading", level=1, name=re.compile("^Saved")).wait_for()
    await assert_good(page)
    await undo(page)


@BOTH_SIZES
async def test_the_other_pages(demo: Demo, open_page: Opener, size: tuple[int, int]) -> None:
    page = await open_page(size=size)
    await sign_in(page, demo, COORDINATOR)
    for path in (
        "/groups/1/register?by=sheet",
        "/registers",
        "/registers?from=someday&who=Nobody",
        "/registers/brought-forward",
        "/registers/upload",
        "/guests",
    ):
        await page.goto(f"{demo.url}{path}")
        await assert_good(page)
    await page.goto(f"{demo.url}/groups")
    await page.get_by_role("link", name="Log again: Help between neighbours").click()
    await page.get_by_role("group", name="Who was helped?").get_by_label("Name").first.fill("Nobody Known")
    await save(page)
    await page.get_by_role("alert").get_by_text("We do not know “Nobody Known”").wait_for()
    await assert_good(page)
    await page.goto(f"{demo.url}/registers/brought-forward")
    await page.get_by_label("Hours", exact=True).fill("1,5")
    await page.get_by_role("button", name="Enter these hours").click()
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    await page.goto(f"{demo.url}/registers/upload")
    await page.get_by_label("Which group came together?").select_option(label=LUNCH)
    await page.get_by_label("The list").fill("Tess Whitlock, 1:30\nNobody Known, 1:00\nXin Li, an age")
    await page.get_by_role("button", name="Check this list").click()
    await page.get_by_text("1 line is ready").wait_for()
    await page.get_by_role("heading", name="Line 2: Nobody Known").wait_for()
    await assert_good(page)
