"""Photos of receipts: made anew by ``kit.pictures``, without location, and kept for as long as the law asks for them.

A photo that belongs to no claim is deleted after a day. One that does is evidence of a payment: its picture is erased
after :data:`KEPT_YEARS`, and only its hash stays.
"""

import hashlib
from datetime import datetime, timedelta

import msgspec
from dateutil.relativedelta import relativedelta

from timebank.db import Connection, Database
from timebank.kit.actor import Actor
from timebank.kit.paging import MAX_KEY
from timebank.kit.pictures import ACCEPT, MAX_PHOTO_BYTES, MEDIA_TYPE, Remade, remake

__all__ = (
    "ACCEPT",
    "MAX_PHOTO_BYTES",
    "MEDIA_TYPE",
    "Remade",
    "Shown",
    "forget_old",
    "keep",
    "of_access",
    "of_claim",
    "own",
    "remake",
)

UNUSED_KEPT_FOR = timedelta(days=1)
MAX_UNUSED = 10  # for each member; of more, the newest stay
KEPT_YEARS = 7  # financial records in the UK: six years after the end of the year they belong to

KEEP = """
insert into receipt (timebank_id, member_id, added_by, added_at, sha256, width, height, content)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (timebank_id, member_id, sha256)
do update set added_at = excluded.added_at, content = coalesce(receipt.content, excluded.content)
returning id
"""
IS_UNUSED = """
not exists (select from claim_line l where l.timebank_id = r.timebank_id and l.receipt_id = r.id)
and not exists (select from access_receipt a where a.timebank_id = r.timebank_id and a.receipt_id = r.id)
"""
DELETE_MANY = f"""
delete from receipt d
 where d.timebank_id = $1 and d.member_id = $2 and d.id in (
       select r.id from receipt r where r.timebank_id = $1 and r.member_id = $2 and {IS_UNUSED}
        order by r.added_at desc, r.id desc
       offset $3)
"""  # noqa: S608 - constants of this module
DELETE_UNUSED = f"delete from receipt r where r.timebank_id = $1 and r.added_at < $2 and {IS_UNUSED}"  # noqa: S608
ERASE_OLD = """
update receipt r set content = null
 where r.timebank_id = $1 and r.content is not null and r.added_at < $2
   and not exists (select from claim_line l
                     join claim c on c.timebank_id = l.timebank_id and c.id = l.claim_id
                    where l.timebank_id = r.timebank_id and l.receipt_id = r.id
                      and (c.decided_at is null or c.decided_at >= $2))
   and not exists (select from access_receipt a
                     join access_cost c on c.timebank_id = a.timebank_id and c.id = a.access_cost_id
                    where a.timebank_id = r.timebank_id and a.receipt_id = r.id
                      and (c.ended_at is null or c.ended_at >= $2))
"""
OWN = """
select r.id, r.member_id, r.width, r.height, r.content
  from receipt r
 where r.timebank_id = $1 and r.id = $2 and r.member_id = $3 and r.content is not null
"""
OF_CLAIM = """
select r.id, r.member_id, r.width, r.height, r.content
  from claim c
  join claim_line l on l.timebank_id = c.timebank_id and l.claim_id = c.id
  join receipt r on r.timebank_id = l.timebank_id and r.id = l.receipt_id
 where c.timebank_id = $1 and c.reference = $2 and l.n = $3 and r.content is not null
"""
OF_ACCESS = """
select r.id, r.member_id, r.width, r.height, r.content
  from access_cost c
  join access_receipt a on a.timebank_id = c.timebank_id and a.access_cost_id = c.id
  join receipt r on r.timebank_id = a.timebank_id and r.id = a.receipt_id
 where c.timebank_id = $1 and c.reference = $2 and a.n = $3 and r.content is not null
"""
IS_OWN = "select true from receipt where timebank_id = $1 and id = $2 and member_id = $3 for key share"


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A photo of a receipt. ``member_id`` is whose cost it shows."""

    id: int
    member_id: int
    width: int
    height: int
    content: bytes


async def keep(db: Database, actor: Actor, member_id: int, remade: Remade, *, now: datetime) -> int:
    """Keep a photo that shows this member's cost, and return its id. The same photo is kept once."""
    async with db.writing(actor.timebank_id) as connection:
        kept = await connection.fetchval(
            KEEP,
            actor.timebank_id,
            member_id,
            actor.member_id,
            now,
            hashlib.sha256(remade.content).digest(),
            remade.width,
            remade.height,
            remade.content,
        )
        await connection.execute(DELETE_MANY, actor.timebank_id, member_id, MAX_UNUSED)
        return int(kept)


async def own(connection: Connection, timebank_id: int, member_id: int, receipt_id: int) -> Shown | None:
    """A photo of this member's, in use or not; None when there is none."""
    if not 0 < receipt_id <= MAX_KEY:
        return None
    return _shown(await connection.fetchrow(OWN, timebank_id, receipt_id, member_id))


async def is_own(connection: Connection, timebank_id: int, member_id: int, receipt_id: int) -> bool:
    """True when this member has such a photo; it then stays until the transaction ends."""
    found = 0 < receipt_id <= MAX_KEY and await connection.fetchval(IS_OWN, timebank_id, receipt_id, member_id)
    return bool(found)


async def of_claim(connection: Connection, timebank_id: int, reference: str, n: int) -> Shown | None:
    """The photo of one cost of a claim, or None. Who may see it is for the caller to decide."""
    if not 0 < n <= MAX_KEY:
        return None
    return _shown(await connection.fetchrow(OF_CLAIM, timebank_id, reference, n))


async def of_access(connection: Connection, timebank_id: int, reference: str, n: int) -> Shown | None:
    """The photo of one receipt of an advance, or None. Who may see it is for the caller to decide."""
    if not 0 < n <= MAX_KEY:
        return None
    return _shown(await connection.fetchrow(OF_ACCESS, timebank_id, reference, n))


async def forget_old(db: Database, timebank_id: int, now: datetime) -> None:
    """A job: delete photos that nobody sent, and erase those that need not be kept any longer."""
    async with db.writing(timebank_id) as connection:
        await connection.execute(DELETE_UNUSED, timebank_id, now - UNUSED_KEPT_FOR)
        await connection.execute(ERASE_OLD, timebank_id, now - relativedelta(years=KEPT_YEARS))


def _shown(row: object) -> Shown | None:
    return msgspec.convert(dict(row), Shown) if row else None  # type: ignore[call-overload]
