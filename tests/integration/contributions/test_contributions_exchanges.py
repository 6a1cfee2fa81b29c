"""Who gets the hours of time given, and who pays for them, on a real ledger."""

import asyncio
import contextvars
from datetime import date
from uuid import uuid4

import msgspec
import pytest

import ledger
from tests.contributed import TODAY, codes, group, hours, lead, line, messages, rows, save, standing, try_save
from tests.people import Bank, make_bank
from timebank.contributions import corrections, service
from timebank.contributions.service import Decide, Decided, SavedRegister, SaveRegister, UndoneRegister
from timebank.kit.actor import Actor


async def test_time_for_the_programme_comes_from_issued_and_the_member_is_told(bank: Bank) -> None:
    lunch, one = await group(bank), await bank.member()
    saved = await save(bank, lunch, line(one, 90))
    assert (saved.credited, saved.credited_minutes) == (1, 90)
    assert await hours(bank, one, "issued") == [90, -90]
    ((kind, subject, body),) = await messages(bank, one)
    assert (kind, subject) == ("hours_added", "1 hour 30 minutes were added")
    assert "Lunch club" in body
    assert "Lunch club" not in subject


async def test_the_standing_choice_says_where_hours_go(bank: Bank) -> None:
    lunch = await group(bank)
    keeps, pot, gives, nothing, other = [await bank.member() for _ in range(5)]
    await standing(bank, pot, "pot")
    await standing(bank, gives, "member", other)
    await standing(bank, nothing, "nothing")
    await save(bank, lunch, line(keeps), line(pot), line(gives), line(nothing))
    assert await hours(bank, keeps, pot, gives, nothing, other, "pot", "issued") == [60, 0, 0, 0, 60, 60, -180]
    found = {row["member_id"]: row for row in await rows(bank)}
    assert [found[id_]["credited_to"] for id_ in (keeps, pot, gives, nothing)] == ["member", "pot", "other", "none"]
    assert found[gives]["credited_id"] == other
    assert found[nothing]["entry_id"] is None
    assert {row["state"] for row in found.values()} == {"approved"}
    assert [kind for kind, _, _ in await messages(bank, other)] == ["standing_choice", "hours_added"]
    assert (await messages(bank, pot))[0][1] == "Your 1 hour went to the pot"


async def test_whose_hours_come_to_the_coordinator_by_choice_wait_for_somebody_else(bank: Bank) -> None:
    lunch, gives = await group(bank), await bank.member()
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            "update member set standing_choice = 'member', standing_to_id = $3 where timebank_id = $1 and id = $2",
            bank.id, gives, bank.coordinator.member_id,
        )  # fmt: skip
    saved = await save(bank, lunch, line(gives))
    assert saved.waiting == 1
    ((row),) = await rows(bank)
    decide = Decide(contribution_id=row["id"], approve=True)
    refused = await service.decide(bank.db, bank.coordinator, decide, key=uuid4().hex, now=bank.now)
    assert codes(refused) == ["own_record"]
    done = await service.decide(bank.db, bank.coordinator_two, decide, key=uuid4().hex, now=bank.now)
    assert isinstance(done, Decided)
    assert await hours(bank, bank.coordinator.member_id or 0) == [60]


async def test_nobody_decides_about_or_corrects_hours_that_come_to_them(bank: Bank) -> None:
    lunch, gives = await group(bank), await bank.member()
    gains = bank.coordinator_two
    await standing(bank, gives, "member", gains.member_id)
    own = Actor(timebank_id=bank.id, member_id=gives)
    logged = await try_save(bank, lunch, line(gives), actor=own, source="self")
    assert logged.waiting == 1
    ((row),) = await rows(bank)
    decide = Decide(contribution_id=row["id"], approve=True)
    assert codes(await service.decide(bank.db, gains, decide, key=uuid4().hex, now=bank.now)) == ["own_hour"]
    done = await service.decide(bank.db, bank.coordinator, decide, key=uuid4().hex, now=bank.now)
    assert isinstance(done, Decided)
    more = corrections.ChangedLine(contribution_id=row["id"], minutes=90)
    command = corrections.CorrectRegister(reference=logged.reference, changes=(more,), reason="Longer")
    refused = await service.correct_register(bank.db, gains, command, key=uuid4().hex, now=bank.now)
    assert codes(refused) == ["own_hour"]
    assert await hours(bank, gains.member_id or 0) == [60]


async def test_fees_and_staff_time_are_recorded_without_hours(bank: Bank) -> None:
    panel, lunch = await group(bank, "Panel", gives="fee"), await group(bank)
    one = await bank.member()
    own = bank.coordinator.member_id or 0
    await save(bank, panel, line(one))
    await save(bank, lunch, line(own, 120, kind="staff"))
    assert await hours(bank, one, own, "issued") == [0, 0, 0]
    assert [(row["state"], row["credited_to"], row["kind"]) for row in await rows(bank)] == [
        ("approved", "none", "given"),
        ("approved", "none", "staff"),
    ]
    assert "fee" in (await messages(bank, one))[0][2]


async def test_the_receiver_pays_the_pot_helps_and_issued_gives_the_rest(bank: Bank) -> None:
    peers, giver, receiver, friend = await group(bank), await bank.member(), await bank.member(), await bank.member()
    await standing(bank, friend, "pot")
    await save(bank, peers, line(receiver, 30), line(friend, 20))
    await save(bank, peers, line(giver, 60, kind="exchange", receiver_ids=(receiver,), how_agreed="in person"))
    # 30 from the receiver, 20 from the pot, 10 from issued: the giver has their whole hour.
    assert await hours(bank, giver, receiver, "pot", "issued") == [60, 0, 0, -60]
    assert (await messages(bank, receiver))[-1][:2] == ("hours_used", "30 minutes of your hours were used")
    async with bank.db.reading(bank.id) as connection:
        paid = await connection.fetch(
            "select member_id, minutes from contribution_receiver where timebank_id = $1", bank.id
        )
    assert [tuple(row) for row in paid] == [(receiver, 30)]


async def test_three_helpers_for_one_person(bank: Bank) -> None:
    peers, receiver = await group(bank), await bank.member()
    helpers = [await bank.member() for _ in range(3)]
    await save(bank, peers, line(receiver, 100))
    exchange = {"kind": "exchange", "receiver_ids": (receiver,), "how_agreed": "by phone"}
    await save(bank, peers, *(line(helper, 60, **exchange) for helper in helpers))
    assert await hours(bank, *helpers, receiver, "pot", "issued") == [60, 60, 60, 0, 0, -180]


@pytest.mark.parametrize(("receivers_pay", "there", "pot"), [(False, 60, 0), (True, 0, 20 * 60 - 60)])
async def test_one_trainer_for_twenty(bank: Bank, receivers_pay: bool, there: int, pot: int) -> None:
    training, trainer = await group(bank, receivers_pay=receivers_pay), await bank.member()
    twenty = tuple([await bank.member() for _ in range(20)])
    await save(bank, await group(bank, "Other"), *(line(one, 60) for one in twenty))
    session = line(trainer, 60, kind="exchange", receiver_ids=twenty, how_agreed="in the room")
    saved = await save(bank, training, session)
    assert await hours(bank, trainer, *twenty, "pot") == [60, *[there] * 20, pot]
    undone = await service.undo_register(bank.db, bank.coordinator, saved.reference, key=uuid4().hex, now=bank.now)
    assert isinstance(undone, UndoneRegister)
    assert await hours(bank, trainer, *twenty, "pot") == [0, *[60] * 20, 0]


async def test_set_aside_hours_do_not_pay_and_a_floor_does(bank: Bank) -> None:
    generous = await make_bank(bank.db, member_floor_minutes=45)
    peers, giver, receiver = await group(generous), await generous.member(), await generous.member()
    await save(generous, peers, line(giver, 60, kind="exchange", receiver_ids=(receiver,), how_agreed="letter"))
    assert await hours(generous, giver, receiver, "issued") == [60, -45, -15]


async def test_what_an_exchange_must_say(bank: Bank) -> None:
    peers, giver, receiver = await group(bank), await bank.member(), await bank.member()
    agreed = {"kind": "exchange", "how_agreed": "in person"}
    for bad, code in (
        (line(giver, kind="exchange", receiver_ids=(receiver,)), "agreement_missing"),
        (line(giver, **agreed), "receiver_missing"),
        (line(giver, receiver_ids=(giver,), **agreed), "own_receiver"),
        (line(giver, receiver_ids=(receiver, receiver), **agreed), "receiver_twice"),
        (line(giver, receiver_ids=(receiver + 999_999,), **agreed), "unknown_member"),
        (line(giver, receiver_ids=(receiver,)), "receivers_not_wanted"),
        (line(giver, 60, preparation_minutes=40, travel_minutes=30), "parts_too_long"),
        (line(giver, 60, travel_minutes=-1), "parts_negative"),
    ):
        assert codes(await try_save(bank, peers, bad)) == [code]
    assert await rows(bank) == []


async def test_overlaps_are_shown_and_can_be_saved_with_a_reason(bank: Bank) -> None:
    lunch, choir, one = await group(bank), await group(bank, "Choir"), await bank.member()
    first = await save(bank, lunch, line(one, 120, at="10:00", preparation_minutes=30))
    late = line(one, 45, at="11:15")
    (refusal,) = await try_save(bank, choir, late)
    assert (refusal.code, refusal.field) == ("overlap", "lines.0.duplicate_reason")
    assert f"Lunch club, in register {first.reference}" in refusal.message
    assert "10:00" in refusal.message
    # Half an hour of the two was getting ready, so they were free from half past eleven.
    await save(bank, choir, line(one, 45, at="11:30"))
    reason = msgspec.structs.replace(late, duplicate_reason="They were at both, by video")
    await save(bank, choir, reason)
    twice = (line(one, 30, at="18:00", activity_id=lunch), line(one, 30, at="18:29", activity_id=choir))
    assert codes(await try_save(bank, choir, *twice)) == ["overlap"]


async def test_a_night_before_counts_as_overlap(bank: Bank) -> None:
    night, one = await group(bank), await bank.member()
    await save(bank, night, line(one, 180, at="23:00", held_on=date(2026, 3, 8)))
    assert codes(await try_save(bank, night, line(one, 60, at="01:30", held_on=date(2026, 3, 9)))) == ["overlap"]
    await save(bank, night, line(one, 60, at="02:00", held_on=date(2026, 3, 9)))


async def test_a_day_has_only_its_own_length() -> None:
    from timebank.contributions import times

    assert times.day_minutes(date(2026, 3, 29), "Europe/London") == 23 * 60
    assert times.day_minutes(date(2026, 10, 25), "Europe/London") == 25 * 60
    assert times.day_minutes(date(2026, 3, 10), "Europe/London") == 24 * 60


async def test_more_than_the_day_is_refused_however_it_is_split(bank: Bank) -> None:
    lunch, choir, one = await group(bank), await group(bank, "Choir"), await bank.member()
    short = date(2025, 10, 26)  # the clocks go back: 25 hours
    await save(bank, lunch, line(one, 720, held_on=short), line(one, 720, held_on=short, activity_id=choir))
    await save(bank, lunch, line(one, 60, held_on=short))
    assert codes(await try_save(bank, choir, line(one, 1, held_on=short))) == ["day_too_short"]
    spring = date(2025, 3, 30)  # 23 hours
    full = line(one, 720, held_on=spring), line(one, 661, held_on=spring, activity_id=choir)
    assert set(codes(await try_save(bank, lunch, *full))) == {"day_too_short"}


async def test_a_long_week_waits(bank: Bank) -> None:
    lunch, one = await group(bank), await bank.member()
    monday = date(2026, 3, 2)
    days = [line(one, 480, held_on=date(2026, 3, 2 + n)) for n in range(5)]
    saved = await save(bank, lunch, *days)
    assert (saved.credited, saved.waiting) == (5, 0)
    more = await save(bank, lunch, line(one, 30, held_on=date(2026, 3, 8)))
    assert more.waiting == 1
    assert (await rows(bank, "flagged", "state = 'submitted'"))[0]["flagged"] == "More than 40 hours in one week"
    assert monday.weekday() == 0


async def test_paused_and_left(bank: Bank) -> None:
    lunch, paused, left = await group(bank), await bank.member(), await bank.member()
    async with bank.db.writing(bank.id) as connection:
        for member_id, status in ((paused, "paused"), (left, "left")):
            await connection.execute(
                "update member set status = $3 where timebank_id = $1 and id = $2", bank.id, member_id, status
            )
    assert codes(await try_save(bank, lunch, line(paused), line(left))) == ["member_paused", "member_left"]


async def test_a_leader_logs_their_group_and_no_other(bank: Bank) -> None:
    lunch, choir, one = await group(bank), await group(bank, "Choir"), await bank.member()
    leader = await lead(bank, lunch, await bank.member())
    saved = await save(bank, lunch, line(one), line(leader.member_id or 0), actor=leader)
    assert (saved.credited, saved.waiting) == (1, 1)
    assert codes(await try_save(bank, choir, line(one), actor=leader)) == ["not_allowed"]
    assert codes(await try_save(bank, lunch, line(one, 30, activity_id=choir), actor=leader)) == ["not_allowed"]
    nobody = Actor(timebank_id=bank.id, member_id=one)
    assert codes(await try_save(bank, lunch, line(one, 20), actor=nobody)) == ["not_allowed"]
    undone = await service.undo_register(bank.db, leader, saved.reference, key=uuid4().hex, now=bank.now)
    assert isinstance(undone, UndoneRegister)
    assert [kind for kind, _, _ in await messages(bank, one)] == ["hours_added", "corrected"]


async def test_what_a_leader_saves_from_check_ins_is_not_their_own_word(bank: Bank) -> None:
    lunch, one = await group(bank), await bank.member()
    leader = await lead(bank, lunch, await bank.member())
    own = leader.member_id or 0
    saved = await try_save(bank, lunch, line(one), line(own), actor=leader, source="check_in")
    assert (saved.credited, saved.waiting) == (1, 1)
    # A supporter speaks for the member, so it waits as the member's own word does.
    supporter = Actor(timebank_id=bank.id, member_id=own, on_behalf_of=one)
    other = await group(bank, "Choir")
    spoken = await try_save(bank, other, line(one, 30), actor=supporter, source="self")
    assert (spoken.credited, spoken.waiting) == (0, 1)


async def test_members_log_themselves_and_an_approver_decides(bank: Bank) -> None:
    lunch, one, trustee = await group(bank), await bank.member(), await bank.member("Trustee", "approver")
    own = Actor(timebank_id=bank.id, member_id=one)
    saved = await try_save(bank, lunch, line(one), actor=own, source="self")
    assert isinstance(saved, SavedRegister)
    assert saved.waiting == 1
    assert codes(await try_save(bank, lunch, line(trustee), actor=own, source="self")) == ["not_allowed"]
    (row,) = await rows(bank)
    decide = Decide(contribution_id=row["id"], approve=False, reason="Which Tuesday was it?")
    approver = Actor(timebank_id=bank.id, member_id=trustee, roles=frozenset({"approver"}))
    assert codes(await service.decide(bank.db, own, decide, key=uuid4().hex, now=bank.now)) == ["not_allowed"]
    decided = await service.decide(bank.db, approver, decide, key=uuid4().hex, now=bank.now)
    assert isinstance(decided, Decided)
    assert (await messages(bank, one))[-1][0] == "not_yet"
    assert "Which Tuesday was it?" in (await messages(bank, one))[-1][2]


async def test_short_time_logged_by_oneself_needs_nobody_when_the_rules_say_so(bank: Bank) -> None:
    trusting = await make_bank(bank.db, self_log_approved_up_to_minutes=60)
    lunch, one = await group(trusting), await trusting.member()
    own = Actor(timebank_id=trusting.id, member_id=one)
    first = await try_save(trusting, lunch, line(one, 40), actor=own, source="self")
    second = await try_save(trusting, lunch, line(one, 30), actor=own, source="self")
    assert (first.credited, second.credited) == (1, 0)  # 70 minutes on one day, in pieces
    assert codes(
        await try_save(trusting, lunch, line(one, 20, held_on=date(2025, 12, 1)), actor=own, source="self")
    ) == ["date_too_far_back"]


async def test_the_same_key_saves_once_whatever_kind(bank: Bank) -> None:
    peers, giver, receiver = await group(bank), await bank.member(), await bank.member()
    exchange = line(giver, 60, kind="exchange", receiver_ids=(receiver,), how_agreed="in person", held_on=TODAY)
    command = SaveRegister(activity_id=peers, lines=(exchange,))
    first = await service.save_register(bank.db, bank.coordinator, command, key="k", now=bank.now)
    assert first == await service.save_register(bank.db, bank.coordinator, command, key="k", now=bank.now)
    assert await hours(bank, giver) == [60]


async def test_saving_waits_for_somebody_who_is_leaving_before_it_touches_their_hours(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("timebank.db.MAX_ATTEMPTS", 1)  # a deadlock would be tried again, and only cost a second
    lunch, leaves = await group(bank), await bank.member()
    await save(bank, lunch, line(leaves, 30))
    outside = contextvars.copy_context()  # the task must not find this transaction open
    async with bank.db.writing(bank.id) as connection:
        await connection.fetch("select from member where timebank_id = $1 and id = $2 for update", bank.id, leaves)
        saving = asyncio.create_task(try_save(bank, lunch, line(leaves, 60)), context=outside)
        own = await connection.fetchval("select pg_backend_pid()")
        waits = "select exists (select from pg_locks where not granted and $1 = any(pg_blocking_pids(pid)))"
        async with asyncio.timeout(20):
            while not await connection.fetchval(waits, own):  # noqa: ASYNC110 - the other waits inside the database
                await asyncio.sleep(0.01)
        # Had it locked the balance first, the two would wait for each other.
        pot = (ledger.Leg(account=f"member/{leaves}", amount=-30), ledger.Leg(account="pot", amount=30))
        entry = ledger.Post(key="leave", kind="test", unit="MIN", legs=pot, effective_on=TODAY, actor="test")
        (posted,) = await ledger.post_batch(connection, bank.id, [entry])
        assert isinstance(posted, ledger.Posted)
        await connection.execute(
            "update member set status = 'left' where timebank_id = $1 and id = $2", bank.id, leaves
        )
    assert codes(await saving) == ["member_left"]
