"""Read models of payees, and the accounts that files for the bank are made with."""

import re
from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from timebank.db import Connection
from timebank.kit.paging import MAX_KEY
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
LOCK_PAYEE = PAYEE + " for no key update"
OWN = "select sealed from bank_account where timebank_id = $1 and payee_id is null and state = 'in_use'"

ACCOUNT = """
select a.id, a.payee_id, a.sealed, a.mark, a.last_four, a.state, a.checked, a.why, a.proposed_by, a.proposed_at,
       a.decided_by, a.decided_at, p.display_name as proposed_by_name, d.display_name as decided_by_name
  from bank_account a
  join member p on p.timebank_id = a.timebank_id and p.id = a.proposed_by
  left join member d on d.timebank_id = a.timebank_id and d.id = a.decided_by
 where a.timebank_id = $1
"""
ACCOUNT_BY_ID = ACCOUNT + " and a.id = $2"
LOCK_ACCOUNT = ACCOUNT_BY_ID + " for no key update of a"
ACCOUNTS_OF = ACCOUNT + " and coalesce(a.payee_id, 0) = $2 order by a.id desc limit $3"
ACCOUNT_IN_USE = ACCOUNT + " and coalesce(a.payee_id, 0) = $2 and a.state = 'in_use'"
TWINS = """
select y.id, y.name from bank_account a
  join payee y on y.timebank_id = a.timebank_id and y.id = a.payee_id
 where a.timebank_id = $1 and a.mark = any($2::bytea[]) and a.state in ('proposed', 'in_use')
   and a.payee_id is distinct from $3
 order by y.name limit $4
"""
IS_OURS = """
select exists (select from bank_account where timebank_id = $1 and payee_id is null and mark = any($2::bytea[])
                  and state in ('proposed', 'in_use'))
"""
LOOKS = """
select l.at, l.why, m.display_name as who, a.last_four
  from bank_account_look l
  join bank_account a on a.timebank_id = l.timebank_id and a.id = l.account_id
  join member m on m.timebank_id = l.timebank_id and m.id = l.looked_by
 where l.timebank_id = $1 and coalesce(a.payee_id, 0) = $2
 order by l.id desc limit $3
"""
LOOKED_AT = """
select account_id from bank_account_look where timebank_id = $1 and id = $2 and looked_by = $3 and at > $4
"""
OWED = """
select count(*) filter (where state = 'approved') as approved,
       coalesce(sum(pence - settled_pence) filter (where state = 'approved'), 0)::bigint as approved_pence,
       count(*) as waiting, coalesce(sum(pence - settled_pence), 0)::bigint as waiting_pence,
       min(due_on) as due_on
  from payable where timebank_id = $1 and payee_id = $2 and state = any('{draft,submitted,approved,rejected,returned}')
"""
CHANGES = """
select c.field, c.before, c.after, c.at, m.display_name as who
  from payee_change c join member m on m.timebank_id = c.timebank_id and m.id = c.by_id
 where c.timebank_id = $1 and c.payee_id = $2 order by c.id desc limit $3
"""
LISTED = """
select y.id, y.name, y.supplier_reference, y.kind, y.pay_by, y.is_open,
       u.last_four, coalesce(w.id is not null, false) as waits, coalesce(w.proposed_by = $4, false) as is_mine,
       o.pence as owed_pence
  from payee y
  left join bank_account u on u.timebank_id = y.timebank_id and u.payee_id = y.id and u.state = 'in_use'
  left join bank_account w on w.timebank_id = y.timebank_id and w.payee_id = y.id and w.state = 'proposed'
  cross join lateral (
      select coalesce(sum(p.pence - p.settled_pence), 0)::bigint as pence from payable p
       where p.timebank_id = y.timebank_id and p.payee_id = y.id
         and p.state = any('{draft,submitted,approved,rejected,returned}')
  ) o
 where y.timebank_id = $1
   and ($2 = '' or y.name ilike $2 or y.supplier_reference ilike $2)
   and case $3 when 'missing' then y.pay_by = 'bank' and u.id is null and (y.is_open or o.pence > 0)
               when 'waiting' then w.id is not null
               when 'closed' then not y.is_open
               else y.is_open end
 order by y.name, y.id limit $5
"""
COUNTS = """
select count(*) filter (where y.is_open) as open,
       count(*) filter (where y.pay_by = 'bank' and not exists (
           select from bank_account u where u.timebank_id = y.timebank_id and u.payee_id = y.id and u.state = 'in_use'
       ) and (y.is_open or exists (
           select from payable p where p.timebank_id = y.timebank_id and p.payee_id = y.id
              and p.state = any('{draft,submitted,approved,rejected,returned}')
       ))) as missing,
       count(*) filter (where exists (
           select from bank_account w where w.timebank_id = y.timebank_id and w.payee_id = y.id and w.state = 'proposed'
       )) as waiting,
       count(*) filter (where not y.is_open) as closed
  from payee y where y.timebank_id = $1
"""
# Accounts that each of these people may confirm or refuse: not their own, and not what they typed.
TO_CONFIRM = """
select d.id, count(*) as accounts
  from unnest($2::bigint[]) as d (id)
  join bank_account a on a.timebank_id = $1 and a.state = 'proposed' and a.proposed_by is distinct from d.id
  left join payee y on y.timebank_id = a.timebank_id and y.id = a.payee_id
 where y.member_id is distinct from d.id
 group by d.id
"""
PAYEE_OF_MEMBER = COLUMNS + " where timebank_id = $1 and member_id = $2"
MAX_SHOWN = 50
MAX_TWINS = 10
VIEWS = ("open", "missing", "waiting", "closed")


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


class AccountFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One account in any state, without its number: that is in ``sealed``. ``checked``: see ``reading.Read``."""

    id: int
    payee_id: int | None
    sealed: bytes
    mark: bytes
    last_four: str
    state: str
    checked: str
    why: str
    proposed_by: int
    proposed_by_name: str
    proposed_at: datetime
    decided_by: int | None
    decided_by_name: str | None
    decided_at: datetime | None


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """What a payee is owed and did not get: approved, and in all (what the bank refused or sent back, too);
    ``due_on`` is the first day. Nothing that is on its way.
    """

    approved: int
    approved_pence: int
    waiting: int
    waiting_pence: int
    due_on: date | None


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody saw a whole number."""

    at: datetime
    why: str
    who: str
    last_four: str


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One changed field of a payee."""

    field: str
    before: str
    after: str
    at: datetime
    who: str


class Twin(msgspec.Struct, frozen=True, kw_only=True):
    """Another payee with the same account."""

    id: int
    name: str


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A payee in the list. ``last_four`` is None without an account in use; ``waits``: one waits to be confirmed,
    and ``is_mine``: the reader proposed it; ``owed_pence``: what they are owed and is not on its way.
    """

    id: int
    name: str
    supplier_reference: str
    kind: str
    pay_by: str
    is_open: bool
    last_four: str | None
    waits: bool
    is_mine: bool
    owed_pence: int


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many payees each view of the list has."""

    open: int
    missing: int
    waiting: int
    closed: int


async def payee(connection: Connection, timebank_id: int, payee_id: int, *, lock: bool = False) -> PayeeFacts | None:
    """One payee, or None. ``lock`` keeps others from changing it until the transaction ends."""
    if not 0 < payee_id <= MAX_KEY:
        return None
    row = await connection.fetchrow(LOCK_PAYEE if lock else PAYEE, timebank_id, payee_id)
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


async def payee_of(connection: Connection, timebank_id: int, member_id: int) -> PayeeFacts | None:
    """The payee that stands for a member, or None when they were never paid."""
    row = await connection.fetchrow(PAYEE_OF_MEMBER, timebank_id, member_id)
    return msgspec.convert(dict(row), PayeeFacts) if row else None


async def listed(
    connection: Connection, timebank_id: int, *, view: str, search: str, member_id: int | None
) -> list[Listed]:
    """Payees of one view (see :data:`VIEWS`) by name, at most :data:`MAX_LISTED`; ``search`` is in name or number."""
    pattern = "%" + re.sub(r"([\\%_])", r"\\\1", search) + "%" if search else ""
    rows = await connection.fetch(LISTED, timebank_id, pattern, view, member_id or 0, MAX_LISTED)
    return [msgspec.convert(dict(row), Listed) for row in rows]


async def counts(connection: Connection, timebank_id: int) -> Counts:
    """How many payees each view has."""
    return msgspec.convert(dict(await connection.fetchrow(COUNTS, timebank_id)), Counts)


async def to_confirm(connection: Connection, timebank_id: int, member_ids: Sequence[int]) -> dict[int, int]:
    """How many proposed accounts each of these people may decide about; who has none is left out."""
    rows = await connection.fetch(TO_CONFIRM, timebank_id, list(member_ids))
    return {row["id"]: row["accounts"] for row in rows}


async def account(
    connection: Connection, timebank_id: int, account_id: int, *, lock: bool = False
) -> AccountFacts | None:
    """One account, or None. ``lock`` keeps others from deciding until the transaction ends."""
    if not 0 < account_id <= MAX_KEY:
        return None
    return _account(await connection.fetchrow(LOCK_ACCOUNT if lock else ACCOUNT_BY_ID, timebank_id, account_id))


async def in_use(connection: Connection, timebank_id: int, payee_id: int | None) -> AccountFacts | None:
    """The account in use of a payee, of the time bank itself for None; or None."""
    return _account(await connection.fetchrow(ACCOUNT_IN_USE, timebank_id, payee_id or 0))


async def accounts_of(connection: Connection, timebank_id: int, payee_id: int | None) -> list[AccountFacts]:
    """Every account there was for a payee, or for the time bank itself, newest first; at most :data:`MAX_SHOWN`."""
    rows = await connection.fetch(ACCOUNTS_OF, timebank_id, payee_id or 0, MAX_SHOWN)
    return [msgspec.convert(dict(row), AccountFacts) for row in rows]


async def twins(
    connection: Connection, timebank_id: int, payee_id: int | None, marks: Sequence[bytes]
) -> tuple[list[Twin], bool]:
    """Other payees with the account of these marks, and whether it is the time bank's own."""
    rows = await connection.fetch(TWINS, timebank_id, list(marks), payee_id, MAX_TWINS)
    is_ours = payee_id is not None and await connection.fetchval(IS_OURS, timebank_id, list(marks))
    return [msgspec.convert(dict(row), Twin) for row in rows], bool(is_ours)


async def looks(connection: Connection, timebank_id: int, payee_id: int | None) -> list[Look]:
    """Who saw a whole number of this payee, newest first; at most :data:`MAX_SHOWN`."""
    return [
        msgspec.convert(dict(row), Look) for row in await connection.fetch(LOOKS, timebank_id, payee_id or 0, MAX_SHOWN)
    ]


async def account_of_look(
    connection: Connection, timebank_id: int, look_id: int, *, looked_by: int | None, since: datetime
) -> int | None:
    """The account of a look that this person took after this moment, or None."""
    if looked_by is None or not 0 < look_id <= MAX_KEY:
        return None
    account_id: int | None = await connection.fetchval(LOOKED_AT, timebank_id, look_id, looked_by, since)
    return account_id


async def owed(connection: Connection, timebank_id: int, payee_id: int | None) -> Owed:
    """What a payee is owed and is not on its way; nothing for the time bank itself."""
    return msgspec.convert(dict(await connection.fetchrow(OWED, timebank_id, payee_id or 0)), Owed)


async def changes(connection: Connection, timebank_id: int, payee_id: int) -> list[Change]:
    """What changed about a payee, newest first; at most :data:`MAX_SHOWN`."""
    rows = await connection.fetch(CHANGES, timebank_id, payee_id, MAX_SHOWN)
    return [msgspec.convert(dict(row), Change) for row in rows]


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


def _account(row: object) -> AccountFacts | None:
    return msgspec.convert(dict(row), AccountFacts) if row else None  # type: ignore[call-overload]
