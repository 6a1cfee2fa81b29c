"""Using hours in a browser: three taps, filters without scripts, saved things, every dead end with a way out."""

import re

import pytest
from playwright.async_api import Page, Response

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.demo.people import COORDINATOR, PARTICIPANT

LUNCH, CAKE = "Lunch at the Quay Café", "Cake and tea for two"
PAGE_BYTES = 25 * 1024


async def main_text(page: Page) -> str:
    return await page.inner_text("main")


async def test_spending_is_three_taps(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript)
    await sign_in(page, demo, PARTICIPANT)
    await page.goto(f"{demo.url}/offers")
    await page.get_by_role("link", name=LUNCH).click()
    assert "Could this affect my benefits?" in await main_text(page)
    await page.get_by_role("main").get_by_role("link", name=re.compile("^Use 1 hour")).click()
    assert "Could this affect my benefits?" in await main_text(page)
    assert "£" not in await main_text(page)
    await page.get_by_role("button", name="Use 1 hour").click()
    await page.wait_for_url(re.compile("/bookings/"))
    assert "What happens next" in await main_text(page)
    booking = page.url
    await page.go_back()
    await page.wait_for_load_state()
    assert "You have booked this already" in await main_text(page)
    await page.goto(booking)
    await page.get_by_role("button", name=re.compile("Cancel")).first.click()
    await page.wait_for_load_state()


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_finding_saving_and_dead_ends(
    demo: Demo, open_page: Opener, javascript: bool, size: tuple[int, int]
) -> None:
    page = await open_page(javascript=javascript, size=size)
    await sign_in(page, demo, PARTICIPANT)
    await page.goto(f"{demo.url}/offers")
    await page.get_by_text("Choose kind, place, day or access").click()
    await page.get_by_label("BSL interpreter").check()
    await page.get_by_label("What kind?").select_option("Training")
    await page.get_by_role("button", name="Show", exact=True).click()
    await page.wait_for_url(re.compile("access=bsl"))
    assert "Chairing a meeting" in await main_text(page)
    assert LUNCH not in await main_text(page)
    await assert_good(page)
    await page.goto(f"{demo.url}/offers?q=unicorn")
    await assert_good(page)
    await page.get_by_role("link", name="Show everything", exact=True).click()
    await page.get_by_role("link", name=CAKE).click()
    assert "No more this month. From 1 " in await main_text(page)
    await assert_good(page)
    await page.get_by_role("button", name="Save for later").click()
    await page.get_by_role("link", name="Saved for later").first.click()
    await assert_good(page)
    await page.get_by_role("button", name=f"Take off: {CAKE}").click()
    await page.wait_for_load_state()
    assert CAKE not in await main_text(page)


async def test_a_price_that_changed_is_shown_before_it_is_paid(demo: Demo, open_page: Opener) -> None:
    page = await open_page()
    await sign_in(page, demo, PARTICIPANT)
    await page.goto(f"{demo.url}/offers/1/check")
    await page.locator("input[name=price]").evaluate("field => { field.value = '30' }")
    await page.get_by_role("button", name="Use 1 hour").click()
    await page.get_by_role("alert").wait_for()
    assert "The price has changed. It is now 1 hour." in await main_text(page)
    await assert_good(page)


async def test_easy_read_pages_are_good(demo: Demo, open_page: Opener) -> None:
    page = await open_page()
    await sign_in(page, demo, PARTICIPANT)
    await page.goto(f"{demo.url}/offers")
    await page.get_by_role("button", name="Easy Read", exact=True).click()
    await page.wait_for_load_state()
    try:
        for path in ("/offers", "/offers/1", "/offers/1/check", "/offers/saved"):
            await page.goto(f"{demo.url}{path}")
            assert await page.locator(".tb-idea svg, .tb-picture, .tb-offer__photo").count() > 0, path
            await assert_good(page)
    finally:
        await page.goto(f"{demo.url}/offers")
        await page.get_by_role("button", name="Easy Read off").click()
        await page.wait_for_load_state()


async def test_the_catalogue_is_light(demo: Demo, open_page: Opener) -> None:
    page = await open_page()
    await sign_in(page, demo, PARTICIPANT)
    responses: list[Response] = []
    page.on("response", lambda response: responses.append(response))  # noqa: PLW0108 - it marks what it is given
    await page.goto(f"{demo.url}/offers", wait_until="networkidle")
    sizes = {each.url: (await each.request.sizes())["responseBodySize"] for each in responses if "/offers" in each.url}
    pictures = {url: size for url, size in sizes.items() if "/photo/" in url}
    assert pictures
    assert sum(pictures.values()) < PAGE_BYTES / 4, pictures
    assert sum(sizes.values()) < PAGE_BYTES / 2, sizes


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_staff_pages_are_good(demo: Demo, open_page: Opener, size: tuple[int, int]) -> None:
    page = await open_page(size=size)
    await sign_in(page, demo, COORDINATOR)
    for path in ("/offers/manage", "/offers/manage?q=unicorn", "/offers/manage/1", "/offers/manage/new?kind=voucher"):
        await page.goto(f"{demo.url}{path}")
        await assert_good(page)
    await page.get_by_label("What is it called?").fill("A haircut")
    await page.get_by_role("button", name="Put it on offer").click()
    await page.get_by_role("alert").wait_for()
    assert await page.get_by_label("What is it called?").input_value() == "A haircut"
    await assert_good(page)
