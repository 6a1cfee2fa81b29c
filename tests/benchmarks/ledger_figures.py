"""The ledger's figures on an embedded PostgreSQL of its own, set up as a small server would be."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import asyncpg
import psutil

from timebank.embedded import SUPERUSER, running, url

DATABASE = "ledger_bench"


def main() -> int:
    """Start the server, measure, stop it; the arguments are those of ``python -m ledger bench``."""
    folder = Path(tempfile.mkdtemp(prefix="timebank-bench-", dir="/var/tmp"))
    try:
        with running(folder) as cluster:
            asyncio.run(set_up(cluster.admin_url))
        with running(folder) as cluster:
            asyncio.run(create_database(cluster.admin_url))
            address = url(cluster.socket_dir, SUPERUSER, DATABASE)
            done = subprocess.run(
                [sys.executable, "-m", "ledger", "bench", *sys.argv[1:]],
                env={**os.environ, "LEDGER_URL": address},
                check=False,
            )
            return done.returncode
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def set_up(admin_url: str) -> None:
    """What every guide tells to change first. Nothing that could lose a commit."""
    connection = await asyncpg.connect(admin_url)
    has_lz4 = await connection.fetchval("select 'lz4' = any (enumvals) from pg_settings where name = 'wal_compression'")
    for name, value in (
        ("shared_buffers", f"{psutil.virtual_memory().total // 2**20 // 4}MB"),
        ("max_wal_size", "8GB"),
        ("wal_compression", "lz4" if has_lz4 else "on"),
    ):
        await connection.execute(f"alter system set {name} = '{value}'")
    await connection.close()


async def create_database(admin_url: str) -> None:
    """An empty one."""
    connection = await asyncpg.connect(admin_url)
    await connection.execute(f"create database {DATABASE}")
    await connection.close()


if __name__ == "__main__":
    sys.exit(main())
