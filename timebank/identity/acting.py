"""Acting for somebody: kept with the browser's session, so that it ends when that does."""

from datetime import datetime, timedelta

from timebank.db import Connection, Database
from timebank.kit.actor import Actor
from timebank.kit.ids import sha256
from timebank.kit.words import mark

ACTING_LASTS = timedelta(hours=1)

HOW_AGREED = {
    "in_person": mark("in person"),
    "phone": mark("by phone"),
    "letter": mark("by letter"),
    "standing": mark("as their supporter"),
}

BEGIN = """
insert into acting (timebank_id, actor_id, subject_id, as_supporter, reason, how_agreed, started_at, ends_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
returning id
"""
# The session is the actor's own: somebody else's cookie is of no use here.
MARK_SESSION = """
update web_session set acting_id = $4
 where token_sha256 = $1 and timebank_id = $2 and member_id = $3
returning true
"""
END = """
with ended as (
    update acting set ended_at = $4
     where timebank_id = $1 and id = $2 and actor_id = $3 and ended_at is null
    returning id)
update web_session set acting_id = null
 where timebank_id = $1 and member_id = $3 and acting_id in (select id from ended)
"""
END_ALL_FOR = """
update acting set ended_at = $4
 where timebank_id = $1 and subject_id = $2 and ended_at is null and ($3::bigint is null or actor_id = $3)
"""


async def begin_acting(
    connection: Connection,
    actor: Actor,
    subject_id: int,
    *,
    token: str,
    reason: str,
    how_agreed: str,
    now: datetime,
) -> int | None:
    """Let the browser of this token act for a member, for an hour; the id of that stretch of time.

    Whether the actor may is decided before, in ``members``. None when the token is no session of the actor.
    """
    acting_id: int = await connection.fetchval(
        BEGIN,
        actor.timebank_id,
        actor.member_id,
        subject_id,
        how_agreed == "standing",
        reason,
        how_agreed,
        now,
        now + ACTING_LASTS,
    )
    marked = await connection.fetchval(MARK_SESSION, sha256(token), actor.timebank_id, actor.member_id, acting_id)
    return acting_id if marked else None


async def end_acting(db: Database, actor: Actor, *, now: datetime) -> None:
    """Stop acting for somebody; nothing happens when the actor does not."""
    async with db.writing(actor.timebank_id) as connection:
        await connection.execute(END, actor.timebank_id, actor.acting_id, actor.member_id, now)


async def end_acting_for(
    connection: Connection, timebank_id: int, subject_id: int, *, actor_id: int | None = None, now: datetime
) -> None:
    """Stop everybody, or one member, from acting for this member: at once, in every browser."""
    await connection.execute(END_ALL_FOR, timebank_id, subject_id, actor_id, now)
