"""Adding members, and handing them a way to sign in."""

from datetime import datetime

import msgspec

from timebank.db import Database
from timebank.identity import queries as identity_queries
from timebank.identity import service as identity
from timebank.identity.rules import DOUBLE_TAP, LINK_VALID_FOR, check_pin
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark
from timebank.members import queries
from timebank.members.access import note_access
from timebank.members.adding import Added, AddMember, add

__all__ = ("AddMember", "Added", "NewLink", "add", "issue_card", "make_link", "note_access")


class NewLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that signs the member in once. It cannot be shown again."""

    path: str
    ends_at: datetime


async def make_link(db: Database, actor: Actor, member_id: int, *, now: datetime) -> NewLink:
    """Make a one-time link for a member and note it in their access log.

    Raises:
        LookupError: the time bank has no such active member, or it is a group.
        NotAllowed: the member has a role that the actor has not.
    """
    await _require_person(db, actor, member_id)
    path = await identity.create_link(db, actor, member_id, now=now, valid_for=LINK_VALID_FOR)
    await note_access(db, actor, member_id, mark("made a link to sign in"), now=now)
    return NewLink(path=path, ends_at=now + LINK_VALID_FOR)


async def issue_card(
    db: Database, actor: Actor, member_id: int, *, pin: str, replaces: str, base_url: str, now: datetime
) -> identity.IssuedCard | list[Refusal]:
    """Make a card for a member and note it in their access log. The card before it stops working at once.

    ``pin`` is empty for a random one. ``replaces`` says which card the page showed as the working one (when it was
    made, or empty): so a page that is loaded again does not kill the card that was just printed. A double tap may.

    Refusals: ``pin_unreadable``, ``pin_too_easy``, ``card_changed``.

    Raises:
        LookupError: the time bank has no such active member, or it is a group.
        NotAllowed: the member has a role that the actor has not.
    """
    await _require_person(db, actor, member_id)
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
    await note_access(db, actor, member_id, mark("made a card to sign in"), now=now)
    return card


async def card_made_at(db: Database, actor: Actor, member_id: int) -> datetime | None:
    """When the member's working card was made; None without one."""
    async with db.reading(actor.timebank_id) as connection:
        return await identity_queries.card_made_at(connection, actor.timebank_id, member_id)


def card_mark(made_at: datetime | None) -> str:
    """What a page carries to say which card it showed."""
    return made_at.isoformat() if made_at else ""


async def _require_person(db: Database, actor: Actor, member_id: int) -> None:
    async with db.reading(actor.timebank_id) as connection:
        member = await queries.by_id(connection, actor.timebank_id, member_id)
    if member is not None and member.kind != "person":
        raise LookupError(f"member {member_id} is a group: its people sign in as themselves")
