"""Adding members: each with a number that people use and an account for their hours."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from ledger import open_account
from timebank.banks import queries as banks
from timebank.banks.service import MINUTES
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import names
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.members import queries, rules
from timebank.members.rules import DETAILS, Details

# One at a time: the next number is free, and a name that is asked about cannot slip in twice.
ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('members of ' || $1::bigint, 0))"
NEW_PEOPLE = "insert into person (created_at) select $1 from generate_series(1, $2::int) returning id"
NEW_MEMBERS = """
insert into member
    (timebank_id, number, person_id, name_key, kind, joined_on, upload_id, created_at, contact_member_id,
     display_name, phone, email, contact_route, postal_address, language, format_preference, access_needs, can_offer,
     emergency_name, emergency_phone)
select $1, (select coalesce(max(number), 0) from member where timebank_id = $1) + m.place,
       m.person_id, m.name_key, m.kind, m.joined_on, $2, $3, m.contact_member_id,
       m.display_name, m.phone, m.email, m.contact_route, m.postal_address, m.language, m.format_preference,
       m.access_needs, m.can_offer, m.emergency_name, m.emergency_phone
  from unnest($4::bigint[], $5::text[], $6::text[], $7::date[], $8::bigint[],
              $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
              $17::text[], $18::text[], $19::text[])
       with ordinality
       as m (person_id, name_key, kind, joined_on, contact_member_id,
             display_name, phone, email, contact_route, postal_address, language, format_preference, access_needs,
             can_offer, emergency_name, emergency_phone, place)
returning id, number
"""
NOTE = """
insert into access_log (timebank_id, at, actor_id, subject_id, what)
select $1, $2, $3, id, 'added you as a member' from unnest($4::bigint[]) as new (id)
"""
NEW_ROLE = "insert into member_role (timebank_id, member_id, role) values ($1, $2, $3)"


class AddMember(Details, frozen=True, kw_only=True):
    """A new member: a person, a group or an organisation.

    ``contact_member_id``: whom to speak to about a group. ``name_may_repeat`` False asks first when somebody of that
    name or with that e-mail address is a member already.
    """

    joined_on: date
    kind: str = "person"
    contact_member_id: int | None = None
    roles: tuple[str, ...] = ()
    name_may_repeat: bool = True


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """The member is there, with an account for their hours. ``number`` is the one people use."""

    member_id: int
    number: int


async def add(db: Database, actor: Actor, command: AddMember, *, key: str, now: datetime) -> Added | list[Refusal]:
    """Add a member and open the account of their hours. Repeating it with the same key changes nothing.

    Refusals: those of :mod:`timebank.members.rules`, all of them at once; ``same_name`` or ``same_email`` when that is
    to be asked first; ``contact_unknown``; ``not_allowed`` for anyone but a coordinator.
    """
    if not actor.has(COORDINATOR):
        return [Refusal("not_allowed", "Only a coordinator can add members.")]

    async def work(connection: Connection) -> Added:
        await connection.execute(ONE_AT_A_TIME, actor.timebank_id)
        bank = await banks.by_id(connection, actor.timebank_id)
        day = today(now, bank.time_zone)
        if refusals := await _refusals(connection, actor, command, day):
            raise Rollback(refusals)
        return (await insert_members(connection, actor, [command], day=day, now=now))[0]

    return await once(db, actor, "add_member", key, command, Added, work)


async def insert_members(
    connection: Connection,
    actor: Actor,
    members: Sequence[AddMember],
    *,
    day: date,
    now: datetime,
    upload_id: int | None = None,
) -> list[Added]:
    """Insert members that were found in order, inside the open transaction, which holds :data:`ONE_AT_A_TIME`.

    ``day`` is today in the time bank; ``upload_id`` the file that they came in, if they came in one.
    """
    timebank_id = actor.timebank_id
    people = [row["id"] for row in await connection.fetch(NEW_PEOPLE, now, len(members))]
    kept = [rules.tidy(_details(member)) for member in members]
    rows = await connection.fetch(
        NEW_MEMBERS,
        timebank_id,
        upload_id,
        now,
        people,
        [names.key(details.display_name) for details in kept],
        [member.kind for member in members],
        [member.joined_on for member in members],
        [member.contact_member_id for member in members],
        *([getattr(details, name) for details in kept] for name in DETAILS),
    )
    added = [Added(member_id=row["id"], number=row["number"]) for row in sorted(rows, key=lambda row: row["number"])]
    for member, new in zip(members, added, strict=True):
        for role in sorted(set(member.roles)):
            await connection.execute(NEW_ROLE, timebank_id, new.member_id, role)
    if actor.member_id is not None:
        await connection.execute(NOTE, timebank_id, now, actor.member_id, [new.member_id for new in added])
    _, in_force = await banks.rules_in_force(connection, timebank_id, day)
    for new in added:
        await open_account(
            connection,
            timebank_id,
            code=f"member/{new.member_id}",
            unit=MINUTES,
            account_class="member",
            # A number, not the name: the ledger is kept when the person has left.
            name=f"Member {new.number}",
            floor=-in_force.member_floor_minutes,
        )
    return added


def check(actor: Actor, command: AddMember, day: date) -> list[Refusal]:
    """Everything that is wrong with a new member by itself, whoever else is a member."""
    refusals = [
        *rules.check_details(command),
        *rules.check_joined_on(command.joined_on, day),
        *rules.check_roles(actor, command.roles),
    ]
    if command.kind not in rules.KINDS:
        refusals.append(Refusal("kind_unknown", "Choose a person, a group or an organisation.", "kind"))
    elif command.kind != "person" and command.roles:
        refusals.append(Refusal("roles_not_for_groups", "Give roles to a person, not to a group.", "roles"))
    elif command.kind == "person" and command.contact_member_id is not None:
        refusals.append(Refusal("contact_not_for_people", "Only a group has a contact person.", "contact_member_id"))
    return refusals


async def _refusals(connection: Connection, actor: Actor, command: AddMember, day: date) -> list[Refusal]:
    refusals = check(actor, command, day)
    if command.contact_member_id is not None and not refusals:
        contact = await queries.by_id(connection, actor.timebank_id, command.contact_member_id)
        if contact is None or contact.status != "active" or contact.kind != "person":
            refusals.append(Refusal("contact_unknown", "Choose a contact from the members.", "contact_member_id"))
    if refusals or command.name_may_repeat:
        return refusals
    if there := await queries.same_name(connection, actor.timebank_id, command.display_name):
        return [rules.same_name(there[0].display_name, len(there))]
    if there := await queries.same_email(connection, actor.timebank_id, command.email):
        return [rules.same_email(there[0].display_name)]
    return []


def _details(member: Details) -> Details:
    return Details(**{name: getattr(member, name) for name in DETAILS})
