"""Changing rules, starting a time bank, practice: against a real database."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

import ledger
from tests.integration.governance.versions import admin_of, change
from tests.integration.messages.mailroom import messages, tell
from tests.people import Bank, Browser
from timebank.activities.service import AddActivity, add_activity
from timebank.banks import queries as banks
from timebank.contributions.rules import Line
from timebank.contributions.service import SaveRegister, save_register
from timebank.db import Database
from timebank.governance import queries, service
from timebank.governance.service import ChangeSettings, FirstDay, NoDraft, Started
from timebank.governance.start_rules import PersonLine
from timebank.identity.rules import Device
from timebank.identity.service import create_token
from timebank.kit.actor import Actor
from timebank.kit.ids import sha256
from timebank.messages.packing import pack

Open = Callable[[], Browser]
DEVICE = Device(network="127.0.0.1", agent="A browser")


def codes(found: object) -> list[str]:
    assert isinstance(found, list), found
    return [each.code for each in found]


async def versions(bank: Bank) -> list[queries.Version]:
    async with bank.db.reading(bank.id) as connection:
        return await queries.versions(connection, bank.id)


# Rules --------------------------------------------------------------------------------------------------------------


async def test_a_change_starts_on_its_day_and_everybody_is_told(bank: Bank) -> None:
    admin = await admin_of(bank)
    starts_on = bank.now.date() + timedelta(days=40)
    assert await change(bank, admin, undo_minutes="20", approval_above_minutes="4 hours") == 2
    async with bank.db.reading(bank.id) as connection:
        before = await banks.rules_in_force(connection, bank.id, starts_on - timedelta(days=1))
        after = await banks.rules_in_force(connection, bank.id, starts_on)
    assert (before[0], before[1].undo_minutes) == (1, 10)
    assert (after[0], after[1].undo_minutes, after[1].approval_above_minutes) == (2, 20, 240)
    newest = (await versions(bank))[0]
    assert (newest.decided_by, newest.starts_on) == ("the meeting", starts_on)
    told = await messages(bank)
    async with bank.db.reading(bank.id) as connection:
        members = await connection.fetchval("select count(*) from member where timebank_id = $1", bank.id)
    assert len(told) == members
    assert "20 minutes" in told[0]["body"]
    assert told[0]["path"] == "/rules/2"


async def test_it_cannot_start_sooner_once_people_gave_time(bank: Bank) -> None:
    admin, day = await admin_of(bank), bank.now.date()
    assert await change(bank, admin, undo_minutes="20", starts_on=day) == 2, "nobody has given time under them yet"
    await log_some_time(bank)
    soon = await change(bank, admin, base=2, undo_minutes="30", starts_on=day + timedelta(days=29))
    assert codes(soon) == ["starts_too_soon"]
    assert await change(bank, admin, base=2, safeguarding_lead="Ruth", starts_on=day) == 3, "names change at once"
    assert await change(bank, admin, base=3, undo_minutes="30", starts_on=day + timedelta(days=30)) == 4
    before_the_last = await change(bank, admin, base=4, outside_body="The council", starts_on=day)
    assert codes(before_the_last) == ["starts_too_soon"], "a later version may not start before an earlier one"


async def log_some_time(bank: Bank) -> None:
    group = await add_activity(bank.db, bank.coordinator, AddActivity(name="Lunch"), key=uuid4().hex, now=bank.now)
    assert isinstance(group, int)
    line = Line(member_id=bank.participant.member_id or 0, held_on=bank.now.date(), minutes=60)
    saved = await save_register(
        bank.db, bank.coordinator, SaveRegister(activity_id=group, lines=(line,)), key=uuid4().hex, now=bank.now
    )
    assert not isinstance(saved, list), saved


async def test_who_may_change_them_and_what_is_refused(bank: Bank) -> None:
    admin = await admin_of(bank)
    for who in (bank.participant, bank.coordinator, bank.finance):
        assert codes(await change(bank, who, undo_minutes="20")) == ["not_allowed"]
    assert codes(await change(bank, admin)) == ["nothing_changes"]
    assert codes(await change(bank, admin, undo_minutes="10")) == ["nothing_changes"]
    assert codes(await change(bank, admin, undo_minutes="20", decided_by=" ")) == ["decided_by_missing"]
    assert codes(await change(bank, admin, undo_minutes="x")) == ["not_a_number"]
    assert codes(await change(bank, admin, base=0, undo_minutes="20")) == ["changed_meanwhile"]
    assert len(await versions(bank)) == 1


async def test_two_at_once_make_one_version(bank: Bank) -> None:
    admin = await admin_of(bank)
    done = await asyncio.gather(*(change(bank, admin, undo_minutes=str(n)) for n in (20, 30, 40)))
    assert [each for each in done if isinstance(each, int)] == [2]
    assert [codes(each) for each in done if isinstance(each, list)] == [["changed_meanwhile"]] * 2


async def test_settings(bank: Bank) -> None:
    admin = await admin_of(bank)
    command = ChangeSettings(
        name=" New  name ", time_zone="Europe/Paris", holiday_region="FR", help_contact="Ada 01632 960 001"
    )
    assert await service.change_settings(bank.db, admin, command, key=uuid4().hex, now=bank.now) == bank.id
    async with bank.db.reading(bank.id) as connection:
        facts = await banks.by_id(connection, bank.id)
    assert (facts.name, facts.time_zone, facts.holiday_region, facts.slug) == (
        "New name",
        "Europe/Paris",
        "FR",
        bank.facts.slug,
    )
    wrong = ChangeSettings(name="", time_zone="Moon", holiday_region="XX", help_contact="x" * 201)
    refused = await service.change_settings(bank.db, admin, wrong, key=uuid4().hex, now=bank.now)
    assert codes(refused) == ["bad_name", "bad_time_zone", "bad_holiday_region", "help_contact_too_long"]
    nobody = await service.change_settings(bank.db, bank.coordinator, command, key=uuid4().hex, now=bank.now)
    assert codes(nobody) == ["not_allowed"]


# The first day ------------------------------------------------------------------------------------------------------

FIRST_DAY = FirstDay(
    name="Harbour Café Time Bank",
    your_name="Sefu Otieno",
    template="careful",
    group_name="Tuesday lunch",
    group_minutes=120,
    help_contact="Sefu, 01632 960 001",
    people=(PersonLine(name="Ada"), PersonLine(name="Ben", phone="01632 960 002")),
)


async def start(bank: Bank, admin: Actor, command: FirstDay = FIRST_DAY, key: str = "") -> Started | list[Any]:
    return await service.start_at_once(bank.db, admin, command, key=key or uuid4().hex, now=bank.now)


async def test_a_time_bank_is_made_whole(bank: Bank) -> None:
    admin, key = await admin_of(bank), uuid4().hex
    started = await start(bank, admin, key=key)
    assert isinstance(started, Started), started
    assert await start(bank, admin, key=key) == started, "a repeat makes no second one"
    async with bank.db.reading(started.timebank_id) as connection:
        facts = await banks.by_id(connection, started.timebank_id)
        people = await connection.fetch(
            "select display_name, contact_route from member where timebank_id = $1 order by number",
            started.timebank_id,
        )
        roles = await connection.fetch(
            "select role from member_role where timebank_id = $1 and member_id = $2 order by role",
            started.timebank_id,
            started.member_id,
        )
        _, in_force = await banks.rules_in_force(connection, started.timebank_id, bank.now.date())
        balance = await ledger.balance(connection, started.timebank_id, f"member/{started.member_id}")
    assert facts.slug.startswith("harbour-cafe-time-bank")
    assert facts.holiday_region == "GB-ENG"
    assert [tuple(row) for row in people] == [("Sefu Otieno", "none"), ("Ada", "none"), ("Ben", "phone")]
    assert [row["role"] for row in roles] == ["admin", "coordinator"]
    assert in_force.approval_above_minutes == 240
    assert balance.posted == 0


async def test_nothing_is_left_of_one_that_was_refused(bank: Bank) -> None:
    admin = await admin_of(bank)

    async def count() -> int:
        async with bank.db.globally() as connection:
            return int(await connection.fetchval("select count(*) from timebank"))

    before = await count()
    for field, value, code in (
        ("name", "", "bad_name"),
        ("template", "none", "template_missing"),
        ("group_name", " ", "group_missing"),
        ("time_zone", "Moon", "bad_time_zone"),
    ):
        wrong = FirstDay(**{**{name: getattr(FIRST_DAY, name) for name in FirstDay.__struct_fields__}, field: value})
        assert codes(await start(bank, admin, wrong)) == [code]
    assert codes(await start(bank, bank.coordinator)) == ["not_allowed"]
    assert await count() == before


async def test_a_draft_is_kept_finished_once_and_entered_once(bank: Bank) -> None:
    admin, db, now = await admin_of(bank), bank.db, bank.now
    secret = await service.begin(db, admin, "Ada", now=now)
    assert isinstance(secret, str)
    assert codes(await service.finish(db, secret, now=now)) == ["step_missing"]
    answers = {
        "name": "Quay", "your_name": "Ada", "help_contact": "", "time_zone": "Europe/London", "currency": "GBP",
        "template": "usual", "group_name": "Walks", "group_place": "", "group_minutes": "1 hour", "people": "Ben\nCleo",
        "done": ["bank", "rules", "group", "people"],
    }  # fmt: skip
    await service.answer(db, secret, answers, now=now)
    first, second = await asyncio.gather(*(service.finish(db, secret, now=now) for _ in range(2)))
    assert isinstance(first, Started)
    assert first == second
    with pytest.raises(NoDraft):
        await service.answer(db, secret, {"name": "Other"}, now=now)
    entered = await service.enter(db, secret, DEVICE, replaces="", now=now)
    assert entered is not None
    assert (entered.timebank_id, entered.member_id) == (first.timebank_id, first.member_id)
    assert await service.enter(db, secret, DEVICE, replaces="", now=now) is None, "once"
    with pytest.raises(NoDraft):
        await service.draft(db, secret, now=now + timedelta(seconds=1))


async def test_what_a_program_began_no_browser_can_take_up(bank: Bank) -> None:
    admin = await admin_of(bank)
    await start(bank, admin, key="guess")
    secret = f"{bank.id}:{admin.name}:guess"
    with pytest.raises(NoDraft):
        await service.draft(bank.db, secret, now=bank.now)
    assert await service.enter(bank.db, secret, DEVICE, replaces="", now=bank.now) is None


async def test_a_set_up_link_is_only_for_an_empty_server(bank: Bank) -> None:
    assert await service.make_setup_link(bank.db, now=bank.now) is None


async def test_a_set_up_link_works_once_for_a_day(db: Database, bank: Bank) -> None:
    token = uuid4().hex
    async with db.globally() as connection:
        await connection.execute(
            "insert into setup_link (token_sha256, created_at, expires_at) values ($1, $2, $3)",
            sha256(token),
            bank.now,
            bank.now + timedelta(days=1),
        )
    assert await service.begin_by_link(db, token, now=bank.now + timedelta(days=1)) is None
    won = await asyncio.gather(*(service.begin_by_link(db, token, now=bank.now) for _ in range(3)))
    assert sum(each is not None for each in won) == 1
    assert await service.begin_by_link(db, "no such link", now=bank.now) is None


# Practice -----------------------------------------------------------------------------------------------------------


async def test_practice_is_made_once_filled_and_sends_nothing(bank: Bank) -> None:
    opened = await service.open_practice(bank.db, bank.coordinator, "Dilys", now=bank.now)
    assert isinstance(opened, service.Practice)
    assert await service.open_practice(bank.db, bank.coordinator, "Dilys", now=bank.now) == opened
    afresh = await service.open_practice(bank.db, bank.coordinator, "Dilys", afresh=True, now=bank.now)
    assert isinstance(afresh, service.Practice)
    assert afresh.timebank_id != opened.timebank_id
    other = await service.open_practice(bank.db, bank.coordinator_two, "Noel", now=bank.now)
    assert isinstance(other, service.Practice)
    assert other.timebank_id not in (opened.timebank_id, afresh.timebank_id)
    async with bank.db.reading(opened.timebank_id) as connection:
        facts = await banks.by_id(connection, opened.timebank_id)
        lines = await connection.fetchval(
            "select count(*) from contribution where timebank_id = $1 and state = 'approved'", facts.id
        )
    assert facts.slug.startswith("practice-")
    assert lines == 9
    practice = Bank(**{**vars(bank), "facts": facts})
    await tell(practice, opened.member_id, "News")
    async with bank.db.writing(facts.id) as connection:
        await connection.execute(
            "update member set contact_route = 'email', email = 'real@example.test' where timebank_id = $1", facts.id
        )
    await pack(bank.db, facts.id, bank.now + timedelta(hours=1))
    assert {each["state"] for each in await messages(practice)} == {"kept"}
    within = Actor(timebank_id=facts.id, member_id=opened.member_id, roles=frozenset({"admin", "coordinator"}))
    assert codes(await service.open_practice(bank.db, within, "Dilys", now=bank.now)) == ["in_practice"]
    assert codes(await service.open_practice(bank.db, bank.participant, "P", now=bank.now)) == ["not_allowed"]


async def test_into_practice_and_back(client: Open, bank: Bank) -> None:
    browser = client()
    await browser.sign_in(bank.db, bank.coordinator)
    answer = await browser.submit("/practice")
    assert answer.status_code == 303, answer.text
    page = (await browser.get("/groups")).text
    assert "Practice: nothing here is real." in page
    assert "Practice lunch club" in page
    sessions = "select csrf from web_session where token_sha256 = $1"
    async with bank.db.globally() as connection:
        browser.csrf = await connection.fetchval(sessions, sha256(browser.cookies["timebank"]))
    assert (await browser.submit("/practice/leave")).status_code == 303
    page = (await browser.get("/groups")).text
    assert "Practice: nothing here is real." not in page
    assert bank.facts.name in page


# The API ------------------------------------------------------------------------------------------------------------


async def test_the_same_by_the_api(client: Open, bank: Bank) -> None:
    admin, browser = await admin_of(bank), client()
    token = await create_token(
        bank.db, admin, admin.member_id or 0, "Robot", ("rules:read", "rules:write"), now=bank.now
    )

    def sent() -> dict[str, str]:
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}

    body = {
        "base_version": 1,
        "changes": {"undo_minutes": "20"},
        "decided_by": "the meeting",
        "starts_on": str(bank.now.date() + timedelta(days=30)),
    }
    made = await browser.post("/api/v1/rules", json=body, headers=sent())
    assert made.status_code == 201, made.text
    shown = (await browser.get(made.headers["location"], headers=sent())).json()
    assert shown["changes"] == [
        {
            "name": "undo_minutes",
            "before": "A saved register can be undone for 10 minutes.",
            "after": "A saved register can be undone for 20 minutes.",
        }
    ]
    assert not shown["is_in_force"]
    assert len((await browser.get("/api/v1/rules", headers=sent())).json()["items"]) == 2
    settings = (await browser.get("/api/v1/settings", headers=sent())).json()
    changed = await browser.post("/api/v1/settings", json={**settings, "holiday_region": "GB-SCT"}, headers=sent())
    assert changed.json()["holiday_region"] == "GB-SCT"
    new = {
        "name": "By robot",
        "your_name": "Ada",
        "template": "usual",
        "group_name": "Walks",
        "people": [{"name": "B"}],
    }
    started = await browser.post("/api/v1/timebanks", json=new, headers=sent())
    assert started.status_code == 201, started.text
    practice = await browser.post("/api/v1/practice", json={}, headers=sent())
    assert practice.status_code == 201, practice.text
    assert practice.json()["sign_in_path"].startswith("/sign-in/link/")
