"""What a person says a line in suspense is: with an account and a note; above a limit a second person agrees.

A line that is a payment of ours settles it. Everything else can be undone: the exact reversal, and the line is in
suspense again.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from ledger import Post, Reverse, open_account
from timebank.banks import queries as banks
from timebank.banks.rules import TimeBankFacts
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.ids import normalise_reference
from timebank.kit.names import tidy
from timebank.kit.refusal import Refusal
from timebank.payments import credits as owed_back
from timebank.payments import run_queries
from timebank.payments.credit_queries import CreditFacts
from timebank.payments.periods import open_day
from timebank.payments.rules import EXPORTED, PAID, PaymentFacts
from timebank.payments.service import abandon_if, post
from timebank.reconciliation import entries, queries, rules, suggesting
from timebank.reconciliation.booking import settle_by_person
from timebank.reconciliation.rules import ExplanationFacts, LineFacts, Owed

MAX_BATCH_NUMBER = 2**31 - 1
MAX_NAMED = 50
"""Payments that one line pays, named by a person."""

INSERT = """
insert into bank_explanation (timebank_id, line_id, kind, credit_id, note, state, proposed_by, proposed_at)
values ($1, $2, $3, $4, $5, 'proposed', $6, $7) returning id
"""
AGREE = """
update bank_explanation set state = 'agreed', decided_by = $3, decided_at = $4, entry_id = $5
 where timebank_id = $1 and id = $2
"""
REFUSE = """
update bank_explanation set state = 'refused', decided_by = $3, decided_at = $4, why = $5
 where timebank_id = $1 and id = $2
"""
UNDO = """
update bank_explanation set state = 'undone', undone_by = $3, undone_at = $4, why = $5, undo_entry_id = $6
 where timebank_id = $1 and id = $2
"""
SET_LINE = "update bank_line set state = $3, settled_at = $4 where timebank_id = $1 and id = $2"


class Explain(msgspec.Struct, frozen=True, kw_only=True):
    """What a line in suspense is (``rules.Kind``), and how one knows.

    ``payment`` is the end-to-end id of a payment of ours, for the kinds payment and returned (for payment also several,
    with spaces or commas between); ``run`` the number of a payment run; ``credit_id`` the credit that was repaid.
    """

    line_id: int
    kind: str
    note: str = ""
    payment: str = ""
    run: int | None = None
    credit_id: int | None = None


class Decide(msgspec.Struct, frozen=True, kw_only=True):
    """Agree with what somebody else said of a line, or refuse it and say why."""

    line_id: int
    agree: bool
    why: str = ""


class Undo(msgspec.Struct, frozen=True, kw_only=True):
    """Put an explained line back into suspense."""

    line_id: int
    why: str


class LineChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A line and the state it is in now. ``waits``: a second person has to agree first."""

    line_id: int
    state: str
    waits: bool = False


async def explain(
    db: Database, actor: Actor, command: Explain, *, key: str, now: datetime
) -> LineChanged | list[Refusal]:
    """Say what a line is. Small amounts count at once, larger ones when a second person has agreed.

    Refusals: those of ``rules.check_explain``; ``proposed_already``; for a payment of ours ``unknown_payment``,
    ``other_amount``, ``wrong_state``. Raises LookupError for an unknown line.
    """
    note = command.note.strip()

    async def work(connection: Connection) -> LineChanged:
        line = await _locked(connection, actor, command.line_id)
        if await queries.standing_explanation(connection, actor.timebank_id, line.id) is not None:
            text = "Somebody has said what this line is. A second person agrees or refuses first."
            raise Rollback([Refusal("proposed_already", text)])
        if command.kind in rules.OWN_KINDS:
            return await _is_ours(connection, actor, line, command, note, now)
        credit = (
            await suggesting.credit(connection, actor.timebank_id, command.credit_id)
            if command.kind == rules.CREDIT_REPAID and command.credit_id is not None
            else None
        )
        owed = await _owed(connection, actor, line, credit)
        abandon_if(rules.check_explain(actor, line, kind=command.kind, note=note, credit=owed))
        row = line.id, command.kind, credit.id if credit else None, note, actor.member_id, now
        explanation_id = await connection.fetchval(INSERT, actor.timebank_id, *row)
        if rules.needs_second(line.pence, command.kind):
            return LineChanged(line_id=line.id, state=line.state, waits=True)
        explanation = await queries.standing_explanation(connection, actor.timebank_id, line.id)
        assert explanation is not None
        assert explanation.id == explanation_id
        return await _agreed(connection, actor, line, explanation, None, now)

    return await once(db, actor, "explain_line", key, command, LineChanged, work)


async def decide(
    db: Database, actor: Actor, command: Decide, *, key: str, now: datetime
) -> LineChanged | list[Refusal]:
    """Agree with, or refuse, what somebody else said of a line.

    Refusals: those of ``rules.check_decide``, ``reason_missing`` without words for a no. Raises LookupError.
    """
    why = command.why.strip()

    async def work(connection: Connection) -> LineChanged:
        line = await _locked(connection, actor, command.line_id)
        explanation = await _standing(connection, actor, line)
        abandon_if(rules.check_decide(actor, explanation))
        if command.agree:
            return await _agreed(connection, actor, line, explanation, actor.member_id, now)
        if not why:
            raise Rollback([Refusal("reason_missing", "Say why it is not so.", "why")])
        abandon_if(rules.check_note(why))
        await connection.execute(REFUSE, actor.timebank_id, explanation.id, actor.member_id, now, why)
        return LineChanged(line_id=line.id, state=line.state)

    return await once(db, actor, "decide_line", key, command, LineChanged, work)


async def undo(db: Database, actor: Actor, command: Undo, *, key: str, now: datetime) -> LineChanged | list[Refusal]:
    """Undo an explanation: its entry is reversed, and the line is in suspense again.

    Refusals: those of ``rules.check_undo``. Raises LookupError.
    """
    why = command.why.strip()

    async def work(connection: Connection) -> LineChanged:
        line = await _locked(connection, actor, command.line_id)
        explanation = await _standing(connection, actor, line)
        abandon_if(rules.check_undo(actor, explanation, why=why))
        day = await open_day(connection, actor.timebank_id, line.booked_on)
        [entry_id] = await post(connection, actor, [entries.undoing_entry(explanation, actor=actor, effective_on=day)])
        await connection.execute(UNDO, actor.timebank_id, explanation.id, actor.member_id, now, why, entry_id)
        await connection.execute(SET_LINE, actor.timebank_id, line.id, rules.IN_SUSPENSE, now)
        return LineChanged(line_id=line.id, state=rules.IN_SUSPENSE)

    return await once(db, actor, "undo_line", key, command, LineChanged, work)


async def _agreed(
    connection: Connection,
    actor: Actor,
    line: LineFacts,
    explanation: ExplanationFacts,
    decided_by: int | None,
    now: datetime,
) -> LineChanged:
    bank = await banks.by_id(connection, actor.timebank_id)
    day = await open_day(connection, actor.timebank_id, line.booked_on)
    if explanation.kind == rules.CREDIT_REPAID:
        entry_id = await _repaid(connection, actor, line, explanation, day, now)
    else:
        code, name = rules.ACCOUNTS[explanation.kind]
        await open_account(
            connection, bank.id, code=code, unit=bank.currency, account_class="system", name=name, floor=None
        )
        item = entries.explaining_entry(
            line, explanation.id, explanation.kind, currency=bank.currency, actor=actor, effective_on=day
        )
        [entry_id] = await post(connection, actor, [item])
    await connection.execute(AGREE, bank.id, explanation.id, decided_by, now, entry_id)
    await connection.execute(SET_LINE, bank.id, line.id, rules.EXPLAINED, now)
    return LineChanged(line_id=line.id, state=rules.EXPLAINED)


async def _repaid(
    connection: Connection, actor: Actor, line: LineFacts, explanation: ExplanationFacts, day: date, now: datetime
) -> UUID:
    """A payee repaid a credit: it is out of suspense, and in the bank by the credit's own entry. Returns that entry."""
    assert explanation.credit_id is not None
    credit = await suggesting.credit(connection, actor.timebank_id, explanation.credit_id)
    owed = await _owed(connection, actor, line, credit)
    abandon_if(rules.check_explain(actor, line, kind=explanation.kind, note=explanation.note, credit=owed))
    assert credit is not None
    by_hand = await suggesting.repaid_by_hand(connection, actor.timebank_id, credit.id, line.pence)
    if by_hand is not None:
        # Marked by hand before the statement came: the line says the same again.
        await post(connection, actor, [entries.out_of_suspense(line, actor=actor, effective_on=day)])
        return by_hand
    n = await owed_back.next_use(connection, actor.timebank_id, credit.id)
    items: list[Post | Reverse] = [
        entries.out_of_suspense(line, actor=actor, effective_on=day),
        owed_back.repaid_item(credit, n, line.pence, actor=actor, effective_on=day),
    ]
    entry_id = (await post(connection, actor, items))[1]
    await owed_back.record_repaid(
        connection,
        actor,
        credit,
        line.pence,
        on=line.booked_on,
        note=explanation.note,
        entry_id=entry_id,
        now=now,
    )
    return entry_id


async def _owed(connection: Connection, actor: Actor, line: LineFacts, credit: CreditFacts | None) -> Owed | None:
    """What a locked credit has left for this line; what was marked by hand for it counts as left."""
    if credit is None or credit.state != "open":
        return None
    by_hand = await suggesting.repaid_by_hand(connection, actor.timebank_id, credit.id, line.pence)
    return Owed(credit.left_pence if by_hand is None else line.pence, credit.currency)


async def _is_ours(
    connection: Connection, actor: Actor, line: LineFacts, command: Explain, note: str, now: datetime
) -> LineChanged:
    """A person says that a line is a payment of ours, or a payment run: it is settled as if it had matched."""
    abandon_if([*rules.check_finance(actor), *rules.check_note(note)])
    if line.state != rules.IN_SUSPENSE:
        raise Rollback([Refusal("not_in_suspense", "This line is explained already.")])
    bank = await banks.by_id(connection, actor.timebank_id)
    found = await _payments(connection, bank, command)
    outcome = {rules.PAYMENT: "paid", rules.RETURNED_PAYMENT: "returned", rules.RUN: "run"}[command.kind]
    abandon_if(_check_ours(line, found, command.kind))
    await settle_by_person(connection, actor, bank, line, found, outcome, now)
    row = line.id, command.kind, None, note or "Same amount, and the days fit.", actor.member_id, now
    explanation_id = await connection.fetchval(INSERT, bank.id, *row)
    await connection.execute(AGREE, bank.id, explanation_id, None, now, None)
    return LineChanged(line_id=line.id, state=rules.MATCHED)


async def _payments(connection: Connection, bank: TimeBankFacts, command: Explain) -> Sequence[PaymentFacts]:
    if command.kind == rules.RUN:
        number = command.run or 0
        return await queries.on_their_way(connection, bank.id, number) if 0 < number <= MAX_BATCH_NUMBER else []
    # One id may be typed with a space in it; several have theirs between.
    whole = normalise_reference(tidy(command.payment))
    typed = [whole] if whole else command.payment.replace(",", " ").replace(";", " ").split()[:MAX_NAMED]
    found = []
    for reference in sorted({normalise_reference(each) or "" for each in typed}):
        payment = reference and await run_queries.payment_by_reference(connection, bank.id, reference, lock=True)
        if not payment:
            return []
        found.append(payment)
    return found


def _check_ours(line: LineFacts, found: Sequence[PaymentFacts], kind: str) -> list[Refusal]:
    field = "run" if kind == rules.RUN else "payment"
    if not found:
        text = "There is no such payment on its way. Check its reference, or the number of the run."
        return [Refusal("unknown_payment", text, field)]
    if kind == rules.RETURNED_PAYMENT and len(found) > 1:
        text = "Split the line first. Then each part is one payment that came back."
        return [Refusal("one_at_a_time", text, field)]
    needed = PAID if kind == rules.RETURNED_PAYMENT else EXPORTED
    if any(payment.state != needed for payment in found):
        what = "is not paid, so it cannot come back" if needed == PAID else "is not on its way"
        return [Refusal("wrong_state", f"Payment {found[0].reference} {what}. Choose another.", field)]
    goes_out = kind != rules.RETURNED_PAYMENT
    if (line.pence < 0) != goes_out or sum(payment.pence for payment in found) != abs(line.pence):
        text = (
            "That is another amount, so it cannot be this line. Choose another. Or split the line first, if it is that "
            "and something else."
        )
        return [Refusal("other_amount", text, field)]
    return []


async def _locked(connection: Connection, actor: Actor, line_id: int) -> LineFacts:
    line = await queries.line(connection, actor.timebank_id, line_id, lock=True)
    if line is None:
        raise LookupError(f"no line {line_id}")
    return line


async def _standing(connection: Connection, actor: Actor, line: LineFacts) -> ExplanationFacts:
    explanation = await queries.standing_explanation(connection, actor.timebank_id, line.id)
    if explanation is None:
        raise Rollback([Refusal("not_proposed", "Nobody has said what this line is.")])
    return explanation
