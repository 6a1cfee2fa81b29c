"""Fees arise with approved time, wait for a choice, and follow every correction."""

from datetime import date, timedelta

import pytest

from tests.contributed import codes, group, line, save
from tests.integration.fees.feeing import (
    assert_sound,
    charity,
    chose,
    fee_of,
    fees_of,
    gave,
    key,
    owed,
    payables,
    paying_group,
    set_rate,
    try_choose,
)
from tests.people import NOW, Bank
from timebank.contributions.corrections import correct_within
from timebank.contributions.service import undo_register
from timebank.fees import service
from timebank.fees.rules import UnknownFee
from timebank.fees.service import ChooseEvery, ChosenEvery, PricedFees, PriceFees
from timebank.kit.actor import Actor
from timebank.payments.batches import ExportBatch, Exported, export
from timebank.payments.service import Approve, Changed, approve


async def put_right(bank: Bank, contribution_id: int, minutes: int) -> None:
    """The time is put right by a coordinator."""
    async with bank.db.writing(bank.id) as connection:
        await correct_within(connection, bank.coordinator_two, contribution_id, minutes, "Wrong", now=NOW)


async def approved(bank: Bank, reference: str) -> None:
    done = await approve(bank.db, bank.finance, Approve(reference=reference), key=key(), now=NOW)
    assert isinstance(done, Changed), done


async def exported(bank: Bank) -> Exported:
    done = await export(bank.db, bank.finance, ExportBatch(), key=key(), now=NOW)
    assert isinstance(done, Exported), done
    return done


async def test_approved_time_offers_a_fee_and_pays_nothing_by_itself(bank: Bank) -> None:
    rate_id = await set_rate(bank, 1250)
    member = await bank.member()
    fee = await gave(bank, await paying_group(bank), member, 85)
    assert (fee.state, fee.pence, fee.rate_id, fee.minutes) == ("waiting", 1771, rate_id, 85)  # 1770.83
    assert await payables(bank) == []
    async with bank.db.reading(bank.id) as connection:
        told = await connection.fetch(
            "select kind, path from message where timebank_id = $1 and member_id = $2", bank.id, member
        )
    assert ("fee", f"/me/fees/{fee.reference}") in [tuple(row) for row in told]
    await assert_sound(bank)


async def test_hours_staff_time_and_guests_make_no_fee(bank: Bank) -> None:
    await set_rate(bank)
    member = await bank.member()
    await save(bank, await group(bank), line(member))
    await save(bank, await paying_group(bank), line(member, kind="staff"))
    assert await fees_of(bank, member) == []


async def test_the_rate_of_the_day_by_band(bank: Bank) -> None:
    await set_rate(bank, 1000, band="Adviser")
    await set_rate(bank, 7500, unit="session", band="Chair")
    await set_rate(bank, 1100, band="Adviser", from_on=date(2026, 3, 11))
    member = await bank.member()
    advisers, chairs = await paying_group(bank, "A", band="adviser"), await paying_group(bank, "B", band="Chair")
    assert (await gave(bank, advisers, member, 60, at="09:00")).pence == 1000
    assert (await gave(bank, chairs, member, 20, at="13:00")).pence == 7500


async def test_taking_less_nothing_or_giving_it_away(bank: Bank) -> None:
    await set_rate(bank)
    giver = await charity(bank)
    member = await bank.member()
    activity = await paying_group(bank)
    one, two, three, four = [
        await gave(bank, activity, member, 60, at=f"{hour}:00") for hour in ("09", "11", "13", "15")
    ]
    await chose(bank, one, "all")
    await chose(bank, two, "part", pence=500)
    await chose(bank, three, "none")
    await chose(bank, four, "charity", payee_id=giver)
    made = await payables(bank)
    assert [(row["pence"], row["member_id"], row["state"]) for row in made] == [
        (1200, member, "submitted"),
        (500, member, "submitted"),
        (1200, None, "submitted"),
    ]
    assert await owed(bank, giver) == 1200
    assert made[0]["due_on"] == NOW.date() + timedelta(days=30)
    await assert_sound(bank)


async def test_whoever_took_a_fee_cannot_approve_it(bank: Bank) -> None:
    await set_rate(bank)
    fee = await gave(bank, await paying_group(bank), bank.finance.member_id or 0)
    chosen = await chose(bank, fee, "all", bank.finance)
    refused = await approve(bank.db, bank.finance, Approve(reference=chosen.payable_reference), key=key(), now=NOW)
    assert {"own_submission", "pays_yourself"} <= set(codes(refused))


async def test_another_choice_until_the_money_leaves(bank: Bank) -> None:
    await set_rate(bank)
    fee = await gave(bank, await paying_group(bank), await bank.member())
    first = await chose(bank, fee, "all")
    await approved(bank, first.payable_reference)
    await chose(bank, await fee_of(bank, fee.reference), "none")
    assert [row["state"] for row in await payables(bank)] == ["cancelled"]
    second = await chose(bank, await fee_of(bank, fee.reference), "part", pence=700)
    await approved(bank, second.payable_reference)
    await assert_sound(bank)


async def test_a_choice_twice_with_one_key_is_one(bank: Bank) -> None:
    await set_rate(bank)
    fee = await gave(bank, await paying_group(bank), await bank.member())
    member, same = Actor(timebank_id=bank.id, member_id=fee.member_id), key()
    command = service.ChooseFee(reference=fee.reference, how="all", seen_pence=1200)
    first = await service.choose(bank.db, member, command, key=same, now=NOW)
    assert await service.choose(bank.db, member, command, key=same, now=NOW) == first
    assert len(await payables(bank)) == 1


async def test_what_stands_in_the_way(bank: Bank) -> None:
    await set_rate(bank)
    fee = await gave(bank, await paying_group(bank), await bank.member())
    other = Actor(timebank_id=bank.id, member_id=await bank.member())
    cafe = await charity(bank)
    for how, more, code in [
        ("all", {"seen_pence": 1100}, "fee_changed"),
        ("half", {}, "choice_unknown"),
        ("part", {}, "amount_missing"),
        ("part", {"pence": 1200}, "more_than_fee"),
        ("part", {"pence": -5}, "more_than_fee"),
        ("charity", {}, "charity_missing"),
        ("charity", {"payee_id": cafe + 1000}, "charity_unknown"),
        ("all", {"payee_id": cafe}, "unwanted_charity"),
        ("all", {"actor": bank.coordinator}, "how_agreed_missing"),
    ]:
        assert codes(await try_choose(bank, fee, how, **more)) == [code], how
    with pytest.raises(UnknownFee):
        await try_choose(bank, fee, "all", other)
    await chose(bank, fee, "all", bank.coordinator, how_agreed="By phone on Monday")
    await assert_sound(bank)


async def test_a_standing_choice_is_followed_and_can_be_changed(bank: Bank) -> None:
    await set_rate(bank)
    member = await bank.member()
    actor = Actor(timebank_id=bank.id, member_id=member)
    every = await service.choose_every(bank.db, actor, ChooseEvery(member_id=member, how="all"), key=key(), now=NOW)
    assert isinstance(every, ChosenEvery)
    fee = await gave(bank, await paying_group(bank), member)
    assert (fee.state, fee.how, fee.is_standing, fee.payable_state) == ("chosen", "all", True, "submitted")
    await chose(bank, fee, "none")
    await service.choose_every(bank.db, actor, ChooseEvery(member_id=member, how="ask"), key=key(), now=NOW)
    await assert_sound(bank)


async def test_a_correction_before_export_takes_the_payment_back_and_asks_again(bank: Bank) -> None:
    await set_rate(bank)
    fee = await gave(bank, await paying_group(bank), await bank.member())
    await approved(bank, (await chose(bank, fee, "all")).payable_reference)
    await put_right(bank, fee.contribution_id, 90)
    after = await fee_of(bank, fee.reference)
    assert (after.state, after.offered_pence, after.offered) == ("waiting", 1800, 2)
    assert [row["state"] for row in await payables(bank)] == ["cancelled"]
    await chose(bank, after, "all")
    await put_right(bank, fee.contribution_id, 0)
    assert (await fee_of(bank, fee.reference)).state == "withdrawn"
    await assert_sound(bank)


async def test_who_took_nothing_is_not_asked_again(bank: Bank) -> None:
    await set_rate(bank)
    fee = await gave(bank, await paying_group(bank), await bank.member())
    await chose(bank, fee, "none")
    await put_right(bank, fee.contribution_id, 90)
    after = await fee_of(bank, fee.reference)
    assert (after.state, after.how, after.offered) == ("chosen", "none", 1)


async def test_a_correction_after_the_money_left(bank: Bank) -> None:
    await set_rate(bank)
    more, less = await bank.member(), await bank.member()
    activity = await paying_group(bank)
    fees = [await gave(bank, activity, one) for one in (more, less)]
    for fee in fees:
        await approved(bank, (await chose(bank, fee, "all")).payable_reference)
    await exported(bank)
    assert codes(await try_choose(bank, await fee_of(bank, fees[0].reference), "none")) == ["has_left"]
    await put_right(bank, fees[0].contribution_id, 90)
    await put_right(bank, fees[1].contribution_id, 30)
    raised, lowered = [await fee_of(bank, fee.reference) for fee in fees]
    assert (raised.state, raised.offered_pence, raised.over_pence) == ("waiting", 600, 0)
    assert (lowered.state, lowered.offered_pence, lowered.over_pence) == ("chosen", 0, 600)
    await chose(bank, raised, "all")
    assert sorted(row["pence"] for row in await payables(bank)) == [600, 1200, 1200]
    await assert_sound(bank)


async def test_an_undone_register_takes_its_fees_back(bank: Bank) -> None:
    await set_rate(bank)
    member = await bank.member()
    saved = await save(bank, await paying_group(bank), line(member))
    [fee] = await fees_of(bank, member)
    await chose(bank, fee, "all")
    undone = await undo_register(bank.db, bank.coordinator, saved.reference, key=key(), now=NOW)
    assert not isinstance(undone, list), undone
    assert (await fee_of(bank, fee.reference)).state == "withdrawn"
    assert [row["state"] for row in await payables(bank)] == ["cancelled"]
    await assert_sound(bank)


async def test_without_a_rate_a_fee_waits_for_one(bank: Bank) -> None:
    member = await bank.member()
    fee = await gave(bank, await paying_group(bank), member)
    assert (fee.state, fee.pence) == ("no_rate", 0)
    assert codes(await try_choose(bank, fee, "all")) == ["not_open"]
    assert codes(await service.price(bank.db, bank.coordinator, PriceFees(), key=key(), now=NOW)) == ["not_finance"]
    still = await service.price(bank.db, bank.finance, PriceFees(), key=key(), now=NOW)
    assert still == PricedFees(priced=0, without_rate=1)
    await set_rate(bank)
    assert await service.price(bank.db, bank.finance, PriceFees(), key=key(), now=NOW) == PricedFees(
        priced=1, without_rate=0
    )
    assert (await fee_of(bank, fee.reference)).offered_pence == 1200
