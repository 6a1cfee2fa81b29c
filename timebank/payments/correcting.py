"""A payable that turns out smaller: for redemptions, inside their transaction and around their one ledger call."""

from datetime import date, datetime
from typing import cast
from uuid import UUID

import msgspec

from ledger import Post, Reverse
from timebank.db import Connection
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.payments import entries, queries, rules
from timebank.payments.rules import NewPayable
from timebank.payments.service import move, owed_back_already

CHANGE = """
update payable
   set pence = $3, entry_id = $4, approved_by = null, approved_digest = null,
       part_pence = case when part_pence < $3 then part_pence end, tax_pence = least(tax_pence, $3),
       submitted_by = case when state = 'draft' then submitted_by else $5 end
 where timebank_id = $1 and id = $2
"""


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """The two ledger items of a smaller debt: the first one is taken back, the new one made."""

    reverse: Reverse
    post: Post


async def correction(
    connection: Connection,
    actor: Actor,
    source_kind: str,
    source_id: int,
    *,
    pence: int,
    key: str,
    effective_on: date,
) -> Correction | Refusal | None:
    """The ledger items after which a source owes ``pence`` (minor units, more than 0); locks the payable.

    None when it owes that already. Refusals: ``nothing_is_owed``, ``credited_before``, ``payment_already_exported``,
    ``more_than_owed``.
    After posting both, call :func:`record_corrected`.
    """
    payable = await queries.by_source(connection, actor.timebank_id, source_kind, source_id, lock=True)
    if payable is None or payable.state == rules.CANCELLED:
        return Refusal("nothing_is_owed", "No supplier is owed anything for this.", "supplier_pence")
    if payable.pence == pence:
        return None
    if refusal := await owed_back_already(connection, actor.timebank_id, payable):
        return refusal
    if rules.has_left(payable) or payable.state not in rules.BEFORE_EXPORT:
        return rules.refuse_cancelling_for_source(payable)
    if not 0 < pence < payable.pence:
        return Refusal("more_than_owed", "Enter less than what is owed now.", "supplier_pence")
    new = NewPayable(
        kind=cast("rules.Kind", payable.kind),
        payee_id=payable.payee_id,
        pence=pence,
        currency=payable.currency,
        description=payable.description,
        source_kind=cast("rules.SourceKind", source_kind),
        source_id=source_id,
        earned_on=payable.earned_on,
        due_on=payable.due_on,
    )
    return Correction(
        reverse=entries.cancelling_entry(payable, key=f"{key}:1", actor=actor, effective_on=effective_on),
        post=entries.expense_entry(new, key=f"{key}:2", actor=actor, effective_on=effective_on),
    )


async def record_corrected(
    connection: Connection,
    actor: Actor,
    source_kind: str,
    source_id: int,
    *,
    pence: int,
    entry_id: UUID,
    reason: str,
    now: datetime,
) -> None:
    """Write down that a :class:`Correction` was posted, its new debt as ``entry_id``. It waits for approval again.

    Raises:
        UnknownPayment: the source has no payable.
    """
    payable = await queries.by_source(connection, actor.timebank_id, source_kind, source_id, lock=True)
    if payable is None:
        raise rules.UnknownPayment(f"{source_kind}/{source_id}")
    await connection.execute(CHANGE, actor.timebank_id, payable.id, pence, entry_id, actor.member_id)
    state = rules.DRAFT if payable.state == rules.DRAFT else rules.SUBMITTED
    await move(connection, actor, payable, state, now, reason=reason[: rules.MAX_REASON], entry_id=entry_id)
