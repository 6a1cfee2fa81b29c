"""``timebank import``: a file from another program, with the same preview, questions and steps as the page."""

import argparse
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from timebank.commands.common import CommandError, accepted, find_bank, with_database
from timebank.settings import Settings

if TYPE_CHECKING:
    from timebank.banks.rules import TimeBankFacts
    from timebank.db import Database
    from timebank.imports.queries import Outcome
    from timebank.imports.rules import Answers
    from timebank.imports.running import Progress
    from timebank.imports.service import Previewed

SHOWN_LINES = 10
SHOWN_PEOPLE = 20
SAY_EVERY_SECONDS = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``timebank import``."""
    from timebank.imports.formats import FORMATS

    parser.add_argument("bank", help="the time bank's short name")
    parser.add_argument("format", choices=[each.name for each in FORMATS], metavar="FORMAT",
                        help="one of: " + ", ".join(each.name for each in FORMATS))  # fmt: skip
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--map", action="append", default=[], metavar="FIELD=COLUMN",
                        help="which column holds a field, counted from 1; 0 for none")  # fmt: skip
    parser.add_argument("--person", action="append", default=[], metavar="TEXT=NUMBER",
                        help="who somebody is: a member's number, add, leave_out, programme or pot")  # fmt: skip
    parser.add_argument("--unknown", choices=["add", "leave_out"], default="", help="people who are not members here")
    parser.add_argument("--unit", choices=["hours", "minutes", "seconds"], default="", help="what plain numbers mean")
    parser.add_argument("--round", choices=["half_even", "down", "up", "leave_out"], default="", dest="rounding",
                        help="time that is not whole minutes")  # fmt: skip
    parser.add_argument("--day", type=_day, help="the day of lines without one, and of balances (such as 2026-03-31)")
    parser.add_argument("--contacts", choices=["leave_out", "refuse"], default="",
                        help="e-mail and phone that cannot be read: leave them out, or refuse the person")  # fmt: skip
    parser.add_argument("--difference", choices=["enter", "leave_out"], default="",
                        help="balances that are not those of the entries here")  # fmt: skip
    parser.add_argument("--leave-undecided", action="store_const", const="leave_out", default="", dest="rest",
                        help="leave out whatever is still to be decided")  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="only say what would happen")
    parser.add_argument("--yes", action="store_true", help="do not ask before starting")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write what became of each line, as CSV")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a day is written like 2026-03-31") from error


def run_import(options: argparse.Namespace, settings: Settings) -> int:
    """Import a file in the foreground. Repeated after a crash, it goes on where it stopped."""
    from timebank.imports.formats.base import MAX_FILE_BYTES

    try:
        with options.file.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{options.file} cannot be read ({error.strerror})") from error
    answers = answers_from(options)

    async def run(db: "Database") -> str:
        bank = await find_bank(db, options.bank)
        import_id = await _unfinished(db, bank, options.format, data)
        if import_id is None:
            import_id = await _prepared(db, bank, options, data, answers)
            if import_id is None:
                return ""
            await _start(db, bank, import_id)
        else:
            print(f"Going on with import {import_id}, which was stopped in the middle.", flush=True)
        found = await _carry_out(db, bank, import_id)
        if options.report:
            options.report.write_text(await _report(db, bank, import_id), encoding="utf-8")
        return "\n".join(_done(found, import_id))

    print(with_database(settings, run), end="\n" if not options.dry_run else "")
    return 0


def answers_from(options: argparse.Namespace) -> "Answers":
    """What the options decide.

    Raises:
        CommandError: one of them is not FIELD=COLUMN or TEXT=NUMBER.
    """
    from timebank.imports.formats import BY_NAME
    from timebank.imports.people import code_of
    from timebank.imports.rules import Answers

    known = {field.name for field in BY_NAME[options.format].fields}
    columns: dict[str, int] = {}
    for text in options.map:
        name, _, column = text.partition("=")
        if name not in known or not (column.isascii() and column.isdigit() and len(column) <= 3):
            raise CommandError(f"--map {text}: write a field and the number of its column, like {min(known)}=2. "
                               f"Fields: {', '.join(sorted(known))}")  # fmt: skip
        columns[name] = int(column) - 1
    people: dict[str, str] = {}
    for text in options.person:
        who, _, answer = text.rpartition("=")
        if not who or not (answer.isdecimal() or answer in ("add", "leave_out", "programme", "pot")):
            raise CommandError(f"--person {text}: write who it is in the file and a member's number, like 17=4")
        people[code_of(who)] = answer
    return Answers(
        columns=columns, people=people, unit=options.unit, rounding=options.rounding, day=options.day,
        unknown=options.unknown, contacts=options.contacts, difference=options.difference, rest=options.rest,
    )  # fmt: skip


async def _unfinished(db: "Database", bank: "TimeBankFacts", format_name: str, data: bytes) -> int | None:
    from timebank.imports import queries
    from timebank.kit.ids import sha256

    async with db.reading(bank.id) as connection:
        return await queries.same_file(connection, bank.id, format_name, sha256(data), "running")


async def _prepared(
    db: "Database", bank: "TimeBankFacts", options: argparse.Namespace, data: bytes, answers: "Answers"
) -> int | None:
    """Bring the file and say what will happen; None when nothing is to be done after that."""
    from timebank.imports import service
    from timebank.kit.actor import system

    actor, now = system(bank.id), datetime.now(UTC)
    command = service.BeginImport(format=options.format, file_name=options.file.name, content=data)
    import_id = accepted(await service.begin(db, actor, command, key=uuid4().hex, now=now)).import_id
    accepted(await service.answer(db, actor, import_id, answers, key=uuid4().hex, now=now))
    found = accepted(await service.preview(db, actor, import_id, now=now))
    print("\n".join(_previewed(found)), flush=True)
    go_on = not options.dry_run and not found.plan.is_open
    if go_on and not options.yes:
        go_on = _says_yes()
    if not go_on:
        await service.cancel(db, actor, import_id, key=uuid4().hex, now=now)
        if found.plan.is_open and not options.dry_run:
            raise CommandError("nothing was imported: decide what is open (see the options above), then run it again")
        return None
    return import_id


def _says_yes() -> bool:
    if not sys.stdin.isatty():
        raise CommandError("nothing was imported: add --yes to import without being asked")
    return input("Import this? [y/N] ").strip().lower() in ("y", "yes")


async def _start(db: "Database", bank: "TimeBankFacts", import_id: int) -> None:
    from timebank.imports import service
    from timebank.kit.actor import system

    accepted(await service.start(db, system(bank.id), import_id, key=uuid4().hex, now=datetime.now(UTC)))


async def _carry_out(db: "Database", bank: "TimeBankFacts", import_id: int) -> "Outcome":
    from timebank.imports import queries, service

    started = said = time.monotonic()

    def told(progress: "Progress") -> None:
        nonlocal said
        if (at := time.monotonic()) - said >= SAY_EVERY_SECONDS:
            said = at
            rate = progress.position / (at - started)
            print(f"  {progress.position:,} of {progress.steps:,} ({rate:,.0f} a second)", flush=True)

    await service.run_on(db, bank.id, import_id, now=lambda: datetime.now(UTC), told=told)
    async with db.reading(bank.id) as connection:
        return await queries.outcome(connection, bank.id, import_id)


def _previewed(found: "Previewed") -> list[str]:
    from timebank.imports.report import summary

    plan = found.plan
    said = [f"{found.run.file_name}, {plan.format.label}: {len(plan.file.rows):,} lines", *summary(plan)]
    said += [f"  note: {note}" for note in plan.notes]
    said += [f"  column missing: {field.label} (--map {field.name}=N)" for field in plan.file.missing]
    options = {
        "rounding": "--round",
        "difference": "--difference",
        "contacts": "--contacts",
        "day": "--day",
        "unit": "--unit",
    }
    said += [
        f"  to decide, {one.count:,} lines: {one.text} ({options[one.field]}) In line {', '.join(map(str, one.lines))}"
        for one in plan.questions
    ]
    if plan.people:
        said.append(f"  to decide: who {len(plan.people):,} people are (--unknown, --person TEXT=NUMBER)")
        said += [f"    {one.text}: {one.why}" for one in plan.people[:SHOWN_PEOPLE]]
    refused = plan.of("refused")
    said += [f"  line {one.line} is refused: {one.why}" for one in refused[:SHOWN_LINES]]
    if len(refused) > SHOWN_LINES:
        said.append(f"  and {len(refused) - SHOWN_LINES:,} more")
    return said


def _done(found: "Outcome", import_id: int) -> list[str]:
    from timebank.kit.durations import in_words

    people, exchanges, balances = (found.of("done", kind) for kind in ("member", "exchange", "balance"))
    words = f"{people:,} people, {exchanges:,} exchanges ({in_words(found.minutes)}), {balances:,} balances"
    said = [f"Import {import_id} is done: {words}."]
    if found.forced:
        said.append(f"  {found.forced:,} of them pass a limit, as in the file; each says so.")
    for state, words in (("there", "were there already"), ("left_out", "left out"), ("refused", "refused")):
        if count := found.of(state):
            said.append(f"  {count:,} {words}")
    return said


async def _report(db: "Database", bank: "TimeBankFacts", import_id: int) -> str:
    from timebank.imports.report import as_csv

    async with db.reading(bank.id) as connection:
        return await as_csv(connection, bank.id, import_id)
