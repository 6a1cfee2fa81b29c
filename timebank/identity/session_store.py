"""Web sessions as they are kept: begun, found again, ended. Only the SHA-256 of a cookie is stored."""

from datetime import datetime

import msgspec

from timebank.db import Connection, Database
from timebank.identity import queries
from timebank.identity.rules import (
    MAX_SECRET_CHARACTERS,
    MAX_SESSIONS_PER_MEMBER,
    SEEN_EVERY,
    Device,
    is_session_live,
    session_ends,
)
from timebank.kit.actor import Actor
from timebank.kit.ids import secret_token, sha256

NEW_SESSION = """
insert into web_session
    (token_sha256, timebank_id, member_id, csrf, is_remembered, device, created_at, seen_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $7, $8)
"""
DROP_OLDEST_SESSIONS = """
delete from web_session
 where token_sha256 in (
    select token_sha256 from web_session
     where timebank_id = $1 and member_id = $2
     order by seen_at desc, token_sha256 offset $3)
"""


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A new session: ``token`` goes into the browser's cookie and nowhere else."""

    token: str
    timebank_id: int
    member_id: int
    roles: tuple[str, ...]
    is_remembered: bool


async def current_session(db: Database, token: str, *, now: datetime) -> queries.FoundSession | None:
    """The live session of a cookie, and a note that it was seen (at most once a minute); None when there is none."""
    if not 0 < len(token) <= MAX_SECRET_CHARACTERS:
        return None
    mark = sha256(token)
    async with db.globally() as connection:
        found = await queries.session(connection, mark)
        if found is None or not is_session_live(
            seen_at=found.seen_at,
            expires_at=found.expires_at,
            roles=found.roles,
            is_remembered=found.is_remembered,
            now=now,
        ):
            return None
        if now - found.seen_at >= SEEN_EVERY:
            await connection.execute("update web_session set seen_at = $2 where token_sha256 = $1", mark, now)
    return found


async def new_session(
    connection: Connection,
    found: queries.FoundLink | queries.FoundCard,
    device: Device,
    *,
    is_remembered: bool,
    replaces: str,
    now: datetime,
) -> SignedIn:
    """Begin a session inside the open transaction, under a new token; the browser's session before it ends.

    The token is never one that the browser brought: somebody could have planted it there.
    """
    token = secret_token()
    if replaces:
        await connection.execute("delete from web_session where token_sha256 = $1", sha256(replaces))
    await connection.execute(
        NEW_SESSION,
        sha256(token),
        found.timebank_id,
        found.member_id,
        secret_token(),
        is_remembered,
        device.agent,
        now,
        session_ends(now, is_remembered=is_remembered),
    )
    await connection.execute(DROP_OLDEST_SESSIONS, found.timebank_id, found.member_id, MAX_SESSIONS_PER_MEMBER)
    return SignedIn(
        token=token,
        timebank_id=found.timebank_id,
        member_id=found.member_id,
        roles=found.roles,
        is_remembered=is_remembered,
    )


async def confirm_session(db: Database, token: str, *, now: datetime) -> None:
    """Note that a session's member has just shown who they are: by their card, or by a code."""
    async with db.globally() as connection:
        await connection.execute("update web_session set confirmed_at = $2 where token_sha256 = $1", sha256(token), now)


async def sign_out(db: Database, token: str) -> None:
    """End the session of a cookie; nothing happens when there is none."""
    async with db.globally() as connection:
        await connection.execute("delete from web_session where token_sha256 = $1", sha256(token))


async def sign_out_device(db: Database, actor: Actor, device_id: str) -> bool:
    """End one of the actor's own sessions, named as the list of devices names it; False when there is none such."""
    async with db.globally() as connection:
        ended = await connection.fetch(
            """
            delete from web_session
             where timebank_id = $1 and member_id = $2 and encode(substr(token_sha256, 1, $4), 'hex') = $3
            returning true
            """,
            actor.timebank_id,
            actor.member_id,
            device_id,
            queries.DEVICE_ID_BYTES,
        )
    return bool(ended)


async def sign_out_member(connection: Connection, timebank_id: int, member_id: int) -> None:
    """End every session of a member inside the open transaction: what they may do has changed."""
    await connection.execute(
        "delete from web_session where timebank_id = $1 and member_id = $2", timebank_id, member_id
    )
