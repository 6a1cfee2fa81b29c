"""What another room owed turns out smaller or nothing: one way for every state of its payment.

Before it leaves, the debt is taken back or made smaller. After that its payee owes us the difference: a credit, which
the next payment to them keeps back. For other rooms, inside their transaction and around their one ledger call.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from ledger import Post, Reverse
from timebank.db import Connection
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.payments import correcting, rules, service
from timebank.payments import credits as owed_back
from timebank.payments.correcting import Correction
from timebank.payments.credits import Crediting

HAS_LEFT = "payment_already_exported"


class Smaller(msgspec.Struct, frozen=True, kw_only=True):
    """A debt that gets smaller: what it was for, what is still owed (minor units), and what the ledger is told."""

    source_kind: str
    source_id: int
    pence: int
    change: Correction | Crediting | Reverse

    @property
    def items(self) -> list[Post | Reverse]:
        """The ledger items, for the caller's one ledger call; the last one makes the entry that stands for it."""
        if isinstance(self.change, Correction):
            return [self.change.reverse, self.change.post]
        return [self.change.post] if isinstance(self.change, Crediting) else [self.change]


async def plan(
    connection: Connection,
    actor: Actor,
    source_kind: str,
    source_id: int,
    *,
    pence: int = 0,
    key: str,
    effective_on: date,
) -> Smaller | Refusal | None:
    """What lets a source owe ``pence`` (minor units) only; locks its payable until the transaction ends.

    None when it owes that already. Refusals: ``nothing_is_owed``, ``more_than_owed``, ``credited_before``. After
    posting its items, call :func:`record`.
    """
    change: Correction | Crediting | Reverse | Refusal | None
    if pence:
        change = await correcting.correction(
            connection, actor, source_kind, source_id, pence=pence, key=key, effective_on=effective_on
        )
    else:
        change = await service.cancellation(
            connection, actor, source_kind, source_id, key=key, effective_on=effective_on
        )
    if isinstance(change, Refusal) and change.code == HAS_LEFT:
        change = await owed_back.crediting(
            connection, actor, source_kind, source_id, still_owed=pence, key=key, effective_on=effective_on
        )
    if change is None or isinstance(change, Refusal):
        return change
    return Smaller(source_kind=source_kind, source_id=source_id, pence=pence, change=change)


async def record(
    connection: Connection, actor: Actor, smaller: Smaller, entry_ids: Sequence[UUID], *, reason: str, now: datetime
) -> str:
    """Write down that the items were posted, as ``entry_ids``; the reference of the credit, "" when it makes none."""
    kind, source_id, change = smaller.source_kind, smaller.source_id, smaller.change
    entry_id = entry_ids[-1]
    if isinstance(change, Crediting):
        return await owed_back.record_refund(connection, actor, change, entry_id=entry_id, reason=reason, now=now)
    if isinstance(change, Reverse):
        await service.record_cancelled(
            connection, actor, kind, source_id, entry_id=entry_id, now=now, reason=reason[: rules.MAX_REASON]
        )
        return ""
    await correcting.record_corrected(
        connection, actor, kind, source_id, pence=smaller.pence, entry_id=entry_id, reason=reason, now=now
    )
    return ""
