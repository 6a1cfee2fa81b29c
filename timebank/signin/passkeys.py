"""Passkeys: added to a membership, never required; signing in with one; saying with one who one is.

The browser's answer is checked by the ``webauthn`` package. A challenge is made for one page and good for one answer,
so an answer that was overheard opens nothing.
"""

import json
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import webauthn
from webauthn.helpers import base64url_to_bytes, options_to_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from timebank.db import Connection, Database
from timebank.identity.queries import FoundLink
from timebank.identity.rules import Device, device_words
from timebank.identity.session_store import SignedIn, confirm_session, new_session
from timebank.kit.actor import Actor
from timebank.kit.ids import sha256
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.settings import Settings

VALID_FOR = timedelta(minutes=10)
MAX_PASSKEYS = 10
MAX_ANSWER = 20_000
ADD, SIGN_IN = "add", "sign_in"

NO_KEY: Final = Refusal(
    "passkey_unknown", say("That did not work. Try again, or use another way to sign in."), "answer"
)
TOO_MANY: Final = Refusal("passkeys_too_many", say("You have many passkeys. Take one away first."), "answer")

NEW_CHALLENGE = """
insert into passkey_challenge (challenge_sha256, purpose, timebank_id, member_id, expires_at)
values ($1, $2, $3, $4, $5)
"""
TAKE_CHALLENGE = """
delete from passkey_challenge where challenge_sha256 = $1 and purpose = $2 returning timebank_id, member_id, expires_at
"""
OF_MEMBER = """
select credential_id, name, created_at, last_used_at from passkey
 where timebank_id = $1 and member_id = $2 order by created_at, credential_id
"""
NEW_PASSKEY = """
insert into passkey (credential_id, timebank_id, member_id, public_key, sign_count, name, created_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (credential_id) do nothing
"""
USED = "update passkey set sign_count = $2, last_used_at = $3 where credential_id = $1"
REMOVE = "delete from passkey where timebank_id = $1 and member_id = $2 and credential_id = $3 returning true"
FORGET = "delete from passkey_challenge where expires_at < $1"


class PasskeyLine(msgspec.Struct, frozen=True, kw_only=True):
    """One passkey, as the page shows it. ``id`` names it in the form that takes it away."""

    id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None


async def passkeys_of(db: Database, actor: Actor) -> list[PasskeyLine]:
    """The actor's own passkeys, the oldest first."""
    async with db.globally() as connection:
        rows = await connection.fetch(OF_MEMBER, actor.timebank_id, actor.member_id)
    return [
        PasskeyLine(
            id=row["credential_id"].hex(),
            name=row["name"],
            created_at=row["created_at"],
            last_used_at=row["last_used_at"],
        )
        for row in rows
    ]


async def options_to_add(db: Database, settings: Settings, actor: Actor, display_name: str, *, now: datetime) -> str:
    """What the page tells the browser so that it makes a passkey, as JSON."""
    async with db.globally() as connection:
        rows = await connection.fetch(OF_MEMBER, actor.timebank_id, actor.member_id)
        options = webauthn.generate_registration_options(
            rp_id=relying_party(settings),
            rp_name="Timebank",
            # Says nothing about anybody; the same for all passkeys of one membership.
            user_id=sha256(f"member {actor.timebank_id}/{actor.member_id}"),
            user_name=display_name,
            exclude_credentials=[PublicKeyCredentialDescriptor(id=row["credential_id"]) for row in rows],
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
        )
        await connection.execute(
            NEW_CHALLENGE, sha256(options.challenge), ADD, actor.timebank_id, actor.member_id, now + VALID_FOR
        )
    return options_to_json(options)


async def add(
    db: Database, settings: Settings, actor: Actor, answer: str, device: Device, *, now: datetime
) -> list[Refusal]:
    """Keep the passkey that the browser made; empty when it is done, also when it was kept before.

    Refusals: ``passkey_unknown``, ``passkeys_too_many``.
    """
    read = _read(answer)
    if read is None:
        return [NO_KEY]
    credential, challenge = read
    async with db.globally() as connection:
        asked = await connection.fetchrow(TAKE_CHALLENGE, sha256(challenge), ADD)
        is_ours = asked is not None and (asked["timebank_id"], asked["member_id"]) == (
            actor.timebank_id,
            actor.member_id,
        )
        if not is_ours or asked["expires_at"] <= now:
            return [NO_KEY]
        if len(await connection.fetch(OF_MEMBER, actor.timebank_id, actor.member_id)) >= MAX_PASSKEYS:
            return [TOO_MANY]
        try:
            verified = webauthn.verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=relying_party(settings),
                expected_origin=origin(settings),
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError):
            return [NO_KEY]
        await connection.execute(
            NEW_PASSKEY,
            verified.credential_id,
            actor.timebank_id,
            actor.member_id,
            verified.credential_public_key,
            verified.sign_count,
            str(device_words(device.agent)),
            now,
        )
    return []


async def remove(db: Database, actor: Actor, passkey_id: str) -> bool:
    """Take one of the actor's own passkeys away; False when there is none such."""
    try:
        credential_id = bytes.fromhex(passkey_id)
    except ValueError:
        return False
    async with db.globally() as connection:
        return bool(await connection.fetchval(REMOVE, actor.timebank_id, actor.member_id, credential_id))


async def options_to_sign_in(db: Database, settings: Settings, *, now: datetime) -> str:
    """What the page tells the browser so that it offers its passkeys, as JSON."""
    options = webauthn.generate_authentication_options(
        rp_id=relying_party(settings), user_verification=UserVerificationRequirement.REQUIRED
    )
    async with db.globally() as connection:
        await connection.execute(NEW_CHALLENGE, sha256(options.challenge), SIGN_IN, None, None, now + VALID_FOR)
    return options_to_json(options)


async def sign_in(
    db: Database,
    settings: Settings,
    answer: str,
    device: Device,
    *,
    is_remembered: bool,
    replaces: str,
    now: datetime,
) -> SignedIn | list[Refusal]:
    """Begin a session with a passkey. Refusals: ``passkey_unknown``."""
    async with db.globally() as connection:
        found = await _checked(connection, settings, answer, now)
        if found is None:
            return [NO_KEY]
        return await new_session(connection, found, device, is_remembered=is_remembered, replaces=replaces, now=now)


async def confirm(
    db: Database, settings: Settings, actor: Actor, answer: str, token: str, *, now: datetime
) -> list[Refusal]:
    """Say once more who one is, with a passkey of one's own; empty when it is done. Refusals: ``passkey_unknown``."""
    async with db.globally() as connection:
        found = await _checked(connection, settings, answer, now)
    if found is None or (found.timebank_id, found.member_id) != (actor.timebank_id, actor.member_id):
        return [NO_KEY]
    await confirm_session(db, token, now=now)
    return []


async def forget_challenges(db: Database, _timebank_id: int, now: datetime) -> None:
    """Delete what no answer can be given to any more."""
    async with db.globally() as connection:
        await connection.execute(FORGET, now)


def relying_party(settings: Settings) -> str:
    """The host that passkeys belong to. Browsers accept no bare address, so 127.0.0.1 goes by the name of localhost."""
    host = settings.base_url.partition("://")[2].partition("/")[0].partition(":")[0]
    return "localhost" if host == "127.0.0.1" else host


def origin(settings: Settings) -> str:
    """The address that a browser names when it answers."""
    return settings.base_url.replace("//127.0.0.1", "//localhost")


async def _checked(connection: Connection, settings: Settings, answer: str, now: datetime) -> FoundLink | None:
    read = _read(answer)
    if read is None:
        return None
    credential, challenge = read
    asked = await connection.fetchrow(TAKE_CHALLENGE, sha256(challenge), SIGN_IN)
    found = await connection.fetchrow("select * from find_passkey($1)", base64url_to_bytes(credential["rawId"]))
    if asked is None or asked["expires_at"] <= now or found is None:
        return None
    try:
        verified = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=relying_party(settings),
            expected_origin=origin(settings),
            credential_public_key=found["public_key"],
            credential_current_sign_count=found["sign_count"],
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        return None
    await connection.execute(USED, verified.credential_id, verified.new_sign_count, now)
    return FoundLink(
        timebank_id=found["timebank_id"],
        timebank_name=found["timebank_name"],
        member_id=found["member_id"],
        roles=tuple(found["roles"]),
        expires_at=now,
        used_at=now,
    )


def _read(answer: str) -> tuple[dict[str, Any], bytes] | None:
    """The browser's answer and the challenge that it signed; None when it is no such thing."""
    if len(answer) > MAX_ANSWER:
        return None
    try:
        credential = json.loads(answer)
        base64url_to_bytes(credential["rawId"])
        signed = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
        return credential, base64url_to_bytes(signed["challenge"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
