"""Own time, sessions, questions, telling someone else and the rules in Easy Read: sentences of ten words at most.

What people typed themselves (in ``<bdi>``) counts as one word: a group's name is as long as it is.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.banks.queries import by_slug
from timebank.db import Database
from timebank.demo.people import RIVERSIDE

MAX_WORDS = 10
PERSON = "Kateryna Bondar"
LEADER = "Grace Adeyemi"
SENTENCES = """() => {
    const blocks = new Map();
    const main = document.querySelector("main");
    const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const own = walker.currentNode.parentElement.closest("bdi, .tb-reference, textarea");
        let block = walker.currentNode.parentElement;
        while (getComputedStyle(block).display.startsWith("inline")) block = block.parentElement;
        const text = own ? " Typed " : walker.currentNode.textContent;
        blocks.set(block, (blocks.get(block) || "") + text);
    }
    return [...blocks.values()]
        .map((text) => text.replace(/(\\s*Typed\\s*)+/g, " Typed ").replace(/\\s+/g, " ").trim())
        .flatMap((text) => text.split(/(?<=[.?!:])\\s+/))
        .filter((text) => text);
}"""


@asynccontextmanager
async def reading(demo: Demo, name: str, *, is_easy: bool = True, language: str = "en") -> AsyncIterator[None]:
    """Somebody who chose Easy Read or a language, until the block ends."""
    choose = "update member set easy_read = $2, language = $3 where timebank_id = $4 and display_name = $1"
    db = await Database.open(demo.app_url, pool_size=1)
    try:
        async with db.globally() as connection:
            facts = await by_slug(connection, RIVERSIDE)
        assert facts is not None
        async with db.writing(facts.id) as connection:
            await connection.execute(choose, name, is_easy, language, facts.id)
        yield
        async with db.writing(facts.id) as connection:
            await connection.execute(choose, name, False, "en", facts.id)
    finally:
        await db.close()


async def assert_easy(page: Page, *, pictures: bool = True) -> None:
    """Good like every page; short sentences; pictures."""
    await assert_good(page)
    found = await page.evaluate(SENTENCES)
    # The rules name people with all that the time bank typed about them; in the demo that ends with "(demo)".
    long = [sentence for sentence in found if len(sentence.split()) > MAX_WORDS and "(demo)" not in sentence]
    assert not long, f"{page.url}: {long}"
    assert found, page.url
    if pictures:
        assert await page.locator("main .tb-picture, main .tb-line-photo, main .tb-photo").count(), page.url


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_my_own_time(open_page: Opener, demo: Demo, size: tuple[int, int]) -> None:
    async with reading(demo, PERSON):
        page = await open_page(size=size, javascript=size == DESK)
        await sign_in(page, demo, PERSON)
        await page.goto(f"{demo.url}/log")
        await assert_easy(page)
        await page.get_by_role("button", name="Go on").click()
        assert await page.locator(".govuk-error-summary").is_visible()
        await assert_easy(page)
        await page.get_by_label("Something else").check()
        await page.get_by_label("30 minutes", exact=True).check()
        await page.get_by_role("button", name="Go on").click()
        assert await page.get_by_label("30 minutes", exact=True).is_checked()  # what was chosen stays
        await assert_easy(page)
        await page.get_by_label("What did you do?").fill(f"I read to my neighbour, and we had a good talk {size}")
        await page.get_by_role("button", name="Go on").click()
        await page.get_by_role("heading", name="Is this right?").wait_for()
        await assert_easy(page)
        await page.get_by_role("button", name="Yes, log it").click()
        if await page.locator(".govuk-error-summary").count():  # the same half hour is there from the other size
            await assert_easy(page)
            await page.get_by_label("Why is it there twice?").fill("Once in the morning and once at night")
            await page.get_by_role("button", name="Go on").click()
            await page.get_by_role("button", name="Yes, log it").click()
        await page.get_by_role("heading", name="What happens next").wait_for()
        await assert_easy(page)
        await page.goto(f"{demo.url}/log/mine")
        await assert_easy(page)


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_sessions(open_page: Opener, demo: Demo, size: tuple[int, int]) -> None:
    async with reading(demo, PERSON), reading(demo, LEADER):
        page = await open_page(size=size, javascript=size == DESK)
        await sign_in(page, demo, PERSON)
        await page.goto(f"{demo.url}/whats-on")
        await assert_easy(page)
        await page.locator(".tb-entries a").filter(has_text="Tuesday lunch club").first.click()
        await assert_easy(page)
        await page.get_by_role("button", name="Sign up").click()
        await page.get_by_text("You are on the list.").first.wait_for()
        await assert_easy(page)
        await page.get_by_role("button", name="Take my name off").click()
        await page.get_by_role("button", name="Sign up").wait_for()
        for path in ("/in", "/in?code=nothing", "/in/0000-0000"):
            await page.goto(f"{demo.url}{path}")
            await assert_easy(page)
        page = await open_page(size=size)
        await sign_in(page, demo, LEADER)
        await page.goto(f"{demo.url}/groups/mine")
        await assert_easy(page)


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_this_is_not_right(open_page: Opener, demo: Demo, size: tuple[int, int]) -> None:
    async with reading(demo, PERSON):
        page = await open_page(size=size, javascript=size == DESK)
        await sign_in(page, demo, PERSON)
        await page.goto(f"{demo.url}/hours")
        await page.get_by_role("link", name="This isn’t right").nth(0 if size == PHONE else 1).click()
        await assert_easy(page)
        await page.get_by_role("button", name="Send").click()
        assert await page.locator(".govuk-error-summary").is_visible()
        await assert_easy(page)
        await page.get_by_label("What is wrong?").fill("I was there for longer than that, ask Grace")
        await page.get_by_role("button", name="Send").click()
        await page.get_by_role("heading", name="We have your question").wait_for()
        await assert_easy(page)
        await page.goto(f"{demo.url}/queries")
        await assert_easy(page)


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_telling_someone_else(open_page: Opener, demo: Demo, size: tuple[int, int]) -> None:
    page = await open_page(size=size, javascript=size == DESK)
    await page.context.add_cookies([{"name": "timebank_reading", "value": "en.easy", "url": demo.url}])
    await page.goto(f"{demo.url}/tell")
    await assert_easy(page)
    await page.goto(f"{demo.url}/tell/{RIVERSIDE}")
    await assert_easy(page)
    await page.get_by_role("button", name="Send in confidence").click()
    assert await page.locator(".govuk-error-summary").is_visible()
    await assert_easy(page)
    await page.get_by_label("What happened?").fill("Somebody shouted at me, and nobody said anything about it")
    await page.get_by_role("button", name="Send in confidence").click()
    await page.get_by_role("heading", name="Your code").wait_for()
    await assert_easy(page)
    code = await page.locator("main .tb-reference").first.inner_text()
    await page.goto(f"{demo.url}/tell/{RIVERSIDE}/paper")
    await assert_easy(page)
    await page.goto(f"{demo.url}/tell/{RIVERSIDE}/answer")
    await page.get_by_label("Your code").fill("not a code")
    await page.get_by_role("button", name="Show the answer").click()
    await assert_easy(page)
    await page.get_by_label("Your code").fill(code)
    await page.get_by_role("button", name="Show the answer").click()
    await page.get_by_text("Somebody reads it by").wait_for()
    await assert_easy(page)


async def test_rules_and_the_guide(open_page: Opener, demo: Demo) -> None:
    async with reading(demo, PERSON):
        page = await open_page()
        await sign_in(page, demo, PERSON)
        for path in ("/rules", "/rules/1", "/guide"):
            await page.goto(f"{demo.url}{path}")
            await assert_easy(page, pictures=path != "/rules/1")


async def test_the_same_pages_from_right_to_left(open_page: Opener, demo: Demo) -> None:
    async with reading(demo, PERSON, language="ar"):
        page = await open_page(javascript=False)
        await sign_in(page, demo, PERSON)
        for path in ("/log", "/log/mine", "/whats-on", "/in/0000-0000", "/queries", "/rules", f"/tell/{RIVERSIDE}"):
            await page.goto(f"{demo.url}{path}")
            assert await page.locator("html").get_attribute("dir") == "rtl"
            await assert_good(page)
