"""People: added one by one and as a list with mistakes, found, changed by two at once, asked, supported, withdrawn."""

from uuid import uuid4

import pytest
from playwright.async_api import Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_good
from tests.e2e.signing import link_for, sign_in
from timebank.demo.people import COORDINATOR, FINANCE, SECOND_COORDINATOR

BOTH = pytest.mark.parametrize(
    ("size", "javascript"), [(PHONE, False), (DESK, True)], ids=["phone-no-javascript", "desk-javascript"]
)


def unique(name: str) -> str:
    return f"{name} {uuid4().hex[:6]}"


async def staff(open_page: Opener, demo: Demo, name: str = COORDINATOR, **more: object) -> Page:
    page = await open_page(**more)
    await sign_in(page, demo, name)
    return page


async def add(page: Page, demo: Demo, name: str) -> str:
    """Add a member by their name alone; the address of their record."""
    await page.goto(f"{demo.url}/members/new")
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_role("button", name="Add this member").click()
    await page.get_by_role("heading", level=1, name=name).wait_for()
    return page.url


@BOTH
async def test_add_one_find_them_and_change_them(
    demo: Demo, open_page: Opener, size: tuple[int, int], javascript: bool
) -> None:
    page = await staff(open_page, demo, size=size, javascript=javascript)
    name = unique("Una O’Neill")
    await page.goto(f"{demo.url}/members/new")
    await assert_good(page)
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("Phone (if they have one)").fill("ring me")
    await page.get_by_role("radio", name="Letter").check()
    await page.get_by_role("button", name="Add this member").click()
    await page.get_by_role("alert").filter(has_text="Enter an address for letters").wait_for()
    await assert_good(page)
    assert await page.get_by_label("Phone (if they have one)").input_value() == "ring me"
    digits = str(uuid4().int)[:6]
    await page.get_by_label("Phone (if they have one)").fill(f"+44 1632 {digits}")
    await page.get_by_label("Address for letters").fill("1 The Row\nRiverside")
    await page.get_by_role("button", name="Add this member").click()
    await page.get_by_role("heading", level=1, name=name).wait_for()
    await assert_good(page)

    await page.goto(f"{demo.url}/members")
    await page.get_by_label("Find a member").fill(f"01632 {digits}")
    await page.get_by_role("button", name="Find").click()
    await assert_good(page)
    await page.get_by_role("link", name=name).click()
    await page.get_by_role("link", name="Change details").click()
    await assert_good(page)
    await page.get_by_label("What helps them to take part?").fill("A quiet room, please.")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("A quiet room, please.").first.wait_for()
    await page.goto(f"{demo.url}/members?needs=yes&q={digits}")
    await page.get_by_role("link", name=name).wait_for()
    await assert_good(page)


async def test_two_coordinators_at_once(demo: Demo, open_page: Opener, javascript: bool) -> None:
    one = await staff(open_page, demo, javascript=javascript)
    two = await staff(open_page, demo, SECOND_COORDINATOR, javascript=javascript, size=DESK)
    record = await add(one, demo, unique("Both Change"))
    await one.goto(f"{record}/change")
    await two.goto(f"{record}/change")
    await one.get_by_label("E-mail (if they have one)").fill("first@example.org")
    await one.get_by_role("button", name="Save").click()
    await one.get_by_text("first@example.org").first.wait_for()
    await two.get_by_label("What can they share?").fill("Juggling")
    await two.get_by_role("button", name="Save").click()
    await two.get_by_text(f"{COORDINATOR} changed this at").wait_for()
    await assert_good(two)
    assert await two.get_by_label("E-mail (if they have one)").input_value() == "first@example.org"
    await two.get_by_role("button", name="Save").click()
    await two.get_by_text("Juggling").wait_for()
    assert await two.get_by_text("first@example.org").count() == 1


@BOTH
async def test_a_list_with_mistakes(demo: Demo, open_page: Opener, size: tuple[int, int], javascript: bool) -> None:
    page = await staff(open_page, demo, size=size, javascript=javascript)
    await page.goto(f"{demo.url}/members/many")
    await assert_good(page)
    await page.get_by_role("button", name="See what will happen").click()
    await page.get_by_role("alert").filter(has_text="Choose a file, or paste a list").wait_for()
    await assert_good(page)
    good, bad = unique("Lisa Good"), unique("Bert Bad")
    content = f"Namn;Post\n{good};{uuid4().hex[:8]}@example.org\n{bad};nonsense\n{FINANCE};\n"
    await page.get_by_label("A spreadsheet").set_input_files(
        {"name": "people.csv", "mimeType": "text/csv", "buffer": content.encode("utf-16")}
    )
    await page.get_by_role("button", name="See what will happen").click()
    # Headings that nobody knows: the page guesses, says so, and asks.
    await page.get_by_text("We did not find headings that we know").wait_for()
    await assert_good(page)
    await page.get_by_role("group", name="Does the list begin with headings?").get_by_label("Yes").check()
    await page.get_by_role("button", name="Read it again").click()
    await page.get_by_role("button", name="Add 1 member").wait_for()
    await assert_good(page)
    question = page.get_by_role("group", name=f"Line 4: {FINANCE}")
    await question.get_by_label("The same person: leave this line out").check()
    await page.get_by_role("button", name="Check my answers").click()
    await page.get_by_text("The same person, you said.").wait_for()
    await assert_good(page)
    await page.get_by_role("button", name="Add 1 member").click()
    await page.get_by_role("heading", level=1, name="1 member was added").wait_for()
    await assert_good(page)
    async with page.expect_download() as started:
        await page.get_by_role("link", name="Download lines that were not added").click()
    download = await started.value
    path = await download.path()
    assert f"{bad},nonsense" in path.read_text("utf-8-sig")
    await page.goto(f"{demo.url}/members?q={good.rsplit(' ', 1)[1]}")
    await page.get_by_role("link", name=good).wait_for()


async def test_consents_are_written_down_and_withdrawn(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await staff(open_page, demo, javascript=javascript)
    name = unique("Connie Sent")
    record = await add(page, demo, name)
    await page.get_by_role("link", name="What they agreed to").click()
    await assert_good(page)
    await page.get_by_role("button", name="Write it down").click()
    await page.get_by_role("alert").filter(has_text="Say what they decided").wait_for()
    await assert_good(page)
    await page.get_by_label("What is it about?").select_option(label="Photos of me")
    await page.get_by_label("They agree").check()
    await page.get_by_label("By letter").check()
    await page.get_by_role("button", name="Write it down").click()
    await page.get_by_text(f"by letter. Written down by {COORDINATOR}").wait_for()

    member = await open_page(javascript=javascript)
    await member.goto(await link_for(demo, name))
    await member.get_by_role("main").get_by_role("button").first.click()
    await member.wait_for_load_state()
    await member.goto(f"{demo.url}/me")
    await assert_good(member)
    await member.get_by_role("button", name="Withdraw: Photos of me").click()
    await member.get_by_role("status").filter(has_text="We will do as you say").wait_for()
    await assert_good(member)
    await page.goto(f"{record}/consents")
    await page.get_by_text("no, online. Written down by").wait_for()


async def test_a_supporter_is_named_and_ended_by_the_member(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await staff(open_page, demo, javascript=javascript, size=DESK)
    name, helper = unique("Molly Ember"), unique("Hal Per")
    await add(page, demo, helper)
    await add(page, demo, name)
    member = await open_page(javascript=javascript)
    await member.goto(await link_for(demo, name))
    await member.get_by_role("main").get_by_role("button").first.click()
    await member.wait_for_load_state()
    await member.goto(f"{demo.url}/me/supporters")
    await assert_good(member)
    await member.get_by_label("A member", exact=True).fill("Somebody Else")
    await member.get_by_role("button", name="Let them act for me").click()
    await member.get_by_role("alert").filter(has_text="Choose somebody who is a member now").wait_for()
    await assert_good(member)
    await member.get_by_label("A member", exact=True).fill(helper)
    await member.get_by_label("Use hours and make bookings").check()
    await member.get_by_role("button", name="Let them act for me").click()
    await member.get_by_text(helper).first.wait_for()
    await assert_good(member)
    await page.get_by_role("link", name="Who may act for them").click()
    await page.get_by_text(helper).first.wait_for()
    await assert_good(page)
    await member.get_by_role("button", name=f"End this now: {helper}").click()
    await member.get_by_text("Nobody acts for you.").wait_for()


async def test_a_group_and_its_people(demo: Demo, open_page: Opener) -> None:
    page = await staff(open_page, demo, size=DESK)
    name = unique("Chess Club")
    await page.goto(f"{demo.url}/members/new")
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_text("This is a group or an organisation").click()
    await page.get_by_role("radio", name="A group").check()
    await page.get_by_role("button", name="Add this member").click()
    await page.get_by_role("link", name="Change who belongs to it").click()
    await page.get_by_label("Who?").fill(FINANCE)
    await page.get_by_role("button", name="Add to the group").click()
    await page.get_by_role("link", name=FINANCE).wait_for()
    await assert_good(page)
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await assert_good(page)
