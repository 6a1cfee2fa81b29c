"""Signing in and out, and handing out the ways to do it: one-time links, cards, tokens for programs.

Secrets are made here, given back once and stored only as SHA-256. A secret is looked up before the time bank is known,
in global tables; whoever hands one out acts inside their time bank.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from timebank.db import Database
from timebank.identity import queries
from timebank.identity.cards import (
    IssuedCard,
    is_card_of,
    issue_card,
    qr_data_uri,
    qr_svg,
    revoke_card,
    sign_in_by_card,
)
from timebank.identity.permission import require_may_sign_in_for
from timebank.identity.rules import (
    LINK_VALID_FOR,
    MAX_LINK_VALID_FOR,
    MAX_OPEN_LINKS_PER_MEMBER,
    MAX_SECRET_CHARACTERS,
    TOKEN_PREFIX,
    TOKEN_VALID_FOR,
    Device,
    NotAllowed,
    check_token,
    is_link_live,
)
from timebank.identity.session_store import (
    SignedIn,
    confirm_session,
    current_session,
    new_session,
    sign_out,
    sign_out_device,
    sign_out_member,
)
from timebank.kit.actor import Actor
from timebank.kit.ids import secret_token, sha256
from timebank.kit.refusal import Refusal

__all__ = (
    "IssuedCard",
    "LinkFacts",
    "NotAllowed",
    "SignedIn",
    "confirm_session",
    "create_link",
    "create_token",
    "current_session",
    "is_card_of",
    "issue_card",
    "link_facts",
    "qr_data_uri",
    "qr_svg",
    "revoke_card",
    "revoke_token",
    "sign_in_by_card",
    "sign_in_by_link",
    "sign_out",
    "sign_out_device",
    "sign_out_member",
)

USE_LINK = """
update sign_in_link set used_at = $2 where token_sha256 = $1 and used_at is null and expires_at > $2 returning true
"""
NEW_LINK = """
insert into sign_in_link (token_sha256, timebank_id, member_id, created_at, expires_at) values ($1, $2, $3, $4, $5)
"""
END_OLDEST_LINKS = """
update sign_in_link set expires_at = $3
 where token_sha256 in (
    select token_sha256 from sign_in_link
     where timebank_id = $1 and member_id = $2 and used_at is null and expires_at > $3
     order by created_at desc, token_sha256 offset $4)
"""
NEW_PROGRAM = """
insert into api_token (token_sha256, timebank_id, member_id, name, scopes, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7)
"""


class LinkFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of a link that still works may say."""

    timebank_name: str


# One-time links -----------------------------------------------------------------------------------------------------


async def create_link(
    db: Database, actor: Actor, member_id: int, *, now: datetime, valid_for: timedelta = LINK_VALID_FOR
) -> str:
    """Make a link that signs the member in once; return its path, ``/sign-in/link/<secret>``. It cannot be shown again.

    Raises:
        LookupError: the time bank has no such active member.
        NotAllowed: the actor may not sign in for this member.
        ValueError: ``valid_for`` is not between 0 and :data:`~timebank.identity.rules.MAX_LINK_VALID_FOR`.
    """
    if not timedelta(0) < valid_for <= MAX_LINK_VALID_FOR:
        raise ValueError(f"a link can be valid for {MAX_LINK_VALID_FOR.days} days at most")
    token = secret_token()
    async with db.writing(actor.timebank_id) as connection:
        await require_may_sign_in_for(connection, actor, member_id)
        await connection.execute(NEW_LINK, sha256(token), actor.timebank_id, member_id, now, now + valid_for)
        await connection.execute(END_OLDEST_LINKS, actor.timebank_id, member_id, now, MAX_OPEN_LINKS_PER_MEMBER)
    return f"/sign-in/link/{token}"


async def link_facts(db: Database, token: str, *, now: datetime) -> LinkFacts | None:
    """What the page of a link may say; None for a link that is unknown, used or too old. Changes nothing."""
    if len(token) > MAX_SECRET_CHARACTERS:
        return None
    async with db.globally() as connection:
        found = await queries.sign_in_link(connection, sha256(token))
    if found is None or not is_link_live(expires_at=found.expires_at, used_at=found.used_at, now=now):
        return None
    return LinkFacts(timebank_name=found.timebank_name)


async def sign_in_by_link(
    db: Database, token: str, device: Device, *, is_remembered: bool, replaces: str, now: datetime
) -> SignedIn | None:
    """Use a link up and begin a session; None for a link that is unknown, used or too old.

    Of several at once exactly one wins. ``replaces`` is the cookie the browser had before, or empty.
    """
    if len(token) > MAX_SECRET_CHARACTERS:
        return None
    mark = sha256(token)
    async with db.globally() as connection:
        if not await connection.fetchval(USE_LINK, mark, now):
            return None
        found = await queries.sign_in_link(connection, mark)
        if found is None:
            return None
        return await new_session(connection, found, device, is_remembered=is_remembered, replaces=replaces, now=now)


# Tokens for programs ------------------------------------------------------------------------------------------------


async def create_token(
    db: Database,
    actor: Actor,
    member_id: int,
    name: str,
    scopes: Sequence[str],
    *,
    now: datetime,
    valid_for: timedelta = TOKEN_VALID_FOR,
) -> str | list[Refusal]:
    """Make a token with which a program acts as the member, within ``scopes``. It cannot be shown again.

    Refusals: those of :func:`timebank.identity.rules.check_token`.

    Raises:
        LookupError: the time bank has no such active member.
        NotAllowed: the actor may not sign in for this member.
    """
    refusals = check_token(name, scopes, valid_for)
    if refusals:
        return refusals
    token = TOKEN_PREFIX + secret_token()
    async with db.writing(actor.timebank_id) as connection:
        await require_may_sign_in_for(connection, actor, member_id)
        await connection.execute(
            NEW_PROGRAM,
            sha256(token),
            actor.timebank_id,
            member_id,
            name.strip(),
            sorted(set(scopes)),
            now,
            now + valid_for,
        )
    return token


async def revoke_token(db: Database, actor: Actor, token: str, *, now: datetime) -> bool:
    """Make a token of the actor's time bank useless from now on; False when there is no such token in use."""
    async with db.writing(actor.timebank_id) as connection:
        member_id = await connection.fetchval(
            "select member_id from api_token where token_sha256 = $1 and timebank_id = $2 and revoked_at is null",
            sha256(token),
            actor.timebank_id,
        )
        if member_id is None:
            return False
        await require_may_sign_in_for(connection, actor, member_id)
        await connection.execute("update api_token set revoked_at = $2 where token_sha256 = $1", sha256(token), now)
    return True
