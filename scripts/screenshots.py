"""Makes the pictures of README.md from the running demo: ``make screenshots``."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from scripts import ensure_chromium
from tests.e2e.conftest import DESK, FLAGS
from tests.e2e.demo_server import Demo, running_demo
from tests.e2e.signing import sign_in
from timebank.demo.people import COORDINATOR, FINANCE, PARTICIPANT

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
PHONE_PICTURE = (390, 760)
REGISTER = (
    ("Name", "Date", "Time", "Activity"),
    ("Amina Yusuf", "{day}", "1:30", "Tuesday lunch club"),
    ("Bernard O’Leary", "{day}", "1h30", "Tuesday lunch club"),
    ("Hana Novakova", "{day}", "90 min", "Tuesday lunch club"),
    ("Grace Adeyem", "{day}", "1,5", "Tuesday lunch club"),
    ("Somebody New", "{day}", "2", "Tuesday lunch club"),
)


async def main() -> None:
    """Start the demo, walk to each page, take its picture."""
    path = ensure_chromium.ensure()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with running_demo() as demo:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=path, args=[*FLAGS, "--lang=en-GB"])
            participant = await signed_in(browser, demo, PARTICIPANT, PHONE_PICTURE)
            await picture(participant, demo, "/", "home")
            await picture(participant, demo, "/offers/1", "offer")
            coordinator = await signed_in(browser, demo, COORDINATOR, PHONE_PICTURE)
            await coordinator.goto(f"{demo.url}/groups")
            await coordinator.get_by_role("link", name="Log again: Tuesday lunch club").click()
            await save(coordinator, "register")
            finance = await signed_in(browser, demo, FINANCE, PHONE_PICTURE)
            await picture(finance, demo, "/payments", "payments")
            await upload(await signed_in(browser, demo, COORDINATOR, DESK), demo)
            await browser.close()


async def signed_in(browser: Browser, demo: Demo, name: str, size: tuple[int, int]) -> Page:
    """A page of somebody's own."""
    context = await browser.new_context(viewport={"width": size[0], "height": size[1]}, locale="en-GB")
    page = await context.new_page()
    await sign_in(page, demo, name)
    return page


async def picture(page: Page, demo: Demo, path: str, name: str) -> None:
    """Go to a page and take its picture."""
    await page.goto(f"{demo.url}{path}")
    await save(page, name)


async def save(page: Page, name: str) -> None:
    """Take a picture of what the window shows."""
    await page.screenshot(path=FOLDER / f"{name}.png")
    print(f"docs/screenshots/{name}.png")


async def upload(page: Page, demo: Demo) -> None:
    """Show what happens to a spreadsheet before anything is saved."""
    day = f"{datetime.now(UTC) - timedelta(days=1):%d/%m/%Y}"
    content = "\ufeff" + "".join(";".join(cell.format(day=day) for cell in row) + "\r\n" for row in REGISTER)
    await page.goto(f"{demo.url}/registers/upload")
    await page.get_by_label("Register saved as CSV").set_input_files(
        {"name": "lunch-club.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    await page.get_by_role("button", name="See what will happen").click()
    await save(page, "upload")


if __name__ == "__main__":
    asyncio.run(main())
