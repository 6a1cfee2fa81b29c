"""“This isn’t right”: who is asked, what an answer changes, who may see it, and what happens when nobody can."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

import ledger
from tests.integration.redemptions.spending import booked, give_hours, offer
from tests.people import Bank, Browser, make_bank
from timebank.concerns import queries, service
from timebank.concerns.service import Answer, Answered, Ask, Asked, GivenOn, HandOver
from timebank.contributions import service as contributions
from timebank.contributions.service import AddActivity, Decide, Line, SavedRegister, SaveRegister
from timebank.db import Database
from timebank.hours.service import Give, Given, GivePotHours, PotAskNow, give, give_from_pot
from timebank.kit.actor import Actor
from timebank.kit.clock import FixedClock
from timebank.kit.refusal import Refusal
from timebank.redemptions import service as redemptions
from timebank.redemptions.service import ChangeBooking

Open = Callable[[], Browser]


@dataclass
class Entry:
    """Time that was given, and its entry."""

    contribution_id: int
    entry_id: UUID | None


async def gave(bank: Bank, who: Actor, minutes: int = 60, by: Actor | None = None) -> Entry:
    """Log a session for one member, by a coordinator."""
    coordinator = by or bank.coordinator
    added = await contributions.add_activity(
        bank.db, coordinator, AddActivity(name=f"Group {uuid4().hex[:6]}"), key=uuid4().hex, now=bank.now
    )
    assert isinstance(added, int)
    line = Line(member_id=who.member_id or 0, held_on=bank.now.date(), minutes=minutes, what="Cut onions")
    saved = await contributions.save_register(
        bank.db, coordinator, SaveRegister(activity_id=added, lines=(line,)), key=uuid4().hex, now=bank.now
    )
    assert isinstance(saved, SavedRegister), saved
    async with bank.db.reading(bank.id) as connection:
        row = await connection.fetchrow(
            "select c.id, c.entry_id from contribution c join register r on r.id = c.register_id"
            " where r.reference = $1",
            saved.reference,
        )
    return Entry(row["id"], row["entry_id"])


async def ask(bank: Bank, who: Actor, entry: Entry, said: str = "It was longer") -> Asked | list[Refusal]:
    command = Ask(words=said, entry_id=entry.entry_id)
    return await service.ask(bank.db, who, command, key=uuid4().hex, now=bank.now)


async def asked(bank: Bank, who: Actor, entry: Entry) -> Asked:
    result = await ask(bank, who, entry)
    assert isinstance(result, Asked), result
    return result


async def answer(bank: Bank, who: Actor, concern_id: int, minutes: int | None = None) -> Answered | list[Refusal]:
    command = Answer(
        concern_id=concern_id,
        outcome="upheld" if minutes is None else "corrected",
        words="I asked the others.",
        minutes=minutes,
    )
    return await service.answer(bank.db, who, command, key=uuid4().hex, now=bank.now)


async def balance(bank: Bank, code: str | int | None) -> int:
    async with bank.db.reading(bank.id) as connection:
        account = code if isinstance(code, str) else f"member/{code}"
        return (await ledger.balance(connection, bank.id, account)).posted


async def concern_of(bank: Bank, concern_id: int) -> queries.Concern:
    async with bank.db.reading(bank.id) as connection:
        found = await queries.one(connection, bank.id, concern_id)
    assert found is not None
    return found


async def query_state(bank: Bank, entry: Entry) -> tuple[str, str, int]:
    async with bank.db.reading(bank.id) as connection:
        row = await connection.fetchrow(
            "select query_state, state, minutes from contribution where id = $1", entry.contribution_id
        )
    return row["query_state"], row["state"], row["minutes"]


async def messages(bank: Bank, member_id: int | None) -> list[str]:
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch(
            "select kind from message where member_id = $1 and kind like 'query%' order by id", member_id
        )
    return [row["kind"] for row in rows]


async def other_member(bank: Bank, *roles: str) -> Actor:
    return Actor(timebank_id=bank.id, member_id=await bank.member(None, *roles), roles=frozenset(roles))


async def test_somebody_else_answers_and_puts_it_right(bank: Bank) -> None:
    entry = await gave(bank, bank.participant)
    question = await asked(bank, bank.participant, entry)
    assert question.owner_id == bank.coordinator_two.member_id
    assert await query_state(bank, entry) == ("queried", "approved", 60)
    assert await balance(bank, bank.participant.member_id) == 60
    assert await messages(bank, bank.participant.member_id) == ["query_asked"]
    assert await messages(bank, bank.coordinator_two.member_id) == ["query_to_answer"]

    wrong = await answer(bank, bank.coordinator, question.concern_id, 90)
    assert isinstance(wrong, list)
    assert wrong[0].code == "not_yours"
    done = await answer(bank, bank.coordinator_two, question.concern_id, 90)
    assert isinstance(done, Answered), done
    assert (done.state, done.changed_minutes) == ("corrected", 30)
    assert await balance(bank, bank.participant.member_id) == 90
    assert await query_state(bank, entry) == ("corrected", "approved", 90)
    assert await messages(bank, bank.participant.member_id) == ["query_asked", "query_answered"]
    twice = await answer(bank, bank.coordinator_two, question.concern_id, 120)
    assert isinstance(twice, list)
    assert twice[0].code == "answered_already"


async def test_it_can_stay_as_it_is_and_be_asked_once_more(bank: Bank) -> None:
    entry = await gave(bank, bank.participant)
    third = await other_member(bank, "approver")
    first = await asked(bank, bank.participant, entry)
    again = await ask(bank, bank.participant, entry)
    assert isinstance(again, list)
    assert again[0].code == "asked_already"
    owner = bank.coordinator_two if first.owner_id == bank.coordinator_two.member_id else third
    assert isinstance(await answer(bank, owner, first.concern_id), Answered)
    assert await query_state(bank, entry) == ("upheld", "approved", 60)
    second = await asked(bank, bank.participant, entry)
    assert second.owner_id not in (None, first.owner_id, bank.coordinator.member_id)
    other = third if owner is bank.coordinator_two else bank.coordinator_two
    assert isinstance(await answer(bank, other, second.concern_id), Answered)
    last = await ask(bank, bank.participant, entry)
    assert isinstance(last, list)
    assert last[0].code == "answered_twice"


async def test_a_mistake_of_ours_never_takes_anybody_below_zero(bank: Bank) -> None:
    entry = await gave(bank, bank.participant, 120)
    gift = Give(from_member_id=bank.participant.member_id or 0, to_member_id=None, minutes=90)
    assert isinstance(await give(bank.db, bank.participant, gift, key=uuid4().hex, now=bank.now), Given)
    question = await asked(bank, bank.participant, entry)
    done = await answer(bank, bank.coordinator_two, question.concern_id, 60)
    assert isinstance(done, Answered), done
    assert done.changed_minutes == -30
    assert await balance(bank, bank.participant.member_id) == 0
    assert await balance(bank, "corrections") == -30


async def test_time_that_never_happened_is_taken_out(bank: Bank) -> None:
    entry = await gave(bank, bank.participant)
    question = await asked(bank, bank.participant, entry)
    done = await answer(bank, bank.coordinator_two, question.concern_id, 0)
    assert isinstance(done, Answered), done
    assert await balance(bank, bank.participant.member_id) == 0
    assert (await query_state(bank, entry))[0] == "corrected"


async def test_a_gift_is_put_right_against_what_our_mistakes_cost(bank: Bank) -> None:
    await gave(bank, bank.participant, 120)
    someone = await other_member(bank)
    gift = Give(from_member_id=bank.participant.member_id or 0, to_member_id=someone.member_id, minutes=60)
    given = await give(bank.db, bank.participant, gift, key=uuid4().hex, now=bank.now)
    assert isinstance(given, Given)
    question = await asked(bank, bank.participant, Entry(0, UUID(given.entry_id)))
    assert question.owner_id in (bank.coordinator.member_id, bank.coordinator_two.member_id)
    owner = bank.coordinator if question.owner_id == bank.coordinator.member_id else bank.coordinator_two
    for minutes, code in ((0, "minutes_zero"), (10**6, "minutes_above_limit")):
        refused = await answer(bank, owner, question.concern_id, minutes)
        assert isinstance(refused, list)
        assert refused[0].code == code
    done = await answer(bank, owner, question.concern_id, 45)
    assert isinstance(done, Answered), done
    assert await balance(bank, bank.participant.member_id) == 105
    assert await balance(bank, "corrections") == -45
    async with bank.db.reading(bank.id) as connection:
        entry_id = await connection.fetchval("select correction_entry_id from concern where id = $1", done.concern_id)
        described = await queries.describe_entries(connection, bank.id, [entry_id])
    assert described[entry_id].title == "Put right"


async def test_a_gift_is_taken_back_only_as_far_as_it_is_still_there(bank: Bank) -> None:
    await gave(bank, bank.participant, 120)
    someone = await other_member(bank)
    gift = Give(from_member_id=bank.participant.member_id or 0, to_member_id=someone.member_id, minutes=90)
    given = await give(bank.db, bank.participant, gift, key=uuid4().hex, now=bank.now)
    assert isinstance(given, Given)
    onwards = Give(from_member_id=someone.member_id or 0, to_member_id=None, minutes=60)
    assert isinstance(await give(bank.db, someone, onwards, key=uuid4().hex, now=bank.now), Given)
    question = await asked(bank, someone, Entry(0, UUID(given.entry_id)))
    owner = bank.coordinator if question.owner_id == bank.coordinator.member_id else bank.coordinator_two
    done = await answer(bank, owner, question.concern_id, -90)
    assert isinstance(done, Answered), done
    assert done.changed_minutes == -30
    assert (await balance(bank, someone.member_id), await balance(bank, "corrections")) == (0, 30)


async def test_whoever_had_a_part_in_a_booking_does_not_answer(bank: Bank) -> None:
    await give_hours(bank, bank.participant.member_id or 0, 300)
    reference = await booked(bank, await offer(bank), bank.participant)
    await redemptions.fulfil(
        bank.db, bank.coordinator, ChangeBooking(reference=reference), key=uuid4().hex, now=bank.now
    )
    async with bank.db.reading(bank.id) as connection:
        entry_id = await connection.fetchval("select entry_id from redemption where reference = $1", reference)
    question = await asked(bank, bank.participant, Entry(0, entry_id))
    assert question.owner_id == bank.coordinator_two.member_id
    assert (await concern_of(bank, question.concern_id)).title.startswith("A voucher")
    done = await answer(bank, bank.coordinator_two, question.concern_id, 60)
    assert isinstance(done, Answered), done
    assert await balance(bank, bank.participant.member_id) == 300


async def test_who_received_help_asks_about_what_they_paid(bank: Bank) -> None:
    giver, receiver = await other_member(bank), await other_member(bank)
    await give_hours(bank, receiver.member_id or 0, 200)
    added = await contributions.add_activity(
        bank.db, bank.coordinator, AddActivity(name="Peers"), key=uuid4().hex, now=bank.now
    )
    assert isinstance(added, int)
    line = Line(
        member_id=giver.member_id or 0,
        held_on=bank.now.date(),
        minutes=90,
        kind="exchange",
        receiver_ids=(receiver.member_id or 0,),
        how_agreed="by phone",
    )
    command = SaveRegister(activity_id=added, lines=(line,))
    await contributions.save_register(bank.db, bank.coordinator, command, key=uuid4().hex, now=bank.now)
    async with bank.db.reading(bank.id) as connection:
        row = await connection.fetchrow("select id, entry_id from contribution where kind = 'exchange'")
    entry = Entry(row["id"], row["entry_id"])
    assert await balance(bank, receiver.member_id) == 110
    question = await asked(bank, receiver, entry)
    assert question.owner_id == bank.coordinator_two.member_id
    both = await asked(bank, giver, entry)
    assert both.concern_id != question.concern_id, "the giver asks for themselves"
    done = await answer(bank, bank.coordinator_two, question.concern_id, 60)
    assert isinstance(done, Answered), done
    assert done.changed_minutes == 30
    assert (await balance(bank, giver.member_id), await balance(bank, receiver.member_id)) == (60, 140)


async def test_declined_time_can_count_after_all(bank: Bank) -> None:
    entry = await gave(bank, bank.coordinator, 60)  # one's own hour waits
    decide = Decide(contribution_id=entry.contribution_id, approve=False, reason="Too long")
    waiting = Ask(words="Why?", contribution_id=entry.contribution_id)
    early = await service.ask(bank.db, bank.coordinator, waiting, key=uuid4().hex, now=bank.now)
    assert isinstance(early, list)
    assert early[0].code == "still_waiting"
    third = await other_member(bank, "coordinator")
    await contributions.decide(bank.db, bank.coordinator_two, decide, key=uuid4().hex, now=bank.now)
    question = await service.ask(bank.db, bank.coordinator, waiting, key=uuid4().hex, now=bank.now)
    assert isinstance(question, Asked), question
    assert question.owner_id == third.member_id, "neither who recorded it nor who declined it"
    same = await answer(bank, third, question.concern_id, 0)
    assert isinstance(same, list)
    assert same[0].code == "nothing_changes"
    done = await answer(bank, third, question.concern_id, 45)
    assert isinstance(done, Answered), done
    assert await balance(bank, bank.coordinator.member_id) == 45
    assert await query_state(bank, entry) == ("corrected", "declined", 60)


async def test_when_everybody_had_a_part_the_independent_person_answers(db: Database) -> None:
    bank = await make_bank(db, independent_person="Ann Other, 01632 960 777")
    entry = await gave(bank, bank.coordinator_two)
    await contributions.decide(
        bank.db,
        bank.coordinator_two,
        Decide(contribution_id=entry.contribution_id, approve=True),
        key=uuid4().hex,
        now=bank.now,
    )
    question = await asked(bank, bank.coordinator_two, entry)
    assert question.owner_id is None
    assert await messages(bank, bank.coordinator.member_id) == ["query_to_answer"]
    done = await answer(bank, bank.coordinator, question.concern_id, 90)
    assert isinstance(done, Answered), done
    assert (await concern_of(bank, question.concern_id)).spoken_by == "Ann Other, 01632 960 777"


async def test_nobody_at_all_then_somebody_becomes_able(bank: Bank) -> None:
    entry = await gave(bank, bank.coordinator_two)
    question = await asked(bank, bank.coordinator_two, entry)
    assert question.owner_id is None
    refused = await answer(bank, bank.coordinator, question.concern_id, 90)
    assert isinstance(refused, list)
    assert refused[0].code == "nobody_independent"
    await service.look_after(bank.db, bank.id, bank.now)
    assert (await concern_of(bank, question.concern_id)).owner_id is None
    approver = await other_member(bank, "approver")
    await service.look_after(bank.db, bank.id, bank.now)
    assert (await concern_of(bank, question.concern_id)).owner_id == approver.member_id
    assert await messages(bank, approver.member_id) == ["query_to_answer"]
    assert isinstance(await answer(bank, approver, question.concern_id, 90), Answered)


async def test_an_owner_who_leaves_is_replaced(bank: Bank) -> None:
    third = await other_member(bank, "coordinator")
    entry = await gave(bank, bank.participant)
    question = await asked(bank, bank.participant, entry)
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update member set status = 'left' where id = $1", question.owner_id)
    await service.look_after(bank.db, bank.id, bank.now)
    now_owned = (await concern_of(bank, question.concern_id)).owner_id
    assert now_owned == ({bank.coordinator_two.member_id, third.member_id} - {question.owner_id}).pop()
    assert await messages(bank, bank.participant.member_id) == ["query_asked", "query_given"]
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update member set status = 'left' where id = $1", now_owned)
    await service.look_after(bank.db, bank.id, bank.now)
    await service.look_after(bank.db, bank.id, bank.now)
    assert (await concern_of(bank, question.concern_id)).owner_id is None


async def test_handing_over(bank: Bank) -> None:
    entry = await gave(bank, bank.participant)
    question = await asked(bank, bank.participant, entry)

    async def hand(who: Actor, reason: str = "I am away") -> GivenOn | list[Refusal]:
        command = HandOver(concern_id=question.concern_id, reason=reason)
        return await service.hand_over(bank.db, who, command, key=uuid4().hex, now=bank.now)

    for who, reason, code in (
        (bank.coordinator_two, " ", "reason_missing"),
        (bank.coordinator_two, "x" * 501, "reason_too_long"),
        (bank.coordinator_two, "Away", "nobody_else"),
        (bank.coordinator, "Give it to my friend", "not_yours"),  # she made the entry
        (bank.participant, "Away", "not_allowed"),
    ):
        refused = await hand(who, reason)
        assert isinstance(refused, list)
        assert refused[0].code == code
    approver = await other_member(bank, "approver")
    given = await hand(bank.coordinator_two)
    assert isinstance(given, GivenOn), given
    assert given.owner_id == approver.member_id


async def test_overdue_ones_are_counted_and_everybody_is_reminded_once(bank: Bank) -> None:
    entry = await gave(bank, bank.participant)
    question = await asked(bank, bank.participant, entry)
    owner = bank.coordinator_two.member_id
    for days, late in ((0, 0), ((question.due_on - bank.now.date()).days, 0), (60, 1)):
        moment = bank.now + timedelta(days=days)
        await service.look_after(bank.db, bank.id, moment)
        await service.look_after(bank.db, bank.id, moment)
        async with bank.db.reading(bank.id) as connection:
            overdue = await queries.overdue(connection, bank.id, on=moment.date())
            counts = await queries.counts(connection, bank.id, owner, on=moment.date())
        assert len(overdue) == counts.overdue == late
        assert (counts.mine, counts.open) == (1, 1)
        assert (await messages(bank, owner)).count("query_overdue") == late
        assert (await messages(bank, bank.participant.member_id)).count("query_late") == late


async def test_a_member_who_left_waits_for_nothing(bank: Bank) -> None:
    entry = await gave(bank, bank.participant)
    question = await asked(bank, bank.participant, entry)
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update member set status = 'left' where id = $1", bank.participant.member_id)
    later = bank.now + timedelta(days=60)
    await service.look_after(bank.db, bank.id, later)
    async with bank.db.reading(bank.id) as connection:
        counts = await queries.counts(connection, bank.id, question.owner_id, on=later.date())
        assert (counts.mine, counts.open, counts.overdue) == (0, 0, 0)
        assert not await queries.overdue(connection, bank.id, on=later.date())
    assert "query_overdue" not in await messages(bank, question.owner_id)


async def test_asking_twice_at_once_asks_once(bank: Bank) -> None:
    entry = await gave(bank, bank.participant)
    results = await asyncio.gather(*(ask(bank, bank.participant, entry) for _ in range(4)))
    assert sum(isinstance(one, Asked) for one in results) == 1
    key = uuid4().hex
    other = await gave(bank, bank.participant, 30)
    command = Ask(words="Wrong", entry_id=other.entry_id)
    same = await asyncio.gather(
        *(service.ask(bank.db, bank.participant, command, key=key, now=bank.now) for _ in range(3))
    )
    assert len({one.concern_id for one in same if isinstance(one, Asked)}) == 1


async def test_whoever_acts_for_a_member_does_not_answer(bank: Bank) -> None:
    entry = await gave(bank, bank.participant)
    acting = replace(bank.coordinator_two, roles=frozenset(), on_behalf_of=bank.participant.member_id)
    question = await asked(bank, acting, entry)
    assert question.owner_id is None
    assert (await concern_of(bank, question.concern_id)).member_id == bank.participant.member_id


async def test_every_entry_says_what_it_is_and_under_which_rules(client: Open, bank: Bank) -> None:
    me = bank.participant
    assert me.member_id is not None
    time = await gave(bank, me, 90)
    gift = Give(from_member_id=me.member_id, to_member_id=None, minutes=60)
    given = await give(bank.db, me, gift, key=uuid4().hex, now=bank.now)
    assert isinstance(given, Given)
    help_given = GivePotHours(member_id=me.member_id, minutes=30, reason="For your bus")
    assert isinstance(
        await give_from_pot(bank.db, bank.coordinator, help_given, key=uuid4().hex, now=bank.now), PotAskNow
    )
    async with bank.db.reading(bank.id) as connection:
        helped = await connection.fetchval("select entry_id from pot_ask where timebank_id = $1", bank.id)
    browser = client()
    await browser.sign_in(bank.db, me, now=bank.now)
    for entry_id, title in (
        (time.entry_id, "Cut onions"),
        (given.entry_id, "A gift to the community pot"),
        (helped, "From the community pot"),
    ):
        page = (await browser.get(f"/entries/{entry_id}/not-right")).text
        assert title in page
        assert '<a href="/rules/1">Rules, version 1</a>' in page


async def test_nobody_asks_about_entries_of_others(client: Open, bank: Bank, other_bank: Bank) -> None:
    entry = await gave(bank, bank.participant)
    stranger = await other_member(bank)
    for who, where in ((stranger, bank), (bank.coordinator, bank), (other_bank.participant, other_bank)):
        with pytest.raises(LookupError):
            await ask(where, who, entry)
        command = Ask(words="x", contribution_id=entry.contribution_id)
        with pytest.raises(LookupError):
            await service.ask(bank.db, who, command, key=uuid4().hex, now=bank.now)
        browser = client()
        await browser.sign_in(bank.db, who)
        for path in (f"/entries/{entry.entry_id}/not-right", f"/log/{entry.contribution_id}/not-right"):
            assert (await browser.get(path)).status_code == 404
            assert (await browser.submit(path, {"words": "x"})).status_code == 404


async def test_who_may_see_a_question(client: Open, bank: Bank, other_bank: Bank) -> None:
    entry = await gave(bank, bank.participant)
    question = await asked(bank, bank.participant, entry)
    approver, nobody = await other_member(bank, "approver"), await other_member(bank)
    for who, status in (
        (bank.participant, 200),
        (bank.coordinator_two, 200),
        (bank.coordinator, 200),
        (approver, 404),
        (nobody, 404),
        (bank.finance, 404),
        (other_bank.coordinator, 404),
    ):
        browser = client()
        await browser.sign_in(bank.db, who)
        page = await browser.get(f"/queries/{question.concern_id}")
        assert page.status_code == status, who
        if status == 404:
            assert "It was longer" not in page.text
            lists = [await browser.get("/queries"), await browser.get("/queries/to-answer?show=open")]
            assert all("It was longer" not in one.text for one in lists)
            assert all("Cut onions" not in one.text for one in lists)
    async with bank.db.reading(bank.id) as connection:
        looks = await connection.fetch("select actor_id from access_log where what like '%question%' order by id")
    assert [row["actor_id"] for row in looks] == [bank.coordinator_two.member_id, bank.coordinator.member_id]


async def test_the_whole_way_over_the_pages(client: Open, bank: Bank, clock: FixedClock) -> None:
    entry = await gave(bank, bank.participant)
    member, owner = client(), client()
    await member.sign_in(bank.db, bank.participant)
    await owner.sign_in(bank.db, bank.coordinator_two)
    path = f"/entries/{entry.entry_id}/not-right"
    assert "Cut onions" in (await member.get(path)).text
    empty = await member.submit(path, {"words": ""})
    assert empty.status_code == 422
    assert 'href="#words"' in empty.text
    sent = await member.submit(path, {"words": "It was <b>two</b> hours"})
    assert sent.status_code == 303
    page = (await member.get(sent.headers["location"])).text
    assert "You hear by Tuesday 24 March 2026" in page
    again = await member.get(path, follow_redirects=False)
    assert (again.status_code, again.headers["location"]) == (303, sent.headers["location"].partition("?")[0])
    assert "It was" not in (await owner.get("/queries/to-answer")).text, (
        "a list says what it is about, not what was said"
    )
    query = sent.headers["location"].partition("?")[0]
    assert "It was &lt;b&gt;two&lt;/b&gt; hours" in (await owner.get(query)).text
    for fields, field in (
        ({}, "outcome"),
        ({"outcome": "corrected", "words": "Yes", "minutes": "an age"}, "minutes"),
        ({"outcome": "corrected", "words": "Yes", "minutes": "1:00"}, "minutes"),
        ({"outcome": "upheld", "words": ""}, "words"),
    ):
        refused = await owner.submit(f"{query}/answer", fields)
        assert refused.status_code == 422
        assert f'href="#{field}"' in refused.text, fields
    clock.advance(timedelta(days=30))
    member, owner = client(), client()
    await member.sign_in(bank.db, bank.participant, clock.now())
    await owner.sign_in(bank.db, bank.coordinator_two, clock.now())
    assert "The answer is late" in (await member.get(query)).text
    assert "Overdue" in (await owner.get("/queries/to-answer?show=overdue")).text
    fields = {"outcome": "corrected", "minutes": "2 hours", "words": "You are right. Thank you."}
    done = await owner.submit(f"{query}/answer", fields)
    assert done.status_code == 303
    page = (await member.get(query)).text
    assert "You are right. Thank you." in page
    assert re.search(r"You have 1 hour more now", page)
    assert "I see it another way" in page
    assert await balance(bank, bank.participant.member_id) == 120
