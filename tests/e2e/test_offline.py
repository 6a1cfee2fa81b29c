"""Without signal: the hours and bookings that were seen last, nothing sent, and nothing left where it should not be."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import Page

from tests.e2e.conftest import DESK, Opener
from tests.e2e.cutting import Wire, wire_to
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good, minutes_shown
from tests.e2e.signing import link_for
from timebank.demo.people import COORDINATOR, PARTICIPANT

SOMEBODY_ELSE = "Bernard O'Leary"
ACTED_FOR = "Grace Adeyemi"
# In the page: what the phone keeps, and which workers are there.
KEPT = """async () => {
    const found = await caches.match("/offline");
    return found ? await found.text() : "";
}"""
LEFT = """async () => [await caches.keys(), (await navigator.serviceWorker.getRegistrations()).length]"""
IS_KEPT = """async () => {
    const found = await caches.match("/offline");
    return Boolean(found && navigator.serviceWorker.controller);
}"""
ADD_FIELD = """(typed) => {
    const field = document.createElement("input");
    Object.assign(field, {type: "hidden", name: "what-else", value: typed});
    document.querySelector("main form").append(field);
}"""
TYPED = 'Walked the dog & <sat> with "Nan"'
NOTHING: list[Any] = [[], 0]


@pytest.fixture
async def wire(demo: Demo) -> AsyncIterator[Wire]:
    """Between browser and demo; cut it for a time without signal."""
    async with wire_to(demo.url) as between:
        yield between


async def enter(page: Page, demo: Demo, wire: Wire, name: str, *, borrowed: bool = False) -> None:
    """Sign in over the wire; on an own phone, wait until it keeps what it should."""
    await page.goto((await link_for(demo, name)).replace(demo.url, wire.url))
    if borrowed:
        await page.get_by_label("This is not my own phone or computer").check()
    await page.get_by_role("main").get_by_role("button", name="Sign in").click()
    await page.wait_for_url(lambda url: "/sign-in" not in url)
    await page.wait_for_load_state()
    if not borrowed:
        await until(page, IS_KEPT)


async def until(page: Page, script: str) -> None:
    """Wait until a script in the page answers true; a promise counts only when it is awaited, hence the loop."""
    await page.evaluate(
        f"""async () => {{
            const holds = {script};
            for (let n = 0; n < 400; n += 1) {{
                if (await holds()) return;
                await new Promise((done) => setTimeout(done, 25));
            }}
            throw new Error("it never came");
        }}"""
    )


async def choose_an_offer(page: Page, wire: Wire) -> str:
    """Go as far as the last check before hours are used; return what it is for."""
    await page.goto(f"{wire.url}/offers")
    links = await page.locator("main a").evaluate_all("links => links.map((link) => link.pathname)")
    offer = next(path for path in links if re.fullmatch(r"/offers/\d+", path))
    await page.goto(f"{wire.url}{offer}")
    title = await page.get_by_role("heading", level=1).inner_text()
    await page.goto(f"{wire.url}{offer}/check")
    await page.get_by_role("heading", level=1, name="Check").wait_for()
    return title


async def nothing_left(page: Page) -> None:
    """Wait until neither a worker nor anything kept is here."""
    await until(page, f"async () => JSON.stringify(await ({LEFT})()) === JSON.stringify({NOTHING!s})".replace("'", '"'))


async def test_without_signal_the_phone_shows_what_was_seen_last(demo: Demo, open_page: Opener, wire: Wire) -> None:
    page = await open_page(service_workers="allow")
    await enter(page, demo, wire, PARTICIPANT)
    has = await minutes_shown(page)
    today = datetime.now(UTC)

    await wire.cut()
    await page.goto(f"{wire.url}/offers")

    await page.get_by_role("heading", level=1, name="There is no signal now").wait_for()
    main = await page.get_by_role("main").inner_text()
    assert "Your phone saw this on" in main
    assert str(today.year) in main
    assert await minutes_shown(page) == has
    assert "My bookings" in main
    await assert_good(page)
    await page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    await assert_good(page)

    await wire.mend()
    await page.get_by_role("link", name="Try again").click()
    await page.get_by_role("heading", level=1, name="Use my hours").wait_for()


async def test_a_booking_is_kept_as_soon_as_it_is_made(demo: Demo, open_page: Opener, wire: Wire) -> None:
    page = await open_page(service_workers="allow")
    await enter(page, demo, wire, PARTICIPANT)
    title = await choose_an_offer(page, wire)
    await page.locator("main form[action$='/use'] button").click()
    await page.wait_for_url(lambda url: "/bookings" in url)
    await until(page, f"async () => (await ({KEPT})()).includes({title!r})")

    await wire.cut()
    await page.goto(f"{wire.url}/bookings")

    await page.get_by_role("heading", level=3, name=title).first.wait_for()


async def test_a_booking_that_got_no_answer_is_sent_again_and_counts_once(
    demo: Demo, open_page: Opener, wire: Wire
) -> None:
    page = await open_page(service_workers="allow")
    await enter(page, demo, wire, PARTICIPANT)
    await choose_an_offer(page, wire)

    await wire.cut()
    await page.locator("main form[action$='/use'] button").click()

    # The phone believed that there was a signal, so nobody can know what arrived.
    await page.get_by_role("heading", level=1, name="We got no answer").wait_for()
    await assert_good(page)
    await wire.mend()
    await page.get_by_role("button", name="Send it again").click()
    await page.wait_for_url(lambda url: "/bookings" in url)
    await page.get_by_role("navigation", name="Main").wait_for()


async def test_a_form_without_signal_is_not_sent_and_keeps_what_was_typed(
    demo: Demo, open_page: Opener, wire: Wire
) -> None:
    page = await open_page(service_workers="allow")
    await enter(page, demo, wire, PARTICIPANT)
    await page.goto(f"{wire.url}/log")
    await page.evaluate(ADD_FIELD, TYPED)
    await wire.cut()
    await page.context.set_offline(True)

    await page.locator("main form button").last.click()

    await page.get_by_role("heading", level=1, name="Nothing was sent").wait_for()
    assert await page.locator("input[name=what-else]").input_value() == TYPED
    assert "photo" not in await page.get_by_role("main").inner_text()
    await assert_good(page)
    await page.context.set_offline(False)
    await wire.mend()
    async with page.expect_request(lambda request: request.method == "POST") as sent:
        await page.get_by_role("button", name="Send it again").click()
    assert "Walked+the+dog" in ((await sent.value).post_data or "")
    await page.get_by_role("navigation", name="Main").wait_for()


async def test_signing_out_clears_the_phone(demo: Demo, open_page: Opener, wire: Wire) -> None:
    page = await open_page(service_workers="allow")
    await enter(page, demo, wire, PARTICIPANT)

    await page.get_by_role("banner").get_by_role("button", name="Sign out").click()
    await page.get_by_role("heading", level=1, name="Sign in").wait_for()
    await nothing_left(page)


async def test_a_phone_that_was_signed_out_elsewhere_forgets(demo: Demo, open_page: Opener, wire: Wire) -> None:
    page = await open_page(service_workers="allow")
    await enter(page, demo, wire, PARTICIPANT)
    await page.context.clear_cookies()  # the server no longer knows this browser

    await page.goto(f"{wire.url}/hours")

    await page.get_by_role("heading", level=1, name="Sign in").wait_for()
    await nothing_left(page)


async def test_the_worker_forgets_by_itself_where_no_script_runs(demo: Demo, open_page: Opener, wire: Wire) -> None:
    page = await open_page(service_workers="allow")
    await enter(page, demo, wire, PARTICIPANT)
    await page.context.clear_cookies()
    await page.route("**/static/main.*.js", lambda route: route.abort())

    await page.goto(f"{wire.url}/hours")

    await page.get_by_role("heading", level=1, name="Sign in").wait_for()
    assert await page.evaluate("caches.keys()") == []


async def test_a_borrowed_phone_keeps_nothing(demo: Demo, open_page: Opener, wire: Wire) -> None:
    page = await open_page(service_workers="allow")
    await enter(page, demo, wire, PARTICIPANT, borrowed=True)
    await page.goto(f"{wire.url}/hours")
    await page.goto(f"{wire.url}/install")
    assert "We put nothing on this phone now." in await page.get_by_role("main").inner_text()
    assert await page.locator("link[rel=manifest]").count() == 0
    assert await page.evaluate(LEFT) == NOTHING


async def test_the_next_member_never_sees_what_the_last_one_left(demo: Demo, open_page: Opener, wire: Wire) -> None:
    page = await open_page(service_workers="allow")
    await enter(page, demo, wire, PARTICIPANT)
    await enter(page, demo, wire, SOMEBODY_ELSE)
    await until(page, f"async () => (await ({KEPT})()).includes('Leary')")
    assert PARTICIPANT not in await page.evaluate(KEPT)

    await enter(page, demo, wire, PARTICIPANT, borrowed=True)
    await nothing_left(page)


async def test_acting_for_somebody_leaves_nothing(demo: Demo, open_page: Opener, wire: Wire) -> None:
    page = await open_page(service_workers="allow", size=DESK)
    await enter(page, demo, wire, COORDINATOR)
    await page.goto(f"{wire.url}/members?q=adeyemi")
    await page.get_by_role("link", name=ACTED_FOR).click()
    await page.get_by_role("link", name="Act for them", exact=True).click()
    await page.get_by_label("What did they ask you to do?").fill("See what is booked")
    await page.get_by_label("By phone").check()
    await page.get_by_role("button", name="Go to their pages").click()
    banner = page.get_by_role("region", name="Acting for someone")
    await banner.wait_for()
    await nothing_left(page)
    await page.goto(f"{wire.url}/bookings")
    await page.wait_for_load_state()
    assert await page.evaluate(LEFT) == NOTHING

    await banner.get_by_role("button", name="Stop acting").click()
    await page.get_by_role("heading", level=1, name=ACTED_FOR).wait_for()
    await until(page, IS_KEPT)
    assert ACTED_FOR not in await page.evaluate(KEPT)


async def test_how_to_put_it_on_a_phone(demo: Demo, open_page: Opener, wire: Wire) -> None:
    page = await open_page(service_workers="allow")
    await enter(page, demo, wire, PARTICIPANT)
    await page.goto(f"{wire.url}/install")
    await assert_good(page)
    session = await page.context.new_cdp_session(page)
    manifest = await session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"].endswith("/app.webmanifest")
    problems = await session.send("Page.getInstallabilityErrors")
    assert [each["errorId"] for each in problems["installabilityErrors"] if each["errorId"] != "in-incognito"] == []


async def test_the_worker_lends_no_weight_to_a_form_from_another_site(
    demo: Demo, open_page: Opener, wire: Wire
) -> None:
    page = await open_page(service_workers="allow")
    await enter(page, demo, wire, PARTICIPANT)
    elsewhere = "http://localhost:1/"
    body = f'<form action="{wire.url}/sign-out" method="post"><button>Win a prize</button></form>'
    await page.route(elsewhere, lambda route: route.fulfill(body=body, content_type="text/html"))
    await page.goto(elsewhere)

    async with page.expect_response(lambda answer: answer.url.endswith("/sign-out")) as refused:
        await page.get_by_role("button", name="Win a prize").click()

    assert (await refused.value).status == 403
    await page.wait_for_load_state()
