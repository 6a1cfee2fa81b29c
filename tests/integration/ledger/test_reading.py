"""What the ledger says of now and of the past, and what it does not say yet, against a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

import ledger
from ledger import NotYetSettled, Posted
from ledger.model import MAX_AMOUNT, MAX_PAGE
from tests.integration.ledger.support import DAY, Book, codes, move, owning

TOMORROW = DAY + timedelta(days=1)


@pytest.fixture
async def other(book: Book) -> AsyncIterator[Any]:
    """A second connection of the application's role."""
    connection = await asyncpg.connect(book.server.app_url)
    yield connection
    await connection.close()


async def clock(book: Book) -> datetime:
    moment: datetime = await book.connection.fetchval("select clock_timestamp()")
    return moment


async def post_and_look(book: Book, amount: int, **fields: Any) -> datetime:
    """Post from issued to member/1 and return a moment after it."""
    assert isinstance(await book.do(ledger.post, move("issued", "member/1", amount, **fields)), Posted)
    return await clock(book)


async def test_the_past_stays_as_it_was_known(book: Book) -> None:
    before = await clock(book)
    moments = [await post_and_look(book, amount) for amount in (10, 20, 30, 40, 50)]
    # Back-dated: it changes what is effective that day, never what was known.
    await post_and_look(book, 1000, effective_on=DAY - timedelta(days=300))

    known = [await book.do(ledger.balance_at, "member/1", known_at=moment) for moment in (before, *moments)]

    assert known == [0, 10, 30, 60, 100, 150]
    assert await book.do(ledger.balance_at, "issued", known_at=moments[2]) == -60
    assert await book.do(ledger.balance_at, "member/2", known_at=moments[2]) == 0


async def test_a_moment_includes_what_was_recorded_in_it(book: Book) -> None:
    await post_and_look(book, 10)
    await post_and_look(book, 20)
    second, first = await book.do(ledger.statement, "member/1")

    assert await book.do(ledger.balance_at, "member/1", known_at=first.recorded_at) == 10
    assert await book.do(ledger.balance_at, "member/1", known_at=second.recorded_at) == 30
    just_before = second.recorded_at - timedelta(microseconds=1)
    assert await book.do(ledger.balance_at, "member/1", known_at=just_before) == 10


async def test_a_day_counts_what_was_effective_by_then(book: Book) -> None:
    await post_and_look(book, 10)
    early = await post_and_look(book, 20, effective_on=TOMORROW)
    await post_and_look(book, 40)

    assert await book.do(ledger.balance_at, "member/1", effective_on=DAY - timedelta(days=1)) == 0
    assert await book.do(ledger.balance_at, "member/1", effective_on=DAY) == 50
    assert await book.do(ledger.balance_at, "member/1", effective_on=TOMORROW) == 70
    assert await book.do(ledger.balance_at, "member/1", known_at=early, effective_on=DAY) == 10
    assert await book.do(ledger.balance_at, "member/1", known_at=early, effective_on=TOMORROW) == 30


async def test_a_day_may_sum_to_more_than_a_balance_can_hold(book: Book) -> None:
    for _ in range(3):
        await book.do(ledger.post, move("issued", "member/1", MAX_AMOUNT))
        await book.do(ledger.post, move("member/1", "issued", MAX_AMOUNT, effective_on=TOMORROW))

    assert await book.do(ledger.balance_at, "member/1", effective_on=DAY) == 3 * MAX_AMOUNT
    assert await book.do(ledger.balance_at, "issued", effective_on=DAY) == -3 * MAX_AMOUNT


async def test_the_moment_costs_the_logarithm_of_the_history(book: Book) -> None:
    await book.do(ledger.post_batch, [move("issued", "member/1", 1) for _ in range(1000)])
    middle = await clock(book)
    await book.do(ledger.post_batch, [move("issued", "member/1", 1) for _ in range(1000)])
    async with book.writing() as connection:
        rows = "select pg_stat_get_xact_tuples_fetched('ledger.posting_pkey'::regclass)"
        await connection.execute("set local enable_seqscan = off; set local enable_bitmapscan = off")
        before = await connection.fetchval(rows)

        assert await ledger.balance_at(connection, book.book_id, "member/1", known_at=middle) == 1000

        # 2,000 postings: 11 looks, and one for the balance.
        looks = await connection.fetchval(rows) - before
        assert 1 <= looks <= 12, looks


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(minutes=1), timedelta(days=3650)])
async def test_what_lies_ahead_is_not_settled(book: Book, ahead: timedelta) -> None:
    with pytest.raises(NotYetSettled):
        await book.do(ledger.balance_at, "member/1", known_at=await clock(book) + timedelta(seconds=5) + ahead)


async def test_a_moment_is_not_settled_while_a_writer_that_began_before_is_open(book: Book, other: Any) -> None:
    await post_and_look(book, 10)
    async with book.writing(other) as writer:
        earlier = await clock(book)
        began = await writer.fetchval("select now()")
        assert await book.do(ledger.balance_at, "member/1", known_at=earlier) == 10  # it has not written yet
        await ledger.post(writer, book.book_id, move("issued", "member/1", 5))
        # Even where it did not write: it could not be told from where it did.
        for account in ("member/1", "member/2"):
            with pytest.raises(NotYetSettled):
                await book.do(ledger.balance_at, account, known_at=await clock(book))
            with pytest.raises(NotYetSettled):
                await book.do(ledger.balance_at, account, known_at=began)
        just_before = began - timedelta(microseconds=1)
        assert await book.do(ledger.balance_at, "member/1", known_at=just_before) == 10
        # It cannot say either what will have been known: it may still be undone.
        with pytest.raises(NotYetSettled):
            async with writer.transaction():
                await ledger.balance_at(writer, book.book_id, "member/1", known_at=await clock(book))

    assert await book.do(ledger.balance_at, "member/1", known_at=await clock(book)) == 15
    assert await book.do(ledger.balance_at, "member/1", known_at=earlier) == 10


async def test_a_writer_whose_beginning_is_hidden_is_taken_for_an_early_one(book: Book) -> None:
    long_ago = await post_and_look(book, 10)
    async with owning(book.server) as owner, book.writing(owner):
        await ledger.post(owner, book.book_id, move("issued", "member/1", 5))
        with pytest.raises(NotYetSettled):
            await book.do(ledger.balance_at, "member/1", known_at=long_ago)
    assert await book.do(ledger.balance_at, "member/1", known_at=long_ago) == 10


async def test_a_reader_looks_anew_each_time(book: Book, other: Any) -> None:
    """Within a transaction PostgreSQL would go on showing who was active at the first look."""
    earlier = await post_and_look(book, 10)
    async with book.writing(other) as reader:
        for known in (10, 15):
            async with book.writing() as writer:
                await ledger.post(writer, book.book_id, move("issued", "member/1", 5))
                assert await ledger.balance_at(reader, book.book_id, "member/1", known_at=earlier) == known
            earlier = await clock(book)


async def test_a_writer_elsewhere_is_in_nobodys_way(book: Book, other: Any) -> None:
    async with other.transaction():
        await other.execute("select pg_advisory_xact_lock_shared(ledger.lock_number('period', $1))", book.book_id + 1)
        assert await book.do(ledger.balance_at, "member/1", known_at=await clock(book)) == 0


@asynccontextmanager
async def reading(book: Book, **options: Any) -> AsyncIterator[Any]:
    """A transaction of another kind than the usual one."""
    async with book.connection.transaction(**options):
        await book.connection.execute("select set_config('ledger.book', $1, true)", str(book.book_id))
        yield book.connection


@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize("isolation", ["repeatable_read", "serializable"])
async def test_a_fixed_snapshot_cannot_tell_what_was_known(book: Book, isolation: str, readonly: bool) -> None:
    moment = await post_and_look(book, 10)
    async with reading(book, isolation=isolation, readonly=readonly) as connection:
        assert await ledger.balance_at(connection, book.book_id, "member/1", effective_on=DAY) == 10
        with pytest.raises(NotYetSettled, match="read committed"):
            await ledger.balance_at(connection, book.book_id, "member/1", known_at=moment)


async def test_a_read_only_transaction_may_ask(book: Book) -> None:
    moment = await post_and_look(book, 10)
    async with reading(book, readonly=True) as connection:
        assert await ledger.balance_at(connection, book.book_id, "member/1", known_at=moment) == 10


async def test_what_was_told_under_load_is_told_again(book: Book, other: Any) -> None:
    """Readers ask for the newest moments while writers post; every answer must be the same at the end."""
    told: list[tuple[datetime, int]] = []
    writers = [await asyncpg.connect(book.server.app_url) for _ in range(4)]

    async def write(connection: Any) -> None:
        for _ in range(40):
            async with book.writing(connection):
                await ledger.post(connection, book.book_id, move("issued", "member/1", 1))

    async def read() -> None:
        while not writing.done():
            # The moment just read: settled only if nobody was writing, else it is refused.
            moment = await other.fetchval("select clock_timestamp()")
            try:
                async with book.writing(other):
                    told.append((moment, await ledger.balance_at(other, book.book_id, "member/1", known_at=moment)))
            except NotYetSettled:
                continue

    writing = asyncio.gather(*(write(connection) for connection in writers))
    await asyncio.gather(writing, read())
    for connection in writers:
        await connection.close()

    told.append((await clock(book), 160))
    for moment, amount in told:
        assert await book.do(ledger.balance_at, "member/1", known_at=moment) == amount


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"known_at": datetime(2026, 3, 2)},  # noqa: DTZ001
        {"known_at": DAY},
        {"known_at": 0.0},
        {"known_at": "2026-03-02T00:00:00Z"},
        {"effective_on": datetime(2026, 3, 2).astimezone()},
        {"effective_on": "2026-03-02"},
        {"effective_on": True},
    ],
)
async def test_a_moment_has_a_zone_and_a_day_has_no_time(book: Book, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"known_at|effective_on"):
        await book.do(ledger.balance_at, "member/1", **options)


async def test_who_is_not_there_has_no_past(book: Book) -> None:
    for options in ({"known_at": await clock(book)}, {"effective_on": date(2026, 1, 1)}):
        with pytest.raises(ledger.UnknownAccount):
            await book.do(ledger.balance_at, "nobody", **options)


async def test_another_books_past_is_out_of_sight(book: Book) -> None:
    moment = await post_and_look(book, 10)
    async with book.connection.transaction():
        await book.connection.execute("select set_config('ledger.book', '1', true)")
        with pytest.raises(ledger.UnknownAccount):
            await ledger.balance_at(book.connection, book.book_id, "member/1", known_at=moment)


async def test_a_statement_reads_backwards_page_by_page(book: Book) -> None:
    await book.do(ledger.post_batch, [move("issued", "member/1", 1 + n, reference=str(n)) for n in range(7)])

    pages, before = [], None
    while page := await book.do(ledger.statement, "member/1", before=before, limit=3):
        pages.append([line.seq for line in page])
        before = page[-1].seq

    assert pages == [[7, 6, 5], [4, 3, 2], [1]]
    assert await book.do(ledger.statement, "member/2") == []
    (newest,) = await book.do(ledger.statement, "member/1", limit=1)
    assert (newest.amount, newest.balance_after, newest.reference, newest.meta) == (7, 28, "6", {})


async def test_a_page_has_a_limit_and_a_cursor_may_be_anything(book: Book) -> None:
    await post_and_look(book, 1)
    for limit in (0, -1, MAX_PAGE + 1):
        with pytest.raises(ValueError, match="limit"):
            await book.do(ledger.statement, "member/1", limit=limit)
    assert len(await book.do(ledger.statement, "member/1", limit=MAX_PAGE, before=10**30)) == 1
    assert await book.do(ledger.statement, "member/1", before=-(10**30)) == []
    with pytest.raises(ledger.UnknownAccount):
        await book.do(ledger.statement, "nobody")


async def test_a_page_reads_no_more_than_its_lines(book: Book) -> None:
    await book.do(ledger.post_batch, [move("issued", "member/1", 1) for _ in range(1000)])
    async with book.writing() as connection:
        rows = "select pg_stat_get_xact_tuples_fetched('ledger.posting_pkey'::regclass)"
        await connection.execute("set local enable_seqscan = off; set local enable_bitmapscan = off")
        before = await connection.fetchval(rows)
        await ledger.statement(connection, book.book_id, "member/1", before=500, limit=20)
        assert await connection.fetchval(rows) - before == 20


async def test_limits_and_status_show_in_the_balance(book: Book) -> None:
    await post_and_look(book, 10)
    await book.do(ledger.set_limits, "member/1", floor=-5, ceiling=20, actor="tester", reason="trusted")
    await book.do(ledger.set_status, "member/1", "frozen", actor="tester")

    there = await book.do(ledger.balance, "member/1")

    assert (there.floor, there.ceiling, there.available, there.status) == (-5, 20, 15, "frozen")
    assert codes([await book.do(ledger.post, move("issued", "member/1", 1))]) == ["frozen_account"]
    with pytest.raises(ledger.UnknownAccount):
        await book.do(ledger.balance, "nobody")
    assert await book.do(ledger.balances, ["nobody", "member/2"]) == {
        "member/2": await book.do(ledger.balance, "member/2")
    }
