"""Seal what is new in each book, so that later tampering shows; print the digests, to be written down elsewhere.

With --check nothing is sealed: all seals are checked, and the entries named that were changed, removed or slipped in.
Give a digest that was written down with --digest; without one nobody can tell when the last seals were removed, or all
of them made anew.
"""

import argparse
import re
from typing import Any

from ledger.commands.connecting import connected, give_up
from ledger.errors import CannotSeeAll, Tampered, UnknownBook
from ledger.sealing import prove_seals, seal
from ledger.seals import prepare

NAME = "seal"
EXIT_FOUND = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be chosen."""
    parser.add_argument("--book", type=int, metavar="N", help="only this book (default: all of them)")
    parser.add_argument("--check", action="store_true", help="check all seals instead of making one")
    parser.add_argument(
        "--digest",
        type=_digest,
        action="append",
        default=[],
        metavar="N=DIGEST",
        help="with --check: a digest that was written down for book N; may be repeated for other books",
    )


async def run(options: argparse.Namespace) -> int:
    """Seal or check; return 1 where something contradicts the seals."""
    if options.digest and not options.check:
        give_up("--digest goes with --check")
    async with connected(options) as connection:
        try:
            if options.check:
                return await _check(connection, options.book, dict(options.digest))
            return await _seal(connection, options.book)
        except (CannotSeeAll, UnknownBook) as error:
            give_up(str(error))


async def _seal(connection: Any, book_id: int | None) -> int:
    async with connection.transaction(readonly=True):
        await prepare(connection)
        books = [row["id"] for row in await connection.fetch("select id from ledger.book order by id")]
    lines, exit_code = [], 0
    for book in books if book_id is None else [book_id]:
        try:
            made = await seal(connection, book)
        except Tampered as error:
            lines.append(f"book {book}: NOT SEALED: {error}. Find out more with --check.")
            exit_code = EXIT_FOUND
            continue
        if made is not None:
            lines.append(f"book {book}: seal {made.n} over {made.entries} entries, digest {made.digest.hex()}")
    print("\n".join(lines) or "Nothing new to seal.")
    return exit_code


async def _check(connection: Any, book_id: int | None, expected: dict[int, str]) -> int:
    findings = await prove_seals(connection, book_id=book_id, expected=expected)
    for finding in findings:
        account = f", account {finding.account}" if finding.account else ""
        print(f"book {finding.book_id}{account}: {finding.message}")
    print("FAILED: what is in the ledger is not what was sealed." if findings else "Every seal holds.")
    return EXIT_FOUND if findings else 0


def _digest(text: str) -> tuple[int, str]:
    if not re.fullmatch(r"\d{1,19}=[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError("write N=DIGEST: the book's number and the 64 characters of the digest")
    book, digest = text.split("=")
    return int(book), digest
