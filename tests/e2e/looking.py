"""What a browser test asks of every page: no accessibility finding, no sideways scrolling, a style that is applied."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

# Named, because axe leaves the rules of WCAG 2.2 out when nothing is said.
AXE_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice")
EXAMPLES_SHOWN = 3
AXE_TIMEOUT_SECONDS = 60

_copies: WeakKeyDictionary[Browser, dict[tuple[int, int], Page]] = WeakKeyDictionary()


@asynccontextmanager
async def with_scripts(page: Page) -> AsyncIterator[Page]:
    """The page itself, or, when it was loaded without scripts, a still copy of it where scripts may run.

    Axe needs timers, and they stand still where scripts are off. In the copy the page's own scripts are gone and what
    ``<noscript>`` shows is shown.
    """
    if not await page.evaluate("matchMedia('(scripting: none)').matches"):
        yield page
        return
    html = await page.evaluate(
        """() => {
            const root = document.documentElement.cloneNode(true);
            root.querySelectorAll("script").forEach((script) => script.remove());
            root.querySelectorAll("noscript").forEach((block) => block.replaceWith(...block.childNodes));
            return "<!doctype html>" + root.outerHTML;
        }"""
    )
    copy = await _copy_page(page)
    address = page.url if page.url.startswith("http") else "http://copy.test/"
    await copy.route(address, lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
    try:
        await copy.goto(address)
        yield copy
    finally:
        await copy.unroute_all()


async def _copy_page(page: Page) -> Page:
    """A page for still copies, one for each browser and size: a new one for every copy takes three times as long."""
    browser, size = page.context.browser, page.viewport_size
    assert browser is not None
    assert size is not None
    pages = _copies.setdefault(browser, {})
    key = (size["width"], size["height"])
    if key not in pages:
        context = await browser.new_context(viewport=size, locale="en-GB")
        pages[key] = await context.new_page()
    return pages[key]


async def axe_findings(page: Page) -> list[dict[str, Any]]:
    """The violations that axe sees on the page as it stands, with those it is unsure about left out."""
    options = {"runOnly": {"type": "tag", "values": list(AXE_TAGS)}, "resultTypes": ["violations"]}
    async with asyncio.timeout(AXE_TIMEOUT_SECONDS), with_scripts(page) as running:
        results = await Axe().run(running, options=options)
    passes = results.response["passes"]
    assert passes, "axe found nothing to look at: the check itself did not work"
    violations: list[dict[str, Any]] = results.response["violations"]
    return violations


async def assert_accessible(page: Page) -> None:
    """Fail with a readable list when axe finds anything."""
    findings = await axe_findings(page)
    lines = []
    for finding in findings:
        lines.append(f"- {finding['id']} ({finding['impact']}): {finding['help']}, {len(finding['nodes'])} times")
        lines += [f"    {node['html'][:200]}" for node in finding["nodes"][:EXAMPLES_SHOWN]]
    assert not findings, f"axe on {page.url}:\n" + "\n".join(lines)


async def style_of(page: Page, selector: str, name: str) -> str:
    """The computed value of one CSS property of the first element that matches."""
    value = await page.locator(selector).first.evaluate(
        "(element, name) => getComputedStyle(element).getPropertyValue(name)", name
    )
    return str(value)


async def assert_fits(page: Page) -> None:
    """Fail when the page is wider than the window, and name the elements that stick out."""
    width, window, wide = await page.evaluate(
        """() => {
            const root = document.documentElement;
            const wide = [...document.body.querySelectorAll("*")]
                .filter((element) => element.getBoundingClientRect().right > root.clientWidth + 1)
                .slice(0, 5)
                .map((element) => element.outerHTML.slice(0, 120));
            return [root.scrollWidth, root.clientWidth, wide];
        }"""
    )
    assert width <= window, f"{page.url} is {width} wide in a window of {window}: {json.dumps(wide, indent=2)}"


async def assert_good(page: Page) -> None:
    """Everything that holds for every page: accessible, no wider than the window, in its own style."""
    await assert_accessible(page)
    await assert_fits(page)
    rules = await page.evaluate("[...document.styleSheets].reduce((sum, sheet) => sum + sheet.cssRules.length, 0)")
    assert rules > 0, f"{page.url} has no style sheet"


async def minutes_shown(page: Page) -> int:
    """What the first page says, back in minutes: "73 hours 15 minutes"."""
    words = (await page.locator(".tb-hero__hours").first.inner_text()).split()
    return sum(int(n) * (60 if unit.startswith("hour") else 1) for n, unit in zip(words[::2], words[1::2], strict=True))
