"""What a person is promised about money owed to them: where it is now, by when it is due, and why it is late."""

from collections.abc import Sequence
from datetime import date

import msgspec

from timebank.db import Connection
from timebank.kit.money import in_words
from timebank.kit.words import Words, mark, say
from timebank.payments import rules

OWED = """
select p.source_id, p.state, p.pence, p.currency, p.due_on, y.pay_by, p.settled_pence, p.settled_on, p.reason,
       b.processing_on, exists (select from bank_account a where a.timebank_id = p.timebank_id
                                   and a.payee_id = p.payee_id and a.state = 'in_use') as has_account
  from payable p
  join payee y on y.timebank_id = p.timebank_id and y.id = p.payee_id
  left join payment_batch b on b.timebank_id = p.timebank_id and b.number = p.batch_number
 where p.timebank_id = $1 and p.source_kind = $2 and p.source_id = any($3::bigint[])
"""


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """A payment as its promise sees it. ``processing_on`` is the day on which the bank takes it, where that is known;
    ``is_gift``: a charity gets it instead of the person.
    """

    state: str
    pence: int
    currency: str
    due_on: date | None
    pay_by: str | None
    has_account: bool
    settled_pence: int
    settled_on: date | None
    reason: str
    processing_on: date | None = None
    is_gift: bool = False


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """A word for where a payment is, with its colour; sentences; by when it is due, None once it is over; why it is
    late, or "". ``needs_account``: it cannot go out until the person says where to.
    """

    name: Words
    tag: str | None
    sentences: tuple[Words, ...]
    due_on: date | None
    late: Words | str
    needs_account: bool
    state: str


_NAMES = {
    rules.DRAFT: (mark("Not paid yet"), "wait"),
    rules.SUBMITTED: (mark("Not paid yet"), "wait"),
    rules.APPROVED: (mark("Not paid yet"), "wait"),
    rules.EXPORTED: (mark("On its way"), "info"),
    rules.PAID: (mark("Paid"), "good"),
    rules.REJECTED: (mark("It came back"), "stop"),
    rules.RETURNED: (mark("It came back"), "stop"),
    rules.CANCELLED: (mark("Stopped"), None),
}
_WHERE = {
    rules.DRAFT: mark("Finance checks it. Then we pay you."),
    rules.SUBMITTED: mark("Finance checks it. Then we pay you."),
    rules.APPROVED: mark("It goes out with the next payments."),
    rules.EXPORTED: mark("It is on its way to your bank."),
    rules.PAID: mark("We have paid it."),
    rules.REJECTED: mark("Your bank did not take it. We find out why."),
    rules.RETURNED: mark("It came back from your bank. We find out why."),
    rules.CANCELLED: mark("This will not be paid. Please ask us why."),
}
_WHERE_GIFT = {
    rules.DRAFT: mark("Finance checks it. Then we pay the charity."),
    rules.SUBMITTED: mark("Finance checks it. Then we pay the charity."),
    rules.EXPORTED: mark("It is on its way to the charity."),
    rules.REJECTED: mark("The bank did not take it. We find out why."),
    rules.RETURNED: mark("It came back from the bank. We find out why."),
}
_LATE = {
    rules.DRAFT: mark("It is late, and we are sorry. Nobody has checked it yet."),
    rules.SUBMITTED: mark("It is late, and we are sorry. Nobody has checked it yet."),
    rules.APPROVED: mark("It is late, and we are sorry. It waits for the next payments."),
    rules.EXPORTED: mark("It is late, and we are sorry. The bank has it."),
    rules.REJECTED: mark("It is late, and we are sorry. The bank did not take it."),
    rules.RETURNED: mark("It is late, and we are sorry. The bank sent it back."),
}


async def owed(
    connection: Connection, timebank_id: int, source_kind: str, source_ids: Sequence[int]
) -> dict[int, Owed]:
    """What these sources of one kind owe, by the id of the source; those that owe nothing are left out."""
    rows = await connection.fetch(OWED, timebank_id, source_kind, list(source_ids))
    return {row["source_id"]: msgspec.convert(dict(row), Owed) for row in rows}


def promise(payment: Owed, on: date) -> Promise:
    """What the person is promised about one payment, on a day."""
    state = payment.state
    is_over = state in (rules.PAID, rules.CANCELLED)
    # Once it left it has an account, and a charity's account is no concern of the person's.
    may_need = state in (*rules.BEFORE_EXPORT, rules.REJECTED, rules.RETURNED) and not payment.is_gift
    needs_account = may_need and payment.pay_by == "bank" and not payment.has_account
    late: Words | str = ""
    if not is_over and payment.due_on is not None and payment.due_on < on:
        late = say(_LATE.get(state, _LATE[rules.SUBMITTED]))
        if needs_account:
            late = say("It is late. We do not know where to pay it yet.")
    name, tag = _NAMES.get(state, _NAMES[rules.SUBMITTED])
    return Promise(
        name=say(name),
        tag=tag,
        sentences=tuple(_sentences(payment)),
        due_on=None if is_over else payment.due_on,
        late=late,
        needs_account=needs_account,
        state=state,
    )


def _sentences(payment: Owed) -> list[Words]:
    state = payment.state
    where = (_WHERE_GIFT.get(state) if payment.is_gift else None) or _WHERE.get(state, _WHERE[rules.SUBMITTED])
    sentences = [say(where)]
    if state == rules.PAID and payment.settled_on is not None:
        sentences = [say("We paid it on {day}.", day=payment.settled_on)]
    elif state == rules.EXPORTED and payment.processing_on is not None:
        sentences.append(say("It leaves our bank on {day}.", day=payment.processing_on))
    elif payment.pay_by == "cash" and state in rules.BEFORE_EXPORT and not payment.is_gift:
        sentences = [say("You get it in cash. We tell you when it is ready.")]
    if payment.settled_pence and state not in (rules.PAID, rules.CANCELLED):
        amount = in_words(payment.settled_pence, payment.currency)
        sentences.append(say("We have paid {amount} of it so far.", amount=amount))
    if payment.reason and state in (rules.REJECTED, rules.RETURNED, rules.CANCELLED):
        sentences.append(say("The reason: {reason}", reason=payment.reason))
    return sentences
