"""Asking, agreeing and confirming: hours are set aside once both agree, and move once, when both say the same."""

from datetime import timedelta

import pytest

from tests.integration.peers.helping import (
    agreed,
    ask_of,
    asked,
    asks,
    closes,
    codes,
    key,
    offers,
    person,
    says,
    settles,
    suggests,
    tomorrow,
    wishes,
    yes,
)
from tests.integration.redemptions.spending import give_hours, hours, prove, step
from tests.people import Bank
from timebank.db import Database
from timebank.hours.queries import HoursNow
from timebank.kit.actor import Actor
from timebank.peers import cards, service
from timebank.peers.service import Asked, AskFor, Said, Say

EVERYTHING = HoursNow(posted=300, set_aside=0, available=300)


async def test_an_hour_goes_from_one_to_the_other_once(bank: Bank, owner_url: str) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    reference = await asked(bank, ann, offer_id=await offers(bank, ben))
    assert await hours(bank, ann.member_id) == EVERYTHING
    assert (await yes(bank, ben, reference)).state == "agreed"
    assert (await hours(bank, ann.member_id)).set_aside == 60
    first = await says(bank, ann, reference, 60)
    assert first.state == "agreed"
    assert (await says(bank, ben, reference, 60)) == Said(reference=reference, state="done", minutes=60)
    assert (await hours(bank, ann.member_id)) == HoursNow(posted=240, set_aside=0, available=240)
    assert (await hours(bank, ben.member_id)).available == 60
    for who in (ann, ben):
        assert codes(await says(bank, who, reference, 60)) == {"wrong_state"}
    assert await prove(owner_url, bank.id) == []


async def test_the_same_tap_twice_does_one_thing(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    command, same = AskFor(minutes=60, offer_id=await offers(bank, ben), starts_at=tomorrow(bank)), key()
    first = await service.ask(bank.db, ann, command, key=same, now=bank.now)
    assert await service.ask(bank.db, ann, command, key=same, now=bank.now) == first
    await yes(bank, ben, first.reference)
    await says(bank, ann, first.reference, 60)
    said, same = Say(reference=first.reference, minutes=60), key()
    later = bank.now + timedelta(days=1)
    done = await service.happened(bank.db, ben, said, key=same, now=later)
    assert await service.happened(bank.db, ben, said, key=same, now=later) == done
    assert (await hours(bank, ben.member_id)).available == 60


async def test_help_with_a_wish_is_paid_by_whoever_wished(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    reference = await asked(bank, ben, wish_id=await wishes(bank, ann), minutes=90)
    assert codes(await yes(bank, ben, reference)) == {"not_your_turn"}
    assert (await yes(bank, ann, reference)).state == "agreed"
    await says(bank, ann, reference, 90)
    await says(bank, ben, reference, 90)
    assert (await hours(bank, ben.member_id)).available == 90
    async with bank.db.reading(bank.id) as connection:
        shown = await cards.offers(connection, bank.participant, cards.Filters())
    assert shown == [], "what was made for one wish is nobody else's offer"


async def test_not_enough_hours(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 30), await person(bank, "Ben")
    offer = await offers(bank, ben)
    refused = await asks(bank, ann, offer_id=offer)
    assert codes(refused) == {"not_enough_hours"}
    assert "30 minutes more" in refused[0].message
    # Enough when they asked, gone when the helper says yes: the helper's yes stays, and learns no balance.
    await give_hours(bank, ann.member_id, 60)
    reference = await asked(bank, ann, offer_id=offer, minutes=90)
    other = await agreed(bank, ann, await person(bank, "Cy"))
    turned = await yes(bank, ben, reference)
    assert turned == Asked(reference=reference, state="asked", waits_for=ann.member_id)
    assert codes(await yes(bank, ann, reference)) == {"not_enough_hours"}
    await closes(bank, ann, other)
    assert (await yes(bank, ann, reference)).state == "agreed"


async def test_another_time_frees_the_hours_until_both_agree_again(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    reference = await agreed(bank, ann, ben)
    assert (await suggests(bank, ben, reference, 120)).waits_for == ann.member_id
    assert await hours(bank, ann.member_id) == EVERYTHING
    assert (await yes(bank, ann, reference)).state == "agreed"
    assert (await hours(bank, ann.member_id)).set_aside == 120


@pytest.mark.parametrize("who", ["ann", "ben"])
async def test_calling_it_off_frees_the_hours(bank: Bank, who: str) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    reference = await agreed(bank, ann, ben)
    assert (await closes(bank, {"ann": ann, "ben": ben}[who], reference)).state == "cancelled"
    assert await hours(bank, ann.member_id) == EVERYTHING
    late = await agreed(bank, ann, ben)
    after = bank.now + timedelta(days=2)
    assert codes(await closes(bank, ann, late, now=after)) == {"too_late"}
    booking = (await ask_of(bank, late)).booking
    assert codes(await step(bank, "cancel", booking, ann, now=after)) == {"too_late_to_cancel"}


async def test_no_thanks_needs_no_reason(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    reference = await asked(bank, ann, offer_id=await offers(bank, ben))
    assert (await closes(bank, ben, reference)).state == "declined"
    assert codes(await yes(bank, ben, reference)) == {"wrong_state"}


async def test_different_minutes_are_settled_by_a_coordinator_who_is_neither(bank: Bank, owner_url: str) -> None:
    ann, ben = await person(bank, "Ann", 300), bank.coordinator
    reference = await agreed(bank, ann, ben)
    await says(bank, ann, reference, 30)
    assert (await says(bank, ben, reference, 90)).state == "settling"
    assert codes(await settles(bank, ben, reference, 60)) == {"own_booking"}
    assert codes(await settles(bank, ann, reference, 60)) == {"not_allowed"}
    assert codes(await settles(bank, bank.coordinator_two, reference, 91)) == {"bad_minutes"}
    done = await settles(bank, bank.coordinator_two, reference, 45)
    assert done == Said(reference=reference, state="done", minutes=45)
    assert (await hours(bank, ann.member_id)) == HoursNow(posted=255, set_aside=0, available=255)
    assert await prove(owner_url, bank.id) == []


async def test_two_who_differed_can_still_say_the_same(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    reference = await agreed(bank, ann, ben)
    await says(bank, ann, reference, 30)
    await says(bank, ben, reference, 60)
    assert (await says(bank, ben, reference, 30)).minutes == 30


@pytest.mark.parametrize(("have", "moved"), [(300, 120), (90, 90), (60, 60)])
async def test_longer_than_agreed_moves_what_there_is(bank: Bank, owner_url: str, have: int, moved: int) -> None:
    ann, ben = await person(bank, "Ann", have), await person(bank, "Ben")
    reference = await agreed(bank, ann, ben)
    await says(bank, ann, reference, 120)
    assert (await says(bank, ben, reference, 120)).minutes == moved
    assert (await hours(bank, ann.member_id)) == HoursNow(posted=have - moved, set_aside=0, available=have - moved)
    assert (await hours(bank, ben.member_id)).available == moved
    assert await prove(owner_url, bank.id) == []


async def test_it_did_not_happen(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    reference = await agreed(bank, ann, ben)
    assert (await says(bank, ann, reference, 0)).state == "agreed", "the helper has not said so"
    assert (await says(bank, ben, reference, 0)).state == "free"
    assert await hours(bank, ann.member_id) == EVERYTHING
    at_once = await agreed(bank, ann, ben)
    assert (await says(bank, ben, at_once, 0)).state == "free", "only the helper could lose by it"


async def test_nothing_is_said_before_it_began(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    reference = await agreed(bank, ann, ben)
    assert codes(await says(bank, ann, reference, 60, now=bank.now)) == {"too_early"}


async def test_nobody_else_comes_between(bank: Bank, other_bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    reference = await agreed(bank, ann, ben)
    for stranger in (bank.participant, bank.coordinator, other_bank.participant):
        for act in (yes, suggests, closes):
            with pytest.raises(LookupError):
                await act(bank, stranger, reference)
        with pytest.raises(LookupError):
            await says(bank, stranger, reference, 60)


async def test_whoever_acts_for_somebody_gains_nothing(bank: Bank) -> None:
    ann, helper = await person(bank, "Ann", 300), bank.coordinator
    offer = await offers(bank, helper)
    acting = Actor(timebank_id=bank.id, member_id=helper.member_id, on_behalf_of=ann.member_id)
    assert codes(await asks(bank, acting, offer_id=offer)) == {"nobody_gains_for_another"}
    reference = await agreed(bank, ann, helper, offer_id=offer)
    assert codes(await says(bank, acting, reference, 60)) == {"nobody_gains_for_another"}
    other = Actor(timebank_id=bank.id, member_id=bank.coordinator_two.member_id, on_behalf_of=ann.member_id)
    assert (await says(bank, other, reference, 60)).state == "agreed"


async def test_off_without_a_safeguarding_lead(db: Database) -> None:
    from tests.people import make_bank

    bank = await make_bank(db, safeguarding_lead="")
    refused = await service.keep_offer(
        bank.db,
        bank.participant,
        service.Keep(offered=service.Offered(title="Walks", category="walks")),
        key=key(),
        now=bank.now,
    )
    assert codes(refused) == {"peer_support_off"}


async def test_staff_who_end_the_booking_end_the_ask(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    reference = await agreed(bank, ann, ben)
    await step(bank, "decline", (await ask_of(bank, reference)).booking)
    assert (await ask_of(bank, reference)).state == "cancelled"
    assert codes(await says(bank, ann, reference, 60)) == {"wrong_state"}
    await service.look_after(bank.db, bank.id, bank.now)
    assert (await ask_of(bank, reference)).state == "cancelled"
