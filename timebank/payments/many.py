"""Approving several payables at once: each as it was shown, each wholly or not at all."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.payments import queries, rules
from timebank.payments.own_account import own_mark, refuse_own_account
from timebank.payments.service import SIGN, move

MAX_AT_ONCE = 200

LOCK_ALL = queries.FACTS + " and p.reference = any($2::text[]) order by p.id" + queries.LOCK


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A payable as it was shown: its reference, and ``rules.digest`` in hexadecimal."""

    reference: str
    digest: str


class ApproveMany(msgspec.Struct, frozen=True, kw_only=True):
    """Approve these payables, at most :data:`MAX_AT_ONCE`, each as it was shown."""

    items: tuple[Seen, ...]


class NotApproved(msgspec.Struct, frozen=True, kw_only=True):
    """A payable that was left as it is, and why in a sentence."""

    reference: str
    code: str
    why: str


class ApprovedMany(msgspec.Struct, frozen=True, kw_only=True):
    """The references of what is approved now, and what is not."""

    approved: list[str]
    left: list[NotApproved]


async def approve_many(
    db: Database, actor: Actor, command: ApproveMany, *, key: str, now: datetime
) -> ApprovedMany | list[Refusal]:
    """Approve each of these that may be; the others are named with the reason and stay as they are.

    Refusals: ``not_finance``, ``nothing_chosen``, ``too_many``. What stands in the way of single ones (see
    ``rules.check_approve``; ``unknown_payment``) is in the answer.
    """
    refusals = rules.check_finance(actor) + _check_size(command.items)
    if refusals:
        return refusals

    async def work(connection: Connection) -> ApprovedMany:
        seen = {item.reference: item.digest for item in command.items}
        found = queries.as_facts(await connection.fetch(LOCK_ALL, actor.timebank_id, list(seen)))
        own = await own_mark(connection, actor)
        left = [
            NotApproved(reference=reference, code="unknown_payment", why="There is no payment with this reference.")
            for reference in sorted(seen.keys() - {payable.reference for payable in found})
        ]
        approved = []
        for payable in found:
            against = rules.check_approve(actor, payable, seen_digest=seen[payable.reference] or "none")
            against = against or refuse_own_account(payable, own)
            if against:
                why = f"{payable.payee_name}: {against[0].message}"
                left.append(NotApproved(reference=payable.reference, code=against[0].code, why=why))
                continue
            await connection.execute(SIGN, actor.timebank_id, payable.id, actor.member_id, rules.digest(payable))
            await move(connection, actor, payable, rules.APPROVED, now)
            approved.append(payable.reference)
        if not approved and len(left) == len(command.items) == 1:
            raise Rollback([Refusal(left[0].code, left[0].why)])
        return ApprovedMany(approved=approved, left=left)

    return await once(db, actor, "approve_many", key, command, ApprovedMany, work)


def _check_size(items: Sequence[Seen]) -> list[Refusal]:
    if not items:
        return [Refusal("nothing_chosen", "Tick the payments to approve first.", "approve")]
    if len(items) > MAX_AT_ONCE:
        return [Refusal("too_many", f"Approve at most {MAX_AT_ONCE} payments at once.", "approve")]
    return []
