"""Read models of payments: for the pages, the API, and the facts that the rules ask for."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from timebank.db import Connection
from timebank.kit.ids import normalise_reference
from timebank.kit.money import parse
from timebank.kit.paging import Page, page_of
from timebank.payments.rules import STATES, PayableFacts

MAX_LISTED = 200
MAX_STATEMENT_LINES = 5000
MAX_COUNTED = 10_000

CODED = """
  left join budget b on b.timebank_id = p.timebank_id and b.id = p.budget_id
  left join fund bf on bf.timebank_id = b.timebank_id and bf.id = b.fund_id
  left join finance_code bc on bc.timebank_id = b.timebank_id and bc.id = b.cost_centre_id
  left join finance_code bn on bn.timebank_id = b.timebank_id and bn.id = b.nominal_code_id
  left join nominal_default bd on bd.timebank_id = p.timebank_id and bd.kind = p.kind
"""
NOMINAL_CODE = "coalesce(nullif(p.nominal_code, ''), bn.code, bd.code, '')"
COST_CENTRE, FUND = "coalesce(bc.code, '')", "coalesce(bf.name, '')"
"""What payable p is booked as now: its own nominal code, its budget's, or the usual one of its kind."""

FACTS = f"""
select p.id, p.reference, p.kind, p.payee_id, y.name as payee_name, y.supplier_reference,
       y.member_id as payee_member_id, y.pay_by, a.mark as account_mark, p.pence, p.currency, p.description,
       p.invoice_number, p.earned_on, p.due_on, p.state, p.entry_id, p.created_by, p.submitted_by, p.approved_by,
       p.approved_digest, p.batch_number, p.settled_on, p.settled_pence, p.part_pence, p.tax_pence, p.tax_code,
       {NOMINAL_CODE} as nominal_code, p.order_number, p.budget_id, {COST_CENTRE} as cost_centre, {FUND} as fund
  from payable p
  join payee y on y.timebank_id = p.timebank_id and y.id = p.payee_id
  left join bank_account a on a.timebank_id = p.timebank_id and a.payee_id = p.payee_id and a.state = 'in_use'
  {CODED.strip()}
 where p.timebank_id = $1
"""  # noqa: S608

LOCK = " for no key update of p"
BY_REFERENCE = FACTS + " and p.reference = $2"
BY_SOURCE = FACTS + " and p.source_kind = $2 and p.source_id = $3"
BY_STATE = FACTS + " and p.state = $2 order by p.due_on, p.id limit $3"
READY = FACTS + " and p.state = 'approved' and p.id = any($2::bigint[]) order by p.id" + LOCK
AFTER_ID = FACTS + " and p.id > $2 and ($3::text is null or p.state = $3) order by p.id limit $4"
FOUND_AFTER_ID = f"""
{FACTS}
   and p.id > $2 and ($3::text is null or p.state = $3)
   and (p.reference = $5 or p.pence = $6 or p.search_text like lower($4)
        or p.payee_id = any(array(select id from payee where timebank_id = $1 and name ilike $4))
        or p.id = any(array(
            select t.payable_id
              from payment m
              join payment_attempt t on t.timebank_id = m.timebank_id and t.batch_number = m.batch_number
                                    and t.line = m.line
             where m.timebank_id = $1 and m.reference = $5)))
 order by p.id limit $7
"""  # noqa: S608
"""Each payable is looked at once, and nothing else for its sake."""

OF_PAYEE = FACTS + " and p.payee_id = $2 and p.earned_on >= $3 and p.earned_on < $4 order by p.earned_on, p.id limit $5"
MONTHS_OF_PAYEE = """
select date_trunc('month', earned_on)::date as month, count(*) as payments, sum(pence)::bigint as pence,
       coalesce(sum(pence) filter (where state = 'paid'), 0)::bigint as paid_pence
  from payable
 where timebank_id = $1 and payee_id = $2 and state <> 'cancelled'
 group by 1 order by 1 desc limit $3
"""

COUNTS = """
select s.state, (select count(*) from (select from payable p
                                        where p.timebank_id = $1 and p.state = s.state limit $3) c) as payments
  from unnest($2::text[]) s(state)
"""

DEPUTIES = """
select count(*) filter (where m.status = 'active') as others, count(*) filter (where m.status = 'paused') as away
  from member_role r
  join member m on m.timebank_id = r.timebank_id and m.id = r.member_id
 where r.timebank_id = $1 and r.role = 'finance' and m.status in ('active', 'paused') and m.id <> $2
"""

HISTORY = """
select e.n, e.state, e.at, e.reason, e.entry_id, e.actor_id, m.display_name as actor_name
  from payable_event e
  left join member m on m.timebank_id = e.timebank_id and m.id = e.actor_id
 where e.timebank_id = $1 and e.payable_id = $2
 order by e.n
"""


BY_IDS = FACTS + " and p.id = any($2::bigint[]) order by p.id"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One step in the life of a payable. No actor means the supplier, who confirmed it."""

    n: int
    state: str
    at: datetime
    reason: str
    entry_id: UUID | None
    actor_id: int | None
    actor_name: str | None


async def by_reference(
    connection: Connection, timebank_id: int, reference: str, *, lock: bool = False
) -> PayableFacts | None:
    """The payable with this reference, or None. ``lock`` keeps others from changing it until the transaction ends."""
    return _one(await connection.fetchrow(BY_REFERENCE + (LOCK if lock else ""), timebank_id, reference))


async def by_source(
    connection: Connection, timebank_id: int, source_kind: str, source_id: int, *, lock: bool = False
) -> PayableFacts | None:
    """The payable made by a redemption, or None when it made none."""
    return _one(await connection.fetchrow(BY_SOURCE + (LOCK if lock else ""), timebank_id, source_kind, source_id))


async def in_state(connection: Connection, timebank_id: int, state: str, limit: int = MAX_LISTED) -> list[PayableFacts]:
    """Payables in one state, those due first in front."""
    return as_facts(await connection.fetch(BY_STATE, timebank_id, state, limit))


async def lock_approved(connection: Connection, timebank_id: int, ids: Sequence[int]) -> list[PayableFacts]:
    """Those of these payables that are approved, locked until the transaction ends, in the order of ids."""
    return as_facts(await connection.fetch(READY, timebank_id, list(ids)))


async def by_ids(connection: Connection, timebank_id: int, ids: Sequence[int]) -> list[PayableFacts]:
    """These payables, in the order of ids."""
    return as_facts(await connection.fetch(BY_IDS, timebank_id, list(ids)))


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody looks for: words in a name, a description or an invoice number; a reference; an amount."""

    text: str | None = None
    reference: str | None = None
    pence: int | None = None


EVERYTHING = Wanted()


def wanted(typed: str, currency: str) -> Wanted:
    """What these words look for; nothing typed looks for everything."""
    text = typed.strip()
    if not text:
        return Wanted()
    pence = parse(text, currency)
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return Wanted(
        text=f"%{escaped}%", reference=normalise_reference(text), pence=pence if isinstance(pence, int) else None
    )


async def page(
    connection: Connection, timebank_id: int, *, after: int, state: str | None, size: int, look_for: Wanted = EVERYTHING
) -> Page[PayableFacts]:
    """A page of payables in the order they were made; ``after`` is the last id already seen, 0 to start."""
    if look_for.text is None:
        found = await connection.fetch(AFTER_ID, timebank_id, after, state, size + 1)
    else:
        words = look_for.text, look_for.reference, look_for.pence
        found = await connection.fetch(FOUND_AFTER_ID, timebank_id, after, state, *words, size + 1)
    rows = as_facts(found)
    return page_of(rows, size, lambda payable: (payable.id,))


async def counts(connection: Connection, timebank_id: int) -> dict[str, int]:
    """How many payables there are in every state, at most :data:`MAX_COUNTED`: the past costs no more each year."""
    rows = await connection.fetch(COUNTS, timebank_id, STATES, MAX_COUNTED)
    return {row["state"]: row["payments"] for row in rows if row["payments"]}


async def deputies(connection: Connection, timebank_id: int, member_id: int) -> tuple[int, int]:
    """How many others have the finance role and are here, and how many of them are away."""
    row = await connection.fetchrow(DEPUTIES, timebank_id, member_id)
    return row["others"], row["away"]


async def history(connection: Connection, timebank_id: int, payable_id: int) -> list[Event]:
    """Every step of one payable, oldest first."""
    return [msgspec.convert(dict(row), Event) for row in await connection.fetch(HISTORY, timebank_id, payable_id)]


class PayeeMonth(msgspec.Struct, frozen=True, kw_only=True):
    """What a payee earned in one month (its first day), and how much of that is paid, in minor units."""

    month: date
    payments: int
    pence: int
    paid_pence: int

    @property
    def owed_pence(self) -> int:
        """What is still to be paid."""
        return self.pence - self.paid_pence


async def of_payee(
    connection: Connection, timebank_id: int, payee_id: int, *, from_day: date, before: date
) -> list[PayableFacts]:
    """What a payee earned from one day on and before another, oldest first, at most :data:`MAX_STATEMENT_LINES`."""
    return as_facts(await connection.fetch(OF_PAYEE, timebank_id, payee_id, from_day, before, MAX_STATEMENT_LINES))


async def months_of_payee(connection: Connection, timebank_id: int, payee_id: int) -> list[PayeeMonth]:
    """Every month in which a payee earned something, newest first, at most :data:`MAX_LISTED`."""
    rows = await connection.fetch(MONTHS_OF_PAYEE, timebank_id, payee_id, MAX_LISTED)
    return [msgspec.convert(dict(row), PayeeMonth) for row in rows]


def _one(row: object) -> PayableFacts | None:
    return msgspec.convert(dict(row), PayableFacts) if row else None  # type: ignore[call-overload]


def as_facts(rows: Sequence[object]) -> list[PayableFacts]:
    """The rows of a query that begins with :data:`FACTS`."""
    return [msgspec.convert(dict(row), PayableFacts) for row in rows]  # type: ignore[call-overload]
