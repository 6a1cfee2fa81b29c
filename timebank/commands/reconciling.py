"""``timebank reconcile``: a bank statement from a file, with the same questions and steps as the page."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from timebank.commands.common import CommandError, accepted, find_bank, with_database
from timebank.settings import Settings

if TYPE_CHECKING:
    from timebank.banks.rules import TimeBankFacts
    from timebank.db import Database
    from timebank.kit.actor import Actor
    from timebank.reconciliation.importing import Previewed

SHOWN_LINES = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``timebank reconcile``."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a statement: CSV, or camt.053 (XML)")
    parser.add_argument("--timebank", required=True, metavar="SLUG", help="the time bank's short name")
    parser.add_argument("--as", dest="member", required=True, type=int, metavar="MEMBER_ID",
                        help="the number of the member with the finance role who imports it")  # fmt: skip
    parser.add_argument("--column", action="append", default=[], metavar="NAME=N",
                        help="which column of a CSV holds what, from 1 on, such as date=1")  # fmt: skip
    parser.add_argument("--doubles", choices=["leave_out", "bring"], default="",
                        help="lines with the day and amount of a line that is there, in other words")  # fmt: skip
    parser.add_argument("--accept-gap", action="store_true", help="import it although a statement before it is missing")
    parser.add_argument("--accept-account", action="store_true", help="the account is ours, although its number is new")
    parser.add_argument("--dry-run", action="store_true", help="only say what would happen")


def run_reconcile(options: argparse.Namespace, settings: Settings) -> int:
    """Import a statement and say what happened. Safe to repeat."""
    from timebank.reconciliation.formats import MAX_FILE_BYTES

    try:
        with options.file.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{options.file} cannot be read ({error.strerror})") from error
    columns = columns_from(options.column)

    async def run(db: "Database") -> str:
        from timebank.reconciliation import queries, service
        from timebank.reconciliation.rules import BOOKED, KEPT, Answers

        bank = await find_bank(db, options.timebank)
        actor, now = await _actor(db, bank, options.member), datetime.now(UTC)
        command = service.KeepStatement(file_name=options.file.name, content=data)
        kept = accepted(await service.keep(db, actor, command, key=uuid4().hex, now=now))
        async with db.reading(bank.id) as connection:
            statement = await queries.statement(connection, bank.id, kept.statement_id)
        assert statement is not None
        if statement.state == BOOKED:
            return f"{options.file.name} was imported before. Nothing was changed.\n" + await _position(db, bank)
        if statement.state == KEPT:
            answers = Answers(
                columns=columns, doubles=options.doubles, gap=options.accept_gap, account=options.accept_account
            )
            if answers != Answers():
                accepted(await service.answer(db, actor, statement.id, answers, key=uuid4().hex, now=now))
            found = accepted(await service.preview(db, actor, statement.id, now=now))
            print("\n".join(_previewed(found)), flush=True)
            if options.dry_run or found.question is not None:
                accepted(await service.drop(db, actor, statement.id, key=uuid4().hex, now=now))
                if found.question is not None:
                    raise CommandError("nothing was imported: say which column is which with --column")
                return "Nothing was imported (--dry-run)."

        def told(so_far: service.Imported) -> None:
            print(f"  {so_far.new - so_far.waiting:,} of {so_far.new:,} lines booked", flush=True)

        done = accepted(await service.import_statement(db, actor, statement.id, key=uuid4().hex, now=now, told=told))
        said = [
            (
                f"Imported: {done.new:,} new, {done.known:,} there already, {done.matched:,} matched, "
                f"{done.unexplained:,} to explain."
            )
        ]
        said += await _unexplained(db, bank)
        return "\n".join([*said, await _position(db, bank)])

    print(with_database(settings, run))
    return 0


def columns_from(options: list[str]) -> dict[str, int]:
    """The columns that ``--column`` names.

    Raises:
        CommandError: one of them is not NAME=N.
    """
    from timebank.reconciliation.formats.columns import NAMES

    columns = {}
    for text in options:
        name, _, place = text.partition("=")
        if name not in NAMES or not (place.isascii() and place.isdigit() and 0 < int(place[:4]) < 100):
            raise CommandError(f"--column {text}: write a name and a number, like date=1. Names: {', '.join(NAMES)}")
        columns[name] = int(place) - 1
    return columns


async def _actor(db: "Database", bank: "TimeBankFacts", member_id: int) -> "Actor":
    from timebank.identity.queries import roles_of
    from timebank.kit.actor import FINANCE, Actor

    async with db.reading(bank.id) as connection:
        roles = await roles_of(connection, bank.id, member_id)
    if FINANCE not in roles:
        raise CommandError(f"member {member_id} has no finance role in {bank.slug}, so cannot import a statement")
    return Actor(timebank_id=bank.id, member_id=member_id, roles=frozenset(roles))


def _previewed(found: "Previewed") -> list[str]:
    if found.question is not None:
        said = ["The columns of this file are not clear:"]
        return said + [f"  {n}: {heading}" for n, heading in enumerate(found.question.headings, start=1)]
    assert found.plan is not None
    count = len(found.plan.statement.lines)
    lines = f"{count:,} {'line' if count == 1 else 'lines'}"
    said = [
        (
            f"{lines}: {found.matched:,} matched, {found.suggested:,} suggestions, "
            f"{found.unknown:,} unknown, {found.plan.known:,} there already"
        )
    ]
    options = {"doubles": "--doubles", "gap": "--accept-gap", "account_changed": "--accept-account"}
    return said + [f"  to decide: {ask.message} ({options[ask.code]})" for ask in found.plan.asks]


async def _unexplained(db: "Database", bank: "TimeBankFacts") -> list[str]:
    from timebank.kit.money import in_words
    from timebank.reconciliation import queries
    from timebank.reconciliation.words import told

    async with db.reading(bank.id) as connection:
        lines = await queries.unexplained(connection, bank.id, SHOWN_LINES)
    return [f"  not explained: {one.booked_on} {in_words(one.pence, bank.currency)} {told(one)}" for one in lines]


async def _position(db: "Database", bank: "TimeBankFacts") -> str:
    from timebank.kit.money import in_words
    from timebank.reconciliation import standing

    async with db.reading(bank.id) as connection:
        found = await standing.position(connection, bank.id, bank.currency)
    amounts = [in_words(pence, bank.currency) for pence in (found.suspense_pence, found.difference_pence)]
    return f"Suspense {amounts[0]}; accounts and statements differ by {amounts[1]}."
