"""Check every invariant of the ledger, in one snapshot; exit 1 and name the account where one does not hold.

A full proof reads everything. --since-last reads of postings and entries only what was posted since the last proof made
with --remember; that an older row was changed, only a full proof or the seals show.
"""

import argparse
import json
import sys
from dataclasses import asdict

from ledger.commands.connecting import connected, give_up
from ledger.errors import CannotSeeAll
from ledger.model import Finding
from ledger.proof import CheckDone, Report, make_report

NAME = "prove"
EXIT_HOLDS = 0
EXIT_FOUND = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be chosen."""
    parser.add_argument("--book", type=int, metavar="N", help="only this book (default: all of them)")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--full", action="store_true", help="read everything (default)")
    extent.add_argument("--since-last", action="store_true", help="of postings, only those since the last proof")
    parser.add_argument("--remember", action="store_true", help="write down how far this proof came, for --since-last")
    parser.add_argument("--seals", action="store_true", help="check the seals too")
    parser.add_argument("--replay", action="store_true", help="post all entries again into the reference ledger (slow)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


async def run(options: argparse.Namespace) -> int:
    """Prove, print the result on stdout and progress on stderr; return the exit code."""
    async with connected(options) as connection:
        try:
            report = await make_report(
                connection,
                book_id=options.book,
                since_last=options.since_last,
                remember=options.remember,
                with_seals=options.seals,
                with_replay=options.replay,
                progress=print_progress,
            )
        except CannotSeeAll as error:
            give_up(str(error))
    if options.book is not None and not report.books:
        give_up(f"there is no book {options.book}")
    sys.stdout.write(as_json(report) if options.json else as_text(report))
    return EXIT_HOLDS if report.holds else EXIT_FOUND


def print_progress(done: CheckDone) -> None:
    """One line per check."""
    found = "holds" if not done.findings else _count(done.findings, "finding")
    print(f"{done.invariant:>4}  {done.proves}: {found} ({done.seconds:.1f} s)", file=sys.stderr, flush=True)


def as_text(report: Report) -> str:
    """The result for people; the verdict comes last."""
    read = ", ".join(
        _count(sum(getattr(book, name) for book in report.books), one, many)
        for name, one, many in (
            ("accounts", "account", "accounts"),
            ("entries", "entry", "entries"),
            ("postings", "posting", "postings"),
            ("holds", "hold", "holds"),
        )
    )
    read = f"{_count(len(report.books), 'book')}, {read}"
    lines = [_line(report, finding) for finding in report.findings] + [f"Note: {note}." for note in report.notes]
    if report.holds:
        extent = " posted since the last proof" if report.since_last else ""
        lines.append(f"Every invariant holds{extent}: {read}.")
    else:
        lines.append(f"FAILED: {_count(len(report.findings), 'finding')} in {read}. Pay nobody until it is explained.")
    return "\n".join(lines) + "\n"


def as_json(report: Report) -> str:
    """The result for programs. Names and types stay as they are; more may be added."""
    return (
        json.dumps(
            {
                "verdict": "holds" if report.holds else "failed",
                "taken_at": report.taken_at.isoformat(),
                "snapshot": report.snapshot,
                "extent": "since_last" if report.since_last else "full",
                "books": [asdict(book) for book in report.books],
                "findings": [asdict(finding) for finding in report.findings],
                "notes": list(report.notes),
            },
            indent=2,
            ensure_ascii=False,
        )
        + "\n"
    )


def _line(report: Report, finding: Finding) -> str:
    if finding.book_id is None:
        return f"{finding.invariant}, every book: {finding.message}"
    code = next((book.code for book in report.books if book.book_id == finding.book_id), "unknown")
    account = "" if finding.account is None else f", account {finding.account}"
    return f"{finding.invariant}, book {finding.book_id} ({code}){account}: {finding.message}"


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
