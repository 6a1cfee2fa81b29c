"""The money entries of the ledger as a journal for hledger or beancount, for any days.

What stood before the first day is one opening entry; after every day with entries the journal says where the accounts
that moved stand, and at its end where all of them do. The last figures are read from the ledger's postings, not added
up from the entries, so that the other program proves that both agree. Hours are not in it.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from itertools import groupby
from typing import Any
from uuid import UUID

from ledger.export import WRITERS, Account, Form, Transaction
from timebank.db import Connection
from timebank.kit.refusal import Refusal
from timebank.payments.formats.plaintext import slug

MAX_ENTRIES = 100_000
"""Entries of one journal."""
EXTENSIONS: Mapping[Form, str] = {"hledger": "journal", "beancount": "beancount"}
OPENING = "Equity:Opening-balances"
NO_ENTRY = UUID(int=0)

HEADER = """\
; Money entries of {name}, {first} to {last}, for {form}. Costs are debits and positive: the ledger's amounts times -1.
; The accounts' own names in the ledger stand beside them.
"""

ACCOUNTS = """
select a.id, a.code, u.code as unit, u.exponent, y.name as payee
  from ledger.account a
  join ledger.unit u on u.id = a.unit_id
  left join payee y on y.timebank_id = a.book_id and split_part(a.code, '/', 1) in ('payable', 'prepaid', 'credit')
                   and y.id::text = split_part(a.code, '/', 2) -- as text: other codes end on what is no number
 where a.book_id = $1 and u.code <> 'MIN'
 order by a.code
"""
STANDS = """
select p.account_id, sum(p.amount)::bigint as posted
  from ledger.posting p
 where p.book_id = $1 and p.effective_on <= $2 and p.account_id = any($3::integer[])
 group by p.account_id
"""
COUNT = """
select count(*) from ledger.entry e
 where e.book_id = $1 and e.effective_on between $2 and $3
   and e.unit_id in (select id from ledger.unit where code <> 'MIN')
"""
ENTRIES = """
select id, effective_on, recorded_at, kind, reference, accounts, amounts
  from ledger.entry e
 where e.book_id = $1 and e.effective_on between $2 and $3
   and e.unit_id in (select id from ledger.unit where code <> 'MIN')
 order by effective_on, recorded_at, id
"""
BY_IDS = """
select id, effective_on, recorded_at, kind, reference, accounts, amounts
  from ledger.entry e
 where e.book_id = $1 and e.id = any($2::uuid[])
 order by effective_on, recorded_at, id
"""

_GROUPS = {
    "expense": "Expenses",
    "payable": "Liabilities:Payable",
    "prepaid": "Assets:Prepaid",
    "credit": "Assets:Credit",
    "advance": "Assets:Advance",
    "in-transit": "Assets:In-transit",
    "bank": "Assets:Bank",
    "cash": "Assets:Cash",
    "suspense": "Assets:Suspense",
    "income": "Income",
    "transfers": "Assets:Transfers",
    "bank-errors": "Assets:Bank-errors",
}


@dataclass(frozen=True, slots=True)
class Days:
    """From the first to the last day, both included."""

    first: date
    last: date


async def check_days(connection: Connection, timebank_id: int, days: Days) -> list[Refusal]:
    """Refusals ``days_turned``, ``too_many_entries``."""
    if days.last < days.first:
        return [Refusal("days_turned", "The last day is before the first. Choose them again.", "last")]
    if await connection.fetchval(COUNT, timebank_id, days.first, days.last) > MAX_ENTRIES:
        return [Refusal("too_many_entries", f"This is more than {MAX_ENTRIES} entries. Choose fewer days.", "last")]
    return []


async def journal(connection: Connection, timebank_id: int, days: Days, form: Form, *, name: str) -> AsyncIterator[str]:
    """The journal of these days in pieces. Run it in one repeatable-read transaction: it reads several times."""
    accounts = await accounts_of(connection, timebank_id)
    before = await _stands(connection, timebank_id, accounts, date.fromordinal(max(days.first.toordinal() - 1, 1)))
    rows = await connection.fetch(ENTRIES, timebank_id, days.first, days.last)
    used = {account for row in rows for account in row["accounts"]} | before.keys()
    known = {account: accounts[account] for account in accounts if account in used}
    yield HEADER.format(name=" ".join(name.split()), first=days.first, last=days.last, form=form) + "\n"
    entries = [_transaction(row, accounts) for row in rows]
    for piece in written(form, known, entries, days.first, _opening(known, before, days.first)):
        yield piece
    after = await _stands(connection, timebank_id, known, days.last)
    yield "".join(
        WRITERS[form].balances([replace(one, posted=after.get(key, 0)) for key, one in known.items()], days.last)
    )


async def entries_of(
    connection: Connection, timebank_id: int, entry_ids: Iterable[UUID]
) -> tuple[dict[int, Account], list[Transaction]]:
    """These ledger entries in the order of their days, and the accounts that they move."""
    accounts = await accounts_of(connection, timebank_id)
    rows = await connection.fetch(BY_IDS, timebank_id, list(entry_ids))
    used = {account for row in rows for account in row["accounts"]}
    known = {key: one for key, one in accounts.items() if key in used}
    return known, [_transaction(row, accounts) for row in rows]


def written(
    form: Form,
    accounts: Mapping[int, Account],
    entries: Sequence[Transaction],
    first: date,
    opening: Transaction | None = None,
) -> Iterable[str]:
    """Units, accounts, every entry, and after each day where the accounts stand that moved on it. Pure."""
    writer = WRITERS[form]
    for unit, exponent in sorted({(one.unit, one.exponent) for one in accounts.values()}):
        yield writer.unit(unit, exponent, first)
        if opening:
            yield writer.account(_opening_account(unit, exponent), first)
    for account in accounts.values():
        yield writer.account(account, first)
    running = dict.fromkeys((one.name for one in accounts.values()), 0)
    if opening:
        yield writer.transaction(opening)
        for account, amount in opening.legs:
            running[account.name] = running.get(account.name, 0) + amount
    for day, group in groupby(entries, key=lambda entry: entry.effective_on):
        moved: dict[str, Account] = {}
        for entry in group:
            yield writer.transaction(entry)
            for account, amount in entry.legs:
                running[account.name] += amount
                moved[account.name] = account
        yield "".join(writer.balances([replace(one, posted=running[name]) for name, one in sorted(moved.items())], day))


async def accounts_of(connection: Connection, timebank_id: int) -> dict[int, Account]:
    """Every money account by its number, under a name that accounting programs take."""
    return {
        row["id"]: Account(
            name=_name(row["code"], row["payee"], row["id"]),
            code=row["code"],
            unit=row["unit"],
            exponent=row["exponent"],
            posted=0,
        )
        for row in await connection.fetch(ACCOUNTS, timebank_id)
    }


def _name(code: str, payee: str | None, number: int) -> str:
    head, _, rest = code.partition("/")
    group = _GROUPS.get(head)
    if group is None:
        return f"Equity:Other:{slug(code)}-{number}"
    if not rest:
        return group
    return f"{group}:{slug(payee)}-{rest}" if payee else f"{group}:{slug(rest)}"


async def _stands(
    connection: Connection, timebank_id: int, accounts: Mapping[int, Account], day: date
) -> dict[int, int]:
    """What is posted on each account by the end of a day, in minor units, where that is not nothing."""
    rows = await connection.fetch(STANDS, timebank_id, day, list(accounts))
    return {row["account_id"]: row["posted"] for row in rows if row["posted"]}


def _opening(accounts: Mapping[int, Account], before: Mapping[int, int], first: date) -> Transaction | None:
    """One entry that puts every account where it stood; its other side is equity."""
    if not before:
        return None
    legs = [(accounts[key], posted) for key, posted in sorted(before.items())]
    units = sorted({(account.unit, account.exponent) for account, _ in legs})
    # The books balance, so equity gets nothing; it is named so that a reader sees that.
    equity = [
        (_opening_account(unit, exponent), -sum(posted for account, posted in legs if account.unit == unit))
        for unit, exponent in units
    ]
    at = datetime.combine(first, time(), tzinfo=UTC)
    return Transaction(NO_ENTRY, first, at, "Opening balances", "", [*legs, *equity])


def _opening_account(unit: str, exponent: int) -> Account:
    return Account(name=OPENING, code="opening", unit=unit, exponent=exponent, posted=0)


def _transaction(row: Mapping[str, Any], accounts: Mapping[int, Account]) -> Transaction:
    legs = [(accounts[account], amount) for account, amount in zip(row["accounts"], row["amounts"], strict=True)]
    return Transaction(row["id"], row["effective_on"], row["recorded_at"], row["kind"], row["reference"], legs)
