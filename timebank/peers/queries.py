"""Reading asks, what happened to them, thanks and reports."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from timebank.db import Connection
from timebank.peers import rules
from timebank.peers.rules import AskFacts

ASKS = """
select a.id, a.reference, a.offer_id, a.wish_id, a.receiver_id, a.helper_id, a.started_by, a.category, a.title, a.note,
       a.state, a.waits_for, a.minutes, a.starts_at, a.how, a.place, a.answer_by, a.redemption_id, a.receiver_said,
       a.helper_said, a.done_minutes, a.receiver_reach, a.helper_reach, a.created_at, a.changed_at,
       r.reference as booking, r.state as booking_state, got.display_name as receiver_name,
       gave.display_name as helper_name
  from peer_ask a
  join member got on got.timebank_id = a.timebank_id and got.id = a.receiver_id
  join member gave on gave.timebank_id = a.timebank_id and gave.id = a.helper_id
  left join redemption r on r.timebank_id = a.timebank_id and r.id = a.redemption_id
 where a.timebank_id = $1
"""
ONE_ASK = ASKS + " and a.reference = $2"
LOCK = " for update of a"
ASKS_OF = ASKS + " and $2 in (a.receiver_id, a.helper_id) order by a.id desc limit $3"
OPEN_OF = (
    ASKS
    + """
   and a.state in ('asked', 'agreed', 'settling') and $2 in (a.receiver_id, a.helper_id)
 order by a.id desc
"""
)
OPEN_ASKS = ASKS + " and a.state in ('asked', 'agreed', 'settling') order by a.state <> 'settling', a.id limit $2"
BETWEEN = (
    ASKS
    + """
   and a.state in ('asked', 'agreed') and $2 in (a.receiver_id, a.helper_id) and $3 in (a.receiver_id, a.helper_id)
 order by a.id
   for update of a
"""
)
STARTED = "select count(*) from peer_ask where timebank_id = $1 and started_by = $2 and state = 'asked'"
KNOWS = """
select exists (select from peer_ask where timebank_id = $1 and $2 in (receiver_id, helper_id)
                  and $3 in (receiver_id, helper_id))
"""
EVENTS = """
select e.n, e.what, e.minutes, e.starts_at, e.words, e.at, e.actor_id, m.display_name as by_whom
  from peer_ask_event e
  left join member m on m.timebank_id = e.timebank_id and m.id = e.actor_id
 where e.timebank_id = $1 and e.ask_id = $2
 order by e.n
"""
THANKS = """
select t.from_member_id, f.display_name as from_name, t.words, t.at, t.is_taken_off
  from peer_thanks t
  join member f on f.timebank_id = t.timebank_id and f.id = t.from_member_id
 where t.timebank_id = $1 and t.ask_id = $2 and not t.is_taken_off
 order by t.at
"""
REPORTS = """
select p.id, p.words, p.told_at, p.due_on, p.seen_at, p.answer, p.about_member_id, p.from_member_id,
       a.display_name as about_name, f.display_name as from_name, k.reference as ask
  from peer_report p
  join member a on a.timebank_id = p.timebank_id and a.id = p.about_member_id
  join member f on f.timebank_id = p.timebank_id and f.id = p.from_member_id
  left join peer_ask k on k.timebank_id = p.timebank_id and k.id = p.ask_id
 where p.timebank_id = $1 and p.about_member_id is distinct from $2
 order by p.seen_at is not null, p.due_on, p.id
 limit $3
"""


class AskLine(AskFacts, frozen=True, kw_only=True):
    """An ask with names, as one of the two or a coordinator sees it. ``*_reach`` is only for the two."""

    note: str
    place: str
    answer_by: date
    receiver_reach: str
    helper_reach: str
    created_at: datetime
    changed_at: datetime
    receiver_name: str
    helper_name: str

    def other_name(self, member_id: int) -> str:
        """The name of the other of the two."""
        return self.helper_name if member_id == self.receiver_id else self.receiver_name

    def said_by(self, member_id: int) -> int | None:
        """How long this one said it was; None while they said nothing."""
        return self.receiver_said if member_id == self.receiver_id else self.helper_said

    def waits_for_me(self, member_id: int, moment: datetime) -> bool:
        """True when the next word is this member's: an answer, or how it was."""
        if self.state == rules.ASKED:
            return self.waits_for == member_id
        return self.state == rules.AGREED and self.has_started(moment) and self.said_by(member_id) is None

    @property
    def minutes_moved(self) -> int:
        """How many minutes moved, when it is done."""
        return self.minutes if self.done_minutes is None else self.done_minutes


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing said or done about an ask. No name: the service itself."""

    n: int
    what: str
    minutes: int | None
    starts_at: datetime | None
    words: str
    at: datetime
    actor_id: int | None
    by_whom: str | None


class Thanks(msgspec.Struct, frozen=True, kw_only=True):
    """Thanks in words."""

    from_member_id: int
    from_name: str
    words: str
    at: datetime
    is_taken_off: bool


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody reported, for those who lead on safeguarding."""

    id: int
    words: str
    told_at: datetime
    due_on: date
    seen_at: datetime | None
    answer: str
    about_member_id: int
    from_member_id: int
    about_name: str
    from_name: str
    ask: str | None


async def ask(connection: Connection, timebank_id: int, reference: str, *, lock: bool = False) -> AskLine | None:
    """One ask, its state as its booking has it; the caller decides who may see it. ``lock`` keeps others out."""
    row = await connection.fetchrow(ONE_ASK + (LOCK if lock else ""), timebank_id, reference)
    return None if row is None else _ask(row)


async def asks_of(connection: Connection, timebank_id: int, member_id: int, *, limit: int = 100) -> list[AskLine]:
    """Every ask of a member, newest first."""
    return [_ask(row) for row in await connection.fetch(ASKS_OF, timebank_id, member_id, limit)]


async def open_of(connection: Connection, timebank_id: int, member_id: int) -> list[AskLine]:
    """The open asks of a member, newest first."""
    found = [_ask(row) for row in await connection.fetch(OPEN_OF, timebank_id, member_id)]
    return [each for each in found if not each.is_over]


async def open_asks(connection: Connection, timebank_id: int, *, limit: int = 200) -> list[AskLine]:
    """Every open ask, those that a coordinator settles first."""
    found = [_ask(row) for row in await connection.fetch(OPEN_ASKS, timebank_id, limit)]
    return [each for each in found if not each.is_over]


async def open_between(connection: Connection, timebank_id: int, one: int, other: int) -> list[AskLine]:
    """The open asks between two members, locked."""
    return [_ask(row) for row in await connection.fetch(BETWEEN, timebank_id, one, other)]


async def started(connection: Connection, timebank_id: int, member_id: int) -> int:
    """How many asks of a member wait for an answer."""
    count: int = await connection.fetchval(STARTED, timebank_id, member_id)
    return count


async def knows(connection: Connection, timebank_id: int, one: int, other: int) -> bool:
    """True when one of the two ever asked the other."""
    return bool(await connection.fetchval(KNOWS, timebank_id, one, other))


async def events(connection: Connection, timebank_id: int, ask_id: int) -> list[Event]:
    """Everything said and done about an ask, oldest first."""
    return [msgspec.convert(dict(row), Event) for row in await connection.fetch(EVENTS, timebank_id, ask_id)]


async def thanks(connection: Connection, timebank_id: int, ask_id: int) -> list[Thanks]:
    """The thanks that were not taken off again."""
    return [msgspec.convert(dict(row), Thanks) for row in await connection.fetch(THANKS, timebank_id, ask_id)]


async def reports(connection: Connection, timebank_id: int, reader_id: int | None, *, limit: int = 200) -> list[Report]:
    """What was reported, new ones first; never what is about the reader."""
    rows: Sequence[object] = await connection.fetch(REPORTS, timebank_id, reader_id, limit)
    return [msgspec.convert(dict(row), Report) for row in rows]  # type: ignore[call-overload]


def _ask(row: object) -> AskLine:
    facts = dict(row)  # type: ignore[call-overload]
    state = rules.state_now(facts["state"], facts["booking_state"])
    return msgspec.convert({**facts, "state": state}, AskLine)
