"""Group commit: many callers, one transaction.

A commit waits for the disk, and whoever holds a busy account's lock makes everybody else wait with it. So a
:class:`Batcher` sends what arrives while one transaction commits as the next one. There is no timer: a lone caller
waits for nothing, and the busier it gets, the larger the batches.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from ledger.model import Item, Result, require_batch
from ledger.posting import POST_ALONE, Columns, post_batch, translated
from ledger.refusals import refused

MAX_BATCH = 500
"""Items in one transaction."""
MAX_QUEUE = 10_000
"""Items of one book that may wait; more are refused as ``overloaded``."""
MANY = 100
"""With more than this waiting, half goes into one transaction and half into another: one is prepared and answered here
while PostgreSQL works on the other."""
RETRY_FOR_SECONDS = 30
"""How long a batch whose connection was lost is sent again before its callers hear of it."""
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 1.0

LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that the server ended while it was idle
    OSError,
)
"""The connection or a race was lost, and with it the answer: the batch may have been written, so it is sent again with
the same keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of one item. ``note`` is what its caller handed to :meth:`Batcher.post` for the hook."""

    item: Item
    result: Result
    note: Any


After = Callable[[Any, int, Sequence[Settled]], Awaitable[None]]
"""Called with the connection, the book and what became of each item, inside the batch's transaction."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """One caller's item and where its answer goes."""

    item: Item
    note: Any
    answer: asyncio.Future[Result]


@dataclass(slots=True)
class _Queue:
    """What waits for one book, and how many transactions of it are under way."""

    waiting: deque[_Waiting] = field(default_factory=deque)
    running: int = 0


class Batcher:
    """Posts items of many callers together; each item stands for itself, as with ``post_batch(atomic=False)``.

    ``pool`` is an asyncpg pool of the application's role; each book uses at most two of its connections at a time.
    Calls that are made at the same time have no order between them: who needs one awaits the first before the second.

    ``after`` runs inside the transaction of each batch, so that messages and audit rows are written with the entries or
    not at all. When it fails, the batch is tried again in halves until the item that it fails for is alone.
    """

    def __init__(
        self,
        pool: Any,
        *,
        after: After | None = None,
        max_batch: int = MAX_BATCH,
        max_queue: int = MAX_QUEUE,
        retry_for_seconds: int = RETRY_FOR_SECONDS,
    ) -> None:
        self._pool = pool
        self._after = after
        self._max_batch = max_batch
        self._max_queue = max_queue
        self._retry_for_seconds = retry_for_seconds
        self._queues: dict[int, _Queue] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def post(self, book_id: int, item: Item, *, note: Any = None) -> Result:
        """Carry out one item, in a transaction shared with whoever else is waiting; return when it is on disk.

        A full queue refuses at once as ``overloaded``, which is not remembered under the key. A caller that is
        cancelled does not take its item back: asking again with the same key tells what became of it.

        Raises InvalidItem; a LedgerError or an error of ``after`` that this very item causes; or the error of the
        connection once it could not be used for ``retry_for_seconds``.
        """
        if self._is_closed:
            raise RuntimeError("the batcher is closed")
        queue = self._queues.setdefault(book_id, _Queue())
        if len(queue.waiting) >= self._max_queue:
            return refused(item.key, "overloaded", None)
        waiting = _Waiting(item, note, asyncio.get_running_loop().create_future())
        queue.waiting.append(waiting)
        if queue.running == 0 or (queue.running == 1 and len(queue.waiting) > MANY):
            queue.running += 1
            task = asyncio.create_task(self._drain(book_id, queue))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await waiting.answer

    async def close(self) -> None:
        """Take no more items and wait until all that were taken are answered."""
        self._is_closed = True
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _drain(self, book_id: int, queue: _Queue) -> None:
        """Send what waits, batch after batch, until nothing does."""
        lease = _Lease(self._pool)
        try:
            await asyncio.sleep(0)  # everybody who is about to ask gets the chance to come along
            while queue.waiting:
                count = len(queue.waiting)
                size = min(count if count <= MANY else count - count // 2, self._max_batch)
                await self._send(lease, book_id, [queue.waiting.popleft() for _ in range(size)])
                await asyncio.sleep(0)  # those who were answered may have come back
        finally:
            queue.running -= 1
            if queue.running == 0:
                for waiting in queue.waiting:  # only if the loop above was cut short
                    waiting.answer.cancel()
                self._queues.pop(book_id, None)
            await lease.end()

    async def _send(self, lease: "_Lease", book_id: int, batch: list[_Waiting]) -> None:
        """Carry out a batch and answer its callers; one that fails goes again in halves, in order."""
        try:
            results = await self._carry_out(lease, book_id, batch)
        except asyncio.CancelledError:  # the whole program is ending
            for waiting in batch:
                waiting.answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the caller who causes it
            if len(batch) == 1 or _is_lost(error):
                for waiting in batch:
                    if not waiting.answer.done():
                        waiting.answer.set_exception(error)
                return
            middle = len(batch) // 2
            await self._send(lease, book_id, batch[:middle])
            await self._send(lease, book_id, batch[middle:])
            return
        for waiting, result in zip(batch, results, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(result)

    async def _carry_out(self, lease: "_Lease", book_id: int, batch: list[_Waiting]) -> list[Result]:
        """One transaction, sent again while its connection gets lost."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._retry_for_seconds
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                connection = await lease.connection()
                if self._after is None:
                    return await _post_alone(connection, book_id, [waiting.item for waiting in batch])
                return await self._post_with_hook(connection, book_id, batch)
            except LOST as error:
                await lease.end()
                if not _is_lost(error) or self._pool.is_closing():
                    raise
                if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
                    await self._pool.expire_connections()  # after a failover these lead to the old server
                if loop.time() + pause > give_up_at:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _post_with_hook(self, connection: Any, book_id: int, batch: list[_Waiting]) -> list[Result]:
        assert self._after is not None
        items = [waiting.item for waiting in batch]
        async with connection.transaction():
            await connection.execute("select set_config('ledger.book', $1, true)", str(book_id))
            results = await post_batch(connection, book_id, items, atomic=False)
            settled = [
                Settled(item=waiting.item, result=result, note=waiting.note)
                for waiting, result in zip(batch, results, strict=True)
            ]
            await self._after(connection, book_id, settled)
        return results


def _is_lost(error: Exception) -> bool:
    """Whether sending it again may help. An argument that does not fit is an interface error, too."""
    return isinstance(error, LOST) and not isinstance(error, asyncpg.DataError)


class _Lease:
    """One connection of the pool, kept from batch to batch: giving it back costs a round trip."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._connection: Any = None

    async def connection(self) -> Any:
        if self._connection is None:
            self._connection = await self._pool.acquire()
        return self._connection

    async def end(self) -> None:
        """Give the connection back; a broken one is replaced by the pool."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*LOST):  # the pool has ended it by then
                await self._pool.release(connection)


async def _post_alone(connection: Any, book_id: int, items: Sequence[Item]) -> list[Result]:
    """The whole transaction in one round trip: one statement sets the book and posts."""
    require_batch(items)
    columns = Columns(items)
    with translated():
        rows = await connection.fetch(POST_ALONE, book_id, False, *columns.columns)
    return columns.results(rows)
