"""What a first visit to a page costs: every byte and request on the wire, with what the worker fetches afterwards."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.async_api import Browser, StorageState

from tests.e2e.conftest import PHONE
from tests.e2e.cutting import Wire

MOST_BYTES = 25_000
MOST_REQUESTS = 6
QUIET_MILLISECONDS = 400
IS_QUIET = """async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    return !registration || Boolean(registration.active && await caches.match("/offline"));
}"""


@dataclass(frozen=True, slots=True)
class Weight:
    """Bytes that came over the wire, headers and all; requests; and hosts other than ours."""

    bytes: int
    requests: int
    strangers: tuple[str, ...]


async def weigh(browser: Browser, wire: Wire, path: str, state: StorageState) -> Weight:
    """Open a page in a browser that knows nothing but who is signed in, and wait until all is quiet."""
    context = await browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]}, storage_state=state)
    hosts: set[str] = set()
    context.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page = await context.new_page()
    wire.reset()
    answer = await page.goto(f"{wire.url}{path}", wait_until="networkidle")
    assert answer is not None
    assert answer.status == 200, f"{path}: {answer.status}"
    while not await page.evaluate(IS_QUIET):
        await page.wait_for_timeout(QUIET_MILLISECONDS)
    await page.wait_for_timeout(QUIET_MILLISECONDS)
    weight = Weight(wire.received, wire.requests, tuple(sorted(hosts - {urlsplit(wire.url).netloc, ""})))
    await context.close()
    return weight
