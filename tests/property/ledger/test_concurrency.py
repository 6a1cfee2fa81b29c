"""Many connections, mixed work: nothing is lost or spent twice, time goes forward, and nothing deadlocks."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

import ledger
from ledger import Posted, Refused
from tests.integration.ledger.support import Book, capture, codes, move, set_aside, void
from tests.property.ledger.crowd import crowd_of, each, prove

CONNECTIONS = 16
MEMBERS = ("member/1", "member/2", "member/3")


@pytest.fixture
async def crowd(book: Book) -> AsyncIterator[list[Any]]:
    async with crowd_of(book, CONNECTIONS) as connections:
        yield connections


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
