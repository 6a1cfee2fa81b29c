"""Register files: kept as they came, previewed line by line, confirmed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from timebank.activities.service import AddActivity, make_activity
from timebank.banks import queries as banks
from timebank.contributions import queries, register_file, rules
from timebank.contributions.guests import SAME_NAME, AddGuest, add_guest_within
from timebank.contributions.preview import NEW_GUEST, Answers, Preview, PreviewLine, judge, read_lines
from timebank.contributions.queries import Group, Upload
from timebank.contributions.recording import SavedRegister, record
from timebank.contributions.register_file import MAX_LINES, KnownMember, RegisterFile
from timebank.contributions.rules import Facts, Line
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import names
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.ids import sha256
from timebank.kit.refusal import Refusal
from timebank.members import queries as members

MAX_FILE_NAME = 200
DEFAULT_MINUTES = 60

KEEP = """
insert into register_upload (timebank_id, file_name, sha256, content, uploaded_by, uploaded_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (timebank_id, sha256) do nothing
"""

KEPT = """
select u.id, (select r.reference from register r
               where r.timebank_id = u.timebank_id and r.upload_id = u.id and r.undone_at is null) as reference
  from register_upload u
 where u.timebank_id = $1 and u.sha256 = $2
"""

# One file is confirmed by one person at a time: the second then sees that it is a register already.
ONE_AT_A_TIME = (
    "select pg_advisory_xact_lock(hashtextextended('register_upload:' || $1::bigint || ':' || $2::bigint, 0))"
)


class KeptUpload(msgspec.Struct, frozen=True, kw_only=True):
    """A file is kept. ``reference`` is the register that it already became, if it did."""

    upload_id: int
    reference: str | None = None


class ConfirmUpload(msgspec.Struct, frozen=True, kw_only=True):
    """Save the ready lines of a kept file, with what was decided about the others."""

    upload_id: int
    answers: Answers = Answers()


class ConfirmedUpload(msgspec.Struct, frozen=True, kw_only=True):
    """The register that a file became. ``is_new`` is False when that had happened before: then nothing was changed."""

    reference: str
    is_new: bool
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Previewed:
    """A kept file as the page shows it: the file, what will happen, and what can be chosen."""

    upload: Upload
    preview: Preview
    groups: Sequence[Group]
    members: Sequence[KnownMember]


async def keep_upload(
    db: Database, actor: Actor, *, file_name: str, content: bytes, now: datetime
) -> KeptUpload | list[Refusal]:
    """Keep a register file as it came; the same bytes lead to the same upload, whoever sends them.

    Refusals: ``not_allowed``, and why the file cannot be read (see :func:`register_file.read`); then it is not kept.
    """
    if refusal := rules.may_record(actor):
        return [refusal]
    file = register_file.read(content)
    if isinstance(file, Refusal):
        return [file]
    mark = sha256(content)
    name = names.tidy(file_name)[-MAX_FILE_NAME:]
    async with db.writing(actor.timebank_id) as connection:
        await connection.execute(KEEP, actor.timebank_id, name, mark, content, actor.member_id, now)
        kept = await connection.fetchrow(KEPT, actor.timebank_id, mark)
        return KeptUpload(upload_id=kept["id"], reference=kept["reference"])


async def preview_upload(
    db: Database, actor: Actor, upload_id: int, answers: Answers, *, now: datetime
) -> Previewed | list[Refusal]:
    """Say line by line what confirming the file would do, with the answers given so far. Changes nothing.

    Refusals: ``not_allowed``.

    Raises:
        LookupError: this time bank has no such upload.
    """
    if refusal := rules.may_record(actor):
        return [refusal]
    try:
        async with db.reading(actor.timebank_id) as connection:
            upload = await queries.upload(connection, actor.timebank_id, upload_id)
            if upload is None:
                raise LookupError(f"no upload {upload_id}")
            groups = await queries.groups(connection, actor.timebank_id)
            known = await _members(connection, actor.timebank_id)
            preview = await _preview(connection, actor, upload, known, answers, now)
            return Previewed(upload, preview, groups, known)
    except Rollback as rollback:
        return rollback.refusals


async def confirm_upload(
    db: Database, actor: Actor, command: ConfirmUpload, *, key: str, now: datetime
) -> ConfirmedUpload | list[Refusal]:
    """Save the ready lines of a file as one register: all of them or none. Lines that were not saved are kept with it.

    A file that is a register already changes nothing and leads to it. Refusals: ``not_allowed``, ``nothing_to_save``,
    every question that is still open, and what saving a register refuses.

    Raises:
        LookupError: this time bank has no such upload.
    """
    if refusal := rules.may_record(actor):
        return [refusal]
    # The answers go by line number, and JSON has only texts as names.
    content = msgspec.to_builtins(command, str_keys=True, order="deterministic")

    async def work(connection: Connection) -> ConfirmedUpload:
        return await _confirm(connection, actor, command, now)

    return await once(db, actor, "confirm_upload", key, content, ConfirmedUpload, work)


async def _confirm(connection: Connection, actor: Actor, command: ConfirmUpload, now: datetime) -> ConfirmedUpload:
    if not 0 < command.upload_id <= queries.MAX_ID:
        raise LookupError(f"no upload {command.upload_id}")
    await connection.execute(ONE_AT_A_TIME, actor.timebank_id, command.upload_id)
    upload = await queries.upload(connection, actor.timebank_id, command.upload_id)
    if upload is None:
        raise LookupError(f"no upload {command.upload_id}")
    if upload.reference is not None:
        return ConfirmedUpload(reference=upload.reference, is_new=False)
    known = await _members(connection, actor.timebank_id)
    preview = await _preview(connection, actor, upload, known, command.answers, now)
    if questions := preview.open_questions:
        raise Rollback(questions)
    lines = [one.line for one in preview.of("ready") if one.line]
    if not lines:
        message = "There is nothing to save: no line of this file can be added as it stands."
        raise Rollback([Refusal("nothing_to_save", message)])
    made = await _make_groups(connection, actor, preview, lines)
    lines = await _with_guests(connection, actor, preview, lines, now)
    left_out = [_left_out(one) for one in preview.lines if one.state != "ready"]
    saved: SavedRegister = await record(
        connection,
        actor,
        [msgspec.structs.replace(line, activity_id=made.get(line.activity_id, line.activity_id)) for line in lines],
        source="file",
        max_lines=MAX_LINES,
        upload_id=upload.id,
        left_out=left_out,
        now=now,
    )
    return ConfirmedUpload(reference=saved.reference, is_new=True, left_out=len(left_out))


async def _make_groups(
    connection: Connection, actor: Actor, preview: Preview, lines: Sequence[Line]
) -> dict[int | None, int]:
    """Make the new groups that a ready line needs; their ids by the number they had in the preview."""
    made: dict[int | None, int] = {}
    for at, name in enumerate(preview.reading.new_groups, start=1):
        minutes = [line.minutes for line in lines if line.activity_id == -at]
        if minutes:
            usual = max(set(minutes), key=lambda length: (minutes.count(length), length))
            made[-at] = await make_activity(connection, actor, AddActivity(name=name, default_minutes=usual))
    return made


async def _with_guests(
    connection: Connection, actor: Actor, preview: Preview, lines: Sequence[Line], now: datetime
) -> list[Line]:
    """The lines of guests with the ids of those guests: one of that name who waits already, or one that is added."""
    called = {one.line.guest_id: one.read.guest for one in preview.of("ready") if one.line and one.line.guest_id}
    found: dict[int | None, int] = {}
    for stands_for, name in called.items():
        there = await connection.fetchval(SAME_NAME, actor.timebank_id, names.key(name))
        found[stands_for] = there or (await add_guest_within(connection, actor, AddGuest(name=name), now=now)).guest_id
    return [
        msgspec.structs.replace(line, guest_id=found[line.guest_id]) if line.guest_id in found else line
        for line in lines
    ]


def _left_out(one: PreviewLine) -> dict[str, Any]:
    why = {
        "recorded": f"Already recorded in register {one.recorded_in}.",
        "left_out": "Left out by choice.",
    }.get(one.state, one.why)
    return {"line": one.number, "who": one.who, "why": why}


async def _members(connection: Connection, timebank_id: int) -> list[KnownMember]:
    known = await members.known_members(connection, timebank_id)
    return [KnownMember(member.id, member.display_name, str(member.number)) for member in known]


async def _preview(
    connection: Connection,
    actor: Actor,
    upload: Upload,
    known: Sequence[KnownMember],
    answers: Answers,
    now: datetime,
) -> Preview:
    timebank_id = actor.timebank_id
    file = register_file.read(upload.content)
    if not isinstance(file, RegisterFile):
        raise Rollback([file])
    groups = {key: id_ for key, (id_, _) in (await queries.group_names(connection, timebank_id)).items()}
    reading = read_lines(file, known, groups, answers)
    bank = await banks.by_id(connection, timebank_id)
    day = today(now, bank.time_zone)
    _, in_force = await banks.rules_in_force(connection, timebank_id, day)
    found = [read for read in reading.reads if read.member and read.day]
    earlier = await queries.earlier(
        connection,
        timebank_id,
        (read.member.id for read in found if read.member),
        (read.day for read in found if read.day),
    )
    activities = {*groups.values(), *(-at for at in range(1, len(reading.new_groups) + 1))}
    people: dict[int, rules.Standing] = {member.id: "active" for member in known}
    guests = frozenset(NEW_GUEST + number for number in answers.guests)
    facts = Facts(in_force, day, people, activities, earlier, time_zone=bank.time_zone, guests=guests, source="file")
    return judge(reading, facts, actor, answers)
