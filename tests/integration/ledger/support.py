"""What the ledger's tests share: a server to run on, a fresh book, and short ways to say what is posted."""

import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from ledger import Capture, Item, Leg, PlaceHold, Post, Reverse, Void, grants_sql, open_account, open_book, sql_files

DAY = date(2026, 3, 2)
EXPIRES = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
OLDEST = Path("/usr/lib/postgresql/15/bin")
"""The oldest server that the ledger must run on, where Debian puts it."""


@dataclass(frozen=True)
class Server:
    """Two addresses of one database with the ledger in it: the application's, and one for who may become the owner."""

    app_url: str
    owner_url: str


@dataclass(frozen=True)
class Book:
    """A fresh book, and connections to it."""

    server: Server
    book_id: int
    connection: Any

    @asynccontextmanager
    async def writing(self, connection: Any = None) -> AsyncIterator[Any]:
        """A transaction with the book set; committed on success."""
        connection = connection or self.connection
        async with connection.transaction():
            await connection.execute("select set_config('ledger.book', $1, true)", str(self.book_id))
            yield connection

    async def do(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Call a function of the ledger in a transaction of its own."""
        async with self.writing() as connection:
            return await function(connection, self.book_id, *arguments, **options)


def new_book_id() -> int:
    """A number no other book has: ledger rows cannot be deleted, so books are never used again."""
    return uuid4().int >> 66


@asynccontextmanager
async def owning(server: Server) -> AsyncIterator[Any]:
    """A connection as the ledger's owner."""
    connection = await asyncpg.connect(server.owner_url)
    try:
        await connection.execute("set role timebank_owner")
        yield connection
    finally:
        await connection.close()


ACCOUNTS: Sequence[tuple[str, str, int | None, int | None]] = (
    ("issued", "MIN", None, None),
    ("member/1", "MIN", 0, None),
    ("member/2", "MIN", 0, None),
    ("member/3", "MIN", -50, None),
    ("capped", "MIN", 0, 100),
    ("bank", "GBP", None, None),
)
"""Code, unit, floor, ceiling."""


async def open_fresh_book(server: Server, connection: Any) -> Book:
    """A new book with the accounts above, on a connection of the application's role."""
    book = Book(server, new_book_id(), connection)
    async with book.writing():
        await open_book(connection, book.book_id, "test", "A book for one test")
        for code, unit, floor, ceiling in ACCOUNTS:
            await open_account(
                connection,
                book.book_id,
                code=code,
                unit=unit,
                account_class="member" if floor is not None else "system",
                name=code,
                floor=floor,
                ceiling=ceiling,
            )
    return book


@asynccontextmanager
async def fresh_book(server: Server) -> AsyncIterator[Book]:
    """A new book and a connection for it."""
    connection = await asyncpg.connect(server.app_url)
    try:
        yield await open_fresh_book(server, connection)
    finally:
        await connection.close()


def move(source: str, target: str, amount: int, *, key: str | None = None, unit: str = "MIN", **fields: Any) -> Post:
    """A post of two legs."""
    legs = (Leg(account=source, amount=-amount), Leg(account=target, amount=amount))
    return Post(
        key=key or str(uuid4()), kind="test", unit=unit, legs=legs, actor="tester", **{"effective_on": DAY, **fields}
    )


def set_aside(
    source: str, target: str, amount: int, *, key: str | None = None, hold_id: UUID | None = None
) -> PlaceHold:
    """A hold."""
    return PlaceHold(
        key=key or str(uuid4()),
        hold_id=hold_id or uuid4(),
        kind="booking",
        unit="MIN",
        from_account=source,
        to_account=target,
        amount=amount,
        expires_at=EXPIRES,
        actor="tester",
    )


def capture(hold_id: UUID, *, key: str | None = None, **fields: Any) -> Capture:
    """The end of a hold in an entry."""
    return Capture(
        key=key or str(uuid4()), hold_id=hold_id, kind="fulfilled", effective_on=DAY, actor="tester", **fields
    )


def void(hold_id: UUID, *, key: str | None = None, **fields: Any) -> Void:
    """The end of a hold without one."""
    return Void(key=key or str(uuid4()), hold_id=hold_id, actor="tester", **fields)


def reverse(entry_id: UUID, *, key: str | None = None) -> Reverse:
    """The negation of an entry."""
    return Reverse(key=key or str(uuid4()), entry_id=entry_id, kind="undo", effective_on=DAY, actor="tester")


def codes(results: Sequence[object]) -> list[str]:
    """Each result in one word: its refusal's code, or what it is."""
    return [getattr(result, "code", type(result).__name__.lower()) for result in results]


def items_of(*items: Item) -> list[Item]:
    """A batch."""
    return list(items)


@contextmanager
def oldest_server() -> Iterator[Server | None]:
    """A throw-away PostgreSQL 15 with the ledger in it, or None where the machine has none."""
    if not (OLDEST / "initdb").exists():
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="timebank-ledger-15-", dir="/var/tmp"))
    as_user = "postgres" if Path.home().owner() == "root" else None
    if as_user is not None:
        shutil.chown(folder, as_user)
    options = (
        f"-k {folder} -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off "
        "-c shared_buffers=64MB"
    )

    def run(*command: str) -> None:
        subprocess.run(
            command, check=True, user=as_user, cwd=folder, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )

    try:
        run(str(OLDEST / "initdb"), "-D", "data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        run(str(OLDEST / "pg_ctl"), "-D", "data", "-w", "-l", "log", "-o", options, "start")
        try:
            yield Server(
                app_url=f"postgresql://timebank_app@/ledger?host={folder}",
                owner_url=f"postgresql://timebank_migrator@/ledger?host={folder}",
            )
        finally:
            run(str(OLDEST / "pg_ctl"), "-D", "data", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def build(server: Server) -> None:
    """The roles, the database and the ledger on a server that has nothing yet."""
    admin_url = server.owner_url.replace("timebank_migrator@/ledger", "postgres@/postgres")
    admin = await asyncpg.connect(admin_url)
    try:
        await admin.execute(
            """
            create role timebank_owner nologin;
            create role timebank_migrator login noinherit;
            create role timebank_app login noinherit;
            grant timebank_owner to timebank_migrator;
            """
        )
        await admin.execute("create database ledger owner timebank_owner")
    finally:
        await admin.close()
    async with owning(server) as connection:
        for path in sql_files():
            await connection.execute(path.read_text())
        await connection.execute(grants_sql("timebank_app"))
