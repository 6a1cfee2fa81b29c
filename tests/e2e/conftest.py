"""The real server and a real browser, started once for a worker.

All browser tests run in one worker (``--dist loadgroup``): one server and one browser, however many workers there are.
Playwright's asynchronous interface is used throughout: the synchronous one refuses to work where a loop is running.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, StorageState, async_playwright

from scripts import ensure_chromium
from tests.e2e.demo_server import Demo, running_demo

PHONE = (360, 800)
DESK = (1280, 900)
ACTION_TIMEOUT_MILLISECONDS = 10_000
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# What Chromium itself writes to the console about an answer such as 404 or 422; pages are tested for those on purpose.
OWN_WORDS = "Failed to load resource"

Opener = Callable[..., Awaitable[Page]]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder as ``e2e`` and keep it in one worker."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("e2e")
            item.add_marker(pytest.mark.xdist_group("e2e"))


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """The demo on a free port with new data: ``demo.url``, ``demo.doors``, ``demo.owner_url``."""
    with running_demo() as running:
        yield running


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The system's Chromium."""
    path = ensure_chromium.find()
    assert path is not None, "Chromium is missing; `make test` says what to install"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        await browser.close()


@pytest.fixture(params=[True, False], ids=["javascript", "no-javascript"])
def javascript(request: pytest.FixtureRequest) -> bool:
    """Whether scripts run; a test that asks for it runs both ways."""
    return bool(request.param)


@pytest.fixture
async def open_page(chromium: Browser) -> AsyncIterator[Opener]:
    """``await open_page(javascript=False, size=DESK, state=...)``: a page in a browser profile of its own.

    At the end of the test the page must have thrown no script error, logged no error (a blocked script or style is one)
    and fetched nothing from another host. The worker for times without signal is kept out unless a test lets it in.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def console(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(OWN_WORDS):
            complaints.append(f"console: {message.text}")

    def requested(request: Request) -> None:
        split = urlsplit(request.url)
        if split.scheme not in {"data", "blob"} and split.hostname not in {"127.0.0.1", "localhost"}:
            complaints.append(f"fetched from elsewhere: {request.url}")

    async def opener(
        *,
        javascript: bool = True,
        size: tuple[int, int] = PHONE,
        state: StorageState | None = None,
        service_workers: Literal["allow", "block"] = "block",
    ) -> Page:
        context = await chromium.new_context(
            java_script_enabled=javascript,
            viewport={"width": size[0], "height": size[1]},
            locale="en-GB",
            timezone_id="Europe/London",
            storage_state=state,
            service_workers=service_workers,
        )
        contexts.append(context)
        context.set_default_timeout(ACTION_TIMEOUT_MILLISECONDS)
        context.on("request", requested)
        page = await context.new_page()
        page.on("console", console)
        page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
        return page

    yield opener
    for context in contexts:
        for page in context.pages:
            await page.wait_for_load_state()  # closed in the middle of loading, a page can hang the browser for ever
        await context.close()
    assert not complaints, "\n".join(complaints)
