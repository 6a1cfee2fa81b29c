"""How a command reaches the database, and how it ends when it was called wrongly."""

import argparse
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import asyncpg

EXIT_WRONG_CALL = 2


def give_up(message: str) -> NoReturn:
    """Say on stderr why the command cannot be carried out, and exit with 2."""
    print(message, file=sys.stderr)
    raise SystemExit(EXIT_WRONG_CALL)


@asynccontextmanager
async def connected(options: argparse.Namespace) -> AsyncIterator[Any]:
    """A connection to ``options.url`` in the role ``options.role``, if any. Exits with 2 where there is none."""
    if not options.url:
        give_up("say where the database is: --url or LEDGER_URL")
    try:
        connection = await asyncpg.connect(options.url)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        give_up(f"cannot connect: {error}")
    try:
        if options.role:
            try:
                await connection.execute("select set_config('role', $1, false)", options.role)
            except asyncpg.PostgresError as error:
                give_up(f"cannot become {options.role}: {error}")
        yield connection
    finally:
        await connection.close()
