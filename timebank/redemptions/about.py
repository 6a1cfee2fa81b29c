"""Who had a hand in a booking: for choosing somebody who had none."""

from uuid import UUID

from timebank.db import Connection

PEOPLE = """
select array_remove(array[r.member_id, r.requested_by, o.provider_id]
         || array(select e.actor_id from redemption_event e
                   where e.timebank_id = r.timebank_id and e.redemption_id = r.id),
         null) as people
  from redemption r
  join offer o on o.timebank_id = r.timebank_id and o.id = r.offer_id
 where r.timebank_id = $1 and (r.entry_id = $2 or r.refund_entry_id = $2)
"""


async def people_of_entry(connection: Connection, timebank_id: int, entry_id: UUID) -> frozenset[int]:
    """Everybody who asked for the booking behind an entry, provided it or took a step of it; else empty."""
    return frozenset(await connection.fetchval(PEOPLE, timebank_id, entry_id) or ())
