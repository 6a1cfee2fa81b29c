"""The code on the wall of an activity. It signs nobody in: it lets a member say "I am here", around the time."""

from datetime import datetime

from timebank.activities import rules
from timebank.db import Connection, Database, once
from timebank.kit import ids
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal

ACTIVITY = "select id from activity where timebank_id = $1 and id = $2 and not is_archived for update"
END_CODE = """
update check_in_code set ended_at = $3 where timebank_id = $1 and activity_id = $2 and ended_at is null
"""
NEW_CODE = """
insert into check_in_code (timebank_id, activity_id, code, code_sha256, made_by, made_at)
values ($1, $2, $3, $4, $5, $6)
"""


async def make_code(db: Database, actor: Actor, activity_id: int, *, key: str, now: datetime) -> str | list[Refusal]:
    """Make a new code for the wall, such as ``B7K2-M9QX``; the old poster stops working.

    Refusals: ``not_allowed``.

    Raises:
        LookupError: there is no such activity, or it is archived.
    """
    if refusal := rules.may_arrange(actor):
        return [refusal]

    async def work(connection: Connection) -> str:
        if await connection.fetchval(ACTIVITY, actor.timebank_id, activity_id) is None:
            raise LookupError(activity_id)
        await connection.execute(END_CODE, actor.timebank_id, activity_id, now)
        code = ids.reference()
        await connection.execute(NEW_CODE, actor.timebank_id, activity_id, code, ids.sha256(code), actor.member_id, now)
        return code

    return await once(db, actor, "make_check_in_code", key, activity_id, str, work)
