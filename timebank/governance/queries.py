"""Reading the versions of the rules, and what is filled in on the way to a new time bank."""

from datetime import date, datetime
from typing import Any

import msgspec

from timebank.banks.rules import Rules
from timebank.db import Connection
from timebank.governance import rules
from timebank.governance.rules import Difference, SaidRule

MAX_VERSIONS = 100

VERSIONS = """
select r.version, r.document, r.decided_by, r.starts_on, r.note, r.created_at,
       coalesce(m.display_name, '') as recorded_by
  from rules r
  left join member m on m.timebank_id = r.timebank_id and m.id = r.recorded_by
 where r.timebank_id = $1
 order by r.version desc
 limit $2
"""
HAS_TIME = "select exists (select from contribution where timebank_id = $1)"
NAME = "select display_name from member where timebank_id = $1 and id = $2"
TIMEBANKS = "select count(*) from timebank"
DRAFT = """
select answers, timebank_id, member_id, group_id from setup_draft where token_sha256 = $1 and expires_at > $2
"""
LIVE_LINK = "select exists (select from setup_link where token_sha256 = $1 and used_at is null and expires_at > $2)"


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the rules: who decided it, from when it holds, who typed it in (empty for the first)."""

    version: int
    document: Rules
    decided_by: str
    starts_on: date
    note: str
    created_at: datetime
    recorded_by: str

    @property
    def sentences(self) -> list[SaidRule]:
        """Every rule as a sentence."""
        return rules.said(self.document)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What is filled in so far; with ``timebank_id`` it was made into a time bank."""

    answers: dict[str, Any]
    timebank_id: int | None
    member_id: int | None
    group_id: int | None


async def versions(connection: Connection, timebank_id: int) -> list[Version]:
    """The versions of the rules, newest first; also those that start later."""
    rows = await connection.fetch(VERSIONS, timebank_id, MAX_VERSIONS)
    return [msgspec.convert(dict(row), Version) for row in rows]


def in_force(found: list[Version], on: date) -> Version:
    """The version that holds on a day, of those that :func:`versions` found.

    Raises:
        LookupError: none does.
    """
    for version in found:
        if version.starts_on <= on:
            return version
    raise LookupError(f"no rules on {on}")


def changes_of(found: list[Version], version: Version) -> list[Difference]:
    """What a version changed; empty for the first."""
    before = [each for each in found if each.version < version.version]
    return rules.differences(before[0].document, version.document) if before else []


async def name_of(connection: Connection, timebank_id: int, member_id: int) -> str:
    """What a member is called; empty when there is none."""
    return str(await connection.fetchval(NAME, timebank_id, member_id) or "")


async def has_time_been_given(connection: Connection, timebank_id: int) -> bool:
    """True when somebody gave time under the rules of this time bank."""
    return bool(await connection.fetchval(HAS_TIME, timebank_id))


async def is_empty_server(connection: Connection) -> bool:
    """True while there is no time bank."""
    return int(await connection.fetchval(TIMEBANKS)) == 0


async def is_setup_link(connection: Connection, token_sha256: bytes, now: datetime) -> bool:
    """True for a set-up link that still works."""
    return bool(await connection.fetchval(LIVE_LINK, token_sha256, now))


async def draft(connection: Connection, token_sha256: bytes, now: datetime) -> Draft | None:
    """What was filled in behind this secret; None when there is none or it is too old."""
    row = await connection.fetchrow(DRAFT, token_sha256, now)
    return msgspec.convert(dict(row), Draft) if row else None
