"""An auditor's way: from a payment run to a trace, and reports for any days."""

from typing import Any

import pytest

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.demo.people import FINANCE


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_from_a_payment_to_its_hours(demo: Demo, open_page: Opener, size: Any, javascript: bool) -> None:
    page = await open_page(size=size, javascript=javascript)
    await sign_in(page, demo, FINANCE)
    await page.goto(f"{demo.url}/payments?state=all")
    lunch = page.locator("tr", has_text="Lunch at the Quay Café, booking").first
    reference = await lunch.locator("[data-label=Reference]").inner_text()
    await page.goto(f"{demo.url}/reports")
    await assert_good(page)
    await page.get_by_role("link", name="Trace a payment").click()
    await page.get_by_label("Reference").fill("hello")
    await page.get_by_role("button", name="Trace it").click()
    await page.get_by_role("heading", name="This is not a reference").wait_for()
    await assert_good(page)
    await page.get_by_label("Reference").fill(reference.lower().replace("-", " "))
    await page.get_by_role("button", name="Trace it").click()
    await page.get_by_text("Booking.").first.wait_for()
    await assert_good(page)
    session = page.locator("a[href^='/reports/trace?q=']").first
    await session.click()
    await page.get_by_text("The hours of this register have paid for these since").wait_for()
    await assert_good(page)


async def test_days_that_cannot_be_read_are_kept(demo: Demo, open_page: Opener) -> None:
    page = await open_page(javascript=False)
    await sign_in(page, demo, FINANCE)
    await page.goto(f"{demo.url}/reports")
    await page.get_by_text("Other days, or one funder").click()
    await page.get_by_label("First day").fill("soon")
    await page.get_by_role("button", name="Show these days").click()
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    assert await page.get_by_label("First day").input_value() == "soon"
