"""The examples beside the ledger are run as they stand: every answer must be the one that is printed."""

import asyncio
import doctest
from pathlib import Path
from uuid import uuid4

import asyncpg

import ledger
from timebank.embedded import SUPERUSER, url

EXAMPLES = Path(ledger.__file__).parent / "EXAMPLES.md"


def test_the_examples_say_the_truth(socket_dir: Path) -> None:
    name = f"examples_{uuid4().hex[:12]}"
    _administer(socket_dir, f"create database {name} template template0")
    try:
        # A code fence right behind an answer would be read as part of it, hence the empty line before each.
        found = doctest.testfile(
            str(EXAMPLES),
            module_relative=False,
            globs={"url": url(socket_dir, SUPERUSER, name)},
            encoding="utf-8",
        )
    finally:
        _administer(socket_dir, f"drop database {name} with (force)")
    assert found.attempted > 40
    assert found.failed == 0


def _administer(socket_dir: Path, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url(socket_dir, SUPERUSER, "postgres"))
        await connection.execute(statement)
        await connection.close()

    asyncio.run(run())
