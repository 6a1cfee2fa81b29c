"""An import that is killed in the middle, once and again, ends as one that was not."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from tests.people import Bank, make_bank
from timebank.db import Database

PEOPLE, EXCHANGES = 40, 3000
LATE = {704: PEOPLE + 1, 1704: PEOPLE + 2}
"""Who gives in this exchange only (about the 750th and 1,200th by date): whoever holds their balance stops it there."""
HELD = """
select b.posted from member m
  join ledger.account a on a.book_id = m.timebank_id and a.code = 'member/' || m.id
  join ledger.balance b on b.book_id = a.book_id and b.account_id = a.id
 where m.timebank_id = $1 and m.display_name = 'Person ' || $2::text for update of b
"""
STATE = "select state, position, steps from import_run where timebank_id = $1 order by id desc limit 1"
BALANCES = """
select m.number, b.posted, b.seq
  from member m
  join ledger.account a on a.book_id = m.timebank_id and a.code = 'member/' || m.id
  join ledger.balance b on b.book_id = a.book_id and b.account_id = a.id
 where m.timebank_id = $1 order by m.number
"""
ENTRIES = """
select e.meta ->> 'line' as line, e.effective_on, f.reason is not null as is_forced, p.balance_after
  from ledger.entry e
  join ledger.posting p on p.book_id = e.book_id and p.entry_id = e.id and p.account_id = e.accounts[1]
  left join ledger.forced f on f.book_id = e.book_id and f.entry_id = e.id
 where e.book_id = $1 order by (e.meta ->> 'line')::int
"""


def files(folder: Path) -> tuple[Path, Path]:
    users, transfers = folder / "users.csv", folder / "transfers.csv"
    users.write_text("".join(f"{n},2015-03-02,Person,{n},,,,,,\n" for n in range(1, PEOPLE + 3)))
    lines = []
    for n in range(EXCHANGES):
        payer, payee = n * 7 % PEOPLE + 1, LATE.get(n, n * 11 % PEOPLE + 1)
        lines.append(f"{payer},Member,{payee if payee != payer else payer % PEOPLE + 1},Member,{60 + n % 9 * 60},"
                     f"2016-0{n % 9 + 1}-12 17:30:00 UTC,What {n},\n")  # fmt: skip
    transfers.write_text("".join(lines))
    return users, transfers


async def command(app_url: str, slug: str, format_name: str, path: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "timebank"), "import", slug, format_name, str(path), "--yes",
        env={**os.environ, "TIMEBANK_DATABASE_URL": app_url},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip


async def done(process: asyncio.subprocess.Process) -> str:
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


@asynccontextmanager
async def held(admin_url: str, bank: Bank, number: int) -> AsyncIterator[None]:
    """Nobody else may touch this member's balance meanwhile."""
    connection = await asyncpg.connect(admin_url)
    try:
        async with connection.transaction():
            assert await connection.fetchrow(HELD, bank.id, str(number)) is not None
            yield
    finally:
        await connection.close()


async def killed_at(db: Database, bank: Bank, process: asyncio.subprocess.Process, position: int) -> None:
    """Kill the command when the import has come so far, which it cannot pass."""
    row = None
    while process.returncode is None:
        async with db.reading(bank.id) as connection:
            row = await connection.fetchrow(STATE, bank.id)
        if row and row["state"] == "running" and row["position"] == position:
            process.send_signal(signal.SIGKILL)
            await process.wait()
            return
        await asyncio.sleep(0)
    raise AssertionError(f"at {row}: {(await process.communicate())[0].decode()}")


async def left(db: Database, bank: Bank) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    async with db.reading(bank.id) as connection:
        return (
            [tuple(row) for row in await connection.fetch(BALANCES, bank.id)],
            [tuple(row) for row in await connection.fetch(ENTRIES, bank.id)],
        )


@pytest.mark.slow
async def test_killed_in_the_middle_and_run_again_it_ends_the_same(
    db: Database, app_url: str, admin_url: str, tmp_path: Path
) -> None:
    users, transfers = files(tmp_path)
    whole, broken = await make_bank(db), await make_bank(db)
    for bank in (whole, broken):
        await done(await command(app_url, bank.facts.slug, "timeoverflow-users", users))
    await done(await command(app_url, whole.facts.slug, "timeoverflow-transfers", transfers))

    for number, position in ((LATE[704], 500), (LATE[1704], 1000)):
        async with held(admin_url, broken, number):
            process = await command(app_url, broken.facts.slug, "timeoverflow-transfers", transfers)
            await killed_at(db, broken, process, position)
    said = await done(await command(app_url, broken.facts.slug, "timeoverflow-transfers", transfers))

    assert "Going on with import" in said
    assert await left(db, broken) == await left(db, whole)
    again = await done(await command(app_url, broken.facts.slug, "timeoverflow-transfers", transfers))
    assert f"exchanges: {EXCHANGES:,} there already" in again
