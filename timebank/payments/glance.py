"""The sums at the head of finance's first page: what waits, what came back, what is late or due within a week."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import msgspec

from timebank.db import Connection
from timebank.payments import queries, rules
from timebank.payments.rules import PayableFacts

SOON_DAYS = 7
MAX_DUE = 10
NOT_SENT = [rules.DRAFT, rules.SUBMITTED, rules.APPROVED, rules.REJECTED, rules.RETURNED]

SUMS = """
select state, currency, due_on < $3 as late, due_on <= $4 as soon, count(*) as payables,
       sum(pence - settled_pence)::bigint as pence
  from payable where timebank_id = $1 and state = any($2::text[])
 group by 1, 2, 3, 4 order by 2, 1
"""
DUE = """
select id from payable where timebank_id = $1 and state = any($2::text[]) and due_on <= $3 order by due_on, id limit $4
"""


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """How many payables, and what is owed of them in minor units of each currency."""

    payables: int
    pence: dict[str, int]


class Glance(msgspec.Struct, frozen=True, kw_only=True):
    """What has not been sent to the bank: what waits for approval; what the bank refused or sent back; what is late,
    and what is due from today until ``until``. ``due`` are the first of both, those due first in front.
    """

    waiting: Sums
    failed: Sums
    late: Sums
    soon: Sums
    until: date
    due: tuple[PayableFacts, ...]


async def glance(connection: Connection, timebank_id: int, day: date) -> Glance:
    """The sums as they are on this day."""
    until = day + timedelta(days=SOON_DAYS)
    rows = await connection.fetch(SUMS, timebank_id, NOT_SENT, day, until)
    ids = [row["id"] for row in await connection.fetch(DUE, timebank_id, NOT_SENT, until, MAX_DUE)]
    due = await queries.by_ids(connection, timebank_id, ids)
    return Glance(
        waiting=_sums(row for row in rows if row["state"] == rules.SUBMITTED),
        failed=_sums(row for row in rows if row["state"] in (rules.REJECTED, rules.RETURNED)),
        late=_sums(row for row in rows if row["late"]),
        soon=_sums(row for row in rows if row["soon"] and not row["late"]),
        until=until,
        due=tuple(sorted(due, key=lambda one: (one.due_on, one.id))),
    )


def _sums(rows: Iterable[Mapping[str, Any]]) -> Sums:
    payables = 0
    pence: dict[str, int] = {}
    for row in rows:
        payables += row["payables"]
        pence[row["currency"]] = pence.get(row["currency"], 0) + row["pence"]
    return Sums(payables=payables, pence=pence)
