"""Signing in with a code: asking, proving, choosing whose hours to see; and saying once more who one is.

Whoever asks learns nothing about the address: the answer is the same for one that nobody has. A code works together
with the secret of the browser that asked, so a code that is read over a shoulder opens nothing elsewhere.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from timebank.db import Connection, Database
from timebank.identity.queries import FoundLink
from timebank.identity.rules import MAX_SECRET_CHARACTERS, Device
from timebank.identity.session_store import SignedIn, confirm_session, new_session
from timebank.kit.actor import Actor
from timebank.kit.ids import secret_token, sha256
from timebank.kit.refusal import Refusal
from timebank.signin import queries, rules
from timebank.signin.queries import Reached

LOCK = "select pg_advisory_xact_lock(hashtextextended($1, 0))"
NEW_ASK = """
insert into sign_in_ask (ask_sha256, channel, address_sha256, network, code_sha256, link_sha256, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
NEW_MEMBER = """
insert into sign_in_ask_member (ask_sha256, timebank_id, member_id, code_sha256) values ($1, $2, $3, $4)
"""
# Whoever is reached elsewhere had another code.
ONLY_THOSE = "delete from sign_in_ask_member where ask_sha256 = $1 and code_sha256 <> $2"
COUNT_TRY = "update sign_in_ask set wrong_tries = wrong_tries + 1 where ask_sha256 = $1"
PROVED = "update sign_in_ask set proved_at = $2, wrong_tries = greatest(wrong_tries - 1, 0) where ask_sha256 = $1"
USED = "update sign_in_ask set used_at = $2 where ask_sha256 = $1 and used_at is null returning true"
PURGE = "delete from sign_in_ask where created_at < $1"


@dataclass(frozen=True, slots=True)
class Asked:
    """A code was asked for. ``secret`` goes into the browser's cookie; a code and the ``link`` only to who is reached.

    ``codes`` has one for each address: those that are the same mailbox or phone share it.
    """

    secret: str
    codes: Mapping[str, str]
    link: str
    reached: tuple[Reached, ...]
    expires_at: datetime


async def ask(
    db: Database, channel: str, typed: str, device: Device, *, actor: Actor | None = None, now: datetime
) -> Asked | list[Refusal]:
    """Make a code for whoever is reached at an address; ``actor`` narrows it to oneself, to say again who one is.

    Nothing is ``reached`` at an address that nobody has, or for which too many codes were made in the last hour.
    Refusals: ``email_unreadable``, ``phone_unreadable``, ``paused`` (too many from this network).
    """
    wanted = rules.read_address(channel, typed)
    if isinstance(wanted, Refusal):
        return [wanted]
    secret, link = secret_token(), secret_token()
    mark, address = sha256(secret), sha256(f"{channel}:{wanted}")
    expires_at = now + rules.CODE_VALID_FOR
    async with db.globally() as connection:
        await connection.execute(LOCK, f"sign-in code {device.network}")
        await connection.execute(LOCK, f"sign-in code {address.hex()}")
        by_address, by_network = await queries.asked_lately(connection, address, device.network, now - rules.WINDOW)
        if by_network >= rules.MAX_ASKS_PER_NETWORK:
            return [rules.PAUSED]
        found = await queries.reached_at(connection, channel, wanted)
        reached = [] if by_address >= rules.MAX_ASKS_PER_ADDRESS else [one for one in found if _is(one, actor)]
        codes = _codes(channel, reached)
        await connection.execute(
            NEW_ASK,
            mark,
            channel,
            address,
            device.network,
            _digest(secret, secret_token()),  # nobody's: it is those of the members that count
            sha256(link) if channel == rules.EMAIL else None,
            now,
            expires_at,
        )
        await connection.executemany(
            NEW_MEMBER,
            [(mark, one.timebank_id, one.member_id, _digest(secret, codes[one.address])) for one in reached],
        )
    return Asked(secret, codes, link if channel == rules.EMAIL else "", tuple(reached), expires_at)


async def prove_by_code(db: Database, secret: str, typed: str, *, now: datetime) -> list[Reached] | list[Refusal]:
    """Check a typed code in the browser that asked; whom it may sign in.

    Refusals: ``wrong_code``, ``code_gone`` (too late, too many wrong tries, or none was asked for here).
    """
    code = rules.read_code(typed)
    async with db.globally() as connection:
        there = await _live(connection, secret, now)
        if there is None:
            return [rules.NO_MORE]
        # Counted before it is known to be wrong, so that many at once cannot pass the limit together.
        await connection.execute(COUNT_TRY, there.ask_sha256)
        typed_digest = _digest(secret, code)
        known = [there.code_sha256, *await queries.codes_of(connection, there.ask_sha256)]
        if not any(hmac.compare_digest(each, typed_digest) for each in known):
            is_last = there.wrong_tries + 1 >= rules.MAX_WRONG_TRIES
            return [rules.NO_MORE if is_last else rules.WRONG_CODE]
        await connection.execute(ONLY_THOSE, there.ask_sha256, typed_digest)
        return await _proved(connection, there, now)


async def is_from_here(db: Database, secret: str, link: str, *, now: datetime) -> bool:
    """True when this browser asked for the e-mail that holds this link, and the link still works."""
    async with db.globally() as connection:
        there = await _live(connection, secret, now)
    return there is not None and _is_link(there, link)


async def prove_by_link(db: Database, secret: str, link: str, *, now: datetime) -> list[Reached] | list[Refusal]:
    """The button behind the link of an e-mail, pressed in the browser that asked. Refusals: ``code_gone``."""
    async with db.globally() as connection:
        there = await _live(connection, secret, now)
        if there is None or not _is_link(there, link):
            return [rules.NO_MORE]
        return await _proved(connection, there, now)


async def choices(db: Database, secret: str, *, now: datetime) -> list[Reached]:
    """Whom this browser may sign in as after the right code; empty when that is over."""
    async with db.globally() as connection:
        there = await queries.ask(connection, sha256(_short(secret)))
        if there is None or not rules.may_choose(proved_at=there.proved_at, used_at=there.used_at, now=now):
            return []
        return await queries.proved_for(connection, there.ask_sha256)


async def enter(
    db: Database,
    secret: str,
    timebank_id: int,
    member_id: int,
    device: Device,
    *,
    is_remembered: bool,
    replaces: str,
    now: datetime,
) -> SignedIn | None:
    """Begin the session of one of the members that the right code leads to; None when that is over."""
    async with db.globally() as connection:
        there = await queries.ask(connection, sha256(_short(secret)), lock=True)
        if there is None or not rules.may_choose(proved_at=there.proved_at, used_at=there.used_at, now=now):
            return None
        found = [
            one
            for one in await queries.proved_for(connection, there.ask_sha256)
            if (one.timebank_id, one.member_id) == (timebank_id, member_id)
        ]
        if not found or not await connection.fetchval(USED, there.ask_sha256, now):
            return None
        (one,) = found
        link = FoundLink(
            timebank_id=one.timebank_id,
            timebank_name=one.timebank_name,
            member_id=one.member_id,
            roles=one.roles,
            expires_at=there.expires_at,
            used_at=now,
        )
        return await new_session(connection, link, device, is_remembered=is_remembered, replaces=replaces, now=now)


async def confirm(db: Database, actor: Actor, secret: str, typed: str, token: str, *, now: datetime) -> list[Refusal]:
    """Say once more who one is, with a code, in a session that is there; empty when it is done.

    Refusals: those of :func:`prove_by_code`.
    """
    proved = await prove_by_code(db, secret, typed, now=now)
    refusals = [one for one in proved if isinstance(one, Refusal)]
    if refusals:
        return refusals
    if not any(_is(one, actor) for one in proved if isinstance(one, Reached)):
        return [rules.NO_MORE]
    async with db.globally() as connection:
        await connection.fetchval(USED, sha256(_short(secret)), now)
    await confirm_session(db, token, now=now)
    return []


async def forget_asks(db: Database, _timebank_id: int, now: datetime) -> None:
    """Delete the codes that nobody can use any more. They belong to no time bank: whichever comes first deletes."""
    async with db.globally() as connection:
        await connection.execute(PURGE, now - rules.WINDOW - rules.CODE_VALID_FOR)


async def _live(connection: Connection, secret: str, now: datetime) -> queries.Ask | None:
    there = await queries.ask(connection, sha256(_short(secret)), lock=True)
    if there is None or there.proved_at is not None:
        return None
    is_live = rules.is_live(expires_at=there.expires_at, wrong_tries=there.wrong_tries, used_at=there.used_at, now=now)
    return there if is_live else None


async def _proved(connection: Connection, there: queries.Ask, now: datetime) -> list[Reached]:
    await connection.execute(PROVED, there.ask_sha256, now)
    return await queries.proved_for(connection, there.ask_sha256)


def _codes(channel: str, reached: Sequence[Reached]) -> dict[str, str]:
    """A code for each address; the same for addresses that are the same mailbox or phone."""
    of_place: dict[str, str] = {}
    return {
        one.address: of_place.setdefault(rules.same_place(channel, one.address), rules.new_code()) for one in reached
    }


def _is(one: Reached, actor: Actor | None) -> bool:
    return actor is None or (one.timebank_id, one.member_id) == (actor.timebank_id, actor.member_id)


def _is_link(there: queries.Ask, link: str) -> bool:
    return there.link_sha256 is not None and hmac.compare_digest(there.link_sha256, sha256(_short(link)))


def _digest(secret: str, code: str) -> bytes:
    return sha256(f"{code}:{secret}")


def _short(secret: str) -> str:
    return secret if len(secret) <= MAX_SECRET_CHARACTERS else ""


__all__: Sequence[str] = (
    "Asked",
    "ask",
    "choices",
    "confirm",
    "enter",
    "forget_asks",
    "is_from_here",
    "prove_by_code",
    "prove_by_link",
)
