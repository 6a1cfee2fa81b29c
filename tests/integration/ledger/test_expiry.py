"""Holds whose time has passed: which are ended, how many, in which order, and by whom."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

import ledger
from tests.integration.ledger.support import EXPIRES, Book, Server, codes, fresh_book, move, owning, void

MINUTE = timedelta(minutes=1)


async def placed(book: Book, *moments: datetime) -> list[Any]:
    """The ids of one hold for each of ``moments``, placed one after the other."""
    await book.do(ledger.post, move("issued", "member/1", 10 * len(moments)))
    ids = []
    for moment in moments:
        hold = ledger.PlaceHold(
            key=str(uuid4()), hold_id=uuid4(), kind="booking", unit="MIN", from_account="member/1",
            to_account="member/2", amount=10, expires_at=moment, actor="tester",
        )  # fmt: skip
        assert codes([await book.do(ledger.post, hold)]) == ["held"]
        ids.append(hold.hold_id)
    return ids


async def states(book: Book, holds: list[Any]) -> list[str]:
    return [(await book.do(ledger.hold, hold_id)).state for hold_id in holds]


async def test_a_hold_ends_at_its_moment_and_not_before(book: Book) -> None:
    now, later = holds = await placed(book, EXPIRES, EXPIRES + timedelta(microseconds=1))

    assert await book.do(ledger.expire_holds, now=EXPIRES - timedelta(microseconds=1), actor="clock") == []
    assert await book.do(ledger.expire_holds, now=EXPIRES, actor="clock") == [now]

    assert await states(book, holds) == ["expired", "open"]
    there = await book.do(ledger.balance, "member/1")
    assert (there.posted, there.held_out, there.available) == (20, 10, 10)
    assert (await book.do(ledger.balance, "member/2")).held_in == 10
    async with owning(book.server) as owner:
        event = await owner.fetchrow(
            """
            select event, actor, amount, entry_id, kind, reference, meta from ledger.hold_event
            where book_id = $1 and hold_id = $2 and n = 2
            """,
            book.book_id,
            now,
        )
        assert tuple(event) == ("expired", "clock", 10, None, None, "", None)
        assert await ledger.prove(owner, book_id=book.book_id) == []
    assert await book.do(ledger.expire_holds, now=EXPIRES, actor="clock") == []
    assert await book.do(ledger.expire_holds, now=EXPIRES + MINUTE, actor="clock") == [later]


async def test_the_soonest_end_first(book: Book) -> None:
    # Without the indexes, rows are read as they lie in the table.
    await book.connection.execute("set enable_indexscan = off")
    await book.connection.execute("set enable_bitmapscan = off")
    last, first, middle = await placed(book, EXPIRES + 2 * MINUTE, EXPIRES, EXPIRES + MINUTE)

    found = [await book.do(ledger.expire_holds, now=EXPIRES + 9 * MINUTE, actor="clock", limit=1) for _ in range(4)]

    assert found == [[first], [middle], [last], []]


async def test_each_hold_ends_under_a_key_of_its_own_and_only_if_it_is_open(book: Book) -> None:
    voided, expired, other = await placed(book, EXPIRES, EXPIRES, EXPIRES)
    await book.do(ledger.post, void(voided))

    assert set(await book.do(ledger.expire_holds, now=EXPIRES, actor="clock")) == {expired, other}

    async with owning(book.server) as owner:
        keys = await owner.fetch(
            "select split_part(key, '/', 2) as hold from ledger.request where book_id = $1 and key like 'expired/%'",
            book.book_id,
        )
    assert sorted(row["hold"] for row in keys) == sorted(map(str, (expired, other)))


async def test_one_to_a_thousand_are_ended_at_a_time(book: Book) -> None:
    (hold,) = await placed(book, EXPIRES)
    for limit in (0, -1, 1001, None):
        with pytest.raises(ledger.InvalidItem):
            await book.do(ledger.expire_holds, now=EXPIRES, actor="clock", limit=limit)
    with pytest.raises(ledger.InvalidItem):
        await book.do(ledger.expire_holds, now=None, actor="clock")
    assert await book.do(ledger.expire_holds, now=EXPIRES, actor="clock", limit=1000) == [hold]


async def test_it_is_the_one_write_call_and_only_in_its_own_book(book: Book, server: Server) -> None:
    await placed(book, EXPIRES)

    async def twice(first: Any, second: Any) -> None:
        async with book.writing():
            await first()
            await second()

    async def post() -> None:
        await ledger.post(book.connection, book.book_id, move("issued", "member/1", 1))

    async def expire() -> None:
        await ledger.expire_holds(book.connection, book.book_id, now=EXPIRES, actor="clock")

    for order in ((post, expire), (expire, post)):
        with pytest.raises(ledger.SecondCall):
            await twice(*order)
    async with fresh_book(server) as other:
        with pytest.raises(ledger.WrongBook):
            async with other.writing() as connection:
                await ledger.expire_holds(connection, book.book_id, now=EXPIRES, actor="clock")
        assert await other.do(ledger.expire_holds, now=EXPIRES, actor="clock") == []
