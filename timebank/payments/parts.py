"""Paying only a part of a payable now. The rest stays owed, and needs an approval of its own."""

from datetime import datetime

import msgspec

from timebank.db import Connection, Database, once
from timebank.kit.actor import Actor
from timebank.kit.money import in_words
from timebank.kit.refusal import Refusal
from timebank.payments import rules
from timebank.payments.rules import PayableFacts
from timebank.payments.service import Changed, abandon_if, locked, move

SET = """
update payable
   set part_pence = $3, approved_by = null, approved_digest = null,
       submitted_by = case when state = 'draft' then submitted_by else $4 end
 where timebank_id = $1 and id = $2
"""


class SetPart(msgspec.Struct, frozen=True, kw_only=True):
    """Let the next payment run take ``pence`` (minor units) of a payable; None for all that is left."""

    reference: str
    pence: int | None


async def set_part(db: Database, actor: Actor, command: SetPart, *, key: str, now: datetime) -> Changed | list[Refusal]:
    """Say how much of a payable the next payment run takes. The actor stands behind it, so another one approves it.

    Refusals: those of :func:`check_part`. Raises UnknownPayment for an unknown reference.
    """

    async def work(connection: Connection) -> Changed:
        payable = await locked(connection, actor, command.reference)
        abandon_if(check_part(actor, payable, command.pence))
        part = None if command.pence == payable.left_pence else command.pence
        await connection.execute(SET, actor.timebank_id, payable.id, part, actor.member_id)
        amount = in_words(part or payable.left_pence, payable.currency)
        reason = f"Pay {amount} of it now." if part else f"Pay all that is left: {amount}."
        return await move(connection, actor, payable, payable.state, now, reason=reason)

    return await once(db, actor, "set_part", key, command, Changed, work)


def check_part(actor: Actor, payable: PayableFacts, pence: int | None) -> list[Refusal]:
    """Refusals ``not_finance``, ``wrong_state`` (only before it is approved), ``part_out_of_range``."""
    refusals = rules.check_finance(actor)
    if payable.state not in (rules.DRAFT, rules.SUBMITTED):
        text = "Only what is not approved yet can be paid in parts. Put it back for approval first."
        refusals.append(Refusal("wrong_state", text))
    elif pence is not None and not 0 < pence <= payable.left_pence:
        text = f"Enter an amount up to {in_words(payable.left_pence, payable.currency)}: that is what is left."
        refusals.append(Refusal("part_out_of_range", text, "part"))
    return refusals
