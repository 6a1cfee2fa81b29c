"""Whom a new register proposes: those of the last time that the group really met."""

from collections.abc import Callable
from datetime import date, timedelta
from uuid import uuid4

from tests.integration.contributions.test_contributions_pages import coordinator, group, typed_in, words
from tests.people import Bank, Browser
from timebank.activities import queries as activities
from timebank.contributions import self_log, service
from timebank.contributions.self_log import Logged, LogTime
from timebank.contributions.service import Line, SavedRegister, SaveRegister
from timebank.kit.actor import Actor

Open = Callable[[], Browser]


async def met(bank: Bank, activity: int, days_ago: int, *who: int) -> date:
    day: date = (bank.now - timedelta(days=days_ago)).date()
    lines = tuple(Line(member_id=member_id, held_on=day, minutes=90) for member_id in who)
    command = SaveRegister(activity_id=activity, lines=lines)
    saved = await service.save_register(bank.db, bank.coordinator, command, key=uuid4().hex, now=bank.now)
    assert isinstance(saved, SavedRegister), saved
    return day


async def proposed(client: Open, bank: Bank, activity: int) -> list[str]:
    browser = await coordinator(client, bank)
    return typed_in((await browser.get(f"/groups/{activity}/register")).text).get("came", [])


async def last_met(bank: Bank, activity: int) -> date | None:
    async with bank.db.reading(bank.id) as connection:
        return await activities.last_met(connection, bank.id, activity)


async def test_one_stray_line_on_a_later_day_is_not_the_last_time(client: Open, bank: Bank) -> None:
    activity, people = await group(bank), [await bank.member() for _ in range(4)]
    await met(bank, activity, 14, *people[:3])
    day = await met(bank, activity, 7, *people)
    await met(bank, activity, 2, people[0])
    assert await proposed(client, bank, activity) == [f"m{one}" for one in people]
    assert await last_met(bank, activity) == day
    browser = await coordinator(client, bank)
    assert "4 people" in words((await browser.get("/groups")).text)


async def test_what_members_log_for_themselves_is_no_meeting(client: Open, bank: Bank) -> None:
    activity, people = await group(bank), [await bank.member() for _ in range(2)]
    day = await met(bank, activity, 7, *people)
    alone = Actor(timebank_id=bank.id, member_id=await bank.member())
    command = LogTime(activity_id=activity, held_on=bank.now.date(), minutes=60)
    assert isinstance(await self_log.log_time(bank.db, alone, command, key=uuid4().hex, now=bank.now), Logged)
    assert sorted(await proposed(client, bank, activity)) == sorted(f"m{one}" for one in people)
    assert await last_met(bank, activity) == day


async def test_a_smaller_meeting_counts_and_so_does_a_group_of_one(client: Open, bank: Bank) -> None:
    activity, people = await group(bank), [await bank.member() for _ in range(4)]
    await met(bank, activity, 14, *people)
    day = await met(bank, activity, 7, *people[:2])
    assert await last_met(bank, activity) == day
    alone = await group(bank, "A walk with Amina")
    await met(bank, alone, 14, people[0])
    day = await met(bank, alone, 7, people[1])
    assert await last_met(bank, alone) == day
    assert await proposed(client, bank, alone) == [f"m{people[1]}"]


async def test_a_group_that_has_become_small_is_known_again_after_a_while(bank: Bank) -> None:
    activity, people = await group(bank), [await bank.member() for _ in range(4)]
    await met(bank, activity, 60, *people)
    days = [await met(bank, activity, days_ago, people[0]) for days_ago in (50, 40, 30, 20, 10)]
    assert await last_met(bank, activity) == days[-1]
    assert await last_met(bank, await group(bank, "Never met")) is None


async def test_a_party_does_not_hide_the_meetings_after_it(client: Open, bank: Bank) -> None:
    activity, people = await group(bank), [await bank.member() for _ in range(9)]
    await met(bank, activity, 28, *people[:4])
    await met(bank, activity, 21, *people[:3])
    await met(bank, activity, 14, *people)
    day = await met(bank, activity, 7, *people[:3])
    assert await last_met(bank, activity) == day
    assert sorted(await proposed(client, bank, activity)) == sorted(f"m{one}" for one in people[:3])
    assert "3 people" in words((await (await coordinator(client, bank)).get("/groups")).text)
