"""Cash against a signature, for payees without a bank account; less what they owe us, as in a payment run."""

from datetime import date, datetime

import msgspec

from ledger import open_account
from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.money import in_words
from timebank.kit.names import tidy
from timebank.kit.refusal import Refusal
from timebank.payees.rules import IN_CASH
from timebank.payments import credit_queries, entries, rules
from timebank.payments import credits as owed_back
from timebank.payments.credit_queries import CreditLeft
from timebank.payments.periods import check_open
from timebank.payments.rules import PayableFacts
from timebank.payments.service import Changed, abandon_if, add_settled, locked, post

MAX_RECEIPT_NUMBER = 35
MAX_NAME = 140

NEXT = "select coalesce(max(n), 0) + 1 from cash_payment where timebank_id = $1 and payable_id = $2"
INSERT = """
insert into cash_payment (timebank_id, payable_id, n, pence, credited_pence, receipt_number, handed_by, signed_by,
                          paid_on, recorded_by, recorded_at, entry_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (timebank_id, receipt_number) do nothing returning n
"""
OF_PAYABLE = """
select c.n, c.pence, c.credited_pence, c.receipt_number, c.handed_by, c.signed_by, c.paid_on
  from cash_payment c where c.timebank_id = $1 and c.payable_id = $2 order by c.n
"""


class PayCash(msgspec.Struct, frozen=True, kw_only=True):
    """What is approved was handed over in cash, and the payee signed the receipt with this number.

    ``pence`` is the amount on the signed receipt, in minor units; None when it was not read there.
    """

    reference: str
    pence: int | None = None
    receipt_number: str
    handed_by: str
    signed_by: str
    on: date


class CashPaid(msgspec.Struct, frozen=True, kw_only=True):
    """One payment in cash: ``pence`` handed over, ``credited_pence`` kept back, in minor units."""

    n: int
    pence: int
    credited_pence: int
    receipt_number: str
    handed_by: str
    signed_by: str
    paid_on: date


class CashDue(msgspec.Struct, frozen=True, kw_only=True):
    """What is owed in cash on a day, and the credits that are kept back from it."""

    owed_pence: int
    credits: tuple[CreditLeft, ...]

    @property
    def credited_pence(self) -> int:
        """What is kept back, in minor units."""
        return min(self.owed_pence, self.owing_pence)

    @property
    def owing_pence(self) -> int:
        """What the payee owes us, in minor units."""
        return sum(credit.left_pence for credit in self.credits)

    @property
    def pence(self) -> int:
        """What is handed over, in minor units; 0 when the payee owes us as much."""
        return self.owed_pence - self.credited_pence


async def due(
    connection: Connection, timebank_id: int, payable: PayableFacts, on: date, *, lock: bool = False
) -> CashDue:
    """What is to be handed over for a payable on a day; ``lock`` keeps the credits until the transaction ends."""
    left = await credit_queries.left_on(connection, timebank_id, payable.payee_id, on, lock=lock)
    return CashDue(owed_pence=payable.next_pence, credits=tuple(left))


async def pay_cash(db: Database, actor: Actor, command: PayCash, *, key: str, now: datetime) -> Changed | list[Refusal]:
    """Record cash against a signature, less what its payee owes us. Never by who approved it, nor by whom it pays.

    Refusals: those of :func:`check_cash` and :func:`check_due`, ``month_closed``, ``receipt_known``. Raises
    UnknownPayment.
    """
    receipt, handed_by, signed_by = tidy(command.receipt_number), tidy(command.handed_by), tidy(command.signed_by)

    async def work(connection: Connection) -> Changed:
        timebank_id = actor.timebank_id
        payable = await locked(connection, actor, command.reference)
        bank = await banks.by_id(connection, timebank_id)
        abandon_if(
            check_cash(
                actor,
                payable,
                receipt=receipt,
                handed_by=handed_by,
                signed_by=signed_by,
                on=command.on,
                today=today(now, bank.time_zone),
            )
        )
        abandon_if(await check_open(connection, timebank_id, command.on, "on"))
        owed = await due(connection, timebank_id, payable, command.on, lock=True)
        abandon_if(check_due(payable, owed, command.pence))
        await open_account(
            connection, timebank_id, code=entries.CASH, unit=payable.currency, account_class="system", name="Cash",
            floor=None,
        )  # fmt: skip
        n: int = await connection.fetchval(NEXT, timebank_id, payable.id)
        item = entries.cash_entry(
            payable,
            owed.pence,
            owed.credited_pence,
            key=f"cash_paid:{payable.id}:{n}",
            actor=actor,
            effective_on=command.on,
        )
        [entry_id] = await post(connection, actor, [item])
        signed = (receipt, handed_by, signed_by, command.on, actor.member_id, now, entry_id)
        row = (payable.id, n, owed.pence, owed.credited_pence, *signed)
        if await connection.fetchval(INSERT, timebank_id, *row) is None:
            text = "This receipt number is used already. Look at the number on the slip again."
            raise Rollback([Refusal("receipt_known", text, "receipt_number")])
        for credit_id, pence in owed_back.spread(owed.credits, owed.credited_pence):
            await owed_back.use_credit(
                connection, actor, credit_id, "cash", pence, payable_id=payable.id, cash_n=n, on=command.on,
                entry_id=entry_id, now=now,
            )  # fmt: skip
        reason = f"In cash, receipt {receipt}, signed by {signed_by}."
        return await add_settled(
            connection, actor, payable, owed.owed_pence, on=command.on, reason=reason, entry_id=entry_id, now=now
        )

    return await once(db, actor, "pay_cash", key, command, Changed, work)


def check_cash(
    actor: Actor, payable: PayableFacts, *, receipt: str, handed_by: str, signed_by: str, on: date, today: date
) -> list[Refusal]:
    """May this be paid in cash, as recorded by this person?

    Refusals: ``not_finance``, ``not_in_cash``, ``approval_void``, ``own_approval``, ``pays_yourself``,
    ``receipt_missing``, ``handed_by_missing``, ``signed_by_missing``, ``too_long``, ``date_in_future``,
    ``date_too_early``.
    """
    refusals = rules.check_finance(actor)
    if payable.pay_by != IN_CASH:
        text = f"{payable.payee_name} is paid through the bank. Change how they are paid first."
        return [*refusals, Refusal("not_in_cash", text)]
    if not rules.is_approval_good(payable):
        text = "Only what is approved, and did not change since then, can be paid. Have it approved first."
        return [*refusals, Refusal("approval_void", text)]
    if actor.member_id == payable.approved_by:
        text = "You approved this payment, so someone else in finance records the cash."
        refusals.append(Refusal("own_approval", text))
    if actor.member_id is not None and actor.member_id == payable.payee_member_id:
        refusals.append(Refusal("pays_yourself", "This payment goes to you, so someone else records the cash."))
    fields = (
        ("receipt", "receipt_number", receipt, MAX_RECEIPT_NUMBER, "Enter the number of the receipt."),
        ("handed_by", "handed_by", handed_by, MAX_NAME, "Enter who handed the money over."),
        ("signed_by", "signed_by", signed_by, MAX_NAME, "Enter who signed for the money."),
    )
    for code, field, text, limit, missing in fields:
        if not text:
            refusals.append(Refusal(f"{code}_missing", missing, field))
        if len(text) > limit:
            refusals.append(Refusal("too_long", f"Shorten this to {limit} characters or fewer.", field))
    if on > today:
        refusals.append(Refusal("date_in_future", "Enter a date that is today or earlier.", "on"))
    elif on < payable.earned_on:
        text = f"Enter a date on or after {payable.earned_on.day} {payable.earned_on:%B %Y}, when it was earned."
        refusals.append(Refusal("date_too_early", text, "on"))
    return refusals


def check_due(payable: PayableFacts, owed: CashDue, pence: int | None) -> list[Refusal]:
    """Is this what had to be handed over? Refusals: ``credit_covers``, ``amount_differs``."""
    owing = in_words(owed.owing_pence, payable.currency)
    if not owed.pence:
        text = f"{payable.payee_name} owes us {owing}, so nothing is handed over. Set the two off: no money moves."
        return [Refusal("credit_covers", text)]
    if pence not in (None, owed.pence):
        text = f"{in_words(owed.pence, payable.currency)} had to be handed over on that day"
        text += f", because {payable.payee_name} owes us {owing}." if owed.credited_pence else "."
        text += " Look at the slip and the day again. If they got more, ask for the rest back first."
        return [Refusal("amount_differs", text, "pence")]
    return []


async def of_payable(connection: Connection, timebank_id: int, payable_id: int) -> list[CashPaid]:
    """What was paid of one payable in cash, oldest first."""
    rows = await connection.fetch(OF_PAYABLE, timebank_id, payable_id)
    return [msgspec.convert(dict(row), CashPaid) for row in rows]
