"""What nobody may do: the application's role, the owner, another book, a second call."""

import asyncpg
import pytest

import ledger
from tests.integration.ledger.support import Book, Server, fresh_book, move, owning, set_aside

TABLES = ledger.schema.READABLE_TABLES
APPEND_ONLY = ("entry", "posting", "entry_link", "request", "refusal", "hold_event", "account_event", "unit")


@pytest.mark.parametrize("table", TABLES)
async def test_the_application_writes_no_table(book: Book, table: str) -> None:
    for statement in (
        f"insert into ledger.{table} default values",
        f"update ledger.{table} set {await first_column(book, table)} = {await first_column(book, table)}",
        f"delete from ledger.{table}",
        f"truncate ledger.{table}",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with book.writing() as connection:
                await connection.execute(statement)


async def first_column(book: Book, table: str) -> str:
    async with owning(book.server) as owner:
        return await owner.fetchval(
            """
            select attname from pg_attribute
            where attrelid = $1::text::regclass and attnum > 0 and attidentity = '' order by attnum limit 1
            """,
            f"ledger.{table}",
        )


@pytest.mark.parametrize("table", APPEND_ONLY)
async def test_even_the_owner_cannot_change_what_is_written(book: Book, table: str) -> None:
    column = await first_column(book, table)
    for statement in (
        f"update ledger.{table} set {column} = {column}",
        f"delete from ledger.{table}",
        f"truncate ledger.{table} cascade",
    ):
        async with owning(book.server) as owner:
            with pytest.raises(asyncpg.PostgresError) as caught:
                await owner.execute(statement)
        assert caught.value.sqlstate == "LG013", statement


@pytest.mark.parametrize(
    "statement",
    [
        "update ledger.balance set posted = posted + 1 where book_id = $1",
        "update ledger.balance set seq = seq - 1 where book_id = $1 and seq > 0",
        "delete from ledger.balance where book_id = $1",
        "update ledger.account set unit_id = unit_id where book_id = $1",
        "delete from ledger.hold where book_id = $1",
        "update ledger.hold set amount = amount where book_id = $1",
    ],
)
async def test_the_owner_cannot_move_a_balance_or_a_hold_by_hand(book: Book, statement: str) -> None:
    await book.do(ledger.post_batch, [move("issued", "member/1", 60), set_aside("member/1", "member/2", 10)])
    async with owning(book.server) as owner:
        with pytest.raises(asyncpg.PostgresError) as caught:
            await owner.execute(statement, book.book_id)
    assert caught.value.sqlstate == "LG013"


@pytest.mark.parametrize("amounts", [(-5, 6), (-5, 4)])
async def test_the_database_weighs_entries_and_postings(book: Book, amounts: tuple[int, int]) -> None:
    posting = """
        insert into ledger.posting values ($1, 1, 1, gen_random_uuid(), $2, $2, now(), now()),
                                          ($1, 2, 1, gen_random_uuid(), $3, $3, now(), now())
    """
    entry = """
        insert into ledger.entry
            (book_id, id, recorded_at, effective_on, unit_id, accounts, amounts, seqs, kind, actor, reference)
        values ($1, gen_random_uuid(), now(), now(), 1, '{1,2}', array[$2, $3]::bigint[], '{1,1}', 'x', 'x', '')
    """
    for statement, refused_as in ((posting, "LG012"), (entry, "23514")):
        async with owning(book.server) as owner:
            with pytest.raises(asyncpg.PostgresError) as caught:
                await owner.execute(statement, book.book_id, *amounts)
        assert caught.value.sqlstate == refused_as


async def test_a_second_ledger_call_in_a_transaction_is_refused(book: Book) -> None:
    async def call_twice() -> None:
        async with book.writing() as connection:
            await ledger.post(connection, book.book_id, move("issued", "member/1", 1))
            await ledger.post(connection, book.book_id, move("issued", "member/2", 1))

    with pytest.raises(ledger.SecondCall):
        await call_twice()

    assert (await book.do(ledger.balance, "member/1")).posted == 0
    # The next transaction on the same connection starts afresh, and opening accounts does not count.
    async with book.writing() as connection:
        await ledger.open_account(
            connection, book.book_id, code="new", unit="MIN", account_class="member", name="new", floor=0
        )
        await ledger.post(connection, book.book_id, move("issued", "new", 1))
    assert (await book.do(ledger.balance, "new")).posted == 1


async def test_accounts_are_opened_before_the_ledger_call(book: Book) -> None:
    options = {"unit": "MIN", "account_class": "member", "name": "x", "floor": 0}

    async def open_after_posting(code: str) -> None:
        async with book.writing() as connection:
            await ledger.post(connection, book.book_id, move("issued", "member/1", 1))
            await ledger.open_account(connection, book.book_id, code=code, **options)

    await open_after_posting("member/1")  # it is there already, so nothing is opened
    with pytest.raises(ledger.OpenedTooLate):
        await open_after_posting("late")
    with pytest.raises(ledger.UnknownAccount):
        await book.do(ledger.balance, "late")


async def test_another_book_is_neither_written_nor_read(book: Book, server: Server) -> None:
    await book.do(ledger.post, move("issued", "member/1", 60))
    async with fresh_book(server) as other, other.writing() as connection:
        for function, arguments, options in (
            (ledger.open_book, ("x", "x"), {}),
            (ledger.set_status, ("member/1", "frozen"), {"actor": "x"}),
            (ledger.set_limits, ("member/1",), {"floor": -9, "actor": "x"}),
            (ledger.post, (move("issued", "member/1", 1),), {}),
        ):
            with pytest.raises(ledger.WrongBook):
                async with connection.transaction():
                    await function(connection, book.book_id, *arguments, **options)
        for table in TABLES:
            if table not in ("unit", "book"):
                seen = await connection.fetchval(
                    f"select count(*) from ledger.{table} where book_id = $1", book.book_id
                )
                assert seen == 0, table
        with pytest.raises(ledger.UnknownAccount):
            await ledger.balance(connection, book.book_id, "member/1")
    assert (await book.do(ledger.balance, "member/1")).posted == 60


async def test_without_a_book_set_nothing_is_seen_and_nothing_fails(book: Book) -> None:
    await book.do(ledger.post, move("issued", "member/1", 60))
    assert await book.connection.fetchval("select count(*) from ledger.entry") == 0
    with pytest.raises(ledger.WrongBook):
        await ledger.post(book.connection, book.book_id, move("issued", "member/1", 1))


async def test_the_application_may_not_force_nor_call_what_is_inside(book: Book) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with book.writing() as connection:
            await ledger.post_forced(
                connection, book.book_id, [move("member/1", "member/2", 1)], forced_by="me", reason="because"
            )
    callable_functions = await book.connection.fetch(
        """
        select p.proname from pg_proc p
        where p.pronamespace = 'ledger'::regnamespace and has_function_privilege(p.oid, 'execute')
        """
    )
    assert {row["proname"] for row in callable_functions} == set(ledger.schema.CALLABLE_FUNCTIONS)


async def test_every_function_open_to_the_application_is_pinned_down(book: Book) -> None:
    rows = await book.connection.fetch(
        """
        select p.proname, p.prosecdef, p.proconfig from pg_proc p
        where p.pronamespace = 'ledger'::regnamespace and has_function_privilege(p.oid, 'execute')
        """
    )
    with_the_callers_rights = {"balance_at", "require_settled", "lock_number"}
    assert {row["proname"] for row in rows if not row["prosecdef"]} == with_the_callers_rights
    for row in rows:
        assert row["proname"] in with_the_callers_rights or row["proconfig"] == ["search_path=pg_catalog, pg_temp"]


async def test_a_hand_made_call_cannot_smuggle_in_an_unbalanced_entry(book: Book) -> None:
    good = ledger.posting.Columns([move("issued", "member/1", 5)]).columns

    async def call(columns: list[object]) -> None:
        async with book.writing() as connection:
            with ledger.posting.translated():
                await connection.fetch(ledger.posting.POST_BATCH, book.book_id, True, *columns)

    wrong_columns = (
        (16, [-5, 6]),
        (16, [0, 0]),
        (15, [1, 1]),
        (14, [2, 2]),
        (13, ["member/1", "issued"]),
        (1, ["steal"]),
    )
    for n, wrong in wrong_columns:
        with pytest.raises(ledger.InvalidItem):
            await call([*good[:n], wrong, *good[n + 1 :]])
    assert (await book.do(ledger.balance, "member/1")).posted == 0


async def test_the_owner_may_refuse_roles_that_are_no_names() -> None:
    assert 'to "reader"' in ledger.grants_sql("reader")
    assert "post_forced" not in ledger.grants_sql("reader")
    for bad in ('x"; drop table y; --', "", "Upper", "a" * 64):
        with pytest.raises(ValueError, match="role"):
            ledger.grants_sql(bad)
