"""Many connections at once: one key has one effect, nothing is spent twice, nothing is lost, and nothing deadlocks."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest

import ledger
from ledger import Posted, Refused
from tests.integration.ledger.support import Book, capture, codes, move, owning, reverse, set_aside, void

CONNECTIONS = 16
WAITING = """
select count(*) from pg_locks
where locktype = 'advisory' and not granted
  and database = (select oid from pg_database where datname = current_database())
"""
MEMBERS = ("member/1", "member/2", "member/3")


@pytest.fixture
async def crowd(book: Book) -> AsyncIterator[list[Any]]:
    """Connections of the application's role."""
    async with AsyncExitStack() as stack:
        connections = []
        for _ in range(CONNECTIONS):
            connection = await asyncpg.connect(book.server.app_url)
            stack.push_async_callback(connection.close)
            connections.append(connection)
        yield connections


async def each(
    book: Book, crowd: list[Any], *work: list[ledger.Item], atomic: bool = True
) -> list[list[ledger.Result]]:
    """Every batch of ``work`` at the same time, each in a transaction of its own.

    They are let go together: closing a period long past holds them all back until each of them waits.
    """

    async def one(connection: Any, items: list[ledger.Item]) -> list[ledger.Result]:
        async with book.writing(connection):
            return await ledger.post_batch(connection, book.book_id, items, atomic=atomic)

    async with book.writing() as gate:
        await ledger.close_period(gate, book.book_id, date(1900, 1, 1))
        running = [asyncio.create_task(one(connection, items)) for connection, items in zip(crowd, work, strict=True)]
        while await gate.fetchval(WAITING) < len(running):
            await asyncio.wait(running, timeout=0.01)
    return await asyncio.gather(*running)


async def prove(book: Book) -> None:
    async with owning(book.server) as owner:
        assert await ledger.prove(owner, book_id=book.book_id) == []


@pytest.mark.parametrize("atomic", [True, False])
async def test_one_key_from_many_connections_has_one_effect(book: Book, crowd: list[Any], atomic: bool) -> None:
    item = move("issued", "member/1", 30, key="once")

    answers = [result for (result,) in await each(book, crowd, *[[item]] * CONNECTIONS, atomic=atomic)]

    assert all(isinstance(answer, Posted) for answer in answers)
    assert len({answer.entry_id for answer in answers}) == 1
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * (CONNECTIONS - 1)
    assert {answer.balances["member/1"] for answer in answers} == {30}
    assert (await book.do(ledger.balance, "member/1")).posted == 30
    await prove(book)


async def test_one_key_for_different_things_has_the_first_effect(book: Book, crowd: list[Any]) -> None:
    work = [[move("issued", MEMBERS[n % 3], 1 + n, key="once")] for n in range(CONNECTIONS)]

    answers = [result for (result,) in await each(book, crowd, *work)]

    assert codes(answers).count("posted") == 1
    assert codes(answers).count("key_reused") == CONNECTIONS - 1
    await prove(book)


async def test_the_last_hour_is_spent_once(book: Book, crowd: list[Any]) -> None:
    await book.do(ledger.post, move("issued", "member/1", 60))
    work = [
        [move("member/1", "member/2", 60)] if n % 2 else [set_aside("member/1", "member/2", 60)]
        for n in range(CONNECTIONS)
    ]

    answers = codes([result for (result,) in await each(book, crowd, *work)])

    assert answers.count("insufficient") == CONNECTIONS - 1
    there = await book.do(ledger.balance, "member/1")
    assert there.available == 0
    await prove(book)


async def test_one_hold_ends_once(book: Book, crowd: list[Any]) -> None:
    await book.do(ledger.post, move("issued", "member/1", 60))
    hold = set_aside("member/1", "member/2", 60)
    await book.do(ledger.post, hold)
    work = [[capture(hold.hold_id)] if n % 2 else [void(hold.hold_id)] for n in range(CONNECTIONS)]

    answers = codes([result for (result,) in await each(book, crowd, *work)])

    assert answers.count("hold_not_open") == CONNECTIONS - 1
    await prove(book)


async def test_one_entry_is_reversed_once(book: Book, crowd: list[Any]) -> None:
    posted = await book.do(ledger.post, move("issued", "member/1", 60))

    answers = codes([result for (result,) in await each(book, crowd, *[[reverse(posted.entry_id)] for _ in crowd])])

    assert sorted(answers) == ["already_reversed"] * (CONNECTIONS - 1) + ["posted"]
    await prove(book)


@pytest.mark.parametrize("seed", range(3))
async def test_crossing_batches_never_deadlock_and_lose_nothing(book: Book, crowd: list[Any], seed: int) -> None:
    """Batches touch the same accounts in every order, share keys, and hold and end; all answers must add up."""
    chance = random.Random(seed)
    await book.do(ledger.post_batch, [move("issued", member, 200) for member in MEMBERS])

    def batch(worker: int, n: int) -> list[ledger.Item]:
        return [
            move(*chance.sample(MEMBERS, 2), chance.randint(1, 40), key=f"{chance.choice(('shared', worker))}/{n}/{i}")
            if chance.random() < 0.7
            else set_aside(*chance.sample(MEMBERS, 2), chance.randint(1, 40))
            for i in range(chance.randint(1, 6))
        ]

    plans = [[batch(worker, n) for n in range(8)] for worker in range(CONNECTIONS)]
    total: dict[UUID, dict[str, int]] = {}

    async def work(connection: Any, plan: list[list[ledger.Item]]) -> None:
        open_holds: list[UUID] = []
        for items in plan:
            ends = [chance.choice((capture, void))(hold_id) for hold_id in open_holds]
            async with book.writing(connection):
                results = await ledger.post_batch(connection, book.book_id, [*items, *ends], atomic=False)
            open_holds = [result.hold_id for result in results if isinstance(result, ledger.Held)]
            for item, result in zip([*items, *ends], results, strict=True):
                if isinstance(result, Posted) and not result.replayed and isinstance(item, ledger.Post):
                    total[result.entry_id] = {leg.account: leg.amount for leg in item.legs}
                if isinstance(item, ledger.Capture | ledger.Void):
                    assert not isinstance(result, Refused), result

    await asyncio.gather(*(work(connection, plan) for connection, plan in zip(crowd, plans, strict=True)))

    entries = [await book.do(ledger.entry, entry_id) for entry_id in total]
    assert all({leg.account: leg.amount for leg in entry.legs} == total[entry.entry_id] for entry in entries)
    balances = await book.do(ledger.balances, ["issued", *MEMBERS])
    assert sum(balance.posted for balance in balances.values()) == 0
    assert all(balance.available is None or balance.available >= 0 for balance in balances.values())
    await prove(book)


async def test_the_same_keys_in_crossing_orders_never_deadlock(book: Book, crowd: list[Any]) -> None:
    items: list[ledger.Item] = [move("issued", MEMBERS[n % 3], 1 + n, key=f"key/{n}") for n in range(100)]
    for round_number in range(3):
        fresh = [replace(item, key=f"{round_number}/{item.key}") for item in items]
        work = [random.Random(worker).sample(fresh, len(fresh)) for worker in range(CONNECTIONS)]

        answers = await each(book, crowd, *work)

        assert {code for results in answers for code in codes(results)} == {"posted"}
    assert (await book.do(ledger.balance, "issued")).posted == -3 * sum(range(1, 101))
    await prove(book)


async def test_accounts_opened_in_crossing_orders_never_deadlock(book: Book, crowd: list[Any]) -> None:
    codes_to_open = [f"new/{n}" for n in range(12)]

    async def work(connection: Any, worker: int) -> None:
        order = random.Random(worker).sample(codes_to_open, len(codes_to_open))
        async with book.writing(connection):
            for code in order:
                await ledger.open_account(
                    connection, book.book_id, code=code, unit="MIN", account_class="member", name=code, floor=0
                )
            await ledger.post(connection, book.book_id, move("issued", order[0], 1))

    await asyncio.gather(*(work(connection, worker) for worker, connection in enumerate(crowd)))

    balances = await book.do(ledger.balances, codes_to_open)
    assert len(balances) == len(codes_to_open)
    assert sum(balance.posted for balance in balances.values()) == CONNECTIONS
    await prove(book)


async def test_time_never_runs_backwards_along_an_account(book: Book, crowd: list[Any]) -> None:
    for _ in range(5):
        await each(book, crowd, *[[move("issued", "member/1", 1)] for _ in crowd])

    lines = await book.do(ledger.statement, "issued", limit=500)

    times = [line.recorded_at for line in reversed(lines)]
    assert len(times) == 5 * CONNECTIONS
    assert times == sorted(times)
