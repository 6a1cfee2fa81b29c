"""Posting all entries again, into the reference ledger: I22. Slow, and in bounded memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from ledger.checks import Scope
from ledger.model import Finding, Leg, Post, Refused
from ledger.reference import ReferenceLedger

Connection = Any
"""An asyncpg connection, pooled or not. asyncpg publishes no types that fit both, hence the loose name."""

PAGE = 1000
"""Entries fetched at a time."""

ACCOUNTS = """
select a.book_id, a.id, a.code, u.code as unit, b.posted, b.seq
from {account} a
join ledger.unit u on u.id = a.unit_id
left join ledger.balance b on b.book_id = a.book_id and b.account_id = a.id
order by a.book_id, a.id
"""

# Seldom are sums so large that an order could make them overflow; the order of recording is one in which they did not.
ENTRIES = """
select e.book_id, e.id, e.kind, e.effective_on, u.code as unit, e.accounts, e.amounts
from {entry} e left join ledger.unit u on u.id = e.unit_id
order by e.recorded_at, e.id
"""


@dataclass(slots=True)
class _Book:
    """One book of the reference ledger, and the codes of its accounts."""

    ledger: ReferenceLedger = field(default_factory=lambda: ReferenceLedger(uuid4))
    codes: dict[int, str] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)


async def replay(connection: Connection, *, book_id: int | None = None) -> list[Finding]:
    """Post every entry of every book (or of one) into an empty reference ledger, and compare the balances.

    Limits and statuses are left aside: they are no part of an entry. Needs a transaction, which should be repeatable
    read, and a role that sees all rows.
    """
    scope = Scope(book_id)
    accounts = await connection.fetch(scope.of(ACCOUNTS), *scope.parameters)
    books: dict[int, _Book] = {}
    for account in accounts:
        book = books.setdefault(account["book_id"], _Book())
        book.codes[account["id"]] = account["code"]
        book.counts[account["id"]] = 0
        book.ledger.open_account(account["code"], account["unit"], floor=None)
    findings = []
    async for row in connection.cursor(scope.of(ENTRIES), *scope.parameters, prefetch=PAGE):
        problem = _post_again(books.get(row["book_id"]), row)
        if problem is not None:
            findings.append(_finding(row["book_id"], None, f"entry {row['id']} cannot be posted again: {problem}"))
    for account in accounts:
        book = books[account["book_id"]]
        posted, count = book.ledger.accounts[account["code"]].posted, book.counts[account["id"]]
        if (posted, count) != (account["posted"], account["seq"]):
            message = (
                f"the balance says {account['posted']} after {account['seq']} postings, "
                f"posting all entries again gives {posted} after {count}"
            )
            findings.append(_finding(account["book_id"], account["code"], message))
    return findings


def _post_again(book: _Book | None, row: Mapping[str, Any]) -> str | None:
    """What stands against the entry, or None."""
    if book is None:
        return "its book has no accounts"
    try:
        item = Post(
            key=str(row["id"]),
            kind=row["kind"],
            unit=row["unit"] or "",
            legs=tuple(
                Leg(account=book.codes.get(account, ""), amount=amount)
                for account, amount in zip(row["accounts"], row["amounts"], strict=True)
            ),
            effective_on=row["effective_on"],
            actor="replay",
        )
    except ValueError as error:  # InvalidItem is one
        return str(error)
    (result,) = book.ledger.post_batch([item], atomic=False, forced=True)
    if isinstance(result, Refused):
        return result.code
    for account in row["accounts"]:
        book.counts[account] += 1
        book.ledger.accounts[book.codes[account]].postings.clear()
    # Balances are all that is compared at the end; what else the reference remembers would fill the memory.
    book.ledger.entries.clear()
    book.ledger.requests.clear()
    return None


def _finding(book_id: int, account: str | None, message: str) -> Finding:
    return Finding(invariant="I22", book_id=book_id, account=account, message=message)
