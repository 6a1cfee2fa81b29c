"""Signing in with a code by e-mail, as the demo's outbox received it, and with a passkey that a browser keeps."""

import asyncio
import re
from email import message_from_bytes, policy

from playwright.async_api import Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import link_for
from timebank.demo.people import RIVERSIDE_PEOPLE

MEMBER = "Hana Nováková"


ADDRESS = f"member{RIVERSIDE_PEOPLE.index(MEMBER)}@riverside.example"
PATIENCE_SECONDS = 10


async def codes_to(demo: Demo, address: str, *, more_than: int) -> list[str]:
    """The codes that the outbox has for an address, once there are more than before."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            kept = [
                message_from_bytes(path.read_bytes(), policy=policy.default)
                for path in sorted((demo.data_dir / "mail").glob("*.eml"))
            ]
            found = [re.sub(r"\D", "", mail["Subject"]) for mail in kept if mail["To"] == address]
            found = [code for code in found if len(code) == 6]
            if len(found) > more_than:
                return found
            await asyncio.sleep(0.05)


async def test_six_numbers_by_email(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript, size=PHONE if javascript else DESK)
    await page.goto(f"{demo.url}/sign-in")
    await assert_good(page)
    await page.get_by_role("link", name="Send me an e-mail").click()
    await assert_good(page)
    await page.get_by_label("Your e-mail address").fill("nobody")
    await page.get_by_role("button", name="Send me the numbers").click()
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    await page.get_by_label("Your e-mail address").fill(ADDRESS.upper())
    await page.get_by_role("button", name="Send me the numbers").click()
    await page.get_by_role("heading", level=1, name="Type the six numbers").wait_for()
    await assert_good(page)
    await page.get_by_label("The six numbers").fill("12 34 5")
    await page.get_by_role("main").get_by_role("button", name="Sign in").click()
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    code = (await codes_to(demo, ADDRESS, more_than=0 if javascript else 1))[-1]
    await page.get_by_label("The six numbers").fill(f"{code[:3]} {code[3:]}")
    await page.get_by_role("main").get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"{demo.url}/")
    assert await page.get_by_text(MEMBER).count() > 0


async def test_a_passkey_made_once_signs_in_later(demo: Demo, open_page: Opener) -> None:
    page = await open_page()
    key = await page.context.new_cdp_session(page)
    await key.send("WebAuthn.enable")
    await key.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    # Browsers keep passkeys for names only, not for the bare address of the demo.
    here = demo.url.replace("127.0.0.1", "localhost")
    await page.goto((await link_for(demo, MEMBER)).replace("127.0.0.1", "localhost"))
    await page.get_by_role("main").get_by_role("button").first.click()
    await page.goto(f"{here}/me/passkeys")
    await assert_good(page)
    await page.get_by_role("button", name="Make a passkey here").click()
    await page.get_by_role("status").filter(has_text="Your passkey is ready").wait_for()
    await assert_good(page)
    await page.get_by_role("button", name="Sign out").first.click()
    await sign_in_by_passkey(page, here)
    await page.goto(f"{here}/me/passkeys")
    assert await page.get_by_text("Last used on").count() == 1
    await page.get_by_role("button", name=re.compile("^Take away the passkey")).click()
    await page.get_by_role("status").filter(has_text="does not work any more").wait_for()
    await page.get_by_role("button", name="Sign out").first.click()
    await page.goto(f"{here}/sign-in/passkey")
    await page.get_by_role("button", name="Use my passkey").click()
    await page.get_by_role("alert").get_by_text("That did not work").first.wait_for()
    await assert_good(page)


async def sign_in_by_passkey(page: Page, here: str) -> None:
    await page.goto(f"{here}/sign-in")
    await page.get_by_role("link", name="Use my passkey").click()
    await assert_good(page)
    await page.get_by_role("button", name="Use my passkey").click()
    await page.wait_for_url(f"{here}/")


async def test_without_a_script_passkeys_say_so(demo: Demo, open_page: Opener) -> None:
    page = await open_page(javascript=False)
    await page.goto(f"{demo.url}/sign-in/passkey")
    await page.get_by_text("Passkeys do not work in this browser.").wait_for()
    assert await page.get_by_role("button", name="Use my passkey").count() == 0
    await assert_good(page)
