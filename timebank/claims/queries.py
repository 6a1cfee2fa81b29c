"""Read models of claims: a member's own, the queue of those who look at them, and what came before."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from timebank.claims.rules import ClaimFacts
from timebank.db import Connection
from timebank.kit.paging import Page, page_of

MAX_LISTED = 200
MAX_SAME = 5

CLAIMS = """
select c.id, c.reference, c.member_id, m.display_name as member_name, c.state, c.made_by, c.made_at, c.changed_at,
       c.sent_by,
       s.display_name as sent_by_name, c.sent_at, c.how_agreed, c.decided_by, d.display_name as decided_by_name,
       c.decided_at, before.reference as follows, after.reference as followed_by
  from claim c
  join member m on m.timebank_id = c.timebank_id and m.id = c.member_id
  left join member s on s.timebank_id = c.timebank_id and s.id = c.sent_by
  left join member d on d.timebank_id = c.timebank_id and d.id = c.decided_by
  left join claim before on before.timebank_id = c.timebank_id and before.id = c.follows_id
  left join claim after on after.timebank_id = c.timebank_id and after.follows_id = c.id
 where c.timebank_id = $1
"""
BY_REFERENCE = CLAIMS + " and c.reference = $2"
DRAFT_OF = CLAIMS + " and c.member_id = $2 and c.state = 'draft'"
# A draft from which everything was taken out again is nothing to show.
MINE = (
    CLAIMS
    + """
   and c.member_id = $2 and c.id < $3
   and (c.state <> 'draft'
        or exists (select from claim_line l where l.timebank_id = c.timebank_id and l.claim_id = c.id))
 order by c.id desc limit $4
"""
)
QUEUE = CLAIMS + " and c.state in ('sent', 'asked') order by c.state = 'asked', c.sent_at, c.id limit $2"
DONE = CLAIMS + " and c.state in ('agreed', 'declined') and c.id < $2 order by c.id desc limit $3"
LINES = """
select l.claim_id, l.n, l.kind, l.day, l.what_for, l.session_id, coalesce(a.name, '') as session_name,
       ss.held_on as session_day, l.tenths_of_mile, l.minutes, l.rate_pence, l.rate_id, l.pence, l.receipt_id,
       r.content is not null as has_photo, l.no_receipt_why, l.duplicate_reason, l.is_declined, l.decline_reason,
       l.added_by, l.contribution_id, coalesce(ta.name, '') as time_name, t.held_on as time_day,
       t.minutes as time_minutes, t.state as time_state, coalesce(tr.source = 'self', false) as has_page
  from claim_line l
  left join contribution t on t.timebank_id = l.timebank_id and t.id = l.contribution_id
  left join register tr on tr.timebank_id = t.timebank_id and tr.id = t.register_id
  left join activity ta on ta.timebank_id = t.timebank_id and ta.id = t.activity_id
  left join session ss on ss.timebank_id = l.timebank_id and ss.id = l.session_id
  left join activity a on a.timebank_id = l.timebank_id and a.id = ss.activity_id
  left join receipt r on r.timebank_id = l.timebank_id and r.id = l.receipt_id
 where l.timebank_id = $1 and l.claim_id = any($2::bigint[])
 order by l.claim_id, l.n
"""
EVENTS = """
select e.n, e.step, e.at, e.words, e.actor_id, m.display_name as actor_name
  from claim_event e
  join member m on m.timebank_id = e.timebank_id and m.id = e.actor_id
 where e.timebank_id = $1 and e.claim_id = $2
 order by e.n
"""
FACTS = """
select c.id, c.reference, c.member_id, c.state, c.sent_by,
       (select count(*) from claim_line l where l.timebank_id = c.timebank_id and l.claim_id = c.id) as lines,
       array(select distinct l.added_by from claim_line l
              where l.timebank_id = c.timebank_id and l.claim_id = c.id and l.added_by <> c.member_id) as helpers
  from claim c
 where c.timebank_id = $1 and c.reference = $2
   for update of c
"""
# What was claimed before for the same day and amount, or with the same photo, whoever claimed it.
SAME = """
select l.n, o.reference as other, o.member_id as other_member_id, om.display_name as other_name, x.n as other_n,
       x.day as other_day, x.pence as other_pence, x.kind as other_kind,
       l.receipt_id is not null and xr.sha256 = lr.sha256 as is_same_photo
  from claim_line l
  join claim c on c.timebank_id = l.timebank_id and c.id = l.claim_id
  left join receipt lr on lr.timebank_id = l.timebank_id and lr.id = l.receipt_id
  join claim_line x on x.timebank_id = l.timebank_id and (x.claim_id, x.n) <> (l.claim_id, l.n) and not x.is_declined
  join claim o on o.timebank_id = x.timebank_id and o.id = x.claim_id
  join member om on om.timebank_id = o.timebank_id and om.id = o.member_id
  left join receipt xr on xr.timebank_id = x.timebank_id and xr.id = x.receipt_id
 where l.timebank_id = $1 and l.claim_id = $2 and o.state <> 'draft'
   and ((o.member_id = c.member_id and x.day = l.day and x.pence = l.pence and x.kind = l.kind)
        or xr.sha256 = lr.sha256)
 order by l.n, o.id, x.n
 limit $3
"""
OWN_SAME = """
select x.claim_id, x.n, x.day, x.pence, x.kind, o.reference, x.receipt_id = $6 as is_same_photo
  from claim_line x
  join claim o on o.timebank_id = x.timebank_id and o.id = x.claim_id
 where x.timebank_id = $1 and o.member_id = $2 and not x.is_declined
   and ((x.day = $3 and x.pence = $4 and x.kind = $5) or x.receipt_id = $6)
   and not (o.reference = $7 and x.n = $8)
 order by o.id, x.n
 limit 1
"""
LAST_TRIP = """
select l.kind, l.what_for, l.tenths_of_mile, l.pence, l.no_receipt_why, l.receipt_id is not null as had_photo
  from claim_line l
  join claim c on c.timebank_id = l.timebank_id and c.id = l.claim_id
 where l.timebank_id = $1 and c.member_id = $2 and l.kind in ('bus', 'train', 'taxi', 'mileage')
   and not l.is_declined
 order by c.id desc, l.n desc
 limit 1
"""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One cost of a claim. ``pence`` in minor units; ``rate_pence`` is the rate it was worked out by.

    ``has_page``: the member logged that time themselves, so that they have a page of it.
    """

    claim_id: int
    n: int
    kind: str
    day: date
    what_for: str
    session_id: int | None
    session_name: str
    session_day: date | None
    tenths_of_mile: int | None
    minutes: int | None
    rate_pence: int | None
    rate_id: int | None
    pence: int
    receipt_id: int | None
    has_photo: bool
    no_receipt_why: str
    duplicate_reason: str
    is_declined: bool
    decline_reason: str
    added_by: int
    contribution_id: int | None
    time_name: str
    time_day: date | None
    time_minutes: int | None
    time_state: str | None
    has_page: bool


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim with its costs. ``follows`` is the claim whose declined costs it brings again, "" when there is none."""

    id: int
    reference: str
    member_id: int
    member_name: str
    state: str
    made_by: int
    made_at: datetime
    changed_at: datetime
    sent_by: int | None
    sent_by_name: str | None
    sent_at: datetime | None
    how_agreed: str
    decided_by: int | None
    decided_by_name: str | None
    decided_at: datetime | None
    follows: str | None
    followed_by: str | None
    lines: tuple[Line, ...] = ()

    @property
    def pence(self) -> int:
        """What it comes to, without what was declined."""
        return sum(line.pence for line in self.lines if not line.is_declined)

    @property
    def total(self) -> int:
        """What was asked for."""
        return sum(line.pence for line in self.lines)

    @property
    def declined(self) -> tuple[Line, ...]:
        """The costs that are not paid."""
        return tuple(line for line in self.lines if line.is_declined)

    @property
    def seen(self) -> str:
        """Stands for what it says now: who decides sends it along, so that nobody decides about something else."""
        return hashlib.sha256(msgspec.json.encode((self.reference, self.lines))).hexdigest()


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a claim, and what was said with it."""

    n: int
    step: str
    at: datetime
    words: str
    actor_id: int
    actor_name: str


class Same(msgspec.Struct, frozen=True, kw_only=True):
    """Another cost that looks the same as cost ``n``: same person, kind, day and amount, or the same photo."""

    n: int
    other: str
    other_member_id: int
    other_name: str
    other_n: int
    other_day: date
    other_pence: int
    other_kind: str
    is_same_photo: bool


class OwnSame(msgspec.Struct, frozen=True, kw_only=True):
    """A cost of the member's own that is there already."""

    claim_id: int
    n: int
    day: date
    pence: int
    kind: str
    reference: str
    is_same_photo: bool | None


class LastTrip(msgspec.Struct, frozen=True, kw_only=True):
    """The member's last journey, to be claimed again with one tap."""

    kind: str
    what_for: str
    tenths_of_mile: int | None
    pence: int
    no_receipt_why: str
    had_photo: bool


async def by_reference(connection: Connection, timebank_id: int, reference: str) -> Claim | None:
    """The claim with this reference, or None. Who may see it is for the caller to decide."""
    return await _one(connection, timebank_id, await connection.fetchrow(BY_REFERENCE, timebank_id, reference))


async def draft_of(connection: Connection, timebank_id: int, member_id: int) -> Claim | None:
    """The claim that the member is filling in, or None."""
    return await _one(connection, timebank_id, await connection.fetchrow(DRAFT_OF, timebank_id, member_id))


async def mine(connection: Connection, timebank_id: int, member_id: int, *, before: int, size: int) -> Page[Claim]:
    """A page of a member's claims, newest first; ``before`` is the last id already seen."""
    rows = await connection.fetch(MINE, timebank_id, member_id, before, size + 1)
    return page_of(await _all(connection, timebank_id, rows), size, lambda claim: (claim.id,))


async def queue(connection: Connection, timebank_id: int) -> list[Claim]:
    """What is to be looked at, oldest first; what waits for an answer of the member comes last."""
    return await _all(connection, timebank_id, await connection.fetch(QUEUE, timebank_id, MAX_LISTED))


async def done(connection: Connection, timebank_id: int, *, before: int, size: int) -> Page[Claim]:
    """A page of claims that were decided, newest first."""
    rows = await connection.fetch(DONE, timebank_id, before, size + 1)
    return page_of(await _all(connection, timebank_id, rows), size, lambda claim: (claim.id,))


async def events(connection: Connection, timebank_id: int, claim_id: int) -> list[Event]:
    """Every step of a claim, oldest first."""
    return [msgspec.convert(dict(row), Event) for row in await connection.fetch(EVENTS, timebank_id, claim_id)]


async def lock(connection: Connection, timebank_id: int, reference: str) -> ClaimFacts | None:
    """The claim as the rules see it, locked until the transaction ends; None when there is none."""
    row = await connection.fetchrow(FACTS, timebank_id, reference)
    return msgspec.convert({**row, "helpers": frozenset(row["helpers"])}, ClaimFacts) if row else None


async def same(connection: Connection, timebank_id: int, claim_id: int) -> list[Same]:
    """Costs that look the same as one of this claim, at most :data:`MAX_LISTED`."""
    rows = await connection.fetch(SAME, timebank_id, claim_id, MAX_LISTED)
    return [msgspec.convert(dict(row), Same) for row in rows]


async def own_same(
    connection: Connection,
    timebank_id: int,
    member_id: int,
    *,
    day: date,
    pence: int,
    kind: str,
    receipt_id: int | None,
    besides: tuple[str, int],
) -> OwnSame | None:
    """A cost of this member's that looks the same; ``besides`` is the claim and number of the one that is changed."""
    row = await connection.fetchrow(OWN_SAME, timebank_id, member_id, day, pence, kind, receipt_id, *besides)
    return msgspec.convert(dict(row), OwnSame) if row else None


async def last_trip(connection: Connection, timebank_id: int, member_id: int) -> LastTrip | None:
    """The journey that the member claimed last, or None."""
    row = await connection.fetchrow(LAST_TRIP, timebank_id, member_id)
    return msgspec.convert(dict(row), LastTrip) if row else None


async def _one(connection: Connection, timebank_id: int, row: object) -> Claim | None:
    return (await _all(connection, timebank_id, [row]))[0] if row else None


async def _all(connection: Connection, timebank_id: int, rows: Sequence[object]) -> list[Claim]:
    claims = [msgspec.convert(dict(row), Claim) for row in rows]  # type: ignore[call-overload]
    found = await connection.fetch(LINES, timebank_id, [claim.id for claim in claims])
    lines: dict[int, list[Line]] = {}
    for row in found:
        lines.setdefault(row["claim_id"], []).append(msgspec.convert(dict(row), Line))
    return [msgspec.structs.replace(claim, lines=tuple(lines.get(claim.id, ()))) for claim in claims]
