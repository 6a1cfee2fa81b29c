"""``timebank export``: a payment run from what is ready, and its file in a folder. Safe to repeat with ``--key``."""

import argparse
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from timebank.commands.common import CommandError, accepted, find_bank, with_database
from timebank.settings import Settings

if TYPE_CHECKING:
    from timebank.banks.rules import TimeBankFacts
    from timebank.db import Database
    from timebank.kit.actor import Actor
    from timebank.payments.run_queries import BatchFile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``timebank export``."""
    parser.add_argument("--timebank", required=True, metavar="SLUG", help="the time bank's short name")
    parser.add_argument("--as", dest="member", required=True, type=int, metavar="MEMBER_ID",
                        help="the number of the member with the finance role who exports")  # fmt: skip
    parser.add_argument("--format", default="", metavar="CODE", help="the file's format (default: the time bank's own)")
    parser.add_argument("--day", type=_day, help="the working day on which the bank pays (such as 2026-03-31)")
    parser.add_argument("--run", type=int, metavar="NUMBER", dest="number",
                        help="write the file of this payment run again, instead of making a new one")  # fmt: skip
    parser.add_argument("--key", default="", help="a name for this export: repeated with it, nothing leaves twice")
    parser.add_argument("--folder", type=Path, default=Path(), help="where to write the file (default: here)")


def run_export(options: argparse.Namespace, settings: Settings) -> int:
    """Make a payment run of what is ready and write its file."""
    if not options.folder.is_dir():
        raise CommandError(f"{options.folder} is no folder")

    async def run(db: "Database") -> str:
        from timebank.payments import taken
        from timebank.payments.batches import ExportBatch, export
        from timebank.payments.files import MakeFile, make_file

        bank = await find_bank(db, options.timebank)
        actor, now = await _actor(db, bank, options.member), datetime.now(UTC)
        number, code = options.number, options.format
        if number is None:
            command = ExportBatch(format=code, processing_on=options.day)
            key = f"command-{options.key}" if options.key else uuid4().hex
            made = await export(db, actor, command, key=key, now=now, told=lambda step: print(f"  {step}", flush=True))
            number = accepted(made).number
        elif code:
            accepted(await make_file(db, actor, MakeFile(number=number, format=code), key=uuid4().hex, now=now))
        file, words = await _file(db, bank, number, code)
        await taken.note(db, actor, number, file.format, now=now)
        path = write_whole(options.folder / file.file_name, file.content)
        return f"Payment run {number}: {words}.\n{path}\nSHA-256 {file.sha256.hex()}"

    print(with_database(settings, run))
    return 0


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file that is there as a whole or not at all.

    Raises:
        CommandError: another file has its name, or it cannot be written.
    """
    try:
        if path.exists():
            if path.read_bytes() != content:
                raise CommandError(f"{path} is there already and holds something else: nothing was written")
            return path
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise CommandError(
            f"{path} cannot be written ({error.strerror}); the payment run is made: use --run"
        ) from error
    return path


async def _file(db: "Database", bank: "TimeBankFacts", number: int, code: str) -> "tuple[BatchFile, str]":
    from timebank.kit.money import in_words
    from timebank.payments import rules, run_queries

    async with db.reading(bank.id) as connection:
        batch = await run_queries.batch(connection, bank.id, number) if 0 < number < 2**31 else None
        if batch is None:
            raise CommandError(f"there is no payment run {number}")
        file = await run_queries.batch_file(connection, bank.id, number, code or batch.format)
    if file is None:
        raise CommandError(f"payment run {number} has no file in the format {code}")
    words = f"{rules.payments_in_words(batch.line_count)}, {in_words(batch.total_pence, batch.currency)}"
    return file, f"{words}, paid on {batch.processing_on.isoformat()}" + (", taken back since" if batch.void_at else "")


async def _actor(db: "Database", bank: "TimeBankFacts", member_id: int) -> "Actor":
    from timebank.identity.queries import roles_of
    from timebank.kit.actor import FINANCE, Actor

    async with db.reading(bank.id) as connection:
        roles = await roles_of(connection, bank.id, member_id)
    if FINANCE not in roles:
        raise CommandError(f"member {member_id} of {bank.slug} has no finance role: only finance exports payments")
    return Actor(timebank_id=bank.id, member_id=member_id, roles=roles)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a day is written like 2026-03-31") from error
