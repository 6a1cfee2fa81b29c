"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import BigInt, Boolean, Integer, Text
from piccolo.table import Table

from timebank.db import ENGINE


class Activity(Table, tablename="activity", db=ENGINE):
    """A stream of work that people give time to: what coordinators call a group."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    name = Text(null=False, default=None)
    name_key = Text(null=False, default=None)
    place = Text(null=False, default="")
    default_minutes = Integer(null=False, default=60)
    is_archived = Boolean(null=False, default=False)
    gives = Text(null=False, default="hours")
    work_kind = Text(null=False, default="volunteering")
    receivers_pay = Boolean(null=False, default=False)
