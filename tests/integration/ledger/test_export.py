"""hledger and beancount accept the export, add everything up again, and come to the ledger's balances."""

import csv
import io
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

import ledger
from ledger.export import WRITERS, Form, export
from tests.checkers import program
from tests.integration.ledger.support import DAY, Book, capture, move, owning, reverse, set_aside, void

AWKWARD = (
    "member/with  two spaces",
    "expense/café → naïve/日本",
    "date: 2026-13-45, type:X; (virtual) [x] | = @",
    'quote " and back\\slash',
    "line\nbreak\ttab\u2028\u202e",
    "/",
    "é" * 200,
    "9 lives",
)
ENTRIES = 15
KINDS = ('a "kind"; with | everything\n2026-01-01 (x) * !', "\\", "* ! (", '"', "= == @ {} ~ #tag ^link")


@pytest.fixture
async def filled(book: Book) -> Book:
    """Every kind of entry, two units, back-dated entries, and names that break careless grammars."""
    for number, code in enumerate(AWKWARD):
        await book.do(
            ledger.open_account, code=code, unit="GBP" if number % 2 else "MIN", account_class="x", name="x", floor=None
        )
    minutes, pounds = AWKWARD[::2], AWKWARD[1::2]
    await book.do(ledger.post, move("issued", "member/1", 600, reference="a (b) ; c\nd"))
    for number, kind in enumerate(KINDS):
        for unit, codes, hub in (("MIN", minutes, "issued"), ("GBP", pounds, "bank")):
            legs = tuple(
                ledger.Leg(account=code, amount=amount)
                for code, amount in zip((hub, *codes), (-10 - 6 * number, 1, 2, 3, 4 + 6 * number), strict=True)
            )
            key, day = f"{kind}{unit}", date(2026, 1 + number, 28)
            post = ledger.Post(
                key=key, kind=kind, unit=unit, legs=legs, effective_on=day, actor="x", reference=kind * 2
            )
            await book.do(ledger.post, post)
    held, ended = set_aside("member/1", "member/2", 10), set_aside("member/1", "member/2", 5)
    await book.do(ledger.post_batch, [held, ended])
    await book.do(ledger.post_batch, [capture(held.hold_id, amount=7), void(ended.hold_id)])
    undone = await book.do(ledger.post, move("bank", AWKWARD[1], 12_345, unit="GBP", effective_on=date(1999, 12, 31)))
    await book.do(ledger.post, reverse(undone.entry_id))
    await book.do(ledger.post, move("bank", AWKWARD[3], 1, unit="GBP", effective_on=date(2031, 1, 1)))
    async with owning(book.server) as owner:
        assert await ledger.prove(owner, book_id=book.book_id) == []
    return book


async def exported(book: Book, form: Form) -> str:
    async with owning(book.server) as owner:
        return "".join([text async for text in export(owner, form, book_id=book.book_id)])


async def expected(book: Book) -> list[tuple[str, int]]:
    """Unit and balance of each account, with the export's sign and in the unit's smallest part."""
    async with owning(book.server) as owner:
        rows = await owner.fetch(
            """
            select u.code, b.posted from ledger.balance b
            join ledger.account a on a.book_id = b.book_id and a.id = b.account_id
            join ledger.unit u on u.id = a.unit_id where b.book_id = $1 and b.posted <> 0
            """,
            book.book_id,
        )
    return sorted((row["code"], -row["posted"]) for row in rows)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)


@pytest.fixture(scope="session")
def hledger() -> str:
    return program("hledger")


def smallest(amount: str) -> int:
    return int(amount.replace(".", "").replace(",", ""))


async def test_hledger_accepts_every_entry_and_agrees(filled: Book, hledger: str, tmp_path: Path) -> None:
    journal = tmp_path / "ledger.journal"
    journal.write_text(await exported(filled, "hledger"))
    checked = run(hledger, "-f", str(journal), "check", "--strict")
    assert checked.returncode == 0, checked.stderr
    found = run(hledger, "-f", str(journal), "balance", "--flat", "--no-total", "-O", "csv")
    rows = list(csv.DictReader(io.StringIO(found.stdout)))
    amounts = [row["balance"].split(" ") for row in rows]
    assert sorted((unit, smallest(amount)) for amount, unit in amounts) == await expected(filled)
    entries = run(hledger, "-f", str(journal), "print", "tag:entry").stdout
    assert entries.count("; entry: ") == ENTRIES
    # Nothing in a text was taken for grammar.
    assert "a b c d" in run(hledger, "-f", str(journal), "codes").stdout.splitlines()
    said = run(hledger, "-f", str(journal), "descriptions").stdout.splitlines()
    assert {'a "kind" with everything 2026-01-01 (x) * !', "* ! (", "= == @ {} ~ #tag ^link"} <= set(said)
    assert run(hledger, "-f", str(journal), "tags").stdout.split() == ["code", "entry", "recorded"]


def beancount_balances(path: Path) -> tuple[list[str], list[tuple[str, int]], int]:
    """What beancount complains of, the balances it comes to, and how many entries carry an id."""
    from beancount import loader
    from beancount.core import data, realization

    entries, errors, _ = loader.load_file(str(path))
    positions = [
        position.units
        for account in realization.iter_children(realization.realize(entries), leaf_only=True)
        for position in account.balance
    ]
    found = sorted((units.currency, smallest(str(units.number))) for units in positions)
    identified = sum(isinstance(entry, data.Transaction) and "entry" in entry.meta for entry in entries)
    return [error.message for error in errors], found, identified


async def test_beancount_accepts_every_entry_and_agrees(filled: Book, tmp_path: Path) -> None:
    path = tmp_path / "ledger.beancount"
    path.write_text(await exported(filled, "beancount"))
    checked = run(str(Path(sys.executable).parent / "bean-check"), str(path))
    assert checked.returncode == 0, checked.stderr
    complaints, found, identified = beancount_balances(path)
    assert complaints == []
    assert found == await expected(filled)
    assert identified == ENTRIES


@pytest.mark.parametrize("form", sorted(WRITERS))
async def test_the_balances_are_asserted(filled: Book, form: Form, tmp_path: Path) -> None:
    """A penny more in one entry is noticed by the other program, so the assertions assert something."""
    if form == "hledger":
        program("hledger")
    text = await exported(filled, form)
    wrong = text.replace("-123.45 GBP", "-123.46 GBP", 1).replace("  123.45 GBP", "  123.46 GBP", 1)
    assert wrong != text
    path = tmp_path / "wrong"
    path.write_text(wrong)
    command = ["hledger", "-f", f"journal:{path}", "check"] if form == "hledger" else ["bean-check", str(path)]
    if form == "beancount":
        command[0] = str(Path(sys.executable).parent / "bean-check")
    said = run(*command)
    assert said.returncode != 0
    assert "balance" in said.stderr.lower()


@pytest.mark.parametrize("form", sorted(WRITERS))
async def test_the_same_ledger_gives_the_same_bytes(filled: Book, form: Form) -> None:
    first = await exported(filled, form)
    assert first == await exported(filled, form)
    assert "multiplied by -1" in first
    assert all(line.isprintable() for line in first.split("\n"))


async def test_a_book_without_entries_can_be_exported(book: Book, hledger: str, tmp_path: Path) -> None:
    path = tmp_path / "empty.journal"
    path.write_text(await exported(book, "hledger"))
    assert run(hledger, "-f", str(path), "check", "--strict").returncode == 0
    path.write_text(await exported(book, "beancount"))
    assert beancount_balances(path) == ([], [], 0)


async def test_days_long_ago_and_far_ahead(book: Book, hledger: str, tmp_path: Path) -> None:
    for day in (date(1, 1, 2), date(9999, 12, 30)):
        await book.do(ledger.post, move("issued", "member/1", 5, effective_on=day))
    path = tmp_path / "days"
    path.write_text(await exported(book, "hledger"))
    assert run(hledger, "-f", f"journal:{path}", "check", "--strict").returncode == 0
    path.write_text(await exported(book, "beancount"))
    complaints, found, _ = beancount_balances(path)
    assert (complaints, found) == ([], [("MIN", -10), ("MIN", 10)])


async def test_who_cannot_see_all_gets_no_export(book: Book) -> None:
    with pytest.raises(ledger.CannotSeeAll):
        await anext(aiter(export(book.connection, "hledger")))


async def test_an_unknown_book_is_refused(book: Book) -> None:
    async with owning(book.server) as owner:
        with pytest.raises(ledger.UnknownBook):
            await anext(aiter(export(owner, "hledger", book_id=book.book_id + 1)))


async def test_it_comes_in_pieces(filled: Book) -> None:
    """Ten million postings must not be one string."""
    async with owning(filled.server) as owner:
        pieces = [text async for text in export(owner, "beancount", book_id=filled.book_id)]
    assert len(pieces) > 40
    assert max(len(piece) for piece in pieces) < 3000
    assert any(str(DAY) in piece for piece in pieces)
