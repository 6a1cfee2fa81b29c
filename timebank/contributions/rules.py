"""What may be recorded, what waits for a second person, who may decide and what may be undone. Pure."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

import msgspec

from timebank.banks.rules import Rules
from timebank.kit import dates
from timebank.kit.actor import ADMIN, COORDINATOR, Actor
from timebank.kit.durations import MAX_MINUTES, in_words
from timebank.kit.refusal import Refusal

MAX_WHAT = 200
MAX_DUPLICATE_REASON = 200
MAX_DECISION_REASON = 500

Kind = Literal["given", "exchange", "staff", "brought_forward"]
Source = Literal["page", "file", "api", "self", "check_in", "import"]
State = Literal["submitted", "approved", "declined", "undone", "removed"]
Standing = Literal["active", "paused", "left"]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One person's time on one day. ``minutes`` are whole minutes.

    ``activity_id`` may be left to the register; ``number`` is the line of its file, 0 when there is none.

    ``guest_id`` instead of a member: then ``member_id`` is 0. ``starts_at`` is on the time bank's wall clock.
    ``preparation_minutes`` and ``travel_minutes`` are part of ``minutes``. An ``exchange`` is for ``receiver_ids``;
    ``how_agreed`` says how those who pay for it agreed. ``evidence`` is for hours brought forward.
    """

    member_id: int
    held_on: date
    minutes: int
    what: str = ""
    duplicate_reason: str = ""
    activity_id: int | None = None
    number: int = 0
    starts_at: time | None = None
    preparation_minutes: int = 0
    travel_minutes: int = 0
    guest_id: int | None = None
    kind: Kind = "given"
    receiver_ids: tuple[int, ...] = ()
    how_agreed: str = ""
    evidence: str = ""

    @property
    def who(self) -> int:
        """One number for whoever it was: a member's id, or a guest's id below zero."""
        return self.member_id if self.guest_id is None else -self.guest_id


@dataclass(frozen=True, slots=True)
class Earlier:
    """Time that is recorded already and counts, or waits to."""

    contribution_id: int
    reference: str
    activity_id: int
    member_id: int
    held_on: date
    minutes: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules need to know about a time bank to judge the lines of a register.

    ``people`` holds every member that the lines name; one who is missing from it is not known here.
    """

    rules: Rules
    today: date
    people: Mapping[int, Standing]
    activities: Container[int]
    earlier: Sequence[Earlier]


def may_record(actor: Actor) -> Refusal | None:
    """Why this actor may not record time for others, or None. Every entry needs a person behind it."""
    if actor.member_id is None or not actor.has(COORDINATOR):
        return Refusal("not_allowed", "Only a coordinator can do this. Ask a coordinator of your time bank.")
    return None


def check_size(lines: int, limit: int) -> Refusal | None:
    """Why a register cannot have this many lines, or None. The limit is ``max_people_per_register``, or the file's."""
    if lines == 0:
        return Refusal("no_lines", "Tick at least one person who came, or add someone.", "lines")
    if lines > limit:
        message = f"One register holds up to {limit} lines. Save the rest as another register."
        return Refusal("too_many_lines", message, "lines")
    return None


def check_lines(lines: Sequence[Line], facts: Facts) -> list[Refusal]:
    """Everything that stands in the way of saving these lines; fields read ``lines.0.minutes``, counted from 0."""
    refusals = []
    for index, line in enumerate(lines):
        refusals += check_line(line, facts, f"lines.{index}.")
    return refusals + check_duplicates(lines, facts.earlier)


def check_line(line: Line, facts: Facts, prefix: str = "") -> list[Refusal]:
    """What is wrong with one line, other lines aside."""
    found = (
        _check_member(line.member_id, facts.people, f"{prefix}member_id"),
        None
        if line.activity_id in facts.activities
        else Refusal("unknown_activity", "Choose one of your groups.", f"{prefix}activity_id"),
        check_minutes(line.minutes, facts.rules, f"{prefix}minutes"),
        check_day(line.held_on, facts.rules, facts.today, f"{prefix}held_on"),
        None
        if len(line.what) <= MAX_WHAT
        else Refusal("what_too_long", f"Say what they did in at most {MAX_WHAT} characters.", f"{prefix}what"),
        None
        if len(line.duplicate_reason) <= MAX_DUPLICATE_REASON
        else Refusal(
            "reason_too_long",
            f"Give the reason in at most {MAX_DUPLICATE_REASON} characters.",
            f"{prefix}duplicate_reason",
        ),
    )
    return [refusal for refusal in found if refusal]


def _check_member(member_id: int, people: Mapping[int, Standing], field: str) -> Refusal | None:
    standing = people.get(member_id)
    if standing is None:
        return Refusal("unknown_member", "Choose a member of this time bank.", field)
    if standing == "left":
        return Refusal("member_left", "This person has left the time bank, so no time can be added for them.", field)
    return None


def check_minutes(minutes: int, rules: Rules, field: str) -> Refusal | None:
    """Why this many minutes cannot be recorded in one entry, or None. The limit is ``max_minutes_per_entry``."""
    if minutes == 0:
        return Refusal("minutes_zero", "Enter a time longer than nothing, or leave this person out.", field)
    if minutes < 0:
        return Refusal("minutes_negative", "Enter a time longer than nothing, without a minus sign.", field)
    limit = min(rules.max_minutes_per_entry, MAX_MINUTES)
    if minutes > limit:
        message = (
            f"{in_words(minutes)} is more than the rules allow in one entry ({in_words(limit)}). "
            "Enter less, or one day at a time."
        )
        return Refusal("minutes_above_limit", message, field)
    return None


def check_day(day: date, rules: Rules, today: date, field: str) -> Refusal | None:
    """Why time cannot be recorded for this day, or None. The limit is ``max_days_back``."""
    if day > today:
        return Refusal(
            "date_in_future", f"{dates.in_words(day)} has not been yet. Enter today or an earlier day.", field
        )
    if day < first_day(rules, today):
        message = (
            f"{dates.in_words(day)} is too long ago. The rules allow {rules.max_days_back} days back, "
            f"to {dates.in_words(first_day(rules, today))}."
        )
        return Refusal("date_too_far_back", message, field)
    return None


def first_day(rules: Rules, today: date) -> date:
    """The earliest day for which time can be recorded."""
    try:
        return today - timedelta(days=rules.max_days_back)
    except OverflowError:
        return date.min


def check_duplicates(lines: Sequence[Line], earlier: Iterable[Earlier]) -> list[Refusal]:
    """Lines that repeat member, day, activity and minutes of another, here or recorded, without a reason why."""
    there = {(one.member_id, one.held_on, one.activity_id, one.minutes): one for one in earlier}
    seen: set[tuple[int, date, int | None, int]] = set()
    refusals = []
    for index, line in enumerate(lines):
        same = (line.member_id, line.held_on, line.activity_id, line.minutes)
        if not line.duplicate_reason.strip():
            field = f"lines.{index}.duplicate_reason"
            # mypy: a line without an activity equals no recorded one.
            if line.activity_id is not None and (one := there.get((*same[:2], line.activity_id, line.minutes))):
                message = (
                    f"{in_words(line.minutes)} on {dates.in_words(line.held_on)} is already recorded for this person, "
                    f"in register {one.reference}. Leave them out, or say why it is a second time."
                )
                refusals.append(Refusal("duplicate", message, field))
            elif same in seen:
                message = "This person is here twice with the same time. Leave one out, or say why it is a second time."
                refusals.append(Refusal("duplicate_in_register", message, field))
        seen.add(same)
    return refusals


def flags(lines: Sequence[Line], facts: Facts, actor: Actor) -> list[str]:
    """For each line why a second person must agree, in words; empty where nobody needs to."""
    on_day: Counter[tuple[int, date]] = Counter()
    for earlier in facts.earlier:
        on_day[earlier.member_id, earlier.held_on] += earlier.minutes
    for line in lines:
        on_day[line.member_id, line.held_on] += line.minutes
    return [flag(line, facts, actor, on_day[line.member_id, line.held_on]) for line in lines]


def flag(line: Line, facts: Facts, actor: Actor, minutes_on_day: int) -> str:
    """Why this line waits for a second person, or "". Nobody approves their own hour; the rest are limits of the rules.

    ``minutes_on_day`` is everything recorded for the member on that day, this line included: otherwise a long day could
    be entered in pieces.
    """
    rules = facts.rules
    reasons = []
    if line.member_id == actor.member_id:
        reasons.append("Recorded by the person themselves")
    if line.minutes > rules.approval_above_minutes:
        reasons.append(f"More than {in_words(rules.approval_above_minutes)}")
    elif minutes_on_day > rules.approval_above_minutes:
        reasons.append(f"More than {in_words(rules.approval_above_minutes)} on one day")
    if (facts.today - line.held_on).days > rules.approval_after_days:
        reasons.append(f"More than {rules.approval_after_days} days ago")
    return ". ".join(reasons)


def may_decide(actor: Actor, *, member_id: int, recorded_by: int) -> Refusal | None:
    """Why this actor may not decide, or None: it takes a second person, and not the one it is about."""
    refusal = may_record(actor)
    if refusal:
        return refusal
    if actor.member_id == member_id:
        return Refusal("own_hour", "This is your own time. Someone else decides about it.")
    if actor.member_id == recorded_by:
        return Refusal("own_record", "You recorded this time, so someone else decides about it.")
    return None


def check_decision(state: State, *, approve: bool, reason: str) -> Refusal | None:
    """Why a decision cannot be made as it stands, or None. Saying no needs a reason, which the member can read."""
    if state == "undone":
        return Refusal("undone_already", "The register with this time was undone. There is nothing left to decide.")
    if state != "submitted":
        done = "approved" if state == "approved" else "declined"
        return Refusal("decided_already", f"Someone has already {done} this time. Nothing was changed.")
    if len(reason) > MAX_DECISION_REASON:
        return Refusal("reason_too_long", f"Give the reason in at most {MAX_DECISION_REASON} characters.", "reason")
    if not approve and not reason.strip():
        return Refusal("reason_missing", "Say why it is not added. The person can read it.", "reason")
    return None


def undo_ends(recorded_at: datetime, rules: Rules) -> datetime:
    """Until when a register can be undone."""
    return recorded_at + timedelta(minutes=rules.undo_minutes)


def may_undo(actor: Actor, *, recorded_by: int, recorded_at: datetime, rules: Rules, now: datetime) -> Refusal | None:
    """Why this actor may not undo a register now, or None: whoever saved it, or an administrator, and soon after."""
    refusal = may_record(actor)
    if refusal:
        return refusal
    if actor.member_id != recorded_by and ADMIN not in actor.roles:
        return Refusal("not_yours", "Only the person who saved this register, or an administrator, can undo it.")
    if now > undo_ends(recorded_at, rules):
        message = (
            f"A register can be undone for {in_words(rules.undo_minutes)} after it is saved. That time has passed."
        )
        return Refusal("too_late", message)
    return None
