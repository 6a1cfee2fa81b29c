"""How fast the ledger is on this machine, beside what PostgreSQL itself can do with the same rows in the same run.

Seconds are measured at the caller: from before an item is made until its answer is there.
"""

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import uuid4

import asyncpg

from ledger.batching import Batcher
from ledger.model import Leg, Post, Posted, StatementLine
from ledger.posting import POST_ALONE, Columns, open_book
from ledger.reading import statement

BULK = 500
META = {"activity": "Tuesday group", "session": "2026-03-02", "register": "7f3c9a1e", "by": "coordinator/7"}
"""About 100 bytes of JSON, as a service would keep with an entry."""
TABLES = ("request", "entry", "posting")
SETTINGS = (
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_compression",
    "shared_buffers",
    "max_wal_size",
)
SEED = 20260302

OPEN_ACCOUNTS = """
select ledger.open_account($1, 'account/' || n, 'MIN', 'member', 'Benchmark', null, null, 'bench')
from generate_series(1, $2::integer) n
"""


@dataclass(frozen=True, slots=True)
class Shape:
    """Who pays whom: ``pick`` gives the numbers of two different accounts out of ``accounts``."""

    name: str
    accounts: int
    pick: Callable[[random.Random], Iterator[tuple[int, int]]]


@dataclass(slots=True)
class Figure:
    """One line of the table."""

    what: str
    per_second: float = 0
    p50_ms: float | None = None
    p99_ms: float | None = None
    more: dict[str, Any] = field(default_factory=dict)


def evenly(accounts: int) -> Shape:
    """Any account to any other."""

    def pick(chance: random.Random) -> Iterator[tuple[int, int]]:
        while True:
            source = chance.randint(1, accounts)
            yield source, (source + chance.randint(0, accounts - 2)) % accounts + 1

    return Shape(f"{accounts} accounts", accounts, pick)


def one_source(accounts: int) -> Shape:
    """Everything comes from account 1, as hours come from ``issued``."""

    def pick(chance: random.Random) -> Iterator[tuple[int, int]]:
        while True:
            yield 1, chance.randint(2, accounts)

    return Shape("one hot source", accounts, pick)


def zipf(accounts: int) -> Shape:
    """The n-th account takes part in proportion to 1/n: a few do most, as in real time banks."""
    weights = list(itertools.accumulate(1 / n for n in range(1, accounts + 1)))
    numbers = range(1, accounts + 1)

    def pick(chance: random.Random) -> Iterator[tuple[int, int]]:
        while True:
            drawn = chance.choices(numbers, cum_weights=weights, k=2000)
            for source, target in zip(drawn[::2], drawn[1::2], strict=True):
                if source != target:
                    yield source, target

    return Shape(f"Zipf over {accounts:,} accounts", accounts, pick)


def item(pair: tuple[int, int], amount: int) -> Post:
    """A post with a random key of 36 characters, the worst case for an index."""
    source, target = pair
    return Post(
        key=str(uuid4()),
        kind="contribution",
        unit="MIN",
        legs=(Leg(account=f"account/{source}", amount=-amount), Leg(account=f"account/{target}", amount=amount)),
        effective_on=date(2026, 3, 2),
        actor="coordinator/7",
        meta=META,
    )


async def open_accounts(connection: Any, book_id: int, accounts: int) -> None:
    """A book with that many accounts."""
    async with connection.transaction():
        await connection.execute("select set_config('ledger.book', $1, true)", str(book_id))
        await open_book(connection, book_id, "bench", "Benchmark")
        await connection.execute(OPEN_ACCOUNTS, book_id, accounts)


async def settings(connection: Any) -> dict[str, str]:
    """What the server says of itself: whether it really waits for the disk."""
    return {name: await connection.fetchval("select current_setting($1)", name) for name in SETTINGS}


async def through_batcher(pool: Any, book_id: int, shape: Shape, callers: int, seconds: float) -> Figure:
    """Each caller posts one item after the other, through one Batcher."""
    batcher = Batcher(pool)
    figure = await _callers(f"{shape.name}, {callers} callers", shape, callers, seconds,
                            lambda post: batcher.post(book_id, post))  # fmt: skip
    await batcher.close()
    return figure


async def one_by_one(pool: Any, book_id: int, shape: Shape, callers: int, seconds: float) -> Figure:
    """Each caller posts one item after the other, each in a transaction of its own."""

    async def post(post: Post) -> Any:
        columns = Columns([post])
        async with pool.acquire() as connection:
            rows = await connection.fetch(POST_ALONE, book_id, False, *columns.columns)
        return columns.results(rows)[0]

    return await _callers(f"{shape.name}, {callers} callers, a transaction each", shape, callers, seconds, post)


async def _callers(
    what: str, shape: Shape, callers: int, seconds: float, post: Callable[[Post], Awaitable[Any]]
) -> Figure:
    times: list[float] = []
    ends_at = time.perf_counter() + seconds

    async def caller(number: int) -> None:
        chance = random.Random(SEED + number)
        pairs = shape.pick(chance)
        while (started := time.perf_counter()) < ends_at:
            answer = await post(item(next(pairs), chance.randint(1, 60)))
            times.append(time.perf_counter() - started)
            assert isinstance(answer, Posted), answer

    started = time.perf_counter()
    await asyncio.gather(*(caller(number) for number in range(callers)))
    return _figure(what, len(times), time.perf_counter() - started, times)


async def in_bulk(connection: Any, book_id: int, shape: Shape, seconds: float) -> Figure:
    """One connection, 500 entries in each transaction."""
    chance = random.Random(SEED)
    pairs = shape.pick(chance)
    times: list[float] = []
    started = time.perf_counter()
    while (now := time.perf_counter()) < started + seconds:
        columns = Columns([item(next(pairs), chance.randint(1, 60)) for _ in range(BULK)])
        rows = await connection.fetch(POST_ALONE, book_id, False, *columns.columns)
        assert all(isinstance(answer, Posted) for answer in columns.results(rows))
        times.append(time.perf_counter() - now)
    return _figure(f"{shape.name}, bulk of {BULK}", BULK * len(times), time.perf_counter() - started, times)


def _figure(what: str, count: int, took: float, times: list[float]) -> Figure:
    times.sort()
    return Figure(
        what=what,
        per_second=count / took,
        p50_ms=times[len(times) // 2] * 1000,
        p99_ms=times[len(times) * 99 // 100] * 1000,
    )


async def ceilings(connection: Any, book_id: int, seconds: float) -> list[Figure]:
    """The rows of ``book_id`` written again, into copies of the tables without triggers, by one connection.

    As multi-row inserts in two forms, and by COPY: 500 entries with their postings and requests in each transaction.
    Generated values and arithmetic cost nothing here: it is what PostgreSQL needs to store the rows.
    """
    rows: dict[str, list[Any]] = {}
    await connection.execute("drop schema if exists ledger_bench cascade; create schema ledger_bench")
    batches = 40
    for table in TABLES:
        await connection.execute(f"create table ledger_bench.{table} (like ledger.{table} including all)")
        size = BULK * batches * (2 if table == "posting" else 1)
        rows[table] = await connection.fetch(f"select * from ledger.{table} where book_id = $1 limit {size}", book_id)  # noqa: S608
    figures = [
        await _ceiling("ceiling: multi-row insert from arrays", connection, rows, seconds, _insert_from_arrays),
        await _ceiling("ceiling: multi-row insert of values", connection, rows, seconds, _insert_values),
        await _ceiling("ceiling: COPY", connection, rows, seconds, _copy),
    ]
    await connection.execute("drop schema ledger_bench cascade")
    return figures


Writer = Callable[[Any, str, Sequence[Any]], Awaitable[None]]


async def _ceiling(what: str, connection: Any, rows: dict[str, list[Any]], seconds: float, write: Writer) -> Figure:
    await connection.execute("truncate " + ", ".join(f"ledger_bench.{table}" for table in TABLES))
    size = {table: BULK * (2 if table == "posting" else 1) for table in TABLES}
    batches = min(len(rows[table]) // size[table] for table in TABLES)
    times: list[float] = []
    for number in itertools.count():
        if sum(times) > seconds or not batches:
            break
        if number % batches == 0 and number:
            await connection.execute("truncate " + ", ".join(f"ledger_bench.{table}" for table in TABLES))
        at = number % batches
        started = time.perf_counter()
        async with connection.transaction():
            for table in TABLES:
                await write(connection, table, rows[table][at * size[table] : (at + 1) * size[table]])
        times.append(time.perf_counter() - started)
    return _figure(what, BULK * len(times), sum(times), times)


async def _insert_from_arrays(connection: Any, table: str, rows: Sequence[Any]) -> None:
    """One array per column; arrays of arrays do not fit into one, so those columns travel as text."""
    names = list(rows[0].keys())
    types = {row["name"]: row["type"] for row in await _types(connection, table)}
    columns, selected = [], []
    for place, name in enumerate(names, 1):
        is_array = types[name].endswith("[]")
        values = [row[name] for row in rows]
        columns.append([_array_text(value) for value in values] if is_array else values)
        selected.append((f"c{place}::{types[name]}", f"${place}::{'text' if is_array else types[name]}[]"))
    await connection.execute(
        f"insert into ledger_bench.{table} select {', '.join(what for what, _ in selected)} "  # noqa: S608
        f"from unnest({', '.join(source for _, source in selected)}) "
        f"as u ({', '.join(f'c{place}' for place in range(1, len(names) + 1))})",
        *columns,
    )


_TYPES: dict[str, list[Any]] = {}


async def _types(connection: Any, table: str) -> list[Any]:
    if table not in _TYPES:
        _TYPES[table] = await connection.fetch(
            """
            select attname as name, format_type(atttypid, null) as type from pg_attribute
            where attrelid = $1::text::regclass and attnum > 0
            """,
            f"ledger.{table}",
        )
    return _TYPES[table]


def _array_text(value: Sequence[int]) -> str:
    return "{" + ",".join(map(str, value)) + "}"


async def _insert_values(connection: Any, table: str, rows: Sequence[Any]) -> None:
    """As many rows in one statement as its 32,767 parameters allow."""
    width = len(rows[0])
    at_once = 32_000 // width
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        places = ", ".join(
            "(" + ", ".join(f"${row * width + column}" for column in range(1, width + 1)) + ")"
            for row in range(len(some))
        )
        await connection.execute(
            f"insert into ledger_bench.{table} values {places}",  # noqa: S608
            *itertools.chain.from_iterable(some),
        )


async def _copy(connection: Any, table: str, rows: Sequence[Any]) -> None:
    await connection.copy_records_to_table(table, schema_name="ledger_bench", records=rows)


Sizes = dict[str, tuple[int, int]]


async def sizes(connection: Any) -> Sizes:
    """Bytes of each table's rows and of its indexes."""
    query = "select pg_relation_size($1::text::regclass), pg_indexes_size($1::text::regclass)"
    return {table: tuple(await connection.fetchrow(query, f"ledger.{table}")) for table in TABLES}


def bytes_per_entry(
    before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]], entries: int
) -> dict[str, int]:
    """What one two-leg entry took, by table, rows and indexes."""
    found: dict[str, int] = {}
    for table in TABLES:
        for what, was, there in zip(("rows", "indexes"), before[table], after[table], strict=True):
            found[f"{table} {what}"] = round((there - was) / entries)
    return {**found, "all": sum(found.values())}


async def load(connection: Any, book_id: int, shape: Shape, postings: int, progress: Callable[[int], None]) -> None:
    """Post in bulk until the book has ``postings`` more postings."""
    chance = random.Random(SEED)
    pairs = shape.pick(chance)
    for done in range(0, postings, 2 * BULK):
        columns = Columns([item(next(pairs), chance.randint(1, 60)) for _ in range(BULK)])
        await connection.execute(POST_ALONE, book_id, False, *columns.columns)
        progress(done + 2 * BULK)


async def first_page(connection: Any, book_id: int, account: int, seconds: float) -> Figure:
    """The first 50 lines of an account's statement, again and again."""
    times: list[float] = []
    lines: list[StatementLine] = []
    started = time.perf_counter()
    while (now := time.perf_counter()) < started + seconds:
        async with connection.transaction(readonly=True):
            await connection.execute("select set_config('ledger.book', $1, true)", str(book_id))
            lines = await statement(connection, book_id, f"account/{account}")
        times.append(time.perf_counter() - now)
    length = lines[0].seq if lines else 0
    return _figure(f"statement of {length:,} lines, first page", len(times), time.perf_counter() - started, times)


async def connect(url: str) -> Any:
    """A connection that waits for the disk, whatever the database's own default."""
    connection = await asyncpg.connect(url)
    await connection.execute("set synchronous_commit = on")
    return connection
