"""Writing: thin calls into the SQL functions, which decide everything.

Every function needs an open transaction whose ``ledger.book`` is set to ``book_id``.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from ledger.errors import BY_SQLSTATE, Inconsistent
from ledger.model import (
    MAX_ITEMS,
    Capture,
    Held,
    Item,
    Leg,
    PlaceHold,
    Post,
    Posted,
    Result,
    Reverse,
    Status,
    Void,
    Voided,
    meta_text,
    require_batch,
)
from ledger.refusals import refused

Connection = Any
"""An asyncpg connection, pooled or not. asyncpg publishes no types that fit both, hence the loose name."""

POST_BATCH = """
select * from ledger.post_batch(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
"""
POST_ALONE = """
select o.*
from (select set_config('ledger.book', $1::bigint::text, true)::bigint as book) this,
     lateral ledger.post_batch(
         this.book, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) o
"""
"""As POST_BATCH, for a statement that is a transaction of its own: it sets the book for itself."""
POST_FORCED = """
select * from ledger.post_forced(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
"""

OPERATIONS: dict[type[Item], str] = {
    Post: "p",
    PlaceHold: "h",
    Capture: "c",
    Void: "v",
    Reverse: "r",
}


@contextmanager
def translated() -> Iterator[None]:
    """Raise the ledger's own class for an error that PostgreSQL reports with an SQLSTATE of class ``LG``."""
    try:
        yield
    except asyncpg.PostgresError as error:
        own = BY_SQLSTATE.get(error.sqlstate or "")
        if own is None:
            raise
        raise own(str(error)) from error


async def post_batch(
    connection: Connection, book_id: int, items: Sequence[Item], *, atomic: bool = True
) -> list[Result]:
    """Carry out ``items`` in order, as if one by one; the one ledger write call of this transaction.

    With ``atomic`` nothing is written unless every item is accepted: the answer is then one result per item, or else
    only the refused ones, and no refusal is remembered. Without it each item stands for itself, there is always one
    result per item, and refusals are remembered under their keys. A repeated key gives the first result again
    (``replayed``).

    Raises :class:`~ledger.errors.SecondCall`, ``WrongBook``, ``UnknownBook`` or ``InvalidItem``.
    """
    if not items:
        return []
    require_batch(items)
    batch = Columns(items)
    with translated():
        rows = await connection.fetch(POST_BATCH, book_id, atomic, *batch.columns)
    return batch.results(rows)


async def post(connection: Connection, book_id: int, item: Item) -> Result:
    """Carry out one item: a batch of one, atomic. See :func:`post_batch`."""
    (result,) = await post_batch(connection, book_id, [item])
    return result


async def post_forced(
    connection: Connection,
    book_id: int,
    items: Sequence[Post | Reverse],
    *,
    forced_by: str,
    reason: str | Sequence[str | None],
    atomic: bool = True,
) -> list[Result]:
    """Post or reverse past floors, ceilings and frozen accounts; recorded as forced by ``forced_by`` for ``reason``.

    Several reasons are one for each item, and an item whose reason is None is held to the limits like any other; one at
    least is forced. Needs a grant that the application's role does not have. Counts as the transaction's ledger write
    call.
    """
    if not items:
        return []
    require_batch(items)
    batch = Columns(items)
    reasons = [reason] * len(items) if isinstance(reason, str) else list(reason)
    with translated():
        rows = await connection.fetch(POST_FORCED, book_id, atomic, *batch.columns, forced_by, reasons)
    return batch.results(rows)


async def expire_holds(
    connection: Connection, book_id: int, *, now: datetime, actor: str, limit: int = MAX_ITEMS
) -> list[UUID]:
    """End at most ``limit`` of the holds whose time has passed by ``now``, soonest first; return their ids.

    Counts as the transaction's ledger write call. Leaves holds that another transaction is ending to that one. Raises
    InvalidItem for a limit outside 1 to 1000.
    """
    with translated():
        rows = await connection.fetch("select ledger.expire_holds($1, $2, $3, $4)", book_id, now, actor, limit)
    return [row[0] for row in rows]


async def open_unit(connection: Connection, code: str, exponent: int) -> None:
    """Make a unit with ``exponent`` decimal places, unless it exists. Raises AlreadyDifferent for another exponent."""
    with translated():
        await connection.execute("select ledger.open_unit($1, $2)", code, exponent)


async def open_book(connection: Connection, book_id: int, code: str, name: str) -> None:
    """Open a book, unless it exists. Raises AlreadyDifferent if it exists under another code."""
    with translated():
        await connection.execute("select ledger.open_book($1, $2, $3)", book_id, code, name)


async def open_account(
    connection: Connection,
    book_id: int,
    *,
    code: str,
    unit: str,
    account_class: str,
    name: str,
    floor: int | None,
    ceiling: int | None = None,
    actor: str = "",
) -> None:
    """Open an account, unless it exists; one that exists keeps its name and limits. Comes before the ledger write call.

    ``floor`` and ``ceiling`` are in the unit's smallest part; None means no limit. Raises UnknownUnit, UnknownBook,
    AlreadyDifferent (it exists with another unit or class) or OpenedTooLate.
    """
    with translated():
        await connection.execute(
            "select ledger.open_account($1, $2, $3, $4, $5, $6, $7, $8)",
            book_id,
            code,
            unit,
            account_class,
            name,
            floor,
            ceiling,
            actor,
        )


async def set_limits(
    connection: Connection,
    book_id: int,
    account: str,
    *,
    floor: int | None,
    ceiling: int | None = None,
    actor: str,
    reason: str = "",
) -> None:
    """Set both limits of an account from its next posting on. Raises UnknownAccount."""
    with translated():
        await connection.execute(
            "select ledger.set_limits($1, $2, $3, $4, $5, $6)", book_id, account, floor, ceiling, actor, reason
        )


async def set_status(
    connection: Connection, book_id: int, account: str, status: Status, *, actor: str, reason: str = ""
) -> None:
    """Open, freeze or close an account. Raises UnknownAccount, or AccountInUse for closing one that holds anything."""
    with translated():
        await connection.execute(
            "select ledger.set_status($1, $2, $3, $4, $5)", book_id, account, status, actor, reason
        )


async def close_period(connection: Connection, book_id: int, through: date) -> None:
    """Take no more entries effective on or before ``through``. Raises PeriodMovedBack for a day already closed over."""
    with translated():
        await connection.execute("select ledger.close_period($1, $2)", book_id, through)


class Columns:
    """A batch as the SQL function takes it, one array per field, and the way back from its answer to results."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        # In their own order, so that their index grows at its end: within a millisecond they come in any.
        new_ids = iter(sorted(uuid7() for _ in items))
        self.made: list[UUID] = [
            item.hold_id if isinstance(item, PlaceHold | Void) else next(new_ids) for item in items
        ]
        self.legs = [_legs_in_order(item) for item in items]
        codes = sorted({leg.account for legs in self.legs for leg in legs})
        places = {code: place for place, code in enumerate(codes, 1)}
        posts_only = all(type(item) is Post for item in items)
        self.columns: list[list[Any] | None] = [
            [item.key for item in items],
            [OPERATIONS[type(item)] for item in items],
            [item.reason if isinstance(item, Void) else item.kind for item in items],
            [getattr(item, "unit", None) for item in items],
            [getattr(item, "effective_on", None) for item in items],
            [item.actor for item in items],
            [item.reference for item in items],
            [meta_text(item.meta) if item.meta else None for item in items],
            self.made,
            None if posts_only else [_target(item) for item in items],
            None if posts_only else [getattr(item, "amount", None) for item in items],
            None if posts_only else [getattr(item, "expires_at", None) for item in items],
            None if posts_only else [getattr(item, "now", None) for item in items],
            codes,
            [n for n, legs in enumerate(self.legs, 1) for _ in legs],
            [places[leg.account] for legs in self.legs for leg in legs],
            [leg.amount for legs in self.legs for leg in legs],
        ]

    def results(self, rows: Sequence[Any]) -> list[Result]:
        """One result per item; of an atomic batch that was refused, only the refusals."""
        exceptions = {row["n"]: row for row in rows}
        balances = exceptions.pop(0, None)
        if balances is None:
            return [self._exception(row) for _, row in sorted(exceptions.items())]
        after = self._balances_after(balances)
        return [
            self._exception(exceptions[n]) if n in exceptions else self._done(item, n, after)
            for n, item in enumerate(self.items, 1)
        ]

    def _balances_after(self, row: Any) -> list[dict[str, int]]:
        """For each item the balances that its entry left, by account."""
        after: list[dict[str, int]] = [{} for _ in self.items]
        if row["items"] is None:
            amounts = iter(row["balances"] or ())
            return [{leg.account: next(amounts) for leg in legs} for legs in self.legs]
        for n, account, balance in zip(row["items"], row["accounts"] or (), row["balances"] or (), strict=True):
            after[n - 1][account] = balance
        return after

    def _done(self, item: Item, n: int, after: list[dict[str, int]]) -> Result:
        if isinstance(item, PlaceHold):
            return Held(key=item.key, hold_id=item.hold_id, replayed=False)
        if isinstance(item, Void):
            return Voided(key=item.key, hold_id=item.hold_id, replayed=False)
        return Posted(key=item.key, entry_id=self.made[n - 1], replayed=False, balances=after[n - 1])

    def _exception(self, row: Any) -> Result:
        key = self.items[row["n"] - 1].key
        match row["result"]:
            case "refused":
                return refused(key, row["code"], row["account"])
            case "held":
                return Held(key=key, hold_id=row["made"], replayed=True)
            case "voided":
                return Voided(key=key, hold_id=row["made"], replayed=True)
            case "posted":
                balances = dict(zip(row["accounts"], row["balances"], strict=True))
                return Posted(key=key, entry_id=row["made"], replayed=True, balances=balances)
            case other:
                raise Inconsistent(f"the answer to {key} is neither a result nor a refusal: {other}")


def _legs_in_order(item: Item) -> Sequence[Leg]:
    """The legs in the order of their accounts' codes, which makes the digest of an item canonical."""
    if not isinstance(item, Post | PlaceHold):
        return ()
    first, second, *more = item.legs
    if more:
        return sorted(item.legs, key=lambda leg: leg.account)
    return (first, second) if first.account < second.account else (second, first)


def _target(item: Item) -> UUID | None:
    """The hold to end or the entry to reverse."""
    if isinstance(item, Capture | Void):
        return item.hold_id
    return item.entry_id if isinstance(item, Reverse) else None
