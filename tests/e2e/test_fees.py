"""Choosing about a fee on a phone, in Easy Read and in Arabic; rates and months of fees at finance's desk."""

from typing import Any

import pytest

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from tests.e2e.test_easy_rooms import reading
from timebank.demo.people import ADMINISTRATOR, FINANCE

TAKES, READS = "Leroy Baptiste", "Nora Kelly"


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_taking_a_part_of_a_fee(demo: Demo, open_page: Opener, size: Any, javascript: bool) -> None:
    page = await open_page(size=size, javascript=javascript)
    await sign_in(page, demo, TAKES)
    await page.goto(f"{demo.url}/me/fees")
    await assert_good(page)
    await page.get_by_role("link", name="Clinic design panel").first.click()
    await page.get_by_text("Choose something else").click()
    await assert_good(page)
    await page.get_by_label("Take a part of it").check()
    await page.get_by_label("How much do you want?").fill("999")
    await page.get_by_role("button", name="Save my choice").click()
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    assert await page.get_by_label("How much do you want?").input_value() == "999"
    await page.get_by_label("How much do you want?").fill("£10")
    await page.get_by_role("button", name="Save my choice").click()
    await page.get_by_text("We have your choice.").wait_for()
    await page.get_by_role("heading", name="Your fee: £10.00").wait_for()
    await page.get_by_text("Finance checks it. Then we pay you.").wait_for()
    await assert_good(page)


async def test_always_the_same_choice(demo: Demo, open_page: Opener) -> None:
    page = await open_page(size=PHONE, javascript=False)
    await sign_in(page, demo, READS)
    await page.goto(f"{demo.url}/me/fees/every")
    await page.get_by_label("Give it to a charity").check()
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    await page.get_by_label("I take it").check()
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("You chose: take every fee.").wait_for()
    await assert_good(page)


@pytest.mark.parametrize(("is_easy", "language"), [(True, "en"), (False, "ar"), (True, "cy")])
async def test_a_fee_in_easy_read_and_other_languages(
    demo: Demo, open_page: Opener, is_easy: bool, language: str
) -> None:
    async with reading(demo, READS, is_easy=is_easy, language=language):
        page = await open_page(size=PHONE, javascript=False)
        await sign_in(page, demo, READS)
        for path in ("/me/fees", "/me/fees/every"):
            await page.goto(f"{demo.url}{path}")
            await assert_good(page)
        await page.goto(f"{demo.url}/me/fees")
        await page.locator("main .tb-entries a").first.click()
        await assert_good(page)
        assert await page.locator("html").get_attribute("lang") == language
        if is_easy:
            assert await page.locator("main .tb-idea").count() >= 3
        if language == "ar":
            assert await page.locator("html").get_attribute("dir") == "rtl"
            assert "Your time" not in await page.locator("main").inner_text()


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_a_rate_needs_two_people(demo: Demo, open_page: Opener, size: Any) -> None:
    band = f"Band {size[0]}"
    page = await open_page(size=size, javascript=False)
    await sign_in(page, demo, FINANCE)
    await page.goto(f"{demo.url}/payments/rates")
    await page.get_by_label("How much?").fill("lots")
    await page.get_by_label("For which band of groups?").fill(band)
    await page.get_by_role("button", name="Propose").click()
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    await page.get_by_label("How much?").fill("£13.50")
    for part, value in (("Day", "1"), ("Month", "1"), ("Year", "2030")):
        await page.get_by_label(part, exact=True).fill(value)
    await page.get_by_role("button", name="Propose").click()
    await page.get_by_text("Someone else in finance confirms it.").first.wait_for()
    await page.get_by_text("You proposed this").first.wait_for()
    await assert_good(page)
    await page.get_by_role("button", name="Sign out").click()
    await sign_in(page, demo, ADMINISTRATOR)
    await page.goto(f"{demo.url}/payments/rates")
    await page.get_by_role("button", name="Confirm £13.50 per hour").first.click()
    await page.get_by_text("It is number 1.").wait_for()
    await assert_good(page)
    await page.goto(f"{demo.url}/payments/fees")
    await assert_good(page)
