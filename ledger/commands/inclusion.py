"""Print the proof that one entry is under a seal, as JSON; anyone can check it without the database.

The first lines of ledger/sealing.py say how, in a few lines of Python.
"""

import argparse
import json
from uuid import UUID

from ledger.commands.connecting import connected, give_up
from ledger.errors import NotSealed, Tampered, UnknownEntry
from ledger.sealing import inclusion

NAME = "inclusion"
EXIT_FOUND = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which entry."""
    parser.add_argument("book", type=int, help="the book's number")
    parser.add_argument("entry", type=UUID, help="the entry's id")


async def run(options: argparse.Namespace) -> int:
    """Print the proof; return 1 if the entry is not what was sealed, or not sealed yet."""
    async with connected(options) as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        # For a role that sees one book at a time.
        await connection.execute("select set_config('ledger.book', $1, true)", str(options.book))
        try:
            print(json.dumps(await inclusion(connection, options.book, options.entry), indent=2, ensure_ascii=False))
        except UnknownEntry as error:
            give_up(str(error))
        except (NotSealed, Tampered) as error:
            print(error)
            return EXIT_FOUND
    return 0
