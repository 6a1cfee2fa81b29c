"""An hour goes all the way: uploaded by a coordinator, seen and spent by a participant, paid by finance."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

from playwright.async_api import Page

from tests.e2e.conftest import Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good, minutes_shown, style_of
from tests.e2e.signing import sign_in
from timebank.demo.people import COORDINATOR, FINANCE

# No test of registers saves one for this group, so that what is uploaded here is nobody's last time.
GROUP = "Interview panel"
GIVER = {True: "Gwen Thomas", False: "Harpreet Gill"}
CAFE = "Lunch at the Quay Café"


def register_file(name: str, day: date) -> bytes:
    """A register as a spreadsheet program saves it on a British machine: BOM, semicolons, dd/mm/yyyy, h:mm."""
    rows = ["Name;Date;Time;Activity;Notes", f"{name};{day:%d/%m/%Y};1:30;{GROUP};Washing up"]
    return "\ufeff".encode() + "\r\n".join(rows).encode() + b"\r\n"


async def test_an_hour_goes_all_the_way(demo: Demo, open_page: Opener, javascript: bool) -> None:
    name = GIVER[javascript]
    participant = await open_page(javascript=javascript)
    await sign_in(participant, demo, name)
    await assert_good(participant)
    assert await style_of(participant, "body", "background-color") == "rgb(252, 247, 239)"
    before = await minutes_shown(participant)

    coordinator = await open_page(javascript=javascript)
    await sign_in(coordinator, demo, COORDINATOR)
    await upload(coordinator, demo, register_file(name, (datetime.now(UTC) - timedelta(days=1)).date()))
    await coordinator.get_by_text("1 line is ready").wait_for()
    assert await coordinator.get_by_text("1 hour 30 minutes").count() > 0
    await assert_good(coordinator)
    await coordinator.get_by_role("button", name="Save 1 line").click()
    await coordinator.get_by_role("heading", level=1).filter(has_text="Saved for 1 person").wait_for()
    await assert_good(coordinator)

    await participant.goto(demo.url)
    assert await minutes_shown(participant) == before + 90
    assert await participant.get_by_text(GROUP).count() > 0

    reference = await spend_an_hour(participant)
    await participant.goto(demo.url)
    await participant.get_by_text("set aside").first.wait_for()

    await hand_over(coordinator, demo, reference)
    await participant.goto(demo.url)
    assert await minutes_shown(participant) == before + 30

    finance = await open_page(javascript=javascript)
    await sign_in(finance, demo, FINANCE)
    rows = await approve_and_export(finance, reference)
    assert [row for row in rows if any(reference in cell for cell in row)], "the booking is not in the exported file"


async def upload(page: Page, demo: Demo, content: bytes) -> None:
    await page.goto(f"{demo.url}/registers/upload")
    await assert_good(page)
    await page.get_by_label("Register saved as CSV").set_input_files(
        {"name": "register.csv", "mimeType": "text/csv", "buffer": content}
    )
    await page.get_by_role("button", name="See what will happen").click()


async def spend_an_hour(page: Page) -> str:
    """Three taps: the offer, use it, yes. Returns the booking's reference."""
    await page.get_by_role("link", name="Use my hours").first.click()
    await assert_good(page)
    await page.get_by_role("link", name=CAFE).click()
    await page.get_by_text("Could this affect my benefits?").wait_for()
    assert "£" not in await page.get_by_role("main").inner_text()
    await assert_good(page)
    await (
        page.get_by_role("main")
        .get_by_role("link", name="Use 1 hour")
        .or_(page.get_by_role("main").get_by_role("button", name="Use 1 hour"))
        .click()
    )
    await assert_good(page)
    await page.get_by_role("button", name="Use 1 hour").click()
    await page.wait_for_url("**/bookings/*")
    await assert_good(page)
    return page.url.rsplit("/", 1)[1].split("?")[0]


async def hand_over(page: Page, demo: Demo, reference: str) -> None:
    await page.goto(f"{demo.url}/bookings/to-do")
    await assert_good(page)
    card = page.locator("article").filter(has_text=reference)
    await card.get_by_role("button", name="Handed over").click()
    await assert_good(page)


async def approve_and_export(page: Page, reference: str) -> list[list[str]]:
    """Approve the payment of a booking, export what is ready, fetch the file twice: the same bytes."""
    await assert_good(page)
    row = page.get_by_role("row").filter(has_text=reference)
    await row.get_by_role("button", name="Approve").click()
    await assert_good(page)
    await page.get_by_role("button", name="Export").click()
    await page.get_by_role("heading", level=1).filter(has_text="Payment run").wait_for()
    await assert_good(page)
    address = f"{page.url.split('?')[0]}/file"
    first, again = [await (await page.request.get(address)).body() for _ in range(2)]
    assert first == again
    # The file for the bank names payees; the list for people names what each payment is for.
    await page.get_by_text("Another format").click()
    await page.get_by_label("Which format?").select_option("payments-csv")
    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="Make this file").click()
    text = (await (await downloading.value).path()).read_text("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))
