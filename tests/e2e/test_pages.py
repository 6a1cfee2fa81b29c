"""Every page of every role, and every error page: accessible, no wider than the window, in our own style."""

import pytest
from playwright.async_api import Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_fits, assert_good
from tests.e2e.signing import link_for, sign_in
from timebank.demo.people import ADMINISTRATOR, COORDINATOR, FINANCE, HARBOUR, HARBOUR_COORDINATOR, PARTICIPANT

NARROW = (320, 640)
TABLET = (768, 1024)
PAGES = {
    PARTICIPANT: (
        *("/", "/hours", "/offers", "/offers/1", "/offers/5", "/offers/1/check", "/offers/saved", "/bookings"),
        *("/devices", "/accessibility", "/confirm", "/me/passkeys"),
        *(
            "/me",
            "/me/change",
            "/me/claims",
            "/me/claims/new",
            "/me/claims/new?kind=bus",
            "/me/claims/new?kind=mileage",
            "/me/hours-choice",
            "/me/choices",
            "/me/fees",
            "/me/fees/every",
            "/reading",
            "/me/supporters",
            "/me/looks",
            "/me/pause",
            "/me/paid",
            "/me/leave",
            "/supporting",
        ),
        *("/statement", "/statement/checks", "/print", "/check", "/gifts", "/gifts/give", "/gifts/ask"),
        *("/log", "/log/mine", "/queries", "/messages", "/whats-on", "/rules", "/guide", "/tell"),
        "/waiting/1",
        *("/share", "/share?what=wishes", "/share/mine", "/share/asks", "/share/offers/new", "/share/wishes/new"),
    ),
    COORDINATOR: (
        *("/claims", "/claims?show=done", "/claims/access", "/claims/access/book", "/claims/access/advance"),
        "/",
        "/groups",
        "/groups/new",
        "/groups/1/register",
        "/registers/upload",
        "/decisions",
        "/members",
        "/members?q=Yusuf",
        "/members/new",
        "/members/1",
        "/members/1/card",
        "/bookings/to-do",
        *("/offers/manage", "/offers/manage/1", "/offers/manage/new?kind=training"),
        *("/pot", "/pot/give"),
        *("/more", "/groups/1", "/groups/all", "/groups/1/edit", "/groups/1/sheet", "/groups/1/poster", "/sessions"),
        *("/registers", "/registers/brought-forward", "/guests", "/sheet", "/groups/1/register?by=sheet"),
        *("/queries/to-answer?show=open", "/decisions/deputies", "/messages/to-do", "/imports", "/practice"),
        *("/members/many", "/members/leaving", "/members/1/change", "/members/1/consents", "/members/1/supporters"),
        *("/members/1/act", "/members/1/leave", "/members/1/age"),
        "/share/all",
        *("/vouchers", "/suppliers", "/suppliers/1", "/suppliers/1/tally", "/suppliers/1/statement"),
    ),
    FINANCE: (
        *("/payments/fees", "/payments/fees/years", "/payments/rates"),
        *("/payments", "/payments/batches", "/payments/batches/1", "/vouchers", "/suppliers", "/suppliers/1"),
        *("/payees", "/payees?show=closed", "/payees/new", "/payees/1", "/payees/1/change", "/payees/1/account"),
        *("/payees/3", "/payees/ours", "/payees/ours/account", "/payments/settings"),
        *("/payments/codes", "/payments/batches/1/papers"),
        *("/payments/new", "/payments/export", "/payments/credits", "/payments/months", "/payments/months/2026-02"),
        *("/reports", "/reports/trace", "/reports/tax-years", "/payments/batches/1/lines/1"),
        *("/payments?state=submitted", "/payments?state=all&q=nobody", "/payments/formats", "/payments/formats/bacs18"),
        *("/payments/formats?run=1", "/payments/formats/payments-csv:generic/copy", "/payments/batches/4"),
        *("/payments/invoices", "/payments/invoices/new", "/payments/invoices/1", "/payments/fees?month=2026-02"),
        *("/budgets", "/budgets/1", "/budgets/new", "/budgets/funds", "/budgets/funds/1"),
        *("/budgets/orders", "/budgets/orders/1", "/budgets/codes"),
        *("/reconciliation", "/reconciliation/statements", "/reconciliation/statements/1", "/reconciliation/lines/1"),
        *("/reconciliation/creditors", "/reports/trace?q=nothing", "/claims", "/claims/access"),
    ),
}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_every_page_is_good(demo: Demo, open_page: Opener, name: str, size: tuple[int, int]) -> None:
    page = await open_page(size=size)
    await sign_in(page, demo, name)
    for path in PAGES[name]:
        response = await page.goto(f"{demo.url}{path}")
        assert response is not None
        assert response.status == 200, f"{path}: {response.status}"
        await assert_good(page)
        assert await page.locator("h1").count() == 1, path


@pytest.mark.parametrize("name", PAGES)
async def test_every_page_fits_a_narrow_window_and_a_tablet(demo: Demo, open_page: Opener, name: str) -> None:
    page = await open_page(size=NARROW)
    await sign_in(page, demo, name)
    for path in PAGES[name]:
        await page.goto(f"{demo.url}{path}")
        for width, height in (NARROW, TABLET):
            await page.set_viewport_size({"width": width, "height": height})
            await assert_fits(page)


@pytest.mark.parametrize("size", [NARROW, DESK], ids=["narrow", "desk"])
async def test_pages_of_a_till_and_of_an_offer_of_vouchers_are_good(
    demo: Demo, open_page: Opener, size: tuple[int, int]
) -> None:
    till = await open_page(size=size)
    await till.goto(next(door.url for who, door in demo.doors.items() if who.startswith("Supplier")))
    for path in ("/till", "/till/tally", "/till/statement"):
        await till.goto(f"{demo.url}{path}")
        await assert_good(till)
    staff = await open_page(size=size)
    await sign_in(staff, demo, COORDINATOR)
    await staff.goto(f"{demo.url}/vouchers")
    hrefs = await staff.locator("a[href^='/vouchers/offers/']").evaluate_all("all => all.map(one => one.href)")
    assert hrefs
    for href in hrefs:
        await staff.goto(href)
        await assert_good(staff)


async def test_signing_in_by_card(demo: Demo, open_page: Opener, javascript: bool) -> None:
    door = next(door for door in demo.doors.values() if door.pin)
    page = await open_page(javascript=javascript)
    await page.goto(door.url)
    await assert_good(page)
    await page.get_by_label("Your four numbers").fill("0001")
    await page.get_by_role("main").get_by_role("button").first.click()
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    assert door.pin is not None
    await page.get_by_label("Your four numbers").fill(door.pin)
    await page.get_by_role("main").get_by_role("button").first.click()
    await page.get_by_text("You have").first.wait_for()
    await page.get_by_role("button", name="Sign out").click()
    await page.goto(demo.url)
    assert "/sign-in" in page.url


async def test_a_link_does_not_sign_in_by_being_opened(demo: Demo, open_page: Opener) -> None:
    link = await link_for(demo, ADMINISTRATOR)
    page = await open_page()
    for _ in range(2):  # a mail scanner opens it, then a person
        await page.goto(link)
        await assert_good(page)
    await page.get_by_role("main").get_by_role("button").first.click()
    await page.get_by_role("button", name="Sign out").wait_for()
    await page.context.clear_cookies()
    await page.goto(link)
    await assert_good(page)
    assert await page.get_by_role("main").get_by_role("button").count() == 0, "the link works twice"


async def test_what_is_not_there_or_not_for_me(demo: Demo, open_page: Opener) -> None:
    page = await open_page()
    await sign_in(page, demo, PARTICIPANT)
    for path, status in (("/nowhere", 404), ("/payments", 403), ("/members", 403), ("/bookings/AAAA-AAAA", 404)):
        response = await page.goto(f"{demo.url}{path}")
        assert response is not None
        assert response.status == status, path
        await assert_good(page)


async def test_another_time_bank_sees_nothing(demo: Demo, open_page: Opener) -> None:
    page = await open_page()
    await page.goto(await link_for(demo, HARBOUR_COORDINATOR, HARBOUR))
    await page.get_by_role("main").get_by_role("button").first.click()
    for path in ("/members/1", "/groups/1/register", "/payments/batches/1", "/offers/1"):
        response = await page.goto(f"{demo.url}{path}")
        assert response is not None
        assert response.status == 404, path
    await page.goto(f"{demo.url}/members")
    assert PARTICIPANT not in await page.content()


async def test_a_wrong_form_keeps_what_was_typed(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript)
    await sign_in(page, demo, COORDINATOR)
    await page.goto(f"{demo.url}/members/new")
    name = "Zoë O’Connor 🌻 مريم"
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("E-mail (if they have one)").fill("not an address")
    await page.get_by_role("button", name="Add this member").click()
    await page.get_by_role("alert").wait_for()
    assert await page.get_by_label("Name", exact=True).input_value() == name
    assert await page.get_by_label("E-mail (if they have one)").input_value() == "not an address"
    await assert_good(page)


async def test_an_expired_form_keeps_what_was_typed(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript)
    await sign_in(page, demo, COORDINATOR)
    await page.goto(f"{demo.url}/members/new")
    name = f"Expired {'with' if javascript else 'without'} scripts"
    await page.get_by_label("Name", exact=True).fill(name)
    await signed_in_again(page, demo)
    await page.get_by_role("button", name="Add this member").click()
    await page.get_by_role("heading", name="This form is too old").wait_for()
    assert name in await page.inner_text("main")
    await assert_good(page)
    await page.get_by_role("button", name="Send again").click()
    await page.get_by_role("heading", level=1).wait_for()
    await page.goto(f"{demo.url}/members?q=Expired")
    assert name in await page.inner_text("main")


async def signed_in_again(page: Page, demo: Demo) -> None:
    """The same person signs in anew in another tab of the same browser."""
    tab = await page.context.new_page()
    await sign_in(tab, demo, COORDINATOR)
    await tab.close()
