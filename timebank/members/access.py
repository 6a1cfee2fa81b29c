"""The access log: every look at somebody else's record by staff, which the member can read."""

from datetime import datetime

import msgspec

from timebank.db import Connection, Database
from timebank.kit.actor import Actor
from timebank.kit.paging import Page, page_of

INSERT = "insert into access_log (timebank_id, at, actor_id, subject_id, what) values ($1, $2, $3, $4, $5)"
INSERT_DAILY = """
insert into access_log (timebank_id, at, actor_id, subject_id, what)
select $1, $2, $3, $4, $5
 where not exists (select from access_log
                    where timebank_id = $1 and actor_id = $3 and subject_id = $4 and what = $5
                      and at > $2::timestamptz - interval '1 day')
"""
LOOKS = """
select l.id, l.at, l.what, m.display_name as by_whom
  from access_log l
  join member m on m.timebank_id = l.timebank_id and m.id = l.actor_id
 where l.timebank_id = $1 and l.subject_id = $2
   and ($3::bigint is null or (l.at, l.id) <
        (select before.at, before.id from access_log before where before.timebank_id = $1 and before.id = $3))
 order by l.at desc, l.id desc
 limit $4
"""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a member's record, or something done to it: who, when, and what in words."""

    id: int
    at: datetime
    what: str
    by_whom: str


async def looks(
    connection: Connection, timebank_id: int, member_id: int, *, before: int | None, limit: int
) -> Page[Look]:
    """Who looked at a member's record, newest first; ``before`` is the id of the last line already seen."""
    rows = await connection.fetch(LOOKS, timebank_id, member_id, before, limit + 1)
    return page_of([msgspec.convert(dict(row), Look) for row in rows], limit, lambda look: (look.id,))


async def note_access(db: Database, actor: Actor, subject_id: int, what: str, *, now: datetime) -> None:
    """Write down that the actor looked at a member's record; looking at one's own is nobody's business.

    ``what`` says what was done in words the member will read, such as “looked at the record” (at most 200 characters).
    The member must exist in the actor's time bank.
    """
    async with db.writing(actor.timebank_id) as connection:
        await note_within(connection, actor, subject_id, what, now=now)


async def note_within(connection: Connection, actor: Actor, subject_id: int, what: str, *, now: datetime) -> None:
    """The same, inside the open transaction. What the service does by itself is not a look."""
    if actor.member_id is None or actor.member_id == subject_id:
        return
    await connection.execute(INSERT, actor.timebank_id, now, actor.member_id, subject_id, what)


async def note_daily(db: Database, actor: Actor, subject_id: int, what: str, *, now: datetime) -> None:
    """Write down a look once a day: for what a page shows each time it is opened, such as a picture in a list."""
    if actor.member_id is None or actor.member_id == subject_id:
        return
    async with db.writing(actor.timebank_id) as connection:
        await connection.execute(INSERT_DAILY, actor.timebank_id, now, actor.member_id, subject_id, what)
