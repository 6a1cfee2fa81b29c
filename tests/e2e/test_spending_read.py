"""Home, using an hour and the statement, as they are read in Easy Read and in Arabic, from right to left."""

import re

import pytest
from playwright.async_api import Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in

ARABIC = re.compile("[\u0600-\u06ff]")
MEMBERS = {
    ("easy", PHONE): "Qadira Rahman",
    ("easy", DESK): "Peter Quill-Hughes",
    ("ar", PHONE): "Xin Li",
    ("ar", DESK): "Yolanda Ruiz",
}
SIZES = pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])


async def read(page: Page, demo: Demo, *, language: str = "en", easy: bool = False) -> None:
    """Choose how to read, on the page for it."""
    await page.goto(f"{demo.url}/reading")
    await page.locator(f"main input[name=language][value={language}]").check()
    await page.locator("main input[name=easy]").set_checked(easy)
    async with page.expect_navigation():
        await page.locator("main form:has(input[name=easy]) button").last.click()


async def assert_read_so(page: Page, reading: str) -> None:
    """The page is good, and is really read that way."""
    await assert_good(page)
    words = await page.locator("main").inner_text()  # the heading may be a name that somebody gave
    direction = await page.evaluate("getComputedStyle(document.body).direction")
    if reading == "ar":
        assert direction == "rtl"
        assert ARABIC.search(words), f"{page.url}: {words[:200]}"
    else:
        assert await page.locator(".tb-picture").count() > 0, page.url


@SIZES
@pytest.mark.parametrize("reading", ["easy", "ar"])
async def test_home_using_an_hour_and_the_statement(
    demo: Demo, open_page: Opener, reading: str, size: tuple[int, int], javascript: bool
) -> None:
    page = await open_page(size=size, javascript=javascript)
    await sign_in(page, demo, MEMBERS[reading, size])
    await read(page, demo, language="ar" if reading == "ar" else "en", easy=reading == "easy")
    await page.goto(demo.url)
    await assert_read_so(page, reading)
    await page.locator("main a[href='/offers']").first.click()
    await assert_read_so(page, reading)
    await page.locator("main a[href='/offers/1']").first.click()
    await assert_read_so(page, reading)
    await page.locator("main a[href='/offers/1/check']").first.click()
    await assert_read_so(page, reading)
    await page.locator("main form[action='/offers/1/use'] button").click()
    await page.wait_for_url(re.compile(r"/bookings/\w{4}-\w{4}$"))
    await assert_read_so(page, reading)
    await page.locator("main form[action$='/cancel'] button").first.click()
    await page.get_by_role("status").wait_for()
    await page.goto(f"{demo.url}/hours")
    await assert_read_so(page, reading)
    await page.goto(f"{demo.url}/statement")
    await assert_read_so(page, reading)
    printed = await page.request.get(f"{demo.url}/statement/pdf")
    assert (await printed.body()).startswith(b"%PDF")
    await page.goto(f"{demo.url}/offers/999999")
    await assert_good(page)
    await read(page, demo)
