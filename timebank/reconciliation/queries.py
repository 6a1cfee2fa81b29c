"""Read models of statements and their lines: for the pages, the API, and the facts that the rules ask for."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from timebank.db import Connection
from timebank.kit.paging import Page, page_of
from timebank.payments.rules import PaymentFacts
from timebank.payments.run_queries import LOCK_PAYMENT, PAYMENTS
from timebank.reconciliation import matching
from timebank.reconciliation.matching import Run, World
from timebank.reconciliation.rules import ExplanationFacts, Known, LineFacts

MAX_LISTED = 100
STATEMENT = """
select s.id, s.file_name, s.format, s.sha256, s.state, s.answers, s.opening_pence, s.closing_pence, s.first_on,
       s.last_on, s.last_four, s.line_count, s.known_count, s.gap_pence, s.uploaded_by, s.uploaded_at, s.imported_by,
       s.imported_at, m.display_name as who
  from bank_statement s
  join member m on m.timebank_id = s.timebank_id and m.id = coalesce(s.imported_by, s.uploaded_by)
 where s.timebank_id = $1
"""
STATEMENT_BY_ID = STATEMENT + " and s.id = $2"
STATEMENT_BY_HASH = STATEMENT + " and s.sha256 = $2 and s.state <> 'dropped'"
STATEMENTS = STATEMENT + " and s.id < $2 and s.state <> 'dropped' order by s.id desc limit $3"
OPEN_STATEMENTS = STATEMENT + " and s.state in ('kept', 'booking') order by s.id limit $2"
LAST_FOUR = """
select last_four from bank_statement
 where timebank_id = $1 and state in ('booking', 'booked') and last_four <> '' order by id desc limit 1
"""

LINE = """
select l.id, l.statement_id, l.number, l.booked_on, l.pence, l.text, l.reference, l.party, l.reason, l.state, l.outcome,
       l.batch_number, l.payment_line, l.entry_id, l.part_of
  from bank_line l
 where l.timebank_id = $1
"""
LINE_BY_ID = LINE + " and l.id = $2"
LINES_OF = LINE + " and l.statement_id = $2 and l.part_of is null and l.number > $3 order by l.number limit $4"
PARTS_OF = LINE + " and l.part_of = $2 and l.state <> 'joined' order by l.id limit $3"
LINES_AFTER = LINE + " and l.id > $2 and ($3::text is null or l.state = $3) order by l.id limit $4"
UNEXPLAINED = LINE + " and l.state = 'suspense' order by l.booked_on, l.id limit $2"
SUSPENSE_AFTER = (
    LINE
    + """
   and l.state = 'suspense' and l.id > $2
   and not exists (select from bank_explanation e where e.timebank_id = l.timebank_id and e.line_id = l.id
                      and e.state = 'proposed')
 order by l.id limit $3 for no key update of l
"""
)
WAITING_OF = (
    LINE
    + """
   and l.state = 'waiting' and l.statement_id = $2
 order by l.booked_on, l.pence > 0, l.id limit $3 for no key update of l
"""
)
LOCK_LINE = " for no key update of l"
COUNTS = "select state, count(*) as lines from bank_line where timebank_id = $1 and statement_id = $2 group by state"

KNOWN = """
select booked_on, pence, fingerprint from bank_line
 where timebank_id = $1 and part_of is null and (booked_on between $2 and $3 or fingerprint = any($4::bytea[]))
"""
BALANCE_BEFORE = """
select s.last_on as day, s.closing_pence + coalesce(
         (select sum(l.pence) from bank_line l
           where l.timebank_id = $1 and l.part_of is null
             and l.booked_on > s.last_on and l.booked_on < $2), 0)::bigint as pence
  from bank_statement s
 where s.timebank_id = $1 and s.state in ('booking', 'booked') and s.closing_pence is not null and s.last_on <= $2
 order by s.last_on desc, s.id desc limit 1
"""
BALANCE_AFTER = """
select s.first_on as day, s.opening_pence - coalesce(
         (select sum(l.pence) from bank_line l
           where l.timebank_id = $1 and l.part_of is null
             and l.booked_on < s.first_on and l.booked_on > $2), 0)::bigint as pence
  from bank_statement s
 where s.timebank_id = $1 and s.state in ('booking', 'booked') and s.opening_pence is not null and s.first_on >= $2
 order by s.first_on, s.id limit 1
"""

MATCHED = """
select batch_number, payment_line, outcome from bank_match
 where timebank_id = $1 and batch_number = any($2::integer[]) and payment_line = any($3::integer[])
"""
RUNS_LEFT = """
select m.batch_number as number, count(*)::integer as payments, sum(m.pence)::bigint as pence
  from payment m
 where m.timebank_id = $1 and m.batch_number = any($2::integer[]) and m.state = 'exported'
 group by m.batch_number
"""
BY_REFERENCES = PAYMENTS + " and m.reference = any($2::text[]) order by m.batch_number, m.line"
ON_THEIR_WAY = (
    PAYMENTS + " and m.batch_number = any($2::integer[]) and m.state = 'exported' order by m.batch_number, m.line"
)
PAYMENTS_OF_LINE = (
    PAYMENTS
    + """
   and exists (select from bank_match t where t.timebank_id = m.timebank_id and t.batch_number = m.batch_number
                  and t.payment_line = m.line and t.line_id = $2)
 order by m.batch_number, m.line limit $3
"""
)
EXPLANATION = """
select e.id, e.line_id, e.kind, e.credit_id, e.note, e.state, e.proposed_by, e.decided_by, e.entry_id
  from bank_explanation e where e.timebank_id = $1 and e.line_id = $2 and e.state in ('proposed', 'agreed')
"""
EXPLANATIONS = """
select e.id, e.kind, e.note, e.state, e.why, e.proposed_at, e.decided_at, e.undone_at, p.display_name as proposed_name,
       d.display_name as decided_name, u.display_name as undone_name, y.name as payee_name,
       c.reference as credit_reference
  from bank_explanation e
  join member p on p.timebank_id = e.timebank_id and p.id = e.proposed_by
  left join member d on d.timebank_id = e.timebank_id and d.id = e.decided_by
  left join member u on u.timebank_id = e.timebank_id and u.id = e.undone_by
  left join credit c on c.timebank_id = e.timebank_id and c.id = e.credit_id
  left join payee y on y.timebank_id = c.timebank_id and y.id = c.payee_id
 where e.timebank_id = $1 and e.line_id = $2 order by e.id
"""
PROPOSED = """
select l.id, l.statement_id, l.number, l.booked_on, l.pence, l.text, l.reference, l.party, l.reason, l.state, l.outcome,
       l.batch_number, l.payment_line, l.entry_id, l.part_of
  from bank_explanation e
  join bank_line l on l.timebank_id = e.timebank_id and l.id = e.line_id
 where e.timebank_id = $1 and e.state = 'proposed' order by e.id limit $2
"""
COLUMNS = "select columns from bank_columns where timebank_id = $1 and headings = $2"


class StatementFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One statement file, without its bytes. ``who`` imported it, or brought it while it waits."""

    id: int
    file_name: str
    format: str
    sha256: bytes
    state: str
    answers: dict[str, Any]
    opening_pence: int | None
    closing_pence: int | None
    first_on: date | None
    last_on: date | None
    last_four: str
    line_count: int
    known_count: int
    gap_pence: int
    uploaded_by: int
    uploaded_at: datetime
    imported_by: int | None
    imported_at: datetime | None
    who: str


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said a line is, with the names of who was in it."""

    id: int
    kind: str
    note: str
    state: str
    why: str
    proposed_at: datetime
    decided_at: datetime | None
    undone_at: datetime | None
    proposed_name: str
    decided_name: str | None
    undone_name: str | None
    payee_name: str | None
    credit_reference: str | None


async def statement(
    connection: Connection, timebank_id: int, statement_id: int, *, lock: bool = False
) -> StatementFacts | None:
    """One statement file, or None. ``lock`` keeps others from working on it until the transaction ends."""
    query = STATEMENT_BY_ID + (" for no key update of s" if lock else "")
    return statement_from(await connection.fetchrow(query, timebank_id, statement_id))


async def same_file(connection: Connection, timebank_id: int, sha256: bytes) -> StatementFacts | None:
    """The statement that was brought with exactly these bytes, or None."""
    return statement_from(await connection.fetchrow(STATEMENT_BY_HASH, timebank_id, sha256))


async def content(connection: Connection, timebank_id: int, statement_id: int) -> bytes:
    """The bytes of a statement file."""
    found: bytes = await connection.fetchval(
        "select content from bank_statement where timebank_id = $1 and id = $2", timebank_id, statement_id
    )
    return found


async def statements(connection: Connection, timebank_id: int, *, before: int, size: int) -> Page[StatementFacts]:
    """A page of statement files, newest first; ``before`` is the last id already seen."""
    rows = await connection.fetch(STATEMENTS, timebank_id, before, size + 1)
    found = [one for row in rows if (one := statement_from(row)) is not None]
    return page_of(found, size, lambda facts: (facts.id,))


async def unfinished(connection: Connection, timebank_id: int) -> list[StatementFacts]:
    """Files that were brought and not imported, or not to their end."""
    rows = await connection.fetch(OPEN_STATEMENTS, timebank_id, MAX_LISTED)
    return [one for row in rows if (one := statement_from(row)) is not None]


async def remembered_columns(connection: Connection, timebank_id: int, headings: bytes) -> dict[str, int] | None:
    """The columns chosen the last time for a CSV with these headings (their SHA-256), or None."""
    found: dict[str, int] | None = await connection.fetchval(COLUMNS, timebank_id, headings)
    return found


async def known(
    connection: Connection, timebank_id: int, first_on: date, last_on: date, marks: Sequence[bytes]
) -> list[Known]:
    """Lines that are there: of these days, or with one of these fingerprints."""
    rows = await connection.fetch(KNOWN, timebank_id, first_on, last_on, list(marks))
    return [Known(row["booked_on"], row["pence"], row["fingerprint"]) for row in rows]


async def neighbours(
    connection: Connection, timebank_id: int, first_on: date, last_on: date
) -> tuple[tuple[date, int] | None, tuple[date, int] | None]:
    """The balance known before the first day and after the last one, each with the day it is of."""
    before = await connection.fetchrow(BALANCE_BEFORE, timebank_id, first_on)
    after = await connection.fetchrow(BALANCE_AFTER, timebank_id, last_on)
    return (
        (before["day"], before["pence"]) if before else None,
        (after["day"], after["pence"]) if after else None,
    )


async def last_last_four(connection: Connection, timebank_id: int) -> str:
    """How the account's number of the last statement ends; "" when no statement named it."""
    return await connection.fetchval(LAST_FOUR, timebank_id) or ""


async def line(connection: Connection, timebank_id: int, line_id: int, *, lock: bool = False) -> LineFacts | None:
    """One line, or None. ``lock`` keeps others from changing it until the transaction ends."""
    row = await connection.fetchrow(LINE_BY_ID + (LOCK_LINE if lock else ""), timebank_id, line_id)
    return msgspec.convert(dict(row), LineFacts) if row else None


async def lines_of(
    connection: Connection, timebank_id: int, statement_id: int, *, after: int, size: int
) -> Page[LineFacts]:
    """A page of the lines that a file brought, in its order; ``after`` is the last number already seen."""
    rows = await connection.fetch(LINES_OF, timebank_id, statement_id, after, size + 1)
    return page_of(_lines(rows), size, lambda facts: (facts.number,))


async def parts_of(connection: Connection, timebank_id: int, line_id: int) -> list[LineFacts]:
    """The parts that a line was split into."""
    return _lines(await connection.fetch(PARTS_OF, timebank_id, line_id, MAX_LISTED))


async def payments_of(connection: Connection, timebank_id: int, line_id: int) -> list[PaymentFacts]:
    """The payments that a line was matched with, at most :data:`MAX_LISTED`."""
    rows = await connection.fetch(PAYMENTS_OF_LINE, timebank_id, line_id, MAX_LISTED)
    return [msgspec.convert(dict(row), PaymentFacts) for row in rows]


async def lines(
    connection: Connection, timebank_id: int, *, after: int, state: str | None, size: int
) -> Page[LineFacts]:
    """A page of lines in the order they came; ``after`` is the last id already seen, 0 to start."""
    rows = await connection.fetch(LINES_AFTER, timebank_id, after, state, size + 1)
    return page_of(_lines(rows), size, lambda facts: (facts.id,))


async def counts(connection: Connection, timebank_id: int, statement_id: int) -> dict[str, int]:
    """How many lines of a file are in each state."""
    return {row["state"]: row["lines"] for row in await connection.fetch(COUNTS, timebank_id, statement_id)}


async def unexplained(connection: Connection, timebank_id: int, limit: int = MAX_LISTED) -> list[LineFacts]:
    """Lines in suspense, oldest first."""
    return _lines(await connection.fetch(UNEXPLAINED, timebank_id, limit))


async def proposed(connection: Connection, timebank_id: int) -> list[LineFacts]:
    """Lines that wait for a second person, those that wait longest in front."""
    return _lines(await connection.fetch(PROPOSED, timebank_id, MAX_LISTED))


async def waiting_of(connection: Connection, timebank_id: int, statement_id: int, limit: int) -> list[LineFacts]:
    """Lines of a file that are not booked yet, oldest first, locked until the transaction ends."""
    return _lines(await connection.fetch(WAITING_OF, timebank_id, statement_id, limit))


async def suspense_after(connection: Connection, timebank_id: int, after: int, limit: int) -> list[LineFacts]:
    """Lines in suspense that nobody has proposed anything for, by id, locked until the transaction ends."""
    return _lines(await connection.fetch(SUSPENSE_AFTER, timebank_id, after, limit))


async def standing_explanation(connection: Connection, timebank_id: int, line_id: int) -> ExplanationFacts | None:
    """The explanation that stands or waits for a second person, or None."""
    row = await connection.fetchrow(EXPLANATION, timebank_id, line_id)
    return msgspec.convert(dict(row), ExplanationFacts) if row else None


async def explanations(connection: Connection, timebank_id: int, line_id: int) -> list[Explained]:
    """Everything that was said of a line, oldest first."""
    return [msgspec.convert(dict(row), Explained) for row in await connection.fetch(EXPLANATIONS, timebank_id, line_id)]


async def world(
    connection: Connection, timebank_id: int, lines: Iterable[LineFacts], slug: str, *, lock: bool = False
) -> World:
    """Every payment and payment run that these lines could be; ``lock`` keeps the payments until the end."""
    references: set[str] = set()
    numbers: set[int] = set()
    for one in lines:
        references |= matching.possible_references(one)
        numbers |= matching.possible_runs(one, slug)
    rows = await connection.fetch(BY_REFERENCES + (LOCK_PAYMENT if lock else ""), timebank_id, sorted(references))
    payments = {row["reference"]: msgspec.convert(dict(row), PaymentFacts) for row in rows}
    numbers = {n for n in numbers if n < 2**31}
    sums = await connection.fetch(RUNS_LEFT, timebank_id, sorted(numbers))
    runs = {row["number"]: Run(row["number"], row["payments"], row["pence"]) for row in sums}
    numbers_of = (
        sorted({one.batch_number for one in payments.values()}),
        sorted({one.line for one in payments.values()}),
    )
    shown = await connection.fetch(MATCHED, timebank_id, *numbers_of)
    return World(payments, {(row["batch_number"], row["payment_line"], row["outcome"]) for row in shown}, runs)


async def on_their_way(connection: Connection, timebank_id: int, number: int) -> list[PaymentFacts]:
    """The payments of a run that are on their way, locked until the transaction ends."""
    rows = await connection.fetch(ON_THEIR_WAY + LOCK_PAYMENT, timebank_id, [number])
    return [msgspec.convert(dict(row), PaymentFacts) for row in rows]


def _lines(rows: Iterable[Any]) -> list[LineFacts]:
    return [msgspec.convert(dict(row), LineFacts) for row in rows]


def statement_from(row: Any) -> StatementFacts | None:
    """A row of :data:`STATEMENT`, or None for none."""
    return msgspec.convert(dict(row), StatementFacts) if row else None
