"""The first thing anybody sees: the sign-in page, and the page behind each link that the demo prints."""

from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good, style_of


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_the_sign_in_page(demo: Demo, open_page: Opener, javascript: bool, size: tuple[int, int]) -> None:
    page = await open_page(javascript=javascript, size=size)
    answer = await page.goto(f"{demo.url}/sign-in")
    assert answer is not None
    assert answer.status == 200
    await assert_good(page)
    # Chromium alone would answer 8px and a serif face; ours proves that the style sheet arrived and was let in.
    assert await style_of(page, "body", "margin-top") == "0px"
    assert "Times" not in await style_of(page, "body", "font-family")


async def test_every_door_leads_to_a_good_page(demo: Demo, open_page: Opener, javascript: bool) -> None:
    """Each link asks first (mail scanners open links too) and signs in once; so one half is used each way."""
    links = [door.url for door in demo.doors.values() if door.pin is None]
    assert len(links) >= 4
    for link in links[0::2] if javascript else links[1::2]:
        page = await open_page(javascript=javascript)
        await page.goto(link)
        await assert_good(page)
        if urlsplit(page.url).path == "/till":  # a supplier has no account, and signs nothing in
            continue
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(lambda url: "/sign-in" not in url)
        await assert_good(page)
