"""Which column of a statement is which, told by its headings. Pure."""

import re
from collections.abc import Sequence

from timebank.kit.csv import Row
from timebank.reconciliation.formats.model import Columns

NAMES = ("date", "amount", "paid_out", "paid_in", "direction", "text", "reference", "party", "balance")
LABELS = {
    "date": "Date",
    "amount": "Amount, in one column",
    "paid_out": "Paid out",
    "paid_in": "Paid in",
    "direction": "Debit or credit",
    "text": "Description",
    "reference": "Reference",
    "party": "Who was paid, or who paid",
    "balance": "Balance",
}
"""What a page calls each of them."""

_WORDS: dict[str, tuple[str, ...]] = {
    "date": ("date", "transaction date", "posting date", "posted date", "booking date", "entry date", "booked on",
             "date posted", "buchungstag", "datum", "completed date", "transaction date utc"),
    "amount": ("amount", "transaction amount", "value", "amount gbp", "amount eur", "net amount", "betrag"),
    "paid_out": ("paid out", "money out", "debit", "debits", "debit amount", "withdrawal", "withdrawals",
                 "payments", "out", "money out gbp", "paid out gbp", "debit gbp"),
    "paid_in": ("paid in", "money in", "credit", "credits", "credit amount", "deposit", "deposits", "receipts", "in",
                "money in gbp", "paid in gbp", "credit gbp"),
    "direction": ("debit credit", "dr cr", "cr dr", "credit debit", "direction", "d c", "debit or credit",
                  "credit debit indicator"),
    "text": ("description", "transaction description", "details", "narrative", "memo", "transaction details",
             "particulars", "verwendungszweck", "transaction", "narrative 1", "description 1", "text"),
    "reference": ("reference", "ref", "payment reference", "your reference", "customer reference", "end to end id",
                  "endtoendid", "bank reference", "transaction reference", "notes"),
    "party": ("name", "payee", "counterparty", "counter party", "party", "payer or payee", "counterparty name",
              "merchant"),
    "balance": ("balance", "running balance", "account balance", "closing balance", "saldo", "balance gbp"),
}  # fmt: skip
_PREAMBLE_ROWS = 20


def heading_row(rows: Sequence[Row]) -> Row | None:
    """The row of names: banks write an account and dates above it. None when no row looks like one."""
    for row in rows[:_PREAMBLE_ROWS]:
        found = guess(row.cells)
        if found.date is not None and (found.amount, found.paid_out, found.paid_in) != (None, None, None):
            return row
    return None


def guess(headings: Sequence[str]) -> Columns:
    """What the headings say. Where two columns could be the same thing, neither is taken."""
    found: dict[str, int | None] = {}
    plain = [_plain(heading) for heading in headings]
    for name in NAMES:
        for word in _WORDS[name]:
            places = [place for place, heading in enumerate(plain) if heading == word]
            if places:
                found[name] = places[0] if len(places) == 1 else None
                break
    if found.get("amount") is not None and found.get("paid_out") is not None and found.get("paid_in") is not None:
        found["amount"] = None  # "Amount" beside both sides is one of them again
    return Columns(**found)


def _plain(heading: str) -> str:
    return re.sub(r"[\W_]+", " ", heading.lower().replace("£", " gbp ")).strip()
