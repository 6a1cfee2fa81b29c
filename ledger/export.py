"""The ledger as plain text for other people's accounting programs: hledger and beancount.

They add up every balance again by rules of their own and compare it with the ledger's, so that nobody need take the
ledger's word. The same ledger gives the same bytes, whenever and wherever it is exported.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from ledger.checks import Scope
from ledger.errors import CannotSeeAll, UnknownAccount, UnknownBook

Connection = Any
"""An asyncpg connection, pooled or not. asyncpg publishes no types that fit both, hence the loose name."""

Form = Literal["hledger", "beancount"]

PAGE = 1000
"""Entries fetched at a time."""
MAX_SLUG = 40
"""Characters of a code that go into a name; the number behind them makes it unique."""

HEADER = """\
; The ledger as plain text for {form}. Amounts are the ledger's own multiplied by -1, because the ledger counts what an
; account receives as positive, and accounting programs show an expense (a debit) as positive. That holds for hours as
; for money: an account that has received 60 minutes shows -60 MIN.
; A name is the letters and digits of an account's code and its number; the code itself stands beside it.
"""

UNITS = """
select code, exponent from ledger.unit
where id in (select unit_id from {account} a) order by code
"""
DAYS = """
select coalesce(min(effective_on), date '2000-01-01') as first, coalesce(max(effective_on), date '2000-01-01') as last
from {entry} e
"""
ACCOUNTS = """
select a.book_id, a.id, a.code, o.code as book, u.code as unit, u.exponent, b.posted
from {account} a
join ledger.book o on o.id = a.book_id
join ledger.unit u on u.id = a.unit_id
join ledger.balance b on b.book_id = a.book_id and b.account_id = a.id
order by a.book_id, a.code
"""
ENTRIES = """
select book_id, id, effective_on, recorded_at, kind, reference, accounts, amounts
from {entry} e
order by effective_on, recorded_at, book_id, id
"""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it is exported. ``posted`` is in the unit's smallest part, credit-positive."""

    name: str
    code: str
    unit: str
    exponent: int
    posted: int

    def amount(self, amount: int) -> str:
        """The ledger's ``amount`` with the sign turned, in whole units."""
        sign = "-" if amount > 0 else ""
        digits = str(abs(amount)).rjust(self.exponent + 1, "0")
        if self.exponent:
            digits = f"{digits[: -self.exponent]}.{digits[-self.exponent :]}"
        return f"{sign}{digits}"


@dataclass(frozen=True, slots=True)
class Transaction:
    """An entry as it is exported: the legs are accounts and the ledger's amounts."""

    entry_id: UUID
    effective_on: date
    recorded_at: datetime
    kind: str
    reference: str
    legs: Sequence[tuple[Account, int]]


class Writer(ABC):
    """One program's way of writing things down."""

    @abstractmethod
    def unit(self, code: str, exponent: int, first_day: date) -> str:
        """Declare a commodity."""

    @abstractmethod
    def account(self, account: Account, first_day: date) -> str:
        """Declare an account."""

    @abstractmethod
    def transaction(self, transaction: Transaction) -> str:
        """Write an entry."""

    @abstractmethod
    def balances(self, accounts: Sequence[Account], last_day: date) -> Iterator[str]:
        """Assert where every account stands after ``last_day``."""


class HledgerWriter(Writer):
    """A journal that ``hledger check --strict`` accepts (1.25 and newer)."""

    def unit(self, code: str, exponent: int, first_day: date) -> str:
        """Its format has the right number of decimal places."""
        return f"commodity 1000.{'0' * exponent} {code}\n"

    def account(self, account: Account, first_day: date) -> str:
        """The code stands in a tag."""
        return f"account {account.name}  ; code: {plain(account.code, ',:;')}\n"

    def transaction(self, transaction: Transaction) -> str:
        """The entry's id and the time it was recorded stand in tags."""
        # What stands in parentheses is hledger's code, its word for a reference number.
        lines = [
            f"\n{transaction.effective_on} * ({plain(transaction.reference, '();')}) {plain(transaction.kind, ';|')}",
            f"    ; entry: {transaction.entry_id}",
            f"    ; recorded: {transaction.recorded_at.astimezone(UTC).isoformat()}",
        ]
        lines += [
            f"    {account.name}  {account.amount(amount)} {account.unit}" for account, amount in transaction.legs
        ]
        return "\n".join(lines) + "\n"

    def balances(self, accounts: Sequence[Account], last_day: date) -> Iterator[str]:
        """One more transaction on the last day, of nothing, says where each account stands."""
        yield f"\n{last_day} * () balances\n"
        for account in accounts:
            yield f"    {account.name}  0 {account.unit} = {account.amount(account.posted)} {account.unit}\n"


class BeancountWriter(Writer):
    """A file that ``bean-check`` accepts (3.0 and newer)."""

    def unit(self, code: str, exponent: int, first_day: date) -> str:
        """A commodity is known from its first day on."""
        return f"{first_day} commodity {code}\n"

    def account(self, account: Account, first_day: date) -> str:
        """The code stands in the metadata."""
        return f'{first_day} open {account.name}  {account.unit}\n  code: "{quoted(account.code)}"\n'

    def transaction(self, transaction: Transaction) -> str:
        """The entry's id and the time it was recorded stand in the metadata."""
        lines = [
            f'\n{transaction.effective_on} * "{quoted(transaction.kind)}"',
            f'  entry: "{transaction.entry_id}"',
            f'  recorded: "{transaction.recorded_at.astimezone(UTC).isoformat()}"',
        ]
        if transaction.reference:
            lines.append(f'  reference: "{quoted(transaction.reference)}"')
        lines += [f"  {account.name}  {account.amount(moved)} {account.unit}" for account, moved in transaction.legs]
        return "\n".join(lines) + "\n"

    def balances(self, accounts: Sequence[Account], last_day: date) -> Iterator[str]:
        """An assertion is about the beginning of its day, so they are dated the day after."""
        # Without a tolerance of zero a penny more or less would pass.
        day = last_day + timedelta(days=1)
        yield "\n"
        for account in accounts:
            zero = account.amount(0)
            yield f"{day} balance {account.name}  {account.amount(account.posted)} ~ {zero} {account.unit}\n"


WRITERS: dict[Form, Writer] = {"hledger": HledgerWriter(), "beancount": BeancountWriter()}


async def export(connection: Connection, form: Form, *, book_id: int | None = None) -> AsyncIterator[str]:
    """The whole ledger, or one book, as text in pieces: units, accounts, every entry, and where every account stands.

    Entries come by effective date, then as they were recorded. Text that would break a file's grammar (line breaks,
    quotes, separators) is replaced by spaces or escaped; the entry's id leads back to what was written. Reads one
    snapshot; needs the ledger's owner or another role that sees all rows, and no transaction. Raises CannotSeeAll or
    UnknownBook.
    """
    scope, writer = Scope(book_id), WRITERS[form]
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        if await connection.fetchval("select row_security_active('ledger.balance')"):
            raise CannotSeeAll("an export must see every account: connect as the ledger's owner")
        if not await connection.fetchval(scope.of("select exists (select from {book} b)"), *scope.parameters):
            raise UnknownBook("there is no such book" if book_id is not None else "there is no book yet")
        days = await connection.fetchrow(scope.of(DAYS), *scope.parameters)
        accounts = {
            (row["book_id"], row["id"]): _account(row)
            for row in await connection.fetch(scope.of(ACCOUNTS), *scope.parameters)
        }
        yield HEADER.format(form=form) + "\n"
        for row in await connection.fetch(scope.of(UNITS), *scope.parameters):
            yield writer.unit(row["code"], row["exponent"], days["first"])
        yield "\n"
        for account in accounts.values():
            yield writer.account(account, days["first"])
        async for row in connection.cursor(scope.of(ENTRIES), *scope.parameters, prefetch=PAGE):
            yield writer.transaction(_transaction(row, accounts))
        for line in writer.balances(tuple(accounts.values()), days["last"]):
            yield line


def plain(text: str, forbidden: str) -> str:
    """``text`` on one line, without characters that cannot be seen and without those of ``forbidden``."""
    kept = (character if character.isprintable() and character not in forbidden else " " for character in text)
    return " ".join("".join(kept).split())


def quoted(text: str) -> str:
    """``text`` on one line, fit to stand between double quotes."""
    return plain(text, "").replace("\\", "\\\\").replace('"', '\\"')


def _slug(code: str) -> str:
    """The letters and digits of ``code`` as a part of an account's name: it begins with a capital or a digit."""
    letters = re.sub(r"[^A-Za-z0-9]+", "-", code).strip("-")[:MAX_SLUG] or "X"
    return letters[0].upper() + letters[1:]


def _account(row: Mapping[str, Any]) -> Account:
    return Account(
        name=f"Equity:{_slug(row['book'])}-{row['book_id']}:{_slug(row['code'])}-{row['id']}",
        code=row["code"],
        unit=row["unit"],
        exponent=row["exponent"],
        posted=row["posted"],
    )


def _transaction(row: Mapping[str, Any], accounts: Mapping[tuple[int, int], Account]) -> Transaction:
    try:
        legs = [
            (accounts[row["book_id"], account], amount)
            for account, amount in zip(row["accounts"], row["amounts"], strict=True)
        ]
    except KeyError as error:
        raise UnknownAccount(f"entry {row['id']} names an account that is not there; prove the ledger first") from error
    return Transaction(row["id"], row["effective_on"], row["recorded_at"], row["kind"], row["reference"], legs)
