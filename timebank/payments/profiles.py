"""A time bank's own columns for payment files: kept as versions, so that a stored file always names how it was made."""

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.names import tidy
from timebank.kit.refusal import Refusal
from timebank.payments import rules
from timebank.payments.formats import FORMATS, PaymentFormat, find_format
from timebank.payments.formats.payments_csv import OWN, ColumnProfile, PaymentsCsv

MAX_PROFILES = 50
MAX_VERSIONS = 1000
MAX_NAME = 60
MAX_NOTE = 200
MAX_ID = 2**31 - 1

_CODE = re.compile(rf"{re.escape(OWN)}([1-9]\d{{0,8}})(?:-([1-9]\d{{0,3}}))?", re.ASCII)

LATEST = """
select distinct on (p.id) p.id, p.version, p.name, p.note, p.columns, p.is_open, p.at, m.display_name as by_name
  from payment_profile p
  join member m on m.timebank_id = p.timebank_id and m.id = p.by_id
 where p.timebank_id = $1
 order by p.id, p.version desc
"""
VERSIONS = """
select p.id, p.version, p.name, p.note, p.columns, p.is_open, p.at, m.display_name as by_name
  from payment_profile p
  join member m on m.timebank_id = p.timebank_id and m.id = p.by_id
 where p.timebank_id = $1 and p.id = $2
 order by p.version desc
"""
INSERT = """
insert into payment_profile (timebank_id, id, version, name, note, columns, is_open, by_id, at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
LOCK = "select pg_advisory_xact_lock(hashtextextended('payment_profile', $1))"


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a time bank's own columns. ``is_open`` is false once nobody is to choose it any more."""

    id: int
    version: int
    name: str
    note: str
    profile: ColumnProfile
    is_open: bool
    at: datetime
    by_name: str

    @property
    def code(self) -> str:
        """The format's code without a version: whichever is the latest."""
        return f"{OWN}{self.id}"

    @property
    def format(self) -> PaymentsCsv:
        """The format, with this version in its code."""
        return PaymentsCsv(self.profile, f"{self.code}-{self.version}", self.name, note=self.note)


class SaveProfile(msgspec.Struct, frozen=True, kw_only=True):
    """Keep columns under a name: new without ``id``, else the next version of that one.

    ``seen_version`` is the version that the person changed: a change in between is never overwritten.
    """

    name: str
    profile: ColumnProfile
    note: str = ""
    id: int | None = None
    seen_version: int = 0


class RetireProfile(msgspec.Struct, frozen=True, kw_only=True):
    """Offer it no more. Files that were made with it stay."""

    id: int


class SavedProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A profile's version; ``code`` is that of its format, whichever version is the latest."""

    id: int
    version: int
    code: str


async def save_profile(
    db: Database, actor: Actor, command: SaveProfile, *, key: str, now: datetime
) -> SavedProfile | list[Refusal]:
    """Keep a new version. For finance.

    Refusals: ``not_finance``, ``name_missing``, ``name_too_long``, ``note_too_long``, ``name_taken``,
    ``unknown_profile``, ``profile_changed``, ``too_many_profiles``.
    """
    name, note = tidy(command.name), tidy(command.note)
    refusals = rules.check_finance(actor) + _check_texts(name, note)
    if refusals:
        return refusals

    async def work(connection: Connection) -> SavedProfile:
        await connection.execute(LOCK, actor.timebank_id)
        known = await profiles(connection, actor.timebank_id)
        opened = [one for one in known if one.is_open]
        if any(one.name.casefold() == name.casefold() and one.id != command.id for one in opened):
            raise Rollback([Refusal("name_taken", f"There is already a format called “{name}”.", "name")])
        if command.id is None:
            if len(opened) >= MAX_PROFILES:
                text = f"A time bank has at most {MAX_PROFILES} formats of its own. Retire one first."
                raise Rollback([Refusal("too_many_profiles", text)])
            found_id, version = max((one.id for one in known), default=0) + 1, 1
        else:
            current = _current(known, command.id)
            if current.version != command.seen_version:
                text = f"{current.by_name} changed this format in the meantime. Look at it again, then change it."
                raise Rollback([Refusal("profile_changed", text)])
            found_id, version = current.id, current.version + 1
        await _insert(connection, actor, found_id, version, name, note, command.profile, is_open=True, now=now)
        return SavedProfile(id=found_id, version=version, code=f"{OWN}{found_id}")

    return await once(db, actor, "save_payment_profile", key, command, SavedProfile, work)


async def retire_profile(
    db: Database, actor: Actor, command: RetireProfile, *, key: str, now: datetime
) -> SavedProfile | list[Refusal]:
    """Offer it no more: a last version that says so. For finance.

    Refusals: ``not_finance``, ``unknown_profile``, ``format_in_use`` when it is the time bank's own format.
    """
    refusals = rules.check_finance(actor)
    if refusals:
        return refusals

    async def work(connection: Connection) -> SavedProfile:
        await connection.execute(LOCK, actor.timebank_id)
        one = _current(await profiles(connection, actor.timebank_id), command.id)
        chosen = await connection.fetchval(
            "select format from payment_settings where timebank_id = $1", actor.timebank_id
        )
        if chosen is not None and id_of(chosen) == one.id:
            text = "Payment runs are made in this format. Choose another in the payment settings first."
            raise Rollback([Refusal("format_in_use", text)])
        version = one.version + 1
        await _insert(connection, actor, one.id, version, one.name, one.note, one.profile, is_open=False, now=now)
        return SavedProfile(id=one.id, version=version, code=one.code)

    return await once(db, actor, "retire_payment_profile", key, command, SavedProfile, work)


async def profiles(connection: Connection, timebank_id: int) -> list[Profile]:
    """The latest version of every profile, retired ones too, in the order they were made."""
    return [_profile(row) for row in await connection.fetch(LATEST, timebank_id)]


async def versions(connection: Connection, timebank_id: int, profile_id: int) -> list[Profile]:
    """Every version of one profile, newest first; empty when there is none."""
    if not 0 < profile_id <= MAX_ID:
        return []
    return [_profile(row) for row in await connection.fetch(VERSIONS, timebank_id, profile_id)]


async def any_format(connection: Connection, timebank_id: int, code: str) -> PaymentFormat | None:
    """The format of a code, those of the time bank's own columns too; None when there is none.

    ``payments-csv:own-3`` is the latest version, ``payments-csv:own-3-2`` the second, for ever. A retired one is found
    by its version only.
    """
    match = _CODE.fullmatch(code)
    if match is None:
        return find_format(code)
    found = await versions(connection, timebank_id, int(match[1]))
    if match[2] is None:
        return found[0].format if found and found[0].is_open else None
    return next((one.format for one in found if one.version == int(match[2])), None)


async def choices(connection: Connection, timebank_id: int) -> list[tuple[str, str, str]]:
    """Code, name and note of every format that can be chosen now: the time bank's own first."""
    own = [(one.code, one.name, one.note) for one in await profiles(connection, timebank_id) if one.is_open]
    return own + [(one.code, one.name, one.note) for one in FORMATS]


def id_of(code: str) -> int | None:
    """The number of a time bank's own format, with or without a version in its code; None for other codes."""
    match = _CODE.fullmatch(code)
    return int(match[1]) if match else None


def _check_texts(name: str, note: str) -> list[Refusal]:
    if not name:
        return [Refusal("name_missing", "Give this format a name, such as your bank's.", "name")]
    refusals = []
    if len(name) > MAX_NAME:
        refusals.append(Refusal("name_too_long", f"Use at most {MAX_NAME} letters for the name.", "name"))
    if len(note) > MAX_NOTE:
        refusals.append(Refusal("note_too_long", f"Use at most {MAX_NOTE} letters for the note.", "note"))
    return refusals


def _current(known: Sequence[Profile], profile_id: int) -> Profile:
    found = next((one for one in known if one.id == profile_id and one.is_open), None)
    if found is None or found.version >= MAX_VERSIONS - 1:
        raise Rollback([Refusal("unknown_profile", "This format is not there any more. Make a new one.")])
    return found


async def _insert(
    connection: Connection,
    actor: Actor,
    profile_id: int,
    version: int,
    name: str,
    note: str,
    profile: ColumnProfile,
    *,
    is_open: bool,
    now: datetime,
) -> None:
    columns = msgspec.to_builtins(profile)
    await connection.execute(
        INSERT, actor.timebank_id, profile_id, version, name, note, columns, is_open, actor.member_id, now
    )


def _profile(row: object) -> Profile:
    fields = dict(row)  # type: ignore[call-overload]
    columns = fields.pop("columns")
    return Profile(**fields, profile=msgspec.convert(columns, ColumnProfile))
