"""Finance's first page as data: the queues in the order they are worked through."""

import msgspec

from timebank.db import Connection
from timebank.payments import credit_queries, leaving, queries, rules
from timebank.payments.credit_queries import CreditFacts
from timebank.payments.formats import PaymentFormat
from timebank.payments.leaving import Plan
from timebank.payments.queries import MAX_LISTED
from timebank.payments.rules import PayableFacts
from timebank.payments.run_queries import Sum

IN_CASH = queries.FACTS + " and p.state = 'approved' and y.pay_by = 'cash' order by p.due_on, p.id limit $2"

DUE_FIRST = """
select p.id
  from payable p
  join payee y on y.timebank_id = p.timebank_id and y.id = p.payee_id
 where p.timebank_id = $1 and p.state = 'approved' and y.pay_by = 'bank' and not (p.payee_id = any($2::bigint[]))
 order by p.due_on, p.id limit $3
"""


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """What finance's first page shows. Lists are cut at ``queries.MAX_LISTED``; ``counts`` and ``plan`` are complete.

    ``ready`` is approved and leaves next; ``spoiled`` changed after it was approved; ``cash`` is approved and paid in
    cash; ``failed`` did not arrive; ``credits`` are what payees owe us; ``notes`` wait for a second person.
    """

    plan: Plan
    totals: tuple[Sum, ...]
    ready: tuple[PayableFacts, ...]
    spoiled: tuple[PayableFacts, ...]
    cash: tuple[PayableFacts, ...]
    waiting: tuple[PayableFacts, ...]
    drafts: tuple[PayableFacts, ...]
    failed: tuple[PayableFacts, ...]
    credits: tuple[CreditFacts, ...]
    notes: tuple[CreditFacts, ...]
    counts: dict[str, int]


async def overview(connection: Connection, timebank_id: int, payment_format: PaymentFormat) -> Overview:
    """Everything that finance's first page shows."""
    plan = await leaving.plan(connection, timebank_id, payment_format)
    counts = await queries.counts(connection, timebank_id)
    ready, spoiled, cash = (
        await _approved(connection, timebank_id, plan) if counts.get(rules.APPROVED) else ((), (), ())
    )
    return Overview(
        plan=plan,
        totals=totals(plan),
        ready=ready,
        spoiled=spoiled,
        cash=cash,
        waiting=tuple(await queries.in_state(connection, timebank_id, rules.SUBMITTED)),
        drafts=tuple(await queries.in_state(connection, timebank_id, rules.DRAFT)),
        failed=(
            *await queries.in_state(connection, timebank_id, rules.REJECTED),
            *await queries.in_state(connection, timebank_id, rules.RETURNED),
        ),
        credits=tuple(await credit_queries.still_open(connection, timebank_id)),
        notes=tuple(await credit_queries.proposed(connection, timebank_id)),
        counts=counts,
    )


async def _approved(
    connection: Connection, timebank_id: int, plan: Plan
) -> tuple[tuple[PayableFacts, ...], tuple[PayableFacts, ...], tuple[PayableFacts, ...]]:
    """The first of those that leave, of those that changed after approval, and of those that are paid in cash."""
    why = {one.why for one in plan.behind}
    staying = sorted({one.payee_id for one in plan.behind if one.why in (leaving.NO_ACCOUNT, leaving.COVERED)})
    first = [row["id"] for row in await connection.fetch(DUE_FIRST, timebank_id, staying, 2 * MAX_LISTED)]
    found = await queries.by_ids(connection, timebank_id, first)
    ready = sorted((one for one in found if rules.is_approval_good(one)), key=lambda one: (one.due_on, one.id))
    spoiled: list[PayableFacts] = []
    if leaving.CHANGED in why:
        changed = [one.payee_id for one in plan.behind if one.why == leaving.CHANGED]
        ids = await leaving.spoiled_ids(connection, timebank_id, changed, MAX_LISTED)
        spoiled = await queries.by_ids(connection, timebank_id, ids)
    cash: list[PayableFacts] = []
    if leaving.CASH in why:
        rows = await connection.fetch(IN_CASH, timebank_id, MAX_LISTED)
        cash = [one for one in queries.as_facts(rows) if rules.is_approval_good(one)]
    return tuple(ready[:MAX_LISTED]), tuple(spoiled), tuple(cash)


def totals(plan: Plan) -> tuple[Sum, ...]:
    """What leaves by currency and kind: vouchers and training places stay separate, currencies never mix."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for group in plan.groups:
        payments, pence = found.get((group.currency, group.kind), (0, 0))
        found[group.currency, group.kind] = (payments + group.payables, pence + group.pence)
    return tuple(
        Sum(currency=currency, kind=kind, payments=payments, pence=pence)
        for (currency, kind), (payments, pence) in sorted(found.items())
    )
