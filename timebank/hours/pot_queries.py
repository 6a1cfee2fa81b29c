"""Reading the community pot: what is in it, who asks, and what was decided."""

from datetime import date, datetime
from uuid import UUID

import msgspec

import ledger
from timebank.db import Connection
from timebank.hours.pot_rules import WAITING, State
from timebank.hours.rules import POT
from timebank.kit.paging import MAX_KEY

PAGE = 20
MAX_WAITING = 200

ASK = """
select a.id, a.member_id, m.display_name as member_name, a.kind, a.minutes, a.what_for, a.asked_by,
       w.display_name as asked_by_name, a.asked_at, a.state, a.given_minutes, a.decided_by,
       coalesce(d.display_name, '') as decided_by_name, a.decided_at, a.reason, a.entry_id
  from pot_ask a
  join member m on m.timebank_id = a.timebank_id and m.id = a.member_id
  join member w on w.timebank_id = a.timebank_id and w.id = a.asked_by
  left join member d on d.timebank_id = a.timebank_id and d.id = a.decided_by
 where a.timebank_id = $1
"""
ONE = ASK + " and a.id = $2"
OF_MEMBER = ASK + " and a.member_id = $2 and ($3::bigint is null or a.id < $3) order by a.id desc limit $4"
WAITING_ASKS = ASK + " and a.state = 'waiting' and ($2::bigint is null or a.id > $2) order by a.id limit $3"
DECIDED = (
    ASK + " and a.state in ('given', 'declined') and ($2::bigint is null or a.id < $2) order by a.id desc limit $3"
)
COUNTS = """
select count(*) filter (where state = 'waiting') > 0 as is_one_waiting,
       count(*) filter (where kind = 'asked' and state <> 'withdrawn' and asked_at >= $3) as asked_since
  from pot_ask where timebank_id = $1 and member_id = $2
"""
OF_ENTRIES = """
select a.entry_id, a.kind, d.display_name as made_by
  from pot_ask a join member d on d.timebank_id = a.timebank_id and d.id = a.decided_by
 where a.timebank_id = $1 and a.entry_id = any($2::uuid[])
"""
HOW_MANY_WAIT = "select count(*) from pot_ask where timebank_id = $1 and state = 'waiting' and member_id <> $2"


class PotAsk(msgspec.Struct, frozen=True, kw_only=True):
    """Hours asked of the pot, or offered from it (``kind``), and what became of it."""

    id: int
    member_id: int
    member_name: str
    kind: str
    minutes: int
    what_for: str
    asked_by: int
    asked_by_name: str
    asked_at: datetime
    state: State
    given_minutes: int | None
    decided_by: int | None
    decided_by_name: str
    decided_at: datetime | None
    reason: str
    entry_id: UUID | None

    @property
    def waits(self) -> bool:
        """True while nobody has decided."""
        return self.state == WAITING


async def in_the_pot(connection: Connection, timebank_id: int) -> int:
    """The minutes that the pot can give now."""
    there = (await ledger.balances(connection, timebank_id, [POT])).get(POT)
    return 0 if there is None else there.posted - there.held_out


async def one(connection: Connection, timebank_id: int, ask_id: int) -> PotAsk | None:
    """The ask with this id, or None."""
    if not 0 < ask_id <= MAX_KEY:
        return None
    row = await connection.fetchrow(ONE, timebank_id, ask_id)
    return PotAsk(**row) if row else None


async def of_member(
    connection: Connection, timebank_id: int, member_id: int, *, before: int | None = None, limit: int = PAGE
) -> list[PotAsk]:
    """What a member asked the pot for or was offered, newest first."""
    return [PotAsk(**row) for row in await connection.fetch(OF_MEMBER, timebank_id, member_id, before, limit)]


async def waiting(
    connection: Connection, timebank_id: int, *, after: int | None = None, limit: int = MAX_WAITING
) -> list[PotAsk]:
    """What waits for a decision, oldest first."""
    return [PotAsk(**row) for row in await connection.fetch(WAITING_ASKS, timebank_id, after, limit)]


async def decided(
    connection: Connection, timebank_id: int, *, before: int | None = None, limit: int = PAGE
) -> list[PotAsk]:
    """What was decided, newest first."""
    return [PotAsk(**row) for row in await connection.fetch(DECIDED, timebank_id, before, limit)]


async def how_many_wait(connection: Connection, timebank_id: int, decider_id: int) -> int:
    """How many asks wait, but for the decider's own: for the first page of those who decide."""
    return int(await connection.fetchval(HOW_MANY_WAIT, timebank_id, decider_id))


async def counts(connection: Connection, timebank_id: int, member_id: int, since: date) -> tuple[bool, int]:
    """Whether one of the member's asks waits, and how often they asked since a day."""
    row = await connection.fetchrow(COUNTS, timebank_id, member_id, since)
    return row["is_one_waiting"], row["asked_since"]
