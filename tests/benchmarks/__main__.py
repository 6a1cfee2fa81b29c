"""``make bench``: start the demo on new data, measure it, print a table. Nothing here fails on a slow machine."""

import asyncio
import http.client
import platform
import re
import statistics
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import psutil
from playwright.async_api import async_playwright

from scripts import ensure_chromium
from tests.e2e.conftest import FLAGS, PHONE
from tests.e2e.demo_server import Demo, running_demo
from tests.e2e.signing import link_for
from timebank.demo.people import PARTICIPANT

WARM_UP = 30
REQUESTS = 400
ARRIVALS = 300
ARRIVALS_PER_SECOND = 20


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    measured: str
    target: str


def main() -> None:
    """Measure and print."""
    with running_demo() as demo:
        figures = [first_page(demo), *asyncio.run(pages(demo)), asyncio.run(weight(demo)), *memory(demo)]
    width = max(len(figure.what) for figure in figures)
    print(f"{platform.machine()}, {psutil.cpu_count()} cores, Python {platform.python_version()}\n")
    print(f"{'figure':{width}}  {'measured':>28}  target")
    for figure in figures:
        print(f"{figure.what:{width}}  {figure.measured:>28}  {figure.target}")


def first_page(demo: Demo) -> Figure:
    """What the demo itself says it took from its start to the first page, database and demo data included."""
    found = re.search(r"first page after ([\d.]+) s", demo.said)
    return Figure("timebank demo, from nothing to the first page", f"{found[1] if found else '?'} s", "at most 20 s")


async def pages(demo: Demo) -> list[Figure]:
    """Times as a client on the same machine sees them: one after the other, then arriving at a steady rate."""
    async with httpx.AsyncClient(base_url=demo.url, headers={"Accept-Encoding": "br"}) as client:
        link = await link_for(demo, PARTICIPANT)
        signed_in = await client.post(link, data={"csrf": ""}, headers={"Sec-Fetch-Site": "same-origin"})
        assert signed_in.status_code == 303, signed_in.text
        figures = []
        for what, path, target in (
            ("ceiling: /healthz, p95", "/healthz", "-"),
            ("participant home, p95", "/", "at most 30 ms"),
            ("all entries, p95", "/hours", "-"),
            ("catalogue, p95", "/offers", "-"),
        ):
            figures.append(Figure(what, in_words(one_by_one(demo, path, dict(client.cookies))), target))
        started = time.perf_counter()
        arrivals = await asyncio.gather(
            *(timed(client, "/", after=started + n / ARRIVALS_PER_SECOND) for n in range(ARRIVALS))
        )
        words = f"participant home, p95, {ARRIVALS_PER_SECOND} arriving a second"
        figures.append(Figure(words, in_words(arrivals), "at most 30 ms"))
    return figures


def one_by_one(demo: Demo, path: str, cookies: dict[str, str]) -> list[float]:
    """Seconds that each request took, by a client that costs next to nothing itself."""
    connection = http.client.HTTPConnection(urlsplit(demo.url).netloc)
    headers = {"Accept-Encoding": "br", "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    times = []
    for _ in range(WARM_UP + REQUESTS):
        started = time.perf_counter()
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        response.read()
        times.append(time.perf_counter() - started)
        assert response.status == 200, f"{path}: {response.status}"
    connection.close()
    return times[WARM_UP:]


async def timed(client: httpx.AsyncClient, path: str, after: float = 0) -> float:
    """Seconds that one request took; it starts when the clock says ``after``."""
    if (wait := after - time.perf_counter()) > 0:
        await asyncio.sleep(wait)
    started = time.perf_counter()
    response = await client.get(path)
    took = time.perf_counter() - started
    assert response.status_code == 200, f"{path}: {response.status_code}"
    return took


def in_words(times: list[float]) -> str:
    """The 95th percentile, and the median beside it."""
    p95 = statistics.quantiles(times, n=100)[94]
    return f"{p95 * 1000:.1f} ms (median {statistics.median(times) * 1000:.1f})"


async def weight(demo: Demo) -> Figure:
    """Bytes on the wire and requests of a participant's first visit, as the browser counts them."""
    path = ensure_chromium.find()
    assert path is not None, "Chromium is missing"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        context = await browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]})
        page = await context.new_page()
        await page.goto(await link_for(demo, PARTICIPANT))
        await page.get_by_role("main").get_by_role("button").first.click()
        await page.wait_for_url(f"{demo.url}/")
        state = await context.storage_state()
        await context.close()
        fresh = await browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]}, storage_state=state)
        page = await fresh.new_page()
        session = await fresh.new_cdp_session(page)
        await session.send("Network.enable")
        sizes: list[int] = []
        session.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
        await page.goto(demo.url, wait_until="networkidle")
        await browser.close()
    return Figure(
        "participant home, first visit",
        f"{sum(sizes) / 1000:.1f} KB, {len(sizes)} requests",
        "at most 25 KB, 6 requests",
    )


def memory(demo: Demo) -> list[Figure]:
    """Resident memory of the serving process, and of the one that started it."""
    parent = psutil.Process(demo.pid)
    servers = [child for child in parent.children() if "postgres" not in child.name()]
    largest = max((child.memory_info().rss for child in servers), default=0)
    return [
        Figure("memory of the serving process", f"{largest / 2**20:.0f} MiB", "at most 150 MiB"),
        Figure("memory of its parent", f"{parent.memory_info().rss / 2**20:.0f} MiB", "-"),
    ]


if __name__ == "__main__":
    main()
