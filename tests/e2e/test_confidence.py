"""“Tell someone else” in the browser: without signing in, and for those who read it."""

from playwright.async_api import Page

from tests.e2e.conftest import DESK, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_fits, assert_good
from tests.e2e.signing import sign_in
from timebank.demo.members_choices import DEPUTY, LEAD
from timebank.demo.people import PARTICIPANT, RIVERSIDE

HAPPENED = "Somebody shouted at me at the lunch club."
ANSWER = "Thank you. We have spoken with them."


async def press(page: Page, name: str) -> None:
    await page.get_by_role("main").get_by_role("button", name=name, exact=True).click()


async def test_from_telling_to_the_answer(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript)
    await page.goto(f"{demo.url}/tell")
    await assert_good(page)
    await page.get_by_role("link", name="Riverside").click()
    await page.get_by_role("heading", level=1, name="Tell someone else").wait_for()
    await assert_good(page)
    await page.get_by_label("Who is it about?").fill(DEPUTY.split()[0])
    await press(page, "Send in confidence")
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    assert await page.get_by_label("Who is it about?").input_value() == DEPUTY.split()[0]
    await page.get_by_label("What happened?").fill(HAPPENED)
    await press(page, "Send in confidence")
    await page.get_by_role("heading", level=1, name="Thank you").wait_for()
    await assert_good(page)
    code = await page.locator(".tb-reference").first.inner_text()

    answer = f"{demo.url}/tell/{RIVERSIDE}/answer"
    await page.goto(answer)
    await page.get_by_label("Your code").fill("1234")
    await press(page, "Show the answer")
    await page.get_by_role("alert").wait_for()
    await assert_good(page)

    reader = await open_page(javascript=javascript, size=DESK)
    await sign_in(reader, demo, LEAD)
    await reader.goto(f"{demo.url}/confidence")
    await assert_good(reader)
    reference = await _open(reader, demo, HAPPENED)
    await assert_good(reader)
    await reader.get_by_label("Answer", exact=True).check()
    await press(reader, "Save")
    await reader.get_by_role("alert").wait_for()
    await assert_good(reader)
    await reader.get_by_label("Your words").fill(ANSWER)
    await press(reader, "Save")
    await reader.get_by_role("status").wait_for()

    about = await open_page(javascript=javascript)
    await sign_in(about, demo, DEPUTY)
    await about.goto(f"{demo.url}/confidence")
    assert reference not in await about.locator("main").inner_text()
    await about.goto(f"{demo.url}/confidence/{reference}")
    assert HAPPENED not in await about.locator("body").inner_text()

    await page.goto(answer)
    await page.get_by_label("Your code").fill(code.lower())
    await press(page, "Show the answer")
    await page.get_by_text(ANSWER).wait_for()
    await assert_good(page)
    await reader.goto(f"{demo.url}/confidence/{reference}")
    await reader.get_by_label("Close it").check()
    await press(reader, "Save")
    await reader.get_by_label("Open it again").wait_for()


async def test_it_is_two_taps_from_every_page(demo: Demo, open_page: Opener) -> None:
    page = await open_page(size=DESK)
    await sign_in(page, demo, PARTICIPANT)
    await page.get_by_role("contentinfo").get_by_role("link", name="Tell someone else").click()
    await page.get_by_label("What happened?").fill("It was not right.")
    await press(page, "Send in confidence")
    await page.get_by_text("We do not keep your name.").wait_for()


async def test_paper_small_windows_and_writing_down_for_somebody(demo: Demo, open_page: Opener) -> None:
    page = await open_page(size=(320, 640))
    for path in ("", "/paper", "/answer"):
        await page.goto(f"{demo.url}/tell/{RIVERSIDE}{path}")
        await assert_fits(page)
    await page.goto(f"{demo.url}/tell/{RIVERSIDE}/paper")
    await assert_good(page)
    await page.emulate_media(media="print")
    assert not await page.get_by_text("Print this page.").is_visible()
    reader = await open_page()
    await sign_in(reader, demo, LEAD)
    await reader.goto(f"{demo.url}/confidence/new")
    await assert_good(reader)
    await press(reader, "Save")
    await reader.get_by_role("alert").wait_for()
    await assert_good(reader)


async def _open(page: Page, demo: Demo, words: str) -> str:
    """Open the newest report with these words; return its reference."""
    for reference in await page.locator(".tb-entries a").all_inner_texts():
        await page.goto(f"{demo.url}/confidence/{reference}")
        text = await page.locator("main").inner_text()
        if words in text and ANSWER not in text:
            return reference
    raise AssertionError("the report is not on the list")
