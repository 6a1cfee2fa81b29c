"""Everything held about a member, as one zip: a page to read and JSON, made from the list in ``traces``."""

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from ledger import statement
from timebank.banks import queries as banks
from timebank.db import Connection, Database
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark, say
from timebank.members.access import note_within
from timebank.members.leaving import account_of
from timebank.members.traces import TRACES
from timebank.web.pages import engine

LINES_AT_A_TIME = 500
HIDDEN = ("timebank_id", "name_key", "search_text", "token_sha256", "sha256", "dedupe")
PICTURE = "content"
# What a row calls a thing and what people call it, where the two are not the same words.
WORDS = {"held_on": "Day", "what": "What you did", "at": "When", "by_whom": "Who", "display_name": "Name"}

Row = dict[str, Any]


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of thing that is held: its heading, its rows with the names of their columns."""

    title: str
    rows: tuple[Row, ...]


class Download(msgspec.Struct, frozen=True, kw_only=True):
    """The finished zip, and what to call it."""

    file_name: str
    content: bytes


async def download(db: Database, actor: Actor, member_id: int, *, now: datetime) -> Download | list[Refusal]:
    """Everything held about a member, for themselves or for a coordinator who asks for them; the latter is noted.

    What only the member and the safeguarding lead may see (age, guardian, checks) is in it only for the member.
    Refusals: ``not_yours``, ``unknown_member``.
    """
    if member_id not in (actor.member_id, actor.subject_id) and not actor.has(COORDINATOR):
        return [Refusal("not_yours", say("You can only download what is held about you."))]
    is_self = actor.member_id == member_id
    async with db.writing(actor.timebank_id) as connection:
        number = await connection.fetchval(
            "select number from member where timebank_id = $1 and id = $2 and status <> 'left'",
            actor.timebank_id,
            member_id,
        )
        if number is None:
            return [Refusal("unknown_member", say("Choose a member of this time bank."), "member_id")]
        await note_within(connection, actor, member_id, mark("downloaded everything held about you"), now=now)
        facts = await banks.by_id(connection, actor.timebank_id)
        sections, pictures = await gather(connection, actor.timebank_id, member_id, with_private=is_self)
    day = today(now, facts.time_zone)
    return Download(
        file_name=f"timebank-member-{number}-{day.isoformat()}.zip",
        content=_zipped(sections, pictures, facts.name, day),
    )


async def gather(
    connection: Connection, timebank_id: int, member_id: int, *, with_private: bool
) -> tuple[list[Section], dict[str, bytes]]:
    """What is held, in sections, and the pictures by the names of their files."""
    sections, pictures = [], {}
    for trace in reversed(TRACES):  # the list begins with what is erased first; people begin with themselves
        if not trace.title or (trace.is_private and not with_private):
            continue
        rows = [dict(row) for row in await connection.fetch(trace.select, timebank_id, member_id)]
        for row in rows:
            if isinstance(picture := row.get(PICTURE), bytes):
                row[PICTURE] = f"{trace.table}-{row['id']}.jpg"
                pictures[row[PICTURE]] = picture
        sections.append(Section(title=trace.title, rows=tuple(_shown(row) for row in rows)))
        if trace.table == "member":
            sections.append(Section(title="Your hours", rows=tuple(await _hours(connection, timebank_id, member_id))))
    return sections, pictures


async def _hours(connection: Connection, timebank_id: int, member_id: int) -> list[Row]:
    rows: list[Row] = []
    before: int | None = None
    while True:
        lines = await statement(connection, timebank_id, account_of(member_id), before=before, limit=LINES_AT_A_TIME)
        rows += [
            {
                "day": line.effective_on,
                "minutes": line.amount,
                "balance_after": line.balance_after,
                "kind": line.kind,
                "recorded_at": line.recorded_at,
                "entry_id": line.entry_id,
            }
            for line in lines
        ]
        if len(lines) < LINES_AT_A_TIME:
            return rows
        before = lines[-1].seq


def _shown(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in HIDDEN and not isinstance(value, bytes)}


def _zipped(sections: Sequence[Section], pictures: dict[str, bytes], timebank_name: str, day: date) -> bytes:
    data = {section.title: section.rows for section in sections}
    page = (
        engine()
        .get_template("members/download_file.html")
        .render(sections=sections, timebank_name=timebank_name, day=day, words=words, value_words=value_words)
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("read-me-first.html", page)
        archive.writestr("everything.json", msgspec.json.format(msgspec.json.encode(data), indent=2))
        for name, content in pictures.items():
            archive.writestr(f"photos/{name}", content)
    return out.getvalue()


def words(name: str) -> str:
    """A column's name as people read it."""
    return WORDS.get(name) or name.replace("_", " ").capitalize()


def value_words(value: object) -> str:
    """A value as people read it; nothing for what is empty."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime):
        return value.strftime("%-d %B %Y, %H:%M UTC")
    if isinstance(value, date):
        return value.strftime("%-d %B %Y")
    if isinstance(value, list | tuple | dict):
        return msgspec.json.encode(value).decode()
    return str(value)
