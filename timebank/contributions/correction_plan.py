"""What a correction of a register changes, and whether it may: worked out and judged before anything is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import msgspec

from timebank.contributions import amending, crediting, queries, rules
from timebank.contributions.amending import Amended, Amendment
from timebank.contributions.recording import Gathered, gather, tidied
from timebank.contributions.repeats import check_day_lengths, check_repeats
from timebank.contributions.rules import MAX_BROUGHT_FORWARD, MAX_DECISION_REASON, Facts, Line, Source
from timebank.db import Connection, Rollback
from timebank.kit import names
from timebank.kit.actor import Actor
from timebank.kit.durations import MAX_MINUTES
from timebank.kit.refusal import Refusal
from timebank.members import queries as members

REGISTER = """
select id, source, undone_at, recorded_by from register where timebank_id = $1 and reference = $2 for update
"""


class ChangedLine(msgspec.Struct, frozen=True, kw_only=True):
    """What a line of a saved register is to say: ``minutes`` (0 takes it out) and ``held_on``; None leaves it as it is.

    ``duplicate_reason`` says why it may be like another entry, or overlap one.
    """

    contribution_id: int
    minutes: int | None = None
    held_on: date | None = None
    duplicate_reason: str = ""


class CorrectRegister(msgspec.Struct, frozen=True, kw_only=True):
    """Correct a saved register: change lines, take them out, add some, or move all of it to another day (``held_on``).

    ``reason`` is read by everybody affected.
    """

    reference: str
    changes: tuple[ChangedLine, ...] = ()
    reason: str = ""
    add: tuple[Line, ...] = ()
    held_on: date | None = None


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """What a correction does to one line. Minutes are those that count, before and after.

    ``contribution_id`` is 0 for a line that is added. ``short_minutes`` have been used already: the person keeps them.
    ``waits`` says why a second person must agree, or "".
    """

    contribution_id: int
    member_id: int | None
    name: str
    activity: str
    minutes_before: int
    minutes_after: int
    held_on_before: date
    held_on_after: date
    short_minutes: int = 0
    waits: str = ""


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """A register as it would be corrected: everybody affected, in the order of the register."""

    reference: str
    affected: tuple[Affected, ...]

    @property
    def short_minutes(self) -> int:
        """Minutes that were used already and would go to ``corrections``."""
        return sum(max(0, one.short_minutes) for one in self.affected)


@dataclass(frozen=True, slots=True)
class Plan:
    """A correction worked out: the register, its lines, what changes, what is added and why that may wait."""

    register: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    amended: Sequence[Amended]
    add: Sequence[Line]
    flagged: Sequence[str]
    known: Gathered


def own_hour() -> Refusal:
    """Nobody corrects what is about their own hours."""
    return Refusal("own_hour", "This is about your own hours. Someone else corrects them.")


def may_change(actor: Actor, row: Mapping[str, Any]) -> Refusal | None:
    """Why this actor may not change this contribution, or None."""
    if actor.member_id is None or actor.member_id in (row["member_id"], row["credited_id"]):
        return own_hour()
    if row["state"] not in ("approved", "submitted"):
        message = "This time does not count: it was declined or taken back. Add it again instead."
        return Refusal("not_counted", message)
    return None


def check_new_minutes(row: Mapping[str, Any], minutes: int) -> Refusal | None:
    """Why a contribution cannot have these minutes instead, or None; 0 takes it out."""
    if minutes < 0:
        return Refusal("minutes_negative", "Enter a time without a minus sign.", "minutes")
    if minutes > (MAX_BROUGHT_FORWARD if row["kind"] == "brought_forward" else MAX_MINUTES):
        return Refusal("minutes_above_limit", "Enter less: this is more than one entry can hold.", "minutes")
    if minutes == row["minutes"]:
        return Refusal("nothing_changed", "This is what is recorded already. Nothing was changed.", "minutes")
    return None


async def make_plan(connection: Connection, actor: Actor, command: CorrectRegister, now: datetime) -> Plan:
    """Lock the register, work out what changes, and judge it: raises Rollback with everything in the way.

    Raises:
        LookupError: this time bank has no such register.
    """
    register = await connection.fetchrow(REGISTER, actor.timebank_id, command.reference)
    if register is None:
        raise LookupError(f"no register {command.reference}")
    if register["undone_at"] is not None:
        raise Rollback([Refusal("undone_already", "This register was undone. Save it again instead.")])
    if refusal := _check_reason(command.reason):
        raise Rollback([refusal])
    rows = await connection.fetch(crediting.CREDITABLE_REGISTER, actor.timebank_id, register["id"])
    wanted, changed = _wanted(command, rows)
    group = rows[0]["activity_id"]
    add = [
        msgspec.structs.replace(tidied(line), activity_id=line.activity_id or group, number=0) for line in command.add
    ]
    if not wanted and not add:
        raise Rollback([Refusal("nothing_changed", "Nothing is different from what is saved.", "changes")])
    as_lines = [_line(one, change) for one, change in zip(wanted, changed, strict=True) if one.minutes]
    known = await gather(connection, actor, [*as_lines, *add], now=now)
    if refusals := _check(actor, command, register, rows, wanted, add, known):
        raise Rollback(refusals)
    amended = await amending.plan_amendments(connection, actor.timebank_id, wanted)
    if any(actor.member_id in one.paid_before for one in amended):
        raise Rollback([own_hour()])
    facts = _without(known.facts, wanted)
    flagged = rules.flags([*as_lines, *add], facts, actor)[len(as_lines) :]
    return Plan(register, rows, amended, add, flagged, known)


def _check_reason(reason: str) -> Refusal | None:
    if not reason.strip():
        return Refusal("reason_missing", "Say why it is corrected. Everybody affected can read it.", "reason")
    if len(reason) > MAX_DECISION_REASON:
        return Refusal("reason_too_long", f"Give the reason in at most {MAX_DECISION_REASON} characters.", "reason")
    return None


def _wanted(command: CorrectRegister, rows: Sequence[Mapping[str, Any]]) -> tuple[list[Amendment], list[ChangedLine]]:
    """What really changes, in the order of the register, with what was asked for it."""
    asked: dict[int, ChangedLine] = {}
    by_id = {row["id"]: row for row in rows}
    for at, change in enumerate(command.changes):
        if change.contribution_id not in by_id or change.contribution_id in asked:
            message = "This line is not in the register, or is there twice. Start the correction again."
            raise Rollback([Refusal("unknown_line", message, f"changes.{at}.contribution_id")])
        asked[change.contribution_id] = change
    wanted, changed = [], []
    for row in rows:
        change = asked.get(row["id"]) or ChangedLine(contribution_id=row["id"])
        counts = row["state"] in ("approved", "submitted")
        moved = change.held_on or (command.held_on if counts else None)
        minutes = row["minutes"] if change.minutes is None else change.minutes
        day = moved or row["held_on"]
        if (minutes, day) != (row["minutes"], row["held_on"]) or (row["id"] in asked and not counts):
            wanted.append(Amendment(row, minutes, day))
            changed.append(change)
    return wanted, changed


def _line(one: Amendment, change: ChangedLine) -> Line:
    """A changed line as the rules judge it."""
    row = one.row
    travel = min(row["travel_minutes"], one.minutes)
    return Line(
        member_id=row["member_id"] or 0,
        guest_id=None if row["member_id"] else row["guest_id"],
        held_on=one.held_on,
        minutes=one.minutes,
        activity_id=row["activity_id"],
        kind="staff" if row["kind"] == "staff" else "given",
        starts_at=row["starts_at"],
        travel_minutes=travel,
        preparation_minutes=min(row["preparation_minutes"], one.minutes - travel),
        duplicate_reason=names.tidy(change.duplicate_reason),
    )


def _without(facts: Facts, wanted: Sequence[Amendment]) -> Facts:
    """The facts with the changed lines left out of what is recorded."""
    ids = {one.row["id"] for one in wanted}
    return replace(facts, earlier=[one for one in facts.earlier if one.contribution_id not in ids])


def _check(
    actor: Actor,
    command: CorrectRegister,
    register: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    wanted: Sequence[Amendment],
    add: Sequence[Line],
    known: Gathered,
) -> list[Refusal]:
    if known.led is not None and not all(
        activity_id in known.led
        for activity_id in [*(row["activity_id"] for row in rows), *(one.activity_id for one in add)]
    ):
        return [Refusal("not_allowed", "Only a coordinator, or whoever leads this group, can correct this.")]
    limit = max(known.facts.rules.max_people_per_register, len(rows))
    if refusal := rules.check_size(len(rows) + len(add), limit):
        return [refusal]
    places = {change.contribution_id: at for at, change in enumerate(command.changes)}
    facts = _without(known.facts, wanted)
    refusals = []
    for one in wanted:
        prefix = f"changes.{places[one.row['id']]}." if one.row["id"] in places else ""
        refusals += _check_one(actor, one, facts, register, prefix)
    for at, line in enumerate(add):
        refusals += rules.check_line(line, facts, f"add.{at}.")
    if refusals:
        return refusals
    changes = {change.contribution_id: change for change in command.changes}
    asked = [
        (f"changes.{places[one.row['id']]}" if one.row["id"] in places else "",
         _line(one, changes.get(one.row["id"]) or ChangedLine(contribution_id=one.row["id"])))
        for one in wanted
        if one.minutes and one.row["kind"] != "brought_forward"
    ]  # fmt: skip
    asked += [(f"add.{at}", line) for at, line in enumerate(add)]
    lines = [line for _, line in asked]
    found = check_day_lengths(lines, facts) + check_repeats(lines, facts)
    return [_renamed(refusal, [place for place, _ in asked]) for refusal in found] + _second_person(
        actor, register, wanted, facts, places
    )


def _renamed(refusal: Refusal, places: Sequence[str]) -> Refusal:
    _, at, name = (refusal.field or "lines.0.").split(".")
    return replace(refusal, field=f"{places[int(at)]}.{name}" if places[int(at)] else "held_on")


def _check_one(actor: Actor, one: Amendment, facts: Facts, register: Mapping[str, Any], prefix: str) -> list[Refusal]:
    row = one.row
    found: list[Refusal | None] = []
    if refusal := may_change(actor, row):
        found.append(replace(refusal, field=f"{prefix}minutes" if prefix else "changes"))
    if one.minutes and one.minutes != row["minutes"]:
        found.append(
            _renamed_minutes(check_new_minutes(row, one.minutes), prefix)
            if row["kind"] == "brought_forward"
            else rules.check_minutes(one.minutes, facts.rules, f"{prefix}minutes")
        )
    if one.minutes and one.held_on != row["held_on"]:
        source: Source = "import" if register["source"] == "import" or row["kind"] == "brought_forward" else "page"
        field = f"{prefix}held_on" if prefix else "held_on"
        found.append(rules.check_day(one.held_on, facts.rules, facts.today, field, source=source))
    return [refusal for refusal in found if refusal]


def _renamed_minutes(refusal: Refusal | None, prefix: str) -> Refusal | None:
    return replace(refusal, field=f"{prefix}minutes") if refusal else None


def _second_person(
    actor: Actor,
    register: Mapping[str, Any],
    wanted: Sequence[Amendment],
    facts: Facts,
    places: Mapping[int, int],
) -> list[Refusal]:
    """More time than the rules allow without a second person, by whoever recorded it: that one must be another."""
    raised = [
        one
        for one in wanted
        if one.row["state"] == "approved"
        and one.row["recorded_by"] == actor.member_id
        and (one.minutes > one.row["minutes"] or one.held_on != one.row["held_on"])
        and one.minutes
    ]
    lines = [_line(one, ChangedLine(contribution_id=one.row["id"])) for one in raised]
    return [
        Refusal(
            "own_record",
            f"{why}: that needs a second person, and you recorded this. Ask another coordinator to correct it.",
            f"changes.{places[one.row['id']]}.minutes" if one.row["id"] in places else "held_on",
        )
        for one, why in zip(raised, rules.flags(lines, facts, actor), strict=True)
        if why
    ]


async def shown(connection: Connection, actor: Actor, command: CorrectRegister, plan: Plan) -> Correction:
    """The plan as a preview shows it."""
    everyone = {one.to.row["member_id"] for one in plan.amended} | {line.member_id for line in plan.add}
    name = await members.names(connection, actor.timebank_id, sorted(everyone - {None, 0}))
    if plan.known.led is not None:  # a session leader sees first names
        name = {id_: full.split()[0] for id_, full in name.items()}
    guests = [one.to.row["guest_id"] for one in plan.amended] + [line.guest_id for line in plan.add]
    guest_name = await queries.guest_names(connection, actor.timebank_id, [one for one in guests if one])
    groups = {id_: str(group["name"]) for id_, group in plan.known.groups.items()}
    affected = [
        Affected(
            contribution_id=one.id,
            member_id=one.to.row["member_id"],
            name=name.get(one.to.row["member_id"] or 0) or guest_name.get(one.to.row["guest_id"] or 0, queries.A_GUEST),
            activity=one.to.row["activity"],
            minutes_before=one.to.row["minutes"],
            minutes_after=one.to.minutes,
            held_on_before=one.to.row["held_on"],
            held_on_after=one.to.held_on,
            short_minutes=one.short_minutes,
            waits="It waits for a second person already." if one.to.row["state"] == "submitted" else "",
        )
        for one in sorted(plan.amended, key=lambda one: one.to.row["line"])
    ]
    affected += [
        Affected(
            contribution_id=0,
            member_id=line.member_id or None,
            name=name.get(line.member_id) or guest_name.get(line.guest_id or 0, queries.A_GUEST),
            activity=groups.get(line.activity_id or 0, ""),
            minutes_before=0,
            minutes_after=line.minutes,
            held_on_before=line.held_on,
            held_on_after=line.held_on,
            waits=why,
        )
        for line, why in zip(plan.add, plan.flagged, strict=True)
    ]
    return Correction(reference=command.reference, affected=tuple(affected))
