"""Giving hours, and asking the community pot."""

from typing import Any

import pytest

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.demo.people import COORDINATOR

GIVER, FRIEND, ASKS = "Kofi Mensah", "Xin Li", "Winston Clarke"


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_a_gift_with_a_note(demo: Demo, open_page: Opener, size: Any, javascript: bool) -> None:
    page = await open_page(size=size, javascript=javascript)
    await sign_in(page, demo, GIVER)
    await page.get_by_role("link", name="Gifts and the pot").click()
    await assert_good(page)
    await page.get_by_role("link", name="Give hours").click()
    await assert_good(page)
    await page.get_by_label("Their name or member number").fill("Nobody Known")
    await page.get_by_label("How much time?").fill("5 min")
    await page.get_by_label("A note").fill("For the lift.")
    await page.get_by_role("button", name="Next").click()
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    assert await page.get_by_label("A note").input_value() == "For the lift."
    await page.get_by_label("Their name or member number").fill(FRIEND)
    await page.get_by_role("button", name="Next").click()
    await page.get_by_text("You cannot take a gift back.").wait_for()
    await assert_good(page)
    await page.get_by_role("button", name="Give 5 minutes").click()
    await page.get_by_role("heading", name="You gave 5 minutes").wait_for()
    await assert_good(page)


async def test_the_pot_gives_what_was_asked(demo: Demo, open_page: Opener) -> None:
    page = await open_page(size=PHONE, javascript=False)
    await sign_in(page, demo, ASKS)
    await page.goto(f"{demo.url}/gifts/ask")
    await assert_good(page)
    await page.get_by_label("How much time?").fill("some")
    await page.get_by_role("button", name="Ask for hours").click()
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    await page.get_by_label("How much time?").fill("10 min")
    await page.get_by_role("button", name="Ask for hours").click()
    await page.get_by_text("Somebody looks at it.").wait_for()
    await assert_good(page)
    asked = page.url
    await page.get_by_role("button", name="Sign out").click()
    await sign_in(page, demo, COORDINATOR)
    await page.goto(f"{demo.url}/pot")
    await assert_good(page)
    await page.get_by_role("button", name=f"Give {ASKS} these hours").click()
    await page.get_by_text(f"{ASKS} has 10 minutes more.").wait_for()
    await page.goto(f"{demo.url}/pot/give")
    await assert_good(page)
    await page.get_by_role("button", name="Sign out").click()
    await sign_in(page, demo, ASKS)
    await page.goto(asked)
    await page.get_by_role("heading", name="The pot gave you 10 minutes").wait_for()
    await assert_good(page)
