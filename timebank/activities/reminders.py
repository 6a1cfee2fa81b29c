"""Reminders before a session, each by the member's own channel. A job: harmless to run twice or late."""

from datetime import date, datetime, time, timedelta

import msgspec

from timebank.activities import recurrence, words
from timebank.banks import queries as banks
from timebank.db import Connection, Database
from timebank.kit import clock
from timebank.kit.words import joined, say
from timebank.messages.service import Message, send

DAYS_BEFORE = 2
LETTER_DAYS = 7  # what a letter needs to arrive
MAX_AT_ONCE = 1000

DUE = """
select t.session_id, t.member_id, t.signed_up_at, m.contact_route, a.name, a.place, s.room, s.papers, s.held_on,
       s.starts_at, t.reminded_for
  from session s
  join activity a on a.timebank_id = s.timebank_id and a.id = s.activity_id and not a.is_archived
  join attendance t on t.timebank_id = s.timebank_id and t.session_id = s.id and t.signed_up_at is not null
  join member m on m.timebank_id = t.timebank_id and m.id = t.member_id and m.status = 'active'
 where s.timebank_id = $1 and s.state = 'planned' and s.held_on between $2 and $3
 order by s.held_on, s.starts_at, t.session_id, t.member_id
   for update of t skip locked
"""
REMINDED = """
update attendance t set reminded_for = r.moment
  from unnest($2::bigint[], $3::bigint[], $4::timestamptz[]) as r (session_id, member_id, moment)
 where t.timebank_id = $1 and t.session_id = r.session_id and t.member_id = r.member_id
"""


class _Due(msgspec.Struct, frozen=True, kw_only=True):
    session_id: int
    member_id: int
    signed_up_at: datetime
    contact_route: str
    name: str
    place: str
    room: str
    papers: str
    held_on: date
    starts_at: time
    reminded_for: datetime | None


async def remind(db: Database, timebank_id: int, now: datetime) -> int:
    """Remind everybody who signed up, two days before (a letter sets out a week earlier); say how many.

    Who signed up later than that has just been told and is not reminded. A session that moved is reminded of anew.
    """
    async with db.writing(timebank_id) as connection:
        zone = (await banks.by_id(connection, timebank_id)).time_zone
        due = await _due(connection, timebank_id, zone, now)
        await send(connection, timebank_id, [_message(one, start) for one, start in due], now=now)
        await connection.execute(
            REMINDED,
            timebank_id,
            [one.session_id for one, _ in due],
            [one.member_id for one, _ in due],
            [start for _, start in due],
        )
    return len(due)


async def _due(connection: Connection, timebank_id: int, zone: str, now: datetime) -> list[tuple[_Due, datetime]]:
    today = clock.today(now, zone)
    rows = await connection.fetch(DUE, timebank_id, today, today + timedelta(days=DAYS_BEFORE + LETTER_DAYS + 1))
    found = []
    for row in rows:
        one = msgspec.convert(dict(row), _Due)
        start = recurrence.moment(one.held_on, one.starts_at, zone)
        before = timedelta(days=DAYS_BEFORE + (LETTER_DAYS if one.contact_route == "letter" else 0))
        if one.signed_up_at < start - before <= now < start and one.reminded_for != start:
            found.append((one, start))
    return found[:MAX_AT_ONCE]


def _message(one: _Due, start: datetime) -> Message:
    when = words.when(one.held_on, one.starts_at)
    where = ", ".join(part for part in (one.room, one.place) if part)
    lines = [say("You are on the list for {name} on {when}.", name=one.name, when=when)]
    lines += [say("It is at {place}.", place=where)] if where else []
    lines += [say("To read or bring: {papers}", papers=one.papers)] if one.papers else []
    lines.append(say("If you cannot come, take your name off the list, or tell us."))
    return Message(
        member_id=one.member_id,
        kind="session_reminder",
        subject=words.subject(say("{name} is on {when}", name=one.name, when=when)),
        body=joined(*lines),
        path=f"/whats-on/{one.session_id}",
        is_urgent=True,
        dedupe=f"session:{one.session_id}:reminder:{start.isoformat()}:{one.member_id}",
    )
