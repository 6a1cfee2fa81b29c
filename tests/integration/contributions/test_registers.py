"""Saving and undoing registers, deciding, adding groups: against the real database and ledger."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

import ledger
from tests.people import Bank, make_bank
from timebank.contributions import queries, service
from timebank.contributions.service import AddActivity, Decide, Line, SavedRegister, SaveRegister, UndoneRegister
from timebank.db import Database, KeyReused
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal

TODAY = date(2026, 3, 10)


def key() -> str:
    return uuid4().hex


async def group(bank: Bank, name: str = "Lunch club") -> int:
    added = await service.add_activity(bank.db, bank.coordinator, AddActivity(name=name), key=key(), now=bank.now)
    assert isinstance(added, int), added
    return added


def lines(*who: int, minutes: int = 90, on: date = TODAY, **more: Any) -> tuple[Line, ...]:
    return tuple(Line(member_id=member_id, held_on=on, minutes=minutes, **more) for member_id in who)


async def save(bank: Bank, activity_id: int, entered: Sequence[Line], *, by: Actor | None = None) -> Any:
    command = SaveRegister(activity_id=activity_id, lines=tuple(entered))
    return await service.save_register(bank.db, by or bank.coordinator, command, key=key(), now=bank.now)


async def saved(bank: Bank, activity_id: int, entered: Sequence[Line], *, by: Actor | None = None) -> SavedRegister:
    result = await save(bank, activity_id, entered, by=by)
    assert isinstance(result, SavedRegister), result
    return result


async def balance(bank: Bank, account: str | int) -> int:
    code = f"member/{account}" if isinstance(account, int) else account
    async with bank.db.reading(bank.id) as connection:
        return (await ledger.balance(connection, bank.id, code)).posted


async def count(bank: Bank, table: str) -> int:
    async with bank.db.reading(bank.id) as connection:
        return int(await connection.fetchval(f"select count(*) from {table} where timebank_id = $1", bank.id))


async def spend(bank: Bank, member_id: int, minutes: int) -> None:
    entry = ledger.Post(
        key=key(),
        kind="test",
        unit="MIN",
        legs=(
            ledger.Leg(account=f"member/{member_id}", amount=-minutes),
            ledger.Leg(account="spent/vouchers", amount=minutes),
        ),
        effective_on=TODAY,
        actor="test",
    )
    async with bank.db.writing(bank.id) as connection:
        (result,) = await ledger.post_batch(connection, bank.id, [entry])
        assert isinstance(result, ledger.Posted), result


def codes(result: object) -> list[str]:
    assert isinstance(result, list), result
    return [refusal.code for refusal in result if isinstance(refusal, Refusal)]


async def test_a_register_credits_everybody_at_once(bank: Bank) -> None:
    activity = await group(bank)
    amina, tom = await bank.member("Amina"), await bank.member("Tom")
    result = await saved(bank, activity, (*lines(amina), *lines(tom, minutes=45, what="  washing\nup ")))
    assert (result.credited, result.waiting, result.credited_minutes) == (2, 0, 135)
    assert (await balance(bank, amina), await balance(bank, tom), await balance(bank, "issued")) == (90, 45, -135)
    async with bank.db.reading(bank.id) as connection:
        shown = await queries.register(connection, bank.id, result.reference)
        entries = await connection.fetch("select entry_id from contribution where timebank_id = $1", bank.id)
        words = await queries.describe_entries(connection, bank.id, [row["entry_id"] for row in entries])
    assert shown is not None
    assert [(line.display_name, line.minutes, line.what, line.state) for line in shown.lines] == [
        ("Amina", 90, "", "approved"),
        ("Tom", 45, "washing up", "approved"),
    ]
    assert {(one.title, one.detail, one.made_by) for one in words.values()} == {
        ("Lunch club", "", "Demo coordinator"),
        ("Lunch club", "washing up", "Demo coordinator"),
    }
    assert all(line.rules_version == 1 for line in shown.lines)


async def test_the_same_key_saves_once_and_other_content_is_refused(bank: Bank) -> None:
    activity, amina = await group(bank), await bank.member()
    command = SaveRegister(activity_id=activity, lines=lines(amina))
    first = await service.save_register(bank.db, bank.coordinator, command, key="same-key-1", now=bank.now)
    again = await service.save_register(bank.db, bank.coordinator, command, key="same-key-1", now=bank.now)
    assert first == again
    assert isinstance(first, SavedRegister)
    assert await balance(bank, amina) == 90
    other = SaveRegister(activity_id=activity, lines=lines(amina, minutes=30))
    with pytest.raises(KeyReused):
        await service.save_register(bank.db, bank.coordinator, other, key="same-key-1", now=bank.now)
    assert await balance(bank, amina) == 90


async def test_five_taps_at_once_make_one_register(bank: Bank) -> None:
    activity, amina = await group(bank), await bank.member()
    command = SaveRegister(activity_id=activity, lines=lines(amina))
    results = await asyncio.gather(
        *(service.save_register(bank.db, bank.coordinator, command, key="double-tap-1", now=bank.now) for _ in range(5))
    )
    assert len({result.reference for result in results if isinstance(result, SavedRegister)}) == 1
    assert len(results) == 5
    assert await balance(bank, amina) == 90
    assert await count(bank, "register") == 1


async def test_two_coordinators_at_once_do_not_record_the_same_session_twice(bank: Bank) -> None:
    activity, amina = await group(bank), await bank.member()
    results = await asyncio.gather(
        save(bank, activity, lines(amina)), save(bank, activity, lines(amina), by=bank.coordinator_two)
    )
    assert sorted(isinstance(result, SavedRegister) for result in results) == [False, True]
    assert [codes(result) for result in results if isinstance(result, list)] == [["duplicate"]]
    assert await balance(bank, amina) == 90


async def test_fifty_registers_at_once_all_arrive(bank: Bank) -> None:
    groups = [await group(bank, f"Group {number}") for number in range(10)]
    people = [await bank.member() for _ in range(15)]
    results = await asyncio.gather(
        *(
            save(bank, activity, lines(*people, minutes=10, on=TODAY - timedelta(days=day)))
            for activity in groups
            for day in range(5)
        )
    )
    assert all(isinstance(result, SavedRegister) for result in results)
    assert [await balance(bank, member_id) for member_id in people] == [500] * 15
    assert await balance(bank, "issued") == -7500


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"minutes": 0}, "minutes_zero"),
        ({"minutes": -5}, "minutes_negative"),
        ({"minutes": 12 * 60 + 1}, "minutes_above_limit"),
        ({"held_on": TODAY + timedelta(days=1)}, "date_in_future"),
        ({"held_on": TODAY - timedelta(days=367)}, "date_too_far_back"),
        ({"held_on": date.min}, "date_too_far_back"),
        ({"member_id": 2**63}, "unknown_member"),
        ({"member_id": -1}, "unknown_member"),
        ({"activity_id": 2**63}, "unknown_activity"),
        ({"activity_id": 0}, "unknown_activity"),
        ({"what": "x" * 201}, "what_too_long"),
        ({"duplicate_reason": "x" * 201}, "reason_too_long"),
    ],
)
async def test_one_bad_line_keeps_the_whole_register_out(bank: Bank, line: dict[str, Any], code: str) -> None:
    activity, amina = await group(bank), await bank.member()
    bad = {"member_id": amina, "held_on": TODAY, "minutes": 60, **line}
    result = await save(bank, activity, (*lines(bank.participant.member_id or 0), Line(**bad)))
    assert codes(result) == [code]
    assert result[0].field.startswith("lines.1.")
    assert await count(bank, "register") == 0
    assert await count(bank, "contribution") == 0
    assert await balance(bank, "issued") == 0


async def test_today_is_the_time_banks_own_day(bank: Bank) -> None:
    activity, amina = await group(bank), await bank.member()
    summer = SaveRegister(activity_id=activity, lines=lines(amina, on=date(2026, 6, 11)))
    # Half past eleven at night in UTC is half past midnight in London, in summer.
    late = bank.now.replace(month=6, day=10, hour=23, minute=30)
    early = late.replace(hour=22)
    assert codes(await service.save_register(bank.db, bank.coordinator, summer, key=key(), now=early)) == [
        "date_in_future"
    ]
    assert isinstance(
        await service.save_register(bank.db, bank.coordinator, summer, key=key(), now=late), SavedRegister
    )


async def test_another_time_banks_ids_are_unknown(bank: Bank, other_bank: Bank) -> None:
    theirs, activity = await other_bank.member(), await group(bank)
    their_group = await group(other_bank)
    amina = await bank.member()
    assert codes(await save(bank, activity, lines(theirs))) == ["unknown_member"]
    assert codes(await save(bank, their_group, lines(amina))) == ["unknown_activity"]
    reference = (await saved(other_bank, their_group, lines(theirs))).reference
    with pytest.raises(LookupError):
        await service.undo_register(bank.db, bank.coordinator, reference, key=key(), now=bank.now)
    async with bank.db.reading(bank.id) as connection:
        assert await queries.register(connection, bank.id, reference) is None
        assert await queries.group(connection, bank.id, their_group) is None


async def test_only_coordinators_record(bank: Bank) -> None:
    activity, amina = await group(bank), await bank.member()
    for actor in (bank.participant, bank.finance):
        assert codes(await save(bank, activity, lines(amina), by=actor)) == ["not_allowed"]
        added = await service.add_activity(bank.db, actor, AddActivity(name="Walk"), key=key(), now=bank.now)
        assert codes(added) == ["not_allowed"]
    admin = Actor(timebank_id=bank.id, member_id=await bank.member("Ada", "admin"), roles=frozenset({"admin"}))
    assert (await saved(bank, activity, lines(amina), by=admin)).credited == 1


async def test_someone_who_left_gets_no_more_time(bank: Bank) -> None:
    activity, amina = await group(bank), await bank.member()
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update member set status = 'left' where timebank_id = $1 and id = $2", bank.id, amina)
    assert codes(await save(bank, activity, lines(amina))) == ["member_left"]


async def test_a_closed_account_is_refused_in_words_and_nothing_is_kept(bank: Bank) -> None:
    activity, amina, tom = await group(bank), await bank.member(), await bank.member()
    async with bank.db.writing(bank.id) as connection:
        await ledger.set_status(connection, bank.id, f"member/{amina}", "frozen", actor="test")
    result = await save(bank, activity, lines(tom, amina))
    assert codes(result) == ["frozen_account"]
    assert result[0].field == "lines.1.member_id"
    assert await balance(bank, tom) == 0
    assert await count(bank, "register") == 0


async def test_duplicates_need_a_reason(bank: Bank) -> None:
    activity, other, amina = await group(bank), await group(bank, "Walk"), await bank.member()
    first = await saved(bank, activity, lines(amina))
    refused = await save(bank, activity, lines(amina))
    assert codes(refused) == ["duplicate"]
    assert first.reference in refused[0].message
    assert (await saved(bank, other, lines(amina))).credited == 1
    assert (await saved(bank, activity, lines(amina, minutes=30))).credited == 1
    twice = await save(bank, activity, lines(amina, amina, on=TODAY - timedelta(days=1)))
    assert codes(twice) == ["duplicate_in_register"]
    again = await saved(bank, activity, lines(amina, duplicate_reason="Came in the evening too"))
    assert again.credited == 1


async def test_what_was_undone_is_no_duplicate(bank: Bank) -> None:
    activity, amina = await group(bank), await bank.member()
    first = await saved(bank, activity, lines(amina))
    undone = await service.undo_register(bank.db, bank.coordinator, first.reference, key=key(), now=bank.now)
    assert undone == UndoneRegister(reference=first.reference, lines=1, minutes=90)
    assert (await saved(bank, activity, lines(amina))).credited == 1
    assert await balance(bank, amina) == 90


async def test_ones_own_hour_waits_for_another_person(bank: Bank) -> None:
    activity, amina = await group(bank), await bank.member()
    me = bank.coordinator.member_id or 0
    result = await saved(bank, activity, lines(amina, me))
    assert (result.credited, result.waiting, result.waiting_minutes) == (1, 1, 90)
    assert await balance(bank, me) == 0
    async with bank.db.reading(bank.id) as connection:
        (waiting,) = await queries.waiting(connection, bank.id)
        assert await queries.waiting_for(connection, bank.coordinator) == 0
        assert await queries.waiting_for(connection, bank.coordinator_two) == 1
    assert waiting.flagged == "Recorded by the person themselves"
    approve = Decide(contribution_id=waiting.id, approve=True)
    own = await service.decide(bank.db, bank.coordinator, approve, key=key(), now=bank.now)
    assert codes(own) == ["own_hour"]
    for actor in (bank.participant, bank.finance):
        assert codes(await service.decide(bank.db, actor, approve, key=key(), now=bank.now)) == ["not_allowed"]
    decided = await service.decide(bank.db, bank.coordinator_two, approve, key=key(), now=bank.now)
    assert not isinstance(decided, list)
    assert decided.state == "approved"
    assert await balance(bank, me) == 90
    late = await service.decide(bank.db, bank.coordinator_two, approve, key=key(), now=bank.now)
    assert codes(late) == ["decided_already"]
    assert await balance(bank, me) == 90


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ({"minutes": 8 * 60 + 1}, "More than 8 hours"),
        ({"held_on": TODAY - timedelta(days=91)}, "More than 90 days ago"),
    ],
)
async def test_beyond_the_limits_another_person_decides(bank: Bank, line: dict[str, Any], why: str) -> None:
    activity, amina = await group(bank), await bank.member()
    result = await saved(bank, activity, [Line(**{"member_id": amina, "held_on": TODAY, "minutes": 60, **line})])
    assert (result.credited, result.waiting) == (0, 1)
    async with bank.db.reading(bank.id) as connection:
        (waiting,) = await queries.waiting(connection, bank.id)
    assert waiting.flagged == why
    decline = Decide(contribution_id=waiting.id, approve=False, reason="")
    assert codes(await service.decide(bank.db, bank.coordinator, decline, key=key(), now=bank.now)) == ["own_record"]
    missing = await service.decide(bank.db, bank.coordinator_two, decline, key=key(), now=bank.now)
    assert codes(missing) == ["reason_missing"]
    decline = Decide(contribution_id=waiting.id, approve=False, reason="Not that day")
    decided = await service.decide(bank.db, bank.coordinator_two, decline, key=key(), now=bank.now)
    assert not isinstance(decided, list)
    assert await balance(bank, amina) == 0


async def test_a_long_day_in_pieces_waits_too(bank: Bank) -> None:
    activity, amina = await group(bank), await bank.member()
    assert (await saved(bank, activity, lines(amina, minutes=400))).credited == 1
    assert (await saved(bank, activity, lines(amina, minutes=100))).waiting == 1


async def test_deciding_at_the_same_moment_credits_once(bank: Bank) -> None:
    activity, amina = await group(bank), await bank.member()
    await saved(bank, activity, lines(amina, minutes=500))
    third = Actor(timebank_id=bank.id, member_id=await bank.member("Third", "admin"), roles=frozenset({"admin"}))
    async with bank.db.reading(bank.id) as connection:
        (waiting,) = await queries.waiting(connection, bank.id)
    command = Decide(contribution_id=waiting.id, approve=True)
    results = await asyncio.gather(
        *(service.decide(bank.db, actor, command, key=key(), now=bank.now) for actor in (bank.coordinator_two, third))
    )
    assert sorted(isinstance(result, list) for result in results) == [False, True]
    assert await balance(bank, amina) == 500


async def test_undo_takes_everything_back_and_only_soon_after(bank: Bank) -> None:
    activity, amina, me = await group(bank), await bank.member(), bank.coordinator.member_id or 0
    first = await saved(bank, activity, lines(amina, me))
    late = bank.now + timedelta(minutes=10, seconds=1)
    too_late = await service.undo_register(bank.db, bank.coordinator, first.reference, key=key(), now=late)
    assert codes(too_late) == ["too_late"]
    other = await service.undo_register(bank.db, bank.coordinator_two, first.reference, key=key(), now=bank.now)
    assert codes(other) == ["not_yours"]
    in_time = bank.now + timedelta(minutes=10)
    undone = await service.undo_register(bank.db, bank.coordinator, first.reference, key="undo-once-1", now=in_time)
    assert undone == UndoneRegister(reference=first.reference, lines=2, minutes=90)
    again = await service.undo_register(bank.db, bank.coordinator, first.reference, key="undo-once-1", now=in_time)
    assert again == undone
    assert (await balance(bank, amina), await balance(bank, "issued")) == (0, 0)
    async with bank.db.reading(bank.id) as connection:
        assert await queries.waiting(connection, bank.id) == []
        rows = await connection.fetch("select undo_entry_id from contribution where timebank_id = $1", bank.id)
        words = await queries.describe_entries(
            connection, bank.id, [row["undo_entry_id"] for row in rows if row["undo_entry_id"]]
        )
    assert [one.title for one in words.values()] == ["Taken back: Lunch club"]
    fresh = await service.undo_register(bank.db, bank.coordinator, first.reference, key=key(), now=in_time)
    assert codes(fresh) == ["undone_already"]


async def test_an_administrator_may_undo_for_someone_else(bank: Bank) -> None:
    activity, amina = await group(bank), await bank.member()
    first = await saved(bank, activity, lines(amina))
    admin = Actor(timebank_id=bank.id, member_id=await bank.member("Ada", "admin"), roles=frozenset({"admin"}))
    undone = await service.undo_register(bank.db, admin, first.reference, key=key(), now=bank.now)
    assert isinstance(undone, UndoneRegister)
    assert await balance(bank, amina) == 0


async def test_undo_names_who_used_the_hours_and_undoes_nothing(bank: Bank) -> None:
    activity, amina, tom = await group(bank), await bank.member("Amina Yusuf"), await bank.member("Tom")
    first = await saved(bank, activity, lines(amina, tom))
    await spend(bank, amina, 30)
    result = await service.undo_register(bank.db, bank.coordinator, first.reference, key=key(), now=bank.now)
    assert codes(result) == ["hours_used"]
    assert isinstance(result, list)
    assert "Amina Yusuf has" in result[0].message
    assert "Tom" not in result[0].message
    assert (await balance(bank, amina), await balance(bank, tom)) == (60, 90)
    async with bank.db.reading(bank.id) as connection:
        shown = await queries.register(connection, bank.id, first.reference)
    assert shown is not None
    assert shown.undone_at is None
    assert {line.state for line in shown.lines} == {"approved"}


async def test_undo_and_approval_at_once_leave_nothing_half_done(bank: Bank) -> None:
    activity, amina = await group(bank), await bank.member()
    first = await saved(bank, activity, lines(amina, minutes=500))
    async with bank.db.reading(bank.id) as connection:
        (waiting,) = await queries.waiting(connection, bank.id)
    decided, undone = await asyncio.gather(
        service.decide(
            bank.db,
            bank.coordinator_two,
            Decide(contribution_id=waiting.id, approve=True),
            key=key(),
            now=bank.now,
        ),
        service.undo_register(bank.db, bank.coordinator, first.reference, key=key(), now=bank.now),
    )
    assert isinstance(undone, UndoneRegister)
    assert isinstance(decided, list) or undone.minutes == 500
    assert await balance(bank, amina) == 0


async def test_groups_keep_their_names_apart(bank: Bank) -> None:
    await group(bank, "Lunch club")
    same = AddActivity(name="  LUNCH   club ")
    refused = await service.add_activity(bank.db, bank.coordinator, same, key=key(), now=bank.now)
    assert codes(refused) == ["name_taken"]
    one = AddActivity(name="Walk", default_minutes=30)
    first = await service.add_activity(bank.db, bank.coordinator, one, key="group-key-1", now=bank.now)
    assert await service.add_activity(bank.db, bank.coordinator, one, key="group-key-1", now=bank.now) == first


async def test_a_group_says_when_it_met_last(bank: Bank) -> None:
    activity, zoe, amina = await group(bank), await bank.member("Zoe"), await bank.member("amina")
    await saved(bank, activity, lines(zoe, on=TODAY - timedelta(days=7)))
    await saved(bank, activity, (*lines(zoe, minutes=30), *lines(amina, what="Cooking")))
    async with bank.db.reading(bank.id) as connection:
        (card,) = await queries.groups(connection, bank.id)
    assert (card.last_on, card.last_people, card.last_minutes) == (TODAY, 2, 120)


async def test_the_limit_on_people_comes_from_the_rules(db: Database) -> None:
    bank = await make_bank(db, max_people_per_register=2)
    activity, people = await group(bank), [await bank.member() for _ in range(3)]
    assert codes(await save(bank, activity, lines(*people))) == ["too_many_lines"]
    assert codes(await save(bank, activity, ())) == ["no_lines"]
    assert (await saved(bank, activity, lines(*people[:2]))).credited == 2
