"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import BigInt, Bytea, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class ConfidenceReport(Table, tablename="confidence_report", db=ENGINE):
    """What somebody told in confidence."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    reference = Text(null=False, default=None)
    code_sha256 = Bytea(null=False, default=None)
    how = Text(null=False, default=None)
    happened = Text(null=False, default=None)
    about = Text(null=False, default="")
    reach = Text(null=False, default="")
    from_member_id = BigInt(null=True, default=None)
    taken_by = BigInt(null=True, default=None)
    told_at = Timestamptz(null=False, default=None)
    due_on = Date(null=False, default=None)
    state = Text(null=False, default="new")
    answer = Text(null=False, default="")


class ConfidenceExcluded(Table, tablename="confidence_excluded", db=ENGINE):
    """Somebody whom a report is about, and who therefore never reads it."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    report_id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)


class ConfidenceStep(Table, tablename="confidence_step", db=ENGINE):
    """One thing that was done with a report."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    report_id = BigInt(null=False, default=None)
    n = Integer(null=False, default=None)
    what = Text(null=False, default=None)
    words = Text(null=False, default="")
    actor_id = BigInt(null=True, default=None)
    at = Timestamptz(null=False, default=None)


class ConfidenceCount(Table, tablename="confidence_count", db=ENGINE):
    """How much came from one network in one hour."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    what = Text(null=False, default=None)
    mark = Bytea(null=False, default=None)
    hour = Timestamptz(null=False, default=None)
    times = Integer(null=False, default=None)
