"""How fast participants' pages are answered: ``python -m tests.benchmarks.participant_figures``.

``--postings 10000000`` loads the large tier: 400 time banks, 50,000 members. People arrive when they arrive, whether or
not the last one has been served: at :data:`RATE` a second for each page, then at growing rates until the 95th
percentile passes 100 ms. A time counts from the arrival, so waiting in a queue counts too.
"""

import argparse
import asyncio
import itertools
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from migrations.runner import bootstrap, migrate
from tests.benchmarks.ledger_figures import set_up
from tests.benchmarks.register_figures import BANKS, MEMBERS, load
from tests.e2e.demo_server import free_port
from timebank.db import Database
from timebank.embedded import running
from timebank.identity.sessions import PLAIN_COOKIE
from timebank.kit.actor import Actor
from timebank.kit.ids import secret_token, sha256
from timebank.redemptions.offers import AddedOffer, AddOffer, add_offer

RATE = 20
SECONDS = 20
RATES = (40, 60, 80, 100, 120, 150, 180, 220, 260, 300, 400, 500)
SECONDS_EACH = 8
MOST_WAITING = 2_000
WARM_UP = 100
TARGET = 0.030
LIMIT = 0.100
BANKS_VISITED = 20
VISITORS = 20
"""Members of each of these time banks; of the largest one those who gave most come first."""
OFFERS = 30
SEED = 20260310
PAGES = ("/", "/hours", "/offers", "/bookings", "/offline")
CEILING = "/healthz"
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)

SOME_BANKS = "select id from timebank order by id limit $1"
SOME_MEMBERS = """
select id from member where timebank_id = $1 order by id limit $2
"""
ADD_SESSION = """
insert into web_session (token_sha256, timebank_id, member_id, csrf, is_remembered, created_at, seen_at, expires_at)
values ($1, $2, $3, $4, true, $5, $5, $6)
"""


def main() -> None:
    """Start a database, load it, serve it, measure, stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postings", type=int, default=200_000, help="how many to load first (10000000: large tier)")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="timebank-bench-", dir="/var/tmp"))
    try:
        with running(folder) as cluster:
            asyncio.run(set_up(cluster.admin_url))
        with running(folder) as cluster:
            cookies = asyncio.run(prepare(cluster, asked.postings))
            port = free_port()
            server = serve(cluster.app_url, port, folder)
            try:
                asyncio.run(measure(port, cookies, asked.postings))
            finally:
                server.terminate()
                server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def prepare(cluster: Any, postings: int) -> list[str]:
    """Load the tier, put offers into some time banks and sign members of them in; return their cookies."""
    await bootstrap(cluster.admin_url, app_url=cluster.app_url, owner_url=cluster.owner_url)
    await migrate(cluster.owner_url)
    db = await Database.open(cluster.app_url)
    admin = await asyncpg.connect(cluster.admin_url.rpartition("/")[0] + "/" + cluster.app_url.rpartition("/")[2])
    now, cookies = datetime.now(UTC), []
    try:
        await load(db, admin, postings)
        for bank in [row["id"] for row in await admin.fetch(SOME_BANKS, BANKS_VISITED)]:
            members = [row["id"] for row in await admin.fetch(SOME_MEMBERS, bank, VISITORS)]
            coordinator = Actor(timebank_id=bank, member_id=members[-1], roles=frozenset({"coordinator"}))
            for n in range(OFFERS):
                await offer(db, coordinator, n, now)
            for member_id in members:
                token = secret_token()
                end = now + timedelta(days=1)
                await admin.execute(ADD_SESSION, sha256(token), bank, member_id, secret_token(), now, end)
                cookies.append(f"{PLAIN_COOKIE}={token}")
        await admin.execute("vacuum analyze")
    finally:
        await admin.close()
        await db.close()
    return cookies


async def offer(db: Database, coordinator: Actor, n: int, now: datetime) -> None:
    """One of the things to use hours for: half of them courses."""
    is_course = n % 2 == 0
    command = AddOffer(
        kind="training" if is_course else "voucher",
        title=f"Something good {n}",
        summary="A morning by the water.",
        price_minutes=30 + 15 * (n % 20),
        benefit_label="This should not change most benefits. Ask us if you are not sure.",
        places=12 if is_course else None,
        starts_at=now + timedelta(days=7 + n) if is_course else None,
        place="Mill Hall",
        access_notes="Level entrance.",
    )
    added = await add_offer(db, coordinator, command, key=uuid4().hex, now=now)
    assert isinstance(added, AddedOffer), added


def serve(database_url: str, port: int, folder: Path) -> subprocess.Popen[bytes]:
    """The service as people start it, one process, ready to answer."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TIMEBANK_")}
    server = subprocess.Popen(
        [str(Path(sys.executable).parent / "timebank"), "serve", "--port", str(port)],
        env={**environment, "TIMEBANK_DATABASE_URL": database_url},
        cwd=folder,
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    for line in server.stdout:
        if line.startswith(b"Serving"):
            return server
    raise RuntimeError(f"the service ended with {server.wait()}")


async def measure(port: int, cookies: Sequence[str], postings: int) -> None:
    """Every page at the usual rate, then all of them at growing rates."""
    caller = Caller(port, cookies)
    for n in range(WARM_UP):
        await caller.get(PAGES[n % len(PAGES)])
    print(f"{BANKS} time banks, {MEMBERS:,} members, {postings:,} postings; {RATE} arriving a second\n")
    for path in (CEILING, *PAGES):
        times = await caller.arrivals([path], RATE, SECONDS)
        target = "" if path == CEILING else f"   target: at most {TARGET * 1000:.0f} ms"
        print(f"{path:12} {in_words(times)}{target}", flush=True)
    print()
    for rate in RATES:
        times = await caller.arrivals(PAGES[:3], rate, SECONDS_EACH)
        print(f"{', '.join(PAGES[:3])}: {rate:3} a second   {in_words(times)}", flush=True)
        if p95(times) > LIMIT:
            print(f"p95 passes {LIMIT * 1000:.0f} ms at {rate} a second")
            return
    print(f"p95 stays under {LIMIT * 1000:.0f} ms up to {RATES[-1]} a second")


class Caller:
    """An HTTP client that costs next to nothing: as many connections as are needed, each kept for the next request."""

    def __init__(self, port: int, cookies: Sequence[str]) -> None:
        self._port, self._cookies = port, itertools.cycle(cookies)
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._chance = random.Random(SEED)

    async def get(self, path: str) -> None:
        """Fetch one page as the next member; anything but 200 ends the measurement."""
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nAccept-Encoding: br\r\n"
        sent = f"{request}Cookie: {next(self._cookies)}\r\n\r\n".encode()
        while self._free:
            reader, writer = self._free.pop()
            with suppress(ConnectionError, asyncio.IncompleteReadError):  # the server lets idle ones go
                await self._ask(reader, writer, sent)
                return
        await self._ask(*await asyncio.open_connection("127.0.0.1", self._port), sent)

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> None:
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head[9:12] == b"200", head
        length = LENGTH.search(head)
        assert length is not None, head
        await reader.readexactly(int(length[1]))
        self._free.append((reader, writer))

    async def arrivals(self, paths: Sequence[str], rate: int, seconds: int) -> list[float]:
        """Seconds from each arrival to the whole answer; people arrive at random, on average ``rate`` a second."""
        times: list[float] = []
        waiting: set[asyncio.Task[None]] = set()
        at = time.perf_counter()

        async def visit(path: str, arrived: float) -> None:
            await self.get(path)
            times.append(time.perf_counter() - arrived)

        for n in range(rate * seconds):
            at += self._chance.expovariate(rate)
            await asyncio.sleep(max(at - time.perf_counter(), 0))
            if len(waiting) > MOST_WAITING:
                break
            task = asyncio.create_task(visit(paths[n % len(paths)], at))
            waiting.add(task)
            task.add_done_callback(waiting.discard)
        await asyncio.gather(*waiting)
        return times


def p95(times: Sequence[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(times, n=100)[94]


def in_words(times: Sequence[float]) -> str:
    """Median, p95 and p99 in milliseconds."""
    cuts = statistics.quantiles(times, n=100)
    return "   ".join(f"{name} {cuts[n] * 1000:6.1f} ms" for name, n in (("median", 49), ("p95", 94), ("p99", 98)))


if __name__ == "__main__":
    main()
