"""Reading: plain queries through row-level security. Needs ``ledger.book`` set for the transaction, as writing does."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from ledger.errors import UnknownAccount, UnknownEntry, UnknownHold
from ledger.model import MAX_PAGE, Balance, Entry, Hold, Leg, StatementLine
from ledger.posting import translated

Connection = Any
"""An asyncpg connection, pooled or not. asyncpg publishes no types that fit both, hence the loose name."""

# meta is read as text, because a connection may carry a codec of its own for jsonb.
BALANCES = """
select a.code, u.code as unit, b.posted, b.held_out, b.held_in, b.floor, b.ceiling, b.status, b.seq
from ledger.account a
join ledger.balance b on b.book_id = a.book_id and b.account_id = a.id
join ledger.unit u on u.id = a.unit_id
where a.book_id = $1 and a.code = any ($2)
"""

# The page is cut on the primary key before entries are looked at, so a page costs the same however long the history is.
STATEMENT = """
select p.seq, p.entry_id, e.kind, p.amount, p.balance_after, p.effective_on, p.recorded_at, e.actor, e.reference,
       e.meta::text as meta
from (
    select * from ledger.posting
    where book_id = $1 and account_id = $2 and seq < $3
    order by seq desc limit $4
) p
join ledger.entry e on e.book_id = p.book_id and e.id = p.entry_id
order by p.seq desc
"""

ENTRY = """
select e.id, e.kind, u.code as unit, e.amounts, e.effective_on, e.recorded_at, e.actor, e.reference,
       e.meta::text as meta, f.forced_by, f.reason as forced_reason,
       array(
           select a.code from unnest(e.accounts) with ordinality leg (id, position)
           join ledger.account a on a.book_id = e.book_id and a.id = leg.id order by leg.position
       ) as accounts,
       (select original_id from ledger.entry_link l where l.book_id = e.book_id and l.entry_id = e.id) as reverses,
       (select entry_id from ledger.entry_link l
        where l.book_id = e.book_id and l.original_id = e.id and l.kind = 'reversal') as reversed_by
from ledger.entry e
join ledger.unit u on u.id = e.unit_id
left join ledger.forced f on f.book_id = e.book_id and f.entry_id = e.id
where e.book_id = $1 and e.id = $2
"""

HOLD = """
select h.id, u.code as unit, f.code as from_account, t.code as to_account, h.amount, h.captured, h.state, h.expires_at
from ledger.hold h
join ledger.account f on f.book_id = h.book_id and f.id = h.from_account
join ledger.account t on t.book_id = h.book_id and t.id = h.to_account
join ledger.unit u on u.id = f.unit_id
where h.book_id = $1 and h.id = $2
"""

LAST_SEQ = 2**31 - 1
"""The highest number that a posting can have on its account."""


async def balance(connection: Connection, book_id: int, account: str) -> Balance:
    """Where the account stands now, in its unit's smallest part. Raises UnknownAccount."""
    found = await balances(connection, book_id, [account])
    if account not in found:
        raise UnknownAccount(f"there is no account {account} in book {book_id}")
    return found[account]


async def balances(connection: Connection, book_id: int, accounts: Sequence[str]) -> dict[str, Balance]:
    """Where several accounts stand, by code, in one query; accounts that do not exist are left out."""
    return {row["code"]: _balance(row) for row in await connection.fetch(BALANCES, book_id, list(accounts))}


async def balance_at(
    connection: Connection,
    book_id: int,
    account: str,
    *,
    known_at: datetime | None = None,
    effective_on: date | None = None,
) -> int:
    """What was posted as known at ``known_at``, or of what was effective by ``effective_on`` (that day included).

    In the unit's smallest part, holds aside; at least one of the two must be given. ``known_at`` costs the logarithm of
    the account's history, ``effective_on`` a look at all of it. Raises UnknownAccount, ValueError for a moment without
    a time zone or a day with a time, or NotYetSettled: what was known at a moment is the same whenever it is asked, so
    a moment is refused as long as a transaction that began by then is writing to the book. For the same reason
    ``known_at`` needs a read committed transaction.
    """
    _require_day_or_moment(known_at, effective_on)
    with translated():
        return int(
            await connection.fetchval(
                "select ledger.balance_at($1, $2, $3, $4)", book_id, account, known_at, effective_on
            )
        )


async def statement(
    connection: Connection, book_id: int, account: str, *, before: int | None = None, limit: int = 50
) -> list[StatementLine]:
    """The account's postings, newest first: ``limit`` (1 to 500) of those with a ``seq`` lower than ``before``.

    The next page begins ``before`` the last line's ``seq``. Raises UnknownAccount, or ValueError for another limit.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise ValueError(f"limit must be between 1 and {MAX_PAGE}")
    account_id = await connection.fetchval(
        "select id from ledger.account where book_id = $1 and code = $2", book_id, account
    )
    if account_id is None:
        raise UnknownAccount(f"there is no account {account} in book {book_id}")
    cursor = LAST_SEQ if before is None else max(0, min(before, LAST_SEQ))
    rows = await connection.fetch(STATEMENT, book_id, account_id, cursor, limit)
    return [StatementLine(**{**row, "meta": _meta(row["meta"])}) for row in rows]


async def entry(connection: Connection, book_id: int, entry_id: UUID) -> Entry:
    """The entry with its legs and links. Raises UnknownEntry."""
    row = await connection.fetchrow(ENTRY, book_id, entry_id)
    if row is None:
        raise UnknownEntry(f"there is no entry {entry_id} in book {book_id}")
    return Entry(
        entry_id=row["id"],
        kind=row["kind"],
        unit=row["unit"],
        legs=tuple(
            Leg(account=account, amount=amount) for account, amount in zip(row["accounts"], row["amounts"], strict=True)
        ),
        effective_on=row["effective_on"],
        recorded_at=row["recorded_at"],
        actor=row["actor"],
        reference=row["reference"],
        meta=_meta(row["meta"]),
        reverses=row["reverses"],
        reversed_by=row["reversed_by"],
        forced_by=row["forced_by"],
        forced_reason=row["forced_reason"],
    )


async def hold(connection: Connection, book_id: int, hold_id: UUID) -> Hold:
    """The hold as it stands. Raises UnknownHold."""
    row = await connection.fetchrow(HOLD, book_id, hold_id)
    if row is None:
        raise UnknownHold(f"there is no hold {hold_id} in book {book_id}")
    fields = dict(row)
    return Hold(hold_id=fields.pop("id"), **fields)


def _balance(row: Mapping[str, Any]) -> Balance:
    spendable = None if row["floor"] is None else row["posted"] - row["held_out"] - row["floor"]
    return Balance(
        account=row["code"],
        unit=row["unit"],
        posted=row["posted"],
        held_out=row["held_out"],
        held_in=row["held_in"],
        available=spendable,
        floor=row["floor"],
        ceiling=row["ceiling"],
        status=row["status"],
        seq=row["seq"],
    )


def _require_day_or_moment(known_at: object, effective_on: object) -> None:
    if known_at is None and effective_on is None:
        raise ValueError("say known_at, effective_on or both")
    if known_at is not None and (not isinstance(known_at, datetime) or known_at.tzinfo is None):
        raise ValueError("known_at must be a date and time with a time zone")
    if effective_on is not None and (not isinstance(effective_on, date) or isinstance(effective_on, datetime)):
        raise ValueError("effective_on must be a date without a time")


def _meta(text: str | None) -> Mapping[str, object]:
    return {} if text is None else json.loads(text)
