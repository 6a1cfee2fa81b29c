"""Writing: thin calls into the SQL functions, which decide everything.

Every function needs an open transaction whose ``ledger.book`` is set to ``book_id``.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import asyncpg
from uuid_utils.compat import uuid7

from ledger.errors import BY_SQLSTATE
from ledger.model import (
    Capture,
    Held,
    Item,
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
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
"""
POST_FORCED = """
select * from ledger.post_forced(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
"""

OPERATIONS: dict[type[Item], str] = {
    Post: "post",
    PlaceHold: "hold",
    Capture: "capture",
    Void: "void",
    Reverse: "reverse",
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
    with translated():
        rows = await connection.fetch(POST_BATCH, book_id, atomic, *_columns(items))
    return _results(items, rows)


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
    reason: str,
    atomic: bool = True,
) -> list[Result]:
    """Post or reverse past floors, ceilings and frozen accounts; recorded as forced by ``forced_by`` for ``reason``.

    Needs a grant that the application's role does not have. Counts as the transaction's ledger write call.
    """
    if not items:
        return []
    require_batch(items)
    with translated():
        rows = await connection.fetch(POST_FORCED, book_id, atomic, *_columns(items), forced_by, reason)
    return _results(items, rows)


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


def _columns(items: Sequence[Item]) -> list[list[Any]]:
    """The items as the parameters of the SQL function: one array per field, then one per field of the legs."""
    legs = [
        (n, position, leg.account, leg.amount)
        for n, item in enumerate(items, 1)
        if isinstance(item, Post | PlaceHold)
        for position, leg in enumerate(item.legs, 1)
    ]
    rows = [
        (
            item.key,
            OPERATIONS[type(item)],
            item.reason if isinstance(item, Void) else item.kind,
            getattr(item, "unit", None),
            getattr(item, "effective_on", None),
            item.actor,
            item.reference,
            meta_text(item.meta) if item.meta else None,
            uuid7() if isinstance(item, Post | Capture | Reverse) else None,
            getattr(item, "hold_id", None),
            item.entry_id if isinstance(item, Reverse) else None,
            getattr(item, "amount", None),
            getattr(item, "expires_at", None),
            getattr(item, "now", None),
        )
        for item in items
    ]
    fields = zip(*rows, strict=True)
    leg_fields = zip(*legs, strict=True) if legs else [()] * 4
    return [*map(list, fields), *map(list, leg_fields)]


def _results(items: Sequence[Item], rows: Sequence[Any]) -> list[Result]:
    return [_result(items[row["n"] - 1].key, row) for row in sorted(rows, key=lambda row: int(row["n"]))]


def _result(key: str, row: Any) -> Result:
    match row["result"]:
        case "refused":
            return refused(key, row["code"], row["account"])
        case "held":
            return Held(key=key, hold_id=row["hold_id"], replayed=row["replayed"])
        case "voided":
            return Voided(key=key, hold_id=row["hold_id"], replayed=row["replayed"])
        case _:
            balances = dict(zip(row["accounts"], row["balances"], strict=True))
            return Posted(key=key, entry_id=row["entry_id"], replayed=row["replayed"], balances=balances)
