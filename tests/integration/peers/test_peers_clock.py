"""What happens by itself: asks that nobody answered, silence, and what follows from a message that has not arrived."""

from datetime import timedelta

import pytest

from tests.integration.peers.helping import agreed, ask_of, asked, offers, person, says, settles
from tests.integration.redemptions.spending import hours, prove
from tests.people import Bank, make_bank
from timebank.db import Database
from timebank.messages.packing import pack
from timebank.peers import service
from timebank.redemptions.service import time_out_due


async def on_day(bank: Bank, days: int) -> None:
    """Messages go where they go, and the clock looks."""
    now = bank.now + timedelta(days=days)
    await pack(bank.db, bank.id, now)
    await time_out_due(bank.db, bank.id, now)
    await service.look_after(bank.db, bank.id, now)
    await pack(bank.db, bank.id, now)


async def bank_with(db: Database, rule: str) -> Bank:
    return await make_bank(db, peer_silence=rule)


async def test_nobody_answered(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    offer = await offers(bank, ben)
    soon, open_day = await asked(bank, ann, offer_id=offer), None
    cy = await person(bank, "Cy", 300)
    open_day = await asked(bank, cy, offer_id=offer, starts_at=None)
    await on_day(bank, 2)
    assert (await ask_of(bank, soon)).state == "lapsed", "its time has come"
    await on_day(bank, 14)
    assert (await ask_of(bank, open_day)).state == "asked"
    await on_day(bank, 15)
    assert (await ask_of(bank, open_day)).state == "lapsed"


# Whoever gets no messages counts from when it is on the page plus a week, as for a letter; then seven days more.
@pytest.mark.parametrize(
    ("rule", "receiver", "helper", "state", "moved"),
    [
        ("as_confirmed", None, 60, "done", 60),
        ("as_confirmed", 30, None, "done", 30),
        ("as_confirmed", None, 120, "done", 60),
        ("as_confirmed", None, None, "free", 0),
        ("as_confirmed", 0, None, "free", 0),
        ("as_agreed", None, None, "done", 60),
        ("as_agreed", None, 90, "settling", 0),
        ("ask", None, 60, "settling", 0),
    ],
)
async def test_silence_follows_the_rule(
    db: Database, owner_url: str, rule: str, receiver: int | None, helper: int | None, state: str, moved: int
) -> None:
    bank = await bank_with(db, rule)
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    reference = await agreed(bank, ann, ben)
    for who, minutes in ((ann, receiver), (ben, helper)):
        if minutes is not None:
            await says(bank, who, reference, minutes)
    for days in (2, 9):
        await on_day(bank, days)
        assert (await ask_of(bank, reference)).state == "agreed", "there is still time to answer"
    for _ in range(2):
        await on_day(bank, 24)
        assert (await ask_of(bank, reference)).state == state
    assert (await hours(bank, ben.member_id)).available == moved
    assert ((await hours(bank, ann.member_id)).set_aside > 0) == (state == "settling")
    assert await prove(owner_url, bank.id) == []


async def test_an_answer_in_time_counts(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    reference = await agreed(bank, ann, ben)
    await says(bank, ben, reference, 60)
    await on_day(bank, 5)
    assert (await says(bank, ann, reference, 60, now=bank.now + timedelta(days=6))).minutes == 60


async def test_what_nobody_settles_ends_too(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    reference = await agreed(bank, ann, ben)
    await says(bank, ann, reference, 30)
    await says(bank, ben, reference, 60)
    await on_day(bank, 130)
    assert (await ask_of(bank, reference)).state == "lapsed"
    assert (await hours(bank, ann.member_id)).set_aside == 0
    assert isinstance(await settles(bank, bank.coordinator, reference, 30, now=bank.now + timedelta(days=131)), list)
