"""Printed cards: a QR code that leads to a form for the PIN. Making one, and signing in with one.

The PIN has four digits, so its hash alone would be no protection. It is hashed together with the card's secret, which
is only on the card: who steals the table cannot try PINs.
"""

import asyncio
import base64
import io
import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from typing import TypeVar

import msgspec
import segno
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from timebank.db import Connection, Database
from timebank.identity import queries
from timebank.identity.permission import require_may_sign_in_for
from timebank.identity.rules import (
    CARD_WINDOW,
    MAX_SECRET_CHARACTERS,
    MAX_WRONG_PINS_PER_CARD,
    MAX_WRONG_PINS_PER_NETWORK,
    MAX_WRONG_PINS_PER_PHONE,
    PAUSE,
    PIN_DIGITS,
    Device,
    check_pin,
    is_weak,
    paused_until,
    read_pin,
)
from timebank.identity.session_store import SignedIn, new_session
from timebank.kit.actor import Actor
from timebank.kit.ids import secret_token, sha256
from timebank.kit.refusal import Refusal
from timebank.kit.words import say

Answer = TypeVar("Answer")

CARD_PATH = "/sign-in/card/"
# OWASP's least for argon2id; two at a time keep a burst of sign-ins within 40 MB.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
MAX_HASHES_AT_ONCE = 2

WRONG = Refusal(
    "wrong_pin",
    say("That did not match. Check the four numbers and try again. Your coordinator can give you a new card."),
    "pin",
)
PAUSED = Refusal(
    "paused",
    say("There were too many wrong tries. Wait 15 minutes and try again, or ask your coordinator for a link."),
    "pin",
)

REVOKE = """
update card set revoked_at = $3 where timebank_id = $1 and member_id = $2 and revoked_at is null returning true
"""
LOCK = "select pg_advisory_xact_lock(hashtextextended($1, 0))"
WRONG_TRIES = """
select at from sign_in_attempt where {column} = $1 and not succeeded and at > $2 order by at desc limit $3
"""
TRIES_OF_PHONE = WRONG_TRIES.format(column="device_sha256")
TRIES_OF_NETWORK = WRONG_TRIES.format(column="network")
TRIES_OF_CARD = WRONG_TRIES.format(column="card_id")
NEW_TRY = """
insert into sign_in_attempt (card_id, network, device_sha256, at, succeeded) values ($1, $2, $3, $4, $5) returning id
"""


class IssuedCard(msgspec.Struct, frozen=True, kw_only=True):
    """A new card. Neither its PIN nor its QR code (``svg``, which leads to ``path``) can be shown again."""

    path: str
    pin: str
    svg: str


async def issue_card(
    db: Database, actor: Actor, member_id: int, *, now: datetime, pin: str | None = None, base_url: str = ""
) -> IssuedCard:
    """Make a card for a member; the card before it stops working at once.

    ``pin`` is what the member chose, else a random one. ``base_url`` is put before the path in the QR code.

    Raises:
        LookupError: the time bank has no such active member.
        NotAllowed: the actor may not sign in for this member.
        ValueError: the PIN is not four digits or too easy; ask :func:`timebank.identity.rules.check_pin` first.
    """
    if pin is not None and check_pin(pin):
        raise ValueError("the PIN is not four digits, or too easy to guess")
    chosen = random_pin() if pin is None else pin
    token = secret_token()
    pin_hash = await _in_thread(lambda: HASHER.hash(_secret(token, chosen)))
    async with db.writing(actor.timebank_id) as connection:
        await require_may_sign_in_for(connection, actor, member_id)
        # Two at once would both see no working card and the second insert would fail.
        await connection.execute(LOCK, f"card of {actor.timebank_id}/{member_id}")
        await _revoke(connection, actor, member_id, now)
        await connection.execute(
            "insert into card (token_sha256, timebank_id, member_id, pin_hash, created_at) values ($1, $2, $3, $4, $5)",
            sha256(token),
            actor.timebank_id,
            member_id,
            pin_hash,
            now,
        )
    path = CARD_PATH + token
    return IssuedCard(path=path, pin=chosen, svg=qr_svg(base_url + path))


async def revoke_card(db: Database, actor: Actor, member_id: int, *, now: datetime) -> bool:
    """Make a lost card useless; False when the member has none.

    Raises:
        LookupError: the time bank has no such active member.
        NotAllowed: the actor may not sign in for this member.
    """
    async with db.writing(actor.timebank_id) as connection:
        await require_may_sign_in_for(connection, actor, member_id)
        return await _revoke(connection, actor, member_id, now)


async def sign_in_by_card(
    db: Database, token: str, typed_pin: str, device: Device, *, is_remembered: bool, replaces: str, now: datetime
) -> SignedIn | list[Refusal]:
    """Begin a session for whoever holds the card and knows its PIN.

    Refusals: ``wrong_pin`` (also for a card that does not exist: same words, same work), ``paused`` (too many wrong
    tries from this phone, this network, or with this card).
    """
    token = token if len(token) <= MAX_SECRET_CHARACTERS else ""
    async with db.globally() as connection:
        found = await queries.card(connection, sha256(token))
        if await _is_paused(connection, found, device, now):
            return [PAUSED]
        # Counted before it is known to be wrong, so that many tries at once cannot pass the limits together.
        try_id = await connection.fetchval(
            NEW_TRY, found.card_id if found else None, device.network, device.mark, now, False
        )
    nobodys = await _in_thread(_nobodys_hash)
    pin_hash = found.pin_hash if found else nobodys
    pin = read_pin(typed_pin)
    if not await _in_thread(lambda: _matches(pin_hash, _secret(token, pin))) or found is None:
        return [WRONG]
    async with db.globally() as connection:
        await connection.execute("delete from sign_in_attempt where id = $1", try_id)
        await connection.fetchval(NEW_TRY, found.card_id, device.network, device.mark, now, True)
        return await new_session(connection, found, device, is_remembered=is_remembered, replaces=replaces, now=now)


async def is_card_of(db: Database, token: str, actor: Actor) -> bool:
    """True when this is a working card of the actor's own."""
    if len(token) > MAX_SECRET_CHARACTERS:
        return False
    async with db.globally() as connection:
        found = await queries.card(connection, sha256(token))
    return found is not None and (found.timebank_id, found.member_id) == (actor.timebank_id, actor.member_id)


def qr_svg(address: str) -> str:
    """A QR code as an SVG picture, black on white, for a page or for print."""
    out = io.BytesIO()
    code = segno.make(address, error="m", micro=False)
    # No size in the picture: the stylesheet decides, on the page and on paper.
    code.save(out, kind="svg", border=4, omitsize=True, xmldecl=False, svgns=True, light="white", nl=False)
    return out.getvalue().decode()


def qr_data_uri(svg: str) -> str:
    """The picture as an address for an ``img``: the content policy allows pictures of that kind, no inline styles."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def random_pin() -> str:
    """Four random digits that are not too easy to guess."""
    while True:
        pin = f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}d}"
        if not is_weak(pin):
            return pin


async def _is_paused(connection: Connection, found: queries.FoundCard | None, device: Device, now: datetime) -> bool:
    """Whether this try may not be made. Waits for tries of the same network and card, to see the ones before."""
    await connection.execute(LOCK, f"sign-in network {device.network}")
    if found is not None:
        await connection.execute(LOCK, f"sign-in card {found.card_id}")
    checks: list[tuple[str, object, int]] = [
        (TRIES_OF_PHONE, device.mark, MAX_WRONG_PINS_PER_PHONE),
        (TRIES_OF_NETWORK, device.network, MAX_WRONG_PINS_PER_NETWORK),
    ]
    for query, mark, limit in checks:
        rows = await connection.fetch(query, mark, now - 2 * PAUSE, limit)
        until = paused_until([row["at"] for row in rows], limit, PAUSE)
        if until is not None and now < until:
            return True
    if found is None:
        return False
    rows = await connection.fetch(TRIES_OF_CARD, found.card_id, now - CARD_WINDOW, MAX_WRONG_PINS_PER_CARD)
    return len(rows) >= MAX_WRONG_PINS_PER_CARD


async def _revoke(connection: Connection, actor: Actor, member_id: int, now: datetime) -> bool:
    revoked = await connection.fetchval(
        REVOKE,
        actor.timebank_id,
        member_id,
        now,
    )
    return bool(revoked)


def _secret(token: str, pin: str) -> str:
    return f"{pin}:{token}"


def _matches(pin_hash: str, secret: str) -> bool:
    try:
        return HASHER.verify(pin_hash, secret)
    except (VerifyMismatchError, InvalidHashError):
        return False


@cache
def _nobodys_hash() -> str:
    """A hash that nothing matches, for a card that does not exist: the answer must take as long."""
    return HASHER.hash(secret_token())


@cache
def _hashing_threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MAX_HASHES_AT_ONCE, thread_name_prefix="pin")


# The server forks its workers, and `timebank demo` has made cards by then. A worker inherits the executor without its
# threads: the first PIN would wait for a thread that is not there.
os.register_at_fork(after_in_child=_hashing_threads.cache_clear)


async def _in_thread(work: Callable[[], Answer]) -> Answer:
    """Hashing takes long on purpose: not in the loop that serves everyone else."""
    return await asyncio.get_running_loop().run_in_executor(_hashing_threads(), work)
