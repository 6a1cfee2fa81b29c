"""The access log: every look at somebody else's record by staff, which the member can read."""

from datetime import datetime

from timebank.db import Connection, Database
from timebank.kit.actor import Actor

INSERT = "insert into access_log (timebank_id, at, actor_id, subject_id, what) values ($1, $2, $3, $4, $5)"


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
