"""Reading members. Every connection here has its time bank set: row-level security hides everybody else's members."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from timebank.db import Connection
from timebank.kit import names as kit_names
from timebank.kit import text
from timebank.kit.actor import Actor
from timebank.kit.paging import MAX_KEY, Page, page_of
from timebank.members.rules import (
    CONTACT_ROUTES,
    DETAILS,
    FORMATS,
    KINDS,
    LANGUAGES,
    MAX_SEARCH,
    Details,
    fields_seen,
    role_words,
)
from timebank.members.tables import Member

MAX_ACCESS_LINES = 50
_CHOICES = ("contact_route", "language", "format_preference")
MAX_NUMBER_DIGITS = 9
SAME_LETTERS = 3  # a word that begins alike may be a name with a typing mistake in it
MIN_PHONE_DIGITS_FOUND = 4  # fewer digits are a member number
INTERNATIONAL_END = 9  # a number typed with its country code meets the same one kept without

RECORD = """
select m.id, m.number, m.kind, m.display_name, m.email, m.phone, m.contact_route, m.postal_address, m.language,
       m.format_preference, m.access_needs, m.can_offer, m.emergency_name, m.emergency_phone, m.contact_member_id,
       m.status, m.joined_on, m.revision,
       array(select r.role from member_role r
              where r.timebank_id = m.timebank_id and r.member_id = m.id order by r.role) as roles
  from member m
"""
BY_ID = RECORD + " where m.timebank_id = $1 and m.id = $2"
# Looks through an index alone; only what is shown is then fetched.
FOUND = """
with found as materialized (
    select m.id, m.name_key from member m
     where {conditions}
     order by m.name_key, m.id limit {limit})
"""
SHOWN = " join found on found.id = m.id where m.timebank_id = $1 order by found.name_key, found.id"
SEARCH = FOUND + RECORD + SHOWN
WITH_ROLE = "m.id = any(array(select r.member_id from member_role r where r.timebank_id = $1 and r.role = {}))"
WITHOUT_ROLE = (
    "m.id <> all(array(select r.member_id from member_role r where r.timebank_id = $1)) and m.kind = 'person'"
)
IN_GROUP = """m.id = any(array(select g.member_id from group_membership g
 where g.timebank_id = $1 and g.group_id = {} and g.until_on is null))"""
AFTER = """(m.name_key, m.id) >
 (select after.name_key, after.id from member after where after.timebank_id = $1 and after.id = {})"""
GROUPS = """
select id, display_name, number from member
 where timebank_id = $1 and kind <> 'person' and status <> 'left' order by name_key, id limit $2
"""
MAX_GROUPS = 500
MAX_CHOICES = 1000
PEOPLE = """
select id, display_name, number from member
 where timebank_id = $1 and kind = 'person' and status = 'active' order by name_key, id limit $2
"""
BY_NUMBER = "select id, display_name, number from member where timebank_id = $1 and number = $2 and status = 'active'"
KNOWN = """
select id, display_name, number from member where timebank_id = $1 and status = 'active' order by name_key, id
"""
KNOWN_SOME = """
select id, display_name, number from member
 where timebank_id = $1 and status = 'active'
   and (id = any($2::bigint[]) or number = any($3::integer[]) or search_text like any($4::text[]))
 order by name_key, id
"""
HOURS_SHOWN = "select hours_shown from member where timebank_id = $1 and id = $2"
ACTIVE = "select count(*) from member where timebank_id = $1 and status = 'active'"
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
    kind: str
    display_name: str
    email: str
    phone: str
    contact_route: str
    postal_address: str
    language: str
    format_preference: str
    access_needs: str
    can_offer: str
    emergency_name: str
    emergency_phone: str
    contact_member_id: int | None
    status: str
    joined_on: date
    revision: int
    roles: tuple[str, ...]

    @property
    def details(self) -> Details:
        """What can be changed of them, as it is kept."""
        return Details(**{name: getattr(self, name) for name in DETAILS})

    @property
    def takes_part_as(self) -> str:
        """Their roles as people read them; a group is called one."""
        return role_words(self.roles) if self.kind == "person" else KINDS[self.kind].split(" ")[1].capitalize()

    @property
    def messages_by(self) -> str:
        """How to send them messages, as people read it."""
        return CONTACT_ROUTES[self.contact_route]

    @property
    def language_words(self) -> str:
        """Their language, as people read it."""
        return LANGUAGES.get(self.language, self.language)

    @property
    def format_words(self) -> str:
        """How they like to read, as people read it."""
        return FORMATS[self.format_preference]

    @property
    def emergency_words(self) -> str:
        """Whom to call in an emergency and on which number; empty when nobody is named."""
        return ", ".join(part for part in (self.emergency_name, self.emergency_phone) if part)


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Which members a list shows, besides what was typed. Empty filters show everybody who has not left.

    ``role``: a role, or ``participant`` for people with none. ``status``: ``active``, ``paused`` or ``left``.
    ``group_id``: who belongs to that group now. ``has_access_needs``: something is written that should be read before
    they come. ``has_no_route``: no message reaches them.
    """

    role: str = ""
    status: str = ""
    kind: str = ""
    group_id: int | None = None
    has_access_needs: bool = False
    has_no_route: bool = False


NO_FILTERS = Filters()


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


def as_seen_by(actor: Actor, member: MemberRecord) -> MemberRecord:
    """The record with what the actor may not see left empty."""
    hidden = {name: "" for name in DETAILS if name not in fields_seen(actor) and name not in _CHOICES}
    return msgspec.structs.replace(member, **hidden)


async def known_members(connection: Connection, timebank_id: int) -> list[KnownMember]:
    """Every active member, in the order of their names."""
    return [msgspec.convert(dict(row), KnownMember) for row in await connection.fetch(KNOWN, timebank_id)]


async def active(connection: Connection, timebank_id: int) -> int:
    """How many active members there are."""
    return int(await connection.fetchval(ACTIVE, timebank_id))


async def known_some(
    connection: Connection, timebank_id: int, ids: Sequence[int], typed: Sequence[str]
) -> list[KnownMember]:
    """The active members with these ids, and those whom one of the typed texts may mean: by number, or because a word
    of their name begins like one of the text. For time banks that are too large to look at everybody.
    """
    numbers = [int(text) for text in typed if text.isascii() and text.isdigit() and len(text) <= MAX_NUMBER_DIGITS]
    starts = {word[:SAME_LETTERS] for text in typed for word in kit_names.loose_key(text).split()}
    patterns = [pattern for word in starts for pattern in (f"{word}%", f"% {word}%", f"%\n{word}%")]
    rows = await connection.fetch(KNOWN_SOME, timebank_id, list(ids), numbers, patterns)
    return [msgspec.convert(dict(row), KnownMember) for row in rows]


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


async def choices(connection: Connection, timebank_id: int) -> list[KnownMember]:
    """The active people to choose from in a field; none where there are too many for a list, and a number is typed."""
    rows = await connection.fetch(PEOPLE, timebank_id, MAX_CHOICES + 1)
    found = [msgspec.convert(dict(row), KnownMember) for row in rows]
    return found if len(found) <= MAX_CHOICES else []


async def chosen(connection: Connection, timebank_id: int, typed: str) -> KnownMember | None:
    """The active member that was typed as ``Name (number)``, as a number or as a name that only one has.

    A name and a number that belong to two people are nobody.
    """
    name, _, number = typed.rstrip(" )").rpartition("(")
    if number.strip().isascii() and number.strip().isdigit() and len(number) <= MAX_NUMBER_DIGITS:
        row = await connection.fetchrow(BY_NUMBER, timebank_id, int(number))
        is_theirs = row and (not name.strip() or kit_names.key(name) == kit_names.key(row["display_name"]))
        return msgspec.convert(dict(row), KnownMember) if is_theirs else None
    named = await same_name(connection, timebank_id, typed)
    return named[0] if len(named) == 1 else None


async def same_email(connection: Connection, timebank_id: int, email: str) -> list[KnownMember]:
    """The active members with this e-mail address, in capitals or not; none for an empty one."""
    if not email.strip():
        return []
    rows = await connection.fetch(
        "select id, display_name, number from member"
        " where timebank_id = $1 and lower(email) = lower($2) and email <> '' and status = 'active' order by id",
        timebank_id,
        email.strip(),
    )
    return [msgspec.convert(dict(row), KnownMember) for row in rows]


async def groups(connection: Connection, timebank_id: int) -> list[KnownMember]:
    """Groups and organisations that are members, in the order of their names; at most :data:`MAX_GROUPS`."""
    rows = await connection.fetch(GROUPS, timebank_id, MAX_GROUPS)
    return [msgspec.convert(dict(row), KnownMember) for row in rows]


async def search(
    connection: Connection,
    timebank_id: int,
    wanted: str,
    *,
    filters: Filters = NO_FILTERS,
    after: int | None,
    limit: int,
) -> Page[MemberRecord]:
    """Members whose name or e-mail address holds what was typed, whose phone number holds its digits, or who have that
    member number; in the order of their names.

    Accents, apostrophes and hyphens in names are forgotten. ``after`` is the id of the last member shown before. An
    empty search finds everybody whom the filters let through.
    """
    conditions, given = _conditions(timebank_id, wanted[:MAX_SEARCH], filters, after)
    given.append(limit + 1)
    rows = await connection.fetch(SEARCH.format(conditions=" and ".join(conditions), limit=f"${len(given)}"), *given)
    found = [msgspec.convert(dict(row), MemberRecord) for row in rows]
    return page_of(found, limit, lambda member: (member.id,))


def _conditions(timebank_id: int, typed: str, filters: Filters, after: int | None) -> tuple[list[str], list[object]]:
    """Only the conditions that were asked for, so that the database plans for those; and what stands for $1, $2, ..."""
    given: list[object] = [timebank_id]

    def put(value: object) -> str:
        given.append(value)
        return f"${len(given)}"

    statuses = [filters.status] if filters.status else ["active", "paused"]
    conditions = ["m.timebank_id = $1", f"m.status = any({put(statuses)}::text[])"]
    if compared := patterns(typed):
        found = f"m.search_text like any({put(compared)}::text[])"
        if typed.isascii() and typed.isdigit() and len(typed) <= MAX_NUMBER_DIGITS:
            found = f"({found} or m.number = {put(int(typed))})"
        conditions.append(found)
    if filters.kind:
        conditions.append(f"m.kind = {put(filters.kind)}")
    if filters.role:
        is_participant = filters.role == "participant"
        conditions.append(WITHOUT_ROLE if is_participant else WITH_ROLE.format(put(filters.role)))
    if filters.group_id is not None:
        conditions.append(IN_GROUP.format(put(filters.group_id)))
    if filters.has_access_needs:
        conditions.append("m.access_needs <> ''")
    if filters.has_no_route:
        conditions.append("m.contact_route = 'none'")
    if after is not None:
        conditions.append(AFTER.format(put(after)))
    return conditions, given


def patterns(typed: str) -> list[str]:
    """What ``search_text`` is compared with: the name or address as typed, without accents, and phone digits."""
    plain_key, loose_key = kit_names.key(typed), kit_names.loose_key(typed)
    digits = "".join(c for c in text.plain(typed) if c.isdigit())
    if digits and not loose_key.replace(" ", "").strip(digits):
        # Nothing but digits: a phone number, or a few that are a member number or stand in a name.
        if len(digits) < MIN_PHONE_DIGITS_FOUND:
            return [f"%{digits}%\n%\n%\n%"]
        is_international = text.plain(typed).startswith(("+", "00"))
        end = digits[-INTERNATIONAL_END:] if is_international and len(digits) > INTERNATIONAL_END else digits
        return [f"%{end.lstrip('0') or end}%"]
    found = [f"%{_escaped(each)}%" for each in dict.fromkeys((plain_key, loose_key)) if each]
    return found or ([f"%{_escaped(typed.strip())}%"] if typed.strip() else [])


def _escaped(typed: str) -> str:
    return typed.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def access_lines(connection: Connection, timebank_id: int, member_id: int) -> list[AccessLine]:
    """Who looked at this member's record, newest first."""
    rows = await connection.fetch(ACCESS, timebank_id, member_id, MAX_ACCESS_LINES)
    return [msgspec.convert(dict(row), AccessLine) for row in rows]


async def hours_shown(connection: Connection, timebank_id: int, member_id: int) -> str:
    """How a member wants their hours shown: ``have`` or ``gave_and_used``."""
    chosen = await connection.fetchval(HOURS_SHOWN, timebank_id, member_id)
    return chosen or "have"
