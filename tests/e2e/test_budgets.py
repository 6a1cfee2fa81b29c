"""The quick part of ``make budgets``: what a first visit to the main pages weighs, and that its tools measure."""

import json
from pathlib import Path

import httpx
from playwright.async_api import Browser

from tests.budgets import weight
from tests.budgets.__main__ import Line, state_of, table
from tests.e2e.cutting import wire_to
from tests.e2e.demo_server import Demo
from tests.e2e.signing import link_for
from tests.participant_pages import PAGES, addresses
from timebank.demo.people import PARTICIPANT

WEIGHED = ("home", "catalogue", "check before using hours", "log my own time")


async def test_main_pages_are_light_on_a_first_visit(demo: Demo, chromium: Browser) -> None:
    async with httpx.AsyncClient(base_url=demo.url) as client, wire_to(demo.url) as wire:
        await client.post(
            await link_for(demo, PARTICIPANT), data={"csrf": ""}, headers={"Sec-Fetch-Site": "same-origin"}
        )
        found = await addresses(client)
        assert set(found) == {page.name for page in PAGES}
        for name in WEIGHED:
            weighed = await weight.weigh(chromium, wire, found[name], state_of(client, wire))
            assert weighed.strangers == (), name
            assert weighed.requests <= weight.MOST_REQUESTS, name
            assert 5_000 < weighed.bytes <= weight.MOST_BYTES, name


def test_the_lock_file_of_the_tools_pins_by_digest_and_names_no_registry() -> None:
    lock = Path(weight.__file__).with_name("package-lock.json")
    packages = json.loads(lock.read_text("utf-8"))["packages"]
    installed = {name: package for name, package in packages.items() if name}

    assert "node_modules/lighthouse" in installed
    assert all("resolved" not in package for package in installed.values())
    assert all(package["integrity"].startswith("sha512-") for package in installed.values())


def test_a_figure_over_its_budget_is_marked_and_said() -> None:
    line = Line("home")
    line.add("24,000", True, "too heavy")
    line.add("7", False, "more than 6 requests")

    assert table([line]).splitlines()[1].split() == ["home", "24,000", "7", "!"]
    assert line.broken == ["more than 6 requests"]
