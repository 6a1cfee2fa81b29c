"""What a member saved for later. Nobody else sees it."""

from datetime import datetime

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.redemptions import offer_queries

MAX_SAVED = 100

COUNT = "select count(*) from saved_offer where timebank_id = $1 and member_id = $2"
SAVE = """
insert into saved_offer (timebank_id, member_id, offer_id, saved_at) values ($1, $2, $3, $4) on conflict do nothing
"""
REMOVE = "delete from saved_offer where timebank_id = $1 and member_id = $2 and offer_id = $3"


class SaveOffer(msgspec.Struct, frozen=True, kw_only=True):
    """Save an offer for later, or take it off the list."""

    offer_id: int
    is_saved: bool


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """Whether it is on the list now."""

    offer_id: int
    is_saved: bool


async def save_offer(
    db: Database, actor: Actor, command: SaveOffer, *, key: str, now: datetime
) -> Saved | list[Refusal]:
    """Put an offer on one's own list, or take it off. Asking for what is so already changes nothing.

    Refusals: ``not_yours`` (while acting for somebody), ``too_many_saved``.

    Raises:
        LookupError: there is no such offer.
    """
    member_id = actor.member_id
    if member_id is None or actor.on_behalf_of is not None:
        return [Refusal("not_yours", "Only they can see and change this list.")]

    async def work(connection: Connection) -> Saved:
        if await offer_queries.offer_facts(connection, actor.timebank_id, command.offer_id) is None:
            raise LookupError(command.offer_id)
        whose = (actor.timebank_id, member_id)
        if not command.is_saved:
            await connection.execute(REMOVE, *whose, command.offer_id)
        else:
            await connection.execute(SAVE, *whose, command.offer_id, now)
            if await connection.fetchval(COUNT, *whose) > MAX_SAVED:
                message = f"You have saved {MAX_SAVED} things. Remove one first."
                raise Rollback([Refusal("too_many_saved", message)])
        return Saved(offer_id=command.offer_id, is_saved=command.is_saved)

    return await once(db, actor, "save_offer", key, command, Saved, work)
