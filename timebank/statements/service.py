"""The code of a printed statement: made while its member lets others check, and checked by whoever holds the paper."""

from datetime import date, datetime

import msgspec

from timebank.db import Connection, Database
from timebank.home.dated import Dated
from timebank.kit.actor import Actor
from timebank.kit.ids import sha256
from timebank.kit.refusal import Refusal
from timebank.statements import rules

MEMBER_NOW = """
select statement_round from member
 where timebank_id = $1 and id = $2 and statement_checks and status <> 'left' for key share
"""
SAME_PAPER = """
select code from statement_code
 where timebank_id = $1 and member_id = $2 and first_on = $3 and last_on = $4 and made_on = $5
   and opening_minutes = $6 and came_minutes = $7 and went_minutes = $8 and entries = $9 and display_name = $10
   and round = $11
"""
NEW_CODE = """
insert into statement_code
    (timebank_id, member_id, first_on, last_on, made_on, opening_minutes, came_minutes, went_minutes, entries,
     display_name, round, closing_minutes, code, code_sha256, made_by, made_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
on conflict do nothing
"""
FIND = "select timebank_id, id from find_statement_code($1)"
PAPER = """
select t.name as timebank_name, c.display_name, c.first_on, c.last_on, c.opening_minutes, c.came_minutes,
       c.went_minutes, c.closing_minutes, c.entries, c.made_on
  from statement_code c join timebank t on t.id = c.timebank_id
 where c.timebank_id = $1 and c.id = $2
"""
LOOKED = "insert into statement_look (timebank_id, code_id, at) values ($1, $2, $3)"
COUNT = """
insert into statement_try (mark, hour, times) values ($1, date_trunc('hour', $2::timestamptz), 1)
on conflict (mark, hour) do update set times = statement_try.times + 1
returning times
"""
WAS_RIGHT = """
update statement_try set times = greatest(times - 1, 0)
 where mark = $1 and hour = date_trunc('hour', $2::timestamptz)
"""
FORGET = "delete from statement_try where hour < $1::timestamptz - interval '1 day'"
LOOKS = """
select l.at, c.first_on, c.last_on, c.made_on
  from statement_look l
  join statement_code c on c.timebank_id = l.timebank_id and c.id = l.code_id
 where l.timebank_id = $1 and c.member_id = $2
 order by l.id desc
 limit $3
"""
MAX_LOOKS = 50


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """What a printed statement should say; minutes. Nothing else is told about its member."""

    timebank_name: str
    display_name: str
    first_on: date
    last_on: date
    opening_minutes: int
    came_minutes: int
    went_minutes: int
    closing_minutes: int
    entries: int
    made_on: date


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody checked one of a member's papers: when, and which one."""

    at: datetime
    first_on: date
    last_on: date
    made_on: date


async def code_for(
    db: Database, actor: Actor, member_id: int, name: str, found: Dated, *, on: date, now: datetime
) -> str:
    """The code for a statement as it is printed on a day; empty when the member lets nobody check.

    The same paper printed again on that day has the same code, so that printing twice changes nothing.
    """
    async with db.writing(actor.timebank_id) as connection:
        is_round = await connection.fetchval(MEMBER_NOW, actor.timebank_id, member_id)
        if is_round is None:
            return ""
        says = (
            actor.timebank_id, member_id, found.first, found.last, on, found.opening, found.came, found.went,
            len(found.rows), name, is_round,
        )  # fmt: skip
        there = await connection.fetchval(SAME_PAPER, *says)
        if there is None:
            code = rules.new_code()
            made = (found.closing, code, sha256(code), actor.member_id or member_id, now)
            await connection.execute(NEW_CODE, *says, *made)
            # Somebody else may have printed the same paper meanwhile.
            there = await connection.fetchval(SAME_PAPER, *says)
    return str(there)


async def check(db: Database, typed: str, *, network: str, now: datetime) -> Paper | list[Refusal]:
    """What the paper with this code should say. Its member reads that somebody checked, not who.

    A code that does not exist, has ended or whose member lets nobody check gets the same answer. Wrong codes are
    counted for each network and hour.

    Refusals: ``code_missing``, ``code_mistyped``, ``code_unknown``, ``too_many_tries``.
    """
    code = rules.read_code(typed)
    if isinstance(code, Refusal):
        return [code]
    mark = rules.network_mark(network, now.date().isoformat())
    async with db.globally() as connection:
        await connection.execute(FORGET, now)
        # Counted before it is known to be wrong, so that many tries at once cannot pass the limit together.
        if await connection.fetchval(COUNT, mark, now) > rules.MAX_TRIES_PER_HOUR:
            return [rules.TOO_MANY]
    async with db.globally() as connection:
        found = await connection.fetchrow(FIND, sha256(code))
    if found is None:
        return [rules.UNKNOWN]
    async with db.writing(found["timebank_id"]) as connection:
        row = await connection.fetchrow(PAPER, found["timebank_id"], found["id"])
        await connection.execute(LOOKED, found["timebank_id"], found["id"], now)
    async with db.globally() as connection:
        await connection.execute(WAS_RIGHT, mark, now)
    return Paper(**row)


async def looks(connection: Connection, timebank_id: int, member_id: int) -> list[Look]:
    """When somebody checked a member's papers, newest first, at most :data:`MAX_LOOKS`."""
    return [Look(**row) for row in await connection.fetch(LOOKS, timebank_id, member_id, MAX_LOOKS)]
