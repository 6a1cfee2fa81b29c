"""What a first visit to a page costs: every byte and request on the wire, and what the worker fetches afterwards."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.async_api import Browser, StorageState

from tests.e2e.conftest import PHONE
from tests.e2e.cutting import Wire
from timebank.web.installed import WORKER_PATH

MOST_BYTES = 25_000
MOST_REQUESTS = 6
LATER = (WORKER_PATH, "/offline")
QUIET_MILLISECONDS = 400
IS_QUIET = """async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    return !registration || Boolean(registration.active && await caches.match("/offline"));
}"""


@dataclass(frozen=True, slots=True)
class Weight:
    """Bytes that came over the wire, headers and all; requests; hosts other than ours.

    ``later`` are the bytes that the worker fetches when the page has long been read, for times without signal.
    """

    bytes: int
    requests: int
    later: int
    strangers: tuple[str, ...]


async def weigh(browser: Browser, wire: Wire, path: str, state: StorageState) -> Weight:
    """Open a page in a browser that knows nothing but who is signed in, and wait until all is quiet."""
    context = await browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]}, storage_state=state)
    hosts: set[str] = set()
    context.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page = await context.new_page()
    wire.log.clear()
    answer = await page.goto(f"{wire.url}{path}", wait_until="networkidle")
    assert answer is not None
    assert answer.status == 200, f"{path}: {answer.status}"
    while not await page.evaluate(IS_QUIET):
        await page.wait_for_timeout(QUIET_MILLISECONDS)
    await page.wait_for_timeout(QUIET_MILLISECONDS)
    later = [size for asked in LATER for size in wire.log.pop(asked, [])]
    sizes = [size for answers in wire.log.values() for size in answers]
    strangers = tuple(sorted(hosts - {urlsplit(wire.url).netloc, ""}))
    await context.close()
    return Weight(sum(sizes), len(sizes), sum(later), strangers)
