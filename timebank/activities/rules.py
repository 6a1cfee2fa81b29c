"""What an activity may be, who may arrange and lead it, and what may be done around a session. Pure."""

from collections.abc import Container
from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from timebank.kit import names
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.durations import MAX_MINUTES, in_words
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark, say

MAX_ACTIVITY_NAME = 100
MAX_PLACE = 100
MAX_NOTES = 1000
MAX_BREAKS = 500
MAX_BUDGET_CODE = 40
MAX_FUNDER = 100
MAX_BAND = 40
MAX_ROOM = 100
MAX_WHO = 500
MAX_PAPERS = 500
MAX_CAPACITY = 10_000
MAX_CANCEL_REASON = 200
MAX_YEARS_AHEAD = 3

GIVES = {"hours": "Hours", "fee": "A fee"}
WORK_KINDS = {
    "volunteering": mark("Volunteering"),
    "service_user_involvement": mark("Service-user involvement"),
    "peer_exchange": mark("Peer exchange"),
}
ACCESS_TICKS = {
    "is_step_free": mark("Step-free from the street"),
    "has_hearing_loop": mark("Hearing loop"),
    "has_accessible_toilet": mark("Accessible toilet"),
    "has_quiet_room": mark("Quiet room"),
}


class ActivityDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a stream of work. ``default_minutes``, ``preparation_minutes`` and ``travel_minutes`` are the
    usual ones of a session. ``is_listed``: members see its sessions and can sign up. It gives hours or a fee, never one
    in exchange for the other; ``work_kind`` is what a fee is for (guidance for people on benefits tells them apart).
    ``band`` and ``fund_id`` say which rate a fee follows; ``budget_id`` pays fees and, unless somebody chooses another,
    expenses and access costs.
    """

    name: str
    place: str = ""
    default_minutes: int = 60
    preparation_minutes: int = 0
    travel_minutes: int = 0
    gives: Literal["hours", "fee"] = "hours"
    work_kind: Literal["volunteering", "service_user_involvement", "peer_exchange"] = "volunteering"
    receivers_pay: bool = False
    access_notes: str = ""
    is_step_free: bool = False
    has_hearing_loop: bool = False
    has_accessible_toilet: bool = False
    has_quiet_room: bool = False
    route: str = ""
    breaks: str = ""
    budget_code: str = ""
    funder: str = ""
    band: str = ""
    fund_id: int | None = None
    budget_id: int | None = None
    is_listed: bool = True


class SessionDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What can be said of one session. Minutes are what is planned; ``capacity`` None is no limit.

    ``who`` says who will be there besides the leaders, ``papers`` what to read or bring.
    """

    planned_minutes: int
    preparation_minutes: int = 0
    travel_minutes: int = 0
    room: str = ""
    capacity: int | None = None
    who: str = ""
    papers: str = ""


def may_arrange(actor: Actor) -> Refusal | None:
    """Why this actor may not arrange activities, or None. Every change needs a person behind it."""
    if actor.member_id is None or not actor.has(COORDINATOR):
        return Refusal("not_allowed", "Only a coordinator can do this. Ask a coordinator of your time bank.")
    return None


def may_lead(actor: Actor, activity_id: int, led: Container[int]) -> Refusal | None:
    """Why this actor may not check people in, or None: a coordinator anywhere, a leader in their own activity."""
    if actor.member_id is None or not (actor.has(COORDINATOR) or activity_id in led):
        return Refusal("not_allowed", say("Only the group leader or a coordinator can do this. Ask one of them."))
    return None


def may_sign_up(actor: Actor, member_id: int) -> Refusal | None:
    """Why this actor may not sign this member up or take them off, or None."""
    if actor.member_id is None or (actor.subject_id != member_id and not actor.has(COORDINATOR)):
        return Refusal("not_allowed", say("You can sign up yourself. Ask a coordinator to sign up somebody else."))
    return None


def check_activity(details: ActivityDetails, taken: Container[str] = ()) -> list[Refusal]:
    """What stands in the way of a group like this; ``taken`` holds the name keys that are in use by others."""
    refusals = []
    tidy = names.tidy(details.name)
    if not tidy:
        refusals.append(Refusal("name_missing", "Give the group a name, like “Tuesday lunch club”.", "name"))
    elif len(tidy) > MAX_ACTIVITY_NAME:
        refusals.append(Refusal("name_too_long", f"Use at most {MAX_ACTIVITY_NAME} characters for the name.", "name"))
    elif names.key(tidy) in taken:
        message = f"There is already a group called “{tidy}”. Choose another name, or log that group."
        refusals.append(Refusal("name_taken", message, "name"))
    if len(names.tidy(details.place)) > MAX_PLACE:
        refusals.append(Refusal("place_too_long", f"Use at most {MAX_PLACE} characters for the place.", "place"))
    if not 1 <= details.default_minutes <= MAX_MINUTES:
        message = f"Give a usual length between 1 minute and {in_words(MAX_MINUTES)}."
        refusals.append(Refusal("bad_default_minutes", message, "default_minutes"))
    refusals += _check_extra(details.default_minutes, details.preparation_minutes, details.travel_minutes)
    for field, most in (
        ("access_notes", MAX_NOTES),
        ("route", MAX_NOTES),
        ("breaks", MAX_BREAKS),
        ("budget_code", MAX_BUDGET_CODE),
        ("funder", MAX_FUNDER),
        ("band", MAX_BAND),
    ):
        if len(getattr(details, field)) > most:
            refusals.append(Refusal(f"{field}_too_long", f"Use at most {most} characters here.", field))
    return refusals


def check_session(details: SessionDetails) -> list[Refusal]:
    """What stands in the way of a session like this, whatever its day."""
    refusals = []
    if not 1 <= details.planned_minutes <= MAX_MINUTES:
        message = f"Give a length between 1 minute and {in_words(MAX_MINUTES)}."
        refusals.append(Refusal("bad_planned_minutes", message, "planned_minutes"))
    refusals += _check_extra(details.planned_minutes, details.preparation_minutes, details.travel_minutes)
    if details.capacity is not None and not 1 <= details.capacity <= MAX_CAPACITY:
        message = f"Give a number of places from 1 to {MAX_CAPACITY:,}, or leave it empty."
        refusals.append(Refusal("bad_capacity", message, "capacity"))
    for field, most in (("room", MAX_ROOM), ("who", MAX_WHO), ("papers", MAX_PAPERS)):
        if len(getattr(details, field)) > most:
            refusals.append(Refusal(f"{field}_too_long", f"Use at most {most} characters here.", field))
    return refusals


def _check_extra(length: int, preparation: int, travel: int) -> list[Refusal]:
    """Preparation and travel are not negative, and a day has no more than its hours."""
    for field, minutes in (("preparation_minutes", preparation), ("travel_minutes", travel)):
        if not 0 <= minutes <= MAX_MINUTES:
            message = f"Give between 0 minutes and {in_words(MAX_MINUTES)}, or leave it empty."
            return [Refusal(f"bad_{field}", message, field)]
    if 1 <= length <= MAX_MINUTES < length + preparation + travel:
        message = f"Together with preparation and travel this is more than {in_words(MAX_MINUTES)}. Make it shorter."
        return [Refusal("day_too_long", message, "preparation_minutes")]
    return []


def check_first_day(day: date, today: date) -> list[Refusal]:
    """A session can be planned from today on, and not further ahead than anyone can know."""
    if day < today:
        return [Refusal("day_past", "This day is over. To log what happened, use the register of the group.", "day")]
    if day > today.replace(year=today.year + MAX_YEARS_AHEAD, day=min(today.day, 28)):
        return [Refusal("day_too_far", f"Plan at most {MAX_YEARS_AHEAD} years ahead. Check the year.", "day")]
    return []


def check_cancel(reason: str) -> list[Refusal]:
    """The people who signed up read the reason, so there has to be one."""
    if not reason.strip():
        return [Refusal("reason_missing", "Say why, in a few words. The people who signed up will read it.", "reason")]
    if len(reason) > MAX_CANCEL_REASON:
        return [Refusal("reason_too_long", f"Use at most {MAX_CANCEL_REASON} characters for the reason.", "reason")]
    return []


def overlap(start: datetime, minutes: int, other_start: datetime, other_minutes: int) -> bool:
    """True when two sessions share a moment; one that begins as the other ends does not."""
    return start < other_start + timedelta(minutes=other_minutes) and other_start < start + timedelta(minutes=minutes)


def first_name(display_name: str, kind: str = "person") -> str:
    """What others may call a member: the first word of their name, after a title; a group keeps its whole name."""
    words = display_name.split()
    if kind != "person" or not words:
        return display_name
    titles = {"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "dame", "rev", "fr", "sr"}
    is_title = words[0].casefold().rstrip(".") in titles and len(words) > 1
    return words[1] if is_title else words[0]


def first_names(people: list[tuple[int, str, str]]) -> list[str]:
    """First names for (member number, display name, kind): with an initial, or the number, where two share one."""
    wordings = [first_name(name, kind) for _, name, kind in people]
    for more in (_with_initial, _with_number):
        keys = [names.key(one) for one in wordings]
        wordings = [
            more(one, *person) if keys.count(key) > 1 else one
            for one, key, person in zip(wordings, keys, people, strict=True)
        ]
    return wordings


def _with_initial(short: str, _: int, name: str, kind: str) -> str:
    last = (name.split() or [""])[-1]
    return short if kind != "person" or last == short or not last else f"{short} {last[0].upper()}"


def _with_number(short: str, number: int, _: str, __: str) -> str:
    return f"{short} ({number})"
