"""Connections are ended in the middle of a batch, statements are cancelled, answers get lost on the way."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ledger import Settled
from tests.faults.cluster import Cluster, superuser
from tests.faults.load import Load, batching, callers, fresh_load, post_plainly, post_through, replays, settle
from tests.faults.relay import Relay

SEED = 3
ANY = "select pid from pg_stat_activity where usename = 'timebank_app' order by random() limit 1"
"""At work, or between two batches."""
AT_WORK = ANY.replace("order by", "and state = 'active' order by")


async def nothing(connection: Any, book_id: int, settled: Sequence[Settled]) -> None:
    """A hook, which makes a batch a transaction of several statements."""


async def interrupt(cluster: Cluster, load: Load, how: str, whom: str, times: int) -> None:
    """Interrupt one of the server's processes after every few answers."""
    moments = random.Random(SEED)
    async with superuser(cluster) as admin:
        done = 0
        while done < times:
            await load.progress(moments.randint(1, 60))
            process = await admin.fetchval(whom)
            if process is not None and await admin.fetchval(f"select {how}($1)", process):
                done += 1


async def test_ending_connections_loses_and_doubles_nothing(
    cluster: Cluster, rounds: int, count: Callable[[str, int], None]
) -> None:
    load = await fresh_load(cluster.server, SEED)
    times = 10 * rounds
    url = cluster.server.app_url
    async with (
        batching(url) as batcher,
        batching(url, after=nothing) as hooked,
        callers(
            load,
            *(post_through(batcher, load) for _ in range(10)),
            *(post_through(hooked, load) for _ in range(10)),
            *(post_plainly(load, url) for _ in range(4)),
        ),
    ):
        await interrupt(cluster, load, "pg_terminate_backend", ANY, times)
    await settle(load)
    count("connections ended", times)
    count("items acknowledged", len(load.answers))
    count("answers given again after a loss", replays(load))


async def test_cancelling_statements_loses_and_doubles_nothing(
    cluster: Cluster, rounds: int, count: Callable[[str, int], None]
) -> None:
    """Unlike the end of a connection this is somebody's will: a caller whose item was alone hears of it."""
    load = await fresh_load(cluster.server, SEED)
    times = 10 * rounds
    forgiven = (asyncpg.QueryCanceledError,)
    url = cluster.server.app_url
    async with (
        batching(url) as batcher,
        batching(url, after=nothing) as hooked,
        callers(
            load,
            *(post_through(batcher, load, forgiven=forgiven) for _ in range(10)),
            *(post_through(hooked, load, forgiven=forgiven) for _ in range(10)),
            *(post_plainly(load, url) for _ in range(4)),
        ),
    ):
        await interrupt(cluster, load, "pg_cancel_backend", AT_WORK, times)
    await settle(load)
    count("statements cancelled", times)
    count("items acknowledged", len(load.answers))


# A batch of one is what a batcher cannot help by halving it.


@pytest.mark.parametrize("crowd", [1, 10])
async def test_lost_answers_are_asked_again_and_double_nothing(
    cluster: Cluster, tmp_path: Path, rounds: int, crowd: int, count: Callable[[str, int], None]
) -> None:
    load = await fresh_load(cluster.server, SEED)
    losses = 10 * rounds
    relay = Relay(cluster.folder, mark=b"load/", losses=losses, seed=SEED)
    url = f"postgresql://timebank_app@/ledger?host={tmp_path}"
    async with (
        relay.listening(tmp_path),
        batching(url) as batcher,
        batching(url, after=nothing) as hooked,
        callers(
            load,
            *(post_through(batcher, load) for _ in range(crowd)),
            *(post_through(hooked, load) for _ in range(crowd)),
        ),
    ):
        while relay.lost.total() < losses:
            await load.progress(1)
    assert len(load.answers) == len(load.sent)
    assert replays(load) > 0
    await settle(load)
    for what, times in relay.lost.items():
        count(f"{what}s lost on the way", times)
    count("items acknowledged", len(load.answers))
    count("answers given again after a loss", replays(load))
