"""Checks and references that somebody saw: what kind, which number, until when. Never a copy of them.

For the lead and the deputies of safeguarding, whom the lead's warnings lead here.
"""

from datetime import date, datetime

import msgspec
from dateutil.relativedelta import relativedelta

from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import dates, names
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark
from timebank.members.access import note_within
from timebank.members.guardians import let_grow_up
from timebank.members.safeguarding import Recorded, begin_writing, lead
from timebank.messages.service import Message, send

CHECK_KINDS = {
    "criminal_record": "Criminal record check",
    "reference": "Reference",
    "identity": "Identity",
    "training": "Safeguarding training",
    "other": "Another check",
}
MAX_NUMBER = 60
WARN_DAYS = 30

ADD_CHECK = """
insert into member_check (timebank_id, member_id, kind, number, issued_on, expires_on, seen_by, recorded_at)
values ($1, $2, $3, $4, $5, $6, $7, $8) returning id
"""
CHECKS_OF = """
select c.id, c.kind, c.number, c.issued_on, c.expires_on, coalesce(m.display_name, '') as seen_by,
       c.ended_at is not null as is_ended
  from member_check c
  left join member m on m.timebank_id = c.timebank_id and m.id = c.seen_by
 where c.timebank_id = $1 and c.member_id = $2
 order by c.ended_at is not null, c.expires_on desc, c.id desc
 limit 100
"""
EXPIRING = """
select c.id, c.member_id, m.display_name, c.kind, c.expires_on
  from member_check c
  join member m on m.timebank_id = c.timebank_id and m.id = c.member_id and m.status <> 'left'
 where c.timebank_id = $1 and c.ended_at is null and c.expires_on <= $2
   and not exists (select from member_check newer
                    where newer.timebank_id = c.timebank_id and newer.member_id = c.member_id and newer.kind = c.kind
                      and newer.ended_at is null and newer.expires_on > c.expires_on)
 order by c.expires_on, c.id
 limit 200
"""


class AddCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A check or reference that the actor saw. Without ``expires_on`` it holds as long as the rules say."""

    member_id: int
    kind: str
    issued_on: date
    number: str = ""
    expires_on: date | None = None


class EndCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A check no longer counts: withdrawn, or entered by mistake."""

    member_id: int
    check_id: int


class SeenCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A check as the lead and the deputies see it."""

    id: int
    kind: str
    number: str
    issued_on: date
    expires_on: date
    seen_by: str
    is_ended: bool

    @property
    def kind_words(self) -> str:
        """The kind as people read it."""
        return CHECK_KINDS[self.kind]


class ExpiringCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A check that ends soon or has ended, and that no newer one replaces."""

    id: int
    member_id: int
    display_name: str
    kind: str
    expires_on: date

    @property
    def kind_words(self) -> str:
        """The kind as people read it."""
        return CHECK_KINDS[self.kind]


async def checks_of(connection: Connection, timebank_id: int, member_id: int) -> list[SeenCheck]:
    """A member's checks, the newest first. Only for the lead and the deputies: whoever calls this has asked."""
    rows = await connection.fetch(CHECKS_OF, timebank_id, member_id)
    return [msgspec.convert(dict(row), SeenCheck) for row in rows]


async def expiring_checks(connection: Connection, timebank_id: int, on: date) -> list[ExpiringCheck]:
    """Checks that end within :data:`WARN_DAYS` of a day or have ended, and that no newer one replaces."""
    rows = await connection.fetch(EXPIRING, timebank_id, on + relativedelta(days=WARN_DAYS))
    return [msgspec.convert(dict(row), ExpiringCheck) for row in rows]


async def add_check(
    db: Database, actor: Actor, command: AddCheck, *, key: str, now: datetime
) -> Recorded | list[Refusal]:
    """Record a check or reference that the actor saw. By the lead or a deputy, not about themselves.

    Refusals: ``not_allowed``, ``not_yourself``, ``unknown_member``, ``kind_unknown``, ``number_too_long``,
    ``issued_in_future``, ``expires_before_issued``.
    """

    async def work(connection: Connection) -> Recorded:
        day = await begin_writing(connection, actor, command.member_id, now)
        if command.member_id == actor.member_id:
            raise Rollback([Refusal("not_yourself", "Ask another to record a check about you.")])
        _, rules = await banks.rules_in_force(connection, actor.timebank_id, day)
        expires_on = command.expires_on or command.issued_on + relativedelta(months=rules.check_valid_months)
        if refusals := check_check(command, expires_on, day):
            raise Rollback(refusals)
        check_id = await connection.fetchval(
            ADD_CHECK,
            actor.timebank_id,
            command.member_id,
            command.kind,
            names.tidy(command.number),
            command.issued_on,
            expires_on,
            actor.member_id,
            now,
        )
        await note_within(connection, actor, command.member_id, mark("wrote down a check about you"), now=now)
        return Recorded(id=check_id)

    return await once(db, actor, "add_check", key, command, Recorded, work)


async def end_check(
    db: Database, actor: Actor, command: EndCheck, *, key: str, now: datetime
) -> Recorded | list[Refusal]:
    """Let a check no longer count. By the lead or a deputy. Refusals: ``not_allowed``, ``unknown_check``."""

    async def work(connection: Connection) -> Recorded:
        await begin_writing(connection, actor, command.member_id, now)
        ended = await connection.fetchval(
            """
            update member_check set ended_at = coalesce(ended_at, $4), ended_by = coalesce(ended_by, $5)
             where timebank_id = $1 and member_id = $2 and id = $3 returning id
            """,
            actor.timebank_id,
            command.member_id,
            command.check_id,
            now,
            actor.member_id,
        )
        if ended is None:
            raise Rollback([Refusal("unknown_check", "There is no such check. Look at the list again.")])
        return Recorded(id=command.check_id)

    return await once(db, actor, "end_check", key, command, Recorded, work)


async def keep_watch(db: Database, timebank_id: int, now: datetime) -> int:
    """Warn the lead of checks that end within :data:`WARN_DAYS` or have ended, once each; let who came of age go.

    A job: harmless to repeat. Returns how many checks there are to look at.
    """
    async with db.writing(timebank_id) as connection:
        facts = await banks.by_id(connection, timebank_id)
        day = today(now, facts.time_zone)
        led_by = await lead(connection, timebank_id)
        found = await expiring_checks(connection, timebank_id, day) if led_by is not None else []
        if led_by is not None:
            await send(connection, timebank_id, [_warning(led_by, each, day) for each in found], now=now)
        await let_grow_up(connection, timebank_id, day, now)
    return len(found)


def _warning(led_by: int, check: ExpiringCheck, day: date) -> Message:
    has_ended = check.expires_on < day
    return Message(
        member_id=led_by,
        kind="check_expiring",
        # A subject may be read on a locked phone: no name in it.
        subject="A check has ended" if has_ended else "A check ends soon",
        body=f"{check.kind_words} {'ended' if has_ended else 'ends'} on {dates.in_words(check.expires_on)}. "
        "Open the page to see whose it is.",
        path="/safeguarding",
        dedupe=f"check:{check.id}:{'ended' if has_ended else 'ends'}:{led_by}",
    )


def check_check(command: AddCheck, expires_on: date, day: date) -> list[Refusal]:
    """What is wrong with a check as it was typed."""
    refusals = []
    if command.kind not in CHECK_KINDS:
        refusals.append(Refusal("kind_unknown", "Choose what was checked.", "kind"))
    if len(names.tidy(command.number)) > MAX_NUMBER:
        refusals.append(Refusal("number_too_long", f"Enter up to {MAX_NUMBER} letters.", "number"))
    if command.issued_on > day:
        refusals.append(Refusal("issued_in_future", "Enter today or an earlier day.", "issued_on"))
    if expires_on <= command.issued_on:
        refusals.append(Refusal("expires_before_issued", "Enter a day after the day it was given.", "expires_on"))
    return refusals
