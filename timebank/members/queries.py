"""Reading members. Every connection here has its time bank set: row-level security hides everybody else's members."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from timebank.db import Connection
from timebank.kit import names as kit_names
from timebank.kit.paging import MAX_KEY, Page, page_of
from timebank.members.rules import CONTACT_ROUTES, MAX_SEARCH, role_words
from timebank.members.tables import Member

MAX_ACCESS_LINES = 50
MAX_LOOSE_MATCHES = 50

RECORD = """
select m.id, m.number, m.display_name, m.email, m.phone, m.contact_route, m.can_offer, m.status, m.joined_on,
       array(select r.role from member_role r
              where r.timebank_id = m.timebank_id and r.member_id = m.id order by r.role) as roles
  from member m
"""
BY_ID = RECORD + " where m.timebank_id = $1 and m.id = $2"
FOUND = """
 where m.timebank_id = $1 and m.status = 'active'
   and ($2 = '' or m.name_key like '%' || $2 || '%' or m.number = $3)
   and ($4::bigint is null or (m.name_key, m.id) >
        (select after.name_key, after.id from member after where after.timebank_id = $1 and after.id = $4))
 order by m.name_key, m.id
 limit $5
"""
SEARCH = RECORD + FOUND
BY_IDS = RECORD + " where m.timebank_id = $1 and m.id = any($2::bigint[]) order by m.name_key, m.id"
KNOWN = """
select id, display_name, number from member where timebank_id = $1 and status = 'active' order by name_key, id
"""
ACCESS = """
select l.at, l.what, m.display_name as by_whom
  from access_log l
  join member m on m.timebank_id = l.timebank_id and m.id = l.actor_id
 where l.timebank_id = $1 and l.subject_id = $2
 order by l.at desc, l.id desc
 limit $3
"""


class KnownMember(msgspec.Struct, frozen=True, kw_only=True):
    """An active member as a list to choose from needs them."""

    id: int
    display_name: str
    number: int


class MemberRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a coordinator may see of a member."""

    id: int
    number: int
    display_name: str
    email: str
    phone: str
    contact_route: str
    can_offer: str
    status: str
    joined_on: date
    roles: tuple[str, ...]

    @property
    def takes_part_as(self) -> str:
        """Their roles as people read them."""
        return role_words(self.roles)

    @property
    def messages_by(self) -> str:
        """How to send them messages, as people read it."""
        return CONTACT_ROUTES[self.contact_route]


class AccessLine(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a member's record."""

    at: datetime
    what: str
    by_whom: str


async def by_id(connection: Connection, timebank_id: int, member_id: int) -> MemberRecord | None:
    """The member with this id, also one who has left; None when this time bank has no such member."""
    if not 0 < member_id <= MAX_KEY:
        return None
    row = await connection.fetchrow(BY_ID, timebank_id, member_id)
    return msgspec.convert(dict(row), MemberRecord) if row else None


async def known_members(connection: Connection, timebank_id: int) -> list[KnownMember]:
    """Every active member, in the order of their names."""
    return [msgspec.convert(dict(row), KnownMember) for row in await connection.fetch(KNOWN, timebank_id)]


async def names(connection: Connection, timebank_id: int, ids: Sequence[int]) -> dict[int, str]:
    """The display names behind these ids, of those that exist; also of members who have left."""
    wanted = [member_id for member_id in set(ids) if 0 < member_id <= MAX_KEY]
    if not wanted:
        return {}
    rows = await Member.select(Member.id, Member.display_name).where(
        (Member.timebank_id == timebank_id) & Member.id.is_in(wanted)
    )
    return {row["id"]: row["display_name"] for row in rows}


async def same_name(connection: Connection, timebank_id: int, display_name: str) -> list[KnownMember]:
    """The active members of this name, however it is spelt in capitals, apostrophes and spaces."""
    rows = await connection.fetch(
        "select id, display_name, number from member where timebank_id = $1 and name_key = $2 and status = 'active'",
        timebank_id,
        kit_names.key(display_name),
    )
    return [msgspec.convert(dict(row), KnownMember) for row in rows]


async def search(
    connection: Connection, timebank_id: int, wanted: str, *, after: int | None, limit: int
) -> Page[MemberRecord]:
    """Active members whose name holds what was typed, or who have that number; in the order of their names.

    When none does, names that are alike apart from accents, apostrophes and hyphens. ``after`` is the id of the last
    member shown before. An empty search finds everybody.
    """
    typed = kit_names.key(wanted[:MAX_SEARCH])
    pattern = typed.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 9 else None
    rows = await connection.fetch(SEARCH, timebank_id, pattern, number, after, limit + 1)
    if not rows and typed and after is None:
        rows = await _alike(connection, timebank_id, typed)
    found = [msgspec.convert(dict(row), MemberRecord) for row in rows]
    return page_of(found, limit, lambda member: (member.id,))


async def access_lines(connection: Connection, timebank_id: int, member_id: int) -> list[AccessLine]:
    """Who looked at this member's record, newest first."""
    rows = await connection.fetch(ACCESS, timebank_id, member_id, MAX_ACCESS_LINES)
    return [msgspec.convert(dict(row), AccessLine) for row in rows]


async def _alike(connection: Connection, timebank_id: int, typed: str) -> Sequence[object]:
    loose = kit_names.loose_key(typed)
    if not loose:
        return []
    ids = [
        member.id
        for member in await known_members(connection, timebank_id)
        if loose in kit_names.loose_key(member.display_name)
    ]
    rows: Sequence[object] = await connection.fetch(BY_IDS, timebank_id, ids[:MAX_LOOSE_MATCHES])
    return rows
