"""Packing: what waits for a member becomes an e-mail, a text, a call or a letter. Safe to repeat."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from timebank.banks import queries as banks
from timebank.banks.rules import TimeBankFacts, is_practice
from timebank.db import Connection, Database
from timebank.messages import rules

MAX_MEMBERS = 500
MAX_NOTES = 30

# Whoever has left gets nothing more; whoever paused only what is urgent, such as how to stay after asking to leave.
# Nothing goes to the family of somebody who died. What they changed their mind about goes the new way.
DROP_MESSAGES = """
update message m set state = 'dropped'
  from member p
 where m.timebank_id = $1 and m.state = 'waiting'
   and p.timebank_id = m.timebank_id and p.id = m.member_id
   and (p.status = 'left' or (p.status = 'paused' and (not m.is_urgent or exists (
        select from departure gone where gone.timebank_id = p.timebank_id and gone.member_id = p.id
           and gone.kind = 'died' and gone.state = 'waiting'))))
"""
DROP_DELIVERIES = """
update delivery d set state = 'dropped', claimed_until = null
  from member p
 where d.timebank_id = $1 and d.state = 'waiting'
   and p.timebank_id = d.timebank_id and p.id = d.member_id
   and (p.status = 'left' or (p.status = 'paused' and not exists (
        select from message m where m.timebank_id = d.timebank_id and m.delivery_id = d.id and m.is_urgent)))
"""
CHANGED_THEIR_MIND = """
with changed as (
    update delivery d set state = 'dropped'
      from member p
     where d.timebank_id = $1 and d.state = 'waiting' and d.batch is null and d.only_address = ''
       and (d.claimed_until is null or d.claimed_until <= $2)
       and p.timebank_id = d.timebank_id and p.id = d.member_id and p.contact_route <> d.channel
    returning d.id)
update message m set state = 'waiting', delivery_id = null
  from changed
 where m.timebank_id = $1 and m.delivery_id = changed.id
"""
KEEP = """
update message m set state = 'kept'
  from member p
 where m.timebank_id = $1 and m.state = 'waiting'
   and p.timebank_id = m.timebank_id and p.id = m.member_id and p.contact_route = 'none'
   and m.only_route = ''
"""
# Nothing leaves a practice time bank.
KEEP_ALL = "update message set state = 'kept' where timebank_id = $1 and state = 'waiting'"
TOO_OLD = """
update delivery set state = 'failed', trouble = $3, claimed_until = null
 where timebank_id = $1 and state = 'waiting' and channel in ('email', 'sms') and queued_at < $2
   and (claimed_until is null or claimed_until <= $4)
"""
WAITING = """
select m.member_id, m.is_urgent, coalesce(nullif(m.only_route, ''), p.contact_route) as channel, m.only_address,
       min(m.created_at) as oldest,
       (array_agg(m.id order by m.id))[:$3] as ids,
       (select count(*) from delivery d
         where d.timebank_id = $1 and d.member_id = m.member_id and d.created_at >= $2) as sent_today
  from message m
  join member p on p.timebank_id = m.timebank_id and p.id = m.member_id
 where m.timebank_id = $1 and m.state = 'waiting'
 group by m.member_id, m.is_urgent, m.only_route, m.only_address, p.contact_route
 order by min(m.created_at), m.member_id
 limit $4
"""
OPEN_BY_HAND = """
select id from delivery
 where timebank_id = $1 and member_id = $2 and channel = $3 and state = 'waiting' and batch is null
   and only_address = ''
   for update
"""
NEW = """
insert into delivery (timebank_id, member_id, channel, only_address, created_at, queued_at, next_at)
values ($1, $2, $3, $4, $5, $5, $5)
returning id
"""
PUT_IN = """
update message set state = 'packed', delivery_id = $3
 where timebank_id = $1 and id = any($2::bigint[]) and state = 'waiting'
"""


async def pack(db: Database, timebank_id: int, now: datetime) -> None:
    """Pack what waits in one time bank, as :func:`timebank.messages.rules.goes_now` says."""
    async with db.writing(timebank_id) as connection:
        bank = await banks.by_id(connection, timebank_id)
        if is_practice(bank.slug):
            await connection.execute(KEEP_ALL, timebank_id)
            return
        await connection.execute(DROP_MESSAGES, timebank_id)
        await connection.execute(DROP_DELIVERIES, timebank_id)
        await connection.execute(CHANGED_THEIR_MIND, timebank_id, now)
        await connection.execute(KEEP, timebank_id)
        why = rules.TOO_OLD.format(days=rules.TOO_OLD_AFTER.days)
        await connection.execute(TOO_OLD, timebank_id, now - rules.TOO_OLD_AFTER, why, now)
        await _pack_waiting(connection, bank, now)


async def _pack_waiting(connection: Connection, bank: TimeBankFacts, now: datetime) -> None:
    day = rules.start_of_day(now, bank.time_zone)
    for row in await connection.fetch(WAITING, bank.id, day, MAX_NOTES, MAX_MEMBERS):
        is_due = rules.goes_now(
            channel=row["channel"],
            oldest=row["oldest"],
            is_urgent=row["is_urgent"],
            sent_today=row["sent_today"],
            now=now,
            time_zone=bank.time_zone,
        )
        if is_due:
            delivery_id = await _delivery(connection, bank.id, row, now)
            await connection.execute(PUT_IN, bank.id, row["ids"], delivery_id)


async def _delivery(connection: Connection, timebank_id: int, row: Mapping[str, Any], now: datetime) -> int:
    """A new delivery, or the letter or call that is still open."""
    member_id, channel = row["member_id"], row["channel"]
    if channel in rules.BY_HAND and not row["only_address"]:
        there = await connection.fetchval(OPEN_BY_HAND, timebank_id, member_id, channel)
        if there is not None:
            return int(there)
    return int(await connection.fetchval(NEW, timebank_id, member_id, channel, row["only_address"], now))
