"""``timebank journal`` and ``timebank audit-pack``: files for accounts and auditors, the same as the pages give."""

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from timebank.commands.common import CommandError, accepted, find_bank, with_database
from timebank.settings import Settings

if TYPE_CHECKING:
    from timebank.db import Database
    from timebank.payments.audit_pack import Pack


def add_journal_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``timebank journal``."""
    parser.add_argument("--timebank", required=True, metavar="SLUG", help="the time bank's short name")
    parser.add_argument("--form", choices=["hledger", "beancount"], default="hledger", help="for which program")
    parser.add_argument("--first", type=_day, required=True, metavar="DAY", help="such as 2026-03-01")
    parser.add_argument("--last", type=_day, required=True, metavar="DAY", help="such as 2026-03-31")
    parser.add_argument("--to", type=Path, metavar="FILE", help="where to write it (default: standard output)")


def add_pack_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``timebank audit-pack``."""
    parser.add_argument("number", type=int, help="the number of the payment run")
    parser.add_argument("--timebank", required=True, metavar="SLUG", help="the time bank's short name")
    parser.add_argument("--to", type=Path, metavar="FILE", help="where to write it (default: its own name, here)")


def run_journal(options: argparse.Namespace, settings: Settings) -> int:
    """Write the ledger's money entries of some days."""
    found: list[Pack] = []

    async def run(db: "Database") -> str:
        from timebank.payments.journal import Days
        from timebank.payments.papers import journal_of

        bank = await find_bank(db, options.timebank)
        found.append(accepted(await journal_of(db, bank.id, Days(options.first, options.last), options.form)))
        return ""

    with_database(settings, run)
    if options.to is None:
        sys.stdout.buffer.write(found[0].content)
        sys.stdout.buffer.flush()
    else:
        _write(options.to, found[0].content)
        print(f"{options.to} is written.")
    return 0


def run_audit_pack(options: argparse.Namespace, settings: Settings) -> int:
    """Write all that stands behind a payment run."""
    found: list[Pack] = []

    async def run(db: "Database") -> str:
        from timebank.payments.papers import audit_pack_of
        from timebank.payments.run_queries import MAX_BATCH_NUMBER

        bank = await find_bank(db, options.timebank)
        known = 0 < options.number <= MAX_BATCH_NUMBER
        made = await audit_pack_of(db, bank.id, options.number) if known else None
        if made is None:
            raise CommandError(f"there is no payment run {options.number}")
        found.append(made)
        return ""

    with_database(settings, run)
    path = options.to or Path(found[0].file_name)
    _write(path, found[0].content)
    print(f"{path} is written. Unpack it and read README.txt in it.")
    return 0


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise CommandError(f"{path} cannot be written ({error.strerror})") from error


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a day is written like 2026-03-31") from error
