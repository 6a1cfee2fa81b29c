"""Registers that were begun and not saved: kept as typed, seen only by whoever typed them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

import msgspec

from timebank.contributions.leading import may_log
from timebank.db import Connection, Database, Rollback, retrying
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal

MAX_DRAFTS = 50  # of one person
MAX_FIELDS = 5_000
MAX_CHARACTERS = 1_000_000  # of everything typed
DRAFT_NAME = r"^[A-Za-z0-9_-]{8,64}$"

Fields = Mapping[str, tuple[str, ...]]

THERE = "select exists (select from activity where timebank_id = $1 and id = $2 and not is_archived)"
COUNT = "select count(*) from register_draft where timebank_id = $1 and member_id = $2 and token <> $3"
KEEP = """
insert into register_draft (timebank_id, member_id, token, activity_id, held_on, people, fields, saved_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (timebank_id, member_id, token) do update
   set activity_id = excluded.activity_id, held_on = excluded.held_on, people = excluded.people,
       fields = excluded.fields, saved_at = excluded.saved_at
"""
DISCARD = "delete from register_draft where timebank_id = $1 and member_id = $2 and token = $3"
MINE = """
select d.token, d.activity_id, a.name as activity, d.held_on, d.people, d.saved_at
  from register_draft d
  join activity a on a.timebank_id = d.timebank_id and a.id = d.activity_id
 where d.timebank_id = $1 and d.member_id = $2
 order by d.saved_at desc
"""
ONE = """
select activity_id, fields, saved_at from register_draft where timebank_id = $1 and member_id = $2 and token = $3
"""


class SaveDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed so far. ``token`` names the form: saving it again changes the same draft.

    ``fields`` are the form's own, so that it can be shown again as it was; ``people`` how many are in it.
    """

    token: Annotated[str, msgspec.Meta(pattern=DRAFT_NAME)]
    activity_id: int
    held_on: date | None
    people: int
    fields: Fields


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as it is listed. ``held_on`` is None while the day cannot be read."""

    token: str
    activity_id: int
    activity: str
    held_on: date | None
    people: int
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """A draft to go on with."""

    activity_id: int
    fields: Fields
    saved_at: datetime


async def save_draft(db: Database, actor: Actor, command: SaveDraft, *, now: datetime) -> list[Refusal]:
    """Keep what was typed; saying it again changes nothing. Nothing is counted and nobody is told.

    Refusals: ``not_allowed``, ``unknown_activity``, ``draft_too_long``, ``too_many_drafts``.
    """
    if len(command.fields) > MAX_FIELDS or sum(len(t) for v in command.fields.values() for t in v) > MAX_CHARACTERS:
        return [Refusal("draft_too_long", "This is too much for a draft. Download it instead.")]

    async def keep() -> None:
        async with db.writing(actor.timebank_id) as connection:
            if refusal := await may_log(connection, actor, command.activity_id):
                raise Rollback([refusal])
            if not await connection.fetchval(THERE, actor.timebank_id, command.activity_id):
                raise Rollback([Refusal("unknown_activity", "Choose one of your groups.", "activity_id")])
            others = await connection.fetchval(COUNT, actor.timebank_id, actor.member_id, command.token)
            if others >= MAX_DRAFTS:
                message = f"You have {MAX_DRAFTS} drafts already. Save or delete one of them first."
                raise Rollback([Refusal("too_many_drafts", message)])
            await connection.execute(
                KEEP,
                actor.timebank_id,
                actor.member_id,
                command.token,
                command.activity_id,
                command.held_on,
                command.people,
                dict(command.fields),
                now,
            )

    try:
        await retrying(keep)
    except Rollback as rollback:
        return rollback.refusals
    return []


async def discard_draft(db: Database, actor: Actor, token: str) -> bool:
    """Delete one of the actor's own drafts; False when there is none. Saying it again changes nothing."""
    async with db.writing(actor.timebank_id) as connection:
        done = await connection.execute(DISCARD, actor.timebank_id, actor.member_id, token)
        return str(done) != "DELETE 0"


async def drafts(connection: Connection, actor: Actor) -> list[Draft]:
    """The actor's own drafts, the newest first."""
    return [Draft(**row) for row in await connection.fetch(MINE, actor.timebank_id, actor.member_id)]


async def draft(connection: Connection, actor: Actor, token: str) -> Kept | None:
    """One of the actor's own drafts, or None."""
    row = await connection.fetchrow(ONE, actor.timebank_id, actor.member_id, token)
    if row is None:
        return None
    return Kept(row["activity_id"], {name: tuple(values) for name, values in row["fields"].items()}, row["saved_at"])
