"""Which columns can ever change, read from the catalogue: a table that is added later is asked about as well."""

from typing import Any

import asyncpg
import pytest

import ledger
from tests.integration.ledger.support import EXPIRES, Book, capture, move, owning, set_aside, void

MAY_CHANGE = {
    "book": {"name", "closed_through"},
    "account": {"name"},
    "balance": {"posted", "held_out", "held_in", "floor", "ceiling", "status", "seq", "last_at"},
    "hold": {"captured", "state", "expires_at"},
}
ACCOUNT = "book_id = $1 and account_id = (select id from ledger.account where book_id = $1 and code = 'member/1')"


async def refused_as(connection: Any, statement: str, *arguments: Any) -> str | None:
    """The SQLSTATE with which a statement is refused, or None; nothing of it stays."""
    attempt = connection.transaction()
    await attempt.start()
    try:
        await connection.execute(statement, *arguments)
    except asyncpg.PostgresError as error:
        return error.sqlstate
    finally:
        await attempt.rollback()
    return None


async def test_no_column_changes_but_those_that_may(book: Book) -> None:
    async with owning(book.server) as owner:
        columns = await owner.fetch(
            """
            select c.relname as table_name, a.attname as name, a.attidentity <> '' as is_identity
            from pg_attribute a join pg_class c on c.oid = a.attrelid
            where c.relnamespace = 'ledger'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
            """
        )
        changeable: dict[str, set[str]] = {}
        for table, name, is_identity in columns:
            value = "default" if is_identity else name
            refused = await refused_as(owner, f"update ledger.{table} set {name} = {value} where false")
            assert refused in (None, "LG013")
            if refused is None:
                changeable.setdefault(table, set()).add(name)
        assert changeable == MAY_CHANGE
        for table in {row["table_name"] for row in columns}:
            assert await refused_as(owner, f"delete from ledger.{table}") == "LG013", table
            assert await refused_as(owner, f"truncate ledger.{table} cascade") == "LG013", table


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ("seq = seq - 1, posted = 0", "LG013"),
        ("last_at = last_at - interval '1 microsecond'", "LG013"),
        ("posted = posted + 1", "LG013"),
        ("posted = posted + 1, seq = seq + 1", None),
        ("posted = posted, seq = seq + 1", None),
        ("posted = posted, seq = seq, last_at = last_at", None),
        ("last_at = last_at + interval '1 second'", None),
        ("held_out = 1", None),
        ("posted = posted + 1, seq = seq + 1, last_at = last_at - interval '1 second'", "LG013"),
        ("posted = posted + 1, seq = seq - 1, last_at = last_at + interval '1 second'", "LG013"),
    ],
)
async def test_an_account_only_moves_on(book: Book, change: str, answer: str | None) -> None:
    await book.do(ledger.post_batch, [move("issued", "member/1", 5), move("issued", "member/1", 5)])
    async with owning(book.server) as owner:
        assert await refused_as(owner, f"update ledger.balance set {change} where {ACCOUNT}", book.book_id) == answer


async def test_a_hold_ends_once_whoever_writes(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 60))
    open_one, voided, captured = (set_aside("member/1", "member/2", 5) for _ in range(3))
    await book.do(ledger.post_batch, [open_one, voided, captured])
    await book.do(ledger.post_batch, [void(voided.hold_id), capture(captured.hold_id)])
    async with owning(book.server) as owner:
        for hold, change, answer in (
            (open_one, "state = 'voided'", None),
            (open_one, "state = 'captured', captured = 1", None),
            (voided, "state = 'open'", "LG013"),
            (voided, "state = 'expired'", "LG013"),
            (captured, "captured = 4", "LG013"),
            (captured, "state = 'open', captured = 0", "LG013"),
            (voided, "expires_at = expires_at + interval '1 second'", None),
        ):
            found = await refused_as(
                owner, f"update ledger.hold set {change} where book_id = $1 and id = $2", book.book_id, hold.hold_id
            )
            assert found == answer, change
    assert (await book.do(ledger.hold, voided.hold_id)).expires_at == EXPIRES


@pytest.mark.parametrize(
    ("postings", "answer"),
    [
        ([(1, -5), (1, 5)], None),
        ([(1, -5), (2, 5)], "LG012"),
        ([(1, -5), (1, 6)], "LG012"),
        ([(1, -5), (1, 5), (2, 1)], "LG012"),
        ([(1, -5), (1, 5), (2, 3), (2, -3)], None),
    ],
)
async def test_each_entry_of_a_statement_is_weighed(
    book: Book, postings: list[tuple[int, int]], answer: str | None
) -> None:
    rows = ", ".join(
        f"($1, {n}, 1, lpad('{entry}', 32, '0')::uuid, {amount}, {amount}, now(), now())"
        for n, (entry, amount) in enumerate(postings, 1)
    )
    async with owning(book.server) as owner:
        assert await refused_as(owner, f"insert into ledger.posting values {rows}", book.book_id) == answer
