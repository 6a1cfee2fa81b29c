"""What the bank's statements say for and against closing a month."""

from collections.abc import Sequence
from datetime import date, timedelta

from timebank.db import Connection
from timebank.kit.money import in_words
from timebank.payments.months import Check
from timebank.payments.periods import next_month
from timebank.reconciliation.standing import position

SENT_BY = """
select exists (select from payment_batch b
                where b.timebank_id = $1 and b.processing_on < $2
                  and not exists (select from payment_batch_void v
                                   where v.timebank_id = b.timebank_id and v.batch_number = b.number))
"""


async def look(connection: Connection, timebank_id: int, month: date, currency: str) -> Sequence[Check]:
    """Are statements imported up to the end of the month, and does the ledger's bank account agree with them?

    Where nothing was sent to a bank by then and no statement was ever imported, there is nothing to import.
    """
    before = next_month(month)
    stands = await position(connection, timebank_id, currency)
    needed = stands.last_on is not None or await connection.fetchval(SENT_BY, timebank_id, before)
    last_day = before - timedelta(days=1)
    reaches = not needed or (stands.last_on is not None and stands.last_on >= last_day)
    so_far = f"the last one ends on {stands.last_on.day} {stands.last_on:%B %Y}" if stands.last_on else "none so far"
    apart = []
    if stands.difference_pence:
        accounts, lines = in_words(stands.bank_pence, currency), in_words(stands.lines_pence, currency)
        apart.append(f"accounts {accounts}, statements {lines}")
    if stands.by_hand_pence:
        apart.append(f"{in_words(abs(stands.by_hand_pence), currency)} marked by hand, on no statement yet")
    return [
        Check(
            code="statements",
            text="Bank statements are imported up to the month’s end",
            is_good=reaches,
            found="" if reaches else so_far,
        ),
        Check(
            code="bank_agrees",
            text="The bank in the accounts agrees with the statements",
            is_good=not apart,
            found="; ".join(apart),
        ),
    ]
