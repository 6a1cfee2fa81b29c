"""Offers: adding what hours can be spent on."""

from datetime import datetime

import asyncpg
import msgspec

from timebank.db import Connection, Database, Rollback, claim, remember
from timebank.kit.actor import ADMIN, COORDINATOR, FINANCE, Actor
from timebank.kit.names import tidy
from timebank.kit.refusal import Refusal
from timebank.redemptions import offer_rules
from timebank.redemptions.offer_rules import AddOffer
from timebank.redemptions.people import require_active

__all__ = ["AddOffer", "AddedOffer", "add_offer"]

INSERT_OFFER = """
insert into offer (timebank_id, kind, title, summary, description, price_minutes, places, starts_at, place,
                   access_notes, benefit_label, cancel_hours, hold_days, payee_id, value_pence, provider_id, is_open)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
returning id
"""


class AddedOffer(msgspec.Struct, frozen=True, kw_only=True):
    """The new offer."""

    offer_id: int


async def add_offer(
    db: Database, actor: Actor, command: AddOffer, *, key: str, now: datetime
) -> AddedOffer | list[Refusal]:
    """Add something that hours can be spent on. For staff.

    Refusals: ``not_allowed``, ``unknown_member`` (the provider), ``unknown_payee``, and those of
    ``offer_rules.check_offer``.
    """
    del now  # the table keeps no time; every use case takes one
    if not any(actor.has(role) for role in (COORDINATOR, FINANCE, ADMIN)):
        return [Refusal("not_allowed", "Only staff can add an offer. Ask your coordinator.")]
    refusals = offer_rules.check_offer(command)
    if refusals:
        return refusals
    scope = f"add_offer:{actor.name}"
    try:
        async with db.writing(actor.timebank_id) as connection:
            earlier = await claim(connection, actor.timebank_id, scope, key, command)
            if earlier is not None:
                return msgspec.convert(earlier, AddedOffer)
            added = AddedOffer(offer_id=await _insert_offer(connection, actor.timebank_id, command))
            await remember(connection, actor.timebank_id, scope, key, msgspec.to_builtins(added))
            return added
    except Rollback as rollback:
        return rollback.refusals
    except asyncpg.ForeignKeyViolationError:
        # The composite keys refuse another time bank's supplier as well as one that does not exist.
        return [Refusal("unknown_payee", "Choose a supplier of this time bank.", "payee_id")]


async def _insert_offer(connection: Connection, timebank_id: int, command: AddOffer) -> int:
    if command.provider_id is not None:
        await require_active(connection, timebank_id, command.provider_id, "provider_id")
    offer_id: int = await connection.fetchval(
        INSERT_OFFER,
        timebank_id,
        command.kind,
        tidy(command.title),
        tidy(command.summary),
        command.description.strip(),
        command.price_minutes,
        command.places,
        command.starts_at,
        tidy(command.place),
        command.access_notes.strip(),
        command.benefit_label.strip(),
        command.cancel_hours,
        command.hold_days,
        command.payee_id,
        command.value_pence,
        command.provider_id,
        command.is_open,
    )
    return offer_id
