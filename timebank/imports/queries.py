"""Reading imports: the files, what became of their lines, and words for the entries they made."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from ledger import balances
from timebank.banks import queries as banks
from timebank.db import Connection
from timebank.hours.queries import EntryWords
from timebank.imports.formats import BY_NAME, Format
from timebank.imports.people import MEMBER, TO_ADD, MemberFacts
from timebank.imports.plan import ENTRY_PART, Facts
from timebank.imports.rules import Answers
from timebank.kit.clock import today
from timebank.kit.paging import MAX_KEY
from timebank.kit.words import joined, say
from timebank.members import queries as members

MAX_RUNS = 50
MAX_LINES_READ = 500

RUN = """
select r.id, r.format, r.file_name, r.size_bytes, r.sha256, r.state, r.answers, r.uploaded_by, r.created_at,
       r.started_by, r.started_at, r.ended_at, r.steps, r.position, r.forced
  from import_run r
"""
ONE_RUN = RUN + " where r.timebank_id = $1 and r.id = $2"
LOCKED_RUN = ONE_RUN + " for update"
# A file that was dropped before it was started left nothing.
RUNS = (
    RUN
    + """
 where r.timebank_id = $1 and r.state <> 'receiving' and (r.state <> 'cancelled' or r.started_at is not null)
 order by r.created_at desc, r.id desc limit $2
"""
)
SAME_FILE = """
select id from import_run
 where timebank_id = $1 and format = $2 and sha256 = $3 and state = any($4::text[])
 order by id desc limit 1
"""
RUNNING = "select id from import_run where timebank_id = $1 and state = 'running'"
CONTENT = "select content from import_piece where timebank_id = $1 and import_id = $2 order by n"

EVERYBODY = "select id, number, display_name, email, status from member where timebank_id = $1 order by id"
KNOWN = "select code, member_id from import_person where timebank_id = $1 and source = $2"
DONE = "select key from import_line where timebank_id = $1 and state = 'taken'"
# Whom a line's account belongs to, where the file calls them by a name of its own.
_SIDES = """
  left join import_person giving on giving.timebank_id = l.timebank_id and giving.source = r.source
        and l.payer like 'person/%' and giving.code = substr(l.payer, 8)
  left join import_person getting on getting.timebank_id = l.timebank_id and getting.source = r.source
        and l.payee like 'person/%' and getting.code = substr(l.payee, 8)
"""
_PAYER = "coalesce('member/' || giving.member_id, l.payer) as payer"
_PAYEE = "coalesce('member/' || getting.member_id, l.payee) as payee"
BROUGHT = f"""
select {_PAYER}, {_PAYEE}
  from import_line l
  join import_run r on r.timebank_id = l.timebank_id and r.id = l.import_id {_SIDES}
 where l.timebank_id = $1 and l.state = 'taken' and l.kind = 'balance'
"""  # noqa: S608
COUNTS = """
select l.kind, count(*) as lines,
       case when l.state <> 'taken' then l.state when l.step <= r.position then 'done' else 'ready' end as state,
       coalesce(sum(l.minutes) filter (where l.kind = 'exchange'), 0) as minutes,
       count(*) filter (where l.rounded <> '') as rounded
  from import_line l
  join import_run r on r.timebank_id = l.timebank_id and r.id = l.import_id
 where l.timebank_id = $1 and l.import_id = $2 group by l.kind, 3
"""
FORCED = "select forced from import_run where timebank_id = $1 and id = $2"
LINES = f"""
select l.line, l.part, l.kind, l.why, l.who, {_PAYER}, {_PAYEE}, l.minutes, l.rounded, l.happened_on, l.words,
       l.member_id,
       case when l.state <> 'taken' then l.state when l.step <= r.position then 'done' else 'ready' end as state,
       coalesce(f.reason, '') as forced, q.made as entry_id
  from import_line l
  join import_run r on r.timebank_id = l.timebank_id and r.id = l.import_id {_SIDES}
  left join ledger.request q on q.book_id = l.timebank_id and l.kind <> 'member' and l.state = 'taken'
        and q.key = format('import:%s:%s:%s', l.import_id, l.line, l.part)
  left join ledger.forced f on f.book_id = q.book_id and f.entry_id = q.made
 where l.timebank_id = $1 and l.import_id = $2 and (l.line, l.part) > ($3, $4)
 order by l.line, l.part limit $5
"""  # noqa: S608
NOT_ADDED = """
select line, kind, state, why, who
  from import_line
 where timebank_id = $1 and import_id = $2 and state in ('refused', 'left_out')
 order by line, part limit $3
"""
DESCRIBED = f"""
select e.id as entry_id, l.kind, {_PAYER}, {_PAYEE}, l.words, l.happened_on, r.format, r.started_by
  from ledger.entry e
  join import_line l on l.timebank_id = e.book_id and l.import_id = (e.meta ->> 'import')::bigint
       and l.line = (e.meta ->> 'line')::integer and l.part = $3
  join import_run r on r.timebank_id = l.timebank_id and r.id = l.import_id {_SIDES}
 where e.book_id = $1 and e.id = any($2::uuid[]) and e.kind in ('imported', 'imported_balance')
"""  # noqa: S608
PEOPLE = "select code, member_id from import_person where timebank_id = $1 and source = $2 and code = any($3::text[])"


@dataclass(frozen=True, slots=True)
class Run:
    """A file that was brought. ``position`` of ``steps`` are done. The command itself has no ``uploaded_by``."""

    id: int
    format: str
    file_name: str
    size_bytes: int
    sha256: bytes | None
    state: str
    answers: Answers
    uploaded_by: int | None
    created_at: datetime
    started_by: int | None
    started_at: datetime | None
    ended_at: datetime | None
    steps: int
    position: int
    forced: int

    @property
    def wanted(self) -> Format:
        """Its format."""
        return BY_NAME[self.format]

    @property
    def percent(self) -> int:
        """How much of it is done; 100 only when all is."""
        return 100 if self.position == self.steps else 100 * self.position // self.steps


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the lines so far. ``minutes`` are those of the exchanges that were entered."""

    lines: Counter[tuple[str, str]]
    minutes: int
    forced: int
    rounded: int

    def of(self, state: str, *kinds: str) -> int:
        """How many parts are in a state, of these kinds or of all."""
        return sum(n for (kind, at), n in self.lines.items() if at == state and (not kinds or kind in kinds))


@dataclass(frozen=True, slots=True)
class Line:
    """One part of a line, as the report shows it."""

    line: int
    part: int
    kind: str
    state: str
    why: str
    who: str
    payer: str
    payee: str
    minutes: int | None
    rounded: str
    happened_on: date | None
    words: str
    member_id: int | None
    entry_id: UUID | None
    forced: str

    @property
    def member_ids(self) -> tuple[int | None, int | None]:
        """Who gave the minutes and who got them, where it was members."""
        return member_of(self.payer), member_of(self.payee)


async def run(connection: Connection, timebank_id: int, import_id: int, *, lock: bool = False) -> Run | None:
    """One import, or None when this time bank has no such import. ``lock`` keeps others away until the end."""
    if not 0 < import_id <= MAX_KEY:
        return None
    row = await connection.fetchrow(LOCKED_RUN if lock else ONE_RUN, timebank_id, import_id)
    return _run(row) if row else None


async def runs(connection: Connection, timebank_id: int) -> list[Run]:
    """The imports, newest first, at most MAX_RUNS."""
    return [_run(row) for row in await connection.fetch(RUNS, timebank_id, MAX_RUNS)]


async def running(connection: Connection, timebank_id: int) -> int | None:
    """The import that is under way, if one is."""
    found: int | None = await connection.fetchval(RUNNING, timebank_id)
    return found


async def same_file(
    connection: Connection, timebank_id: int, format_name: str, sha256: bytes, *states: str
) -> int | None:
    """The newest import of the same bytes in one of these states."""
    found: int | None = await connection.fetchval(SAME_FILE, timebank_id, format_name, sha256, list(states))
    return found


async def content(connection: Connection, timebank_id: int, import_id: int) -> bytes:
    """The file as it came; empty once the import has ended."""
    return b"".join(row["content"] for row in await connection.fetch(CONTENT, timebank_id, import_id))


async def facts(connection: Connection, timebank_id: int, wanted: Format, *, now: datetime) -> Facts:
    """All that a plan needs to know of the time bank."""
    bank = await banks.by_id(connection, timebank_id)
    day = today(now, bank.time_zone)
    _, in_force = await banks.rules_in_force(connection, timebank_id, day)
    everybody = await connection.fetch(EVERYBODY, timebank_id)
    brought = await connection.fetch(BROUGHT, timebank_id)
    posted = await balances(connection, timebank_id, [f"{MEMBER}{row['id']}" for row in everybody])
    return Facts(
        today=day,
        zone=ZoneInfo(bank.time_zone),
        members=[_member(row, posted.get(f"{MEMBER}{row['id']}")) for row in everybody],
        known={row["code"]: row["member_id"] for row in await connection.fetch(KNOWN, timebank_id, wanted.source)},
        done=frozenset(row["key"] for row in await connection.fetch(DONE, timebank_id)),
        floor=-in_force.member_floor_minutes,
        minimum_age=in_force.minimum_age,
        brought=frozenset(
            member for row in brought for member in (member_of(row["payer"]), member_of(row["payee"])) if member
        ),
    )


async def outcome(connection: Connection, timebank_id: int, import_id: int) -> Outcome:
    """What became of an import's lines."""
    rows = await connection.fetch(COUNTS, timebank_id, import_id)
    forced = await connection.fetchval(FORCED, timebank_id, import_id)
    lines: Counter[tuple[str, str]] = Counter({(row["kind"], row["state"]): row["lines"] for row in rows})
    done = [row for row in rows if row["state"] == "done"]
    return Outcome(
        lines,
        minutes=sum(int(row["minutes"]) for row in done),
        forced=int(forced or 0),
        rounded=sum(row["rounded"] for row in done),
    )


async def lines(
    connection: Connection,
    timebank_id: int,
    import_id: int,
    *,
    after: tuple[int, int] = (0, 0),
    limit: int = MAX_LINES_READ,
) -> list[Line]:
    """The parts of an import's lines after one of them, in the order of the file."""
    rows = await connection.fetch(LINES, timebank_id, import_id, *after, limit)
    return [Line(**row) for row in rows]


async def not_added(connection: Connection, timebank_id: int, import_id: int, *, limit: int) -> list[Any]:
    """The first lines that were refused or left out: line, kind, state, why, who."""
    rows: list[Any] = await connection.fetch(NOT_ADDED, timebank_id, import_id, limit)
    return rows


async def describe_entries(
    connection: Connection, timebank_id: int, entry_ids: Sequence[UUID]
) -> dict[UUID, EntryWords]:
    """Words for those of the ledger's entries that an import made. Names are looked up now, never stored."""
    if not entry_ids:
        return {}
    rows = await connection.fetch(DESCRIBED, timebank_id, list(entry_ids), ENTRY_PART)
    people = {
        member
        for row in rows
        for member in (member_of(row["payer"]), member_of(row["payee"]), row["started_by"])
        if member
    }
    name = await members.names(connection, timebank_id, sorted(people)) if people else {}
    return {row["entry_id"]: _words(row, name) for row in rows}


async def accounts_behind(
    connection: Connection, timebank_id: int, source: str, accounts: Iterable[str]
) -> dict[str, str]:
    """The members' accounts of those whom a file calls by a name of its own (``person/<code>``)."""
    codes = sorted({account.removeprefix(TO_ADD) for account in accounts if account.startswith(TO_ADD)})
    rows = await connection.fetch(PEOPLE, timebank_id, source, codes) if codes else []
    return {f"{TO_ADD}{row['code']}": f"{MEMBER}{row['member_id']}" for row in rows}


def _words(row: Any, name: dict[int, str]) -> EntryWords:
    brought = say("brought over from {program}", program=BY_NAME[row["format"]].program)
    made_by = name.get(row["started_by"] or 0, "")
    if row["kind"] == "balance":
        return EntryWords(title=say("Hours from before"), detail=brought, made_by=made_by)
    giver, receiver = (name.get(member_of(row[side]) or 0, "") for side in ("payee", "payer"))
    detail = brought
    if giver and receiver:
        detail = joined(say("{giver} helped {receiver}", giver=giver, receiver=receiver), brought, by=", ")
    return EntryWords(title=row["words"] or say("An exchange"), detail=detail, made_by=made_by)


def member_of(account: str) -> int | None:
    """The member whose account this is; None for an account of the time bank."""
    return int(account.removeprefix(MEMBER)) if account.startswith(MEMBER) else None


def _member(row: Any, balance: Any) -> MemberFacts:
    return MemberFacts(
        **row, posted=balance.posted if balance else 0, has_entries=balance is not None and balance.seq > 0
    )


def _run(row: Any) -> Run:
    return Run(**{**row, "answers": msgspec.convert(row["answers"], Answers)})
