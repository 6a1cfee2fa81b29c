"""Adding members, and handing them a way to sign in."""

from datetime import date, datetime

import msgspec

from ledger import open_account
from timebank.banks import queries as banks
from timebank.banks.service import MINUTES
from timebank.db import Connection, Database, Rollback, claim, remember
from timebank.identity import queries as identity_queries
from timebank.identity import service as identity
from timebank.identity.rules import DOUBLE_TAP, LINK_VALID_FOR, check_pin
from timebank.kit import names
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.members import queries, rules
from timebank.members.access import note_access, note_within

__all__ = ("AddMember", "Added", "NewLink", "add", "issue_card", "make_link", "note_access")

NEW_MEMBER = """
insert into member
    (timebank_id, number, person_id, display_name, name_key, email, phone, contact_route, can_offer, joined_on,
     created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
returning id
"""


class AddMember(msgspec.Struct, frozen=True, kw_only=True):
    """A new member. ``name_may_repeat`` False asks first when somebody of that name is a member already."""

    display_name: str
    joined_on: date
    email: str = ""
    phone: str = ""
    contact_route: str = "none"
    can_offer: str = ""
    roles: tuple[str, ...] = ()
    name_may_repeat: bool = True


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """The member is there, with an account for their hours. ``number`` is the one people use."""

    member_id: int
    number: int


class NewLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that signs the member in once. It cannot be shown again."""

    path: str
    ends_at: datetime


async def add(db: Database, actor: Actor, command: AddMember, *, key: str, now: datetime) -> Added | list[Refusal]:
    """Add a member and open the account of their hours. Repeating it with the same key changes nothing.

    Refusals: those of :mod:`timebank.members.rules`, all of them at once; ``same_name`` when that is to be asked first;
    ``not_allowed`` for anyone but a coordinator.
    """
    if not actor.has(COORDINATOR):
        return [Refusal("not_allowed", "Only a coordinator can add members.")]
    scope = f"add_member:{actor.name}"
    try:
        async with db.writing(actor.timebank_id) as connection:
            earlier = await claim(connection, actor.timebank_id, scope, key, command)
            if earlier is not None:
                return msgspec.convert(earlier, Added)
            bank = await banks.by_id(connection, actor.timebank_id)
            day = today(now, bank.time_zone)
            # One at a time: the next number is free, and a name that is asked about cannot slip in twice.
            await connection.execute(
                "select pg_advisory_xact_lock(hashtextextended($1, 0))", f"members of {actor.timebank_id}"
            )
            refusals = await _refusals(connection, actor, command, day)
            if refusals:
                raise Rollback(refusals)
            added = await _insert(connection, actor, command, now)
            _, in_force = await banks.rules_in_force(connection, actor.timebank_id, day)
            await open_account(
                connection,
                actor.timebank_id,
                code=f"member/{added.member_id}",
                unit=MINUTES,
                account_class="member",
                # A number, not the name: the ledger is kept when the person has left.
                name=f"Member {added.number}",
                floor=-in_force.member_floor_minutes,
            )
            await remember(connection, actor.timebank_id, scope, key, msgspec.to_builtins(added))
            return added
    except Rollback as rollback:
        return rollback.refusals


async def make_link(db: Database, actor: Actor, member_id: int, *, now: datetime) -> NewLink:
    """Make a one-time link for a member and note it in their access log.

    Raises:
        LookupError: the time bank has no such active member.
        NotAllowed: the member has a role that the actor has not.
    """
    path = await identity.create_link(db, actor, member_id, now=now, valid_for=LINK_VALID_FOR)
    await note_access(db, actor, member_id, "made a link to sign in", now=now)
    return NewLink(path=path, ends_at=now + LINK_VALID_FOR)


async def issue_card(
    db: Database, actor: Actor, member_id: int, *, pin: str, replaces: str, base_url: str, now: datetime
) -> identity.IssuedCard | list[Refusal]:
    """Make a card for a member and note it in their access log. The card before it stops working at once.

    ``pin`` is empty for a random one. ``replaces`` says which card the page showed as the working one (when it was
    made, or empty): so a page that is loaded again does not kill the card that was just printed. A double tap may.

    Refusals: ``pin_unreadable``, ``pin_too_easy``, ``card_changed``.

    Raises:
        LookupError: the time bank has no such active member.
        NotAllowed: the member has a role that the actor has not.
    """
    refusals = check_pin(pin) if pin else []
    if refusals:
        return refusals
    made_at = await card_made_at(db, actor, member_id)
    is_double_tap = made_at is not None and now - made_at < DOUBLE_TAP
    if card_mark(made_at) != replaces and not is_double_tap:
        return [
            Refusal(
                "card_changed",
                "A card was made in the meantime. Make another only if that one is lost: it would stop working.",
            )
        ]
    card = await identity.issue_card(db, actor, member_id, pin=pin or None, base_url=base_url, now=now)
    await note_access(db, actor, member_id, "made a card to sign in", now=now)
    return card


async def card_made_at(db: Database, actor: Actor, member_id: int) -> datetime | None:
    """When the member's working card was made; None without one."""
    async with db.reading(actor.timebank_id) as connection:
        return await identity_queries.card_made_at(connection, actor.timebank_id, member_id)


def card_mark(made_at: datetime | None) -> str:
    """What a page carries to say which card it showed."""
    return made_at.isoformat() if made_at else ""


async def _refusals(connection: Connection, actor: Actor, command: AddMember, day: date) -> list[Refusal]:
    refusals = [
        *rules.check_details(
            display_name=command.display_name,
            email=command.email,
            phone=command.phone,
            contact_route=command.contact_route,
            can_offer=command.can_offer,
        ),
        *rules.check_joined_on(command.joined_on, day),
        *rules.check_roles(actor, command.roles),
    ]
    if not refusals and not command.name_may_repeat:
        there = await queries.same_name(connection, actor.timebank_id, command.display_name)
        if there:
            refusals.append(rules.same_name(there[0].display_name, len(there)))
    return refusals


async def _insert(connection: Connection, actor: Actor, command: AddMember, now: datetime) -> Added:
    number = await connection.fetchval(
        "select coalesce(max(number), 0) + 1 from member where timebank_id = $1", actor.timebank_id
    )
    person_id = await connection.fetchval("insert into person (created_at) values ($1) returning id", now)
    display_name = names.tidy(command.display_name)
    member_id = await connection.fetchval(
        NEW_MEMBER,
        actor.timebank_id,
        number,
        person_id,
        display_name,
        names.key(display_name),
        command.email.strip(),
        command.phone.strip(),
        command.contact_route,
        command.can_offer.strip(),
        command.joined_on,
        now,
    )
    for role in sorted(set(command.roles)):
        await connection.execute(
            "insert into member_role (timebank_id, member_id, role) values ($1, $2, $3)",
            actor.timebank_id,
            member_id,
            role,
        )
    await note_within(connection, actor, member_id, "added you as a member", now=now)
    return Added(member_id=member_id, number=number)
