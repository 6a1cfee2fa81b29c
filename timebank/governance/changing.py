"""Changing the rules and the settings of a time bank."""

from datetime import date, datetime
from zoneinfo import available_timezones

import msgspec

from timebank.banks import queries as banks
from timebank.banks.rules import MAX_NAME, Rules, TimeBankFacts, is_practice
from timebank.db import Connection, Database, Rollback, once
from timebank.governance import queries, rules
from timebank.governance.queries import Version
from timebank.governance.rules import Difference
from timebank.kit.actor import ADMIN, Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import joined, say, say_n
from timebank.kit.working_days import is_region
from timebank.messages.service import Message, send

MAX_HELP_CONTACT = 200
MAX_BODY = 4000

ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('rules of ' || $1::bigint, 0))"
NEW_VERSION = """
insert into rules (timebank_id, version, document, decided_by, starts_on, recorded_by, note, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
EVERYBODY = "select id from member where timebank_id = $1 and status = 'active'"
SETTINGS = """
update timebank set name = $2, time_zone = $3, holiday_region = $4, help_contact = $5 where id = $1
"""


class ChangeRules(msgspec.Struct, frozen=True, kw_only=True):
    """A new version. ``base_version`` is the newest one the person saw; ``boxes`` the values as typed, by rule."""

    base_version: int
    boxes: dict[str, str]
    decided_by: str
    starts_on: date
    note: str = ""


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """What a change would do, before it is made."""

    document: Rules
    differences: list[Difference]
    starts_on: date


class ChangeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a time bank is called, whom to ask, where it is."""

    name: str
    time_zone: str
    holiday_region: str = ""
    help_contact: str = ""


async def plan(db: Database, actor: Actor, command: ChangeRules, *, now: datetime) -> Planned | list[Refusal]:
    """What the change would do; nothing is changed. Refusals: those of :func:`change_rules`."""
    if refused := _not_allowed(actor):
        return refused
    async with db.reading(actor.timebank_id) as connection:
        return await _plan(connection, actor, command, now)


async def change_rules(
    db: Database, actor: Actor, command: ChangeRules, *, key: str, now: datetime
) -> int | list[Refusal]:
    """Write a new version of the rules and tell every member; return its number.

    It starts after the notice that the rules in force ask for, unless nobody has given time under them yet, or it only
    names other people, or the time bank is for practice. Refusals: ``not_allowed``, ``changed_meanwhile``, and those of
    :func:`timebank.governance.rules.read` and :func:`timebank.governance.rules.check_change`.
    """
    if refused := _not_allowed(actor):
        return refused

    async def work(connection: Connection) -> int:
        await connection.execute(ONE_AT_A_TIME, actor.timebank_id)
        planned = await _plan(connection, actor, command, now)
        if isinstance(planned, list):
            raise Rollback(planned)
        version = command.base_version + 1
        await connection.execute(
            NEW_VERSION,
            actor.timebank_id,
            version,
            msgspec.to_builtins(planned.document),
            command.decided_by.strip(),
            command.starts_on,
            actor.member_id,
            command.note.strip(),
            now,
        )
        await _tell_everybody(connection, actor.timebank_id, version, command, planned, now)
        return version

    return await once(db, actor, "change_rules", key, command, int, work)


async def change_settings(
    db: Database, actor: Actor, command: ChangeSettings, *, key: str, now: datetime
) -> int | list[Refusal]:
    """Change what the time bank is called and where it is; return its id. The short name in addresses stays.

    Refusals: ``not_allowed``, ``bad_name``, ``bad_time_zone``, ``bad_holiday_region``, ``help_contact_too_long``.
    """
    if refused := _not_allowed(actor):
        return refused
    if refusals := check_settings(command):
        return refusals

    async def work(connection: Connection) -> int:
        await connection.execute(
            SETTINGS,
            actor.timebank_id,
            " ".join(command.name.split()),
            command.time_zone,
            command.holiday_region,
            " ".join(command.help_contact.split()),
        )
        return actor.timebank_id

    return await once(db, actor, "change_settings", key, command, int, work)


def check_settings(command: ChangeSettings) -> list[Refusal]:
    """What is wrong with these settings; empty when nothing is."""
    refusals = []
    if not 1 <= len(" ".join(command.name.split())) <= MAX_NAME:
        refusals.append(Refusal("bad_name", f"Give the time bank a name of 1 to {MAX_NAME} letters.", "name"))
    if command.time_zone not in available_timezones():
        refusals.append(Refusal("bad_time_zone", "Give a time zone such as Europe/London.", "time_zone"))
    if command.holiday_region and not is_region(command.holiday_region):
        message = "Give a region such as GB-ENG or FR, or leave it empty."
        refusals.append(Refusal("bad_holiday_region", message, "holiday_region"))
    if len(command.help_contact) > MAX_HELP_CONTACT:
        refusals.append(Refusal("help_contact_too_long", f"Use up to {MAX_HELP_CONTACT} letters.", "help_contact"))
    return refusals


async def earliest_start(
    connection: Connection, bank: TimeBankFacts, found: list[Version], day: date, *, only_names: bool = False
) -> date:
    """The first day on which a change that is made today may start; ``only_names`` when it only names people anew."""
    is_free = only_names or is_practice(bank.slug)
    needs_notice = not is_free and await queries.has_time_been_given(connection, bank.id)
    return rules.earliest_start(
        today=day,
        notice_days=queries.in_force(found, day).document.notice_days,
        needs_notice=needs_notice,
        last_starts_on=found[0].starts_on,
    )


async def _plan(connection: Connection, actor: Actor, command: ChangeRules, now: datetime) -> Planned | list[Refusal]:
    found = await queries.versions(connection, actor.timebank_id)
    if found[0].version != command.base_version:
        return [Refusal("changed_meanwhile", "Somebody changed the rules meanwhile. Look at them, then start again.")]
    bank = await banks.by_id(connection, actor.timebank_id)
    day = today(now, bank.time_zone)
    after = rules.read(found[0].document, command.boxes)
    changed = [] if isinstance(after, list) else rules.differences(found[0].document, after)
    refusals = rules.check_change(
        changed=changed,
        decided_by=command.decided_by,
        note=command.note,
        starts_on=command.starts_on,
        today=day,
        earliest=await earliest_start(connection, bank, found, day, only_names=rules.only_names(changed)),
        notice_days=queries.in_force(found, day).document.notice_days,
    )
    if isinstance(after, list):
        return [*after, *(each for each in refusals if each.code != "nothing_changes")]
    return refusals or Planned(document=after, differences=changed, starts_on=command.starts_on)


async def _tell_everybody(
    connection: Connection, timebank_id: int, version: int, command: ChangeRules, planned: Planned, now: datetime
) -> None:
    day, who = command.starts_on, command.decided_by.strip()
    changes = [say("{rule} (Before: {before})", rule=each.after, before=each.before) for each in planned.differences]
    body = joined(say("Decided by {who}. It starts on {day}.", who=who, day=day), *changes)
    if len(body) > MAX_BODY:
        body = joined(
            say("Decided by {who}.", who=who),
            say_n(len(changes), "{n} rule changes on {day}.", "{n} rules change on {day}.", day=day),
            by=" ",
        )
    await send(
        connection,
        timebank_id,
        [
            Message(
                member_id=row["id"],
                kind="rules_changed",
                subject=say("Our rules change on {day}", day=day),
                body=body,
                path=f"/rules/{version}",
                dedupe=f"rules:{version}:{row['id']}",
            )
            for row in await connection.fetch(EVERYBODY, timebank_id)
        ],
        now=now,
    )


def _not_allowed(actor: Actor) -> list[Refusal]:
    if actor.member_id is None or not actor.has(ADMIN):
        return [Refusal("not_allowed", "Only an administrator can change this. Ask one of your time bank.")]
    return []
