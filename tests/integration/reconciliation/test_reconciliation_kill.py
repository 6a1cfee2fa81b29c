"""An import of a statement that is killed in the middle: the job goes on with it, and nothing happens twice."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from tests.integration.payments.helpers import add_payee, approved, facts, money, run
from tests.integration.reconciliation.bank_files import Movement, csv_file, days_ago, position, sent
from tests.people import Bank, make_bank
from timebank.db import Database
from timebank.reconciliation import service

LINES = 1000
STATES = "select state, count(*) as lines from bank_line where timebank_id = $1 group by state"


async def reconcile(app_url: str, bank: Bank, path: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "timebank"), "reconcile", str(path), "--timebank", bank.facts.slug,
        "--as", str(bank.finance.member_id), env={**os.environ, "TIMEBANK_DATABASE_URL": app_url},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip


@asynccontextmanager
async def held(admin_url: str, bank: Bank, reference: str) -> AsyncIterator[None]:
    """Nobody else may touch this payment meanwhile: whoever books its line waits."""
    connection = await asyncpg.connect(admin_url)
    try:
        async with connection.transaction():
            query = "select 1 from payment where timebank_id = $1 and reference = $2 for update"
            assert await connection.fetchval(query, bank.id, reference)
            yield
    finally:
        await connection.close()


async def killed_where_it_waits(admin_url: str, app_url: str, bank: Bank, path: Path, reference: str) -> None:
    """Start an import, and kill it (-9) where it has to wait for a payment that somebody else holds."""
    async with held(admin_url, bank, reference):
        process = await reconcile(app_url, bank, path)
        waits = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        async with bank.db.pool.acquire() as connection:
            while not await connection.fetchval(waits):
                assert process.returncode is None, await process.communicate()
                await asyncio.sleep(0)
        process.send_signal(signal.SIGKILL)
        await process.wait()


async def lines(bank: Bank) -> dict[str, int]:
    async with bank.db.reading(bank.id) as connection:
        return {row["state"]: row["lines"] for row in await connection.fetch(STATES, bank.id)}


@pytest.mark.slow
async def test_killed_in_any_part_it_goes_on_by_itself_and_ends_as_if_nothing_had_been(
    db: Database, admin_url: str, app_url: str, tmp_path: Path
) -> None:
    bank = await make_bank(db)
    payables = [await approved(bank, await add_payee(db, bank.finance, f"Payee {n}"), pence=100) for n in range(3)]
    await run(bank)
    first, second, third = [await sent(bank, payable) for payable in payables]
    movements = [Movement(-5, f"Line {n}", on=days_ago(40 - n // 50)) for n in range(LINES)]
    for place, reference in ((100, first), (600, second), (950, third)):
        movements[place] = Movement(-100, reference, on=movements[place].on)
    path = tmp_path / "march.csv"
    path.write_bytes(csv_file(movements, 1_000_000))

    await killed_where_it_waits(admin_url, app_url, bank, path, first)
    assert await lines(bank) == {}, "the first part is one transaction with the lines themselves"
    assert await service.continue_due(db, bank.id, bank.now) == 0, "nobody else decides to import a file"

    await killed_where_it_waits(admin_url, app_url, bank, path, second)
    assert await lines(bank) == {"matched": 1, "suspense": 399, "waiting": 600}
    assert await money(db, bank.id, "suspense", "bank") == [-5 * 399, 5 * 399 + 100]

    async with held(admin_url, bank, third):
        process = await reconcile(app_url, bank, path)
        job = asyncio.create_task(service.continue_due(db, bank.id, bank.now))
        while (await lines(bank)).get("waiting") != 200:  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    assert await job == 1, "the job goes on where the command was killed"
    assert await lines(bank) == {"matched": 3, "suspense": LINES - 3}
    assert [(await facts(db, bank.id, one)).state for one in payables] == ["paid"] * 3
    whole = [-5 * (LINES - 3), 5 * (LINES - 3) + 300, 0]
    assert await money(db, bank.id, "suspense", "bank", "in-transit") == whole

    assert await service.continue_due(db, bank.id, bank.now) == 0
    process = await reconcile(app_url, bank, path)
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert b"imported before. Nothing was changed" in said
    assert await money(db, bank.id, "suspense", "bank", "in-transit") == whole
    found = await position(bank)
    assert (found.difference_pence, found.lines_pence) == (0, -5 * (LINES - 3) - 300)
