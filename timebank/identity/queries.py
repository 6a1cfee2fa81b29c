"""Reading what is behind a secret, before the time bank is known; and lists of sessions for their owner."""

from collections.abc import Collection
from datetime import datetime

import msgspec

from timebank.db import Connection
from timebank.identity.acting import HOW_AGREED
from timebank.identity.rules import MAX_SESSIONS_PER_MEMBER, device_words, is_session_live
from timebank.identity.tables import WebSession

DEVICE_ID_BYTES = 8

ROLES_OF = "select role from member_role where timebank_id = $1 and member_id = $2"
ACTINGS = "select id, reason, how_agreed from acting where timebank_id = $1 and id = any($2::bigint[])"
LIVE_CARD = "select created_at from card where timebank_id = $1 and member_id = $2 and revoked_at is null"


class FoundSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session, the member it belongs to and their time bank: all that a page needs to know about its viewer."""

    timebank_id: int
    timebank_name: str
    timebank_slug: str
    time_zone: str
    currency: str
    help_contact: str
    member_id: int
    display_name: str
    roles: tuple[str, ...]
    csrf: str
    is_remembered: bool
    language: str
    easy_read: bool
    large_text: bool
    seen_at: datetime
    expires_at: datetime
    acting_id: int | None
    acting_for_id: int | None
    acting_for_name: str | None
    acting_reason: str | None
    acting_how_agreed: str | None
    acting_ends_at: datetime | None
    acting_scope: tuple[str, ...] | None


class FoundLink(msgspec.Struct, frozen=True, kw_only=True):
    """A one-time link and whom it signs in."""

    timebank_id: int
    timebank_name: str
    member_id: int
    roles: tuple[str, ...]
    expires_at: datetime
    used_at: datetime | None


class FoundCard(msgspec.Struct, frozen=True, kw_only=True):
    """A card that has not been replaced, and whom it signs in."""

    card_id: int
    timebank_id: int
    member_id: int
    roles: tuple[str, ...]
    pin_hash: str


class FoundToken(msgspec.Struct, frozen=True, kw_only=True):
    """A program's token and whom it acts for."""

    timebank_id: int
    member_id: int
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    expires_at: datetime
    revoked_at: datetime | None


class DeviceLine(msgspec.Struct, frozen=True, kw_only=True):
    """One of my devices, as the page shows it. ``id`` names it in the form that signs it out."""

    id: str
    words: str
    signed_in_at: datetime
    seen_at: datetime
    is_this: bool
    is_remembered: bool


async def session(connection: Connection, token_sha256: bytes) -> FoundSession | None:
    """The session behind a cookie's digest, live or not; None when there is none or the member has left. One query."""
    row = await connection.fetchrow("select * from find_session($1)", token_sha256)
    return msgspec.convert(dict(row), FoundSession) if row else None


async def sign_in_link(connection: Connection, token_sha256: bytes) -> FoundLink | None:
    """The link behind a digest, used or not; None when there is none or the member has left."""
    row = await connection.fetchrow("select * from find_sign_in_link($1)", token_sha256)
    return msgspec.convert(dict(row), FoundLink) if row else None


async def card(connection: Connection, token_sha256: bytes) -> FoundCard | None:
    """The working card behind a digest; None for an unknown or replaced one, or when the member has left."""
    row = await connection.fetchrow("select * from find_card($1)", token_sha256)
    return msgspec.convert(dict(row), FoundCard) if row else None


async def api_token(connection: Connection, token_sha256: bytes) -> FoundToken | None:
    """The token behind a digest, still good or not; None when there is none or the member has left."""
    row = await connection.fetchrow("select * from find_api_token($1)", token_sha256)
    return msgspec.convert(dict(row), FoundToken) if row else None


async def actings(connection: Connection, timebank_id: int, acting_ids: Collection[int]) -> dict[int, str]:
    """Why somebody acted for a member and how that was agreed, in words, by the id of that stretch of time."""
    if not acting_ids:
        return {}
    rows = await connection.fetch(ACTINGS, timebank_id, list(acting_ids))
    return {row["id"]: f"{row['reason']} (agreed {HOW_AGREED[row['how_agreed']]})" for row in rows}


async def roles_of(connection: Connection, timebank_id: int, member_id: int) -> frozenset[str]:
    """The roles of a member; the connection's time bank must be set."""
    return frozenset(row["role"] for row in await connection.fetch(ROLES_OF, timebank_id, member_id))


async def card_made_at(connection: Connection, timebank_id: int, member_id: int) -> datetime | None:
    """When the member's working card was made; None without one."""
    made_at: datetime | None = await connection.fetchval(LIVE_CARD, timebank_id, member_id)
    return made_at


async def devices(
    connection: Connection,
    timebank_id: int,
    member_id: int,
    *,
    this_sha256: bytes,
    roles: frozenset[str],
    now: datetime,
) -> list[DeviceLine]:
    """The member's live sessions, the last used first. The connection is the one of the open transaction."""
    rows = (
        await WebSession.select()
        .where((WebSession.timebank_id == timebank_id) & (WebSession.member_id == member_id))
        .order_by(WebSession.seen_at, ascending=False)
        .limit(MAX_SESSIONS_PER_MEMBER)
    )
    return [
        DeviceLine(
            id=row["token_sha256"][:DEVICE_ID_BYTES].hex(),
            words=device_words(row["device"]),
            signed_in_at=row["created_at"],
            seen_at=row["seen_at"],
            is_this=row["token_sha256"] == this_sha256,
            is_remembered=row["is_remembered"],
        )
        for row in rows
        if is_session_live(
            seen_at=row["seen_at"],
            expires_at=row["expires_at"],
            roles=roles,
            is_remembered=row["is_remembered"],
            now=now,
        )
    ]
