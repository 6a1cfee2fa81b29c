"""``python -m ledger``: the ledger's own commands, for whoever keeps it without the service around it."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from ledger.commands import COMMANDS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0 when all is well, 1 when something was found, 2 for a wrong call."""
    parser = argparse.ArgumentParser(prog="python -m ledger", description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="command")
    for command in COMMANDS:
        summary = (command.__doc__ or "").strip().splitlines()[0]
        subparser = subparsers.add_parser(command.NAME, help=summary, description=command.__doc__)
        subparser.add_argument(
            "--url",
            default=os.environ.get("LEDGER_URL"),
            help="address of the database; LEDGER_URL if left out",
        )
        subparser.add_argument("--role", help="role to take on after connecting, such as the ledger's owner")
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    options = parser.parse_args(arguments)
    exit_code: int = asyncio.run(options.run(options))
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
