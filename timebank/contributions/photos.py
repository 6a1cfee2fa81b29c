"""Photos that show what somebody did: made anew by ``kit.pictures``, without location, and kept in the database."""

import hashlib
from datetime import datetime, timedelta

import msgspec

from timebank.db import Connection, Database
from timebank.kit.actor import Actor
from timebank.kit.pictures import ACCEPT, MAX_KEPT_BYTES, MAX_PHOTO_BYTES, MAX_SIDE, MEDIA_TYPE, Remade, remake

__all__ = (
    "ACCEPT",
    "MAX_KEPT_BYTES",
    "MAX_PHOTO_BYTES",
    "MAX_SIDE",
    "MEDIA_TYPE",
    "Photo",
    "Remade",
    "delete_unused",
    "keep",
    "of_contribution",
    "own",
    "remake",
)

UNUSED_KEPT_FOR = timedelta(days=1)
MAX_UNUSED = 10  # for each member; of more, the newest stay
MAX_ID = 2**63 - 1

KEEP = """
insert into photo (timebank_id, member_id, added_by, added_at, sha256, width, height, content)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (timebank_id, member_id, sha256) do update set added_at = excluded.added_at
returning id
"""
OWN = """
select p.id, p.width, p.height, p.content
  from photo p
 where p.timebank_id = $1 and p.id = $2 and p.member_id = $3
"""
OF_CONTRIBUTION = """
select p.id, p.width, p.height, p.content, c.member_id
  from evidence e
  join photo p on p.timebank_id = e.timebank_id and p.id = e.photo_id
  join contribution c on c.timebank_id = e.timebank_id and c.id = e.contribution_id
 where e.timebank_id = $1 and e.contribution_id = $2
"""
DELETE_MANY = """
delete from photo p
 where p.timebank_id = $1 and p.member_id = $2 and p.id in (
       select u.id from photo u
        where u.timebank_id = $1 and u.member_id = $2
          and not exists (select from evidence e where e.timebank_id = u.timebank_id and e.photo_id = u.id)
        order by u.added_at desc, u.id desc
       offset $3)
"""
DELETE_UNUSED = """
delete from photo p
 where p.timebank_id = $1 and p.added_at < $2
   and not exists (select from evidence e where e.timebank_id = p.timebank_id and e.photo_id = p.id)
"""


class Photo(msgspec.Struct, frozen=True, kw_only=True):
    """A kept photo. ``member_id`` is whose time it is about."""

    id: int
    member_id: int
    width: int
    height: int
    content: bytes


async def keep(db: Database, actor: Actor, remade: Remade, *, now: datetime) -> int:
    """Keep a photo of the subject's, and return its id. The same photo is kept once.

    What is not used within UNUSED_KEPT_FOR is deleted by :func:`delete_unused`, and of many unused ones the oldest now.
    """
    async with db.writing(actor.timebank_id) as connection:
        kept = await connection.fetchval(
            KEEP,
            actor.timebank_id,
            actor.subject_id,
            actor.member_id,
            now,
            hashlib.sha256(remade.content).digest(),
            remade.width,
            remade.height,
            remade.content,
        )
        await connection.execute(DELETE_MANY, actor.timebank_id, actor.subject_id, MAX_UNUSED)
        return int(kept)


async def own(connection: Connection, actor: Actor, photo_id: int) -> Photo | None:
    """A photo of the subject's own, used or not; None when there is none."""
    if not 0 < photo_id <= MAX_ID or actor.subject_id is None:
        return None
    row = await connection.fetchrow(OWN, actor.timebank_id, photo_id, actor.subject_id)
    return msgspec.convert({**row, "member_id": actor.subject_id}, Photo) if row else None


async def of_contribution(connection: Connection, timebank_id: int, contribution_id: int) -> Photo | None:
    """The photo that came with time given, or None. Who may see it is for the caller to decide."""
    if not 0 < contribution_id <= MAX_ID:
        return None
    row = await connection.fetchrow(OF_CONTRIBUTION, timebank_id, contribution_id)
    return msgspec.convert(dict(row), Photo) if row else None


async def delete_unused(db: Database, timebank_id: int, now: datetime) -> None:
    """A job: delete photos that were chosen and then not sent."""
    async with db.writing(timebank_id) as connection:
        await connection.execute(DELETE_UNUSED, timebank_id, now - UNUSED_KEPT_FOR)
