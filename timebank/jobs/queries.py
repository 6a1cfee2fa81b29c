"""Reading what background work did."""

from datetime import datetime

import msgspec

from timebank.db import Connection

RUNS = """
select job, started_at, finished_at, succeeded_at, next_at, failures, error
  from job_run where timebank_id = $1 order by job
"""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The last run of a job in a time bank. ``failures`` counts those in a row; 0 means it went well."""

    job: str
    started_at: datetime
    finished_at: datetime | None
    succeeded_at: datetime | None
    next_at: datetime
    failures: int
    error: str


async def runs(connection: Connection, timebank_id: int) -> dict[str, Run]:
    """The last run of each job that ever ran in this time bank, by the job's name."""
    return {row["job"]: msgspec.convert(dict(row), Run) for row in await connection.fetch(RUNS, timebank_id)}
