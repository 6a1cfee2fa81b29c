"""A supplier's statement says by when each payment is due, where it is, and what keeps it."""

from datetime import timedelta

from tests.integration.payments.helpers import add_payee, approved, owe
from tests.people import NOW, Bank
from timebank.redemptions.suppliers_statement import as_csv, statement


async def test_each_line_says_by_when_and_what_keeps_it(bank: Bank) -> None:
    cafe = await add_payee(bank.db, bank.finance)
    voucher = await approved(bank, cafe)
    training = await owe(bank.db, bank.coordinator, cafe, kind="training")
    due = NOW.date() + timedelta(days=30)
    async with bank.db.reading(bank.id) as connection:
        month = NOW.date().replace(day=1)
        [unknown] = [
            line
            for line in (await statement(connection, bank.id, cafe, month, on=due)).lines
            if line.reference == voucher
        ]
    assert unknown.note == "We do not know your bank account yet."
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update payee set pay_by = 'cash' where timebank_id = $1 and id = $2", bank.id, cafe)
        in_time = await statement(connection, bank.id, cafe, month, on=due)
        late = await statement(connection, bank.id, cafe, month, on=due + timedelta(days=1))
    found = {line.reference: line for line in in_time.lines}
    assert (found[voucher].state, found[voucher].due_on, found[voucher].note) == ("To be paid", due, "")
    assert found[training].note == "We need your invoice first."
    notes = {line.reference: line.note for line in late.lines}
    assert notes[voucher] == "It is late, and we are sorry. It waits for the next payments."
    assert ",It is late" not in as_csv(in_time, "GBP")
    assert f"{due.isoformat()}," in as_csv(late, "GBP")
