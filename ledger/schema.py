"""The ledger's SQL files, in order, what an application's role may do with them, and the transaction of one book."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

Connection = Any
"""An asyncpg connection, pooled or not. asyncpg publishes no types that fit both, hence the loose name."""

SQL_FOLDER = Path(__file__).parent / "sql"

READABLE_TABLES = (
    "unit",
    "book",
    "account",
    "balance",
    "account_event",
    "request",
    "refusal",
    "entry",
    "forced",
    "posting",
    "entry_link",
    "hold",
    "hold_event",
    "seal",
    "seal_head",
    "seal_leaf",
)
CALLABLE_FUNCTIONS = (
    "open_unit",
    "open_book",
    "open_account",
    "set_limits",
    "set_status",
    "close_period",
    "post_batch",
    "expire_holds",
    "balance_at",
    "require_settled",
    "lock_number",
)


def sql_files() -> list[Path]:
    """The files that make the schema ``ledger``, in the order in which they run. Frozen once released."""
    return sorted(SQL_FOLDER.glob("*.sql"))


async def install(connection: Connection, *, application: str | None = None) -> None:
    """Make the schema ``ledger`` in a database that has none, owned by the connection's role.

    ``application`` is a role that exists already: it gets what :func:`grants_sql` says. The service's migrations do the
    same step by step.
    """
    async with connection.transaction():
        for path in sql_files():
            await connection.execute(path.read_text())
        if application is not None:
            await connection.execute(grants_sql(application))


@asynccontextmanager
async def within(connection: Connection, book_id: int) -> AsyncIterator[Connection]:
    """A transaction in which ``ledger.book`` is set to ``book_id``: what reading and writing a book need."""
    async with connection.transaction():
        await connection.execute("select set_config('ledger.book', $1, true)", str(book_id))
        yield connection


def grants_sql(role: str) -> str:
    """SQL that lets ``role`` read its own book and call the functions: nothing else, and not ``post_forced``.

    ``role`` must be a plain lower-case identifier; anything else raises ValueError.
    """
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", role):
        raise ValueError(f"not a plain role name: {role!r}")
    tables = ", ".join(f"ledger.{table}" for table in READABLE_TABLES)
    functions = ", ".join(f"ledger.{function}" for function in CALLABLE_FUNCTIONS)
    return (
        f'grant usage on schema ledger to "{role}";\n'
        f'grant select on {tables} to "{role}";\n'
        f'grant execute on function {functions} to "{role}";\n'
    )
