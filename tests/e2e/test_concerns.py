"""“This isn’t right”: three taps to say so, somebody else answers, and the member reads what changed."""

import re

import pytest
from playwright.async_api import Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good, minutes_shown
from tests.e2e.signing import sign_in
from timebank.demo.people import ADMINISTRATOR, APPROVER, COORDINATOR, SECOND_COORDINATOR

ANSWERERS = {name.split()[0]: name for name in (COORDINATOR, SECOND_COORDINATOR, ADMINISTRATOR, APPROVER)}
MAX_TAPS = 3


async def say_it_is_wrong(page: Page, demo: Demo, words: str) -> int:
    """From the entries to “sent”; returns how many taps that took."""
    await page.goto(f"{demo.url}/hours")
    entry = page.locator(".tb-entries > li").filter(has_text="You gave").first
    await entry.get_by_role("link", name="This isn’t right").click()
    taps = 1
    box = page.get_by_label("What is wrong?")
    await box.click()
    taps += 1
    await box.fill(words)
    await page.get_by_role("button", name="Send", exact=True).click()
    taps += 1
    await page.get_by_role("heading", level=1, name="We have your question").wait_for()
    return taps


@pytest.mark.parametrize(
    ("size", "javascript", "who"),
    [(PHONE, True, "Lena Björk"), (DESK, False, "Umar Farooq")],
    ids=["phone", "desk-no-javascript"],
)
async def test_asked_answered_and_put_right(
    demo: Demo, open_page: Opener, size: tuple[int, int], javascript: bool, who: str
) -> None:
    member = await open_page(javascript=javascript, size=size)
    await sign_in(member, demo, who)
    before = await minutes_shown(member)
    await member.goto(f"{demo.url}/hours")
    entry = member.locator(".tb-entries > li").filter(has_text="You gave").first
    given = await entry.locator(".tb-entry__hours bdi").inner_text()
    await entry.get_by_role("link", name="This isn’t right").click()
    await assert_good(member)
    await member.get_by_role("button", name="Send", exact=True).click()
    await member.get_by_role("alert").filter(has_text="Say in a few words").wait_for()
    await assert_good(member)

    assert await say_it_is_wrong(member, demo, "It was longer. I swept up.") <= MAX_TAPS
    await assert_good(member)
    query = member.url.partition("?")[0]
    first_name = (await member.get_by_text("had no part in this entry").inner_text()).split()[0]
    assert first_name != COORDINATOR.split()[0], "who logged the session does not answer"

    owner = await open_page(javascript=javascript, size=size)
    await sign_in(owner, demo, ANSWERERS[first_name])
    await owner.goto(f"{demo.url}/queries/to-answer")
    await assert_good(owner)
    await owner.get_by_role("link", name=re.compile(who)).click()
    await owner.get_by_role("button", name="Send the answer").click()
    await owner.get_by_role("alert").filter(has_text="Choose whether").wait_for()
    await assert_good(owner)
    await owner.get_by_label("It has to be put right", exact=True).check()
    await owner.get_by_label("how long was it really").fill("11 hours 59 minutes")
    await owner.get_by_label("What the member will read").fill("You are right. Sorry.")
    await owner.get_by_role("button", name="Send the answer").click()
    await owner.get_by_role("status").filter(has_text="Your answer is sent.").wait_for()
    await owner.goto(query)
    await assert_good(owner)

    await member.goto(query)
    await member.get_by_text("You are right. Sorry.").wait_for()
    await member.get_by_role("link", name="I see it another way").wait_for()
    await assert_good(member)
    await member.goto(f"{demo.url}/queries")
    await assert_good(member)
    await member.goto(demo.url)
    assert await minutes_shown(member) == before + 719 - _minutes(given)


def _minutes(words: str) -> int:
    numbers = re.findall(r"(\d+) (hour|minute)", words)
    return sum(int(number) * (60 if unit == "hour" else 1) for number, unit in numbers)


@pytest.mark.parametrize(
    ("size", "javascript", "who"),
    [(PHONE, False, "Peter Quill-Hughes"), (DESK, True, "Qadira Rahman")],
    ids=["phone-no-javascript", "desk"],
)
async def test_three_taps(demo: Demo, open_page: Opener, size: tuple[int, int], javascript: bool, who: str) -> None:
    member = await open_page(javascript=javascript, size=size)
    await sign_in(member, demo, who)
    assert await say_it_is_wrong(member, demo, "This was another week.") <= MAX_TAPS
    # Asking again about the same entry leads to the question that is there.
    query = member.url.partition("?")[0]
    await member.goto(f"{demo.url}/hours")
    await member.locator(".tb-entries > li").filter(has_text="You gave").first.get_by_role("link").click()
    assert member.url == query


async def test_what_is_overdue_is_there_to_see(demo: Demo, open_page: Opener) -> None:
    page = await open_page(javascript=False, size=DESK)
    await sign_in(page, demo, COORDINATOR)
    await page.goto(f"{demo.url}/queries/to-answer?show=overdue")
    await page.get_by_text("Overdue since").first.wait_for()
    await assert_good(page)
    for show in ("open", "answered", "mine"):
        await page.goto(f"{demo.url}/queries/to-answer?show={show}")
        await page.get_by_role("heading", level=1, name="Questions to answer").wait_for()
    await assert_good(page)
