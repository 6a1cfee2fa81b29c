"""How a member likes it: how pages and messages come, when it is quiet, what is shown to them and to others."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark, say
from timebank.languages import LANGUAGES
from timebank.members import details
from timebank.members.access import note_within
from timebank.members.details import ChangeDetails
from timebank.messages.service import Message, send

HOURS_SHOWN = {
    "have": mark("The hours I have"),
    "gave_and_used": mark("What I gave and what I used"),
}
SKILLS_SHOWN_TO = {
    "members": mark("All members"),
    "coordinators": mark("Only coordinators"),
    "nobody": mark("Nobody"),
}
LAST_HOUR: Final = 23

CHOICES_OF = """
select revision, contact_route, language, format_preference, easy_read, large_text, hours_shown, skills_shown_to,
       statement_checks, quiet_from, quiet_until
  from member where timebank_id = $1 and id = $2 and status <> 'left'
"""
CHANGE = """
update member
   set easy_read = $3, large_text = $4, hours_shown = $5, skills_shown_to = $6, statement_checks = $7, quiet_from = $8,
       quiet_until = $9, changed_by = $10, changed_at = $11, revision = revision + 1
 where timebank_id = $1 and id = $2
"""
READ_LIKE_THIS = """
update member
   set easy_read = coalesce($3, easy_read), large_text = coalesce($4, large_text), language = coalesce($5, language)
 where timebank_id = $1 and id = $2
"""


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """A member's choices. ``quiet_from`` and ``quiet_until`` are whole hours, or both None; past midnight is fine."""

    contact_route: str
    language: str
    format_preference: str
    easy_read: bool
    large_text: bool
    hours_shown: str
    skills_shown_to: str
    statement_checks: bool
    quiet_from: int | None
    quiet_until: int | None


class KeptChoices(Choices, frozen=True, kw_only=True):
    """The choices as they are kept, with the revision of the record."""

    revision: int


CHOICES = Choices.__struct_fields__
WITH_DETAILS = ("contact_route", "language", "format_preference")  # kept and told with the other details


class ChangeChoices(msgspec.Struct, frozen=True, kw_only=True):
    """Change some choices of a member. ``revision`` is that of the record they were changed from."""

    member_id: int
    revision: int
    changes: dict[str, str | bool | int | None]


async def choices_of(connection: Connection, timebank_id: int, member_id: int) -> KeptChoices:
    """A member's choices.

    Raises:
        LookupError: this time bank has no such member, or they have left.
    """
    row = await connection.fetchrow(CHOICES_OF, timebank_id, member_id)
    if row is None:
        raise LookupError(f"no member {member_id}")
    return msgspec.convert(dict(row), KeptChoices)


async def change(
    db: Database, actor: Actor, command: ChangeChoices, *, key: str, now: datetime
) -> KeptChoices | list[Refusal]:
    """Change a member's choices: by themselves, or by a coordinator for them, who may change their record.

    Refusals: ``field_unknown``, ``not_allowed``, ``changed_meanwhile``, those of :func:`check`, and for the channel
    those of :func:`timebank.members.details.change`.

    Raises:
        LookupError: this time bank has no such member, or they have left.
    """
    if unknown := [name for name in command.changes if name not in CHOICES]:
        return [Refusal("field_unknown", f"This cannot be changed here: {', '.join(unknown)}.", None)]

    async def work(connection: Connection) -> KeptChoices:
        return await _change(connection, actor, command, now)

    return await once(db, actor, "change_choices", key, command, KeptChoices, work)


def check(after: Choices) -> list[Refusal]:
    """What is wrong with choices: ``hours_shown_unknown``, ``skills_shown_to_unknown``, ``quiet_incomplete``,
    ``quiet_unreadable`` or ``quiet_all_day``.
    """
    found = []
    if after.hours_shown not in HOURS_SHOWN:
        found.append(Refusal("hours_shown_unknown", say("Choose how to show your hours."), "hours_shown"))
    if after.skills_shown_to not in SKILLS_SHOWN_TO:
        found.append(
            Refusal("skills_shown_to_unknown", say("Choose who may see what you can share."), "skills_shown_to")
        )
    quiet = (after.quiet_from, after.quiet_until)
    if any(hour is not None and not 0 <= hour <= LAST_HOUR for hour in quiet):
        found.append(Refusal("quiet_unreadable", say("Choose an hour from the list."), "quiet_from"))
    elif (after.quiet_from is None) != (after.quiet_until is None):
        missing = "quiet_from" if after.quiet_from is None else "quiet_until"
        found.append(Refusal("quiet_incomplete", say("Choose when the quiet time starts and ends."), missing))
    elif after.quiet_from is not None and after.quiet_from == after.quiet_until:
        found.append(Refusal("quiet_all_day", say("Choose an end that is not the start."), "quiet_until"))
    return found


async def read_like_this(
    db: Database,
    actor: Actor,
    *,
    easy_read: bool | None = None,
    large_text: bool | None = None,
    language: str | None = None,
) -> None:
    """Keep how the actor wants to read pages, from now on; None leaves it. Whoever is quicker or slower, the last tap
    counts, so no revision is asked for. A language that we have no pages in is left out.
    """
    if language not in LANGUAGES:
        language = None
    async with db.writing(actor.timebank_id) as connection:
        await connection.execute(READ_LIKE_THIS, actor.timebank_id, actor.member_id, easy_read, large_text, language)


async def _change(connection: Connection, actor: Actor, command: ChangeChoices, now: datetime) -> KeptChoices:
    member = await details.locked(connection, actor.timebank_id, command.member_id)
    if not details.may_change(actor, member):
        raise Rollback([Refusal("not_allowed", "Ask an administrator to change this record.")])
    before = await choices_of(connection, actor.timebank_id, member.id)
    after = msgspec.structs.replace(before, **command.changes)
    different = tuple(name for name in CHOICES if getattr(before, name) != getattr(after, name))
    if not different:
        return before
    if command.revision != before.revision:
        raise Rollback([details.changed_meanwhile()])
    if refusals := [found for found in check(after) if found.field in different or "quiet" in found.code]:
        raise Rollback(refusals)
    revision = before.revision
    if texts := {name: str(getattr(after, name)) for name in WITH_DETAILS if name in different}:
        told = ChangeDetails(member_id=member.id, revision=revision, changes=texts)
        revision = (await details.change_within(connection, actor, told, now)).revision
    if others := [name for name in different if name not in WITH_DETAILS]:
        await _keep(connection, actor, member.id, after, others, revision, now)
    return await choices_of(connection, actor.timebank_id, member.id)


async def _keep(
    connection: Connection,
    actor: Actor,
    member_id: int,
    after: Choices,
    different: Sequence[str],
    revision: int,
    now: datetime,
) -> None:
    await connection.execute(
        CHANGE,
        actor.timebank_id,
        member_id,
        after.easy_read,
        after.large_text,
        after.hours_shown,
        after.skills_shown_to,
        after.statement_checks,
        after.quiet_from,
        after.quiet_until,
        actor.member_id,
        now,
    )
    await note_within(connection, actor, member_id, mark("changed your choices"), now=now)
    if actor.member_id == member_id:
        return
    message = Message(
        member_id=member_id,
        kind="details_changed",
        subject=say("Your choices were changed"),
        body=say("See what is different. If you did not ask for this, tell us at once."),
        path="/me/choices",
        dedupe=f"choices:{member_id}:{revision}",
    )
    await send(connection, actor.timebank_id, [message], now=now)
