"""Work that nobody waits for: one round a minute of what has come due, time bank by time bank.

Each job finds what is due in the tables themselves and may be repeated, so a missed, doubled or killed round does no
harm. What a job did last, and when it comes again, is kept in ``job_run``. A PostgreSQL advisory lock lets one server
process do a round at a time (docs/decisions/0012).
"""

from timebank.jobs.rounds import Job, one_round, running

__all__ = ("Job", "one_round", "running")
