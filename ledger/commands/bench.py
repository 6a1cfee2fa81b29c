"""Measure how fast the ledger is here, beside what PostgreSQL can do with the same rows in the same run.

Needs a database of its own, in which the address's role may create the ledger: what is posted there cannot be deleted.
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import asyncpg

from ledger import bench
from ledger.bench import Figure, Shape
from ledger.schema import sql_files

NAME = "bench"
HOT_ACCOUNTS = 1_000
ZIPF_ACCOUNTS = 100_000
CONNECTIONS = 20
PGBENCH_SCALE = 10
WARM_UP_SECONDS = 10
PGBENCH_PLACES = ("/usr/lib/postgresql", "/usr/pgsql")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How long, how much, and where to."""
    parser.add_argument("--seconds", type=int, default=5, help="how long each shape runs (5)")
    parser.add_argument(
        "--postings", type=int, default=0, help="measure again with so many postings loaded (0: do not)"
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures there, too")


async def run(options: argparse.Namespace) -> int:
    """Install the ledger, measure, print."""
    connection = await bench.connect(options.url)
    if await connection.fetchval("select to_regnamespace('ledger') is not null"):
        print("This database has a ledger already. Name an empty one: what is posted there stays.", file=sys.stderr)
        return 2
    for path in sql_files():
        await connection.execute(path.read_text())
    server = await bench.settings(connection)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print("PostgreSQL: " + ", ".join(f"{name} {value}" for name, value in server.items()), flush=True)
    pool = await asyncpg.create_pool(options.url, min_size=1, max_size=CONNECTIONS, init=_wait_for_disk)
    measuring = _Measuring(connection, pool, options.seconds)
    figures = await measuring.empty()
    figures += _pgbench(options.url, options.seconds)
    if options.postings:
        figures += await measuring.loaded(options.postings)
    await pool.close()
    await connection.close()
    if options.json:
        _write(options.json, {"settings": server, "figures": [asdict(figure) for figure in figures]})
    return 0


def _write(file: str, content: dict[str, Any]) -> None:
    Path(file).write_text(json.dumps(content, indent=1) + "\n")


async def _wait_for_disk(connection: Any) -> None:
    await connection.execute("set synchronous_commit = on")


class _Measuring:
    """The shapes, each printed as it is done. Every shape has a book of its own."""

    def __init__(self, connection: Any, pool: Any, seconds: int) -> None:
        self.connection = connection
        self.pool = pool
        self.seconds = seconds
        self.books = 0
        self.ceiling: float | None = None

    async def book(self, shape: Shape) -> int:
        self.books += 1
        await bench.open_accounts(self.connection, self.books, shape.accounts)
        return self.books

    async def empty(self) -> list[Figure]:
        """Into tables that hold nothing but the run itself."""
        bulk = bench.evenly(50)
        book = await self.book(bulk)
        before = await bench.sizes(self.connection)
        first = await bench.in_bulk(self.connection, book, bulk, self.seconds)
        await self.connection.execute("vacuum (analyze) ledger.request, ledger.entry, ledger.posting")
        entries = await self.connection.fetchval("select count(*) from ledger.entry")
        first.more = bench.bytes_per_entry(before, await bench.sizes(self.connection), entries)
        ceilings = await bench.ceilings(self.connection, book, self.seconds)
        self.ceiling = max(figure.per_second for figure in ceilings if "insert" in figure.what)
        figures = [self.say(figure) for figure in (*ceilings, first)]
        for shape, callers in (
            (bench.evenly(50), 20),
            (bench.evenly(10), 20),
            (bench.one_source(HOT_ACCOUNTS), 20),
            (bench.one_source(HOT_ACCOUNTS), 400),
            (bench.zipf(ZIPF_ACCOUNTS), 20),
            (bench.zipf(ZIPF_ACCOUNTS), 400),
        ):
            book = await self.book(shape)
            figures.append(self.say(await bench.through_batcher(self.pool, book, shape, callers, self.seconds)))
        hot = bench.one_source(HOT_ACCOUNTS)
        figures.append(
            self.say(await bench.one_by_one(self.pool, await self.book(hot), hot, CONNECTIONS, self.seconds))
        )
        zipf = bench.zipf(ZIPF_ACCOUNTS)
        figures.append(self.say(await bench.in_bulk(self.connection, await self.book(zipf), zipf, self.seconds)))
        return figures

    async def loaded(self, postings: int) -> list[Figure]:
        """Two books with half of the postings each, then the same shapes in those very books."""
        hot, zipf = bench.one_source(HOT_ACCOUNTS), bench.zipf(ZIPF_ACCOUNTS)
        books = [await self.book(hot), await self.book(zipf)]
        new = await bench.first_page(self.connection, await self.book(hot), 1, 1)
        done = [0, 0]
        started = time.monotonic()

        def progress(which: int, count: int) -> None:
            done[which] = count
            if sys.stderr.isatty() or count % 500_000 == 0:
                print(
                    f"  {sum(done):,} of {postings:,} postings loaded after {time.monotonic() - started:.0f} s",
                    file=sys.stderr,
                )

        async with self.pool.acquire() as one, self.pool.acquire() as other:
            await asyncio.gather(
                bench.load(one, books[0], hot, postings // 2, lambda count: progress(0, count)),
                bench.load(other, books[1], zipf, postings // 2, lambda count: progress(1, count)),
            )
        await self.connection.execute("vacuum (analyze)")
        count = await self.connection.fetchval("select count(*) from ledger.posting")
        print(f"\nwith {count:,} postings in the tables:")
        # The first change of a page after a checkpoint writes the whole page to the log. Once, that is measured alone.
        await self.connection.execute("checkpoint")
        first = await bench.through_batcher(self.pool, books[0], hot, 20, self.seconds)
        first.what += ", checkpoint just before"
        for book, shape in zip(books, (hot, zipf), strict=True):
            await bench.in_bulk(self.connection, book, shape, WARM_UP_SECONDS)
        figures = [
            first,
            await bench.through_batcher(self.pool, books[0], hot, 20, self.seconds),
            await bench.through_batcher(self.pool, books[0], hot, 400, self.seconds),
            await bench.through_batcher(self.pool, books[1], zipf, 20, self.seconds),
            await bench.in_bulk(self.connection, books[0], hot, self.seconds),
            await bench.in_bulk(self.connection, books[1], zipf, self.seconds),
            new,
            await bench.first_page(self.connection, books[0], 1, 1),
        ]
        for figure in figures:
            figure.more["loaded"] = True
        return [self.say(figure) for figure in figures]

    def say(self, figure: Figure) -> Figure:
        """Print a line of the table; entries a second also as a part of the ceiling."""
        if self.ceiling and "statement" not in figure.what:
            figure.more["of_ceiling"] = round(figure.per_second / self.ceiling, 3)
        share = f"{figure.more['of_ceiling']:6.0%}" if "of_ceiling" in figure.more else ""
        latency = f"p50 {figure.p50_ms:8.2f} ms  p99 {figure.p99_ms:8.2f} ms"
        print(f"{figure.what:52}{figure.per_second:10,.0f}/s {share:6}  {latency}")
        if "all" in figure.more:
            sizes = ", ".join(f"{name} {size}" for name, size in figure.more.items() if name != "of_ceiling")
            print(f"    bytes of a two-leg entry: {sizes}")
        sys.stdout.flush()
        return figure


def _pgbench(url: str, seconds: int) -> list[Figure]:
    """pgbench's TPC-B with 20 clients, where the program is there: ordinary transactions on this machine."""
    program = shutil.which("pgbench") or next(
        (str(path) for place in PGBENCH_PLACES for path in Path(place).glob("*/bin/pgbench")), None
    )
    if program is None:
        print("pgbench is not on this machine: no TPC-B ceiling")
        return []
    subprocess.run([program, "-i", "-q", "-s", str(PGBENCH_SCALE), url], check=True, capture_output=True)
    done = subprocess.run(
        [program, "-c", str(CONNECTIONS), "-j", "2", "-T", str(seconds), "-n", url],
        check=True,
        capture_output=True,
        text=True,
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("tps"))
    print(
        f"{f'pgbench TPC-B, {CONNECTIONS} clients, scale {PGBENCH_SCALE}':52}{float(line.split()[2]):10,.0f}/s",
        flush=True,
    )
    return [Figure(what="pgbench TPC-B", per_second=float(line.split()[2]))]
