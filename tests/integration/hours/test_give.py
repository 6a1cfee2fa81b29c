"""Giving hours: at once, once, and never more than there are."""

import asyncio
from datetime import timedelta

import pytest

from tests.integration.redemptions.spending import actor, give_hours, hours, key, posted, prove
from timebank.db import KeyReused
from timebank.hours import queries, service
from timebank.hours.service import Give, Given


async def give(bank, who, minutes: int, to_member_id: int | None, **more: object):
    fields = {"key": key(), "now": bank.now, "from_member_id": who.member_id, **more}
    command = Give(from_member_id=fields.pop("from_member_id"), to_member_id=to_member_id, minutes=minutes)
    return await service.give(bank.db, who, command, **fields)


async def test_a_gift_moves_minutes_and_both_read_it_in_words(bank, owner_url) -> None:
    friend = await bank.member("Ngozi O’Brien")
    await give_hours(bank, bank.participant.member_id, 90)
    given = await give(bank, bank.participant, 30, friend)
    assert isinstance(given, Given)
    assert given.balance_minutes == 60
    assert (await hours(bank, friend)).available == 30
    async with bank.db.reading(bank.id) as connection:
        (line,) = await queries.statement(connection, bank.id, friend)
        mine = await queries.describe_entries(
            connection, bank.id, [line.entry_id], reader_id=bank.participant.member_id
        )
        theirs = await queries.describe_entries(connection, bank.id, [line.entry_id], reader_id=friend)
        plain = await queries.describe_entries(connection, bank.id, [line.entry_id])
    assert (line.minutes, line.kind, line.balance_after) == (30, "gift", 30)
    assert mine[line.entry_id].title == "A gift to Ngozi O’Brien"
    assert theirs[line.entry_id].title == "A gift from Demo participant"
    assert plain[line.entry_id].title == "A gift from Demo participant to Ngozi O’Brien"
    assert await prove(owner_url, bank.id) == []


async def test_a_gift_to_the_pot(bank) -> None:
    await give_hours(bank, bank.participant.member_id, 90)
    assert isinstance(await give(bank, bank.participant, 90, None), Given)
    assert await posted(bank, "pot") == 90
    async with bank.db.reading(bank.id) as connection:
        line, _ = await queries.statement(connection, bank.id, bank.participant.member_id)
        words = await queries.describe_entries(
            connection, bank.id, [line.entry_id], reader_id=bank.participant.member_id
        )
    assert words[line.entry_id].title == "A gift to the community pot"


async def test_not_enough_says_how_much_there_is(bank) -> None:
    friend = await bank.member()
    await give_hours(bank, bank.participant.member_id, 90)
    (refusal,) = await give(bank, bank.participant, 100, friend)
    assert refusal.code == "not_enough_hours"
    assert "1 hour 30 minutes" in refusal.message
    assert (await hours(bank, bank.participant.member_id)).posted == 90


@pytest.mark.parametrize(
    ("minutes", "to", "code"),
    [(0, "friend", "minutes_zero"), (-5, "friend", "minutes_zero"), (10**9, "friend", "minutes_too_many"),
     (10, "self", "to_yourself"), (10, "nobody", "unknown_member")],
)  # fmt: skip
async def test_what_cannot_be_given(bank, minutes: int, to: str, code: str) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    receiver = {"friend": await bank.member(), "self": bank.participant.member_id, "nobody": 10**12}[to]
    refusals = await give(bank, bank.participant, minutes, receiver)
    assert [refusal.code for refusal in refusals] == [code]
    assert (await hours(bank, bank.participant.member_id)).posted == 60


async def test_only_ones_own_hours_unless_one_coordinates_and_never_to_oneself(bank) -> None:
    owner, friend = await bank.member(), await bank.member()
    await give_hours(bank, owner, 60)
    (refusal,) = await give(bank, bank.participant, 10, friend, from_member_id=owner)
    assert refusal.code == "not_yours"
    (refusal,) = await give(bank, bank.coordinator, 10, bank.coordinator.member_id, from_member_id=owner)
    assert refusal.code == "nobody_gains_for_another"
    assert isinstance(await give(bank, bank.coordinator, 10, friend, from_member_id=owner), Given)


async def test_the_same_key_gives_once_and_other_content_is_a_clash(bank) -> None:
    friend, same = await bank.member(), key()
    await give_hours(bank, bank.participant.member_id, 60)
    answers = await asyncio.gather(*(give(bank, bank.participant, 20, friend, key=same) for _ in range(5)))
    assert len({answer.entry_id for answer in answers}) == 1
    assert (await hours(bank, friend)).posted == 20
    with pytest.raises(KeyReused):
        await give(bank, bank.participant, 30, friend, key=same)


async def test_a_refused_gift_stays_refused_that_day_and_may_be_asked_for_on_the_next(bank) -> None:
    friend, same = await bank.member(), key()
    (refusal,) = await give(bank, bank.participant, 20, friend, key=same)
    assert refusal.code == "not_enough_hours"
    await give_hours(bank, bank.participant.member_id, 60)
    (again,) = await give(bank, bank.participant, 20, friend, key=same)
    assert again.code == "not_enough_hours"
    assert isinstance(await give(bank, bank.participant, 20, friend, key=same, now=bank.now + timedelta(days=1)), Given)
    # What was given is remembered whatever the day.
    assert isinstance(await give(bank, bank.participant, 20, friend, key=same, now=bank.now + timedelta(days=2)), Given)
    assert (await hours(bank, friend)).posted == 20


async def test_a_gift_and_the_memory_of_it_are_one_transaction(bank, monkeypatch) -> None:
    friend = await bank.member()
    await give_hours(bank, bank.participant.member_id, 60)

    async def broken(*_: object) -> None:
        raise LookupError("cannot remember")

    monkeypatch.setattr(service, "remember", broken)
    with pytest.raises(LookupError):
        await give(bank, bank.participant, 20, friend)
    assert (await hours(bank, friend)).posted == 0


async def test_ten_gifts_at_once_never_give_more_than_there_is(bank, owner_url) -> None:
    friend = await bank.member()
    await give_hours(bank, bank.participant.member_id, 60)
    answers = await asyncio.gather(*(give(bank, bank.participant, 25, friend) for _ in range(10)))
    assert sum(isinstance(answer, Given) for answer in answers) == 2
    assert (await hours(bank, bank.participant.member_id)).posted == 10
    assert await prove(owner_url, bank.id) == []


async def test_hours_set_aside_cannot_be_given(bank) -> None:
    from tests.integration.redemptions.spending import booked, offer

    friend = await bank.member()
    await give_hours(bank, bank.participant.member_id, 60)
    await booked(bank, await offer(bank), bank.participant)
    (refusal,) = await give(bank, actor(bank, bank.participant.member_id), 10, friend)
    assert refusal.code == "not_enough_hours"
    assert "There are no hours free to give just now." in refusal.message


async def test_a_statement_pages_by_seq_and_an_unknown_member_is_a_lookup_error(bank) -> None:
    for minutes in (10, 20, 30):
        await give_hours(bank, bank.participant.member_id, minutes)
    async with bank.db.reading(bank.id) as connection:
        first = await queries.statement(connection, bank.id, bank.participant.member_id, None, 2)
        rest = await queries.statement(connection, bank.id, bank.participant.member_id, first[-1].seq, 2)
        with pytest.raises(LookupError):
            await queries.balance(connection, bank.id, 10**12)
    assert [line.minutes for line in (*first, *rest)] == [30, 20, 10]
