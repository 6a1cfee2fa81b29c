"""Safeguarding: who leads it, who may see what is private, and the two answers that everybody else may have.

The lead and the deputies alone see ages, guardians (``guardians``) and checks (``checks``). Others get a yes or a no:
:func:`has_valid_check` and :func:`may_take_part`.
"""

from datetime import date, datetime

import msgspec
from dateutil.relativedelta import relativedelta

from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import ADMIN, COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark
from timebank.members import pausing
from timebank.messages.service import Message, send

LEAD, DEPUTY, INDEPENDENT = "lead", "deputy", "independent"
PARTS = {LEAD: mark("Safeguarding lead"), DEPUTY: mark("Deputy"), INDEPENDENT: mark("Independent person")}
PEOPLE = """
select s.member_id, m.display_name, s.part
  from safeguarding_person s
  join member m on m.timebank_id = s.timebank_id and m.id = s.member_id
 where s.timebank_id = $1
 order by case s.part when 'lead' then 1 when 'deputy' then 2 else 3 end, m.name_key, m.id
"""
PART_OF = """
select s.part from safeguarding_person s
  join member m on m.timebank_id = s.timebank_id and m.id = s.member_id
 where s.timebank_id = $1 and s.member_id = $2 and m.status <> 'left'
"""
NAME_PERSON = """
insert into safeguarding_person (timebank_id, member_id, part, named_by, named_at) values ($1, $2, $3, $4, $5)
on conflict (timebank_id, member_id) do update set part = excluded.part, named_by = excluded.named_by,
    named_at = excluded.named_at
"""
VALID_CHECK = """
select exists (
    select from member_check
     where timebank_id = $1 and member_id = $2 and kind = $3 and issued_on <= $4 and expires_on >= $4
       and ended_at is null)
"""
AGE_AND_CONSENT = """
select a.born_on,
       exists (select from guardian_consent g
                where g.timebank_id = $1 and g.member_id = $2 and g.withdrawn_on is null) as has_consent
  from member m
  left join member_age a on a.timebank_id = m.timebank_id and a.member_id = m.id
 where m.timebank_id = $1 and m.id = $2
"""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with a part in safeguarding: ``lead``, ``deputy`` or ``independent``."""

    member_id: int
    display_name: str
    part: str

    @property
    def part_words(self) -> str:
        """Their part as people read it."""
        return PARTS[self.part]


class NamePerson(msgspec.Struct, frozen=True, kw_only=True):
    """Give a member a part in safeguarding; an empty ``part`` takes it away."""

    member_id: int
    part: str


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """It is written down. ``id`` is the row's, or the member's where there is one row for each."""

    id: int


# Asking -------------------------------------------------------------------------------------------------------------


async def lead(connection: Connection, timebank_id: int) -> int | None:
    """The member who leads safeguarding; None while nobody does."""
    found: int | None = await connection.fetchval(
        "select member_id from safeguarding_person where timebank_id = $1 and part = 'lead'", timebank_id
    )
    return found


async def people(connection: Connection, timebank_id: int) -> list[Person]:
    """The lead, the deputies and the independent people, in this order."""
    return [msgspec.convert(dict(row), Person) for row in await connection.fetch(PEOPLE, timebank_id)]


async def part_of(connection: Connection, timebank_id: int, member_id: int | None) -> str:
    """A member's part in safeguarding; empty for everybody else."""
    return await connection.fetchval(PART_OF, timebank_id, member_id) or ""


async def may_see(connection: Connection, actor: Actor) -> bool:
    """True for the lead and the deputies, who alone see ages, guardians and checks; never while acting for another."""
    if actor.on_behalf_of is not None:
        return False
    return await part_of(connection, actor.timebank_id, actor.member_id) in (LEAD, DEPUTY)


async def has_valid_check(connection: Connection, timebank_id: int, member_id: int, kind: str, on: date) -> bool:
    """True when somebody saw a check of this kind for the member, and it holds on that day."""
    return bool(await connection.fetchval(VALID_CHECK, timebank_id, member_id, kind, on))


async def may_take_part(connection: Connection, timebank_id: int, member_id: int, on: date) -> Refusal | None:
    """Why a member may not be credited or book on that day: ``guardian_consent_missing``; None when they may.

    Whoever's age is not recorded counts as of age.
    """
    row = await connection.fetchrow(AGE_AND_CONSENT, timebank_id, member_id)
    if row is None or row["born_on"] is None or row["has_consent"]:
        return None
    _, rules = await banks.rules_in_force(connection, timebank_id, on)
    if is_of_age(row["born_on"], rules.minimum_age, on):
        return None
    return Refusal(
        "guardian_consent_missing",
        f"They are younger than {rules.minimum_age}. A parent or guardian has to agree first.",
        "member_id",
    )


def is_of_age(born_on: date, minimum_age: int, on: date) -> bool:
    """True from the day of the birthday; who was born on 29 February has it on 1 March in other years."""
    birthday = born_on + relativedelta(years=minimum_age)
    if (born_on.month, born_on.day) == (2, 29) and birthday.day == 28:
        birthday += relativedelta(days=1)
    return bool(birthday <= on)


# Naming people ------------------------------------------------------------------------------------------------------


async def name_person(
    db: Database, actor: Actor, command: NamePerson, *, key: str, now: datetime
) -> Recorded | list[Refusal]:
    """Name the lead, a deputy or an independent person, or take the part away. The lead who was becomes a deputy.

    By an administrator or the lead, never for oneself: who reads what is told in confidence is not decided alone.
    The lead and whoever is named are told.

    Refusals: ``not_allowed``, ``not_yourself``, ``part_unknown``, ``unknown_member``, ``lead_needed``.
    """
    if command.part and command.part not in PARTS:
        return [Refusal("part_unknown", "Choose a part from the list.", "part")]

    async def work(connection: Connection) -> Recorded:
        await _name_person(connection, actor, command, now)
        return Recorded(id=command.member_id)

    return await once(db, actor, "safeguarding_person", key, command, Recorded, work)


async def _name_person(connection: Connection, actor: Actor, command: NamePerson, now: datetime) -> None:
    timebank_id = actor.timebank_id
    await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"safeguarding {timebank_id}")
    before = {person.member_id: person for person in await people(connection, timebank_id)}
    led_by = next((person.member_id for person in before.values() if person.part == LEAD), None)
    if not (actor.has(ADMIN) or (actor.member_id is not None and actor.member_id == led_by)):
        raise Rollback([Refusal("not_allowed", "Only an administrator or the safeguarding lead can do this.")])
    if command.member_id == actor.member_id and command.part:
        raise Rollback([Refusal("not_yourself", "Ask someone else to name you. Nobody names themselves.", "member_id")])
    if not command.part:
        if command.member_id == led_by:
            raise Rollback([Refusal("lead_needed", "Name another safeguarding lead first.", "member_id")])
        await connection.execute(
            "delete from safeguarding_person where timebank_id = $1 and member_id = $2", timebank_id, command.member_id
        )
        return
    status = await connection.fetchval(
        "select status from member where timebank_id = $1 and id = $2", timebank_id, command.member_id
    )
    if status != "active":
        raise Rollback([Refusal("unknown_member", "Choose a member who takes part now.", "member_id")])
    if command.member_id == led_by and command.part != LEAD:
        raise Rollback([Refusal("lead_needed", "Name another safeguarding lead first.", "member_id")])
    if command.part == LEAD and led_by not in (None, command.member_id):
        await connection.execute(NAME_PERSON, timebank_id, led_by, DEPUTY, actor.member_id, now)
    await connection.execute(NAME_PERSON, timebank_id, command.member_id, command.part, actor.member_id, now)
    # A link that somebody else made earlier must not open what they may read from now on.
    await connection.execute(
        "delete from sign_in_link where timebank_id = $1 and member_id = $2", timebank_id, command.member_id
    )
    await _tell_of_naming(connection, actor, command, led_by, now)


async def _tell_of_naming(
    connection: Connection, actor: Actor, command: NamePerson, led_by: int | None, now: datetime
) -> None:
    words = PARTS[command.part].lower()
    name = await connection.fetchval(
        "select display_name from member where timebank_id = $1 and id = $2", actor.timebank_id, command.member_id
    )
    told = [
        Message(
            member_id=command.member_id,
            kind="safeguarding",
            subject=f"You are now {words}",
            body=f"You were named {words} of your time bank.\n\nWhat you may see now is private. Keep it to yourself.",
            path="/confidence",
            is_urgent=True,
            dedupe=f"safeguarding:{command.member_id}:{command.part}:{now.isoformat()}",
        )
    ]
    if led_by is not None and led_by not in (actor.member_id, command.member_id):
        told.append(
            Message(
                member_id=led_by,
                kind="safeguarding",
                subject=f"{name} is now {words}"[:140],
                body="If you did not know of this, ask who decided it.",
                path="/safeguarding",
                is_urgent=True,
                dedupe=f"safeguarding:lead:{command.member_id}:{command.part}:{now.isoformat()}",
            )
        )
    await send(connection, actor.timebank_id, told, now=now)


# Writing --------------------------------------------------------------------------------------------------------------


async def begin_writing(
    connection: Connection, actor: Actor, member_id: int, now: datetime, *, by_coordinators: bool = False
) -> date:
    """Check, inside the open transaction, who may write and about whom; lock the member; give today in the time bank.

    Raises:
        Rollback: ``not_allowed``, ``unknown_member``.
    """
    is_staff = by_coordinators and actor.has(COORDINATOR) and actor.on_behalf_of is None
    if not (is_staff or actor.member_id is None or await may_see(connection, actor)):
        raise Rollback([Refusal("not_allowed", "Only the safeguarding lead and deputies can do this.")])
    status = await connection.fetchval(pausing.LOCK, actor.timebank_id, member_id)
    if status is None or status == "left":
        raise Rollback([Refusal("unknown_member", "Choose a member of this time bank.", "member_id")])
    facts = await banks.by_id(connection, actor.timebank_id)
    return today(now, facts.time_zone)
