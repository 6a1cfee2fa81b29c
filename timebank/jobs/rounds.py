"""The rounds: what is due is done, and written down. One job's failure or slowness never stops the others."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import structlog

from timebank.banks.queries import every_id
from timebank.db import Database
from timebank.kit.clock import Clock
from timebank.kit.trouble import Trouble

ROUND = timedelta(minutes=1)
JOB_SECONDS = 30
"""How long one job may take in one time bank in one round; what is left then waits for the next."""
RETRY_FIRST = timedelta(minutes=1)
RETRY_LONGEST = timedelta(minutes=10)
MAX_LOGGED_FRAMES = 12
ADVISORY_LOCK = 0x6A6F6273  # "jobs"
TOO_SLOW = "It took too long. The rest waits for the next round."
UNEXPECTED = "Something unexpected went wrong ({}). The server’s log says more."

DUE = "select job from job_run where timebank_id = $1 and next_at > $2"
STARTED = """
insert into job_run (timebank_id, job, started_at, next_at) values ($1, $2, $3, $3)
on conflict (timebank_id, job) do update set started_at = excluded.started_at, finished_at = null
returning failures
"""
FINISHED = """
update job_run
   set finished_at = $3, next_at = $4, error = $5, failures = $6,
       succeeded_at = case when $6 = 0 then $3 else succeeded_at end
 where timebank_id = $1 and job = $2
"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of background work.

    ``do(db, timebank_id, now)`` does what has come due in one time bank and may be repeated; it raises
    :class:`~timebank.kit.trouble.Trouble` to say in a sentence what keeps it from its work. ``words`` say on the
    page what it is for; ``every`` is how often it comes, a round at least.
    """

    name: str
    words: str
    do: Callable[[Database, int, datetime], Awaitable[object]]
    every: timedelta = ROUND


@asynccontextmanager
async def running(db: Database, clock: Clock, jobs: Sequence[Job]) -> AsyncIterator[None]:
    """Do a round now and every minute until the block ends."""
    task = asyncio.create_task(_rounds(db, clock, jobs))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _rounds(db: Database, clock: Clock, jobs: Sequence[Job]) -> None:
    while True:
        try:
            await one_round(db, clock, jobs)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("jobs: the database could not be used; trying again next round", error=type(error).__name__)
        await asyncio.sleep(ROUND.total_seconds())


async def one_round(db: Database, clock: Clock, jobs: Sequence[Job]) -> bool:
    """Do every job that is due for every time bank; False when another process is at it."""
    async with db.pool.acquire() as connection:
        if not await connection.fetchval("select pg_try_advisory_lock($1)", ADVISORY_LOCK):
            return False
        try:
            now = clock.now()
            for timebank_id in await every_id(connection):
                async with db.reading(timebank_id) as reading:
                    later = {row["job"] for row in await reading.fetch(DUE, timebank_id, now)}
                for job in jobs:
                    if job.name not in later:
                        await do(job, db, timebank_id, clock)
        finally:
            await connection.execute("select pg_advisory_unlock($1)", ADVISORY_LOCK)
    return True


async def do(job: Job, db: Database, timebank_id: int, clock: Clock) -> str:
    """Do one job in one time bank and write down how it went; return what went wrong, or an empty text."""
    now = clock.now()
    async with db.writing(timebank_id) as connection:
        failures = await connection.fetchval(STARTED, timebank_id, job.name, now)
    error = await _error_of(job, db, timebank_id, now)
    failures = failures + 1 if error else 0
    pause = retry_after(failures) if error else job.every
    finished = clock.now()
    async with db.writing(timebank_id) as connection:
        # A little early, so that a round that begins a moment sooner than the last one leaves nothing out.
        next_at = now + max(pause - ROUND / 2, timedelta(0))
        await connection.execute(FINISHED, timebank_id, job.name, finished, next_at, error, failures)
    return error


def retry_after(failures: int) -> timedelta:
    """How long a job waits after so many failures in a row."""
    factor: int = 2 ** min(failures - 1, 10)
    return min(RETRY_FIRST * factor, RETRY_LONGEST)


async def _error_of(job: Job, db: Database, timebank_id: int, now: datetime) -> str:
    try:
        async with asyncio.timeout(JOB_SECONDS):
            await job.do(db, timebank_id, now)
    except TimeoutError:
        log.warning("job was too slow", job=job.name, timebank_id=timebank_id)
        return TOO_SLOW
    except Trouble as trouble:
        log.warning(
            "job could not do its work",
            job=job.name,
            timebank_id=timebank_id,
            why=trouble.sentence,
            cause=type(trouble.__cause__).__name__,
        )
        return trouble.sentence
    except Exception as error:  # noqa: BLE001 - whatever it is, the other jobs go on
        # Without the error's own words, which may quote what people typed: a database says which value is there twice.
        log.error(
            "job failed",
            job=job.name,
            timebank_id=timebank_id,
            error=type(error).__qualname__,
            frames=[
                f"{frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(error.__traceback__)[-MAX_LOGGED_FRAMES:]
            ],
        )
        return UNEXPECTED.format(type(error).__name__)
    return ""
