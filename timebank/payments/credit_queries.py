"""Read models of credits: what payees owe back, and what became of it."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from timebank.db import Connection

MAX_LISTED = 200

LEFT = """
select id, payee_id, left_pence from credit
 where timebank_id = $1 and state = 'open' and left_pence > 0 and ($2::bigint[] is null or payee_id = any($2::bigint[]))
 order by id
"""
# Credits count from the day on which they came to be: what was paid before that day could not keep them back.
LEFT_ON = """
select c.id, c.payee_id, c.left_pence
  from credit c join timebank b on b.id = c.timebank_id
 where c.timebank_id = $1 and c.payee_id = $2 and c.state = 'open' and c.left_pence > 0
   and (coalesce(c.decided_at, c.proposed_at) at time zone b.time_zone)::date <= $3
 order by c.id
"""
LOCK = " for no key update"
LOCK_LEFT = " for no key update of c"
FACTS = """
select c.id, c.reference, c.payee_id, y.name as payee_name, c.source, c.kind, p.reference as payable_reference,
       c.pence, c.left_pence, c.currency, c.document_number, c.reason, c.state, c.proposed_by, c.proposed_at,
       c.decided_by
  from credit c
  join payee y on y.timebank_id = c.timebank_id and y.id = c.payee_id
  left join payable p on p.timebank_id = c.timebank_id and p.id = c.payable_id
 where c.timebank_id = $1
"""
LOCK_CREDIT = " for no key update of c"
BY_REFERENCE = FACTS + " and c.reference = $2"
PROPOSED = FACTS + " and c.state = 'proposed' order by c.id limit $2"
OF_PAYEE = FACTS + " and c.payee_id = $2 order by c.id desc limit $3"
OPEN = FACTS + " and c.state = 'open' and c.left_pence > 0 order by c.payee_id, c.id limit $2"
LEFT_OF_PAYEE = """
select c.reference, c.pence, c.left_pence, c.document_number, coalesce(p.description, '') as description,
       (coalesce(c.decided_at, c.proposed_at) at time zone b.time_zone)::date as since
  from credit c join timebank b on b.id = c.timebank_id
  left join payable p on p.timebank_id = c.timebank_id and p.id = c.payable_id
 where c.timebank_id = $1 and c.payee_id = $2 and c.state = 'open' and c.left_pence > 0
 order by c.id limit $3
"""
OF_PAYABLE = FACTS + " and c.payable_id = $2"
USES = """
select u.n, u.how, u.pence, u.batch_number, u.line, p.reference as payable_reference, u.used_on, u.note, u.is_standing
  from credit_use u
  left join payable p on p.timebank_id = u.timebank_id and p.id = u.payable_id
 where u.timebank_id = $1 and u.credit_id = $2 order by u.n
"""


class CreditLeft(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of one credit, in minor units."""

    id: int
    payee_id: int
    left_pence: int


class OwedBack(msgspec.Struct, frozen=True, kw_only=True):
    """What a payee may read of what they owe us: for which payment (``description``) or by which credit note."""

    reference: str
    pence: int
    left_pence: int
    document_number: str
    description: str
    since: date


class CreditFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One credit. ``source``: refund or credit_note; ``state``: proposed, open or refused; amounts in minor units."""

    id: int
    reference: str
    payee_id: int
    payee_name: str
    source: str
    kind: str
    payable_reference: str | None
    pence: int
    left_pence: int
    currency: str
    document_number: str
    reason: str
    state: str
    proposed_by: int | None
    proposed_at: datetime
    decided_by: int | None


class CreditUse(msgspec.Struct, frozen=True, kw_only=True):
    """One use of a credit. Not ``is_standing``: its payment did not go through, so the credit is there again."""

    n: int
    how: str
    pence: int
    batch_number: int | None
    line: int | None
    payable_reference: str | None
    used_on: date
    note: str
    is_standing: bool


async def left(
    connection: Connection, timebank_id: int, payee_ids: Sequence[int] | None = None, *, lock: bool = False
) -> list[CreditLeft]:
    """Credits that something is left of, oldest first; ``lock`` keeps them until the transaction ends."""
    wanted = None if payee_ids is None else list(payee_ids)
    rows = await connection.fetch(LEFT + (LOCK if lock else ""), timebank_id, wanted)
    return [msgspec.convert(dict(row), CreditLeft) for row in rows]


async def left_on(
    connection: Connection, timebank_id: int, payee_id: int, day: date, *, lock: bool = False
) -> list[CreditLeft]:
    """Credits of one payee that counted on that day and that something is left of, oldest first."""
    rows = await connection.fetch(LEFT_ON + (LOCK_LEFT if lock else ""), timebank_id, payee_id, day)
    return [msgspec.convert(dict(row), CreditLeft) for row in rows]


def by_payee(found: Sequence[CreditLeft]) -> dict[int, int]:
    """What each payee owes back, in minor units."""
    sums: dict[int, int] = {}
    for credit in found:
        sums[credit.payee_id] = sums.get(credit.payee_id, 0) + credit.left_pence
    return sums


async def by_reference(
    connection: Connection, timebank_id: int, reference: str, *, lock: bool = False
) -> CreditFacts | None:
    """The credit with this reference, or None."""
    row = await connection.fetchrow(BY_REFERENCE + (LOCK_CREDIT if lock else ""), timebank_id, reference)
    return msgspec.convert(dict(row), CreditFacts) if row else None


async def proposed(connection: Connection, timebank_id: int) -> list[CreditFacts]:
    """Credit notes that wait for a second person, at most :data:`MAX_LISTED`."""
    return _all(await connection.fetch(PROPOSED, timebank_id, MAX_LISTED))


async def still_open(connection: Connection, timebank_id: int) -> list[CreditFacts]:
    """Credits that something is left of, payee by payee, at most :data:`MAX_LISTED`."""
    return _all(await connection.fetch(OPEN, timebank_id, MAX_LISTED))


async def of_payee(connection: Connection, timebank_id: int, payee_id: int) -> list[CreditFacts]:
    """Credits of one payee, newest first, at most :data:`MAX_LISTED`."""
    return _all(await connection.fetch(OF_PAYEE, timebank_id, payee_id, MAX_LISTED))


async def owed_back(connection: Connection, timebank_id: int, payee_id: int) -> list[OwedBack]:
    """What one payee still owes us, oldest first, without the reasons that finance wrote down."""
    rows = await connection.fetch(LEFT_OF_PAYEE, timebank_id, payee_id, MAX_LISTED)
    return [msgspec.convert(dict(row), OwedBack) for row in rows]


async def of_payable(connection: Connection, timebank_id: int, payable_id: int) -> list[CreditFacts]:
    """Credits that a refund of this payable made."""
    return _all(await connection.fetch(OF_PAYABLE, timebank_id, payable_id))


async def uses(connection: Connection, timebank_id: int, credit_id: int) -> list[CreditUse]:
    """What became of one credit, oldest first."""
    return [msgspec.convert(dict(row), CreditUse) for row in await connection.fetch(USES, timebank_id, credit_id)]


def _all(rows: Sequence[object]) -> list[CreditFacts]:
    return [msgspec.convert(dict(row), CreditFacts) for row in rows]  # type: ignore[call-overload]
