"""PostgreSQL is killed in the middle of a load: what was acknowledged is there, what was not can be asked again."""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any

from ledger import Settled
from tests.faults.cluster import Cluster, superuser
from tests.faults.load import batching, callers, check_kept, fresh_load, post_plainly, post_through, replays, settle

SEED = 1


class Killer:
    """Kills the cluster, when told so, before the next commit of a batcher whose hook is ``after``, or after it.

    "After" is as soon as the client has sent its commit: whether that is still carried out is left to chance.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.when: str | None = None

    async def after(self, connection: Any, book_id: int, settled: Sequence[Settled]) -> None:
        when, self.when = self.when, None
        if when == "before commit":
            self.cluster.kill()
        elif when == "after commit":
            asyncio.get_running_loop().call_soon(self.cluster.kill)


async def test_killing_postgresql_loses_and_doubles_nothing(
    cluster: Cluster, rounds: int, count: Callable[[str, int], None]
) -> None:
    async with superuser(cluster) as admin:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await admin.fetchval("select current_setting($1)", setting) == "on"
    load = await fresh_load(cluster.server, SEED)
    killer = Killer(cluster)
    moments = random.Random(SEED)
    url = cluster.server.app_url
    async with (
        batching(url) as batcher,
        batching(url, after=killer.after) as hooked,
        # A batcher's callers see nothing of it all: no error is forgiven.
        callers(
            load,
            *(post_through(batcher, load) for _ in range(10)),
            *(post_through(hooked, load) for _ in range(10)),
            *(post_plainly(load, url) for _ in range(4)),
        ),
    ):
        for number in range(rounds):
            await load.progress(moments.randint(20, 300))
            when = ("now", "before commit", "after commit")[number % 3]
            if when == "now":
                cluster.kill()
            else:
                killer.when = when
            await cluster.ended()
            await cluster.start()
            await check_kept(load)
    await settle(load)
    count("kills of PostgreSQL", rounds)
    count("items acknowledged", len(load.answers))
    count("answers given again after a loss", replays(load))
