"""Reading what codes were asked for, and whom they may sign in."""

from datetime import datetime

import msgspec

from timebank.db import Connection

ASK = """
select ask_sha256, channel, code_sha256, link_sha256, wrong_tries, created_at, expires_at, proved_at, used_at
  from sign_in_ask where ask_sha256 = $1
"""
ASK_LOCKED = ASK + " for no key update"
ASKED_LATELY = """
select (select count(*) from sign_in_ask where address_sha256 = $1 and created_at > $3) as by_address,
       (select count(*) from sign_in_ask where network = $2 and created_at > $3) as by_network
"""

CODES = "select distinct code_sha256 from sign_in_ask_member where ask_sha256 = $1 and code_sha256 is not null"


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One browser's wish to sign in with a code."""

    ask_sha256: bytes
    channel: str
    code_sha256: bytes
    link_sha256: bytes | None
    wrong_tries: int
    created_at: datetime
    expires_at: datetime
    proved_at: datetime | None
    used_at: datetime | None


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """A member whom an address reaches; the address is theirs as it is on record."""

    timebank_id: int
    timebank_name: str
    member_id: int
    display_name: str
    roles: tuple[str, ...]
    address: str = ""


async def ask(connection: Connection, ask_sha256: bytes, *, lock: bool = False) -> Ask | None:
    """The wish behind a browser's secret, or None."""
    row = await connection.fetchrow(ASK_LOCKED if lock else ASK, ask_sha256)
    return Ask(**dict(row)) if row else None


async def reached_at(connection: Connection, channel: str, wanted: str) -> list[Reached]:
    """The members whom an address reaches, in every time bank; see ``rules.read_address`` for ``wanted``."""
    rows = await connection.fetch("select * from find_members_by_address($1, $2)", channel, wanted)
    return [msgspec.convert(dict(row), Reached) for row in rows]


async def proved_for(connection: Connection, ask_sha256: bytes) -> list[Reached]:
    """The members whom an ask may sign in once its code was right."""
    rows = await connection.fetch("select * from find_asked_members($1)", ask_sha256)
    return [msgspec.convert(dict(row), Reached) for row in rows]


async def codes_of(connection: Connection, ask_sha256: bytes) -> list[bytes]:
    """The codes of an ask, one for each place that it went to."""
    return [bytes(row["code_sha256"]) for row in await connection.fetch(CODES, ask_sha256)]


async def asked_lately(connection: Connection, address_sha256: bytes, network: str, since: datetime) -> tuple[int, int]:
    """How many codes were asked for since then: for this address, and from this network."""
    row = await connection.fetchrow(ASKED_LATELY, address_sha256, network, since)
    return row["by_address"], row["by_network"]


async def confirmed_at(connection: Connection, token_sha256: bytes) -> datetime | None:
    """When a session last showed who is in front of it."""
    found: datetime | None = await connection.fetchval(
        "select coalesce(confirmed_at, created_at) from web_session where token_sha256 = $1", token_sha256
    )
    return found


async def addresses_of(connection: Connection, timebank_id: int, member_id: int) -> dict[str, str]:
    """Where a member can be reached by e-mail and text message, as it is on record; none left empty."""
    row = await connection.fetchrow(
        "select email, phone as sms from member where timebank_id = $1 and id = $2", timebank_id, member_id
    )
    return {channel: address for channel, address in dict(row or {}).items() if address}
