"""Whole journeys of the four who handle money, by links and buttons alone: prepare, approve, export, audit.

Each begins at signing in and ends with what the person came for. Taps after signing in are counted.
"""

import asyncio
import hashlib
import io
import re
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.banks.queries import by_slug
from timebank.db import Database
from timebank.demo.people import ADMINISTRATOR, FINANCE, RIVERSIDE
from timebank.kit.actor import system
from timebank.members.service import Added, AddMember, add

BOTH = pytest.mark.parametrize(
    ("size", "javascript"), [(PHONE, False), (DESK, True)], ids=["phone-no-javascript", "desk"]
)
AUDITOR = "Una Bose (auditor)"
MAX_TAPS_TO_EXPORT = 2


class Person:
    """Somebody at a page, whose taps are counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.main = page.get_by_role("main")
        self.taps = 0

    async def tap(self, what: Locator) -> None:
        await what.click()
        await self.page.wait_for_load_state()
        self.taps += 1

    async def press(self, name: str | re.Pattern[str]) -> None:
        await self.tap(self.main.get_by_role("button", name=name).first)

    async def follow(self, name: str | re.Pattern[str]) -> None:
        await self.tap(self.main.get_by_role("link", name=name).first)

    async def to_payments(self) -> None:
        """From the first page after signing in; on a phone the menu is opened first."""
        header = self.page.get_by_role("banner")
        link = header.get_by_role("link", name="Payments", exact=True).locator("visible=true")
        if not await link.count():
            await self.tap(header.locator("summary").locator("visible=true").first)
        await self.tap(link.first)

    async def download(self, name: str) -> tuple[str, bytes]:
        """The name and the bytes of a file behind a link."""
        link = self.main.get_by_role("link", name=name)
        async with self.page.expect_download() as started:
            await link.first.click()
        self.taps += 1
        path = await (await started.value).path()
        content = await asyncio.to_thread(Path(path).read_bytes)
        return (await started.value).suggested_filename, content


async def arrive(demo: Demo, open_page: Opener, name: str, size: tuple[int, int], javascript: bool) -> Person:
    page = await open_page(size=size, javascript=javascript)
    await sign_in(page, demo, name)
    return Person(page)


async def auditor(demo: Demo) -> None:
    """Somebody who administers, and so may look at payments but not touch them."""
    db = await Database.open(demo.app_url, pool_size=1)
    try:
        async with db.globally() as connection:
            bank = await by_slug(connection, RIVERSIDE)
        assert bank is not None
        now = datetime.now(UTC)
        command = AddMember(display_name=AUDITOR, joined_on=now.date(), roles=("admin",))
        assert isinstance(await add(db, system(bank.id), command, key="e2e-auditor", now=now), Added)
    finally:
        await db.close()


def prove(pack: bytes, folder: Path) -> None:
    """Run the pack's own check where none of our software is."""
    with zipfile.ZipFile(io.BytesIO(pack)) as unpacked:
        unpacked.extractall(folder)
    [check] = folder.glob("*/check.py")
    command = [sys.executable, "-I", check.name]
    done = subprocess.run(command, cwd=check.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@BOTH
async def test_prepared_by_one_approved_by_another_exported_and_audited(
    demo: Demo, open_page: Opener, size: tuple[int, int], javascript: bool
) -> None:
    mark = f"ROLE-{uuid4().hex[:6]}"
    preparer = await arrive(demo, open_page, FINANCE, size, javascript)
    await preparer.to_payments()
    await preparer.follow("Pay something else")
    page = preparer.page
    await page.get_by_label("Who is paid?").select_option(index=1)
    await page.get_by_label("Amount, tax included").fill("1234567890123456789")
    await page.get_by_label("What is it for?").fill(f"=Hall {mark}")
    await page.get_by_label("Invoice number").fill(mark)
    await page.get_by_label("Why is it paid?").fill("The group meets there")
    await page.get_by_label("Where is the invoice or receipt?").fill("Folder 3")
    await preparer.press("Send for approval")
    await page.get_by_role("alert").filter(has_text="Enter an amount up to").wait_for()
    await assert_good(page)
    await page.get_by_label("Amount, tax included").fill("61.25")
    await preparer.press("Send for approval")
    # It waits for somebody else, and says so: the one who typed it in has no button.
    await expect(preparer.main).to_contain_text("£61.25")
    assert await preparer.main.get_by_role("button", name=re.compile("^Approve")).count() == 0
    await assert_good(page)

    approver = await arrive(demo, open_page, ADMINISTRATOR, size, javascript)
    await approver.to_payments()
    await assert_good(approver.page)
    row = approver.main.locator("tr").filter(has_text=mark)
    await approver.tap(row.get_by_role("link").first)
    await expect(approver.main).to_contain_text("The group meets there")
    await assert_good(approver.page)
    await approver.press(re.compile("^Approve £61.25"))
    await expect(approver.page.get_by_role("status")).to_contain_text("pproved")
    await assert_good(approver.page)

    exporter = await arrive(demo, open_page, FINANCE, size, javascript)
    await exporter.to_payments()
    exporter.taps = 0
    await exporter.press(re.compile("^Export "))
    await expect(exporter.main).to_contain_text("Its files")
    file_name, content = await exporter.download("Download the file")
    assert exporter.taps == MAX_TAPS_TO_EXPORT
    assert file_name.endswith(".csv")
    assert b"61.25" in content
    assert b",=" not in content  # nothing that a spreadsheet would run
    await exporter.page.reload()
    await expect(exporter.main).to_contain_text("Load it into your bank once only")
    assert hashlib.sha256(content).hexdigest() in re.sub(r"\s", "", await exporter.main.inner_text())
    await assert_good(exporter.page)


@BOTH
async def test_an_auditor_takes_the_pack_proves_it_and_walks_from_a_payment_to_what_it_was_for(
    demo: Demo, open_page: Opener, size: tuple[int, int], javascript: bool, tmp_path: Path
) -> None:
    await auditor(demo)
    person = await arrive(demo, open_page, AUDITOR, size, javascript)
    await person.to_payments()
    assert await person.main.get_by_role("button", name=re.compile("^(Approve|Export|Send)")).count() == 0
    await assert_good(person.page)
    await person.follow("Payment runs and their files")
    await assert_good(person.page)
    await person.follow(re.compile(r"^Payment run 1\b|^1$|^Run 1\b"))
    await person.follow("Remittance advice and audit pack")
    _, pack = await person.download("Download the audit pack")
    assert person.taps <= 6
    await asyncio.to_thread(prove, pack, tmp_path)
    await person.follow("Payment run 1")
    await person.page.get_by_text("Who took its files").click()
    await expect(person.main).to_contain_text(f"{AUDITOR}, Audit pack")
    await assert_good(person.page)

    # From a line of the run to the bank's line and to what it was for; test_reports.py goes on to the hours.
    await person.tap(person.main.locator("tbody th a").first)
    await assert_good(person.page)
    await person.tap(person.main.locator("a[href^='/reports/trace?q=']").first)
    for found in ("Bank statement.", "Payment run.", "Owed.", re.compile(r"Session\.|Time given\.|No hours\.")):
        await expect(person.main).to_contain_text(found)
    await assert_good(person.page)
