"""Piccolo's view of the table of waiting lists; the SQL in ``migrations/timebank`` is what defines it."""

from piccolo.columns import BigInt, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class Waiting(Table, tablename="waiting", db=ENGINE):
    """Somebody who waits for a place, is offered one, or did once."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    offer_id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    state = Text(null=False, default=None)
    joined_at = Timestamptz(null=False, default=None)
    added_by = BigInt(null=False, default=None)
    how_agreed = Text(null=False, default="")
    offered_at = Timestamptz(null=True, default=None)
    answer_until = Timestamptz(null=True, default=None)
    changed_at = Timestamptz(null=False, default=None)
    redemption_id = BigInt(null=True, default=None)
