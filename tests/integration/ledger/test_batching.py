"""Many callers, one transaction: each gets its own answer, and one caller's mistake is nobody else's."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest

import ledger
from ledger import Batcher, Posted, Refused, Settled
from tests.integration.ledger.support import Book, capture, codes, move, owning, set_aside

HOW_MANY_TRANSACTIONS = "select count(distinct recorded_at) from ledger.entry where book_id = $1"


@pytest.fixture
async def pool(book: Book) -> AsyncIterator[Any]:
    async with asyncpg.create_pool(book.server.app_url, min_size=1, max_size=3) as opened:
        yield opened


@pytest.fixture
async def batcher(pool: Any) -> AsyncIterator[Batcher]:
    opened = Batcher(pool)
    yield opened
    await opened.close()


async def all_at_once(batcher: Batcher, book: Book, items: Sequence[ledger.Item]) -> list[Any]:
    return await asyncio.gather(*(batcher.post(book.book_id, item) for item in items), return_exceptions=True)


async def posted(book: Book, account: str) -> int:
    return int((await book.do(ledger.balance, account)).posted)


async def prove(book: Book) -> None:
    async with owning(book.server) as owner:
        assert await ledger.prove(owner, book_id=book.book_id) == []


async def test_a_lone_caller_is_answered(batcher: Batcher, book: Book) -> None:
    answer = await batcher.post(book.book_id, move("issued", "member/1", 60))
    assert isinstance(answer, Posted)
    assert answer.balances == {"issued": -60, "member/1": 60}


async def test_those_who_come_together_share_a_transaction_and_stand_for_themselves(
    batcher: Batcher, book: Book
) -> None:
    hold = set_aside("member/1", "member/2", 10)
    twice = move("issued", "member/2", 5)
    items = [
        move("issued", "member/1", 60),
        move("member/2", "member/1", 1),
        hold,
        twice,
        twice,
        move("issued", "nobody", 1),
    ]

    answers = await all_at_once(batcher, book, items)

    assert codes(answers) == ["posted", "insufficient", "held", "posted", "posted", "unknown_account"]
    assert [answer.replayed for answer in (answers[3], answers[4])] == [False, True]
    async with book.writing() as connection:
        assert await connection.fetchval(HOW_MANY_TRANSACTIONS, book.book_id) == 1
    await prove(book)


async def test_a_crowd_is_cut_into_batches(pool: Any, book: Book) -> None:
    batcher = Batcher(pool, max_batch=30)
    answers = await all_at_once(batcher, book, [move("issued", "member/1", 1) for _ in range(400)])
    await batcher.close()
    assert codes(answers) == ["posted"] * 400
    assert await posted(book, "member/1") == 400
    async with book.writing() as connection:
        assert await connection.fetchval(HOW_MANY_TRANSACTIONS, book.book_id) == 14
    await prove(book)


async def test_a_full_queue_refuses_at_once_and_forgets_it(pool: Any, book: Book) -> None:
    batcher = Batcher(pool, max_queue=3)
    items = [move("issued", "member/1", 1) for _ in range(5)]
    answers = await all_at_once(batcher, book, items)
    assert codes(answers) == ["posted"] * 3 + ["overloaded"] * 2
    again = await batcher.post(book.book_id, items[4])
    assert isinstance(again, Posted)
    assert not again.replayed
    await batcher.close()


async def test_a_caller_who_gives_up_does_not_take_the_item_back(batcher: Batcher, book: Book) -> None:
    item = move("issued", "member/1", 60)
    leaving = asyncio.create_task(batcher.post(book.book_id, item))
    staying = asyncio.create_task(batcher.post(book.book_id, move("issued", "member/2", 1)))
    await asyncio.sleep(0)
    leaving.cancel()

    assert isinstance(await staying, Posted)
    with pytest.raises(asyncio.CancelledError):
        await leaving
    again = await batcher.post(book.book_id, item)
    assert isinstance(again, Posted)
    assert again.replayed


async def test_what_cannot_be_sent_harms_only_its_own_caller(batcher: Batcher, book: Book) -> None:
    hold = set_aside("issued", "member/1", 1)
    items = [
        move("issued", "member/1", 1),
        move("issued", "member/1", 2, meta={"not": object()}),
        move("issued", "member/1", 4),
        hold,
        capture(hold.hold_id),  # one batch cannot place and end a hold, two can
    ]

    answers = await all_at_once(batcher, book, items)

    assert isinstance(answers[1], ledger.InvalidItem)
    assert codes([answers[n] for n in (0, 2, 3, 4)]) == ["posted", "posted", "held", "posted"]
    assert await posted(book, "member/1") == 6
    await prove(book)


async def test_another_book_has_its_own_queue_and_an_unknown_one_an_error(batcher: Batcher, book: Book) -> None:
    answers = await asyncio.gather(
        batcher.post(book.book_id, move("issued", "member/1", 1)),
        batcher.post(book.book_id + 1, move("issued", "member/1", 1)),
        return_exceptions=True,
    )
    assert isinstance(answers[0], Posted)
    assert isinstance(answers[1], ledger.UnknownBook)


async def test_the_hook_belongs_to_the_transaction(pool: Any, book: Book) -> None:
    seen: list[tuple[Any, str]] = []

    async def after(connection: Any, book_id: int, settled: Sequence[Settled]) -> None:
        assert book_id == book.book_id
        assert connection.is_in_transaction()
        for each in settled:
            if each.note == "breaks":
                raise LookupError("the hook cannot do this one")
        there = await ledger.balance(connection, book_id, "member/1")
        assert there.posted > 0
        seen.extend((each.note, codes([each.result])[0]) for each in settled)

    batcher = Batcher(pool, after=after)
    answers = await asyncio.gather(
        *(
            batcher.post(book.book_id, move("issued", "member/1", amount), note=note)
            for amount, note in ((1, "first"), (2, "breaks"), (4, "third"))
        ),
        batcher.post(book.book_id, move("member/2", "member/1", 8), note="poor"),
        return_exceptions=True,
    )
    await batcher.close()

    assert codes([answers[0], answers[2], answers[3]]) == ["posted", "posted", "insufficient"]
    assert isinstance(answers[1], LookupError)
    assert sorted(seen) == [("first", "posted"), ("poor", "insufficient"), ("third", "posted")]
    assert await posted(book, "member/1") == 5
    await prove(book)


async def test_a_lost_connection_is_made_good_with_the_same_keys(pool: Any, book: Book) -> None:
    """The connection ends twice when the entries are written but not committed."""
    lost = iter([True, True])

    async def after(connection: Any, book_id: int, settled: Sequence[Settled]) -> None:
        if next(lost, False):
            await terminate(book, connection)

    batcher = Batcher(pool, after=after)
    items = [move("issued", "member/1", 1) for _ in range(20)]
    first = await all_at_once(batcher, book, items)
    second = await all_at_once(batcher, book, items)
    await batcher.close()

    assert codes(first) == ["posted"] * 20
    assert [answer.entry_id for answer in second] == [answer.entry_id for answer in first]
    assert all(answer.replayed for answer in second)
    assert await posted(book, "member/1") == 20
    await prove(book)


async def terminate(book: Book, connection: Any) -> None:
    """End the connection's server process, as a restart of the server would."""
    process = connection.get_server_pid()
    other = await asyncpg.connect(book.server.app_url)
    try:
        await other.execute("select pg_terminate_backend($1, 5000)", process)
    finally:
        await other.close()


async def test_a_server_that_stays_away_is_reported(book: Book) -> None:
    pool = asyncpg.create_pool(book.server.app_url.replace("host=", "host=/nowhere"), min_size=0, max_size=1)
    batcher = Batcher(await pool, retry_for_seconds=0)
    with pytest.raises(OSError, match=r"nowhere|No such file"):
        await batcher.post(book.book_id, move("issued", "member/1", 1))
    await batcher.close()
    await pool.close()


async def test_closing_answers_everybody_and_takes_no_more(pool: Any, book: Book) -> None:
    batcher = Batcher(pool)
    waiting = [asyncio.create_task(batcher.post(book.book_id, move("issued", "member/1", 1))) for _ in range(5)]
    await asyncio.sleep(0)
    await batcher.close()
    assert codes([task.result() for task in waiting]) == ["posted"] * 5
    with pytest.raises(RuntimeError, match="closed"):
        await batcher.post(book.book_id, move("issued", "member/1", 1))


async def test_a_refusal_is_remembered_under_its_key(batcher: Batcher, book: Book) -> None:
    item = move("member/1", "member/2", 5)
    assert isinstance(await batcher.post(book.book_id, item), Refused)
    await book.do(ledger.post, move("issued", "member/1", 60))
    assert codes([await batcher.post(book.book_id, item)]) == ["insufficient"]
