"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import JSONB, BigInt, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class TimeBank(Table, tablename="timebank", db=ENGINE):
    """One community. Global: its name is public."""

    id = BigInt(primary_key=True, null=False, default=None)
    slug = Text(null=False, default=None)
    name = Text(null=False, default=None)
    time_zone = Text(null=False, default=None)
    currency = Text(null=False, default=None)
    holiday_region = Text(null=False, default="")
    help_contact = Text(null=False, default="")
    created_at = Timestamptz(null=False, default=None)


class RulesVersion(Table, tablename="rules", db=ENGINE):
    """One version of a time bank's public rules."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    version = Integer(null=False, default=None)
    document = JSONB(null=False, default=None)
    decided_by = Text(null=False, default=None)
    starts_on = Date(null=False, default=None)
    created_at = Timestamptz(null=False, default=None)
    recorded_by = BigInt(null=True, default=None)
    note = Text(null=False, default="")
