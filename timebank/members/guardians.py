"""Younger members: when they were born, and their guardians' consent. Without it they are paused.

Coordinators write; the lead and the deputies of safeguarding write and read.
"""

from datetime import date, datetime

import msgspec
from dateutil.relativedelta import relativedelta

from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import names
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark
from timebank.members import pausing
from timebank.members.access import note_within
from timebank.members.safeguarding import Recorded, begin_writing, is_of_age, may_take_part

HOW_AGREED = {"in_person": "in person", "phone": "by phone", "letter": "by letter", "email": "by e-mail"}
MAX_GUARDIAN_NAME = 100
MAX_GUARDIAN_CONTACT = 200
OLDEST_YEARS = 120

RECORD_AGE = """
insert into member_age (timebank_id, member_id, born_on, recorded_by, recorded_at) values ($1, $2, $3, $4, $5)
on conflict (timebank_id, member_id) do update set born_on = excluded.born_on, recorded_by = excluded.recorded_by,
    recorded_at = excluded.recorded_at
"""
RECORD_CONSENT = """
insert into guardian_consent
    (timebank_id, member_id, guardian_name, guardian_contact, how, given_on, recorded_by, recorded_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
FORGET_GUARDIAN = "delete from guardian_consent where timebank_id = $1 and member_id = $2"
WITHDRAW_CONSENT = """
update guardian_consent set withdrawn_on = $3, withdrawn_by = $4
 where timebank_id = $1 and member_id = $2 and withdrawn_on is null
"""


AGE_OF = """
select a.member_id is not null as is_recorded, a.born_on, coalesce(g.guardian_name, '') as guardian_name,
       coalesce(g.guardian_contact, '') as guardian_contact, coalesce(g.how, '') as how, g.given_on
  from member m
  left join member_age a on a.timebank_id = m.timebank_id and a.member_id = m.id
  left join guardian_consent g
    on g.timebank_id = m.timebank_id and g.member_id = m.id and g.withdrawn_on is null
 where m.timebank_id = $1 and m.id = $2
"""
WAITING = """
select m.id as member_id, m.display_name
  from pause p
  join member m on m.timebank_id = p.timebank_id and m.id = p.member_id
 where p.timebank_id = $1 and p.ended_at is null and p.why = 'consent'
 order by p.begun_at, p.id
 limit 200
"""


class Age(msgspec.Struct, frozen=True, kw_only=True):
    """What is written down about a member's age: nothing, of age, or younger with or without a guardian's yes."""

    is_recorded: bool = False
    born_on: date | None = None
    guardian_name: str = ""
    guardian_contact: str = ""
    how: str = ""
    given_on: date | None = None


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A younger member who waits for a guardian's yes."""

    member_id: int
    display_name: str


class RecordAge(msgspec.Struct, frozen=True, kw_only=True):
    """A member is of age, or was born on a day. The day of birth of somebody of age is not kept."""

    member_id: int
    born_on: date | None = None


class RecordConsent(msgspec.Struct, frozen=True, kw_only=True):
    """A guardian agreed that a younger member takes part."""

    member_id: int
    guardian_name: str
    guardian_contact: str
    how: str
    given_on: date


class WithdrawConsent(msgspec.Struct, frozen=True, kw_only=True):
    """A guardian no longer agrees."""

    member_id: int


async def age_of(connection: Connection, timebank_id: int, member_id: int) -> Age:
    """What is written down about a member's age and guardian: for the lead and the deputies, others get yes or no."""
    row = await connection.fetchrow(AGE_OF, timebank_id, member_id)
    return msgspec.convert(dict(row), Age) if row else Age()


async def waiting_for_consent(connection: Connection, timebank_id: int) -> list[Waiting]:
    """Younger members who are paused until a guardian says yes."""
    rows = await connection.fetch(WAITING, timebank_id)
    return [msgspec.convert(dict(row), Waiting) for row in rows]


async def record_age(
    db: Database, actor: Actor, command: RecordAge, *, key: str, now: datetime
) -> Recorded | list[Refusal]:
    """Record that a member is of age, or when a younger one was born. Without a guardian's consent they are paused.

    By a coordinator, the lead or a deputy. Refusals: ``not_allowed``, ``unknown_member``, ``born_in_future``,
    ``born_too_early``.
    """

    async def work(connection: Connection) -> Recorded:
        day = await begin_writing(connection, actor, command.member_id, now, by_coordinators=True)
        await record_age_within(connection, actor, command.member_id, command.born_on, day=day, now=now)
        await note_within(connection, actor, command.member_id, mark("wrote down whether you are of age"), now=now)
        return Recorded(id=command.member_id)

    return await once(db, actor, "record_age", key, command, Recorded, work)


async def record_age_within(
    connection: Connection, actor: Actor, member_id: int, born_on: date | None, *, day: date, now: datetime
) -> None:
    """The same inside the open transaction, for whoever adds a member; ``day`` is today in the time bank.

    Raises:
        Rollback: ``born_in_future``, ``born_too_early``.
    """
    _, rules = await banks.rules_in_force(connection, actor.timebank_id, day)
    if born_on is not None:
        if born_on > day:
            raise Rollback([Refusal("born_in_future", "Enter a day in the past.", "born_on")])
        if born_on < day - relativedelta(years=OLDEST_YEARS):
            raise Rollback([Refusal("born_too_early", "Check the year.", "born_on")])
        if is_of_age(born_on, rules.minimum_age, day):
            born_on = None
    await connection.execute(RECORD_AGE, actor.timebank_id, member_id, born_on, actor.member_id, now)
    await settle(connection, actor, member_id, day=day, now=now)


async def record_consent(
    db: Database, actor: Actor, command: RecordConsent, *, key: str, now: datetime
) -> Recorded | list[Refusal]:
    """Record a guardian's consent, in place of the one before; a younger member who waited for it is active then.

    By a coordinator, the lead or a deputy. Refusals: ``not_allowed``, ``unknown_member``, ``guardian_name_missing``,
    ``guardian_contact_missing``, ``how_unknown``, ``given_in_future``.
    """

    async def work(connection: Connection) -> Recorded:
        day = await begin_writing(connection, actor, command.member_id, now, by_coordinators=True)
        if refusals := check_consent(command, day):
            raise Rollback(refusals)
        await connection.execute(WITHDRAW_CONSENT, actor.timebank_id, command.member_id, day, actor.member_id)
        await connection.execute(
            RECORD_CONSENT,
            actor.timebank_id,
            command.member_id,
            names.tidy(command.guardian_name),
            names.tidy(command.guardian_contact),
            command.how,
            command.given_on,
            actor.member_id,
            now,
        )
        await settle(connection, actor, command.member_id, day=day, now=now)
        await note_within(connection, actor, command.member_id, mark("wrote down that your guardian agreed"), now=now)
        return Recorded(id=command.member_id)

    return await once(db, actor, "guardian_consent", key, command, Recorded, work)


async def withdraw_consent(
    db: Database, actor: Actor, command: WithdrawConsent, *, key: str, now: datetime
) -> Recorded | list[Refusal]:
    """A guardian no longer agrees: the younger member is paused. Refusals: ``not_allowed``, ``unknown_member``."""

    async def work(connection: Connection) -> Recorded:
        day = await begin_writing(connection, actor, command.member_id, now, by_coordinators=True)
        await connection.execute(WITHDRAW_CONSENT, actor.timebank_id, command.member_id, day, actor.member_id)
        await settle(connection, actor, command.member_id, day=day, now=now)
        return Recorded(id=command.member_id)

    return await once(db, actor, "withdraw_consent", key, command, Recorded, work)


async def settle(connection: Connection, actor: Actor, member_id: int, *, day: date, now: datetime) -> None:
    """Pause a member who lacks a guardian's consent, or end the pause that waited for it; other pauses stay."""
    timebank_id = actor.timebank_id
    there = await pausing.status_of(connection, timebank_id, member_id)
    if there.status == "left" or there.why == pausing.LEAVING:
        return
    refusal = await may_take_part(connection, timebank_id, member_id, day)
    if refusal is not None and there.why != pausing.CONSENT:
        await pausing.begin_within(connection, actor, member_id, pausing.CONSENT, now=now)
    elif refusal is None and there.why == pausing.CONSENT:
        await pausing.end_within(connection, timebank_id, member_id, now=now)


def check_consent(command: RecordConsent, day: date) -> list[Refusal]:
    """What is wrong with a guardian's consent as it was typed."""
    refusals = []
    if not 1 <= len(names.tidy(command.guardian_name)) <= MAX_GUARDIAN_NAME:
        refusals.append(Refusal("guardian_name_missing", "Enter the guardian’s name.", "guardian_name"))
    if not 1 <= len(names.tidy(command.guardian_contact)) <= MAX_GUARDIAN_CONTACT:
        refusals.append(Refusal("guardian_contact_missing", "Enter how to reach the guardian.", "guardian_contact"))
    if command.how not in HOW_AGREED:
        refusals.append(Refusal("how_unknown", "Choose how they agreed.", "how"))
    if command.given_on > day:
        refusals.append(Refusal("given_in_future", "Enter today or an earlier day.", "given_on"))
    return refusals


async def let_grow_up(connection: Connection, timebank_id: int, day: date, now: datetime) -> None:
    """Forget the day of birth and the guardian of who is of age now, and end a pause that waited for one."""
    _, rules = await banks.rules_in_force(connection, timebank_id, day)
    rows = await connection.fetch(
        "select member_id, born_on from member_age where timebank_id = $1 and born_on is not null", timebank_id
    )
    by_itself = Actor(timebank_id=timebank_id, member_id=None)
    for row in rows:
        if is_of_age(row["born_on"], rules.minimum_age, day):
            await connection.fetchval(pausing.LOCK, timebank_id, row["member_id"])
            await connection.execute(RECORD_AGE, timebank_id, row["member_id"], None, None, now)
            await connection.execute(FORGET_GUARDIAN, timebank_id, row["member_id"])
            await settle(connection, by_itself, row["member_id"], day=day, now=now)
