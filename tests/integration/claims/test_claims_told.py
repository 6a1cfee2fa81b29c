"""Members hear what becomes of the money for their costs: each step once, in words without details in the subject."""

from datetime import timedelta

from tests.integration.claims.claiming import TODAY, bus, call, decided, given, photo, sent
from tests.integration.payments.helpers import run
from tests.integration.payments.helpers import settle as outcome
from tests.people import NOW, Bank
from timebank.claims import service
from timebank.claims.service import AccessNow, AddReceipt, Settle, tell_due
from timebank.payments import service as payments
from timebank.payments.telling import NEWS_FOR


async def told(bank: Bank) -> list[tuple[str, str]]:
    """What the participant was told of their money, oldest first, and where it leads."""
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch(
            """
            select subject, body, path from message
             where timebank_id = $1 and member_id = $2 and dedupe like '%:money:%' order by id
            """,
            bank.id,
            bank.participant.member_id,
        )
    return [(row["subject"], f"{row['body']}\n{row['path']}") for row in rows]


async def leave(bank: Bank, reference: str) -> None:
    """Approve one payment and let it leave."""
    done = await payments.approve(bank.db, bank.finance, payments.Approve(reference=reference), **call())
    assert isinstance(done, payments.Changed), done
    await run(bank)


async def test_each_step_is_told_once(bank: Bank) -> None:
    reference = await sent(bank, bus(), bus(380, day=TODAY - timedelta(days=1)))
    payment = (await decided(bank, reference)).payment
    assert await tell_due(bank.db, bank.id, NOW) == 0
    await leave(bank, payment)
    assert await tell_due(bank.db, bank.id, NOW) == 1
    assert await tell_due(bank.db, bank.id, NOW) == 0
    await outcome(bank, payment, "paid")
    await tell_due(bank.db, bank.id, NOW)
    await outcome(bank, payment, "returned", reason="Account closed")
    await tell_due(bank.db, bank.id, NOW)
    await tell_due(bank.db, bank.id, NOW)
    leaving, paid, back = await told(bank)
    assert [one[0] for one in (leaving, paid, back)] == [
        "Money is on its way", "We have made a payment", "A payment came back",
    ]  # fmt: skip
    assert "£8.00 is on its way to you." in leaving[1]
    assert "For costs from 9 March 2026 to 10 March 2026." in leaving[1]
    assert leaving[1].endswith(f"/me/claims/{reference}")
    assert "We paid you £8.00." in paid[1]
    assert "The bank could not pay you £8.00." in back[1]
    assert "The reason: Account closed" in back[1]


async def test_what_finance_stops_is_told(bank: Bank) -> None:
    payment = (await decided(bank, await sent(bank))).payment
    command = payments.Cancel(reference=payment, reason="Paid by the council")
    await payments.cancel(bank.db, bank.finance, command, **call())
    await tell_due(bank.db, bank.id, NOW)
    [(subject, body)] = await told(bank)
    assert subject == "A payment was stopped"
    assert "You will not get £4.20." in body
    assert "The reason: Paid by the council" in body


async def test_what_an_advance_did_not_cover_is_told_and_old_steps_are_not(bank: Bank) -> None:
    gift = await given(bank, 2000)
    shown = await photo(bank, bank.participant.member_id or 0)
    receipt = AddReceipt(reference=gift.reference, what="Taxi", pence=2500, receipt_id=shown)
    assert isinstance(await service.add_receipt(bank.db, bank.coordinator, receipt, **call()), AccessNow)
    settle = Settle(reference=gift.reference, returned_pence=0)
    done = await service.settle(bank.db, bank.coordinator_two, settle, **call())
    assert isinstance(done, AccessNow), done
    await leave(bank, done.payment)
    assert await tell_due(bank.db, bank.id, NOW + NEWS_FOR) == 0, "that was long ago"
    assert await tell_due(bank.db, bank.id, NOW) == 1
    [(_, body)] = await told(bank)
    assert "£5.00 is on its way to you." in body
