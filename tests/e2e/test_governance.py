"""Rules, settings, the first day in five presses, practice there and back, the guide: in the browser."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo, free_port
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.demo.people import ADMINISTRATOR, COORDINATOR, PARTICIPANT

START_SECONDS = 120
PEOPLE = (
    "Ada Lindqvist\n2. Ben Osei, 01632 960 002\n- Cleo Marsh, cleo@example.test\nدنيا\nZoë Ní Bhriain\nE\nF\nG\nH\nI"
)


async def test_everybody_can_read_the_rules(demo: Demo, open_page: Opener) -> None:
    for size in (PHONE, DESK):
        page = await open_page(javascript=False, size=size)
        await sign_in(page, demo, PARTICIPANT)
        await page.goto(f"{demo.url}/rules")
        await page.get_by_text("One entry can be up to 12 hours.").wait_for()
        await page.get_by_text("What you log counts at once, up to 2 hours.").wait_for()
        await assert_good(page)
        assert await page.get_by_role("link", name="Change the rules").count() == 0
        await page.goto(f"{demo.url}/rules/2")
        await page.get_by_text("We trust each other with short entries").wait_for()
        await assert_good(page)


async def test_rules_are_changed_together(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript, size=PHONE if javascript else DESK)
    await sign_in(page, demo, ADMINISTRATOR)
    await page.goto(f"{demo.url}/rules")
    await page.get_by_role("link", name="Change the rules").click()
    minutes = "25" if javascript else "35"
    await page.get_by_label("For how many minutes can a register be undone?").fill("a while")
    await page.get_by_label("Day", exact=True).fill("1")
    await page.get_by_label("Month", exact=True).fill("1")
    await page.get_by_role("button", name="See what changes").click()
    await page.get_by_role("alert").filter(has_text="write a whole number").wait_for()
    await page.get_by_role("alert").filter(has_text="Say who decided").wait_for()
    await assert_good(page)

    await page.goto(f"{demo.url}/rules/change")
    await page.get_by_label("For how many minutes can a register be undone?").fill(minutes)
    await page.get_by_label("Who decided this?").fill("The members’ meeting")
    await page.get_by_label("Year", exact=True).fill("2020")
    await page.get_by_role("button", name="See what changes").click()
    await page.get_by_role("alert").filter(has_text="or later. Members are told 30 days before").wait_for()
    assert await page.get_by_label("Who decided this?").input_value() == "The members’ meeting"
    await page.goto(f"{demo.url}/rules/change")
    year = int(await page.get_by_label("Year", exact=True).input_value())
    await page.get_by_label("For how many minutes can a register be undone?").fill(minutes)
    await page.get_by_label("Who decided this?").fill("The members’ meeting")
    # In 60 days by month: late enough for the notice, soon enough for the limit of a year.
    month = int(await page.get_by_label("Month", exact=True).input_value())
    following = month % 12 + 1
    await page.get_by_label("Month", exact=True).fill(str(following))
    await page.get_by_label("Day", exact=True).fill("28")
    await page.get_by_label("Year", exact=True).fill(str(year + (following == 1)))
    await page.get_by_role("button", name="See what changes").click()
    await page.get_by_text(f"A saved register can be undone for {minutes} minutes.").wait_for()
    await assert_good(page)
    await page.get_by_role("button", name="Change something").click()
    assert await page.get_by_label("Who decided this?").input_value() == "The members’ meeting"
    await page.get_by_role("button", name="See what changes").click()
    await page.get_by_role("button", name="Publish this change").click()
    await page.get_by_role("status").filter(has_text="Every member is told").wait_for()
    await assert_good(page)


async def test_settings(demo: Demo, open_page: Opener) -> None:
    page = await open_page(javascript=False, size=PHONE)
    await sign_in(page, demo, ADMINISTRATOR)
    await page.goto(f"{demo.url}/settings")
    await page.get_by_label("Region for public holidays").fill("Narnia")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("alert").filter(has_text="region").wait_for()
    await assert_good(page)
    await page.get_by_label("Region for public holidays").fill("GB-ENG")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("status").filter(has_text="saved").wait_for()
    await assert_good(page)


async def test_practice_there_and_back(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript, size=PHONE if javascript else DESK)
    await sign_in(page, demo, COORDINATOR)
    await page.goto(f"{demo.url}/practice")
    await assert_good(page)
    # The second time begins afresh: the first has logged today's group already.
    await page.get_by_role("button", name="Go to practice" if javascript else "Begin afresh").click()
    await page.get_by_text("Practice: nothing here is real.").wait_for()
    await assert_good(page)
    # The guide's way, with its words: two presses.
    await page.get_by_role("link", name="Log again: Practice lunch club").click()
    await page.get_by_role("button", name="Save the register").click()
    await page.get_by_role("heading", level=1, name="Saved for").wait_for()
    await page.get_by_role("button", name="Leave practice").click()
    await page.get_by_role("status").filter(has_text="You are back").wait_for()
    assert await page.get_by_text("Practice: nothing here is real.").count() == 0
    await page.get_by_role("link", name="Riverside Time Bank").wait_for()


async def test_the_guide_says_what_is_on_the_pages(demo: Demo, open_page: Opener) -> None:
    page = await open_page(javascript=False, size=PHONE)
    await sign_in(page, demo, COORDINATOR)
    await page.goto(f"{demo.url}/guide")
    await assert_good(page)
    said = set(re.findall("“([^”]+)”", await page.get_by_role("main").inner_text()))
    assert {"Log a group", "Save the register", "Undo"} <= said
    await page.goto(f"{demo.url}/groups")
    shown = await page.locator("body").inner_text()
    await page.get_by_role("link", name="Log again").first.click()
    shown += await page.locator("body").inner_text()
    for words in ("Log a group", "Log again", "Anyone else?", "Change", "Save the register"):
        assert words in said, words
        assert words in shown, words


# The first day ------------------------------------------------------------------------------------------------------


@contextmanager
def empty_server() -> Iterator[tuple[str, str]]:
    """``timebank serve`` on an empty database: its address, and the set-up link it prints."""
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="timebank-first-", dir="/var/tmp"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TIMEBANK_")}
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "timebank"), "serve", "--port", str(port)],
        cwd=folder,
        env={**environment, "TIMEBANK_DATA_DIR": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    said: list[str] = []
    linked = threading.Event()

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if "/start/link/" in line:
                linked.set()
        linked.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        assert linked.wait(START_SECONDS), "".join(said)
        found = re.search(r"http\S+/start/link/\S+", "".join(said))
        assert found, "".join(said)
        yield f"http://127.0.0.1:{port}", found[0]
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
        listener.join(30)
        if process.stdout is not None:
            process.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def first_server() -> Iterator[tuple[str, str]]:
    with empty_server() as running:
        yield running


class Presses:
    """Counts what is pressed."""

    def __init__(self, page: Page) -> None:
        self.page, self.count = page, 0

    async def press(self, name: str) -> None:
        self.count += 1
        await self.page.get_by_role("button", name=name).click()


async def test_a_time_bank_in_five_presses(first_server: tuple[str, str], open_page: Opener) -> None:
    address, link = first_server
    page = await open_page(javascript=False, size=PHONE)
    await page.goto(link)
    await assert_good(page)
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("alert").filter(has_text="Give the time bank a name").wait_for()
    await assert_good(page)

    presses = Presses(page)
    await page.get_by_label("What is it called?").fill("Quayside Time Bank")
    await page.get_by_label("What is your name?").fill("Sefu Otieno")
    await page.get_by_label("Whom can people ask for help?").fill("Sefu, 01632 960 456")
    await presses.press("Continue")
    await page.get_by_text("Which rules do you begin with?").wait_for()
    assert "/start/link" not in page.url
    await assert_good(page)
    await presses.press("Continue")
    await page.get_by_label("What is it called?").fill("Tuesday lunch")
    await assert_good(page)
    await presses.press("Continue")
    await page.get_by_label("Names").fill("Ada\nada")
    await page.get_by_role("button", name="Make the time bank").click()
    await page.get_by_role("alert").filter(has_text="there twice").wait_for()
    await assert_good(page)
    assert "ada" in await page.get_by_label("Names").input_value()
    await page.get_by_label("Names").fill(PEOPLE)
    await presses.press("Make the time bank")
    await page.get_by_role("heading", level=1, name="Quayside Time Bank is ready").wait_for()
    await assert_good(page)
    await presses.press("Sign in and print the sheet")
    await page.get_by_role("heading", level=1, name="Tuesday lunch").wait_for()
    assert presses.count == 5
    sheet = await page.locator("body").inner_text()
    assert "Cleo Marsh" in sheet
    assert "Zoë Ní Bhriain" in sheet

    other = await open_page(javascript=False, size=DESK)
    await other.goto(link)
    await other.get_by_role("heading", level=1, name="This link does not work any more").wait_for()
    await assert_good(other)

    # Whoever made it is its administrator, and may start another one; what was typed is still there after a pause.
    await page.goto(f"{address}/start")
    await page.get_by_label("What is it called?").fill("Second Time Bank")
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_text("Which rules do you begin with?").wait_for()
    await page.goto(f"{address}/start")
    assert await page.get_by_label("What is it called?").input_value() == "Second Time Bank"
