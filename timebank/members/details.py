"""Changing what is known of a member: by themselves, or by a coordinator; two at once never lose each other's words."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.identity.rules import may_sign_in_for
from timebank.kit import names
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.kit.words import joined, say
from timebank.members import queries, rules
from timebank.members.access import note_within
from timebank.members.queries import MemberRecord
from timebank.members.rules import DETAIL_WORDS, DETAILS, HOW_TO_REACH, OWN_DETAILS, Details
from timebank.messages.service import Message, send

MAX_ADDRESS = 500

LOCK = "select true from member where timebank_id = $1 and id = $2 and status <> 'left' for update"
CHANGE = """
update member
   set name_key = $3, changed_by = $4, changed_at = $5, revision = revision + 1,
       display_name = $6, phone = $7, email = $8, contact_route = $9, postal_address = $10, language = $11,
       format_preference = $12, access_needs = $13, can_offer = $14, emergency_name = $15, emergency_phone = $16
 where timebank_id = $1 and id = $2
returning revision
"""
LAST_CHANGE = """
select by.display_name as by_whom, m.changed_at as at
  from member m
  join member by on by.timebank_id = m.timebank_id and by.id = m.changed_by
 where m.timebank_id = $1 and m.id = $2
"""


class ChangeDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Change some details of a member. ``revision`` is that of the record they were changed from."""

    member_id: int
    revision: int
    changes: Mapping[str, str]


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """The revision of the record now, and the names of the fields that are different."""

    revision: int
    changed: tuple[str, ...]


class LastChange(msgspec.Struct, frozen=True, kw_only=True):
    """Who changed a member's details last, and when."""

    by_whom: str
    at: datetime


async def change(
    db: Database, actor: Actor, command: ChangeDetails, *, key: str, now: datetime
) -> Changed | list[Refusal]:
    """Change details of a member and tell them: also where they were reached before, when that is what changed.

    Members change their own, all but the name. A coordinator changes those of anybody whom they may help to sign in,
    because an address is a way in. Refusals: ``not_allowed``, ``field_unknown``, ``changed_meanwhile`` when somebody
    else changed the record since, and those of :func:`timebank.members.rules.check_details`.

    Raises:
        LookupError: this time bank has no such member, or they have left.
    """
    allowed = OWN_DETAILS if actor.member_id == command.member_id and not actor.has(COORDINATOR) else DETAILS
    if unknown := [name for name in command.changes if name not in allowed]:
        return [Refusal("field_unknown", say("This cannot be changed here: {value}.", value=", ".join(unknown)), None)]

    async def work(connection: Connection) -> Changed:
        return await change_within(connection, actor, command, now)

    return await once(db, actor, "change_member", key, command, Changed, work)


async def last_change(connection: Connection, timebank_id: int, member_id: int) -> LastChange | None:
    """Who changed a member's details last; None when nobody did since they joined."""
    row = await connection.fetchrow(LAST_CHANGE, timebank_id, member_id)
    return msgspec.convert(dict(row), LastChange) if row else None


async def locked(connection: Connection, timebank_id: int, member_id: int) -> MemberRecord:
    """The member, held until the transaction ends.

    Raises:
        LookupError: this time bank has no such member, or they have left.
    """
    member = None
    if 0 < member_id <= MAX_KEY and await connection.fetchval(LOCK, timebank_id, member_id):
        member = await queries.by_id(connection, timebank_id, member_id)
    if member is None:
        raise LookupError(f"no member {member_id}")
    return member


def may_change(actor: Actor, member: MemberRecord) -> bool:
    """True when the actor may change this record. Whoever acts for somebody does not: the record is not their pages."""
    if actor.on_behalf_of is not None:
        return False
    is_self = actor.member_id == member.id
    return is_self or (actor.has(COORDINATOR) and may_sign_in_for(actor.roles, member.roles, is_self=False))


def changed_meanwhile() -> Refusal:
    """The answer to the second of two who changed the same record."""
    return Refusal("changed_meanwhile", say("Somebody else changed this record. Check it and save again."))


async def change_within(connection: Connection, actor: Actor, command: ChangeDetails, now: datetime) -> Changed:
    """:func:`change` inside the open transaction; what speaks against it is raised as a ``Rollback``."""
    member = await locked(connection, actor.timebank_id, command.member_id)
    if not may_change(actor, member):
        raise Rollback([Refusal("not_allowed", say("Ask an administrator to change this record."))])
    before = member.details
    after = rules.tidy(msgspec.structs.replace(before, **command.changes))
    different = rules.changed(before, after)
    if not different:
        return Changed(revision=member.revision, changed=())
    if command.revision != member.revision:
        raise Rollback([changed_meanwhile()])
    if refusals := [found for found in rules.check_details(after) if _concerns(found, different)]:
        raise Rollback(refusals)
    revision = await connection.fetchval(
        CHANGE,
        actor.timebank_id,
        member.id,
        names.key(after.display_name),
        actor.member_id,
        now,
        *(getattr(after, name) for name in DETAILS),
    )
    words = _in_words(different)
    await note_within(connection, actor, member.id, f"changed your {words}"[:200], now=now)
    await send(connection, actor.timebank_id, _messages(actor, member, after, different, revision), now=now)
    return Changed(revision=revision, changed=different)


def _concerns(refusal: Refusal, different: Sequence[str]) -> bool:
    """A record that was right by earlier rules is not held up by a field that nobody touched."""
    reach = set(HOW_TO_REACH)
    return refusal.field in different or (refusal.field in reach and bool(reach & set(different)))


def _in_words(different: Sequence[str]) -> str:
    words = [DETAIL_WORDS[name] for name in different]
    words = [word if word == "E-mail" else word[0].lower() + word[1:] for word in words]
    return ", ".join(words)


def _messages(
    actor: Actor, member: MemberRecord, after: Details, different: Sequence[str], revision: int
) -> list[Message]:
    before = member.details
    reach_changed = bool(set(HOW_TO_REACH) & set(different))
    if actor.member_id == member.id and not reach_changed:
        return []
    message = Message(
        member_id=member.id,
        kind="details_changed",
        subject=say("Your details were changed"),
        body=joined(
            say("These were changed: {what}.", what=joined(*(say(DETAIL_WORDS[name]) for name in different), by=", ")),
            say("If you did not ask for this, tell us at once."),
            by="\n",
        ),
        path="/me",
        dedupe=f"details:{member.id}:{revision}",
    )
    messages = [message]
    old, new = _reached_at(before), _reached_at(after)
    if old != new and old[1]:
        messages.append(
            msgspec.structs.replace(
                message,
                subject=say("Your contact details were changed"),
                body=joined(
                    say("From now on we write to you another way."),
                    say("If you did not ask for this, tell us at once."),
                    by="\n",
                ),
                dedupe=f"details:{member.id}:{revision}:before",
                is_urgent=True,
                only_route=old[0],
                only_address=old[1][:MAX_ADDRESS],
            )
        )
    return messages


def _reached_at(details: Details) -> tuple[str, str]:
    """By which way messages go, and to which address; both empty for no messages."""
    addresses = {
        "email": details.email,
        "sms": details.phone,
        "phone": details.phone,
        "letter": details.postal_address,
    }
    if details.contact_route not in addresses:
        return "", ""
    return details.contact_route, addresses[details.contact_route]
