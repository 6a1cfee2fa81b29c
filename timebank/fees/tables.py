"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import BigInt, Boolean, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class Fee(Table, tablename="fee", db=ENGINE):
    """A fee for one contribution, by the rate of its day."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    reference = Text(null=False, default=None)
    contribution_id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    activity = Text(null=False, default="")
    band = Text(null=False, default="")
    fund_id = BigInt(null=True, default=None)
    held_on = Date(null=False, default=None)
    minutes = Integer(null=False, default=None)
    rate_id = BigInt(null=True, default=None)
    pence = BigInt(null=False, default=0)
    state = Text(null=False, default=None)
    offered = Integer(null=False, default=0)
    created_at = Timestamptz(null=False, default=None)
    changed_at = Timestamptz(null=False, default=None)
    budget_id = BigInt(null=True, default=None)


class FeeChoice(Table, tablename="fee_choice", db=ENGINE):
    """What somebody chose about a fee, and which note on benefits they were shown."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    fee_id = BigInt(null=False, default=None)
    how = Text(null=False, default=None)
    offered_pence = BigInt(null=False, default=None)
    pence = BigInt(null=False, default=None)
    payee_id = BigInt(null=True, default=None)
    note = Text(null=False, default=None)
    is_standing = Boolean(null=False, default=None)
    how_agreed = Text(null=False, default="")
    by_id = BigInt(null=False, default=None)
    acting_id = BigInt(null=True, default=None)
    at = Timestamptz(null=False, default=None)
    state = Text(null=False, default=None)
    told = Text(null=False, default="")


class FeeEvent(Table, tablename="fee_event", db=ENGINE):
    """One step in the life of a fee."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    fee_id = BigInt(null=False, default=None)
    n = Integer(null=False, default=None)
    what = Text(null=False, default=None)
    minutes = Integer(null=False, default=None)
    pence = BigInt(null=False, default=None)
    over_pence = BigInt(null=False, default=0)
    by_id = BigInt(null=True, default=None)
    at = Timestamptz(null=False, default=None)


class FeeStanding(Table, tablename="fee_standing", db=ENGINE):
    """What a member chose for every fee to come."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    member_id = BigInt(null=False, default=None)
    how = Text(null=False, default=None)
    payee_id = BigInt(null=True, default=None)
    note = Text(null=False, default=None)
    changed_by = BigInt(null=False, default=None)
    changed_at = Timestamptz(null=False, default=None)
