"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import BigInt, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class JobRun(Table, tablename="job_run", db=ENGINE):
    """What a job did last in a time bank, and when it comes again."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    job = Text(null=False, default=None)
    started_at = Timestamptz(null=False, default=None)
    finished_at = Timestamptz(null=True, default=None)
    succeeded_at = Timestamptz(null=True, default=None)
    next_at = Timestamptz(null=False, default=None)
    failures = Integer(null=False, default=0)
    error = Text(null=False, default="")
