"""Planning, signing up, saying "I am here" at the poster, ticking people off: with a finger, and without scripts."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from playwright.async_api import Page

from tests.e2e.conftest import DESK, PHONE, Opener
from tests.e2e.demo_server import Demo
from tests.e2e.looking import assert_fits, assert_good
from tests.e2e.signing import sign_in
from timebank.activities import queries, service
from timebank.activities.service import AddActivity, AddLeader, PlanSessions, SessionDetails
from timebank.banks.queries import by_slug
from timebank.db import Database
from timebank.demo.activities import LEADER
from timebank.demo.people import COORDINATOR, PARTICIPANT, RIVERSIDE
from timebank.kit.actor import Actor
from timebank.members.queries import known_members

LUNCH = "Tuesday lunch club"
MEMBER = "Gwen Thomas"


class Now:
    """A group that meets right now, led by somebody, with a poster: whatever the time of the day is."""

    def __init__(self, name: str, activity_id: int, session_id: int, code: str) -> None:
        self.name, self.activity_id, self.session_id, self.code = name, activity_id, session_id, code


async def meeting_now(demo: Demo) -> Now:
    db = await Database.open(demo.app_url, pool_size=1)
    try:
        async with db.globally() as connection:
            facts = await by_slug(connection, RIVERSIDE)
        assert facts is not None
        async with db.reading(facts.id) as connection:
            ids = {member.display_name: member.id for member in await known_members(connection, facts.id)}
        staff = Actor(timebank_id=facts.id, member_id=ids[COORDINATOR], roles=frozenset({"coordinator"}))
        now = datetime.now(UTC)
        local = now.astimezone(ZoneInfo(facts.time_zone))
        name = f"Now {uuid4().hex[:8]}"
        activity_id = await service.add_activity(db, staff, AddActivity(name=name), key=uuid4().hex, now=now)
        assert isinstance(activity_id, int)
        leads = AddLeader(activity_id=activity_id, member_id=ids[LEADER], from_day=local.date() - timedelta(days=1))
        assert isinstance(await service.add_leader(db, staff, leads, key=uuid4().hex, now=now), int)
        plan = PlanSessions(
            activity_id=activity_id,
            day=local.date(),
            starts_at=local.time().replace(second=0, microsecond=0),
            details=SessionDetails(planned_minutes=60),
        )
        planned = await service.plan_sessions(db, staff, plan, key=uuid4().hex, now=now)
        assert isinstance(planned, service.Planned)
        code = await service.make_code(db, staff, activity_id, key=uuid4().hex, now=now)
        assert isinstance(code, str)
        return Now(name, activity_id, planned.session_ids[0], code)
    finally:
        await db.close()


async def group_id(demo: Demo, name: str) -> int:
    db = await Database.open(demo.app_url, pool_size=1)
    try:
        async with db.globally() as connection:
            facts = await by_slug(connection, RIVERSIDE)
        assert facts is not None
        async with db.reading(facts.id) as connection:
            return next(one.id for one in await queries.activities(connection, facts.id) if one.name == name)
    finally:
        await db.close()


async def fill_day(page: Page, name: str, day: datetime) -> None:
    for part, value in (("day", day.day), ("month", day.month), ("year", day.year)):
        await page.locator(f"input[name={name}-{part}]").fill(str(value))


async def test_planning_changing_and_cancelling(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript)
    await sign_in(page, demo, COORDINATOR)
    await page.goto(f"{demo.url}/groups/{await group_id(demo, 'Clinic design panel')}")
    await page.get_by_role("link", name="Plan sessions").click()
    day = datetime.now(UTC) + timedelta(days=400 if javascript else 500)
    await fill_day(page, "day", day)
    await page.get_by_label("When does it start?").fill("at noon or so")
    await page.get_by_label("Every week, or every few weeks").check()
    await page.get_by_label("How many sessions?").fill("3")
    await page.get_by_role("button", name="Plan").click()
    await page.get_by_role("alert").filter(has_text="at noon or so").wait_for()
    await assert_good(page)
    assert await page.get_by_label("How many sessions?").input_value() == "3"
    assert await page.get_by_label("Every week, or every few weeks").is_checked()
    await page.get_by_label("When does it start?").fill("2.30pm")
    await page.get_by_role("button", name="Plan").click()
    await page.get_by_role("status").filter(has_text="3 sessions are planned").wait_for()

    await page.locator(".tb-entries a").filter(has_text=f"{day.day} {day:%B %Y}").click()
    await page.get_by_role("link", name="Change this session").click()
    await page.get_by_label("Room").fill("Room 9")
    await page.get_by_label("This one and the 2 after it").check()
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("status").filter(has_text="3 sessions are changed").wait_for()
    await page.get_by_role("link", name="Cancel this session").click()
    await page.get_by_role("button", name="Cancel it").click()
    await page.get_by_role("alert").filter(has_text="Say why").wait_for()
    await assert_good(page)
    await page.get_by_label("Why?").fill("No heating")
    await page.get_by_role("button", name="Cancel it").click()
    await page.get_by_text("This session is cancelled.").wait_for()
    await assert_good(page)


async def test_signing_up_takes_two_taps(demo: Demo, open_page: Opener, javascript: bool) -> None:
    page = await open_page(javascript=javascript)
    await sign_in(page, demo, "Tess Whitlock" if javascript else "Umar Farooq")
    await page.goto(f"{demo.url}/whats-on")
    await assert_good(page)
    await page.get_by_role("link", name=LUNCH).first.click()  # one
    await page.get_by_role("button", name="Sign up").click()  # two
    await page.get_by_role("status").filter(has_text="You are on the list").wait_for()
    await assert_good(page)
    await page.goto(f"{demo.url}/whats-on")
    assert await page.get_by_text("You are on the list", exact=True).count() == 1
    await page.get_by_role("link", name=LUNCH).first.click()
    await page.get_by_role("button", name="Take my name off").click()
    await page.get_by_role("status").filter(has_text="Your name is off the list").wait_for()


async def test_the_poster_takes_one_tap(demo: Demo, open_page: Opener, javascript: bool) -> None:
    here = await meeting_now(demo)
    page = await open_page(javascript=javascript)
    await page.goto(f"{demo.url}/in/{here.code}")
    assert "/sign-in" in page.url
    assert here.name not in await page.content()
    await sign_in(page, demo, MEMBER)
    assert page.url == f"{demo.url}/in/{here.code}", "after signing in they are back at the poster's page"
    await assert_good(page)
    await page.get_by_role("button", name="I am here").click()  # one
    await page.get_by_role("heading", level=1, name="You are checked in").wait_for()
    await assert_good(page)
    await page.goto(f"{demo.url}/in/{here.code}")
    await page.get_by_text("Once is enough.").wait_for()
    assert await page.get_by_role("button", name="I am here").count() == 0
    await page.goto(f"{demo.url}/in")
    await page.get_by_label("What is the code on the poster?").fill("not it")
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("alert").wait_for()
    await assert_good(page)
    await page.get_by_label("What is the code on the poster?").fill("0000 0000")
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("heading", level=1, name="You cannot check in now").wait_for()
    await assert_good(page)


async def test_a_leader_ticks_people_off(demo: Demo, open_page: Opener, javascript: bool) -> None:
    here = await meeting_now(demo)
    page = await open_page(javascript=javascript)
    await sign_in(page, demo, LEADER)
    await page.goto(f"{demo.url}/groups/mine")
    await assert_good(page)
    await page.locator(".tb-card").filter(has_text=here.name).get_by_role("link", name="Who is here").click()
    await page.get_by_label("Somebody else").fill("nobody at all")
    await page.get_by_role("button", name="They are here").click()
    await page.get_by_role("alert").filter(has_text="found nobody").wait_for()
    await assert_good(page)
    await page.get_by_label("Somebody else").fill(PARTICIPANT)
    await page.get_by_role("button", name="They are here").click()
    await page.get_by_role("heading", name="Who is here: 1").wait_for()
    listed = await page.locator(".tb-checkin").inner_text()
    assert PARTICIPANT.split()[0] in listed
    assert PARTICIPANT.split()[1] not in await page.locator("main").inner_text()
    await assert_good(page)
    await page.get_by_role("button", name="Take back: ").click()
    await page.get_by_role("heading", name="Who is here", exact=True).wait_for()


async def test_every_page_is_good(demo: Demo, open_page: Opener) -> None:
    lunch = await group_id(demo, LUNCH)
    here = await meeting_now(demo)
    page = await open_page()
    await sign_in(page, demo, COORDINATOR)
    laid_out_anew = {"/groups/all", f"/groups/{lunch}", f"/sessions/{here.session_id}", f"/groups/{lunch}/sheet"}
    for path in (
        "/groups/all",
        "/groups/all?archived=yes",
        "/groups/new",
        f"/groups/{lunch}",
        f"/groups/{lunch}/edit",
        f"/groups/{lunch}/sessions/new",
        f"/groups/{lunch}/poster",
        f"/groups/{lunch}/sheet",
        f"/groups/{lunch}/sheet?size=large",
        "/sheet",
        "/sheet?code=nonsense",
        "/sessions",
        f"/sessions?day={datetime.now(UTC).date() + timedelta(days=365)}",
        f"/sessions/{here.session_id}",
        f"/sessions/{here.session_id}/change",
        f"/sessions/{here.session_id}/cancel",
        f"/whats-on/{here.session_id}",
        f"/groups/{lunch}/photos",
        "/groups/mine",
    ):
        await page.goto(f"{demo.url}{path}")
        await assert_good(page)
        await page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
        await (assert_good if path in laid_out_anew else assert_fits)(page)
        await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})


async def test_a_sheet_leads_to_its_register(demo: Demo, open_page: Opener) -> None:
    lunch = await group_id(demo, LUNCH)
    page = await open_page(javascript=False)
    await sign_in(page, demo, COORDINATOR)
    await page.goto(f"{demo.url}/groups/{lunch}/sheet")
    code = await page.locator(".tb-paper__code .tb-reference").inner_text()
    await page.goto(f"{demo.url}/sheet")
    await page.get_by_label("Which sheet do you want to type in?").fill(code.lower())
    await page.get_by_role("button", name="Open its register").click()
    await page.wait_for_url(f"**/groups/{lunch}/register?date=*")
    answer = await page.request.get(f"{demo.url}/groups/{lunch}/sheet.pdf?size=large")
    assert answer.headers["content-type"] == "application/pdf"
    assert (await answer.body()).startswith(b"%PDF-1.7")
