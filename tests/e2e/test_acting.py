"""Acting for somebody, from finding them to stopping: two taps more than doing it for oneself."""

import pytest

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.demo.people import COORDINATOR

SUBJECT = "Grace Adeyemi"


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_look_at_somebodys_bookings_for_them(
    demo: Demo, open_page: Opener, javascript: bool, size: tuple[int, int]
) -> None:
    page = await open_page(javascript=javascript, size=size)
    await sign_in(page, demo, COORDINATOR)
    await page.goto(f"{demo.url}/members?q=adeyemi")
    await page.get_by_role("link", name=SUBJECT).click()
    await page.get_by_role("link", name="Act for them", exact=True).click()
    await assert_good(page)

    await page.get_by_role("button", name="Go to their pages").click()
    await page.get_by_role("alert").wait_for()
    assert "Error: " in await page.title()
    await assert_good(page)

    await page.get_by_label("What did they ask you to do?").fill("See what is booked")
    await page.get_by_label("By phone").check()
    await page.get_by_role("button", name="Go to their pages").click()
    banner = page.get_by_role("region", name="Acting for someone")
    assert SUBJECT in await banner.inner_text()
    assert "Agreed by phone." in await banner.inner_text()
    await assert_good(page)
    # Only what a participant does: the work of a coordinator rests.
    assert await page.get_by_role("navigation", name="Main").get_by_role("link", name="Members").count() == 0
    await page.goto(f"{demo.url}/bookings")
    await banner.wait_for()
    await assert_good(page)

    await banner.get_by_role("button", name="Stop acting").click()
    await page.get_by_role("heading", level=1, name=SUBJECT).wait_for()
    assert await banner.count() == 0
    await assert_good(page)
