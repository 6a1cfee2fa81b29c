"""Reading a member's hours: how many, what each entry was, and how much time they gave and used."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

import ledger
from timebank.db import Connection
from timebank.hours import pot_queries
from timebank.hours.rules import GIFT, account_of, member_in
from timebank.kit.words import say
from timebank.members.queries import names

MAX_LINES_COUNTED = 5_000
"""Totals look at this many of the newest entries at most, so that a page costs the same for the busiest member."""

GIFTS = """
select e.id, e.actor, a.code as account, leg.amount
  from ledger.entry e
 cross join lateral unnest(e.accounts, e.amounts) as leg (account_id, amount)
  join ledger.account a on a.book_id = e.book_id and a.id = leg.account_id
 where e.book_id = $1 and e.id = any($2::uuid[]) and e.kind = $3
"""

TOTALS = """
with newest as (
    select p.entry_id, p.amount, p.effective_on
      from ledger.posting p
     where p.book_id = $1
       and p.account_id = (select id from ledger.account where book_id = $1 and code = $2)
     order by p.seq desc
     limit $4
)
select e.kind,
       coalesce(sum(n.amount) filter (where n.amount > 0), 0)::bigint as came,
       coalesce(-sum(n.amount) filter (where n.amount < 0), 0)::bigint as went
  from newest n
  join ledger.entry e on e.book_id = $1 and e.id = n.entry_id
 where n.effective_on >= $3
 group by e.kind
"""

# One statement, so that what came before and the entries belong to the same moment.
BETWEEN = """
with mine as (
    select p.seq, p.entry_id, p.amount, p.balance_after, p.effective_on, p.recorded_at
      from ledger.posting p
     where p.book_id = $1
       and p.account_id = (select id from ledger.account where book_id = $1 and code = $2)
       and p.effective_on <= $4
), opening as (
    select coalesce(sum(amount), 0)::bigint as minutes from mine where effective_on < $3
)
select opening.minutes as opening, l.seq, l.entry_id, e.kind, l.amount, l.balance_after, l.effective_on, l.recorded_at,
       e.actor, e.meta::text as meta
  from opening
  left join (select * from mine where effective_on >= $3 order by effective_on, seq limit $5) l on true
  left join ledger.entry e on e.book_id = $1 and e.id = l.entry_id
 order by l.effective_on, l.seq
"""

MONTHS = """
select date_trunc('month', p.effective_on)::date as month, count(*)::integer as entries,
       coalesce(sum(p.amount) filter (where p.amount > 0), 0)::bigint as came,
       coalesce(-sum(p.amount) filter (where p.amount < 0), 0)::bigint as went
  from ledger.posting p
 where p.book_id = $1
   and p.account_id = (select id from ledger.account where book_id = $1 and code = $2)
 group by 1
 order by 1 desc
"""


class HoursNow(msgspec.Struct, frozen=True, kw_only=True):
    """Where a member's hours stand, in minutes: all of them, those set aside for bookings, and those free to use."""

    posted: int
    set_aside: int
    available: int


class HoursLine(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as its member sees it. ``minutes`` is positive when hours came; ``seq`` leads to older ones."""

    seq: int
    entry_id: UUID
    kind: str
    minutes: int
    balance_after: int
    happened_on: date
    recorded_at: datetime
    actor: str
    acting_id: int | None = None
    """The stretch of time in which somebody acted for the member, when this was done for them."""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """Minutes that came to a member and went from them through one kind of entry; both are zero or more."""

    came: int
    went: int


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """A month of a member's hours, by its first day: the minutes that came and that went, both zero or more."""

    month: date
    entries: int
    came: int
    went: int


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """A member's entries of some days in the order of their days, and what they had before: ``opening`` plus all
    minutes is what they had after the last day. None are left out, or ``is_cut`` is True.
    """

    opening: int
    lines: tuple[HoursLine, ...]
    is_cut: bool


class EntryWords(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry was: what happened, more about it, and the name of who recorded it ("" when nobody did)."""

    title: str
    detail: str = ""
    made_by: str = ""


async def balance(connection: Connection, timebank_id: int, member_id: int) -> HoursNow:
    """How many minutes a member has, and how many of them are set aside.

    Raises:
        LookupError: there is no such member in this time bank.
    """
    there = await ledger.balance(connection, timebank_id, account_of(member_id))
    free = there.posted - there.held_out if there.available is None else there.available
    return HoursNow(posted=there.posted, set_aside=there.held_out, available=free)


async def statement(
    connection: Connection, timebank_id: int, member_id: int, before: int | None = None, limit: int = 50
) -> list[HoursLine]:
    """A member's entries, newest first; ``before`` is the ``seq`` of the last one already seen.

    Raises:
        LookupError: there is no such member in this time bank.
    """
    lines = await ledger.statement(connection, timebank_id, account_of(member_id), before=before, limit=limit)
    return [
        HoursLine(
            seq=line.seq,
            entry_id=line.entry_id,
            kind=line.kind,
            minutes=line.amount,
            balance_after=line.balance_after,
            happened_on=line.effective_on,
            recorded_at=line.recorded_at,
            actor=line.actor,
            acting_id=_whole(line.meta.get("acting")),
        )
        for line in lines
    ]


async def between(
    connection: Connection, timebank_id: int, member_id: int, first: date, last: date, *, limit: int
) -> Stretch:
    """A member's entries from ``first`` to ``last`` (both included), at most ``limit``, and what they had before.

    A member without an account, or none, has nothing.
    """
    rows = await connection.fetch(BETWEEN, timebank_id, account_of(member_id), first, last, limit + 1)
    lines = [
        HoursLine(
            seq=row["seq"],
            entry_id=row["entry_id"],
            kind=row["kind"],
            minutes=row["amount"],
            balance_after=row["balance_after"],
            happened_on=row["effective_on"],
            recorded_at=row["recorded_at"],
            actor=row["actor"],
            acting_id=_whole((msgspec.json.decode(row["meta"]) if row["meta"] else {}).get("acting")),
        )
        for row in rows
        if row["seq"] is not None
    ]
    return Stretch(opening=rows[0]["opening"], lines=tuple(lines[:limit]), is_cut=len(lines) > limit)


async def months(connection: Connection, timebank_id: int, member_id: int) -> list[Month]:
    """The months in which something happened to a member's hours, newest first."""
    return [Month(**row) for row in await connection.fetch(MONTHS, timebank_id, account_of(member_id))]


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


async def moved_since(connection: Connection, timebank_id: int, member_id: int, since: date) -> dict[str, Moved]:
    """Minutes that came and went since a day, by kind of entry; over the newest :data:`MAX_LINES_COUNTED` entries."""
    rows = await connection.fetch(TOTALS, timebank_id, account_of(member_id), since, MAX_LINES_COUNTED)
    return {row["kind"]: Moved(came=row["came"], went=row["went"]) for row in rows}


async def describe_entries(
    connection: Connection, timebank_id: int, entry_ids: Sequence[UUID], *, reader_id: int | None = None
) -> dict[UUID, EntryWords]:
    """Words for the gifts among ``entry_ids``; others are left out. ``reader_id`` is the member reading, if one is.

    Names are looked up now and never stored with the entry.
    """
    if not entry_ids:
        return {}
    rows = await connection.fetch(GIFTS, timebank_id, list(entry_ids), GIFT)
    if not rows:
        return {}
    sides: dict[UUID, tuple[int | None, int | None]] = {}
    actors: dict[UUID, int | None] = {}
    for row in rows:
        giver, receiver = sides.get(row["id"], (None, None))
        who = member_in(row["account"])
        sides[row["id"]] = (who, receiver) if row["amount"] < 0 else (giver, who)
        actors[row["id"]] = member_in(row["actor"])
    people = {each for pair in sides.values() for each in pair if each} | {each for each in actors.values() if each}
    known = await names(connection, timebank_id, sorted(people))
    return {
        entry_id: EntryWords(
            title=_gift_in_words(giver, receiver, reader_id, known), made_by=known.get(actors[entry_id] or 0, "")
        )
        for entry_id, (giver, receiver) in sides.items()
    }


async def describe_pot_help(
    connection: Connection, timebank_id: int, entry_ids: Sequence[UUID]
) -> dict[UUID, EntryWords]:
    """Words for help from the pot among ``entry_ids``. What it was for is not said: others may see the page."""
    rows = await connection.fetch(pot_queries.OF_ENTRIES, timebank_id, list(entry_ids))
    return {row["entry_id"]: EntryWords(title=say("From the community pot"), made_by=row["made_by"]) for row in rows}


def _gift_in_words(giver: int | None, receiver: int | None, reader_id: int | None, known: dict[int, str]) -> str:
    from_whom = known.get(giver or 0) or say("a member")
    to_whom = say("the community pot") if receiver is None else known.get(receiver) or say("a member")
    if reader_id is not None and reader_id == giver:
        return say("A gift to {name}", name=to_whom)
    if reader_id is not None and reader_id == receiver:
        return say("A gift from {name}", name=from_whom)
    return say("A gift from {giver} to {receiver}", giver=from_whom, receiver=to_whom)
