"""Whom a contribution is about, and who had a hand in it: for choosing somebody who had none."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from timebank.contributions.queries import MAX_ID
from timebank.db import Connection

FACTS = """
select c.id, c.member_id, c.activity_id, coalesce(a.name, '') as activity, c.held_on, c.minutes, c.what, c.state,
       c.kind, c.entry_id, coalesce(c.credited_to, '') as credited_to, c.query_state,
       array_remove(array[c.recorded_by, c.decided_by, r.recorded_by, r.undone_by]
         || array(select x.changed_by from contribution_change x
                   where x.timebank_id = c.timebank_id and x.contribution_id = c.id and x.step <> 'queried'),
         null) as made_by,
       array_remove(array[c.member_id, c.credited_id]
         || array(select p.member_id from contribution_receiver p
                   where p.timebank_id = c.timebank_id and p.contribution_id = c.id),
         null) as parties
  from contribution c
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
  left join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
 where c.timebank_id = $1 and c.id = $2
"""
BY_ENTRY = """
select id from contribution where timebank_id = $1 and entry_id = $2
union
select id from contribution where timebank_id = $1 and undo_entry_id = $2
union
select contribution_id from contribution_entry where timebank_id = $1 and entry_id = $2
 limit 1
"""


@dataclass(frozen=True, slots=True)
class ContributionFacts:
    """A contribution as a question about it needs it.

    ``made_by`` recorded, decided, changed or undid it; ``parties`` gave the time, got it or paid for it.
    """

    id: int
    member_id: int | None
    activity_id: int | None
    activity: str
    held_on: date
    minutes: int
    what: str
    state: str
    kind: str
    entry_id: UUID | None
    credited_to: str
    query_state: str
    made_by: frozenset[int]
    parties: frozenset[int]


async def facts(connection: Connection, timebank_id: int, contribution_id: int) -> ContributionFacts | None:
    """What a question about this contribution needs to know, or None when there is no such contribution."""
    if not 0 < contribution_id <= MAX_ID:
        return None
    row = await connection.fetchrow(FACTS, timebank_id, contribution_id)
    if row is None:
        return None
    fields = dict(row)
    return ContributionFacts(
        **fields | {"made_by": frozenset(fields["made_by"]), "parties": frozenset(fields["parties"])}
    )


async def facts_of_entry(connection: Connection, timebank_id: int, entry_id: UUID) -> ContributionFacts | None:
    """The contribution that an entry of the ledger belongs to: its credit, its undoing, or a later change of it."""
    found = await connection.fetchval(BY_ENTRY, timebank_id, entry_id)
    return None if found is None else await facts(connection, timebank_id, found)
