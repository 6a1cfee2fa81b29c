"""``make budgets``: start the demo on new data, measure every participant page, print a table, fail over a budget.

``--only home`` measures the pages with that in their name; ``--without-lighthouse`` takes seconds instead of minutes.
"""

import argparse
import asyncio
import sys
from dataclasses import dataclass, field

import httpx
from playwright.async_api import StorageState, async_playwright

from scripts import ensure_chromium
from tests import reading
from tests.budgets import lighthouse, weight
from tests.e2e.conftest import FLAGS
from tests.e2e.cutting import Wire, wire_to
from tests.e2e.demo_server import Demo, running_demo
from tests.e2e.signing import link_for
from tests.participant_pages import addresses
from timebank.db import Database
from timebank.demo.people import PARTICIPANT

OK = 200
HEADINGS = ("page", "bytes", "asks", "later", "words", "easy", "grade", "a11y", "best", "perf", "shift", "ready")


@dataclass
class Line:
    """One page in the table: its figures as shown, and what is over budget."""

    name: str
    cells: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def add(self, shown: str, is_good: bool, complaint: str) -> None:
        """A figure; where it is not good it is marked, and the complaint is kept."""
        self.cells.append(shown if is_good else f"{shown} !")
        if not is_good:
            self.broken.append(complaint)


def main() -> int:
    """Measure and print; 1 when a budget is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="measure the pages with this in their name")
    parser.add_argument("--without-lighthouse", action="store_true")
    asked = parser.parse_args()
    if not asked.without_lighthouse:
        lighthouse.install()
    with running_demo() as demo:
        lines = asyncio.run(measure(demo, asked.only, with_lighthouse=not asked.without_lighthouse))
    print(table(lines))
    for line in lines:
        for complaint in line.broken:
            print(f"{line.name}: {complaint}")
    return 1 if any(line.broken for line in lines) else 0


async def measure(demo: Demo, only: str, *, with_lighthouse: bool) -> list[Line]:
    """Every page: weight and requests, words, and what Lighthouse says."""
    chromium = ensure_chromium.find()
    assert chromium is not None, "Chromium is missing"
    async with async_playwright() as playwright, wire_to(demo.url) as wire:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        async with httpx.AsyncClient(base_url=demo.url) as client:
            signed_in = await client.post(
                await link_for(demo, PARTICIPANT), data={"csrf": ""}, headers={"Sec-Fetch-Site": "same-origin"}
            )
            assert signed_in.status_code == 303, signed_in.text
            cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
            pages = {name: path for name, path in (await addresses(client)).items() if only in name}
            answers = {name: (await client.get(path)).status_code for name, path in pages.items()}
            failed = [Line(name, broken=[f"answered {code}"]) for name, code in answers.items() if code != OK]
            lines = {path: Line(name) for name, path in pages.items() if answers[name] == OK}
            state = state_of(client, wire)
            for path, line in lines.items():
                weighed(line, await weight.weigh(browser, wire, path, state))
            await words(demo, client, lines)
        await browser.close()
    if with_lighthouse:
        for path, line in lines.items():
            print(f"Lighthouse: {line.name}", file=sys.stderr, flush=True)
            scored(line, lighthouse.measure(f"{demo.url}{path}", cookie, chromium))
    return [*lines.values(), *failed]


def state_of(client: httpx.AsyncClient, wire: Wire) -> StorageState:
    """What a browser needs to be the member who is signed in, at this end of the wire."""
    cookies = [{"name": name, "value": value, "url": wire.url} for name, value in client.cookies.items()]
    return {"cookies": cookies, "origins": []}  # type: ignore[typeddict-item]


def weighed(line: Line, found: weight.Weight) -> None:
    """Bytes and requests of a first visit."""
    line.add(f"{found.bytes:,}", found.bytes <= weight.MOST_BYTES, f"more than {weight.MOST_BYTES:,} bytes")
    line.add(str(found.requests), found.requests <= weight.MOST_REQUESTS, f"more than {weight.MOST_REQUESTS} requests")
    line.cells.append(f"{found.later:,}")
    line.broken += [f"fetches from {host}" for host in found.strangers]


async def words(demo: Demo, client: httpx.AsyncClient, lines: dict[str, Line]) -> None:
    """The longest sentence as it is, and in Easy Read; the grade."""
    usual = {path: reading.reading_of((await client.get(path)).text) for path in lines}
    await read_easily(demo)
    for path, line in lines.items():
        easy = reading.reading_of((await client.get(path)).text)
        for found, most in ((usual[path], reading.MOST_WORDS), (easy, reading.MOST_WORDS_EASY)):
            longest = max((len(sentence.split()) for sentence in found.sentences), default=0)
            too_long = "; ".join(f"“{sentence}”" for sentence in found.longer_than(most))
            line.add(str(longest), not too_long, f"more than {most} words: {too_long}")
        grade = usual[path].grade
        line.add(f"{grade:.1f}", grade <= reading.HARDEST_GRADE, f"reads like grade {grade:.1f}")


async def read_easily(demo: Demo) -> None:
    """Let the participant choose Easy Read."""
    db = await Database.open(demo.app_url, pool_size=2)
    try:
        async with db.globally() as connection:
            bank = await connection.fetchval("select id from timebank where slug = 'riverside'")
        async with db.writing(bank) as connection:
            await connection.execute(
                "update member set easy_read = true where timebank_id = $1 and display_name = $2", bank, PARTICIPANT
            )
    finally:
        await db.close()


def scored(line: Line, found: lighthouse.Scores) -> None:
    """What Lighthouse found."""
    for name, points in (
        ("accessibility", found.accessibility),
        ("best-practices", found.best_practices),
        ("performance", found.performance),
    ):
        least = lighthouse.LEAST[name]
        line.add(str(points), points >= least, f"{name} is under {least}: {', '.join(found.complaints)}")
    line.add(f"{found.layout_shift:.2f}", found.layout_shift == 0, "the page moves while it loads")
    most = lighthouse.MOST_SECONDS_TO_INTERACTIVE
    line.add(f"{found.interactive_seconds:.1f} s", found.interactive_seconds <= most, f"ready after more than {most} s")


def table(lines: list[Line]) -> str:
    """All figures under each other; a broken budget is marked with ``!``."""
    rows = [(line.name, *line.cells) for line in lines if line.cells]
    rows.insert(0, HEADINGS[: len(rows[0])])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
