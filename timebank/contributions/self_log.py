"""What members log for themselves: said in their own words, with a photo if they like, decided by the rules.

Up to ``self_log_approved_up_to_minutes`` it is added at once; beyond that a second person looks. Nobody needs clock
times: reading, a diary or phone calls at home are time given like any other.
"""

from datetime import date, datetime
from typing import Literal

import msgspec

from timebank.activities.service import AddActivity, make_activity
from timebank.banks import queries as banks
from timebank.banks.rules import Rules
from timebank.contributions import rules
from timebank.contributions.recording import record
from timebank.contributions.rules import Line
from timebank.contributions.words import SOMETHING_ELSE
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import names
from timebank.kit.actor import Actor, system
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import Minutes, mark, say, say_n

MAX_WORDS = 2_000
MAX_WAITING = 50  # for each member, so that nobody fills the queue of those who decide
MAX_ID = 2**63 - 1

NAMED = "select id from activity where timebank_id = $1 and name_key = $2"
LOGGED = """
select c.id, c.state
  from contribution c
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
 where c.timebank_id = $1 and r.reference = $2
"""
ADD_EVIDENCE = "insert into evidence (timebank_id, contribution_id, words, photo_id) values ($1, $2, $3, $4)"
HAS_PHOTO = "select true from photo where timebank_id = $1 and id = $2 and member_id = $3 for key share"
HOW_MANY_WAIT = """
select count(*)
  from contribution c
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
 where c.timebank_id = $1 and c.member_id = $2 and c.state = 'submitted' and r.source = 'self'
"""
LOCK_OWN = """
select c.id, c.state, c.minutes, c.register_id, r.recorded_by
  from contribution c
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
 where c.timebank_id = $1 and c.id = $2 and c.member_id = $3 and r.source = 'self'
   for update of c, r
"""
WITHDRAW_LINE = "update contribution set state = 'undone' where timebank_id = $1 and id = $2"
WITHDRAW_REGISTER = "update register set undone_by = $3, undone_at = $4 where timebank_id = $1 and id = $2"


class LogTime(msgspec.Struct, frozen=True, kw_only=True):
    """Time that the subject gave. ``activity_id`` None is something else; ``minutes`` are whole minutes.

    ``duplicate_reason`` says why the same time is there a second time, when it is.
    """

    activity_id: int | None
    held_on: date
    minutes: int
    words: str = ""
    photo_id: int | None = None
    duplicate_reason: str = ""


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """The time is kept: added already, or waiting for a second person."""

    contribution_id: int
    state: Literal["approved", "submitted"]
    minutes: int


class Withdraw(msgspec.Struct, frozen=True, kw_only=True):
    """Take back one's own entry while it waits."""

    contribution_id: int


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """The entry is taken back; nobody decides about it any more."""

    contribution_id: int
    minutes: int


def check(command: LogTime, in_force: Rules, on: date) -> list[Refusal]:
    """What is to be put right, in the words of the member's page. Fields: activity, day, length, words, again.

    Refusals: those of :func:`timebank.contributions.rules.check_minutes`, ``date_in_future``, ``date_too_far_back``
    (the limit is ``self_log_days_back``), ``words_missing``, ``words_too_long``, ``reason_too_long``.
    """
    found = [
        rules.check_minutes(command.minutes, in_force, "length"),
        _check_day(command.held_on, in_force, on),
        _check_words(command),
    ]
    if len(names.tidy(command.duplicate_reason)) > rules.MAX_DUPLICATE_REASON:
        found.append(
            Refusal(
                "reason_too_long",
                say("Say it in up to {most} letters.", most=f"{rules.MAX_DUPLICATE_REASON:,}"),
                "again",
            )
        )
    return [own_words(refusal) for refusal in found if refusal]


def _check_day(day: date, in_force: Rules, on: date) -> Refusal | None:
    if day > on:
        return Refusal("date_in_future", say("{day} is still to come. Choose an earlier day.", day=day), "day")
    back = min(in_force.self_log_days_back, in_force.max_days_back)
    if (on - day).days > back:
        message = say_n(
            back,
            "You can log up to {n} day back. Ask a coordinator to add older time.",
            "You can log up to {n} days back. Ask a coordinator to add older time.",
        )
        return Refusal("date_too_far_back", message, "day")
    return None


def _check_words(command: LogTime) -> Refusal | None:
    if len(command.words) > MAX_WORDS:
        return Refusal("words_too_long", say("Say it in up to {most} letters.", most=f"{MAX_WORDS:,}"), "words")
    if command.activity_id is None and not names.tidy(command.words):
        return Refusal("words_missing", say("Say in a few words what you did."), "words")
    return None


async def check_time(db: Database, actor: Actor, command: LogTime, *, now: datetime) -> list[Refusal]:
    """What stands in the way of logging this, as far as can be said beforehand: for a page that asks to check."""
    async with db.reading(actor.timebank_id) as connection:
        bank = await banks.by_id(connection, actor.timebank_id)
        on = today(now, bank.time_zone)
        _, in_force = await banks.rules_in_force(connection, actor.timebank_id, on)
    return check(command, in_force, on)


async def log_time(db: Database, actor: Actor, command: LogTime, *, key: str, now: datetime) -> Logged | list[Refusal]:
    """Log time for the actor's subject: themselves, or the member whom they act for.

    Refusals: those of :func:`check`, ``too_many_waiting``, ``unknown_activity``, ``photo_gone``, ``duplicate``, and
    what the ledger refuses.
    """

    async def work(connection: Connection) -> Logged:
        return await _log(connection, actor, command, now)

    return await once(db, actor, f"log_time:{actor.subject_id}", key, command, Logged, work)


async def _log(connection: Connection, actor: Actor, command: LogTime, now: datetime) -> Logged:
    timebank_id = actor.timebank_id
    if actor.subject_id is None:
        raise Rollback([Refusal("not_allowed", say("Only a member can log time for themselves."))])
    bank = await banks.by_id(connection, timebank_id)
    on = today(now, bank.time_zone)
    _, in_force = await banks.rules_in_force(connection, timebank_id, on)
    if refusals := check(command, in_force, on):
        raise Rollback(refusals)
    if await connection.fetchval(HOW_MANY_WAIT, timebank_id, actor.subject_id) >= MAX_WAITING:
        message = say(
            "{number} of your entries wait already. Log more when someone has looked at them.", number=MAX_WAITING
        )
        raise Rollback([Refusal("too_many_waiting", message)])
    if command.photo_id is not None:
        known = 0 < command.photo_id <= MAX_ID and await connection.fetchval(
            HAS_PHOTO, timebank_id, command.photo_id, actor.subject_id
        )
        if not known:
            raise Rollback([Refusal("photo_gone", say("The photo is not here any more. Choose it again."), "photo")])
    words = command.words.strip()
    activity_id = command.activity_id
    if activity_id is None:
        activity_id = await _something_else(connection, timebank_id)
    line = Line(
        member_id=actor.subject_id,
        held_on=command.held_on,
        minutes=command.minutes,
        what=_short(words),
        duplicate_reason=names.tidy(command.duplicate_reason),
        activity_id=activity_id,
    )
    try:
        saved = await record(connection, actor, [line], source="self", now=now)
    except Rollback as rollback:
        raise Rollback([_in_their_words(one, line) for one in rollback.refusals]) from rollback
    row = await connection.fetchrow(LOGGED, timebank_id, saved.reference)
    if words or command.photo_id is not None:
        await connection.execute(ADD_EVIDENCE, timebank_id, row["id"], words, command.photo_id)
    return Logged(contribution_id=row["id"], state=row["state"], minutes=line.minutes)


def _short(words: str) -> str:
    """The beginning of what somebody said, for lists; all of it is kept as evidence."""
    line = names.tidy(words)
    return line if len(line) <= rules.MAX_WHAT else line[: rules.MAX_WHAT - 1].rstrip() + "…"


async def _something_else(connection: Connection, timebank_id: int) -> int:
    """The group for what belongs to no other; made when somebody needs it first."""
    key = names.key(SOMETHING_ELSE)
    found = await connection.fetchval(NAMED, timebank_id, key)
    if found is None:
        try:
            return await make_activity(connection, system(timebank_id), AddActivity(name=SOMETHING_ELSE))
        except Rollback:  # another member was a moment quicker
            found = await connection.fetchval(NAMED, timebank_id, key)
    return int(found)


def _in_their_words(refusal: Refusal, line: Line) -> Refusal:
    """What the rules of a register say, as the member's own page says it, beside its own field."""
    if refusal.code == "duplicate":
        message = say(
            "You have {time} on {day} here already. Is this other time? Then say so below.",
            time=Minutes(line.minutes),
            day=line.held_on,
        )
        return Refusal(refusal.code, message, "again")
    if refusal.code == "unknown_activity":
        return Refusal(refusal.code, say("Choose what you did from the list."), "activity")
    fields = {"minutes": "length", "held_on": "day", "duplicate_reason": "again", "activity_id": "activity"}
    return own_words(Refusal(refusal.code, refusal.message, fields.get((refusal.field or "").rpartition(".")[2])))


def own_words(refusal: Refusal) -> Refusal:
    """What is said to a coordinator about somebody else's time, said to the member about their own."""
    words = OWN_WORDS.get(refusal.code)
    return refusal if words is None else Refusal(refusal.code, say(words), refusal.field)


OWN_WORDS = {
    "minutes_zero": mark("Enter how long it took."),
    "minutes_negative": mark("Enter how long it took, without a minus sign."),
    "day_too_short": mark("This is more time than the day has. Enter less."),
    "ceiling": mark("You cannot have more hours than our rules allow. Use some first."),
    "member_paused": mark("You are taking a break. End it first, then log your time."),
    "closed_account": mark("Your hours are closed. Ask your time bank."),
    "frozen_account": mark("Your hours are on hold. Ask your time bank."),
    "unknown_account": mark("Your hours are not set up yet. Ask your time bank."),
    "closed_period": mark("That day is closed in our books. Ask your time bank."),
}


async def withdraw(
    db: Database, actor: Actor, command: Withdraw, *, key: str, now: datetime
) -> Withdrawn | list[Refusal]:
    """Take back what the subject logged, while nobody has decided about it. Nothing was added, so nothing is reversed.

    Refusals: ``decided_already``, ``undone_already``.

    Raises:
        LookupError: the subject has logged no such time.
    """

    async def work(connection: Connection) -> Withdrawn:
        timebank_id = actor.timebank_id
        known = 0 < command.contribution_id <= MAX_ID
        row = (
            await connection.fetchrow(LOCK_OWN, timebank_id, command.contribution_id, actor.subject_id)
            if known
            else None
        )
        if row is None:
            raise LookupError(f"no time {command.contribution_id} of this member")
        if row["state"] == "undone":
            raise Rollback([Refusal("undone_already", say("You took this back before. There is nothing more to do."))])
        if row["state"] != "submitted":
            raise Rollback(
                [Refusal("decided_already", say("Someone has decided about this already. Ask them to change it."))]
            )
        await connection.execute(WITHDRAW_LINE, timebank_id, row["id"])
        await connection.execute(WITHDRAW_REGISTER, timebank_id, row["register_id"], actor.member_id, now)
        return Withdrawn(contribution_id=row["id"], minutes=row["minutes"])

    return await once(db, actor, f"withdraw:{actor.subject_id}", key, command, Withdrawn, work)
