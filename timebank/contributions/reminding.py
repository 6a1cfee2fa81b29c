"""Telling approvers and deputies that something waits: they do not work with these pages every day."""

from datetime import datetime, timedelta

from timebank.banks import queries as banks
from timebank.contributions import deputies
from timebank.db import Database
from timebank.kit.clock import today
from timebank.messages.service import Message, send

NEW_FOR = timedelta(days=1)

# For everybody who decides and does not coordinate: how much waits that they may decide, when some of it is new.
WAITING = """
select d.id as member_id, count(*) as entries
  from unnest($2::bigint[]) as d (id)
  join contribution c on c.timebank_id = $1 and c.state = 'submitted'
                     and c.member_id is distinct from d.id and c.recorded_by <> d.id
 where not exists (select from member_role r
                    where r.timebank_id = $1 and r.member_id = d.id and r.role in ('coordinator', 'admin'))
 group by d.id
having max(c.recorded_at) > $3
"""


async def tell_deciders(db: Database, timebank_id: int, now: datetime) -> None:
    """A job: tell each approver and deputy, once a day, when something new waits for them. Coordinators see it."""
    async with db.writing(timebank_id) as connection:
        on = today(now, (await banks.by_id(connection, timebank_id)).time_zone)
        able = sorted(await deputies.deciders(connection, timebank_id, on))
        rows = await connection.fetch(WAITING, timebank_id, able, now - NEW_FOR)
        messages = [
            Message(
                member_id=row["member_id"],
                kind="decisions_waiting",
                subject="Time waits for your decision",
                body=f"{_how_many(row['entries'])} for a second person.\n\n"
                "You find what waits, and why, under “Decisions”. One tap decides.",
                dedupe=f"decisions:{row['member_id']}:{on}",
                path="/decisions",
            )
            for row in rows
        ]
        if messages:
            await send(connection, timebank_id, messages, now=now)


def _how_many(entries: int) -> str:
    return "1 entry waits" if entries == 1 else f"{entries} entries wait"
