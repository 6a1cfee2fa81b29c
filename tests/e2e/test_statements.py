"""My hours by months, a statement in one tap, the letter, and checking a paper without signing in."""

import re
from typing import Any

import pytest

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import link_for, sign_in
from timebank.demo.people import PARTICIPANT


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_a_statement_in_one_tap(demo: Demo, open_page: Opener, size: Any, javascript: bool) -> None:
    page = await open_page(size=size, javascript=javascript)
    await sign_in(page, demo, PARTICIPANT)
    await assert_good(page)
    href = await page.get_by_role("link", name="Print my statement").get_attribute("href")
    answer = await page.request.get(f"{demo.url}{href}")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
    assert (await answer.body()).startswith(b"%PDF-")
    await page.get_by_role("link", name="Other papers to print").click()
    await assert_good(page)
    href = await page.get_by_role("link", name="Print the letter").first.get_attribute("href")
    assert (await page.request.get(f"{demo.url}{href}")).status == 200


async def test_other_dates_and_wrong_ones(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript)
    await sign_in(page, demo, PARTICIPANT)
    await page.goto(f"{demo.url}/hours")
    await page.get_by_role("link", name="Choose dates, print or download").click()
    await assert_good(page)
    await page.goto(f"{demo.url}/statement?first=2026-03-01&last=2026-02-01")
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    await page.get_by_role("group", name="Last day").get_by_label("Month").fill("4")
    await page.get_by_role("button", name="Show these days").click()
    await page.get_by_text("Nothing happened in these days.").wait_for()
    await assert_good(page)


async def test_whoever_holds_the_paper_checks_it(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript)
    await sign_in(page, demo, PARTICIPANT)
    text = await (await page.request.get(f"{demo.url}/statement/text")).text()
    code = re.findall(r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}", text)[-1]
    await page.get_by_role("button", name="Sign out").click()
    await page.goto(f"{demo.url}/check")
    await assert_good(page)
    await page.get_by_label("The code on the paper").fill("7Q2M")
    await page.get_by_role("button", name="Check").click()
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    await page.get_by_label("The code on the paper").fill(code.lower().replace("-", " "))
    await page.get_by_role("button", name="Check").click()
    await page.get_by_role("heading", name="This paper is ours").wait_for()
    await assert_good(page)
    assert PARTICIPANT in await page.get_by_role("main").inner_text()


async def test_easy_read(demo: Demo, open_page: Opener) -> None:
    page = await open_page(size=PHONE)
    await page.goto(await link_for(demo, "Chidi Okafor"))
    await page.context.add_cookies([{"name": "timebank_reading", "value": "en.easy", "url": demo.url}])
    await page.goto(f"{demo.url}/check")
    await assert_good(page)
    assert await page.locator(".tb-idea .tb-picture").count() == 3
