"""Who may decide about claims: coordinators, administrators, and the deputies whom they name for some days.

Deputies are named where time is decided about (``/decisions/deputies``); whoever stands in for a coordinator looks at
claims too. Nobody ever decides about their own, nor about what they filled in for somebody.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import msgspec

from timebank.claims.rules import ClaimFacts
from timebank.db import Connection
from timebank.kit.actor import COORDINATOR, Actor

STANDS_IN = """
select exists (
    select from approver_deputy d
      join member a on a.timebank_id = d.timebank_id and a.id = d.approver_id and a.status <> 'left'
      join member_role r on r.timebank_id = d.timebank_id and r.member_id = d.approver_id
                        and r.role in ('coordinator', 'admin')
     where d.timebank_id = $1 and d.deputy_id = $2 and d.withdrawn_at is null
       and $3::date between d.starts_on and d.ends_on)
"""
ABLE = """
select m.id, m.display_name as name, m.by_role
  from (select m.*, exists (select from member_role r
                             where r.timebank_id = m.timebank_id and r.member_id = m.id
                               and r.role in ('coordinator', 'admin')) as by_role
          from member m where m.timebank_id = $1 and m.status = 'active') m
 where (m.by_role
     or exists (select from approver_deputy d
                 join member a on a.timebank_id = d.timebank_id and a.id = d.approver_id and a.status <> 'left'
                 join member_role r on r.timebank_id = d.timebank_id and r.member_id = d.approver_id
                                   and r.role in ('coordinator', 'admin')
                where d.timebank_id = m.timebank_id and d.deputy_id = m.id and d.withdrawn_at is null
                  and $2::date between d.starts_on and d.ends_on))
 order by m.display_name, m.id
"""
WAITING = """
select c.id, c.member_id, c.sent_by,
       array(select distinct l.added_by from claim_line l
              where l.timebank_id = c.timebank_id and l.claim_id = c.id) as helpers
  from claim c
 where c.timebank_id = $1 and c.state = 'sent'
"""


class Decider(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may decide about claims of others; ``by_role``, so they may name deputies too."""

    id: int
    name: str
    by_role: bool


async def as_decider(connection: Connection, actor: Actor, on: date) -> Actor | None:
    """The actor as they decide on a day: by their own role, or as a coordinator's deputy; None when they may not."""
    if actor.on_behalf_of is not None or actor.member_id is None:
        return None
    if actor.has(COORDINATOR):
        return actor
    if await connection.fetchval(STANDS_IN, actor.timebank_id, actor.member_id, on):
        return replace(actor, roles=actor.roles | {COORDINATOR})
    return None


async def able(connection: Connection, timebank_id: int, on: date) -> list[Decider]:
    """Every active member who may decide on a day, by role or as a deputy, by name."""
    return [msgspec.convert(dict(row), Decider) for row in await connection.fetch(ABLE, timebank_id, on)]


def others(people: Sequence[Decider], claim: ClaimFacts) -> list[Decider]:
    """Those who may decide about this claim: not whom it pays, nor who filled it in."""
    return [one for one in people if one.id not in {claim.member_id, claim.sent_by, *claim.helpers}]


async def waiting(connection: Connection, timebank_id: int, people: Sequence[Decider]) -> tuple[dict[int, int], int]:
    """How many claims wait for each of these people (who has none is left out), and how many for nobody."""
    counts: dict[int, int] = {}
    stuck = 0
    for row in await connection.fetch(WAITING, timebank_id):
        excluded = {row["member_id"], row["sent_by"], *row["helpers"]}
        can = [one.id for one in people if one.id not in excluded]
        stuck += not can
        for member_id in can:
            counts[member_id] = counts.get(member_id, 0) + 1
    return counts, stuck
