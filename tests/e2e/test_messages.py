"""Messages in the browser: what we sent you, a call, letters on paper, an address that has moved, background work."""

from email import message_from_bytes, policy

from playwright.async_api import Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.demo.people import ADMINISTRATOR, COORDINATOR, PARTICIPANT

MOVED_PERSON = "Kofi Mensah"


async def until_packed(page: Page, demo: Demo) -> None:
    """Open the page of work; the first round runs while the server starts."""
    await page.goto(f"{demo.url}/messages/to-do")
    await page.get_by_role("heading", level=2, name="Calls to make").wait_for()


async def test_the_work_with_messages(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript, size=PHONE if javascript else DESK)
    await sign_in(page, demo, COORDINATOR)
    await until_packed(page, demo)
    await page.get_by_role("heading", level=3, name=MOVED_PERSON).wait_for()
    await page.get_by_text("The mail server refused the address (answer 550).").first.wait_for()
    await assert_good(page)

    calls = page.get_by_role("button", name="I told ")
    before = await calls.count()
    assert before
    await page.get_by_role("button", name="No answer from ").first.click()
    await page.get_by_role("status").filter(has_text="They stay on the list").wait_for()
    await page.get_by_role("button", name="I told ").first.click()
    await page.get_by_role("status").filter(has_text="Thank you for calling").wait_for()
    assert await calls.count() == before - 1


async def test_letters_are_printed(demo: Demo, open_page: Opener) -> None:
    page = await open_page(javascript=False, size=PHONE)
    await sign_in(page, demo, COORDINATOR)
    await until_packed(page, demo)
    # Two presses from the page of work: print, and say that it is done.
    await page.get_by_role("button", name="Print th").click()
    await page.get_by_role("heading", level=1, name="to print").wait_for()
    await assert_good(page)
    letters = await page.locator(".tb-letter").count()
    assert "High Street" in await page.locator(".tb-letter__address").first.inner_text()
    await page.emulate_media(media="print")
    assert not await page.get_by_role("button").first.is_visible()
    pdf = await page.pdf(format="A4")
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") + pdf.count(b"/Type /Page/") >= letters
    await page.emulate_media(media="screen")
    await page.get_by_role("button", name="They are printed").click()
    await page.get_by_role("status").filter(has_text="marked as printed").wait_for()


async def test_what_we_sent_you(demo: Demo, open_page: Opener) -> None:
    for size in (PHONE, DESK):
        page = await open_page(javascript=False, size=size)
        await sign_in(page, demo, PARTICIPANT)
        await page.goto(f"{demo.url}/messages")
        await page.get_by_role("heading", level=2, name="We are closed on Monday").wait_for()
        await page.get_by_text("We sent it by e-mail").first.wait_for()
        await assert_good(page)
    kept = [
        message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in sorted((demo.data_dir / "mail").glob("*.eml"))
    ]
    mine = [mail for mail in kept if mail["To"] == "member0@riverside.example"]
    subjects = sorted(str(mail["Subject"]) for mail in mine)
    assert sum("messages for you" in subject for subject in subjects) == 1, "one e-mail, however much happened"
    assert [one for one in subjects if "messages for you" not in one] == ["A place is free for you"], "what cannot wait"


async def test_background_work_is_visible(demo: Demo, open_page: Opener) -> None:
    for size in (PHONE, DESK):
        page = await open_page(size=size)
        await sign_in(page, demo, ADMINISTRATOR)
        await page.goto(f"{demo.url}/background")
        await page.get_by_text("Send e-mails").first.wait_for()
        await page.get_by_text("Done", exact=True).first.wait_for()
        await assert_good(page)


async def test_kept_texts(demo: Demo, open_page: Opener) -> None:
    page = await open_page(javascript=False, size=PHONE)
    await sign_in(page, demo, COORDINATOR)
    await page.goto(f"{demo.url}/messages/texts")
    await page.get_by_role("heading", level=1, name="Text messages").wait_for()
    await assert_good(page)
