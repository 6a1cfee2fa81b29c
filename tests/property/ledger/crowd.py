"""Many connections that act at once."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from typing import Any

import asyncpg

import ledger
from tests.integration.ledger.support import Book, owning

IS_LONG = bool(os.environ.get("TIMEBANK_STEPS"))
"""``make prove-long``: more of everything."""
POLL_SECONDS = 0.005
WAITING = """
select count(distinct pid) from pg_locks
where not granted and database = (select oid from pg_database where datname = current_database())
   or not granted and locktype = 'transactionid'
"""
DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"

Call = Callable[[Any], Awaitable[Any]]
"""Something to do on a connection, within a transaction of the book."""


@asynccontextmanager
async def crowd_of(book: Book, count: int) -> AsyncIterator[list[Any]]:
    """So many connections of the application's role, which must not see a single deadlock."""
    async with owning(book.server) as owner:
        before = await owner.fetchval(DEADLOCKS)
    async with AsyncExitStack() as stack:
        connections = []
        for _ in range(count):
            connection = await asyncpg.connect(book.server.app_url)
            stack.push_async_callback(connection.close)
            connections.append(connection)
        yield connections
    # What a connection has counted shows when it has gone.
    async with owning(book.server) as owner:
        assert await owner.fetchval(DEADLOCKS) == before


async def let_go_together(book: Book, crowd: Sequence[Any], calls: Sequence[Call]) -> list[Any]:
    """Make all calls at the same time, each in a transaction of its own.

    Closing a period long past holds them all back until each of them waits.
    """

    async def one(connection: Any, call: Call) -> Any:
        async with book.writing(connection):
            return await call(connection)

    async with book.writing() as gate:
        await ledger.close_period(gate, book.book_id, date(1900, 1, 1))
        running = [
            asyncio.create_task(one(connection, call))
            for connection, call in zip(crowd[: len(calls)], calls, strict=True)
        ]
        await until_waiting(gate, running, len(running))
    return await asyncio.gather(*running)


async def until_waiting(connection: Any, tasks: Sequence[asyncio.Task[Any]], count: int) -> None:
    """Return when so many connections wait for a lock, or all tasks are done."""
    while await connection.fetchval(WAITING) < count and not all(task.done() for task in tasks):
        await asyncio.wait(tasks, timeout=POLL_SECONDS, return_when=asyncio.FIRST_EXCEPTION)


def posting(book: Book, items: Sequence[ledger.Item], *, atomic: bool = True) -> Call:
    """A call that posts these items."""
    return lambda connection: ledger.post_batch(connection, book.book_id, items, atomic=atomic)


async def each(
    book: Book, crowd: Sequence[Any], *batches: Sequence[ledger.Item], atomic: bool = True
) -> list[list[ledger.Result]]:
    """Every batch at the same time, each in a transaction of its own."""
    return await let_go_together(book, crowd, [posting(book, items, atomic=atomic) for items in batches])


async def prove(book: Book) -> None:
    async with owning(book.server) as owner:
        assert await ledger.prove(owner, book_id=book.book_id) == []
