"""Signing in through real one-time links, as often as a test needs."""

from datetime import UTC, datetime, timedelta

from playwright.async_api import Page

from tests.e2e.demo_server import Demo
from timebank.banks.queries import by_slug
from timebank.db import Database
from timebank.demo.people import RIVERSIDE
from timebank.identity.service import create_link
from timebank.kit.actor import system
from timebank.members.queries import known_members


async def link_for(demo: Demo, name: str, bank: str = RIVERSIDE) -> str:
    """A new one-time link for somebody in the demo."""
    db = await Database.open(demo.app_url, pool_size=1)
    try:
        async with db.globally() as connection:
            facts = await by_slug(connection, bank)
        assert facts is not None
        async with db.reading(facts.id) as connection:
            ids = {member.display_name: member.id for member in await known_members(connection, facts.id)}
        path = await create_link(
            db, system(facts.id), ids[name], now=datetime.now(UTC), valid_for=timedelta(minutes=10)
        )
    finally:
        await db.close()
    return f"{demo.url}{path}"


async def sign_in(page: Page, demo: Demo, name: str) -> None:
    """Open the link, press the button."""
    await page.goto(await link_for(demo, name))
    await page.get_by_role("main").get_by_role("button").first.click()
    # A page that is closed before it has loaded can hang the browser for ever.
    await page.wait_for_load_state()
    assert "/sign-in" not in page.url, page.url
