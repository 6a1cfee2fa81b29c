"""What a supplier is owed and was paid, month by month: for their page, as CSV and on paper."""

from collections.abc import Sequence
from datetime import date

import msgspec

from timebank.db import Connection
from timebank.kit import csv, money
from timebank.kit.words import mark, say
from timebank.payments import credit_queries
from timebank.payments import queries as payments
from timebank.payments.credit_queries import OwedBack
from timebank.payments.promise import Owed, promise
from timebank.payments.queries import PayeeMonth
from timebank.payments.rules import CANCELLED, DRAFT, EXPORTED, PAID, REJECTED, RETURNED, PayableFacts

ON_ITS_WAY, PAID_WORDS, OWED, TAKEN_BACK = mark("On its way"), mark("Paid"), mark("To be paid"), mark("Cancelled")
CAME_BACK = mark("It came back")
OWED_TO_US, KEPT_BACK = mark("You owe us"), mark("We keep it back from your next payment.")
STATES = {PAID: PAID_WORDS, EXPORTED: ON_ITS_WAY, CANCELLED: TAKEN_BACK, REJECTED: CAME_BACK, RETURNED: CAME_BACK}


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """One payment as the supplier reads it."""

    day: date
    reference: str
    what: str
    pence: int
    state: str
    paid_on: date | None
    due_on: date | None
    """By when it is paid; None once it is, or never will be."""
    note: str
    """What keeps it: why it is late, or what we need from them; "" for nothing."""


class OwedToUs(msgspec.Struct, frozen=True, kw_only=True):
    """What the supplier owes us still, and what for; the next payment keeps it back."""

    day: date
    reference: str
    what: str
    pence: int


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One month (its first day), what they owe us today, and the months there are."""

    month: date
    lines: tuple[StatementLine, ...]
    months: tuple[PayeeMonth, ...]
    owed_to_us: tuple[OwedToUs, ...] = ()

    @property
    def owed_to_us_pence(self) -> int:
        """What they owe us today, of whatever month."""
        return sum(line.pence for line in self.owed_to_us)

    @property
    def total_pence(self) -> int:
        """What was earned in this month, without what was cancelled."""
        return sum(line.pence for line in self.lines if line.state != TAKEN_BACK)

    @property
    def paid_pence(self) -> int:
        """How much of it is paid."""
        return sum(line.pence for line in self.lines if line.state == PAID_WORDS)


def read_month(typed: str, *, default: date) -> date:
    """The first day of a month written like ``2026-03``; the month of ``default`` for anything else."""
    year, _, month = typed.partition("-")
    if len(typed) == 7 and (year + month).isascii() and (year + month).isdecimal():
        number = int(month)
        if 1 <= number <= 12 and 2000 <= int(year) <= 2999:
            return date(int(year), number, 1)
    return default.replace(day=1)


def next_month(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


async def statement(connection: Connection, timebank_id: int, payee_id: int, month: date, *, on: date) -> Statement:
    """What a supplier earned in the month that begins on ``month``, as it stands on the day ``on``."""
    found = await payments.of_payee(connection, timebank_id, payee_id, from_day=month, before=next_month(month))
    return Statement(
        month=month,
        lines=tuple(_line(payable, on) for payable in found),
        months=tuple(await payments.months_of_payee(connection, timebank_id, payee_id)),
        owed_to_us=tuple([_owed(one) for one in await credit_queries.owed_back(connection, timebank_id, payee_id)]),
    )


def as_csv(shown: Statement, currency: str) -> str:
    """The lines as CSV."""
    head: Sequence[str] = ("Day", "Reference", "What", "Amount", "Currency", "State", "Paid on", "Due by", "Note")
    rows = [
        (
            line.day.isoformat(),
            line.reference,
            line.what,
            csv.Plain(money.decimal(line.pence, currency)),
            currency,
            line.state,
            line.paid_on.isoformat() if line.paid_on else "",
            line.due_on.isoformat() if line.due_on else "",
            line.note,
        )
        for line in shown.lines
    ]
    rows += [
        (
            one.day.isoformat(),
            one.reference,
            one.what,
            csv.Plain(money.decimal(-one.pence, currency)),
            currency,
            OWED_TO_US,
            "",
            "",
            KEPT_BACK,
        )
        for one in shown.owed_to_us
    ]
    return csv.write([head, *rows])


def _owed(one: OwedBack) -> OwedToUs:
    """A credit as the supplier reads it."""
    what = one.description or say("Credit note {number}", number=one.document_number)
    return OwedToUs(day=one.since, reference=one.reference, what=what, pence=one.left_pence)


def _line(payable: PayableFacts, on: date) -> StatementLine:
    promised = promise(
        Owed(
            state=payable.state,
            pence=payable.pence,
            currency=payable.currency,
            due_on=payable.due_on,
            pay_by=payable.pay_by,
            has_account=payable.account_mark is not None,
            settled_pence=payable.settled_pence,
            settled_on=payable.settled_on,
            reason="",
        ),
        on,
    )
    note = promised.late
    if promised.needs_account:
        note = say("We do not know your bank account yet.")
    elif payable.state == DRAFT:
        note = say("We need your invoice first.")
    return StatementLine(
        day=payable.earned_on,
        reference=payable.reference,
        what=payable.description,
        pence=payable.pence,
        state=STATES.get(payable.state, OWED),
        paid_on=payable.settled_on if payable.state == PAID else None,
        due_on=promised.due_on,
        note=note,
    )
