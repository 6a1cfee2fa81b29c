"""Credit notes: entered by one finance person, agreed by another, and only then owed back."""

from datetime import datetime

import msgspec

from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.names import tidy
from timebank.kit.refusal import Refusal
from timebank.payees import queries as payees
from timebank.payees.rules import credit_account
from timebank.payees.service import open_credit_account
from timebank.payments import entries, rules
from timebank.payments.credits import CREDIT_NOTE, CreditChanged, insert_credit, locked_credit
from timebank.payments.service import abandon_if, local_day, open_expense_account, post

NOTE_KNOWN = """
select reference from credit
 where timebank_id = $1 and payee_id = $2 and document_number = $3 and source = 'credit_note' and state <> 'refused'
"""
DECIDE = """
update credit set state = $3, decided_by = $4, decided_at = $5, entry_id = $6 where timebank_id = $1 and id = $2
"""


class ProposeCreditNote(msgspec.Struct, frozen=True, kw_only=True):
    """A payee's credit note, as finance has it on paper. ``kind`` is the cost that it makes smaller."""

    payee_id: int
    pence: int
    document_number: str
    reason: str
    kind: str = rules.OTHER


class DecideCreditNote(msgspec.Struct, frozen=True, kw_only=True):
    """Agree with a proposed credit note, or refuse it."""

    reference: str
    accept: bool


async def propose_note(
    db: Database, actor: Actor, command: ProposeCreditNote, *, key: str, now: datetime
) -> CreditChanged | list[Refusal]:
    """Enter a payee's credit note; a second finance person agrees with it before it counts.

    Refusals: ``not_finance``, ``payee_missing``, ``kind_unknown``, ``amount_out_of_range``, ``document_missing``,
    ``document_too_long``, ``reason_missing``, ``reason_too_long``, ``note_known``.
    """
    document, reason = tidy(command.document_number), command.reason.strip()

    async def work(connection: Connection) -> CreditChanged:
        abandon_if(rules.check_finance(actor))
        payee = await payees.payee(connection, actor.timebank_id, command.payee_id)
        refusals = [] if payee else [Refusal("payee_missing", "Choose who sent the credit note.", "payee_id")]
        abandon_if(refusals + check_note(command, document, reason))
        bank = await banks.by_id(connection, actor.timebank_id)
        known = await connection.fetchval(NOTE_KNOWN, actor.timebank_id, command.payee_id, document)
        if known is not None:
            text = f"This credit note was entered before: see credit {known}."
            raise Rollback([Refusal("note_known", text, "document_number")])
        reference = await insert_credit(
            connection,
            actor,
            payee_id=command.payee_id,
            source=CREDIT_NOTE,
            kind=command.kind,
            payable_id=None,
            pence=command.pence,
            currency=bank.currency,
            document_number=document,
            reason=reason,
            state="proposed",
            entry_id=None,
            now=now,
        )
        return CreditChanged(reference=reference, state="proposed", left_pence=command.pence)

    return await once(db, actor, "propose_credit_note", key, command, CreditChanged, work)


async def decide_note(
    db: Database, actor: Actor, command: DecideCreditNote, *, key: str, now: datetime
) -> CreditChanged | list[Refusal]:
    """Agree with a credit note, so that its payee owes it back; or refuse it. Never by who entered it.

    Refusals: ``not_finance``, ``already_decided``, ``own_proposal``. Raises UnknownCredit.
    """

    async def work(connection: Connection) -> CreditChanged:
        abandon_if(rules.check_finance(actor))
        credit = await locked_credit(connection, actor, command.reference)
        if credit.state != "proposed":
            raise Rollback([Refusal("already_decided", "Somebody has decided about this credit note already.")])
        if credit.proposed_by == actor.member_id:
            text = "You entered this credit note yourself. Ask someone else in finance to agree with it."
            raise Rollback([Refusal("own_proposal", text)])
        entry_id = None
        if command.accept:
            await open_credit_account(connection, actor.timebank_id, credit.payee_id)
            await open_expense_account(connection, actor.timebank_id, credit.kind)
            [entry_id] = await post(
                connection,
                actor,
                [
                    entries.transfer_entry(
                        credit_account(credit.payee_id),
                        entries.expense_account(credit.kind),
                        credit.pence,
                        credit.currency,
                        kind="credit_note",
                        key=f"credit_note:{credit.id}:1",
                        actor=actor,
                        effective_on=await local_day(connection, actor.timebank_id, now),
                        reference=credit.reference,
                    )
                ],
            )
        state = "open" if command.accept else "refused"
        await connection.execute(DECIDE, actor.timebank_id, credit.id, state, actor.member_id, now, entry_id)
        return CreditChanged(reference=credit.reference, state=state, left_pence=credit.left_pence)

    return await once(db, actor, "decide_credit_note", key, command, CreditChanged, work)


def check_note(command: ProposeCreditNote, document: str, reason: str) -> list[Refusal]:
    """May this stand on a credit note? ``document`` and ``reason`` without spaces around them.

    Refusals: ``kind_unknown``, ``amount_out_of_range``, ``document_missing``, ``document_too_long``,
    ``reason_missing``, ``reason_too_long``.
    """
    refusals = []
    if command.kind not in rules.KINDS:
        refusals.append(Refusal("kind_unknown", f"Choose one of: {', '.join(rules.KINDS)}.", "kind"))
    if not 0 < command.pence <= rules.MAX_PENCE:
        refusals.append(Refusal("amount_out_of_range", "Enter an amount above zero, up to a million pounds.", "pence"))
    if not document:
        text = "Enter the number that is on the credit note."
        refusals.append(Refusal("document_missing", text, "document_number"))
    if len(document) > rules.MAX_INVOICE_NUMBER:
        text = f"Shorten the number to {rules.MAX_INVOICE_NUMBER} characters or fewer."
        refusals.append(Refusal("document_too_long", text, "document_number"))
    if not reason:
        refusals.append(Refusal("reason_missing", "Say what the credit is for.", "reason"))
    return refusals + rules.check_reason_length(reason)
