"""Bringing members and hours from another program, as a coordinator does: file, questions, import, report."""

from uuid import uuid4

from playwright.async_api import Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.demo.people import COORDINATOR


def users(mark: str) -> str:
    return f"{mark}1,2015-03-02,Ada {mark},Example,,,,,,\n{mark}2,2015-03-03,Ben {mark},Sample,,,,,,not an address\n"


def transfers(mark: str) -> str:
    return (
        f"{mark}2,Member,{mark}1,Member,5400,2016-04-12 17:30:00 UTC,Repaired a lamp,31\n"
        f"{mark}9,Member,{mark}1,Member,90,2016-04-12 17:30:00 UTC,Reading aloud,\n"
        f"{mark}1,Member,{mark}1,Member,60,2016-04-12 17:30:00 UTC,Oops,\n"
    )


async def bring(page: Page, demo: Demo, kind: str, content: str, name: str = "file.csv") -> None:
    await page.goto(f"{demo.url}/imports")
    await page.get_by_label("What kind of file is it?").select_option(label=kind)
    file = {"name": name, "mimeType": "text/csv", "buffer": content.encode()}
    await page.get_by_label("File", exact=True).set_input_files(file)
    await page.get_by_role("button", name="See what will happen").click()
    await page.get_by_role("heading", level=1, name="Check the file").wait_for()


async def test_members_and_transfers_from_file_to_report(demo: Demo, open_page: Opener, javascript: bool) -> None:
    mark = uuid4().hex[:6]
    page = await open_page(javascript=javascript, size=PHONE if javascript else DESK)
    await sign_in(page, demo, COORDINATOR)
    await bring(page, demo, "TimeOverflow: members", users(mark))
    await page.get_by_text("People: 1 ready, 1 to be decided").wait_for()
    await assert_good(page)
    await page.get_by_label("Add these people without it").check()
    await page.get_by_role("button", name="Check my answers").click()
    await page.get_by_role("button", name="Import 2 people").click()
    await page.get_by_role("heading", level=1, name="The file is imported").wait_for()
    await assert_good(page)

    await bring(page, demo, "TimeOverflow: transfers", transfers(mark))
    await page.get_by_role("heading", level=2, name="Cannot be added: 1").wait_for()
    await page.get_by_label("Or the number of a member").fill("999999")
    await page.get_by_role("button", name="Check my answers").click()
    await page.get_by_role("alert").filter(has_text="There is no member with the number").wait_for()
    assert await page.get_by_label("Or the number of a member").input_value() == "999999", "what was typed is kept"
    await assert_good(page)
    await page.get_by_label("Or the number of a member").fill("")
    await page.get_by_label(f"Who is “{mark}9”?").select_option(label="A new member: add them")
    await page.get_by_label("To the nearest minute").check()
    await page.get_by_role("button", name="Check my answers").click()
    row = page.locator(".tb-table tr").filter(has_text="1 hour 30 minutes")
    assert f"Ada {mark} Example" in await row.inner_text()
    await assert_good(page)
    await page.get_by_role("button", name="Import 1 person and 2 exchanges").click()
    await page.get_by_role("heading", level=1, name="The file is imported").wait_for()
    await assert_good(page)
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Download the report").click()
    report = (await (await downloading.value).path()).read_text("utf-8")
    assert "This person would give time to themselves." in report
    assert "1 minute 30 seconds" in report

    await bring(page, demo, "TimeOverflow: transfers", transfers(mark))
    await page.get_by_text("Exchanges: 2 there already, 1 refused").wait_for()
    await page.get_by_role("button", name="Finish: there is nothing to add").click()
    await page.get_by_text("Were there already").wait_for()


async def test_columns_are_chosen_and_a_file_that_is_none_is_explained(demo: Demo, open_page: Opener) -> None:
    mark = uuid4().hex[:6]
    page = await open_page(javascript=False, size=PHONE)
    await sign_in(page, demo, COORDINATOR)
    await page.goto(f"{demo.url}/imports")
    await assert_good(page)
    await page.get_by_role("button", name="See what will happen").click()
    await page.get_by_role("alert").filter(has_text="Choose what kind of file this is.").wait_for()
    await assert_good(page)
    await page.get_by_text("What these files look like").click()
    await assert_good(page)

    await bring(page, demo, "Another spreadsheet: balances", f"Wer;Stunden\nAda {mark};1,5\n")
    await page.get_by_role("heading", level=2, name="Which column is which?").wait_for()
    await assert_good(page)
    await page.get_by_label("Who", exact=True).select_option(label="Wer")
    await page.get_by_label("Balance", exact=True).select_option(label="Stunden")
    await page.get_by_role("button", name="Check my answers").click()
    await page.get_by_label("Hours", exact=True).check()
    await page.get_by_label("Everybody who is not a member here").select_option("add")
    await page.get_by_role("button", name="Check my answers").click()
    await page.get_by_role("button", name="Import 1 person and 1 balance").wait_for()
    await assert_good(page)
    await page.get_by_role("button", name="Import nothing").click()
    await page.get_by_role("status").filter(has_text="The import was stopped.").wait_for()
