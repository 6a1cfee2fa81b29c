"""Booking, cancelling, waiting for a place and a booking that ran out of time, as members and staff do it."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.async_api import Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.banks.queries import by_slug
from timebank.db import Database
from timebank.demo.people import COORDINATOR, RIVERSIDE
from timebank.kit.actor import system
from timebank.redemptions import service
from timebank.redemptions.service import AddOffer

HOLDER, WAITER = "Idris Walker", "Hana Nováková"
SIZES = pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])


async def one_place(demo: Demo, title: str) -> int:
    """A training with one place, of a quarter of an hour."""
    offer = AddOffer(
        kind="training",
        title=title,
        price_minutes=15,
        benefit_label="Ask us if you are not sure.",
        places=1,
        starts_at=datetime.now(UTC) + timedelta(days=20),
        place="The hall",
    )
    db = await Database.open(demo.app_url, pool_size=1)
    try:
        async with db.globally() as connection:
            facts = await by_slug(connection, RIVERSIDE)
        assert facts is not None
        added = await service.add_offer(db, system(facts.id), offer, key=uuid4().hex, now=datetime.now(UTC))
    finally:
        await db.close()
    assert isinstance(added, service.AddedOffer)
    return added.offer_id


async def book(page: Page, demo: Demo, offer_id: int) -> None:
    """From the offer to the booking: two taps."""
    await page.goto(f"{demo.url}/offers/{offer_id}")
    await page.get_by_role("link", name="Use 15 minutes").click()
    await page.get_by_role("button", name="Use 15 minutes").click()
    await page.wait_for_load_state()
    assert "/bookings/" in page.url, page.url


@SIZES
async def test_a_place_goes_from_one_member_to_the_next(
    demo: Demo, open_page: Opener, javascript: bool, size: tuple[int, int]
) -> None:
    offer_id = await one_place(demo, f"Chess {uuid4().hex[:6]}")
    holder = await open_page(size=size, javascript=javascript)
    await sign_in(holder, demo, HOLDER)
    await book(holder, demo, offer_id)
    assert await holder.get_by_text("You can cancel until").is_visible()
    await assert_good(holder)

    waiter = await open_page(size=size, javascript=javascript)
    await sign_in(waiter, demo, WAITER)
    await waiter.goto(f"{demo.url}/offers/{offer_id}")
    await waiter.get_by_role("button", name="Put me on the waiting list").click()
    await waiter.wait_for_load_state()
    assert await waiter.get_by_text("You are next.").is_visible()
    await assert_good(waiter)
    turn = waiter.url

    await holder.get_by_role("button", name="Cancel this booking").click()
    await holder.get_by_text("Your booking is cancelled. The hours are free again.").wait_for()
    await assert_good(holder)

    await waiter.goto(f"{demo.url}/bookings")
    assert await waiter.get_by_text("A place is free for you").first.is_visible()
    await waiter.goto(turn)
    assert await waiter.get_by_text("Please answer by").is_visible()
    await assert_good(waiter)
    # Nobody else can have it meanwhile.
    await holder.goto(f"{demo.url}/offers/{offer_id}")
    assert await holder.get_by_text("No places are left just now.").is_visible()

    await waiter.goto(turn)
    await waiter.get_by_role("link", name="Yes, show me").click()
    await waiter.get_by_role("button", name="Use 15 minutes").click()
    await waiter.wait_for_load_state()
    assert await waiter.get_by_role("heading", name="Your hours are set aside").is_visible()
    await waiter.goto(turn)
    assert await waiter.get_by_text("You took the place.").is_visible()
    await waiter.get_by_role("link", name="See your booking").click()
    await waiter.get_by_role("button", name="Cancel this booking").click()
    await waiter.get_by_text("Your booking is cancelled.").wait_for()


async def test_saying_no_and_going_on_the_list_again_in_easy_read(demo: Demo, open_page: Opener) -> None:
    page = await open_page(size=PHONE)
    await sign_in(page, demo, "Tess Whitlock")
    await page.goto(f"{demo.url}/bookings")
    await page.get_by_role("button", name="Easy Read").or_(page.get_by_role("link", name="Easy Read")).first.click()
    await page.wait_for_load_state()
    for path in ("/bookings",):
        await page.goto(f"{demo.url}{path}")
        await assert_good(page)
    turns = page.locator('a[href^="/waiting/"]')
    assert await turns.count() == 1
    await turns.first.click()
    await assert_good(page)
    assert await page.locator(".tb-idea").count() >= 3
    await page.get_by_role("button", name="Leave the waiting list").click()
    await page.get_by_text("You are off the waiting list.").first.wait_for()
    await assert_good(page)
    await page.get_by_role("button", name="Put me on the list again").click()
    await page.get_by_role("button", name="Leave the waiting list").wait_for()
    await page.goto(f"{demo.url}/bookings")
    await page.locator('a[href^="/bookings/"]').first.click()
    await assert_good(page)


async def test_a_booking_that_ran_out_of_time_says_what_to_do(demo: Demo, open_page: Opener) -> None:
    page = await open_page(size=PHONE)
    await sign_in(page, demo, "Arthur Penrose")
    await page.goto(f"{demo.url}/bookings")
    await page.get_by_role("link", name="Help with forms and letters").first.click()
    assert await page.get_by_text("Ran out of time").first.is_visible()
    assert await page.get_by_text("Your hours are free again: 1 hour.").is_visible()
    assert await page.get_by_role("link", name="Use my hours").last.is_visible()
    await assert_good(page)


@SIZES
async def test_staff_look_after_a_day_and_its_list(demo: Demo, open_page: Opener, size: tuple[int, int]) -> None:
    title = f"Drawing {uuid4().hex[:6]}"
    offer_id = await one_place(demo, title)
    page = await open_page(size=size)
    await sign_in(page, demo, COORDINATOR)
    await page.goto(f"{demo.url}/bookings/to-do?show=new&kind=training")
    await assert_good(page)
    await page.get_by_role("link", name=title).click()
    await assert_good(page)
    await page.get_by_text("Add somebody").click()
    await page.get_by_label("Member", exact=True).fill("Nobody at all")
    await page.get_by_role("button", name="Put on the list").click()
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    await page.goto(f"{demo.url}/bookings/dates/{offer_id}")
    await page.get_by_text("Call it off").first.click()
    await page.get_by_role("button", name="Call it off").click()
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    await page.get_by_label("Why? Members can read this.").fill("The hall is closed.")
    await page.get_by_role("button", name="Call it off").click()
    await page.get_by_text("Called off.").first.wait_for()
    await assert_good(page)
