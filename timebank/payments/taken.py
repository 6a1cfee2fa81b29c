"""Who took which file of a payment run: files hold whole account numbers, and one that is loaded twice pays twice."""

from datetime import datetime

import msgspec

from timebank.db import Connection, Database
from timebank.kit.actor import Actor

AUDIT_PACK = "audit-pack"
MAX_SHOWN = 20

NOTE = """
insert into payment_file_taken (timebank_id, batch_number, what, taken_by, taken_at) values ($1, $2, $3, $4, $5)
"""
OF_BATCH = """
select t.what, t.taken_at, m.display_name as who
  from payment_file_taken t join member m on m.timebank_id = t.timebank_id and m.id = t.taken_by
 where t.timebank_id = $1 and t.batch_number = $2
 order by t.id desc limit $3
"""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody downloaded a file; ``what`` is the code of its format, or :data:`AUDIT_PACK`."""

    what: str
    taken_at: datetime
    who: str


async def note(db: Database, actor: Actor, batch_number: int, what: str, *, now: datetime) -> None:
    """Write down that the actor takes a file of a payment run, before it is given to them."""
    async with db.writing(actor.timebank_id) as connection:
        await connection.execute(NOTE, actor.timebank_id, batch_number, what, actor.member_id, now)


async def of_batch(connection: Connection, timebank_id: int, batch_number: int) -> list[Taken]:
    """Who took files of a payment run, the last one first; at most :data:`MAX_SHOWN`."""
    rows = await connection.fetch(OF_BATCH, timebank_id, batch_number, MAX_SHOWN)
    return [msgspec.convert(dict(row), Taken) for row in rows]
