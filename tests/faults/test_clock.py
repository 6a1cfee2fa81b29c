"""The server's clock jumps: recorded times never go back, and only those whose accounts are ahead of the clock wait."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

import ledger
from ledger import Batcher, ClockBehind, Posted
from ledger.proof import make_report
from tests.faults.cluster import Cluster, superuser
from tests.integration.ledger.support import Book, Server, move, open_fresh_book, owning

DATABASE = "clock"
# The ledger asks clock_timestamp() by name, so a database may be given another one.
MOVABLE_CLOCK = """
create table public.clock (moved interval not null);
insert into public.clock values ('0');
grant select on public.clock to public;
alter function pg_catalog.clock_timestamp() rename to true_clock_timestamp;
create function pg_catalog.clock_timestamp() returns timestamptz language sql volatile as
    'select pg_catalog.true_clock_timestamp() + (select moved from public.clock)';
"""
RECORDED = """
select p.recorded_at from ledger.posting p join ledger.account a on a.book_id = p.book_id and a.id = p.account_id
where a.book_id = $1 and a.code = $2 order by p.seq
"""


@dataclass
class Shop:
    """A batcher on a server whose clock can be moved, and a book with two accounts that never meet the others."""

    cluster: Cluster
    book: Book
    batcher: Batcher

    async def move_clock(self, by: str) -> None:
        async with superuser(self.cluster, DATABASE) as admin:
            await admin.execute("update public.clock set moved = $1::text::interval", by)

    async def recorded(self, account: str) -> list[Any]:
        async with owning(self.book.server) as owner:
            return [row[0] for row in await owner.fetch(RECORDED, self.book.book_id, account)]

    async def post(self, *items: ledger.Item) -> list[Any]:
        """All at once: they share a batch."""
        asked = (self.batcher.post(self.book.book_id, item) for item in items)
        return await asyncio.gather(*asked, return_exceptions=True)


@pytest.fixture
async def shop(cluster: Cluster) -> AsyncIterator[Shop]:
    async with superuser(cluster) as admin:
        await admin.execute(f"drop database if exists {DATABASE}")
    async with superuser(cluster, "postgres") as admin:
        await admin.execute(f"create database {DATABASE} template ledger owner timebank_owner")
    async with superuser(cluster, DATABASE) as admin:
        await admin.execute(MOVABLE_CLOCK)
    server = Server(cluster.url("timebank_app", DATABASE), cluster.url("timebank_migrator", DATABASE))
    async with asyncpg.create_pool(server.app_url, min_size=1, max_size=3) as pool:
        async with pool.acquire() as connection:
            book = await open_fresh_book(server, connection)
            async with book.writing(connection):
                for code in ("elsewhere/1", "elsewhere/2"):
                    await ledger.open_account(
                        connection, book.book_id, code=code, unit="MIN", account_class="system", name=code, floor=None
                    )
        batcher = Batcher(pool)
        yield Shop(cluster, book, batcher)
        await batcher.close()
    async with owning(server) as owner:
        assert await ledger.prove(owner, book_id=book.book_id) == []


def ahead() -> ledger.Post:
    return move("issued", "member/1", 1)


def elsewhere() -> ledger.Post:
    return move("elsewhere/1", "elsewhere/2", 1)


async def test_a_small_step_back_is_bridged(shop: Shop) -> None:
    await shop.post(ahead())
    await shop.move_clock("-4 seconds")
    (answer,) = await shop.post(ahead())
    assert isinstance(answer, Posted)
    first, second = await shop.recorded("member/1")
    assert first <= second


async def test_a_large_step_back_stops_only_those_who_are_ahead(shop: Shop) -> None:
    items = [ahead(), elsewhere(), elsewhere(), ahead(), elsewhere()]
    await shop.move_clock("1 hour")
    await shop.post(ahead())
    await shop.move_clock("0")

    answers = await shop.post(*items)
    assert [type(answer) for answer in answers] == [ClockBehind, Posted, Posted, ClockBehind, Posted]
    assert len(await shop.recorded("member/1")) == 1
    async with owning(shop.book.server) as owner:
        report = await make_report(owner, book_id=shop.book.book_id)
    assert any("clock had gone back" in note for note in report.notes)

    # Once the clock is right, the same keys do what they could not do before.
    await shop.move_clock("1 hour")
    again = await shop.post(*items)
    assert [answer.replayed for answer in again] == [False, True, True, False, True]
    times = await shop.recorded("member/1")
    assert len(times) == 3
    assert times == sorted(times)
