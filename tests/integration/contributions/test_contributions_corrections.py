"""Correcting registers at any later time: counter-entries, who is affected, what is used already, who is told."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

import ledger
from tests.contributed import TODAY, codes, group, hours, lead, line, messages, rows, save, spend, standing, try_spend
from tests.people import Bank, make_bank
from timebank.contributions import corrections, queries, service
from timebank.contributions.corrections import ChangedLine, CorrectedRegister, Correction, CorrectRegister
from timebank.db import Rollback
from timebank.kit.actor import Actor


async def correct(bank: Bank, reference: str, *changes: ChangedLine, actor: Actor | None = None, **more: Any) -> Any:
    command = CorrectRegister(**{"reference": reference, "changes": changes, "reason": "We misread the sheet", **more})
    later = bank.now + timedelta(days=more.pop("days", 40))
    return await service.correct_register(bank.db, actor or bank.coordinator, command, key=uuid4().hex, now=later)


async def ids(bank: Bank) -> list[int]:
    return [row["id"] for row in await rows(bank, "id")]


async def test_change_remove_and_add_in_one_go(bank: Bank) -> None:
    lunch = await group(bank)
    one, two, three = [await bank.member() for _ in range(3)]
    saved = await save(bank, lunch, line(one, 60), line(two, 60))
    first, second = await ids(bank)
    changes = ChangedLine(contribution_id=first, minutes=90), ChangedLine(contribution_id=second, minutes=0)
    done = await correct(bank, saved.reference, *changes, add=(line(three, 45),))
    assert done == CorrectedRegister(
        reference=saved.reference, changed=1, removed=1, added=1, waiting=0, short_minutes=0
    )
    assert await hours(bank, one, two, three, "issued", "corrections") == [90, 0, 45, -135, 0]
    assert [(row["state"], row["minutes"], row["line"]) for row in await rows(bank)] == [
        ("approved", 90, 1), ("removed", 60, 2), ("approved", 45, 3)
    ]  # fmt: skip
    assert [kind for kind, _, _ in await messages(bank, one)] == ["hours_added", "corrected"]
    assert "We misread the sheet" in (await messages(bank, two))[-1][2]
    assert (await messages(bank, two))[-1][1] == "1 hour was taken back"
    everything = await ids(bank)
    async with bank.db.reading(bank.id) as connection:
        history = await queries.changes(connection, bank.id, everything)
    assert [(each.step, each.minutes_before, each.minutes_after) for each in history] == [
        ("corrected", 60, 90), ("removed", 60, 0), ("added", 0, 45)
    ]  # fmt: skip


async def test_our_mistake_takes_nobody_below_nothing(bank: Bank) -> None:
    lunch, one = await group(bank), await bank.member()
    saved = await save(bank, lunch, line(one, 180))
    await spend(bank, one, 150)
    (first,) = await ids(bank)
    less = ChangedLine(contribution_id=first, minutes=60)
    command = CorrectRegister(reference=saved.reference, changes=(less,), reason="Misread")
    preview = await service.preview_correction(bank.db, bank.coordinator, command, now=bank.now)
    assert isinstance(preview, Correction)
    (affected,) = preview.affected
    assert (affected.minutes_before, affected.minutes_after, affected.short_minutes) == (180, 60, 90)
    assert preview.short_minutes == 90
    assert await hours(bank, one) == [30]
    done = await correct(bank, saved.reference, less)
    assert done.short_minutes == 90
    assert await hours(bank, one, "corrections", "issued") == [0, -90, -60]
    assert "You used 1 hour 30 minutes of it already" in (await messages(bank, one))[-1][2]
    # Raised again: what the account bore comes back first.
    await correct(bank, saved.reference, ChangedLine(contribution_id=first, minutes=170))
    assert await hours(bank, one, "corrections", "issued") == [20, 0, -170]


async def test_hours_set_aside_stay_with_the_booking(bank: Bank) -> None:
    lunch, one = await group(bank), await bank.member()
    saved = await save(bank, lunch, line(one, 60))
    hold = ledger.PlaceHold(
        key="h", hold_id=uuid4(), kind="test", unit="MIN", from_account=f"member/{one}", to_account="spent/vouchers",
        amount=45, expires_at=bank.now + timedelta(days=9), actor="test",
    )  # fmt: skip
    async with bank.db.writing(bank.id) as connection:
        await ledger.post_batch(connection, bank.id, [hold])
    (first,) = await ids(bank)
    await correct(bank, saved.reference, ChangedLine(contribution_id=first, minutes=0))
    assert await hours(bank, one, "corrections") == [45, -45]


async def test_moving_the_day_moves_the_entry(bank: Bank) -> None:
    lunch, one = await group(bank), await bank.member()
    saved = await save(bank, lunch, line(one, 60))
    await spend(bank, one, 60)
    moved = await correct(bank, saved.reference, held_on=date(2026, 3, 3))
    assert moved.changed == 1
    assert await hours(bank, one, "corrections", "issued") == [0, 0, -60]
    async with bank.db.reading(bank.id) as connection:
        account = f"member/{one}"
        assert await ledger.balance_at(connection, bank.id, account, effective_on=date(2026, 3, 3)) == 60
        assert await ledger.balance_at(connection, bank.id, account, effective_on=TODAY) == 0
        entries = await connection.fetch("select entry_id from contribution_entry where timebank_id = $1", bank.id)
        described = await queries.describe_entries(connection, bank.id, [row["entry_id"] for row in entries])
    assert {words.title for words in described.values()} == {"Put right: Lunch club"}


@pytest.mark.parametrize(
    ("minutes", "day", "expected"),
    # Giver, receiver, pot, issued; the receiver had 40 and the pot 10.
    [
        (60, None, [60, 0, 0, -60]),
        (45, None, [45, 0, 5, -50]),
        (20, None, [20, 20, 10, -50]),
        (0, None, [0, 40, 10, -50]),
        (20, date(2026, 3, 2), [20, 20, 10, -50]),
        (60, date(2026, 3, 2), [60, 0, 0, -60]),
        (90, None, [90, 0, 0, -90]),
    ],
)
async def test_an_exchange_is_settled_anew(bank: Bank, minutes: int, day: date | None, expected: list[int]) -> None:
    peers, giver, receiver, friend = await group(bank), await bank.member(), await bank.member(), await bank.member()
    await standing(bank, friend, "pot")
    await save(bank, peers, line(receiver, 40), line(friend, 10))
    saved = await save(bank, peers, line(giver, 60, kind="exchange", receiver_ids=(receiver,), how_agreed="phone"))
    change = ChangedLine(contribution_id=(await ids(bank))[-1], minutes=minutes, held_on=day)
    done = await correct(bank, saved.reference, change)
    if (minutes, day) == (60, None):
        assert codes(done) == ["nothing_changed"]
    else:
        assert isinstance(done, CorrectedRegister), done
    assert await hours(bank, giver, receiver, "pot", "issued") == expected
    again = await correct(bank, saved.reference, ChangedLine(contribution_id=change.contribution_id, minutes=60))
    if minutes:
        assert await hours(bank, giver, receiver, "pot", "issued") == [60, 0, 0, -60], again
    else:
        assert codes(again) == ["not_counted"]


async def test_time_passed_on_comes_back_from_whom_it_went_to(bank: Bank) -> None:
    lunch, gives, other = await group(bank), await bank.member(), await bank.member()
    await standing(bank, gives, "member", other)
    saved = await save(bank, lunch, line(gives, 60))
    await standing(bank, gives, "hours")
    await correct(bank, saved.reference, ChangedLine(contribution_id=(await ids(bank))[0], minutes=40))
    assert await hours(bank, gives, other) == [0, 40]
    assert (await messages(bank, other))[-1][1] == "Time that came to you was put right"


async def test_waiting_time_and_time_without_hours_can_be_corrected(bank: Bank) -> None:
    lunch, one = await group(bank), await bank.member()
    own = bank.coordinator.member_id or 0
    saved = await save(bank, lunch, line(own, 60), line(one, 60, kind="staff"))
    waits, staff = await ids(bank)
    changes = ChangedLine(contribution_id=waits, minutes=50), ChangedLine(contribution_id=staff, minutes=70)
    assert codes(await correct(bank, saved.reference, *changes)) == ["own_hour"]
    done = await correct(bank, saved.reference, *changes, actor=bank.coordinator_two)
    assert done.changed == 2
    assert [(row["state"], row["minutes"]) for row in await rows(bank)] == [("submitted", 50), ("approved", 70)]
    assert await hours(bank, one, own, "issued") == [0, 0, 0]


async def test_what_stands_in_the_way(bank: Bank) -> None:
    lunch, choir, one = await group(bank), await group(bank, "Choir"), await bank.member()
    saved = await save(bank, lunch, line(one, 60, at="10:00"))
    await save(bank, choir, line(one, 60, at="12:00"))
    first = (await ids(bank))[0]
    change = ChangedLine(contribution_id=first, minutes=90)
    for done, code in (
        (await correct(bank, saved.reference, change, reason=" "), "reason_missing"),
        (await correct(bank, saved.reference, change, reason="x" * 501), "reason_too_long"),
        (await correct(bank, saved.reference), "nothing_changed"),
        (await correct(bank, saved.reference, change, change), "unknown_line"),
        (await correct(bank, saved.reference, ChangedLine(contribution_id=first + 10**6, minutes=5)), "unknown_line"),
        (await correct(bank, saved.reference, ChangedLine(contribution_id=first, minutes=-5)), "minutes_negative"),
        (await correct(bank, saved.reference, ChangedLine(contribution_id=first, minutes=721)), "minutes_above_limit"),
        (await correct(bank, saved.reference, held_on=date(2027, 1, 1)), "date_in_future"),
        (await correct(bank, saved.reference, ChangedLine(contribution_id=first, minutes=121)), "overlap"),
        (await correct(bank, saved.reference, change, add=(line(one, 0),)), "minutes_zero"),
        (await correct(bank, saved.reference, ChangedLine(contribution_id=first, minutes=600)), "overlap"),
        (await correct(bank, saved.reference, change, actor=bank.participant), "not_allowed"),
    ):
        assert codes(done)[0] == code
    with pytest.raises(LookupError):
        await correct(bank, "0000-0000", change)
    leader = await lead(bank, lunch, await bank.member())
    assert isinstance(await correct(bank, saved.reference, change, actor=leader), CorrectedRegister)
    stranger = await lead(bank, choir, await bank.member())
    again = ChangedLine(contribution_id=first, minutes=80)
    assert codes(await correct(bank, saved.reference, again, actor=stranger)) == ["not_allowed"]
    undone = await service.undo_register(bank.db, bank.coordinator, saved.reference, key=uuid4().hex, now=bank.now)
    assert codes(undone) == ["corrected_already"]


async def test_a_leader_reads_first_names_in_a_preview(bank: Bank) -> None:
    lunch, one = await group(bank), await bank.member("Amina Yusuf")
    saved = await save(bank, lunch, line(one, 60))
    change = ChangedLine(contribution_id=(await ids(bank))[0], minutes=50)
    command = CorrectRegister(reference=saved.reference, changes=(change,), reason="Misread")
    leader = await lead(bank, lunch, await bank.member())
    for actor, name in ((leader, "Amina"), (bank.coordinator, "Amina Yusuf")):
        preview = await service.preview_correction(bank.db, actor, command, now=bank.now)
        assert isinstance(preview, Correction)
        assert [affected.name for affected in preview.affected] == [name]


async def test_hours_brought_forward_can_be_corrected(bank: Bank) -> None:
    one = await bank.member()
    command = service.BringForward(member_id=one, minutes=6000, as_of=date(2019, 1, 1), evidence="Old book")
    brought = await service.bring_forward(bank.db, bank.coordinator, command, key=uuid4().hex, now=bank.now)
    assert isinstance(brought, service.BroughtForward)
    decide = service.Decide(contribution_id=brought.contribution_id, approve=True)
    await service.decide(bank.db, bank.coordinator_two, decide, key=uuid4().hex, now=bank.now)
    less, more = (ChangedLine(contribution_id=brought.contribution_id, minutes=m) for m in (5000, 7000))
    assert isinstance(await correct(bank, brought.reference, less), CorrectedRegister)
    assert await hours(bank, one, "opening") == [5000, -5000]
    assert codes(await correct(bank, brought.reference, more)) == ["own_record"]
    assert isinstance(await correct(bank, brought.reference, more, actor=bank.coordinator_two), CorrectedRegister)
    assert await hours(bank, one, "opening", "issued") == [7000, -7000, 0]
    moved = await correct(bank, brought.reference, held_on=date(2018, 1, 1), actor=bank.coordinator_two)
    assert isinstance(moved, CorrectedRegister), moved
    async with bank.db.reading(bank.id) as connection:
        there = await ledger.balance_at(connection, bank.id, f"member/{one}", effective_on=date(2018, 12, 31))
    assert there == 7000


async def test_a_large_raise_needs_somebody_else_than_who_recorded_it(bank: Bank) -> None:
    lunch, one = await group(bank), await bank.member()
    saved = await save(bank, lunch, line(one, 60))
    more = ChangedLine(contribution_id=(await ids(bank))[0], minutes=500)
    refused = await correct(bank, saved.reference, more)
    assert codes(refused) == ["own_record"]
    assert refused[0].field == "changes.0.minutes"
    assert isinstance(await correct(bank, saved.reference, more, actor=bank.coordinator_two), CorrectedRegister)
    assert await hours(bank, one) == [500]


async def test_a_receiver_cannot_correct_what_they_paid(bank: Bank) -> None:
    peers, giver = await group(bank), await bank.member()
    own = bank.coordinator_two.member_id or 0
    await save(bank, peers, line(own, 60))
    saved = await save(bank, peers, line(giver, 60, kind="exchange", receiver_ids=(own,), how_agreed="in person"))
    less = ChangedLine(contribution_id=(await ids(bank))[-1], minutes=1)
    assert codes(await correct(bank, saved.reference, less, actor=bank.coordinator_two)) == ["own_hour"]
    with pytest.raises(Rollback, match="own_hour"):
        async with bank.db.writing(bank.id) as connection:
            await corrections.correct_within(
                connection, bank.coordinator_two, less.contribution_id, 1, "x", now=bank.now
            )


async def test_the_same_key_corrects_once(bank: Bank) -> None:
    lunch, one = await group(bank), await bank.member()
    saved = await save(bank, lunch, line(one, 60))
    change = ChangedLine(contribution_id=(await ids(bank))[0], minutes=50)
    command = CorrectRegister(reference=saved.reference, changes=(change,), reason="Misread")
    first = await service.correct_register(bank.db, bank.coordinator, command, key="k", now=bank.now)
    assert first == await service.correct_register(bank.db, bank.coordinator, command, key="k", now=bank.now)
    assert await hours(bank, one) == [50]


async def test_an_answer_to_a_question_corrects_within_its_transaction(bank: Bank) -> None:
    lunch, one = await group(bank), await bank.member()
    await save(bank, lunch, line(one, 60))
    (first,) = await ids(bank)
    async with bank.db.writing(bank.id) as connection:
        await corrections.mark_queried(connection, bank.participant, first, now=bank.now)
    assert (await rows(bank))[0]["query_state"] == "queried"
    assert await hours(bank, one) == [60]
    async with bank.db.writing(bank.id) as connection:
        put_right = await corrections.correct_within(
            connection, bank.coordinator_two, first, 80, "You were there longer", now=bank.now
        )
    assert (put_right.minutes_before, put_right.minutes_after, len(put_right.entries)) == (60, 80, 1)
    assert (await rows(bank))[0]["query_state"] == "corrected"
    assert await hours(bank, one) == [80]
    async with bank.db.writing(bank.id) as connection:
        await corrections.mark_upheld(connection, bank.coordinator_two, first, "It was 80", now=bank.now)
    async with bank.db.reading(bank.id) as connection:
        assert [each.step for each in await queries.changes(connection, bank.id, [first])] == [
            "queried", "corrected", "upheld"
        ]  # fmt: skip


async def test_another_time_banks_register_is_unknown(bank: Bank, other_bank: Bank) -> None:
    lunch, one = await group(other_bank), await other_bank.member()
    saved = await save(other_bank, lunch, line(one, 60))
    with pytest.raises(LookupError):
        await correct(bank, saved.reference, ChangedLine(contribution_id=1, minutes=5))
    (theirs,) = await ids(other_bank)
    with pytest.raises(LookupError):
        async with bank.db.writing(bank.id) as connection:
            await corrections.correct_within(connection, bank.coordinator, theirs, 5, "x", now=bank.now)


async def test_someone_who_left_can_be_put_right(bank: Bank) -> None:
    strict = await make_bank(bank.db)
    lunch, one = await group(strict), await strict.member()
    saved = await save(strict, lunch, line(one, 60))
    await spend(strict, one, 60)
    async with strict.db.writing(strict.id) as connection:
        await ledger.set_status(connection, strict.id, f"member/{one}", "closed", actor="test")
        await connection.execute("update member set status = 'left' where timebank_id = $1 and id = $2", strict.id, one)
    done = await correct(strict, saved.reference, ChangedLine(contribution_id=(await ids(strict))[0], minutes=0))
    assert isinstance(done, CorrectedRegister), done
    assert await hours(strict, one, "corrections", "issued") == [0, -60, 0]


async def test_hours_paid_on_within_a_register_come_back_before_they_are_taken(bank: Bank) -> None:
    peers, giver, receiver = await group(bank), await bank.member(), await bank.member()
    exchange = line(giver, 60, kind="exchange", receiver_ids=(receiver,), how_agreed="in person")
    saved = await save(bank, peers, line(receiver, 60), exchange)
    assert await hours(bank, giver, receiver) == [60, 0]
    out = [ChangedLine(contribution_id=id_, minutes=0) for id_ in await ids(bank)]
    command = CorrectRegister(reference=saved.reference, changes=tuple(out), reason="Another day")
    preview = await service.preview_correction(bank.db, bank.coordinator, command, now=bank.now)
    assert isinstance(preview, Correction)
    assert [one.contribution_id for one in preview.affected] == await ids(bank)
    await correct(bank, saved.reference, *out)
    assert await hours(bank, giver, receiver, "corrections", "issued") == [0, 0, 0, 0]


async def test_many_at_once_never_take_anybody_below_nothing(bank: Bank) -> None:
    peers, receiver = await group(bank), await bank.member()
    givers = [await bank.member() for _ in range(8)]
    await save(bank, peers, line(receiver, 100))
    exchange = {"kind": "exchange", "receiver_ids": (receiver,), "how_agreed": "in person"}
    *saved, spent = await asyncio.gather(
        *(save(bank, peers, line(giver, 30, **exchange)) for giver in givers),
        try_spend(bank, receiver, 20),
    )
    used = 20 if isinstance(spent, ledger.Posted) else 0  # too late when three exchanges took 90 of the 100 before
    assert await hours(bank, *givers, receiver, "issued") == [30] * 8 + [0, -240 - used]
    first = saved[0]
    one = next(row["id"] for row in await rows(bank) if row["member_id"] == givers[0])
    change = ChangedLine(contribution_id=one, minutes=20)
    done = await asyncio.gather(*(correct(bank, first.reference, change) for _ in range(4)))
    assert sorted(isinstance(each, CorrectedRegister) for each in done) == [False, False, False, True]
    assert codes(next(each for each in done if isinstance(each, list))) == ["nothing_changed"]
    assert (await hours(bank, givers[0])) == [20]
