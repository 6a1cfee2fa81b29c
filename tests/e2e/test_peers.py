"""Help between members in the browser: asking in three taps, “It happened” in one, keeping apart, telling the lead."""

import asyncio
from uuid import uuid4

import pytest
from playwright.async_api import Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.demo.people import COORDINATOR, PARTICIPANT

SIZES = pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])


class Taps:
    """Counts what somebody presses."""

    def __init__(self, page: Page) -> None:
        self.page, self.count = page, 0

    async def link(self, name: str) -> None:
        """Press a link."""
        await self.page.get_by_role("main").get_by_role("link", name=name).first.click()
        await self.page.wait_for_load_state()
        self.count += 1

    async def button(self, name: str) -> None:
        """Press a button."""
        await self.page.get_by_role("main").get_by_role("button", name=name).first.click()
        await self.page.wait_for_load_state()
        self.count += 1


async def offer_of(page: Page, demo: Demo, title: str) -> None:
    """Offer something new, to be asked for by somebody else."""
    await page.goto(f"{demo.url}/share/offers/new")
    await page.get_by_label("In your own words").fill(title)
    await page.get_by_label("Company and a chat").check()
    await page.get_by_role("main").get_by_role("button", name="Save").click()
    await page.wait_for_load_state()
    assert title in await page.get_by_role("main").inner_text()


@SIZES
async def test_asking_takes_three_taps_and_keeps_what_was_typed(
    demo: Demo, open_page: Opener, javascript: bool, size: tuple[int, int]
) -> None:
    helper, asker = await asyncio.gather(
        open_page(javascript=javascript, size=size), open_page(javascript=javascript, size=size)
    )
    title = f"A cup of tea {uuid4().hex[:6]}"
    await sign_in(helper, demo, "Arthur Penrose")
    await offer_of(helper, demo, title)
    await sign_in(asker, demo, "Leroy Baptiste")
    await asker.goto(f"{demo.url}/share")
    taps = Taps(asker)
    await taps.link(title)
    await assert_good(asker)
    await asker.get_by_label("Which day?").select_option(index=4)
    taps.count += 1
    await taps.button("Send")
    assert await asker.get_by_role("alert").get_by_text("Choose the time too.").count() == 1
    await assert_good(asker)
    await asker.get_by_label("What time?").select_option("14:00")
    await asker.get_by_label("How long?").select_option("30")
    await asker.get_by_role("main").get_by_role("button", name="Send").click()
    await asker.wait_for_load_state()
    assert taps.count == 3
    where = asker.url
    assert "/share/asks/" in where
    await assert_good(asker)
    await helper.goto(where)
    await assert_good(helper)
    yes = Taps(helper)
    await yes.button("Yes, let us do it")
    assert yes.count == 1
    await assert_good(helper)
    await asker.reload()
    await assert_good(asker)
    await asker.get_by_role("main").get_by_role("button", name="Call it off").click()
    await asker.wait_for_load_state()
    assert "No hours were used." in await asker.get_by_role("main").inner_text()


async def test_it_happened_takes_one_tap_each(demo: Demo, open_page: Opener, javascript: bool) -> None:
    """The demo's two have met yesterday; the second run finds it done and says so."""
    first, second = await open_page(javascript=javascript), await open_page(javascript=javascript)
    await sign_in(first, demo, PARTICIPANT)
    await first.goto(f"{demo.url}/share/asks")
    await first.get_by_role("link", name="Reading aloud").click()
    await first.wait_for_load_state()
    await assert_good(first)
    if await first.get_by_role("button", name="It happened: 1 hour").count():
        taps = Taps(first)
        await taps.button("It happened: 1 hour")
        assert taps.count == 1
        await sign_in(second, demo, "Hana Nováková")
        await second.goto(first.url)
        await assert_good(second)
        other = Taps(second)
        await other.button("It happened: 1 hour")
        assert other.count == 1
        assert "You used 1 hour." in await second.get_by_role("main").inner_text()
        await first.reload()
    assert "You got 1 hour." in await first.get_by_role("main").inner_text()
    await assert_good(first)


async def test_thanks_can_be_written_and_taken_off(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript)
    await sign_in(page, demo, PARTICIPANT)
    await page.goto(f"{demo.url}/share/asks")
    await page.get_by_role("link", name="A slow walk by the river").last.click()
    await page.wait_for_load_state()
    assert "It was good to be outside again." in await page.get_by_role("main").inner_text()
    await page.get_by_label("A few kind words to Qadira Rahman").fill("You told such good stories.")
    await page.get_by_role("main").get_by_role("button", name="Send").click()
    await page.wait_for_load_state()
    assert "You told such good stories." in await page.get_by_role("main").inner_text()
    await page.get_by_role("button", name="Take my words off").click()
    await page.wait_for_load_state()
    assert "You told such good stories." not in await page.get_by_role("main").inner_text()


async def test_keeping_apart_and_telling_the_lead(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript)
    await sign_in(page, demo, "Francis Obi")
    await page.goto(f"{demo.url}/share")
    await page.get_by_role("link", name="Cooking something from Korea").click()
    await page.wait_for_load_state()
    await page.get_by_role("link", name="or something is wrong").click()
    await page.wait_for_load_state()
    about = page.url
    await assert_good(page)
    await page.get_by_role("button", name="Tell the safety lead").click()
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    await page.get_by_label("What happened?").fill("They were not kind.")
    await page.get_by_role("button", name="Tell the safety lead").click()
    await page.wait_for_load_state()
    assert "Somebody reads it within one working day." in await page.get_by_role("main").inner_text()
    await page.goto(about)
    await page.get_by_role("button", name="Keep us apart").click()
    await page.wait_for_load_state()
    assert "Cooking something from Korea" not in await page.get_by_role("main").inner_text()
    await page.goto(f"{demo.url}/share/mine")
    await assert_good(page)
    await page.get_by_role("button", name="Meet Eun-ji Park again").click()
    await page.wait_for_load_state()
    lead = await open_page(javascript=javascript)
    await sign_in(lead, demo, "Ruth Goldberg")
    await lead.goto(f"{demo.url}/share/reports")
    assert "They were not kind." in await lead.get_by_role("main").inner_text()
    await assert_good(lead)


async def test_different_minutes_are_shown_to_both_and_to_a_coordinator(demo: Demo, open_page: Opener) -> None:
    both = await open_page()
    await sign_in(both, demo, "Chidi Okafor")
    await both.goto(f"{demo.url}/share/asks")
    await both.get_by_role("link", name="Making friends with your phone").click()
    await both.wait_for_load_state()
    text = await both.get_by_role("main").inner_text()
    assert "You said: 1 hour 30 minutes." in text
    assert "Peter Quill-Hughes said: 30 minutes." in text
    await assert_good(both)
    staff = await open_page(size=DESK)
    await sign_in(staff, demo, COORDINATOR)
    await staff.goto(f"{demo.url}/share/all")
    await assert_good(staff)
    await staff.get_by_role("link", name="Making friends with your phone").click()
    await staff.wait_for_load_state()
    await assert_good(staff)
    await staff.get_by_role("button", name="Settle it").click()
    await staff.get_by_role("alert").wait_for()
    await assert_good(staff)
