"""Work that nobody waits for: for now one round, every minute, of what has come due.

Each job is idempotent and goes through the time banks one by one, so a missed or doubled round does no harm. A
PostgreSQL advisory lock lets one server process do a round at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import asyncpg
import structlog

from timebank.banks.queries import every_id
from timebank.db import Database
from timebank.kit.clock import Clock

ROUND_SECONDS = 60
ADVISORY_LOCK = 0x6A6F6273  # "jobs"

Job = Callable[[Database, int, datetime], Awaitable[object]]
"""``job(db, timebank_id, now)``: does what has come due in one time bank."""

log = structlog.get_logger(__name__)


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
            await one_round(db, clock.now(), jobs)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("jobs: the database could not be used; trying again next round", error=repr(error))
        await asyncio.sleep(ROUND_SECONDS)


async def one_round(db: Database, now: datetime, jobs: Sequence[Job]) -> bool:
    """Do every job for every time bank; False when another process is at it. One job's failure never stops the
    others.
    """
    async with db.pool.acquire() as connection:
        if not await connection.fetchval("select pg_try_advisory_lock($1)", ADVISORY_LOCK):
            return False
        try:
            for timebank_id in await every_id(connection):
                for job in jobs:
                    await _do(job, db, timebank_id, now)
        finally:
            await connection.execute("select pg_advisory_unlock($1)", ADVISORY_LOCK)
    return True


async def _do(job: Job, db: Database, timebank_id: int, now: datetime) -> None:
    try:
        await job(db, timebank_id, now)
    except Exception:
        log.exception("job failed", job=job.__name__, timebank_id=timebank_id)
