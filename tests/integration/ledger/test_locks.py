"""Who waits for whom, one lock at a time: a clause that is lost from a query changes an answer here."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

import ledger
from tests.integration.ledger.support import (
    EXPIRES,
    Book,
    capture,
    codes,
    move,
    owning,
    set_aside,
    void,
)

LONG_AGO = date(1900, 1, 1)
SMALL, LARGE = UUID(int=1), UUID(int=2)


@dataclass
class Trio:
    """Three connections of the application's role: one that is first, one that may wait for it, one that looks on."""

    book: Book
    first: Any
    second: Any
    third: Any

    async def blocked(self, connection: Any, work: Awaitable[Any]) -> tuple[bool, "asyncio.Task[Any]"]:
        """Start ``work`` on ``connection``: whether it comes to wait for a lock, and the running task."""
        task = asyncio.ensure_future(work)
        pid = connection.get_server_pid()
        while not task.done():
            if await self.book.connection.fetchval("select cardinality(pg_blocking_pids($1)) > 0", pid):
                return True, task
            await asyncio.wait({task}, timeout=0.01)
        return False, task

    async def do(self, connection: Any, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """One call in a transaction of its own on ``connection``."""
        async with self.book.writing(connection):
            return await function(connection, self.book.book_id, *arguments, **options)

    async def post(self, connection: Any, *items: ledger.Item) -> list[ledger.Result]:
        """One batch in a transaction of its own on ``connection``."""
        result: list[ledger.Result] = await self.do(connection, ledger.post_batch, items)
        return result


@pytest.fixture
async def trio(book: Book) -> AsyncIterator[Trio]:
    async with AsyncExitStack() as stack:
        connections = [await asyncpg.connect(book.server.app_url) for _ in range(3)]
        for connection in connections:
            # One that still waits when its test has failed must not hold up the end of it.
            stack.callback(connection.terminate)
        yield Trio(book, *connections)


async def open_accounts(book: Book, *accounts: str) -> None:
    async with book.writing() as connection:
        for code in accounts:
            await ledger.open_account(
                connection, book.book_id, code=code, unit="MIN", account_class="system", name=code, floor=None
            )


async def without_indexes(connection: Any) -> None:
    """Let rows be read as they lie in the table, where the function called does not insist on its indexes."""
    await connection.execute("set enable_indexscan = off")
    await connection.execute("set enable_indexonlyscan = off")
    await connection.execute("set enable_bitmapscan = off")


async def test_batches_on_different_accounts_do_not_wait(trio: Trio) -> None:
    await open_accounts(trio.book, "a", "b", "c", "d")
    async with trio.book.writing(trio.first) as first:
        await ledger.post(first, trio.book.book_id, move("a", "b", 1))
        waits, task = await trio.blocked(trio.second, trio.post(trio.second, move("c", "d", 1)))
        assert not waits
        assert codes(await task) == ["posted"]


async def test_a_batch_waits_for_the_accounts_of_another_and_takes_its_time_after_it(trio: Trio) -> None:
    async with trio.book.writing(trio.first) as first:
        await ledger.post(first, trio.book.book_id, move("issued", "member/1", 1))
        waits, task = await trio.blocked(trio.second, trio.post(trio.second, move("issued", "member/2", 1)))
        assert waits
        still_open_at = await first.fetchval("select clock_timestamp()")
    assert codes(await task) == ["posted"]
    (line,) = await trio.book.do(ledger.statement, "member/2")
    assert line.recorded_at > still_open_at


async def test_accounts_are_locked_in_the_order_of_their_codes(trio: Trio) -> None:
    await open_accounts(trio.book, "z", "a")
    await without_indexes(trio.second)
    async with trio.book.writing(trio.first) as first:
        await ledger.set_limits(first, trio.book.book_id, "z", floor=-5, actor="tester")
        waits, task = await trio.blocked(trio.second, trio.post(trio.second, move("z", "a", 1)))
        assert waits
        changing = trio.do(trio.third, ledger.set_limits, "a", floor=-5, actor="tester")
        waits_for_second, other = await trio.blocked(trio.third, changing)
        assert waits_for_second, "the batch waits for z without holding a"
    assert codes(await task) == ["posted"]
    await other


async def test_holds_are_locked_in_the_order_of_their_ids(trio: Trio) -> None:
    await trio.book.do(ledger.post, move("issued", "member/1", 60))
    await trio.post(trio.first, set_aside("member/1", "member/2", 5, hold_id=LARGE))
    await trio.post(trio.first, set_aside("member/1", "member/2", 5, hold_id=SMALL))
    await without_indexes(trio.second)
    async with owning(trio.book.server) as owner, owner.transaction():
        await owner.execute(
            "select from ledger.hold where book_id = $1 and id = $2 for update", trio.book.book_id, LARGE
        )
        waits, task = await trio.blocked(trio.second, trio.post(trio.second, void(LARGE), void(SMALL)))
        assert waits
        free = await owner.fetch(
            "select id from ledger.hold where book_id = $1 for update skip locked", trio.book.book_id
        )
        assert [row["id"] for row in free] == [LARGE], "the batch waits for one hold without holding the one before"
    assert codes(await task) == ["voided", "voided"]


async def test_who_ends_a_hold_waits_for_who_ends_it_already(trio: Trio) -> None:
    await trio.book.do(ledger.post, move("issued", "member/1", 60))
    hold = set_aside("member/1", "member/2", 5)
    await trio.book.do(ledger.post, hold)
    async with trio.book.writing(trio.first) as first:
        await ledger.post(first, trio.book.book_id, void(hold.hold_id))
        waits, task = await trio.blocked(trio.second, trio.post(trio.second, capture(hold.hold_id)))
        assert waits
    assert codes(await task) == ["hold_not_open"]


async def test_keys_are_claimed_in_their_order(trio: Trio) -> None:
    await open_accounts(trio.book, "a", "b", "c", "d", "e", "f")
    async with trio.book.writing(trio.first) as first:
        await ledger.post(first, trio.book.book_id, move("a", "b", 1, key="y"))
        batch = (move("c", "d", 1, key="y"), move("c", "d", 1, key="x"))
        waits, task = await trio.blocked(trio.second, trio.post(trio.second, *batch))
        assert waits
        waits_for_second, other = await trio.blocked(trio.third, trio.post(trio.third, move("e", "f", 1, key="x")))
        assert waits_for_second, "the batch waits for the key y without holding x"
    assert codes(await task) == ["key_reused"]
    assert codes(await other) == ["posted"], "a batch that was refused has given its keys back"


async def test_closing_a_period_waits_for_batches_and_they_for_it(trio: Trio) -> None:
    async with trio.book.writing(trio.first) as first:
        await ledger.post(first, trio.book.book_id, move("issued", "member/1", 1))
        waits, closing = await trio.blocked(trio.second, trio.do(trio.second, ledger.close_period, LONG_AGO))
        assert waits
    await closing
    later = LONG_AGO + timedelta(days=50_000)
    async with trio.book.writing(trio.first) as first:
        await ledger.close_period(first, trio.book.book_id, later)
        late = move("issued", "member/1", 1, effective_on=later)
        waits, task = await trio.blocked(trio.second, trio.post(trio.second, late))
        assert waits
    assert codes(await task) == ["closed_period"]


async def test_an_account_that_is_being_posted_to_cannot_be_closed_as_empty(trio: Trio) -> None:
    async with trio.book.writing(trio.first) as first:
        await ledger.post(first, trio.book.book_id, move("issued", "member/1", 1))
        closing = trio.do(trio.second, ledger.set_status, "member/1", "closed", actor="tester")
        waits, task = await trio.blocked(trio.second, closing)
        assert waits
    with pytest.raises(ledger.AccountInUse):
        await task


async def test_one_transaction_at_a_time_opens_accounts(trio: Trio) -> None:
    def opening(connection: Any, code: str) -> Awaitable[None]:
        return ledger.open_account(
            connection, trio.book.book_id, code=code, unit="MIN", account_class="member", name=code, floor=0
        )

    async def open_there(code: str) -> None:
        async with trio.book.writing(trio.second):
            await opening(trio.second, code)

    async with trio.book.writing(trio.first) as first:
        await opening(first, "new/1")
        waits, task = await trio.blocked(trio.second, open_there("new/2"))
        assert waits
    await task
    async with trio.book.writing(trio.first) as first:
        await opening(first, "both")
        waits, task = await trio.blocked(trio.second, open_there("both"))
        assert waits
    await task  # by then it is there, and opening it again changes nothing
    async with trio.book.writing(trio.first) as first:
        await opening(first, "new/3")
        waits, task = await trio.blocked(trio.second, open_there("new/1"))
        assert not waits, "an account that is there needs no lock"
    await task


async def test_expiry_leaves_holds_that_are_being_ended_and_waits_for_nobody(trio: Trio) -> None:
    await trio.book.do(ledger.post, move("issued", "member/1", 60))
    ended, other = (set_aside("member/1", "member/2", 5) for _ in range(2))
    await trio.book.do(ledger.post_batch, [ended, other])
    async with owning(trio.book.server) as owner, owner.transaction():
        await owner.execute(
            "select from ledger.hold where book_id = $1 and id = $2 for update", trio.book.book_id, ended.hold_id
        )
        expiring = trio.do(trio.second, ledger.expire_holds, now=EXPIRES, actor="clock")
        waits, task = await trio.blocked(trio.second, expiring)
        assert not waits
        assert await task == [other.hold_id]


async def test_two_expiries_do_not_wait_for_each_other(trio: Trio) -> None:
    await trio.book.do(ledger.post, move("issued", "member/1", 60))
    hold = set_aside("member/1", "member/2", 5)
    await trio.book.do(ledger.post, hold)
    async with trio.book.writing(trio.first) as first:
        assert await ledger.expire_holds(first, trio.book.book_id, now=EXPIRES, actor="clock") == [hold.hold_id]
        waits, task = await trio.blocked(
            trio.second, trio.do(trio.second, ledger.expire_holds, now=EXPIRES, actor="clock")
        )
        assert not waits
        assert await task == []


async def test_expiry_takes_the_period_before_any_hold(trio: Trio) -> None:
    """Else a batch, a closing of the period and an expiry could wait for one another in a circle."""
    await trio.book.do(ledger.post, move("issued", "member/1", 60))
    hold = set_aside("member/1", "member/2", 5)
    await trio.book.do(ledger.post, hold)
    async with owning(trio.book.server) as owner, trio.book.writing(trio.first) as first:
        await ledger.close_period(first, trio.book.book_id, LONG_AGO)
        waits, task = await trio.blocked(
            trio.second, trio.do(trio.second, ledger.expire_holds, now=EXPIRES, actor="clock")
        )
        assert waits
        free = await owner.fetch("select from ledger.hold where book_id = $1 for update skip locked", trio.book.book_id)
        assert len(free) == 1
    assert await task == [hold.hold_id]
