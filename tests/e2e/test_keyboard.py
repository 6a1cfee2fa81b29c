"""The three main journeys with the keyboard alone: using an hour, printing a statement, saying an entry is wrong."""

import re

import pytest
from playwright.async_api import Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import style_of
from tests.e2e.signing import sign_in

MEMBER = "Lena Björk"
CAFE = "Lunch at the Quay Café"
MAX_STEPS = 120
BOTH_SIZES = pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])

# What is focused, whether it is in sight, and whether anything about it or what it stands in looks different for that.
FOCUSED = """() => {
    const e = document.activeElement;
    const near = [e, e.labels?.[0], e.parentElement, e.closest("div, li, article")].filter(Boolean);
    const look = () => near.flatMap((one) => ["", "::before", "::after"].map((part) => {
        const style = getComputedStyle(one, part);
        return style.outline + style.boxShadow + style.backgroundColor + style.borderColor + style.textDecoration;
    })).join();
    const box = (e.labels?.[0] || e).getBoundingClientRect();
    const focused = look();
    e.blur();
    const otherwise = look();
    e.focus();
    return {
        words: (e.getAttribute("aria-label") || e.labels?.[0]?.innerText || e.innerText || e.value || "").trim(),
        seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
        differs: focused !== otherwise,
    };
}"""


async def tab_to(page: Page, words: str) -> None:
    """Press Tab until what is focused says this; it must then be in view and look focused."""
    for _ in range(MAX_STEPS):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(FOCUSED)
        if re.search(words, focused["words"]):
            assert focused["seen"], f"{words} is focused out of sight"
            assert focused["differs"], f"{words} does not look focused"
            return
    raise AssertionError(f"Tab never reaches “{words}” on {page.url}")


async def press(page: Page, words: str, key: str = "Enter") -> None:
    await tab_to(page, words)
    async with page.expect_navigation():
        await page.keyboard.press(key)


@BOTH_SIZES
async def test_using_an_hour(demo: Demo, open_page: Opener, javascript: bool, size: tuple[int, int]) -> None:
    page = await open_page(javascript=javascript, size=size)
    await sign_in(page, demo, MEMBER)
    await page.keyboard.press("Tab")
    assert (await page.evaluate(FOCUSED))["words"] == "Skip to main content"
    await page.keyboard.press("Enter")
    await press(page, "^(Use my hours|See what hours can do)$")
    await press(page, f"^{CAFE}")
    await press(page, "^Use 1 hour$")
    await press(page, "^Use 1 hour$")
    await page.wait_for_url(re.compile(r"/bookings/\w{4}-\w{4}$"))
    assert await style_of(page, "body", "background-color") == "rgb(252, 247, 239)"
    await press(page, "^Cancel this booking$")
    await page.get_by_role("status").filter(has_text="cancelled").wait_for()


@BOTH_SIZES
async def test_looking_at_a_statement(demo: Demo, open_page: Opener, javascript: bool, size: tuple[int, int]) -> None:
    page = await open_page(javascript=javascript, size=size)
    await sign_in(page, demo, MEMBER)
    await press(page, "^See all$")
    await press(page, "^Choose dates, print or download$")
    await tab_to(page, "^Which days")
    await page.keyboard.press("ArrowUp")
    await press(page, "^Show these days$")
    assert "/statement" in page.url
    await tab_to(page, "^Print$")
    address = await page.evaluate("document.activeElement.href || document.activeElement.form.action")
    answer = await page.request.get(address)
    assert (await answer.body()).startswith(b"%PDF")


@BOTH_SIZES
async def test_saying_that_an_entry_is_wrong(
    demo: Demo, open_page: Opener, javascript: bool, size: tuple[int, int]
) -> None:
    page = await open_page(javascript=javascript, size=size)
    # Somebody else each time: who has asked about an entry is led to what they asked.
    who = {(True, PHONE): "Lena Björk", (True, DESK): "Ruth Goldberg", (False, PHONE): "Samir Haddad"}
    await sign_in(page, demo, who.get((javascript, size), "Tess Whitlock"))
    await press(page, "This isn.t right")
    await tab_to(page, "What is|wrong")
    await page.keyboard.type("It was the day before.")
    await press(page, "^(Send|Ask|Tell)")
    await page.get_by_role("heading", level=1).wait_for()
    assert await page.get_by_text("It was the day before.").count() > 0 or "/queries" in page.url
