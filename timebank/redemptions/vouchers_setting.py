"""Changing how the vouchers of an offer work, by itself; the form of an offer does it with the offer."""

from datetime import datetime

import msgspec

from timebank.budgets import service as budgets
from timebank.db import Connection, Database, once
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.refusal import Refusal
from timebank.redemptions import offer_queries
from timebank.redemptions.voucher_rules import Terms
from timebank.redemptions.voucher_terms import save_terms


class SetTerms(msgspec.Struct, frozen=True, kw_only=True):
    """From now on the vouchers of this offer work like this; those asked for before keep what they had."""

    offer_id: int
    terms: Terms


class SavedTerms(msgspec.Struct, frozen=True, kw_only=True):
    """It is saved."""

    offer_id: int


async def set_terms(
    db: Database, actor: Actor, command: SetTerms, *, key: str, now: datetime
) -> SavedTerms | list[Refusal]:
    """Change how the vouchers of an offer work. For coordinators.

    Refusals: ``not_allowed``, those of ``voucher_rules.check_terms``, and ``budget_overspent``, ``order_overspent``.

    Raises:
        LookupError: there is no such offer.
    """
    if not actor.has(COORDINATOR):
        return [Refusal("not_allowed", "Only a coordinator can change this. Please ask one.")]

    async def work(connection: Connection) -> SavedTerms:
        offer = await offer_queries.offer_facts(connection, actor.timebank_id, command.offer_id)
        budget_id = offer.budget_id if offer else None
        await budgets.lock(connection, actor.timebank_id, budget_id)
        await save_terms(connection, actor, command.offer_id, command.terms, now=now)
        # Codes bought in advance cost nothing more, others do.
        await budgets.check_promises(connection, actor.timebank_id, budget_id)
        return SavedTerms(offer_id=command.offer_id)

    return await once(db, actor, "set_voucher_terms", key, command, SavedTerms, work)
