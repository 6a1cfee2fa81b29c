"""The real tier: every time bank of the TimeBanks.org network, generated as files and imported as people would.

``python -m tests.benchmarks.import_figures`` makes one file of members and one of transfers for each of the 156 time
banks of ``timebanks_org_2019.csv``, so that each ends with exactly its members, exchanges and hours; imports them into
a new embedded database through the code that the command and the page use; counts again; and proves the ledger. The
files are the same on every machine. ``--banks 5`` takes only the first.
"""

import argparse
import asyncio
import csv
import io
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from uuid import uuid4

import asyncpg

from ledger import prove
from migrations.runner import bootstrap, migrate
from timebank.banks.rules import TimeBankFacts
from timebank.banks.service import CreateTimeBank, create
from timebank.db import Database
from timebank.embedded import SUPERUSER, running, url
from timebank.imports import service
from timebank.imports.service import BeginImport, Brought, Started
from timebank.kit.actor import system

DATA = Path(__file__).parents[3] / "shared" / "data" / "timebanks_org_2019.csv"
FIRST_DAY = date(2008, 1, 1)
DAYS = 4000
REASONS = (
    "Gardening",
    "Lift to an appointment",
    "Shopping",
    "Computer help",
    "Reading aloud",
    "Repairs",
    "Cooking",
    "",
)
MOST_ACTIVE = 1.1  # how steeply activity falls from one member to the next: about a fifth of them do most of it


@dataclass(frozen=True)
class Network:
    """One time bank as it was on the last day it was seen."""

    name: str
    members: int
    exchanges: int
    hours: int


def networks(path: Path = DATA) -> list[Network]:
    """Every time bank of the file."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Network(row["timebank"], int(row["last_members"]), int(row["last_exchanges"]), int(row["last_hours"]))
            for row in csv.DictReader(file)
        ]


def users_file(bank: Network) -> bytes:
    """As TimeOverflow writes members. The names are plainly made up."""
    text = io.StringIO()
    writer = csv.writer(text)
    for number in range(1, bank.members + 1):
        joined = FIRST_DAY + timedelta(days=number % DAYS)
        writer.writerow((number, joined.isoformat(), "Member", f"{number} of {bank.name}", "", "", "", "", "", ""))
    return text.getvalue().encode()


def transfers_file(bank: Network) -> bytes:
    """As TimeOverflow writes transfers: exactly so many, which add up to exactly so many hours."""
    chance = random.Random(bank.name)
    # Whoever gives much receives much: activity is a person's, and balances stay around nothing.
    odds = list(accumulate(1 / (place + 1) ** MOST_ACTIVE for place in range(bank.members)))
    text = io.StringIO()
    writer = csv.writer(text)
    days = sorted(chance.randrange(DAYS) for _ in range(bank.exchanges))
    people = range(1, bank.members + 1)
    givers = chance.choices(people, cum_weights=odds, k=bank.exchanges)
    for day, giver, minutes in zip(days, givers, _minutes(bank, chance), strict=True):
        receiver = next(
            other for other in iter(lambda: chance.choices(people, cum_weights=odds)[0], None) if other != giver
        )
        at = f"{FIRST_DAY + timedelta(days=day)} {9 + day % 8:02}:00:00 UTC"
        writer.writerow((receiver, "Member", giver, "Member", minutes * 60, at, REASONS[day % len(REASONS)], ""))
    return text.getvalue().encode()


def _minutes(bank: Network, chance: random.Random) -> list[int]:
    """The length of each exchange: uneven, none empty, and the sum exact."""
    if not bank.exchanges:
        return []
    base, rest = divmod(bank.hours * 60, bank.exchanges)
    lengths = [base + (place < rest) for place in range(bank.exchanges)]
    for first in range(0, bank.exchanges - 1, 2):
        moved = chance.randrange(lengths[first])
        lengths[first] -= moved
        lengths[first + 1] += moved
    return lengths


@contextmanager
def database() -> Iterator[tuple[str, str]]:
    """A new embedded database with its usual settings, migrated: the application's address and the owner's."""
    folder = Path(tempfile.mkdtemp(prefix="timebank-bench-", dir="/var/tmp"))
    try:
        with running(folder) as cluster:
            asyncio.run(bootstrap(cluster.admin_url, app_url=cluster.app_url, owner_url=cluster.owner_url))
            asyncio.run(migrate(cluster.owner_url))
            yield cluster.app_url, url(cluster.socket_dir, SUPERUSER, "timebank")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def bring(db: Database, bank: TimeBankFacts, format_name: str, content: bytes) -> None:
    """One file, from its bytes to its last line."""
    actor = system(bank.id)
    command = BeginImport(format=format_name, file_name=f"{format_name}.csv", content=content)
    brought = await service.begin(db, actor, command, key=uuid4().hex, now=datetime.now(UTC))
    assert isinstance(brought, Brought), brought
    started = await service.start(db, actor, brought.import_id, key=uuid4().hex, now=datetime.now(UTC))
    assert isinstance(started, Started), started
    progress = await service.run_on(db, bank.id, brought.import_id, now=lambda: datetime.now(UTC))
    assert progress.state == "finished", progress


async def import_all(db: Database, files: list[tuple[Network, bytes, bytes]]) -> float:
    """Seconds from the first file to the last line of the last one; the time banks are there before."""
    made = []
    for network, users, transfers in files:
        bank = await create(db, CreateTimeBank(slug=f"t-{network.name}"[:40].rstrip("-"), name=network.name))
        assert isinstance(bank, TimeBankFacts), bank
        made.append((bank, users, transfers))
    started = time.perf_counter()
    for done, (bank, users, transfers) in enumerate(made, start=1):
        await bring(db, bank, "timeoverflow-users", users)
        if transfers:
            await bring(db, bank, "timeoverflow-transfers", transfers)
        if sys.stderr.isatty():
            print(f"\r{done} of {len(made)}", end="", file=sys.stderr)
    return time.perf_counter() - started


async def what_is_there(db: Database, slug: str) -> tuple[int, int, int]:
    """Members, exchanges and minutes of a time bank, counted in the ledger itself."""
    async with db.globally() as connection:
        bank_id = await connection.fetchval("select id from timebank where slug = $1", slug)
    async with db.reading(bank_id) as connection:
        members = await connection.fetchval("select count(*) from member where timebank_id = $1", bank_id)
        row = await connection.fetchrow(
            "select count(*) as n, coalesce(sum(abs(amounts[1])), 0)::bigint as minutes"
            " from ledger.entry where book_id = $1 and kind = 'imported'",
            bank_id,
        )
    return members, row["n"], row["minutes"]


async def measure(app_url: str, admin_url: str, files: list[tuple[Network, bytes, bytes]]) -> list[str]:
    """Import, count, prove; say what was found."""
    db = await Database.open(app_url, pool_size=2)
    try:
        seconds = await import_all(db, files)
        for network, _, _ in files:
            found = await what_is_there(db, f"t-{network.name}"[:40].rstrip("-"))
            assert found == (network.members, network.exchanges, network.hours * 60), (network, found)
    finally:
        await db.close()
    connection = await asyncpg.connect(admin_url)
    try:
        forced = await connection.fetchval("select count(*) from ledger.forced")
        started = time.perf_counter()
        findings = await prove(connection)
    finally:
        await connection.close()
    assert not findings, findings[:5]
    exchanges = sum(network.exchanges for network, _, _ in files)
    members = sum(network.members for network, _, _ in files)
    hours = sum(network.hours for network, _, _ in files)
    proved = time.perf_counter() - started
    what = f"{len(files)} time banks, {members:,} members, {exchanges:,} exchanges, {hours:,} hours"
    return [
        f"import of the real tier: {seconds:.1f} s, {exchanges / seconds:,.0f} exchanges a second; at most 120 s",
        f"  {what}",
        f"  entries that pass a limit, as in the files: {forced:,}; each time bank counted again and the same",
        f"  ledger proved in {proved:.1f} s: nothing found",
    ]


def main() -> None:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--banks", type=int, help="only the first so many time banks")
    options = parser.parse_args()
    if not DATA.exists():
        print(f"import of the real tier: not measured, {DATA.name} is not on this machine")
        return
    files = [
        (bank, users_file(bank), transfers_file(bank) if bank.exchanges else b"")
        for bank in networks()[: options.banks]
        if bank.members
    ]
    with database() as (app_url, admin_url):
        print("\n".join(asyncio.run(measure(app_url, admin_url, files))))


if __name__ == "__main__":
    main()
