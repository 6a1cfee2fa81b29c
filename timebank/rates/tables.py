"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import BigInt, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class Rate(Table, tablename="rate", db=ENGINE):
    """What is paid for one kind of thing from a day on; two people stand behind it."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    kind = Text(null=False, default=None)
    band = Text(null=False, default="")
    fund_id = BigInt(null=True, default=None)
    version = Integer(null=True, default=None)
    pence = Integer(null=False, default=None)
    unit = Text(null=False, default=None)
    from_on = Date(null=False, default=None)
    to_on = Date(null=True, default=None)
    note = Text(null=False, default="")
    state = Text(null=False, default=None)
    proposed_by = BigInt(null=False, default=None)
    proposed_at = Timestamptz(null=False, default=None)
    decided_by = BigInt(null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)
    why = Text(null=False, default="")
    budget_id = BigInt(null=True, default=None)
