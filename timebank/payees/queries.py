"""Read models of payees, and the accounts that files for the bank are made with."""

from collections.abc import Sequence

import msgspec

from timebank.db import Connection
from timebank.kit.vault import vault
from timebank.payees.model import Account

MAX_LISTED = 200

COLUMNS = "select id, name, supplier_reference, member_id, kind, pay_by, email, town, country, is_open from payee"
PAYEES = COLUMNS + " where timebank_id = $1 and kind <> 'member' order by name limit $2"
PAYEE = COLUMNS + " where timebank_id = $1 and id = $2"
IN_USE = """
select payee_id, sealed from bank_account
 where timebank_id = $1 and payee_id = any($2::bigint[]) and state = 'in_use'
"""
OWN = "select sealed from bank_account where timebank_id = $1 and payee_id is null and state = 'in_use'"


class PayeeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One payee. ``kind``: supplier, member or charity; ``pay_by``: bank or cash."""

    id: int
    name: str
    supplier_reference: str
    member_id: int | None
    kind: str
    pay_by: str
    email: str
    town: str
    country: str
    is_open: bool


async def payee(connection: Connection, timebank_id: int, payee_id: int) -> PayeeFacts | None:
    """One payee, or None."""
    row = await connection.fetchrow(PAYEE, timebank_id, payee_id)
    return msgspec.convert(dict(row), PayeeFacts) if row else None


async def payees(connection: Connection, timebank_id: int) -> list[PayeeFacts]:
    """Suppliers and charities by name, at most :data:`MAX_LISTED`. Members who are paid are not in it."""
    rows = await connection.fetch(PAYEES, timebank_id, MAX_LISTED)
    return [msgspec.convert(dict(row), PayeeFacts) for row in rows]


async def accounts(connection: Connection, timebank_id: int, payee_ids: Sequence[int]) -> dict[int, Account]:
    """The account in use of each of these payees; who has none is not in it.

    Raises:
        KeyMissing: the key that an account was locked with is not here.
    """
    rows = await connection.fetch(IN_USE, timebank_id, list(payee_ids))
    return {row["payee_id"]: opened(row["sealed"]) for row in rows}


async def own_account(connection: Connection, timebank_id: int) -> Account | None:
    """The account that the time bank pays from, or None.

    Raises:
        KeyMissing: the key that it was locked with is not here.
    """
    sealed = await connection.fetchval(OWN, timebank_id)
    return None if sealed is None else opened(sealed)


def sealed(account: Account) -> bytes:
    """The account, encrypted. Raises KeyMissing without a key."""
    return vault().seal(msgspec.json.encode(account).decode())


def opened(content: bytes) -> Account:
    """The account that :func:`sealed` encrypted. Raises KeyMissing when its key is not here."""
    return msgspec.json.decode(vault().unseal(content), type=Account)
