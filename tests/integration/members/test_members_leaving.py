"""Pausing, leaving and staying: the ledger keeps its balance, the person goes, and nothing is half done."""

import asyncio
import json
import zipfile
from datetime import date, timedelta
from io import BytesIO
from uuid import uuid4

import asyncpg
import pytest

from tests.integration.redemptions.spending import actor, book, booked, give_hours, hours, offer, posted, prove, step
from tests.people import NOW, Bank, make_bank
from timebank.db import claim
from timebank.hours.service import Give, give
from timebank.identity.service import create_link, create_token, issue_card
from timebank.members import leaving, pausing, safeguarding, standing
from timebank.members.download import Download, download
from timebank.members.leaving import AskToLeave, Stay, ask_to_leave, erase_due, stay
from timebank.members.pausing import AskPause, ComeBack
from timebank.members.traces import ANONYMOUS, TRACES, WHO_DID_IT, WITHHELD
from timebank.messages.packing import pack
from timebank.messages.service import Message, send

LATER = timedelta(days=12)


def key() -> str:
    return uuid4().hex


async def leave(bank: Bank, who, **more):
    return await ask_to_leave(bank.db, who, AskToLeave(member_id=who.member_id), key=key(), now=bank.now, **more)


async def member_row(bank: Bank, member_id: int) -> dict:
    async with bank.db.reading(bank.id) as connection:
        return dict(await connection.fetchrow("select * from member where id = $1", member_id))


async def refused(outcome, code: str) -> None:
    assert isinstance(outcome, list), outcome
    assert code in [refusal.code for refusal in outcome]


async def test_leaving_erases_the_person_and_keeps_the_ledger(bank: Bank, owner_url: str, client) -> None:
    me = bank.participant
    await give_hours(bank, me.member_id, 300)
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            "update member set email = 'me@example.org', phone = '01632 960 001', postal_address = '1 Secret Street',"
            " can_offer = 'Singing', note = 'A private note', access_needs = 'Needs', emergency_name = 'Sis',"
            " emergency_phone = '01632 960 009' where id = $1",
            me.member_id,
        )
    pot = await posted(bank, "pot")
    asked = await leave(bank, me)
    assert isinstance(asked, leaving.Leaving), asked
    assert (await member_row(bank, me.member_id))["status"] == "paused"
    assert await erase_due(bank.db, bank.id, bank.now) == 0, "there are days to think again"
    assert await erase_due(bank.db, bank.id, asked.erase_at - timedelta(minutes=1)) == 0
    assert await erase_due(bank.db, bank.id, asked.erase_at) == 1
    assert await erase_due(bank.db, bank.id, asked.erase_at + LATER) == 0, "once"
    row = await member_row(bank, me.member_id)
    assert (row["display_name"], row["status"]) == (ANONYMOUS, "left")
    empty = ("name_key", "email", "phone", "postal_address", "can_offer", "note", "access_needs", "emergency_name",
             "emergency_phone")  # fmt: skip
    assert [row[name] for name in empty] == [""] * len(empty)
    assert (await hours(bank, me.member_id)).posted == 0
    assert await posted(bank, "pot") == pot + 300
    assert await prove(owner_url, bank.id) == []
    browser = client()
    await browser.sign_in(bank.db, bank.coordinator)
    for wanted in ("Demo participant", "me@example.org", "960 001", ANONYMOUS):
        found = await browser.get(f"/members?q={wanted}")
        assert f'/members/{me.member_id}"' not in found.text, wanted


async def test_no_word_about_the_person_is_left(bank: Bank, admin_url: str) -> None:
    """Whatever was written about them anywhere: nothing of it is found in any row of any table."""
    mark = "Quixotically"
    me = actor(bank, await bank.member(f"{mark} Jones"))
    await give_hours(bank, me.member_id, 60)
    reference = await booked(bank, await offer(bank), me)
    await step(bank, "cancel", reference, me)
    other = actor(bank, await bank.member("Somebody"))
    chosen = await standing.choose(
        bank.db,
        me,
        standing.Choose(member_id=me.member_id, choice="member", to_member_id=other.member_id),
        key=key(),
        now=NOW,
    )
    assert isinstance(chosen, standing.Chosen)
    async with bank.db.writing(bank.id) as connection:  # some use cases remember a name in their answer
        await claim(connection, bank.id, "act_for:test", key(), "x")
        await connection.execute(
            "update idempotency set response = jsonb_build_object('display_name', $2::text)"
            " where timebank_id = $1 and scope = 'act_for:test'",
            bank.id,
            f"{mark} Jones",
        )
    asked = await leave(bank, me)
    assert isinstance(asked, leaving.Leaving), asked
    await erase_due(bank.db, bank.id, asked.erase_at)
    connection = await asyncpg.connect(admin_url)
    try:
        tables = await connection.fetch(
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
        )
        # A message belongs to whoever got it; the page that asks says so.
        for table in {row["relname"] for row in tables} - {"message"}:
            found = await connection.fetchval(f"select count(*) from \"{table}\" t where t::text ilike '%{mark}%'")
            assert found == 0, table
    finally:
        await connection.close()


async def test_every_way_to_sign_in_ends(bank: Bank, client) -> None:
    me = bank.participant
    browser = client()
    await browser.sign_in(bank.db, me)
    await issue_card(bank.db, bank.coordinator, me.member_id, now=bank.now)
    await create_token(bank.db, me, me.member_id, "program", ["hours:read"], now=bank.now)
    asked = await leave(bank, me)
    assert (await browser.get("/")).status_code == 200, "while there is time they can sign in"
    path = await create_link(bank.db, me, me.member_id, now=bank.now)
    await erase_due(bank.db, bank.id, asked.erase_at)
    assert (await browser.get("/")).status_code == 303
    assert (await client().post(path, data={})).status_code != 303
    async with bank.db.globally() as connection:
        for table in ("web_session", "sign_in_link", "card", "api_token"):
            left = await connection.fetchval(
                f"select count(*) from {table} where timebank_id = $1 and member_id = $2", bank.id, me.member_id
            )
            assert left == 0, table


async def test_one_who_changes_their_mind_is_as_before(bank: Bank) -> None:
    me = bank.participant
    await give_hours(bank, me.member_id, 60)
    asked = await leave(bank, me)
    stayed = await stay(bank.db, me, Stay(member_id=me.member_id), key=key(), now=bank.now + timedelta(days=3))
    assert stayed == leaving.Stayed(member_id=me.member_id, status="active")
    assert await erase_due(bank.db, bank.id, asked.erase_at + LATER) == 0
    assert (await hours(bank, me.member_id)).posted == 60
    again = await leave(bank, me)
    assert isinstance(again, leaving.Leaving), "one can ask again"


async def test_open_bookings_come_first(bank: Bank) -> None:
    me = bank.participant
    await give_hours(bank, me.member_id, 60)
    reference = await booked(bank, await offer(bank), me)
    await refused(await leave(bank, me), "open_bookings")
    await step(bank, "cancel", reference, me)
    assert isinstance(await leave(bank, me), leaving.Leaving)


async def test_a_booking_of_others_with_them_comes_first_too(bank: Bank) -> None:
    helper = actor(bank, await bank.member("Helper"))
    walk = await offer(bank, "peer_support", provider_id=helper.member_id)
    await give_hours(bank, bank.participant.member_id, 60)
    reference = await booked(bank, walk, bank.participant)
    await refused(await leave(bank, helper), "open_bookings")
    await step(bank, "cancel", reference, bank.participant)
    assert isinstance(await leave(bank, helper), leaving.Leaving)
    refused_booking = await book(bank, walk, bank.participant)
    await refused(refused_booking, "helper_away")
    await stay(bank.db, helper, Stay(member_id=helper.member_id), key=key(), now=bank.now)
    assert not isinstance(await book(bank, walk, bank.participant), list), "and again when they stay"


async def test_hours_expire_where_the_rules_say_so(db) -> None:
    bank = await make_bank(db, hours_on_leaving="expire")
    await give_hours(bank, bank.participant.member_id, 90)
    asked = await leave(bank, bank.participant)
    await erase_due(db, bank.id, asked.erase_at)
    assert await posted(bank, "expired") == 90
    assert await posted(bank, "pot") == 0


async def test_hours_below_zero_cost_nobody(db, owner_url: str) -> None:
    bank = await make_bank(db, member_floor_minutes=120)
    me = bank.participant
    gift = Give(from_member_id=me.member_id, to_member_id=bank.finance.member_id, minutes=45)
    await give(db, me, gift, key=key(), now=bank.now)
    assert (await hours(bank, me.member_id)).posted == -45
    asked = await leave(bank, me)
    await erase_due(db, bank.id, asked.erase_at)
    assert (await hours(bank, me.member_id)).posted == 0
    assert await posted(bank, "corrections") == -45
    assert await prove(owner_url, bank.id) == []


async def test_hours_that_arrive_while_leaving_go_the_same_way(bank: Bank, owner_url: str) -> None:
    me = bank.participant
    asked = await leave(bank, me)
    await give_hours(bank, me.member_id, 30)
    await erase_due(bank.db, bank.id, asked.erase_at)
    assert await posted(bank, "pot") == 30
    assert await prove(owner_url, bank.id) == []


async def test_two_servers_let_somebody_go_once(bank: Bank) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    asked = await leave(bank, bank.participant)
    done = await asyncio.gather(*(erase_due(bank.db, bank.id, asked.erase_at) for _ in range(4)))
    assert sum(done) == 1
    assert await posted(bank, "pot") == 60


async def test_asking_twice_changes_nothing(bank: Bank) -> None:
    first = await leave(bank, bank.participant)
    second = await ask_to_leave(
        bank.db,
        bank.participant,
        AskToLeave(member_id=bank.participant.member_id),
        key=key(),
        now=bank.now + timedelta(days=2),
    )
    assert first == second


async def test_nobody_else_decides_and_only_a_coordinator_records_a_death(bank: Bank) -> None:
    other = await bank.member("Other")
    command = AskToLeave(member_id=other)
    await refused(await ask_to_leave(bank.db, bank.participant, command, key=key(), now=NOW), "not_yours")
    died = AskToLeave(member_id=bank.participant.member_id, kind="died")
    await refused(await ask_to_leave(bank.db, bank.participant, died, key=key(), now=NOW), "not_allowed")


async def test_a_death_is_recorded_and_nobody_is_written_to(bank: Bank) -> None:
    me = bank.participant
    command = AskToLeave(member_id=me.member_id, kind="died")
    asked = await ask_to_leave(bank.db, bank.coordinator, command, key=key(), now=NOW)
    assert isinstance(asked, leaving.Leaving), asked
    async with bank.db.reading(bank.id) as connection:
        waiting = "select count(*) from message where member_id = $1 and state = 'waiting'"
        assert await connection.fetchval(waiting, me.member_id) == 0
    late = Message(member_id=me.member_id, kind="test", subject="News", body="", is_urgent=True, dedupe=key())
    async with bank.db.writing(bank.id) as connection:
        await send(connection, bank.id, [late], now=NOW)
    await pack(bank.db, bank.id, NOW + timedelta(days=1))
    async with bank.db.reading(bank.id) as connection:
        states = await connection.fetch("select state from message where member_id = $1", me.member_id)
    assert {row["state"] for row in states} == {"dropped"}
    await erase_due(bank.db, bank.id, asked.erase_at)
    assert (await member_row(bank, me.member_id))["display_name"] == ANONYMOUS


async def test_the_last_who_can_run_the_time_bank_stays(bank: Bank) -> None:
    assert isinstance(await leave(bank, bank.coordinator_two), leaving.Leaving)
    await refused(await leave(bank, bank.coordinator), "runs_it_alone")


async def test_the_safeguarding_lead_is_replaced_first(bank: Bank) -> None:
    admin = actor(bank, await bank.member("Admin", "admin"), "admin")
    name = safeguarding.NamePerson(member_id=bank.participant.member_id, part="lead")
    assert isinstance(await safeguarding.name_person(bank.db, admin, name, key=key(), now=NOW), safeguarding.Recorded)
    await refused(await leave(bank, bank.participant), "leads_safeguarding")


async def test_whoever_gave_them_their_hours_keeps_them_again_and_is_told(bank: Bank) -> None:
    giver = actor(bank, await bank.member("Giver"))
    me = bank.participant.member_id
    choice = standing.Choose(member_id=giver.member_id, choice="member", to_member_id=me)
    await standing.choose(bank.db, giver, choice, key=key(), now=NOW)
    asked = await leave(bank, bank.participant)
    async with bank.db.reading(bank.id) as connection:
        known = await standing.standing_choices(connection, bank.id, [giver.member_id])
    assert known == {giver.member_id: ("hours", None)}, "nothing goes to somebody who is leaving"
    await erase_due(bank.db, bank.id, asked.erase_at)
    async with bank.db.reading(bank.id) as connection:
        assert (await standing.choice_of(connection, bank.id, giver.member_id)).choice == "hours"
        told = "select count(*) from message where member_id = $1 and kind = 'standing_choice'"
        assert await connection.fetchval(told, giver.member_id) == 1


# Pausing


async def test_a_pause_ends_on_its_day_and_the_member_is_told(bank: Bank) -> None:
    me = bank.participant
    until = NOW.date() + timedelta(days=10)
    paused = await pausing.pause(bank.db, me, AskPause(member_id=me.member_id, until_on=until), key=key(), now=NOW)
    assert paused == pausing.Status(status="paused", why="asked", until_on=until)
    assert await pausing.end_pauses_due(bank.db, bank.id, NOW + timedelta(days=9)) == 0
    assert await pausing.end_pauses_due(bank.db, bank.id, NOW + timedelta(days=10)) == 1
    assert await pausing.end_pauses_due(bank.db, bank.id, NOW + timedelta(days=11)) == 0
    assert (await member_row(bank, me.member_id))["status"] == "active"


async def test_a_paused_member_signs_in_and_books_nothing(bank: Bank, client) -> None:
    me = bank.participant
    await give_hours(bank, me.member_id, 60)
    thing = await offer(bank)
    await pausing.pause(bank.db, me, AskPause(member_id=me.member_id), key=key(), now=NOW)
    browser = client()
    await browser.sign_in(bank.db, me)
    assert "1 hour" in (await browser.get("/")).text
    await refused(await book(bank, thing, me), "paused")
    back = await pausing.come_back(bank.db, me, ComeBack(member_id=me.member_id), key=key(), now=NOW)
    assert back == pausing.Status(status="active")
    assert not isinstance(await book(bank, thing, me), list)


@pytest.mark.parametrize(("until", "code"), [(0, "until_not_ahead"), (-3, "until_not_ahead"), (1200, "until_too_far")])
async def test_a_pause_needs_a_day_ahead(bank: Bank, until: int, code: str) -> None:
    me = bank.participant
    command = AskPause(member_id=me.member_id, until_on=NOW.date() + timedelta(days=until))
    await refused(await pausing.pause(bank.db, me, command, key=key(), now=NOW), code)


# The list of traces


async def test_every_column_that_names_a_member_is_on_the_list(admin_url: str) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        rows = await connection.fetch(
            """
            select c.conrelid::regclass::text as table_name, a.attname as column_name
              from pg_constraint c
              join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[cardinality(c.conkey)]
             where c.contype = 'f' and c.confrelid = 'member'::regclass
            """
        )
    finally:
        await connection.close()
    covered = {(trace.table, column) for trace in TRACES for column in trace.columns}
    found = {(row["table_name"], row["column_name"]) for row in rows}
    assert len(found) > 20
    missing = {each for each in found - covered - set(WITHHELD) if each[1] not in WHO_DID_IT}
    assert not missing, "say in members/traces.py what of this a member can download, and what goes when they leave"


async def test_every_statement_on_the_list_runs(bank: Bank) -> None:
    async with bank.db.writing(bank.id) as connection:
        for trace in TRACES:
            if trace.select:
                await connection.fetch(trace.select, bank.id, bank.participant.member_id)
        for trace in TRACES:
            for statement in trace.erase:
                await connection.execute(statement, bank.id, bank.participant.member_id)


async def test_a_download_has_everything_and_is_noted(bank: Bank) -> None:
    me = bank.participant
    await give_hours(bank, me.member_id, 75)
    await booked(bank, await offer(bank, title="A swim"), me)
    made = await download(bank.db, bank.coordinator, me.member_id, now=NOW)
    assert isinstance(made, Download), made
    archive = zipfile.ZipFile(BytesIO(made.content))
    held = json.loads(archive.read("everything.json"))
    assert held["You"][0]["display_name"] == "Demo participant"
    assert held["Your hours"][0]["minutes"] == 75
    assert held["Bookings"][0]["title"] == "A swim"
    assert "Checks" not in held, "not for a coordinator's eyes"
    page = archive.read("read-me-first.html").decode()
    assert "A swim" in page
    assert "token" not in page
    mine = await download(bank.db, me, me.member_id, now=NOW)
    assert isinstance(mine, Download)
    held = json.loads(zipfile.ZipFile(BytesIO(mine.content)).read("everything.json"))
    assert "Checks" in held
    looks = held["Who looked at your record"]
    assert [look["what"] for look in looks] == ["downloaded everything held about you"]


async def test_nobody_downloads_somebody_else(bank: Bank, other_bank: Bank) -> None:
    await refused(await download(bank.db, bank.finance, bank.participant.member_id, now=NOW), "not_yours")
    stranger = other_bank.coordinator
    await refused(await download(bank.db, stranger, bank.participant.member_id, now=NOW), "unknown_member")


def test_the_last_day_to_stay_is_a_working_day() -> None:
    class Facts:
        time_zone = "Europe/London"
        holiday_region = "GB-ENG"

    # A week after Friday 18 December is Christmas Day, then come Saturday, Sunday and the day instead of Boxing Day.
    from datetime import UTC, datetime

    asked = datetime(2026, 12, 18, 10, tzinfo=UTC)
    assert leaving.last_day_to_stay(Facts, asked) == date(2026, 12, 29)  # type: ignore[arg-type]
