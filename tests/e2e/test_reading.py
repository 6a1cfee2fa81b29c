"""How people read: Easy Read before signing in and after, right to left, large text; on errors too."""

import pytest

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_fits, assert_good, style_of
from tests.e2e.signing import sign_in

NARROW = (320, 700)
WHO = "Qadira Rahman"
PAGES = ("/me", "/me/choices", "/messages", "/devices")


async def test_easy_read_is_one_tap_before_signing_in_and_stays(
    demo: Demo, open_page: Opener, javascript: bool
) -> None:
    page = await open_page(javascript=javascript, size=PHONE)
    await page.goto(f"{demo.url}/sign-in")
    await page.get_by_role("button", name="Easy Read", exact=True).click()
    await page.wait_for_url("**/sign-in")
    assert await page.locator(".tb-idea svg, .tb-idea img").count() > 3
    await assert_good(page)
    await sign_in(page, demo, WHO)
    for path in PAGES:
        await page.goto(f"{demo.url}{path}")
        assert "tb-easy" in (await page.locator("html").get_attribute("class") or ""), path
        assert await page.get_by_text("have not checked these words yet").is_visible()
    await page.goto(f"{demo.url}/nowhere")
    await assert_good(page)
    await page.get_by_role("button", name="Easy Read off").click()
    await page.wait_for_load_state()
    assert await page.locator("html.tb-easy").count() == 0


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_arabic_runs_from_right_to_left(demo: Demo, open_page: Opener, size: tuple[int, int]) -> None:
    page = await open_page(javascript=False, size=size)
    await page.goto(f"{demo.url}/sign-in")
    await page.get_by_role("button", name="العربية").click()
    await page.wait_for_url("**/sign-in")
    await sign_in(page, demo, WHO)
    for path in ("/", *PAGES, "/nowhere"):
        await page.goto(f"{demo.url}{path}")
        assert await page.locator("html").get_attribute("dir") == "rtl"
        assert await style_of(page, "main", "direction") == "rtl"
        await assert_fits(page)
    await assert_good(page)


async def test_large_text_fits_a_narrow_phone(demo: Demo, open_page: Opener) -> None:
    page = await open_page(javascript=False, size=NARROW)
    await page.goto(f"{demo.url}/sign-in")
    before = await style_of(page, "main p", "font-size")
    await page.get_by_role("button", name="Larger text").click()
    await page.wait_for_url("**/sign-in")
    assert float((await style_of(page, "main p", "font-size"))[:-2]) > 1.2 * float(before[:-2])
    await sign_in(page, demo, WHO)
    for path in ("/", *PAGES, "/nowhere"):
        await page.goto(f"{demo.url}{path}")
        await assert_fits(page)


async def test_choices_are_kept_and_mistakes_say_what_to_do(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript, size=PHONE)
    await sign_in(page, demo, WHO)
    await page.goto(f"{demo.url}/me/choices")
    await assert_good(page)
    await page.get_by_label("From").select_option("22")
    await page.get_by_label("Until").select_option("")
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_load_state()
    assert "Choose when the quiet time starts and ends." in await page.inner_text(".govuk-error-summary")
    await assert_good(page)
    await page.get_by_label("Until").select_option("7")
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_load_state()
    assert "Saved." in await page.inner_text(".tb-notice")
    assert await page.get_by_label("From").input_value() == "22"
    await page.get_by_label("From").select_option("")
    await page.get_by_label("Until").select_option("")
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_load_state()
