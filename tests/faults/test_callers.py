"""Callers give up while they wait, or come in such numbers that the queue is full."""

import asyncio
import random

from ledger import Batcher
from tests.faults.cluster import Cluster, superuser
from tests.faults.load import WAIT_SECONDS, Load, batching, fresh_load, settle
from tests.integration.ledger.support import codes, move

SEED = 4
CALLERS = 400
WAITS = "select exists (select from pg_locks where locktype = 'advisory' and not granted)"


async def post(batcher: Batcher, load: Load) -> None:
    await load.acknowledge([await batcher.post(load.book.book_id, load.next_item())])


async def test_callers_who_give_up_leave_nothing_behind(cluster: Cluster, rounds: int) -> None:
    moments = random.Random(SEED)
    for _ in range(rounds):
        load = await fresh_load(cluster.server, SEED)
        async with batching(cluster.server.app_url, max_batch=20) as batcher:
            tasks = [asyncio.create_task(post(batcher, load)) for _ in range(CALLERS)]
            leaving = moments.sample(tasks, CALLERS // 2)
            while any(not task.done() for task in leaving):
                await load.progress(1)
                for _ in range(min(moments.randint(0, 40), len(leaving))):
                    leaving.pop().cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)

        cancelled = [error for error in ended if error is not None]
        assert all(isinstance(error, asyncio.CancelledError) for error in cancelled)
        assert 0 < len(cancelled) == CALLERS - len(load.answers)
        # All had taken their place in the queue before the first one left.
        assert (await settle(load))["new"] == 0


async def test_a_full_queue_refuses_at_once_and_keeps_what_it_took(cluster: Cluster) -> None:
    load = await fresh_load(cluster.server, SEED)
    async with batching(cluster.server.app_url, max_queue=50) as batcher:
        async with superuser(cluster) as admin, admin.transaction():
            # Nothing can be posted as long as somebody closes the period.
            await admin.execute("select pg_advisory_xact_lock(ledger.lock_number('period', $1))", load.book.book_id)
            first = asyncio.create_task(post(batcher, load))
            async with asyncio.timeout(WAIT_SECONDS):
                while not await admin.fetchval(WAITS):
                    pass
            waiting = [asyncio.create_task(post(batcher, load)) for _ in range(50)]
            await asyncio.sleep(0)
            async with asyncio.timeout(WAIT_SECONDS):
                too_many = [await batcher.post(load.book.book_id, move("issued", "member/1", 1)) for _ in range(20)]
            assert codes(too_many) == ["overloaded"] * 20
            assert not any(task.done() for task in (first, *waiting))
        await asyncio.gather(first, *waiting)

    assert len(load.answers) == 51
    assert await settle(load) == {}  # what was refused has left nothing in the book


class Nowhere:
    """A pool whose server is not there."""

    def __init__(self) -> None:
        self.tries = 0

    async def acquire(self) -> None:
        self.tries += 1
        raise ConnectionRefusedError

    def is_closing(self) -> bool:
        return False


async def test_a_server_that_stays_away_is_reported_to_everybody_at_the_same_time() -> None:
    nowhere = Nowhere()
    batcher = Batcher(nowhere, retry_for_seconds=0)
    asked = (batcher.post(1, move("issued", "member/1", 1)) for _ in range(8))
    errors = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(error) for error in errors] == [ConnectionRefusedError] * 8
    assert nowhere.tries == 1
    assert not batcher._queues
    await batcher.close()
