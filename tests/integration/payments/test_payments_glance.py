"""The sums at the head of finance's first page, and where each payment that is due stands."""

from datetime import timedelta

from tests.integration.payments.helpers import TODAY, add_payee, approved, owe, run, settle
from tests.people import Bank
from timebank.payments.glance import MAX_DUE, SOON_DAYS, glance


async def test_late_soon_waiting_and_failed_are_counted_once_each(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    refused = await approved(bank, payee, pence=900, due_on=TODAY + timedelta(days=SOON_DAYS + 30))
    paid = await approved(bank, payee, pence=800, due_on=TODAY)
    await run(bank)
    # Both left in one payment, and the bank refused it.
    await settle(bank, paid, "rejected", reason="Account closed")
    late = await owe(bank.db, bank.coordinator, payee, pence=700, due_on=TODAY - timedelta(days=1))
    edge = await approved(bank, payee, pence=600, due_on=TODAY + timedelta(days=SOON_DAYS))
    await owe(bank.db, bank.coordinator, payee, pence=500, due_on=TODAY + timedelta(days=SOON_DAYS + 1))
    async with bank.db.reading(bank.id) as connection:
        seen = await glance(connection, bank.id, TODAY)
    assert (seen.waiting.payables, seen.waiting.pence) == (2, {"GBP": 1200})
    assert (seen.failed.payables, seen.failed.pence) == (2, {"GBP": 1700})
    assert (seen.late.payables, seen.late.pence) == (1, {"GBP": 700})
    assert (seen.soon.payables, seen.soon.pence) == (2, {"GBP": 1400})
    assert [one.reference for one in seen.due] == [late, paid, edge]
    assert refused not in {one.reference for one in seen.due}


async def test_what_is_on_its_way_is_not_due_and_the_list_ends(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    for _ in range(2):
        await approved(bank, payee, due_on=TODAY)
    await run(bank)
    for _ in range(MAX_DUE + 1):
        await owe(bank.db, bank.coordinator, payee, pence=100, due_on=TODAY)
    async with bank.db.reading(bank.id) as connection:
        seen = await glance(connection, bank.id, TODAY)
    assert seen.soon.payables == MAX_DUE + 1
    assert len(seen.due) == MAX_DUE
