"""An export that is killed in the middle leaves no payment run or a whole one; its file is always the same bytes."""

import asyncio
import hashlib
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.integration.payments.helpers import add_payee, approved, money
from tests.people import Bank, make_bank
from timebank.db import Database
from timebank.payments import run_queries
from timebank.payments.files import load
from timebank.payments.formats import find_format
from timebank.payments.taken import of_batch

PAYEES, EACH = 5, 12


async def command(app_url: str, bank: Bank, folder: Path, *more: str, zone: str = "UTC") -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "timebank"), "export", "--timebank", bank.facts.slug,
        "--as", str(bank.finance.member_id), "--folder", str(folder), *more,
        env={**os.environ, "TIMEBANK_DATABASE_URL": app_url, "TZ": zone},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip


async def whole(bank: Bank) -> int:
    """How many payment runs there are; each of them has its file, and every sum agrees."""
    async with bank.db.reading(bank.id) as connection:
        page = await run_queries.batches(connection, bank.id, before=run_queries.MAX_BATCH_NUMBER, size=10)
        in_transit = 0
        for batch in page.items:
            file = await run_queries.batch_file(connection, bank.id, batch.number, batch.format)
            run = await load(connection, bank.id, batch.number)
            written_by = find_format(batch.format)
            assert file is not None
            assert run is not None
            assert written_by is not None
            assert file.sha256 == hashlib.sha256(file.content).digest()
            assert written_by.read_back(file.content, run) == run.total
            assert (run.total.payments, run.total.pence) == (batch.line_count, batch.total_pence)
            in_transit += batch.total_pence
        left = await connection.fetchval(
            "select count(*) from payable where timebank_id = $1 and state = 'approved'", bank.id
        )
        live = await connection.fetchval(
            "select count(*) from payment_attempt where timebank_id = $1 and is_live", bank.id
        )
    assert (left, live) == ((0, PAYEES * EACH) if page.items else (PAYEES * EACH, 0))
    if page.items:
        assert await money(bank.db, bank.id, "in-transit") == [in_transit]
    return len(page.items)


@pytest.mark.slow
async def test_killed_at_any_moment_it_leaves_no_run_or_a_whole_one(db: Database, app_url: str, tmp_path: Path) -> None:
    bank = await make_bank(db)
    for n in range(PAYEES):
        payee = await add_payee(db, bank.finance, f"Supplier {n}")
        for pence in range(EACH):
            await approved(bank, payee, pence=100 + pence)
    for statement in (
        "select pg_advisory_xact_lock(hashtextextended('payment_batch'",
        "insert into payment",
        "remember",
    ):
        process = await command(app_url, bank, tmp_path, "--key", "march")
        while process.returncode is None:
            async with db.pool.acquire() as connection:
                seen = await connection.fetchval(
                    "select count(*) from pg_stat_activity where pid <> pg_backend_pid() "
                    "and datname = current_database() and strpos(query, $1) > 0 and state <> 'idle'",
                    statement,
                )
            if seen:
                process.send_signal(signal.SIGKILL)
                break
            await asyncio.sleep(0)
        await process.wait()
        assert await whole(bank) in (0, 1)
    process = await command(app_url, bank, tmp_path, "--key", "march", zone="Pacific/Kiritimati")
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert await whole(bank) == 1
    [first] = tmp_path.glob("*.csv")  # noqa: ASYNC240
    content = first.read_bytes()
    for zone in ("UTC", "America/Los_Angeles"):
        first.unlink()
        process = await command(app_url, bank, tmp_path, "--run", "1", zone=zone)
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
        assert first.read_bytes() == content
    async with db.reading(bank.id) as connection:
        assert len(await of_batch(connection, bank.id, 1)) >= 3  # each time it was written, by whom
    first.write_bytes(b"something else")
    process = await command(app_url, bank, tmp_path, "--run", "1")
    said, _ = await process.communicate()
    assert process.returncode == 1
    assert b"holds something else" in said
    process = await command(app_url, bank, tmp_path)
    said, _ = await process.communicate()
    assert process.returncode == 1
    assert b"No payment is ready to export" in said
