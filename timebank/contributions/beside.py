"""Two people who save the same session: the second is told before anything counts twice."""

from collections.abc import Collection, Sequence

from timebank.contributions.lines import Line
from timebank.db import Connection, Rollback
from timebank.kit.refusal import Refusal

LOCK_GROUPS = """
select id from activity where timebank_id = $1 and id = any($2::bigint[]) order by id for no key update
"""
OTHERS = """
select distinct r.reference
  from contribution c
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
  join unnest($2::bigint[], $3::date[]) as wanted (activity_id, held_on)
       on wanted.activity_id = c.activity_id and wanted.held_on = c.held_on
 where c.timebank_id = $1 and c.state in ('submitted', 'approved') and r.source in ('page', 'file', 'api')
   and r.reference <> all($4::text[])
"""


async def check_beside(connection: Connection, timebank_id: int, lines: Sequence[Line], seen: Collection[str]) -> None:
    """Refuse ``recorded_already`` when a register of these groups and days is there that the person has not seen.

    The groups are locked first, so that of two who save at the same moment the second sees what the first saved. Time
    that members logged themselves, and check-ins, are no registers.

    Raises:
        Rollback: with the refusal.
    """
    sessions = sorted({(line.activity_id, line.held_on) for line in lines if line.activity_id is not None})
    groups = [activity_id for activity_id, _ in sessions]
    await connection.fetch(LOCK_GROUPS, timebank_id, sorted(set(groups)))
    others = await connection.fetch(OTHERS, timebank_id, groups, [day for _, day in sessions], list(seen))
    if others:
        references = ", ".join(sorted(row["reference"] for row in others))
        message = f"This group is saved for this day already, in register {references}. Look at what differs first."
        raise Rollback([Refusal("recorded_already", message, "beside")])
