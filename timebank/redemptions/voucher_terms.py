"""How the vouchers of an offer work: kept with the offer, in the transaction that adds or changes it."""

from datetime import datetime

from timebank.db import Connection, Rollback
from timebank.kit.actor import Actor
from timebank.redemptions import offer_queries
from timebank.redemptions.voucher_rules import HAND, check_terms
from timebank.redemptions.voucher_rules import Terms as VoucherTerms

__all__ = ["VoucherTerms", "save_terms"]

SAVE = """
insert into voucher_terms (timebank_id, offer_id, source, gives_at_once, allows_parts, valid_days, expiry_returns_hours,
                           low_stock)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (timebank_id, offer_id) do update
   set source = excluded.source, gives_at_once = excluded.gives_at_once, allows_parts = excluded.allows_parts,
       valid_days = excluded.valid_days, expiry_returns_hours = excluded.expiry_returns_hours,
       low_stock = excluded.low_stock, low_told_at = null
"""


async def save_terms(
    connection: Connection, actor: Actor, offer_id: int, terms: VoucherTerms | None, *, now: datetime
) -> None:
    """Keep the terms of an offer; None leaves them as they are. Vouchers asked for before keep the terms they had.

    Raises:
        Rollback: with the refusals of :func:`timebank.redemptions.voucher_rules.check_terms`.
        LookupError: there is no such offer.
    """
    del now  # the table keeps no time; every use case takes one
    if terms is None:
        return
    offer = await offer_queries.offer_facts(connection, actor.timebank_id, offer_id)
    if offer is None:
        raise LookupError(f"no offer {offer_id}")
    is_voucher = offer.kind == "voucher"
    refusals = check_terms(
        terms,
        is_voucher=is_voucher,
        has_payee=offer.payee_id is not None,
        has_value=offer.value_pence is not None,
        hold_days=offer.hold_days,
    )
    if refusals:
        raise Rollback(refusals)
    if not is_voucher and terms.source == HAND:
        return
    await connection.execute(
        SAVE,
        actor.timebank_id,
        offer_id,
        terms.source,
        terms.gives_at_once,
        terms.allows_parts,
        terms.valid_days,
        terms.expiry_returns_hours,
        terms.low_stock,
    )
