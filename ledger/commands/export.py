"""Write the ledger as plain text on stdout, for hledger or beancount to check.

For example: python -m ledger export --format hledger > ledger.journal && hledger -f ledger.journal check --strict
"""

import argparse
import sys

from ledger.commands.connecting import connected, give_up
from ledger.errors import LedgerError
from ledger.export import WRITERS, export

NAME = "export"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be chosen."""
    parser.add_argument("--format", choices=sorted(WRITERS), required=True, help="which program is to read it")
    parser.add_argument("--book", type=int, metavar="N", help="only this book (default: all of them)")


async def run(options: argparse.Namespace) -> int:
    """Write the export in UTF-8, whatever the terminal's encoding; return the exit code."""
    async with connected(options) as connection:
        try:
            async for text in export(connection, options.format, book_id=options.book):
                sys.stdout.buffer.write(text.encode())
        except LedgerError as error:
            give_up(str(error))
    return 0
