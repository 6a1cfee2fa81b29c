"""What people who signed up are told when a session is changed or cancelled."""

from collections.abc import Sequence
from datetime import date, time

import msgspec

from timebank.activities import words
from timebank.activities.recurrence import Occurrence
from timebank.activities.rules import SessionDetails
from timebank.db import Connection
from timebank.kit import names
from timebank.kit.words import Minutes, Words, joined, say
from timebank.messages.service import Message

SIGNED_UP = """
select member_id from attendance
 where timebank_id = $1 and session_id = $2 and signed_up_at is not null order by member_id
"""


class StoredSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session as it is stored, as far as changing it needs to know."""

    id: int
    activity_id: int
    series_id: int | None
    held_on: date
    starts_at: time
    planned_minutes: int
    room: str
    state: str
    version: int


async def tell_of_change(
    connection: Connection,
    timebank_id: int,
    name: str,
    before: StoredSession,
    there: Occurrence,
    details: SessionDetails,
) -> list[Message]:
    """What everybody who signed up is told when a session has another day, time, length or room; else nothing."""
    same_place = names.tidy(details.room) == before.room and details.planned_minutes == before.planned_minutes
    if same_place and (there.day, there.starts_at) == (before.held_on, before.starts_at):
        return []
    was = words.when(before.held_on, before.starts_at)
    is_now = words.when(there.day, there.starts_at)
    if was == is_now:
        body = say("It is still on {when}.", when=was)
        subject = say("{name} on {when} has changed", name=name, when=was)
    else:
        body = say("It was to be on {before}. It is now on {when}.", before=was, when=is_now)
        subject = say("{name} is now on {when}", name=name, when=is_now)
    if details.planned_minutes != before.planned_minutes:
        body = say("{so_far} It takes {length}.", so_far=body, length=Minutes(details.planned_minutes))
    if details.room.strip():
        body = say("{so_far} It is in {room}.", so_far=body, room=names.tidy(details.room))
    body = say("{so_far} If you cannot come, take your name off the list.", so_far=body)
    return await _to_signed_up(connection, timebank_id, before, "changed", subject, body)


async def tell_of_cancelling(
    connection: Connection,
    timebank_id: int,
    name: str,
    session: StoredSession,
    reason: str,
    set_out: Sequence[int],
) -> list[Message]:
    """What everybody who signed up is told when a session is cancelled; ``set_out``: whose time counts anyway."""
    when = words.when(session.held_on, session.starts_at)
    body = say("{name} on {when} will not take place. The reason: {reason}", name=name, when=when, reason=reason)
    subject = say("Cancelled: {name} on {when}", name=name, when=when)
    told = await _to_signed_up(connection, timebank_id, session, "cancelled", subject, body)
    credited = joined(body, say("You had set out already, so your time counts as planned."))
    return [msgspec.structs.replace(one, body=credited) if one.member_id in set_out else one for one in told]


async def _to_signed_up(
    connection: Connection, timebank_id: int, session: StoredSession, what: str, subject: Words, body: Words
) -> list[Message]:
    version = session.version + 1
    return [
        Message(
            member_id=row["member_id"],
            kind=f"session_{what}",
            subject=words.subject(subject),
            body=body,
            path=f"/whats-on/{session.id}",
            is_urgent=True,
            dedupe=f"session:{session.id}:{what}:{version}:{row['member_id']}",
        )
        for row in await connection.fetch(SIGNED_UP, timebank_id, session.id)
    ]
