"""Units, books and accounts: what opening twice means, and that every change of an account is noted."""

from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

import ledger
from tests.integration.ledger.support import Book, move, owning, set_aside

DAY = date(2026, 3, 2)


async def events(book: Book, account: str) -> list[Any]:
    async with owning(book.server) as owner:
        rows: list[Any] = await owner.fetch(
            """
            select e.n, e.after_seq, e.floor, e.ceiling, e.status, e.actor, e.reason, e.recorded_at
            from ledger.account_event e join ledger.account a on a.book_id = e.book_id and a.id = e.account_id
            where e.book_id = $1 and a.code = $2 order by e.n
            """,
            book.book_id,
            account,
        )
        return rows


async def test_each_change_of_an_account_is_noted_once(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 5))
    async with book.writing() as connection:
        await ledger.set_limits(connection, book.book_id, "member/1", floor=-5, ceiling=9, actor="ann", reason="asked")
        await ledger.set_limits(connection, book.book_id, "member/1", floor=-5, ceiling=9, actor="ann", reason="again")
        await ledger.set_status(connection, book.book_id, "member/1", "frozen", actor="bob", reason="a question")
        await ledger.set_status(connection, book.book_id, "member/1", "frozen", actor="bob", reason="again")

    noted = await events(book, "member/1")

    assert [tuple(row)[:-1] for row in noted] == [
        (1, 0, 0, None, "open", "", "opened"),
        (2, 1, -5, 9, "open", "ann", "asked"),
        (3, 1, -5, 9, "frozen", "bob", "a question"),
    ]
    # The moment of each change, not that of its transaction.
    assert noted[0]["recorded_at"] < noted[1]["recorded_at"] < noted[2]["recorded_at"]
    assert [row["n"] for row in await events(book, "member/2")] == [1]


@pytest.mark.parametrize(("floor", "ceiling"), [(-5, None), (0, 7), (None, None)])
async def test_one_limit_alone_may_change(book: Book, floor: int | None, ceiling: int | None) -> None:
    await book.do(ledger.set_limits, "member/1", floor=floor, ceiling=ceiling, actor="ann")

    there = await book.do(ledger.balance, "member/1")
    assert (there.floor, there.ceiling) == (floor, ceiling)
    assert len(await events(book, "member/1")) == 2
    others = await book.do(ledger.balances, ["member/2", "issued"])
    assert {code: (each.floor, each.ceiling) for code, each in others.items()} == {
        "member/2": (0, None),
        "issued": (None, None),
    }


async def test_limits_and_states_that_make_no_sense_are_refused(book: Book) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await book.do(ledger.set_status, "member/1", "asleep", actor="ann")
    beyond = ledger.model.MAX_AMOUNT + 1
    for floor, ceiling in ((6, 5), (-beyond, None), (-beyond, 0), (None, beyond), (0, beyond), (None, -beyond)):
        with pytest.raises(ledger.InvalidItem):
            await book.do(ledger.set_limits, "member/1", floor=floor, ceiling=ceiling, actor="ann")
        with pytest.raises(ledger.InvalidItem):
            await book.do(
                ledger.open_account,
                code="new",
                unit="MIN",
                account_class="member",
                name="new",
                floor=floor,
                ceiling=ceiling,
            )
    await book.do(ledger.set_limits, "member/1", floor=5, ceiling=5, actor="ann")
    await book.do(ledger.set_limits, "member/1", floor=-ledger.model.MAX_AMOUNT, actor="ann")


async def test_what_does_not_exist_is_named(book: Book) -> None:
    for function, options in (
        (ledger.set_limits, {"floor": 0}),
        (ledger.set_status, {"status": "frozen"}),
    ):
        with pytest.raises(ledger.UnknownAccount):
            await book.do(function, "nobody", actor="ann", **options)
    stranger = Book(book.server, book.book_id + 1, book.connection)
    options = {"code": "a", "unit": "MIN", "account_class": "member", "name": "a", "floor": 0}
    with pytest.raises(ledger.UnknownBook):
        await stranger.do(ledger.open_account, **options)
    with pytest.raises(ledger.PeriodMovedBack):
        await stranger.do(ledger.close_period, DAY)


async def test_an_account_keeps_its_unit_and_class(book: Book) -> None:
    options = {"code": "member/1", "name": "x", "floor": 0}
    await book.do(ledger.open_account, unit="MIN", account_class="member", **options)
    for unit, account_class in (("GBP", "member"), ("MIN", "system")):
        with pytest.raises(ledger.AlreadyDifferent):
            await book.do(ledger.open_account, unit=unit, account_class=account_class, **options)


async def test_an_account_opens_with_its_limits_and_opener(book: Book) -> None:
    await book.do(
        ledger.open_account, code="new", unit="GBP", account_class="payee", name="New", floor=-3, ceiling=4, actor="ann"
    )
    there = await book.do(ledger.balance, "new")
    assert (there.unit, there.floor, there.ceiling, there.status, there.posted, there.seq) == (
        "GBP",
        -3,
        4,
        "open",
        0,
        0,
    )
    assert [(row["actor"], row["reason"], row["n"]) for row in await events(book, "new")] == [("ann", "opened", 1)]


async def test_each_function_works_in_the_book_that_is_set_and_no_other(book: Book) -> None:
    options = {"code": "x", "unit": "MIN", "account_class": "member", "name": "x", "floor": 0}
    for function, arguments, named in (
        (ledger.open_book, ("x", "x"), {}),
        (ledger.open_account, (), options),
        (ledger.set_limits, ("member/1",), {"floor": 0, "actor": "x"}),
        (ledger.set_status, ("member/1", "frozen"), {"actor": "x"}),
        (ledger.close_period, (DAY,), {}),
    ):
        with pytest.raises(ledger.WrongBook):
            async with book.writing() as connection:
                await function(connection, book.book_id + 1, *arguments, **named)


async def test_a_connection_that_never_set_a_book_has_none(book: Book) -> None:
    connection = await asyncpg.connect(book.server.app_url)
    try:
        with pytest.raises(ledger.WrongBook):
            await ledger.close_period(connection, book.book_id, DAY)
    finally:
        await connection.close()


async def test_a_unit_keeps_its_decimal_places(book: Book) -> None:
    await ledger.open_unit(book.connection, "GBP", 2)
    await ledger.open_unit(book.connection, "TESTED", 3)
    await ledger.open_unit(book.connection, "TESTED", 3)
    for unit in ("GBP", "TESTED"):
        with pytest.raises(ledger.AlreadyDifferent):
            await ledger.open_unit(book.connection, unit, 1)


async def test_a_period_closes_forwards_only(book: Book) -> None:
    async def closed_through() -> Any:
        async with owning(book.server) as owner:
            return await owner.fetchval("select closed_through from ledger.book where id = $1", book.book_id)

    await book.do(ledger.close_period, DAY)
    await book.do(ledger.close_period, DAY)
    with pytest.raises(ledger.PeriodMovedBack):
        await book.do(ledger.close_period, DAY - timedelta(days=1))
    assert await closed_through() == DAY
    await book.do(ledger.close_period, DAY + timedelta(days=1))
    assert await closed_through() == DAY + timedelta(days=1)


async def test_an_account_closes_only_when_nothing_is_held_to_or_from_it(book: Book) -> None:
    await book.do(ledger.post, set_aside("issued", "member/2", 5))
    for account in ("issued", "member/2"):
        with pytest.raises(ledger.AccountInUse):
            await book.do(ledger.set_status, account, "closed", actor="ann")
    await book.do(ledger.set_status, "member/2", "frozen", actor="ann")
    await book.do(ledger.set_status, "member/1", "closed", actor="ann")
    await book.do(ledger.set_status, "member/1", "open", actor="ann")
    assert (await book.do(ledger.balance, "member/1")).status == "open"
