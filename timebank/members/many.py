"""Adding many members at once: a file or a pasted list, kept as it came, shown line by line, confirmed once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

import msgspec

from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import csv, names
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.ids import sha256
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.members import adding, member_file
from timebank.members.adding import AddMember
from timebank.members.member_file import MAX_LINES, MemberFile, MemberLine
from timebank.members.rules import CONTACT_ROUTES, DETAIL_WORDS, DETAILS

MAX_FILE_NAME = 200
PHONE_END = 9  # digits that tell a number, whatever country code stands before them
PASTED = "Pasted list"
KEEP_UNCONFIRMED = timedelta(days=30)
KEEP_LEFT_OUT = timedelta(days=90)

KEEP = """
insert into member_upload (timebank_id, file_name, sha256, content, uploaded_by, uploaded_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (timebank_id, sha256) do nothing
"""
KEPT = "select id from member_upload where timebank_id = $1 and sha256 = $2"
UPLOAD = """
select id, file_name, content, uploaded_at, confirmed_at, added, there_before, headings, left_out
  from member_upload where timebank_id = $1 and id = $2
"""
# The file itself is not needed any more, and people's details are kept no longer than they are needed.
CONFIRM = """
update member_upload
   set content = '', confirmed_by = $3, confirmed_at = $4, added = $5, there_before = $6, headings = $7, left_out = $8
 where timebank_id = $1 and id = $2
"""
DROP = "delete from member_upload where timebank_id = $1 and id = $2 and confirmed_at is null returning true"
FORGET_UNCONFIRMED = "delete from member_upload where timebank_id = $1 and confirmed_at is null and uploaded_at < $2"
FORGET_LEFT_OUT = """
update member_upload set left_out = '[]', headings = '{}'
 where timebank_id = $1 and confirmed_at < $2 and left_out <> '[]'
"""
ALIKE = """
select id, number, display_name, name_key, lower(email) as email, regexp_replace(phone, '[^0-9]', '', 'g') as digits
  from member
 where timebank_id = $1 and status <> 'left' and (name_key = any($2::text[]) or lower(email) = any($3::text[]))
 order by id
"""

State = Literal["ready", "question", "there", "refused"]
NEW, SAME = "new", "same"


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said about a file. ``columns`` (from 0) and ``has_headings`` where they were not recognised.

    ``same``, by line: ``new`` for another person than the member who is like them, ``same`` for that member.
    ``all_same``: the same for every line that has no answer of its own.
    """

    columns: Annotated[dict[int, str], msgspec.Meta(max_length=csv.MAX_COLUMNS)] = {}
    has_headings: bool | None = None
    same: Annotated[dict[int, str], msgspec.Meta(max_length=MAX_LINES)] = {}
    all_same: str = ""


@dataclass(frozen=True, slots=True)
class Alike:
    """Somebody a line may mean: a member, or an earlier line of the same file (``line``)."""

    display_name: str
    number: int | None = None
    member_id: int | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """One line and what will happen to it: ``ready``, a ``question``, ``there`` already, or ``refused`` and why."""

    line: MemberLine
    state: State
    why: str = ""
    alike: tuple[Alike, ...] = ()

    @property
    def number(self) -> int:
        """The line's number as the spreadsheet shows it."""
        return self.line.number

    @property
    def messages_by(self) -> str:
        """How messages would reach them, as people read it."""
        return CONTACT_ROUTES[self.line.details.contact_route]


@dataclass(frozen=True, slots=True)
class Preview:
    """The whole file, line by line."""

    file: MemberFile
    lines: tuple[PreviewLine, ...]

    def of(self, state: State) -> tuple[PreviewLine, ...]:
        """The lines in a state, in the order of the file."""
        return tuple(line for line in self.lines if line.state == state)


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A line that was not added, as it came, and why."""

    line: int
    cells: tuple[str, ...]
    why: str


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A kept file, and what became of it once it was confirmed."""

    id: int
    file_name: str
    content: bytes
    uploaded_at: datetime
    confirmed_at: datetime | None
    added: int
    there_before: int
    headings: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


class ConfirmMany(msgspec.Struct, frozen=True, kw_only=True):
    """Add the ready lines of a kept file, with what was said about the others."""

    upload_id: int
    answers: Answers = Answers()


class Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    """What a file became. ``is_new`` is False when that had happened before: then nothing was changed."""

    upload_id: int
    is_new: bool
    added: int
    there_before: int
    left_out: int


async def keep(db: Database, actor: Actor, *, file_name: str, content: bytes, now: datetime) -> int | list[Refusal]:
    """Keep a file as it came and return its id; the same bytes lead to the same one, whoever sends them.

    Refusals: ``not_allowed``, and why it cannot be read (see :func:`member_file.read`); then it is not kept.
    """
    if refusal := _may(actor):
        return [refusal]
    file = member_file.read(content)
    if isinstance(file, Refusal):
        return [file]
    mark = sha256(content)
    name = names.tidy(file_name)[-MAX_FILE_NAME:] or PASTED
    async with db.writing(actor.timebank_id) as connection:
        await connection.execute(KEEP, actor.timebank_id, name, mark, content, actor.member_id, now)
        upload_id: int = await connection.fetchval(KEPT, actor.timebank_id, mark)
        return upload_id


async def upload(connection: Connection, timebank_id: int, upload_id: int) -> Upload:
    """A kept file.

    Raises:
        LookupError: this time bank has no such file.
    """
    row = await connection.fetchrow(UPLOAD, timebank_id, upload_id) if 0 < upload_id <= MAX_KEY else None
    if row is None:
        raise LookupError(f"no upload {upload_id}")
    return msgspec.convert(dict(row), Upload)


async def preview(
    db: Database, actor: Actor, upload_id: int, answers: Answers, *, now: datetime
) -> tuple[Upload, Preview | None] | list[Refusal]:
    """Say line by line what confirming the file would do, with the answers so far; None when it was confirmed.

    Changes nothing. Refusals: ``not_allowed``.

    Raises:
        LookupError: this time bank has no such file.
    """
    if refusal := _may(actor):
        return [refusal]
    try:
        async with db.reading(actor.timebank_id) as connection:
            kept = await upload(connection, actor.timebank_id, upload_id)
            if kept.confirmed_at is not None:
                return kept, None
            return kept, await _preview(connection, actor, kept, answers, now)
    except Rollback as rollback:
        return rollback.refusals


async def confirm(
    db: Database, actor: Actor, command: ConfirmMany, *, key: str, now: datetime
) -> Confirmed | list[Refusal]:
    """Add every ready line as a member, all of them or none; the other lines are kept with the reason.

    A file that was confirmed before changes nothing. Refusals: ``not_allowed``, ``nothing_to_add``.

    Raises:
        LookupError: this time bank has no such file.
    """
    if refusal := _may(actor):
        return [refusal]

    async def work(connection: Connection) -> Confirmed:
        # One at a time, and no member slips in between what was looked up and what is added.
        await connection.execute(adding.ONE_AT_A_TIME, actor.timebank_id)
        kept = await upload(connection, actor.timebank_id, command.upload_id)
        if kept.confirmed_at is not None:
            return Confirmed(
                upload_id=kept.id,
                is_new=False,
                added=kept.added,
                there_before=kept.there_before,
                left_out=len(kept.left_out),
            )
        return await _confirm(connection, actor, kept, command.answers, now)

    # The answers go by line number, and JSON has only texts as names.
    content = msgspec.to_builtins(command, str_keys=True, order="deterministic")
    return await once(db, actor, "add_many_members", key, content, Confirmed, work)


async def drop(db: Database, actor: Actor, upload_id: int) -> bool:
    """Throw a file away that was not confirmed; False when there is none such."""
    if _may(actor) or not 0 < upload_id <= MAX_KEY:
        return False
    async with db.writing(actor.timebank_id) as connection:
        return bool(await connection.fetchval(DROP, actor.timebank_id, upload_id))


async def forget_lists(db: Database, timebank_id: int, now: datetime) -> None:
    """Delete lists that nobody confirmed within a month, and after three months the lines that were left out.

    What was added stays with the members themselves.
    """
    async with db.writing(timebank_id) as connection:
        await connection.execute(FORGET_UNCONFIRMED, timebank_id, now - KEEP_UNCONFIRMED)
        await connection.execute(FORGET_LEFT_OUT, timebank_id, now - KEEP_LEFT_OUT)


def left_out_csv(headings: Sequence[str], lines: Iterable[LeftOut]) -> str:
    """The lines that were not added, as they came and with the reason: to be put right and uploaded again."""
    lines = list(lines)
    width = max([len(headings), *(len(line.cells) for line in lines)], default=0)
    table = [("Why it was not added", *headings, *([""] * (width - len(headings))))]
    table += [(line.why, *line.cells, *([""] * (width - len(line.cells)))) for line in lines]
    return "\ufeff" + csv.write(table)


def left_out(found: Preview) -> list[LeftOut]:
    """The lines that would not be added now: refused, or without an answer."""
    return [
        LeftOut(line=one.number, cells=one.line.cells, why=one.why)
        for one in found.lines
        if one.state in ("refused", "question")
    ]


async def _confirm(connection: Connection, actor: Actor, kept: Upload, answers: Answers, now: datetime) -> Confirmed:
    found = await _preview(connection, actor, kept, answers, now)
    ready, day = found.of("ready"), await _day(connection, actor, now)
    if not ready:
        raise Rollback([Refusal("nothing_to_add", "There is nothing to add: no line is ready as it stands.")])
    commands = [_command(one.line, day) for one in ready]
    await adding.insert_members(connection, actor, commands, day=day, now=now, upload_id=kept.id)
    others = left_out(found)
    there = len(found.of("there"))
    await connection.execute(
        CONFIRM,
        actor.timebank_id,
        kept.id,
        actor.member_id,
        now,
        len(ready),
        there,
        [column.heading for column in found.file.columns],
        msgspec.to_builtins(others),
    )
    return Confirmed(upload_id=kept.id, is_new=True, added=len(ready), there_before=there, left_out=len(others))


async def _preview(connection: Connection, actor: Actor, kept: Upload, answers: Answers, now: datetime) -> Preview:
    file = member_file.read(kept.content, columns=answers.columns, has_headings=answers.has_headings)
    if isinstance(file, Refusal):
        raise Rollback([file])
    day = await _day(connection, actor, now)
    keys = [names.key(line.details.display_name) for line in file.lines]
    emails = [line.details.email.lower() for line in file.lines if line.details.email]
    rows = await connection.fetch(ALIKE, actor.timebank_id, keys, emails)
    return judge(actor, file, [dict(row) for row in rows], answers, day)


def judge(
    actor: Actor, file: MemberFile, known: Sequence[Mapping[str, object]], answers: Answers, day: date
) -> Preview:
    """Decide line by line, with the members who have a name or an address of the file. Pure.

    Name and address, or name and phone number, are somebody who is there; one of them alone is a question.
    """
    people = _People(known)
    lines: list[PreviewLine] = []
    for line in file.lines:
        problems = (*line.problems, *adding.check(actor, _command(line, day), day))
        if problems:
            lines.append(PreviewLine(line, "refused", _why(problems)))
            continue
        same, alike = people.like(line)
        answer = answers.same.get(line.number) or answers.all_same
        if same:
            why = f"Line {same.line} says the same." if same.line else f"Member {same.number} already."
            lines.append(PreviewLine(line, "there", why, (same,)))
            continue
        if alike and answer == SAME:
            lines.append(PreviewLine(line, "there", "The same person, you said.", alike))
            continue
        if alike and answer != NEW:
            lines.append(PreviewLine(line, "question", _question(alike), alike))
            continue
        people.add(line)
        lines.append(PreviewLine(line, "ready", "", alike))
    return Preview(file, tuple(lines))


class _People:
    """Everybody whom a line may mean: the members who were looked up, and the lines before it that will be added."""

    def __init__(self, known: Sequence[Mapping[str, object]]) -> None:
        self._by_name: dict[str, list[_Known]] = defaultdict(list)
        self._by_email: dict[str, list[_Known]] = defaultdict(list)
        for row in known:
            alike = Alike(
                display_name=str(row["display_name"]),
                number=msgspec.convert(row["number"], int),
                member_id=msgspec.convert(row["id"], int),
            )
            self._add(_Known(str(row["name_key"]), str(row["email"]), str(row["digits"])[-PHONE_END:], alike))

    def _add(self, known: "_Known") -> None:
        self._by_name[known.name_key].append(known)
        if known.email:
            self._by_email[known.email].append(known)

    def add(self, line: MemberLine) -> None:
        """The line will be a member: later ones are compared with it."""
        self._add(_known(line))

    def like(self, line: MemberLine) -> tuple[Alike | None, tuple[Alike, ...]]:
        """The one who it surely is, and those who it may be."""
        own = _known(line)
        named = self._by_name.get(own.name_key, [])
        for other in named:
            if (own.email and own.email == other.email) or (own.phone_end and own.phone_end == other.phone_end):
                return other.alike, ()
        return None, tuple(other.alike for other in (*named, *(self._by_email.get(own.email, []) if own.email else ())))


@dataclass(frozen=True, slots=True)
class _Known:
    name_key: str
    email: str
    phone_end: str
    alike: Alike


def _known(line: MemberLine) -> _Known:
    details = line.details
    digits = "".join(c for c in details.phone if c in "0123456789")
    alike = Alike(display_name=details.display_name, line=line.number)
    return _Known(names.key(details.display_name), details.email.lower(), digits[-PHONE_END:], alike)


def _question(alike: Sequence[Alike]) -> str:
    first = alike[0]
    if first.line:
        return f"Line {first.line} has the same name or e-mail address. Is this another person?"
    return f"{first.display_name}, member {first.number}, has the same name or e-mail address. Is this another person?"


def _why(problems: Sequence[Refusal]) -> str:
    said = []
    for problem in problems:
        field = DETAIL_WORDS.get(problem.field or "")
        said.append(f"{field}: {problem.message}" if field else problem.message)
    return " ".join(dict.fromkeys(said))


def _command(line: MemberLine, day: date) -> AddMember:
    details = {name: getattr(line.details, name) for name in DETAILS}
    return AddMember(**details, kind=line.kind, joined_on=line.joined_on or day)


async def _day(connection: Connection, actor: Actor, now: datetime) -> date:
    bank = await banks.by_id(connection, actor.timebank_id)
    return today(now, bank.time_zone)


def _may(actor: Actor) -> Refusal | None:
    if actor.has(COORDINATOR) and actor.on_behalf_of is None and actor.member_id is not None:
        return None
    return Refusal("not_allowed", "Only a coordinator can add members.")
