"""What the page of an offer says about its voucher before hours are spent: until when it works, and what follows."""

from datetime import date, datetime

import msgspec

from timebank.banks.rules import TimeBankFacts
from timebank.db import Connection
from timebank.kit.clock import today
from timebank.redemptions import rules
from timebank.redemptions import voucher_queries as queries
from timebank.redemptions import voucher_rules as vr
from timebank.redemptions.offer_rules import OfferFacts

NEXT_CODE = """
select expires_on from pool_code
 where timebank_id = $1 and offer_id = $2 and state = 'free' and (expires_on is null or expires_on >= $3)
 order by expires_on nulls last, id limit 1
"""


class Promised(msgspec.Struct, frozen=True, kw_only=True):
    """The voucher that a booking made now would give. ``last_day`` is None where it is known only later, or never ends.

    ``source`` is ``pool`` or ``ours``; ``returns_hours`` says what happens to the hours of one that is not used.
    """

    source: str
    last_day: date | None
    is_told_later: bool
    returns_hours: bool
    allows_parts: bool


async def promised(connection: Connection, offer: OfferFacts, bank: TimeBankFacts, now: datetime) -> Promised | None:
    """What a booking of this offer would give now; None for what is no voucher, and for one that staff hand over."""
    if offer.kind != "voucher":
        return None
    terms = await queries.terms(connection, bank.id, offer.id)
    if terms.source == vr.HAND:
        return None
    if terms.source == vr.POOL:
        day = await connection.fetchval(NEXT_CODE, bank.id, offer.id, today(now, bank.time_zone))
        return Promised(
            source=terms.source,
            last_day=day if terms.gives_at_once else None,
            is_told_later=day is not None and not terms.gives_at_once,
            returns_hours=True,
            allows_parts=False,
        )
    # Its days are counted from when a coordinator agrees; with its booking it ends on a day that is known.
    is_known = terms.gives_at_once or terms.valid_days is None
    ends = vr.ends_at(terms.valid_days, rules.expires_at(offer, now, bank), now, bank.time_zone)
    return Promised(
        source=terms.source,
        last_day=vr.last_day(ends, bank.time_zone) if is_known else None,
        is_told_later=not is_known,
        returns_hours=terms.expiry_returns_hours,
        allows_parts=terms.allows_parts,
    )
