"""Time that is there already: too much for one day, recorded twice, or at a time that overlaps another. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date

from timebank.contributions import times
from timebank.contributions.lines import Earlier, Facts, Line
from timebank.kit import dates
from timebank.kit.durations import in_words
from timebank.kit.refusal import Refusal


def check_day_lengths(lines: Sequence[Line], facts: Facts) -> list[Refusal]:
    """Lines of people who would have more minutes on a day than the day has: 1440, or an hour less or more when the
    clocks change.
    """
    on_day = sums(lines, facts.earlier, lambda day: day)
    refusals = []
    for index, line in enumerate(lines):
        if line.kind == "brought_forward" or on_day[line.who, line.held_on] <= 23 * 60:
            continue
        there = times.day_minutes(line.held_on, facts.time_zone)
        if on_day[line.who, line.held_on] > there:
            message = (
                f"With this, {dates.in_words(line.held_on)} would have {in_words(on_day[line.who, line.held_on])} "
                f"for this person, and the day had {in_words(there)}. Enter less."
            )
            refusals.append(Refusal("day_too_short", message, f"lines.{index}.minutes"))
    return refusals


def check_repeats(lines: Sequence[Line], facts: Facts) -> list[Refusal]:
    """Lines that repeat or overlap others of the same person, here or recorded, without a reason why."""
    refusals = check_duplicates(lines, facts.earlier)
    told = {refusal.field for refusal in refusals}
    return refusals + [one for one in check_overlaps(lines, facts) if one.field not in told]


def check_overlaps(lines: Sequence[Line], facts: Facts) -> list[Refusal]:
    """Lines at a time when the same person was somewhere else already, without a reason. Getting ready and travel are
    left aside: nobody says when they were.
    """
    zone = facts.time_zone
    others = {one.contribution_id: one for one in facts.earlier}
    there = [
        (one.member_id, at)
        for one in facts.earlier
        if (at := times.span(one.contribution_id, one.held_on, one.starts_at, one.minutes - one.away_minutes, zone))
    ]
    asked = []
    for index, line in enumerate(lines):
        away = line.preparation_minutes + line.travel_minutes
        if at := times.span(-1 - index, line.held_on, line.starts_at, line.minutes - away, zone):
            asked.append((line.who, at))
    refusals = []
    for n, other in times.overlaps(asked, there).items():
        index = -1 - n
        if lines[index].duplicate_reason.strip():
            continue
        if earlier := others.get(other):
            where = f"{earlier.activity or 'something else'}, in register {earlier.reference}"
            message = (
                f"At that time this person was at {where}: {dates.in_words(earlier.held_on)} at "
                f"{earlier.starts_at:%H:%M} for {in_words(earlier.minutes)}. Mend the time, or say why both are right."
            )
        else:
            message = "This person is here twice at the same time. Mend the time, or say why both are right."
        refusals.append(Refusal("overlap", message, f"lines.{index}.duplicate_reason"))
    return refusals


def check_duplicates(lines: Sequence[Line], earlier: Iterable[Earlier]) -> list[Refusal]:
    """Lines that repeat member, day, activity and minutes of another, here or recorded, without a reason why."""
    there = {(one.member_id, one.held_on, one.activity_id, one.minutes): one for one in earlier}
    seen: set[tuple[int, date, int | None, int]] = set()
    refusals = []
    for index, line in enumerate(lines):
        same = (line.who, line.held_on, line.activity_id, line.minutes)
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


def sums(
    lines: Iterable[Line], earlier: Iterable[Earlier], period: Callable[[date], date]
) -> Counter[tuple[int, date]]:
    """Minutes of each person in each period, recorded and new. Hours brought forward belong to no day."""
    found: Counter[tuple[int, date]] = Counter()
    for one in earlier:
        found[one.member_id, period(one.held_on)] += one.minutes
    for line in lines:
        if line.kind != "brought_forward":
            found[line.who, period(line.held_on)] += line.minutes
    return found
