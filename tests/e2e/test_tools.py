"""The tools of the browser tests themselves, on pages of their own: a check that cannot fail proves nothing."""

import pytest
from playwright.async_api import Browser

from tests.e2e.conftest import DESK, Opener
from tests.e2e.looking import assert_accessible, assert_fits, assert_good, axe_findings, style_of

GOOD = """<!doctype html><html lang="en"><head><title>Hours</title><meta name="viewport" content="width=device-width">
<style>h1 { color: rgb(1, 2, 3) }</style></head><body><main><h1>Hours</h1><p>Good morning</p>
<script>document.querySelector("p").textContent = "Scripts run"</script></main></body></html>"""
BAD = """<!doctype html><html><head><title>Hours</title>
<style>a { display: inline-block; width: 10px; height: 10px }</style>
</head><body><main><h1>Hours</h1><img src="data:,"><a href="#1">1</a><a href="#2">2</a>
<p style="width: 2000px">Wide</p></main></body></html>"""


async def test_a_good_page_passes(open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript)
    await page.set_content(GOOD)
    await assert_good(page)
    assert await style_of(page, "h1", "color") == "rgb(1, 2, 3)"
    assert await page.inner_text("p") == ("Scripts run" if javascript else "Good morning")


async def test_a_bad_page_is_found(open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript)
    await page.set_content(BAD)
    found = {finding["id"] for finding in await axe_findings(page)}
    assert {"html-has-lang", "image-alt", "target-size"} <= found
    with pytest.raises(AssertionError, match="image-alt"):
        await assert_accessible(page)
    with pytest.raises(AssertionError, match=r"2\d\d\d wide in a window of 360"):
        await assert_fits(page)


async def test_sizes_of_the_window(open_page: Opener) -> None:
    phone, desk = await open_page(), await open_page(size=DESK)
    assert await phone.evaluate("[innerWidth, innerHeight]") == [360, 800]
    assert await desk.evaluate("[innerWidth, innerHeight]") == [1280, 900]


async def test_it_is_the_browser_of_this_machine(chromium: Browser) -> None:
    assert int(chromium.version.split(".")[0]) >= 100
