"""The pages: what a coordinator, a leader and a member see and do, also with wrong input."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from io import BytesIO

import pypdf
import pytest
from PIL import Image

from tests.integration.activities.planning import DAY, START, group, key, look, messages, planned, signed_up
from tests.people import Bank, Browser
from timebank.activities import queries, service
from timebank.activities.recurrence import Repeat
from timebank.activities.service import AddLeader, CancelSession
from timebank.contributions.service import Line, SavedRegister, SaveRegister, save_register
from timebank.kit.actor import system
from timebank.kit.clock import FixedClock
from timebank.kit.pictures import MAX_SIDE
from timebank.members.supporters import AddSupporter, SupporterAdded, add_supporter

Open = Callable[[], Browser]
DAY_FIELDS = {"day-day": "17", "day-month": "3", "day-year": "2026"}


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


async def coordinator(client: Open, bank: Bank) -> Browser:
    browser = client()
    await browser.sign_in(bank.db, bank.coordinator)
    return browser


async def participant(client: Open, bank: Bank) -> Browser:
    browser = client()
    await browser.sign_in(bank.db, bank.participant)
    return browser


async def leads(bank: Bank, activity_id: int) -> None:
    command = AddLeader(
        activity_id=activity_id, member_id=bank.participant.member_id or 0, from_day=bank.now.date() - timedelta(days=9)
    )
    done = await service.add_leader(bank.db, bank.coordinator, command, key=key(), now=bank.now)
    assert isinstance(done, int), done


async def logged(bank: Bank, activity_id: int, *member_ids: int) -> None:
    lines = tuple(Line(member_id=one, held_on=bank.now.date(), minutes=60) for one in member_ids)
    command = SaveRegister(activity_id=activity_id, lines=lines)
    assert isinstance(await save_register(bank.db, bank.coordinator, command, key=key(), now=bank.now), SavedRegister)


async def test_a_group_is_added_changed_and_put_away(client: Open, bank: Bank) -> None:
    browser = await coordinator(client, bank)
    fields = {"name": "Lunch club", "default_minutes": "2 hours", "place": "Hall", "is_listed": "yes"}
    answer = await browser.submit("/groups/new", fields)
    path = answer.headers["location"].removesuffix("/register")
    page = await browser.get(f"{path}/edit")
    assert 'value="2 hours"' in page.text
    wrong = {**fields, "name": "", "default_minutes": "ages", "access_notes": "By the lift"}
    answer = await browser.submit(f"{path}/edit", wrong)
    assert answer.status_code == 422
    assert "By the lift" in answer.text
    assert "ages" in answer.text
    more = {"gives": "fee", "work_kind": "peer_exchange", "access": "is_step_free", "preparation_minutes": "30 min"}
    answer = await browser.submit(f"{path}/edit", {**fields, **more})
    assert answer.headers["location"] == path
    page = words((await browser.get(path)).text)
    for text in ("A fee, no hours", "Peer exchange", "Step-free from the street", "Time to prepare 30 minutes"):
        assert text in page
    answer = await browser.submit(f"{path}/archive")
    assert answer.status_code == 303
    assert "Lunch club" not in (await browser.get("/groups/all")).text
    assert "Lunch club" in (await browser.get("/groups/all?archived=yes")).text
    await browser.submit(f"{path}/archive", {"back": "yes"})
    assert "Lunch club" in (await browser.get("/groups/all")).text


async def test_planning_says_what_is_not_as_asked(client: Open, bank: Bank) -> None:
    lunch = await group(bank)
    browser = await coordinator(client, bank)
    path = f"/groups/{lunch}/sessions/new"
    wrong = {**DAY_FIELDS, "day-day": "31", "day-month": "4", "starts_at": "2", "planned_minutes": "", "capacity": "no"}
    answer = await browser.submit(path, wrong)
    assert answer.status_code == 422
    text = words(answer.text)
    for message in ("There is no day", "as a time of day", "Enter how long it took", "Give the number of places"):
        assert message in text
    assert 'value="31"' in answer.text
    right = {
        **DAY_FIELDS,
        "day-day": "31",
        "starts_at": "2pm",
        "planned_minutes": "1:30",
        "repeat": "monthly_date",
        "every": "1",
        "count": "3",
    }
    answer = await browser.submit(path, right)
    assert answer.status_code == 303, words(answer.text)
    page = words((await browser.get(answer.headers["location"])).text)
    assert "3 sessions are planned. No such day in April 2026 and June 2026." in page
    assert "Tuesday 31 March 2026 at 2pm" in page
    assert "Friday 31 July 2026 at 2pm" in page


async def test_the_day_view(client: Open, bank: Bank) -> None:
    await planned(bank, await group(bank), room="Room 5")
    browser = await coordinator(client, bank)
    page = words((await browser.get(f"/sessions?day={DAY.isoformat()}")).text)
    assert "2pm, Lunch club Room 5" in page
    assert "16 March" in page
    assert "No session on this day" in words((await browser.get("/sessions?day=2026-03-18")).text)
    assert (await browser.get("/sessions?day=2026-02-30")).status_code == 404
    assert "Tuesday 17 March 2026" in words((await browser.get("/sessions")).text)


async def test_the_list_of_who_is_here(client: Open, bank: Bank, clock: FixedClock) -> None:
    lunch = await group(bank)
    regular, new = await bank.member("Regular Rita"), await bank.member("New Noor")
    await logged(bank, lunch, regular)
    (session,) = await planned(bank, lunch)
    await signed_up(bank, session, bank.participant)
    browser = await coordinator(client, bank)
    path = f"/sessions/{session}"
    page = words((await browser.get(path)).text)
    assert "You can check people in from 1pm on Tuesday 17 March 2026" in page
    assert "Regular Rita Came last time" in page
    assert "Demo participant Signed up" in page
    assert "New Noor Came" not in page
    answer = await browser.submit(f"{path}/people", {"action": "check_in", "member_id": str(regular)})
    assert "You can check in from 1pm" in words(answer.text)

    clock.set(START)
    for fields in ({"member_id": str(regular)}, {"who": " new  NOOR "}):
        answer = await browser.submit(f"{path}/people", {"action": "check_in", **fields})
        assert answer.status_code == 303
    page = words((await browser.get(path)).text)
    assert "Who is here: 2" in page
    assert "New Noor Here since 2pm" in page
    for typed, message in (("Nobody", "found nobody"), ("", "Type a name"), ("99999", "found nobody")):
        answer = await browser.submit(f"{path}/people", {"action": "check_in", "who": typed})
        assert answer.status_code == 422
        assert message in words(answer.text)
    await browser.submit(f"{path}/people", {"action": "take_back", "member_id": str(new)})
    async with bank.db.reading(bank.id) as connection:
        assert await queries.checked_in(connection, bank.id, session) == [regular]
    assert (await browser.submit(f"{path}/people", {"action": "eat", "member_id": str(new)})).status_code == 404


async def test_a_leader_sees_first_names_of_their_own_group_only(client: Open, bank: Bank, clock: FixedClock) -> None:
    lunch, walk = await group(bank), await group(bank, "Walk")
    await leads(bank, lunch)
    rita = await bank.member("Rita Verysecret")
    await logged(bank, lunch, rita)
    (session,) = await planned(bank, lunch)
    (other,) = await planned(bank, walk)
    browser = await participant(client, bank)
    clock.set(START)
    mine = words((await browser.get("/groups/mine")).text)
    assert "Lunch club" in mine
    assert "Walk" not in mine
    for path in (f"/groups/{lunch}", f"/sessions/{session}", f"/groups/{lunch}/sheet", f"/groups/{lunch}/sheet.txt"):
        answer = await browser.get(path)
        assert answer.status_code == 200, path
        assert "Verysecret" not in answer.text, path
    assert "Rita" in (await browser.get(f"/sessions/{session}")).text
    answer = await browser.submit(f"/sessions/{session}/people", {"action": "check_in", "member_id": str(rita)})
    assert answer.status_code == 303
    for path in (f"/groups/{walk}", f"/sessions/{other}", f"/groups/{walk}/sheet.pdf", f"/groups/{lunch}/edit"):
        assert (await browser.get(path)).status_code == 403, path
    answer = await browser.submit(f"/sessions/{other}/people", {"action": "check_in", "member_id": str(rita)})
    assert answer.status_code == 403


async def test_signing_up_and_off(client: Open, bank: Bank) -> None:
    lunch = await group(bank, route="Bus 9", access_notes="Lift on the left", has_hearing_loop=True)
    await leads(bank, lunch)
    (session,) = await planned(bank, lunch, capacity=1, papers="The menu", who="Sam from the clinic")
    panel = await group(bank, "Panel", is_listed=False)
    (closed,) = await planned(bank, panel)
    browser = await participant(client, bank)
    listed = (await browser.get("/whats-on")).text
    assert "Lunch club" in listed
    assert "Panel" not in listed
    assert (await browser.get(f"/whats-on/{closed}")).status_code == 404
    page = words((await browser.get(f"/whats-on/{session}")).text)
    for text in ("Demo will be there", "Sam from the clinic", "Bus 9", "Hearing loop", "Lift on the left", "The menu"):
        assert text in page
    answer = await browser.submit(f"/whats-on/{session}/sign-up")
    page = words((await browser.get(answer.headers["location"])).text)
    assert "You are on the list." in page
    assert "You are on the list" in words((await browser.get("/whats-on")).text)
    other = client()
    await other.sign_in(bank.db, bank.finance)
    answer = await other.submit(f"/whats-on/{session}/sign-up")
    assert answer.status_code == 422
    assert "All places are taken" in words(answer.text)
    await browser.submit(f"/whats-on/{session}/withdraw")
    assert (await other.submit(f"/whats-on/{session}/sign-up")).status_code == 303


async def test_the_poster_leads_to_one_tap(client: Open, bank: Bank, clock: FixedClock) -> None:
    lunch = await group(bank)
    (session,) = await planned(bank, lunch)
    staff = await coordinator(client, bank)
    assert "Make the poster" in (await staff.get(f"/groups/{lunch}/poster")).text
    assert (await staff.get(f"/groups/{lunch}/poster.pdf")).status_code == 404
    await staff.submit(f"/groups/{lunch}/poster")
    (code,) = set(re.findall(r'tb-reference" dir="ltr">([^<]+)<', (await staff.get(f"/groups/{lunch}/poster")).text))

    browser = client()
    answer = await browser.get(f"/in/{code}")
    assert answer.headers["location"] == f"/sign-in?next=/in/{code}"
    assert "Lunch" not in answer.text
    # The card or link that they then open is another address; afterwards they are back here.
    await browser.get(answer.headers["location"])
    await browser.sign_in(bank.db, bank.participant, now=bank.now)
    assert "timebank_next" not in browser.cookies

    clock.set(START - timedelta(minutes=61))
    assert "You can check in from 1pm" in words((await browser.get(f"/in/{code}")).text)
    clock.set(START)
    page = await browser.get(f"/in/{code}")
    assert "I am here" in page.text
    answer = await browser.submit(f"/in/{code}")
    page = await browser.get(answer.headers["location"])
    assert "You are checked in" in words(page.text)
    clock.set(START + timedelta(minutes=10))
    assert (await browser.submit(f"/in/{code}")).status_code == 303
    assert "Since 2pm." in words((await browser.get(f"/in/{code}")).text)
    assert (await look(bank, session)).came == 1
    answer = await browser.get(f"/in?code={code.lower().replace('-', '')}")
    assert answer.headers["location"] == f"/in/{code}"
    assert (await browser.get("/in?code=what")).status_code == 422
    assert (await browser.get("/in/0000-0000")).status_code == 404


async def test_back_at_the_poster_after_a_link(client: Open, bank: Bank) -> None:
    from timebank.identity.service import create_link

    browser = client()
    await browser.get("/sign-in?next=/in/0000-0001")
    path = await create_link(bank.db, bank.coordinator, bank.participant.member_id or 0, now=bank.now)
    page = await browser.get(path)
    assert 'value="/in/0000-0001"' in page.text
    answer = await browser.post(path, data={"next": "/in/0000-0001"})
    assert answer.headers["location"] == "/in/0000-0001"
    await browser.get("/sign-in?next=/members")
    assert "timebank_next" not in browser.cookies


async def test_other_time_banks_posters_say_where_to_go(client: Open, bank: Bank, other_bank: Bank) -> None:
    lunch = await group(bank)
    code = await service.make_code(bank.db, bank.coordinator, lunch, key=key(), now=bank.now)
    browser = client()
    await browser.sign_in(bank.db, other_bank.participant)
    answer = await browser.get(f"/in/{code}")
    assert answer.status_code == 404
    page = words(answer.text)
    assert f"This poster is from another time bank, {bank.facts.name}." in page
    assert "Lunch club" not in page


async def test_changing_and_cancelling(client: Open, bank: Bank) -> None:
    lunch = await group(bank)
    sessions = await planned(bank, lunch, repeat=Repeat(kind="weekly", count=3))
    await signed_up(bank, sessions[0], bank.participant)
    browser = await coordinator(client, bank)
    page = await browser.get(f"/sessions/{sessions[0]}/change")
    assert "This one and the 2 after it" in page.text
    fields = {**DAY_FIELDS, "starts_at": "15:30", "planned_minutes": "2 hours", "version": "1", "following": "yes"}
    answer = await browser.submit(f"/sessions/{sessions[0]}/change", fields)
    page = words((await browser.get(answer.headers["location"])).text)
    assert "3 sessions are changed. We tell the 1 person who signed up." in page
    answer = await browser.submit(f"/sessions/{sessions[0]}/change", {**fields, "starts_at": "16:00"})
    assert "Somebody else changed this session meanwhile" in words(answer.text)
    answer = await browser.submit(f"/sessions/{sessions[0]}/cancel", {"reason": ""})
    assert answer.status_code == 422
    fields = {"reason": "No heating", "set_out": str(bank.participant.member_id)}
    answer = await browser.submit(f"/sessions/{sessions[0]}/cancel", fields)
    page = words((await browser.get(answer.headers["location"])).text)
    assert "This session is cancelled. No heating" in page
    assert "Had set out" in page
    member = await participant(client, bank)
    assert "This session is cancelled. The reason: No heating" in words(
        (await member.get(f"/whats-on/{sessions[0]}")).text
    )
    assert (await messages(bank, "session_cancelled"))[0][0] == bank.participant.member_id


async def test_set_out_can_be_said_later(client: Open, bank: Bank) -> None:
    (session,) = await planned(bank, await group(bank))
    await signed_up(bank, session, bank.participant)
    cancel = CancelSession(session_id=session, reason="Snow")
    await service.cancel_session(bank.db, bank.coordinator, cancel, key=key(), now=bank.now)
    browser = await coordinator(client, bank)
    for action, expected in (("set_out", [bank.participant.member_id]), ("not_set_out", [])):
        fields = {"action": action, "member_id": str(bank.participant.member_id)}
        assert (await browser.submit(f"/sessions/{session}/people", fields)).status_code == 303
        async with bank.db.reading(bank.id) as connection:
            assert await queries.had_set_out(connection, bank.id, session) == expected


@pytest.mark.parametrize("typed", ["", "what", "ZZZZ-ZZZZ", "0000-0000"])
async def test_a_sheet_code_that_leads_nowhere(client: Open, bank: Bank, typed: str) -> None:
    browser = await coordinator(client, bank)
    answer = await browser.get(f"/sheet?code={typed}")
    assert answer.status_code == (422 if typed else 200)


async def test_leaders_are_added_and_stopped_on_the_page(client: Open, bank: Bank) -> None:
    lunch = await group(bank)
    browser = await coordinator(client, bank)
    answer = await browser.submit(f"/groups/{lunch}/leaders", {"who": "Nobody at all"})
    assert answer.status_code == 422
    answer = await browser.submit(f"/groups/{lunch}/leaders", {"who": "Demo participant"})
    assert answer.status_code == 303
    assert (await messages(bank, "group_leader"))[0][1] == "You can now lead Lunch club"
    member = await participant(client, bank)
    assert (await member.get(f"/groups/{lunch}")).status_code == 200
    fields = {"member_id": str(bank.participant.member_id)}
    assert (await browser.submit(f"/groups/{lunch}/leaders/end", fields)).status_code == 303
    assert (await member.get(f"/groups/{lunch}")).status_code == 403
    assert (await browser.submit(f"/groups/{lunch}/leaders/end", fields)).status_code == 404


def photo(width: int = 3000) -> bytes:
    out = BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "A make of phone"
    Image.new("RGB", (width, 2000), "green").save(out, "jpeg", exif=exif)
    return out.getvalue()


async def test_photos_of_the_place_are_on_the_advance_sheet(client: Open, bank: Bank, other_bank: Bank) -> None:
    lunch = await group(bank)
    (session,) = await planned(bank, lunch)
    staff = await coordinator(client, bank)
    path = f"/groups/{lunch}/photos"
    for content, text, message in (
        (b"no photo", "The door", "We cannot open this as a photo"),
        (photo(), " ", "Say what the photo shows"),
    ):
        answer = await staff.submit(path, {"words": text}, files={"photo": ("a.jpg", content)})
        assert answer.status_code == 422
        assert message in words(answer.text)
    answer = await staff.submit(path, {"words": "The blue door"}, files={"photo": ("a.jpg", photo())})
    assert answer.status_code == 303
    member = await participant(client, bank)
    page = (await member.get(f"/whats-on/{session}")).text
    (address,) = re.findall(r'src="(/whats-on/photos/[0-9]+)"', page)
    assert 'alt="The blue door"' in page
    kept = (await member.get(address)).content
    assert b"A make of phone" not in kept
    assert max(Image.open(BytesIO(kept)).size) == MAX_SIDE
    printed = pypdf.PdfReader(BytesIO((await member.get(f"/whats-on/{session}/sheet.pdf")).content))
    assert "The blue door" in "".join(page.extract_text() for page in printed.pages)
    assert sum(len(page.images) for page in printed.pages) == 1
    stranger = client()
    await stranger.sign_in(bank.db, other_bank.coordinator)
    assert (await stranger.get(address)).status_code == 404
    number = address.rpartition("/")[2]
    assert (await staff.submit(f"{path}/remove", {"photo_id": number})).status_code == 303
    assert (await member.get(address)).status_code == 404
    for _ in range(6):
        await staff.submit(path, {"words": "A room"}, files={"photo": ("a.jpg", photo(20))})
    answer = await staff.submit(path, {"words": "A room"}, files={"photo": ("a.jpg", photo(20))})
    assert "at most 6 photos" in words(answer.text)


async def test_a_member_prints_what_to_expect(client: Open, bank: Bank) -> None:
    (session,) = await planned(bank, await group(bank, breaks="Tea at 3"), papers="The menu")
    browser = await participant(client, bank)
    text = (await browser.get(f"/whats-on/{session}/sheet.txt")).text
    for part in ("Lunch club", "Tuesday 17 March 2026 at 2pm", "BREAKS\nTea at 3", "The menu", "IF YOU CANNOT COME"):
        assert part in text
    answer = await browser.get(f"/whats-on/{session}/sheet.pdf?size=large")
    printed = pypdf.PdfReader(BytesIO(answer.content))
    assert "Tea at 3" in "".join(page.extract_text() for page in printed.pages)
    assert answer.headers["content-disposition"] == 'inline; filename="what-to-expect.pdf"'


async def test_a_leader_who_acts_for_somebody_leads_nothing_meanwhile(client: Open, bank: Bank) -> None:
    lunch, subject = await group(bank), await bank.member("Mo Salah-Eddine")
    (session,) = await planned(bank, lunch)
    await leads(bank, lunch)
    agreed = AddSupporter(
        member_id=subject,
        supporter_member_id=bank.participant.member_id,
        scope=("see_hours", "book"),
        agreed_how="phone",
        agreed_on=bank.now.date(),
        starts_on=bank.now.date(),
    )
    added = await add_supporter(bank.db, system(bank.id), agreed, key=key(), now=bank.now)
    assert isinstance(added, SupporterAdded), added
    browser = await participant(client, bank)
    assert (await browser.get(f"/sessions/{session}")).status_code == 200
    begun = await browser.submit(f"/supporting/{subject}", {f"reason-{subject}": "Put them on the list"})
    assert begun.status_code == 303
    assert (await browser.get(f"/sessions/{session}")).status_code == 403
    assert (await browser.get("/in/0000-0000")).status_code == 403
    assert "Groups I lead" not in (await browser.get("/whats-on")).text
    assert (await browser.submit(f"/whats-on/{session}/sign-up")).status_code == 303
    async with bank.db.reading(bank.id) as connection:
        assert await queries.signed_up(connection, bank.id, session) == [subject]
    assert (await messages(bank, "session_signed_up"))[0][0] == subject
