"""What may be recorded, what waits for a second person, who may decide and what may be undone. Pure."""

from collections.abc import Container, Mapping, Sequence
from datetime import date, datetime, timedelta

from timebank.banks.rules import Rules
from timebank.contributions import times
from timebank.contributions.lines import (
    MAX_AGREED,
    MAX_BROUGHT_FORWARD,
    MAX_DECISION_REASON,
    MAX_DUPLICATE_REASON,
    MAX_EVIDENCE,
    MAX_WHAT,
    Earlier,
    Facts,
    Kind,
    Line,
    Source,
    Standing,
    State,
)
from timebank.contributions.repeats import check_day_lengths, check_duplicates, check_repeats, sums
from timebank.kit import dates
from timebank.kit.actor import ADMIN, APPROVER, COORDINATOR, Actor
from timebank.kit.durations import MAX_MINUTES, in_words
from timebank.kit.refusal import Refusal
from timebank.kit.words import Minutes, say

__all__ = [
    "MAX_AGREED",
    "MAX_BROUGHT_FORWARD",
    "MAX_DECISION_REASON",
    "MAX_DUPLICATE_REASON",
    "MAX_EVIDENCE",
    "MAX_WHAT",
    "Earlier",
    "Facts",
    "Kind",
    "Line",
    "Source",
    "Standing",
    "State",
    "check_duplicates",
]


def may_record(actor: Actor) -> Refusal | None:
    """Why this actor may not record time for others, or None. Every entry needs a person behind it."""
    if actor.member_id is None or not actor.has(COORDINATOR):
        return Refusal("not_allowed", "Only a coordinator can do this. Ask a coordinator of your time bank.")
    return None


def may_record_lines(actor: Actor, lines: Sequence[Line], led: Container[int] | None, source: Source) -> Refusal | None:
    """Why this actor may not record these lines, or None. ``led`` are the groups they lead; None: they may log any.

    Members log their own time, or that of whom they act for; a session leader logs the groups that they lead.
    """
    if actor.member_id is None:
        return Refusal("not_allowed", "Only a person can record time.")
    if led is None:
        return None
    if source in ("self", "check_in") and all(
        line.who == actor.subject_id and line.kind in ("given", "exchange") for line in lines
    ):
        return None
    if all(line.activity_id in led and line.kind != "brought_forward" for line in lines):
        return None
    return Refusal("not_allowed", "Only a coordinator, or whoever leads this group, can log it.")


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
    if refusals:
        # A wrong day or length makes the comparisons below say nonsense.
        return refusals + check_duplicates(lines, facts.earlier)
    return check_day_lengths(lines, facts) + check_repeats(lines, facts)


def check_line(line: Line, facts: Facts, prefix: str = "") -> list[Refusal]:
    """What is wrong with one line, other lines aside."""
    found = [
        _check_who(line, facts, f"{prefix}member_id"),
        None
        if line.activity_id in facts.activities or (line.kind == "brought_forward" and line.activity_id is None)
        else Refusal("unknown_activity", "Choose one of your groups.", f"{prefix}activity_id"),
        *(
            None if len(text) <= limit else Refusal(code, f"{words} in at most {limit} characters.", f"{prefix}{field}")
            for text, limit, code, words, field in (
                (line.what, MAX_WHAT, "what_too_long", "Say what they did", "what"),
                (line.duplicate_reason, MAX_DUPLICATE_REASON, "reason_too_long", "Give the reason", "duplicate_reason"),
                (line.how_agreed, MAX_AGREED, "agreement_too_long", "Say how they agreed", "how_agreed"),
                (line.evidence, MAX_EVIDENCE, "evidence_too_long", "Say where it is written", "evidence"),
            )
        ),
    ]
    if line.kind == "brought_forward":
        found += [_check_brought_forward(line, facts, prefix)]
    else:
        found += [
            check_minutes(line.minutes, facts.rules, f"{prefix}minutes"),
            check_day(line.held_on, facts.rules, facts.today, f"{prefix}held_on", source=facts.source),
            _check_parts(line, prefix),
        ]
    return [refusal for refusal in found if refusal] + _check_receivers(line, facts, prefix)


def _check_who(line: Line, facts: Facts, field: str) -> Refusal | None:
    if line.guest_id is None:
        return _check_member(line.member_id, facts.people, field)
    if line.member_id:
        return Refusal("member_or_guest", "Choose a member or a guest, not both.", field)
    if line.guest_id not in facts.guests:
        return Refusal("unknown_guest", "This guest is not known, or is a member now. Choose who came.", field)
    if line.kind not in ("given", "staff"):
        message = "A guest's hours for another member can be added once they have joined."
        return Refusal("guest_exchange", message, field)
    return None


def _check_member(member_id: int, people: Mapping[int, Standing], field: str) -> Refusal | None:
    standing = people.get(member_id)
    if standing is None:
        return Refusal("unknown_member", "Choose a member of this time bank.", field)
    if standing == "left":
        return Refusal("member_left", "This person has left the time bank, so no time can be added for them.", field)
    if standing == "paused":
        return Refusal("member_paused", "This person is taking a break. End the break first, then add time.", field)
    return None


def _check_parts(line: Line, prefix: str) -> Refusal | None:
    if min(line.preparation_minutes, line.travel_minutes) < 0:
        return Refusal("parts_negative", "Enter a time without a minus sign.", f"{prefix}minutes")
    if line.preparation_minutes + line.travel_minutes > line.minutes > 0:
        message = "Getting ready and travel are longer than the whole time. Enter a longer time, or less of these."
        return Refusal("parts_too_long", message, f"{prefix}minutes")
    return None


def _check_brought_forward(line: Line, facts: Facts, prefix: str) -> Refusal | None:
    if not 0 < line.minutes <= MAX_BROUGHT_FORWARD:
        message = f"Enter hours from 1 minute up to {in_words(MAX_BROUGHT_FORWARD)}."
        return Refusal("minutes_above_limit", message, f"{prefix}minutes")
    if not line.evidence.strip():
        message = "Say where these hours are written down, so that a second person can look."
        return Refusal("evidence_missing", message, f"{prefix}evidence")
    if line.held_on > facts.today:
        return Refusal("date_in_future", "This day has not been yet. Enter today or earlier.", f"{prefix}held_on")
    return None


def _check_receivers(line: Line, facts: Facts, prefix: str) -> list[Refusal]:
    """An exchange names whom it was for; whoever pays for it agreed first, by any channel."""
    field = f"{prefix}receiver_ids"
    if line.kind != "exchange":
        if line.receiver_ids:
            return [Refusal("receivers_not_wanted", "Only time for another member names who received it.", field)]
        return []
    if not line.receiver_ids:
        return [Refusal("receiver_missing", "Say who this time was for.", field)]
    if len(line.receiver_ids) > facts.rules.max_people_per_register:
        message = f"One register holds up to {facts.rules.max_people_per_register} people."
        return [Refusal("too_many_receivers", message, field)]
    if len(set(line.receiver_ids)) < len(line.receiver_ids):
        return [Refusal("receiver_twice", "Somebody is named twice. Name each person once.", field)]
    if line.member_id in line.receiver_ids:
        return [Refusal("own_receiver", "Nobody gives time to themselves. Choose who received it.", field)]
    found = [_check_member(each, facts.people, field) for each in line.receiver_ids]
    refusals = list(dict.fromkeys(refusal for refusal in found if refusal))
    pays = len(line.receiver_ids) == 1 or line.activity_id in facts.paying
    if pays and facts.source != "import" and not line.how_agreed.strip():
        message = "Say how they agreed to pay with their hours: in person, by phone, or by letter."
        refusals.append(Refusal("agreement_missing", message, f"{prefix}how_agreed"))
    return refusals


def check_minutes(minutes: int, rules: Rules, field: str) -> Refusal | None:
    """Why this many minutes cannot be recorded in one entry, or None. The limit is ``max_minutes_per_entry``."""
    if minutes == 0:
        return Refusal("minutes_zero", say("Enter a time longer than nothing, or leave this person out."), field)
    if minutes < 0:
        return Refusal("minutes_negative", say("Enter a time longer than nothing, without a minus sign."), field)
    limit = min(rules.max_minutes_per_entry, MAX_MINUTES)
    if minutes > limit:
        message = say(
            "{time} is more than the rules allow. One entry can be up to {limit}. Enter one day at a time.",
            time=Minutes(minutes),
            limit=Minutes(limit),
        )
        return Refusal("minutes_above_limit", message, field)
    return None


def check_day(day: date, rules: Rules, today: date, field: str, *, source: Source = "page") -> Refusal | None:
    """Why time cannot be recorded for this day, or None. The limit is ``max_days_back``, or ``self_log_days_back`` for
    members themselves; an import brings the past and has none.
    """
    if day > today:
        return Refusal(
            "date_in_future", f"{dates.in_words(day)} has not been yet. Enter today or an earlier day.", field
        )
    if source == "import":
        return None
    days_back = min(rules.max_days_back, rules.self_log_days_back) if source == "self" else rules.max_days_back
    if day < days_before(today, days_back):
        message = (
            f"{dates.in_words(day)} is too long ago. The rules allow {days_back} days back, "
            f"to {dates.in_words(days_before(today, days_back))}."
        )
        return Refusal("date_too_far_back", message, field)
    return None


def days_before(today: date, days: int) -> date:
    """The day so many days earlier, or the first day there is."""
    try:
        return today - timedelta(days=days)
    except OverflowError:
        return date.min


def first_day(rules: Rules, today: date) -> date:
    """The earliest day for which time can be recorded."""
    return days_before(today, rules.max_days_back)


def flags(lines: Sequence[Line], facts: Facts, actor: Actor) -> list[str]:
    """For each line why a second person must agree, in words; empty where nobody needs to."""
    on_day = sums(lines, facts.earlier, lambda day: day)
    in_week = sums(lines, facts.earlier, times.week_of)
    return [
        flag(
            line,
            facts,
            actor,
            on_day[line.who, line.held_on],
            in_week[line.who, times.week_of(line.held_on)],
        )
        for line in lines
    ]


def flag(line: Line, facts: Facts, actor: Actor, minutes_on_day: int, minutes_in_week: int = 0) -> str:
    """Why this line waits for a second person, or "". Nobody approves their own hour; the rest are limits of the rules.

    ``minutes_on_day`` is everything recorded for the member on that day, this line included: otherwise a long day could
    be entered in pieces. So for the week. Paid staff time gives no hours, and an import brings what was agreed
    elsewhere, so neither waits.
    """
    rules = facts.rules
    if line.kind == "brought_forward":
        return "Hours brought forward"
    if line.kind == "staff" or facts.source == "import":
        return ""
    reasons = []
    by_themselves = line.who in (actor.member_id, actor.subject_id)
    if by_themselves and not (
        facts.source == "self" and minutes_on_day <= rules.self_log_approved_up_to_minutes and line.kind == "given"
    ):
        reasons.append("Recorded by the person themselves")
    if line.minutes > rules.approval_above_minutes:
        reasons.append(f"More than {in_words(rules.approval_above_minutes)}")
    elif minutes_on_day > rules.approval_above_minutes:
        reasons.append(f"More than {in_words(rules.approval_above_minutes)} on one day")
    if minutes_in_week > rules.approval_above_minutes_per_week:
        reasons.append(f"More than {in_words(rules.approval_above_minutes_per_week)} in one week")
    if (facts.today - line.held_on).days > rules.approval_after_days:
        reasons.append(f"More than {rules.approval_after_days} days ago")
    if actor.member_id is not None and facts.passed_on.get(line.who) == actor.member_id:
        reasons.append("Goes to the person who recorded it")
    return ". ".join(reasons)


def may_decide(actor: Actor, *, member_id: int | None, recorded_by: int) -> Refusal | None:
    """Why this actor may not decide, or None: it takes a second person, and not the one it is about.

    Coordinators and approvers decide. Whoever stands in for one that day has the approver's role for it.
    """
    if actor.member_id is None or not (actor.has(COORDINATOR) or actor.has(APPROVER)):
        return Refusal("not_allowed", "Only a coordinator or an approver can decide. Ask one of your time bank.")
    if actor.member_id == member_id:
        return Refusal("own_hour", "This is your own time. Someone else decides about it.")
    if actor.member_id == recorded_by:
        return Refusal("own_record", "You recorded this time, so someone else decides about it.")
    return None


def check_decision(state: State, *, approve: bool, reason: str) -> Refusal | None:
    """Why a decision cannot be made as it stands, or None. Saying no needs a reason, which the member can read."""
    if state in ("undone", "removed"):
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
    if actor.member_id != recorded_by and (refusal := may_record(actor)):
        return refusal
    if actor.member_id != recorded_by and ADMIN not in actor.roles:
        return Refusal("not_yours", "Only the person who saved this register, or an administrator, can undo it.")
    if now > undo_ends(recorded_at, rules):
        message = (
            f"A register can be undone for {in_words(rules.undo_minutes)} after it is saved. That time has passed."
        )
        return Refusal("too_late", message)
    return None
