"""A bank statement as finance brings it: upload, what was matched, what is left explained until suspense is zero."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from playwright.async_api import Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.demo.people import ADMINISTRATOR, FINANCE

DAY = (datetime.now(UTC) - timedelta(days=1)).date()


def statement(mark: str, *lines: str) -> str:
    rows = [f"{DAY:%d/%m/%Y},{mark} {line}" for line in lines]
    return "\n".join(["Date,Description,Amount", *rows])


async def bring(page: Page, demo: Demo, content: str, name: str = "march.csv") -> None:
    await page.goto(f"{demo.url}/reconciliation/statements")
    file = {"name": name, "mimeType": "text/csv", "buffer": content.encode()}
    await page.get_by_label("The file from your bank").set_input_files(file)
    await page.get_by_role("button", name="See what it holds").click()
    await page.wait_for_load_state()


async def on_its_way(page: Page, demo: Demo) -> tuple[str, str]:
    """Reference and amount of a payment that is on its way, read from the pages."""
    await page.goto(f"{demo.url}/reconciliation")
    await page.get_by_role("link", name=re.compile(r"^Run \d+$")).first.click()
    row = page.locator(".tb-table tr").filter(has_text="On its way").first
    text = await row.inner_text()
    reference = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", text)
    amount = re.search(r"£([\d,.]+)", text)
    assert reference is not None
    assert amount is not None
    return reference[0], amount[1].replace(",", "")


async def test_from_the_file_to_a_suspense_of_zero(demo: Demo, open_page: Opener) -> None:
    mark = uuid4().hex[:6]
    page = await open_page(javascript=True, size=PHONE)
    await sign_in(page, demo, FINANCE)
    reference, amount = await on_its_way(page, demo)
    content = statement(mark, f"FPS {reference},-{amount}", "CHARGES,-3.00", "COUNCIL GRANT,4000.00")
    await bring(page, demo, content)
    await page.get_by_role("heading", name=re.compile("^3 lines, ")).wait_for()
    main = page.get_by_role("main")
    assert "1 matched with our payments" in await main.inner_text()
    assert "2 unknown, for you to explain" in await main.inner_text()
    await assert_good(page)
    # Two taps from the chosen file to the import.
    await page.get_by_role("button", name="Import 3 lines").click()
    await page.get_by_role("status").filter(has_text="1 matched, 2 to explain").wait_for()
    await assert_good(page)

    await bring(page, demo, content)
    await page.get_by_role("status").filter(has_text="imported before").wait_for()

    await page.goto(f"{demo.url}/reconciliation")
    await assert_good(page)
    await page.get_by_role("link", name=f"{mark} CHARGES").click()
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("alert").filter(has_text="Choose what this line is.").wait_for()
    await assert_good(page)
    await page.get_by_label("Bank charge").check()
    await page.get_by_label("How do you know?").fill("The bank’s price list")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("status").filter(has_text="This line is explained.").wait_for()

    other = await open_page(javascript=False, size=DESK)
    await sign_in(other, demo, FINANCE)
    await other.goto(f"{demo.url}/reconciliation")
    await other.get_by_role("link", name=f"{mark} COUNCIL GRANT").click()
    await other.get_by_label("Grant received").check()
    await other.get_by_label("How do you know?").fill("Grant letter 17")
    await assert_good(other)
    await other.get_by_role("button", name="Save").click()
    await other.get_by_role("status").filter(has_text="Someone else in finance agrees").wait_for()
    row = other.locator(".tb-table tr").filter(has_text=f"{mark} COUNCIL GRANT")
    assert "Second person needed" in await row.inner_text()
    await row.get_by_role("link").click()
    assert await other.get_by_role("button", name="Yes, that is so").count() == 0, "nobody agrees with themselves"
    await assert_good(other)


async def test_columns_are_asked_once_and_doubles_are_said(demo: Demo, open_page: Opener, javascript: bool) -> None:
    mark = uuid4().hex[:6]
    page = await open_page(javascript=javascript, size=PHONE if javascript else DESK)
    await sign_in(page, demo, FINANCE)
    await page.goto(f"{demo.url}/reconciliation/statements")
    await page.get_by_role("button", name="See what it holds").click()
    await page.get_by_role("alert").filter(has_text="Choose the statement").wait_for()
    await assert_good(page)
    await bring(page, demo, "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "bad.xml")
    await page.get_by_role("alert").filter(has_text="It was not read.").wait_for()
    await assert_good(page)

    heading = f"When{mark};What{mark};Sum{mark}"
    pence = int(mark, 16) % 9000 + 10_000
    content = f"{heading}\n{DAY:%d.%m.%Y};{mark} tea;-{pence / 100:.2f}\n"
    await bring(page, demo, content)
    await page.get_by_role("heading", name="Which column is which?").wait_for()
    await assert_good(page)
    await page.get_by_label("Date", exact=True).select_option(label=f"When{mark}")
    await page.get_by_label("Amount, in one column").select_option(label=f"Sum{mark}")
    await page.get_by_label("Description").select_option(label=f"What{mark}")
    await page.get_by_role("button", name="Read it like this").click()
    await page.get_by_role("button", name="Import 1 line").click()
    await page.get_by_role("status").filter(has_text="1 to explain").wait_for()

    await bring(page, demo, content.replace("tea", "lunch"))
    await page.get_by_role("button", name="Import 1 line").click()
    await page.get_by_role("alert").filter(has_text="Are they the same lines?").wait_for()
    await assert_good(page)
    await page.get_by_label("Yes, leave them out").check()
    await page.get_by_role("button", name="Import 1 line").click()
    await page.get_by_role("status").filter(has_text="0 lines imported").wait_for()


async def test_an_administrator_looks_and_the_list_of_creditors_agrees(demo: Demo, open_page: Opener) -> None:
    page = await open_page(javascript=False, size=DESK)
    await sign_in(page, demo, ADMINISTRATOR)
    await page.goto(f"{demo.url}/reconciliation/creditors")
    await page.get_by_text("It agrees with the accounts").wait_for()
    await assert_good(page)
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Download as CSV").click()
    text = (await (await downloading.value).path()).read_text("utf-8-sig")
    assert text.startswith("Payee,0 to 30 days")
    assert text.splitlines()[-1].startswith("Total,")


async def test_a_line_that_is_two_things_is_split(demo: Demo, open_page: Opener) -> None:
    mark = uuid4().hex[:6]
    page = await open_page(javascript=False, size=PHONE)
    await sign_in(page, demo, FINANCE)
    pence = 100 + int(mark, 16) % 5000
    await bring(page, demo, statement(mark, f"SHOP AND FEE,-{pence / 100 + 1:.2f}"))
    await page.get_by_role("button", name="Import 1 line").click()
    await page.goto(f"{demo.url}/reconciliation")
    await page.get_by_role("link", name=f"{mark} SHOP AND FEE").click()
    await page.get_by_text("It is more than one thing").click()
    await page.get_by_label("Amount of one part").fill("much")
    await page.get_by_role("button", name="Split it").click()
    await page.get_by_role("alert").filter(has_text="amount").wait_for()
    assert await page.get_by_label("Amount of one part").input_value() == "much"
    await assert_good(page)
    await page.get_by_label("Amount of one part").fill("1.00")
    await page.get_by_role("button", name="Split it").click()
    await page.get_by_role("status").filter(has_text="in two parts").wait_for()
    await assert_good(page)
    await page.get_by_role("link", name="Part 1").click()
    await page.get_by_label("Bank charge").check()
    await page.get_by_label("How do you know?").fill("The bank’s price list")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("status").filter(has_text="This line is explained.").wait_for()
