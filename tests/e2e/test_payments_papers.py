"""Finance's files for accounts, payees and auditors, as somebody clicks through them."""

import asyncio
import io
import zipfile
from pathlib import Path

from playwright.async_api import Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import sign_in
from timebank.demo.people import FINANCE


def size_for(javascript: bool) -> tuple[int, int]:
    """Scripts on a desk, none on a phone: each is looked at once."""
    return DESK if javascript else PHONE


async def saved(page: Page, name: str) -> bytes:
    """What a press on a link or button with this name downloads."""
    async with page.expect_download() as download:
        await page.get_by_role("link", name=name).first.click()
    file = Path(await (await download.value).path())
    return await asyncio.to_thread(file.read_bytes)


async def test_codes_are_corrected_and_a_journal_is_two_taps_away(
    demo: Demo, open_page: Opener, javascript: bool
) -> None:
    page = await open_page(javascript=javascript, size=size_for(javascript))
    await sign_in(page, demo, FINANCE)
    await page.goto(f"{demo.url}/payments/codes")
    await assert_good(page)
    code = page.get_by_label("Involvement fees")
    kept = await code.input_value()
    # A browser keeps to the length; a program that posts the form does not.
    await page.evaluate("document.querySelectorAll('input').forEach(one => one.removeAttribute('maxlength'))")
    await code.fill("7" * 41)
    await page.get_by_label("Other costs").fill("7999")
    await page.get_by_role("button", name="Save the codes").click()
    await assert_good(page)
    assert "Shorten the code" in await page.get_by_role("alert").inner_text()
    assert await page.get_by_label("Other costs").input_value() == "7999"
    await page.get_by_label("Involvement fees").fill(kept)
    await page.get_by_role("button", name="Save the codes").click()
    assert "The account codes are saved" in await page.inner_text("main")
    await assert_good(page)
    assert b"commodity" in await saved(page, "hledger")
    await page.get_by_text("Other days").click()
    await page.get_by_role("group", name="First day").get_by_label("Month").fill("99")
    await page.get_by_role("button", name="Download").click()
    await assert_good(page)
    assert await page.get_by_role("alert").is_visible()


async def test_papers_of_a_run(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript, size=size_for(javascript))
    await sign_in(page, demo, FINANCE)
    for number in (4, 3, 2, 1):
        await page.goto(f"{demo.url}/payments/batches/{number}")
        await page.get_by_role("link", name="Remittance advice and audit pack").click()
        await assert_good(page)
        send = page.get_by_role("button", name="Send by e-mail")
        if await send.count():
            await send.click()
            assert "sent within minutes" in await page.inner_text("main")
            assert not await page.get_by_role("button", name="Send by e-mail").count()
            await assert_good(page)
    assert (await saved(page, "Download all as PDF")).startswith(b"%PDF")
    with zipfile.ZipFile(io.BytesIO(await saved(page, "Download the audit pack"))) as pack:
        assert any(name.endswith("/check.py") for name in pack.namelist())
