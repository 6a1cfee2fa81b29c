"""From a line on the bank statement back to the hours and the sessions they came from, and forward again.

A reference of any kind is the way in: of a bank payment, a payable, a booking, or a saved register.
"""

from datetime import date
from uuid import UUID

import msgspec

from timebank.db import Connection
from timebank.reports.rules import Movement, shares

MAX_SHOWN = 100
MAX_MOVEMENTS = 20_000

PAYABLE_IDS = """
select p.id from payable p where p.timebank_id = $1 and p.reference = $2
union
select t.payable_id
  from payment m
  join payment_attempt t on t.timebank_id = m.timebank_id and t.batch_number = m.batch_number and t.line = m.line
 where m.timebank_id = $1 and m.reference = $2
union
select p.id
  from redemption r
  join payable p on p.timebank_id = r.timebank_id and p.source_kind = 'redemption' and p.source_id = r.id
 where r.timebank_id = $1 and r.reference = $2
union
select p.id
  from redemption r
  join voucher v on v.timebank_id = r.timebank_id and v.redemption_id = r.id
  join voucher_use u on u.timebank_id = v.timebank_id and u.voucher_id = v.id
  join payable p on p.timebank_id = u.timebank_id and p.source_kind = 'voucher_use' and p.source_id = u.id
 where r.timebank_id = $1 and r.reference = $2
 order by 1 limit $3
"""
PAYABLES = """
select p.id, p.reference, p.kind, p.state, p.pence, p.currency, p.description, p.earned_on, y.name as payee_name,
       p.source_kind, p.source_id,
       coalesce(v.redemption_id, case when p.source_kind = 'redemption' then p.source_id end) as redemption_id
  from payable p
  join payee y on y.timebank_id = p.timebank_id and y.id = p.payee_id
  left join voucher_use u on u.timebank_id = p.timebank_id and p.source_kind = 'voucher_use' and u.id = p.source_id
  left join voucher v on v.timebank_id = u.timebank_id and v.id = u.voucher_id
 where p.timebank_id = $1 and p.id = any($2::bigint[])
 order by p.id
"""
ATTEMPTS = """
select t.payable_id, m.batch_number, m.line, m.reference, m.pence, m.state, m.settled_on, b.processing_on
  from payment_attempt t
  join payment m on m.timebank_id = t.timebank_id and m.batch_number = t.batch_number and m.line = t.line
  join payment_batch b on b.timebank_id = m.timebank_id and b.number = m.batch_number
 where t.timebank_id = $1 and t.payable_id = any($2::bigint[])
 order by t.payable_id, t.n
"""
BANK_LINES = """
select x.batch_number, x.payment_line as line, l.booked_on, l.pence, l.text, x.outcome, s.file_name, l.number
  from bank_match x
  join bank_line l on l.timebank_id = x.timebank_id and l.id = x.line_id
  join bank_statement s on s.timebank_id = l.timebank_id and s.id = l.statement_id
 where x.timebank_id = $1 and (x.batch_number, x.payment_line) in
       (select * from unnest($2::integer[], $3::integer[]))
 order by l.booked_on, l.id
"""
BOOKINGS = """
select r.id, r.reference, o.title, r.minutes, r.state, r.member_id, r.entry_id
  from redemption r
  join offer o on o.timebank_id = r.timebank_id and o.id = r.offer_id
 where r.timebank_id = $1 and r.id = any($2::bigint[])
"""
MOVEMENTS = """
select p.entry_id, p.amount as minutes
  from ledger.posting p
 where p.book_id = $1 and p.account_id = (select id from ledger.account where book_id = $1 and code = $2)
 order by p.seq limit $3
"""
SESSIONS = """
select c.entry_id, c.id, a.name as activity, c.held_on, c.minutes, r.reference
  from contribution c
  join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
 where c.timebank_id = $1 and c.entry_id = any($2::uuid[]) and (c.member_id = $3 or c.credited_id = $3)
 order by c.held_on, c.id
"""
SOURCE = {
    "fee": """
select f.reference, f.activity as words, f.held_on as on, f.minutes from fee f
 where f.timebank_id = $1 and f.id = (select fee_id from fee_choice where timebank_id = $1 and id = $2)
""",
    "claim": "select reference, 'Expense claim' as words, sent_at::date as on, null::integer as minutes from claim"
    " where timebank_id = $1 and id = $2",
    "access_cost": "select reference, 'Access cost: ' || kind as words, day as on, null::integer as minutes"
    " from access_cost where timebank_id = $1 and id = $2",
}
TIME_OF_CLAIM = """
select distinct a.name as activity, c.held_on, c.minutes, r.reference as register
  from claim_line l
  join contribution c on c.timebank_id = l.timebank_id and c.id = l.contribution_id
  join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
 where l.timebank_id = $1 and l.claim_id = $2 and not l.is_declined
 order by c.held_on, r.reference limit $3
"""
CREDITED = """
select c.entry_id, coalesce(c.credited_id, c.member_id) as member_id
  from contribution c
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
 where c.timebank_id = $1 and r.reference = $2 and c.state = 'approved' and c.entry_id is not null
   and coalesce(c.credited_id, c.member_id) is not null
 limit $3
"""
USED_BY = """
select r.reference, r.entry_id from redemption r
 where r.timebank_id = $1 and r.member_id = $2 and r.entry_id = any($3::uuid[])
"""


class BankLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a bank statement that was matched with a payment."""

    booked_on: date
    pence: int
    text: str
    outcome: str
    file_name: str
    number: int


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One payment that held the payable, and what the bank said of it."""

    batch_number: int
    line: int
    reference: str
    pence: int
    state: str
    settled_on: date | None
    processing_on: date
    bank_lines: tuple[BankLine, ...]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Time given, of which ``minutes`` were used for this booking."""

    activity: str
    held_on: date
    minutes: int
    register: str


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What a payable came of: a booking with the hours used, a fee, a claim, a cost of access, or a
    request by finance.

    ``sessions`` gave the hours of a booking; of a claim they are the time given that its costs were for.
    ``member_id`` is the member's number, never a name. ``other_minutes`` came in other ways than sessions (a gift,
    hours brought forward).
    """

    kind: str
    reference: str = ""
    words: str = ""
    on: date | None = None
    minutes: int | None = None
    member_id: int | None = None
    entry_id: UUID | None = None
    sessions: tuple[Session, ...] = ()
    other_minutes: int = 0


class Traced(msgspec.Struct, frozen=True, kw_only=True):
    """One payable with everything before and after it."""

    reference: str
    kind: str
    state: str
    pence: int
    currency: str
    description: str
    payee_name: str
    earned_on: date
    attempts: tuple[Attempt, ...]
    source: Source


async def trace(connection: Connection, timebank_id: int, reference: str) -> list[Traced]:
    """What a reference leads to: of a bank payment, a payable or a booking; at most :data:`MAX_SHOWN` payables."""
    ids = [row["id"] for row in await connection.fetch(PAYABLE_IDS, timebank_id, reference, MAX_SHOWN)]
    return await _traced(connection, timebank_id, ids)


async def trace_register(connection: Connection, timebank_id: int, reference: str) -> list[Traced]:
    """What the hours of one saved register have paid for since: the way forward from a session."""
    bookings: list[str] = []
    by_member: dict[int, set[UUID]] = {}
    for row in await connection.fetch(CREDITED, timebank_id, reference, MAX_SHOWN):
        by_member.setdefault(row["member_id"], set()).add(row["entry_id"])
    for member_id, came_from in sorted(by_member.items()):
        found = shares(await _movements(connection, timebank_id, member_id))
        used = sorted({one.went_to for one in found if one.came_from in came_from})
        bookings += [row["reference"] for row in await connection.fetch(USED_BY, timebank_id, member_id, used)]
    ids: set[int] = set()
    for booking in bookings[:MAX_SHOWN]:
        ids |= {row["id"] for row in await connection.fetch(PAYABLE_IDS, timebank_id, booking, MAX_SHOWN)}
    return await _traced(connection, timebank_id, sorted(ids)[:MAX_SHOWN])


async def _traced(connection: Connection, timebank_id: int, ids: list[int]) -> list[Traced]:
    payables = await connection.fetch(PAYABLES, timebank_id, ids)
    attempts = await _attempts(connection, timebank_id, ids)
    wanted = sorted({row["redemption_id"] for row in payables if row["redemption_id"] is not None})
    bookings = {row["id"]: row for row in await connection.fetch(BOOKINGS, timebank_id, wanted)}
    found = []
    for row in payables:
        booking = bookings.get(row["redemption_id"])
        source = (
            await _other_source(connection, timebank_id, row["source_kind"], row["source_id"])
            if booking is None
            else await _booking(connection, timebank_id, dict(booking))
        )
        found.append(
            Traced(
                reference=row["reference"],
                kind=row["kind"],
                state=row["state"],
                pence=row["pence"],
                currency=row["currency"],
                description=row["description"],
                payee_name=row["payee_name"],
                earned_on=row["earned_on"],
                attempts=tuple(attempts.get(row["id"], ())),
                source=source,
            )
        )
    return found


async def _attempts(connection: Connection, timebank_id: int, ids: list[int]) -> dict[int, list[Attempt]]:
    rows = await connection.fetch(ATTEMPTS, timebank_id, ids)
    numbers, lines = [row["batch_number"] for row in rows], [row["line"] for row in rows]
    said: dict[tuple[int, int], list[BankLine]] = {}
    for row in await connection.fetch(BANK_LINES, timebank_id, numbers, lines):
        fields = dict(row)
        said.setdefault((fields.pop("batch_number"), fields.pop("line")), []).append(BankLine(**fields))
    found: dict[int, list[Attempt]] = {}
    for row in rows:
        fields = dict(row)
        payable_id = fields.pop("payable_id")
        lines_of = tuple(said.get((row["batch_number"], row["line"]), ()))
        found.setdefault(payable_id, []).append(Attempt(**fields, bank_lines=lines_of))
    return found


async def _booking(connection: Connection, timebank_id: int, booking: dict[str, object]) -> Source:
    member_id, entry_id = booking["member_id"], booking["entry_id"]
    assert isinstance(member_id, int)
    found = shares(await _movements(connection, timebank_id, member_id)) if entry_id else []
    minutes = {one.came_from: one.minutes for one in found if one.went_to == entry_id}
    sessions: list[Session] = []
    left = dict(minutes)
    for row in await connection.fetch(SESSIONS, timebank_id, list(minutes), member_id):
        # Several lines of one register can be in one entry: each shows what it brought, up to what was used.
        used = min(row["minutes"], left[row["entry_id"]])
        if used:
            left[row["entry_id"]] -= used
            sessions.append(
                Session(activity=row["activity"], held_on=row["held_on"], minutes=used, register=row["reference"])
            )
    return Source(
        kind="booking",
        reference=str(booking["reference"]),
        words=str(booking["title"]),
        minutes=int(str(booking["minutes"])),
        member_id=member_id,
        entry_id=entry_id,  # type: ignore[arg-type]
        sessions=tuple(sessions[:MAX_SHOWN]),
        other_minutes=sum(left.values()),
    )


async def _other_source(connection: Connection, timebank_id: int, kind: str, source_id: int) -> Source:
    query = SOURCE.get(kind)
    row = await connection.fetchrow(query, timebank_id, source_id) if query else None
    if row is None:
        return Source(kind=kind)
    rows = await connection.fetch(TIME_OF_CLAIM, timebank_id, source_id, MAX_SHOWN) if kind == "claim" else []
    sessions = tuple(msgspec.convert(dict(each), Session) for each in rows)
    return Source(kind=kind, **dict(row), sessions=sessions)


async def _movements(connection: Connection, timebank_id: int, member_id: int) -> list[Movement]:
    rows = await connection.fetch(MOVEMENTS, timebank_id, f"member/{member_id}", MAX_MOVEMENTS)
    return [Movement(entry_id=row["entry_id"], minutes=row["minutes"]) for row in rows]
