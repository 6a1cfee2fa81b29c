"""Reading the forms of activities and sessions: what was typed, as commands or as refusals beside fields. Pure."""

from datetime import date, time
from typing import Any, cast

from timebank.activities.recurrence import Repeat
from timebank.activities.rules import ACCESS_TICKS, GIVES, WORK_KINDS, ActivityDetails, SessionDetails
from timebank.activities.shown import ActivityShown, SessionShown
from timebank.budgets import choosing
from timebank.kit import durations, times
from timebank.kit.refusal import Refusal
from timebank.web.forms import Form, date_fields

REPEATS = (
    ("once", "Once"),
    ("weekly", "Every week, or every few weeks"),
    ("monthly_weekday", "Every month on the same weekday, like the second Tuesday"),
    ("monthly_last_weekday", "Every month on the last such weekday, like the last Friday"),
    ("monthly_date", "Every month on the same date, like the 15th"),
)


def activity_form(activity: ActivityShown | None) -> Form:
    """The form of a group, filled in; for a new one with what is usual."""
    if activity is None:
        return Form.blank(default_minutes="1 hour 30 minutes", gives="hours", work_kind="volunteering", is_listed="yes")
    return Form.blank(
        name=activity.name,
        place=activity.place,
        default_minutes=durations.in_words(activity.default_minutes),
        preparation_minutes=_optional_words(activity.preparation_minutes),
        travel_minutes=_optional_words(activity.travel_minutes),
        gives=activity.gives,
        work_kind=activity.work_kind,
        receivers_pay="yes" if activity.receivers_pay else None,
        access_notes=activity.access_notes,
        access=[name for name in ACCESS_TICKS if getattr(activity, name)],
        route=activity.route,
        breaks=activity.breaks,
        budget_code=activity.budget_code,
        funder=activity.funder,
        band=activity.band,
        fund_id=activity.fund_id,
        budget_id=activity.budget_id,
        is_listed="yes" if activity.is_listed else None,
    )


def read_activity(form: Form) -> dict[str, Any] | list[Refusal]:
    """The details of a group as typed, for ``AddActivity`` or ``ChangeActivity``."""
    minutes = durations.parse(form.text("default_minutes"), field="default_minutes")
    preparation, travel = _optional(form, "preparation_minutes"), _optional(form, "travel_minutes")
    refusals = [one for one in (minutes, preparation, travel) if isinstance(one, Refusal)]
    if refusals:
        return refusals
    details = ActivityDetails(
        name=form.text("name"),
        place=form.text("place"),
        default_minutes=cast(int, minutes),
        preparation_minutes=cast(int, preparation),
        travel_minutes=cast(int, travel),
        gives=cast(Any, form.text("gives") if form.text("gives") in GIVES else "hours"),
        work_kind=cast(Any, form.text("work_kind") if form.text("work_kind") in WORK_KINDS else "volunteering"),
        receivers_pay=form.has("receivers_pay", "yes"),
        access_notes=form.text("access_notes"),
        route=form.text("route"),
        breaks=form.text("breaks"),
        budget_code=form.text("budget_code"),
        funder=form.text("funder"),
        band=form.text("band"),
        fund_id=choosing.chosen(form.text("fund_id")),
        budget_id=choosing.chosen(form.text("budget_id")),
        is_listed=form.has("is_listed", "yes"),
        **{name: form.has("access", name) for name in ACCESS_TICKS},
    )
    return {name: getattr(details, name) for name in ActivityDetails.__struct_fields__}


def session_form(activity: ActivityShown, session: SessionShown | None) -> Form:
    """The form of a session, filled in; for a new one with what is usual in the group."""
    if session is None:
        return Form.blank(
            planned_minutes=durations.in_words(activity.default_minutes),
            preparation_minutes=_optional_words(activity.preparation_minutes),
            travel_minutes=_optional_words(activity.travel_minutes),
            repeat="once",
            every="1",
        )
    return Form.blank(
        **date_fields("day", session.held_on),
        starts_at=session.starts_at.strftime("%H:%M"),
        planned_minutes=durations.in_words(session.planned_minutes),
        preparation_minutes=_optional_words(session.preparation_minutes),
        travel_minutes=_optional_words(session.travel_minutes),
        room=session.room,
        capacity=session.capacity,
        who=session.who,
        papers=session.papers,
        version=session.version,
        following="no",
    )


def read_session(form: Form) -> tuple[date, time, SessionDetails] | list[Refusal]:
    """The day, the time and the details of a session as typed."""
    day, starts_at = form.date("day"), times.parse(form.text("starts_at"), field="starts_at")
    minutes = durations.parse(form.text("planned_minutes"), field="planned_minutes")
    preparation, travel = _optional(form, "preparation_minutes"), _optional(form, "travel_minutes")
    capacity = _whole(form, "capacity", "Give the number of places in digits, or leave it empty.")
    read = (day, starts_at, minutes, preparation, travel, capacity)
    if refusals := [one for one in read if isinstance(one, Refusal)]:
        return refusals
    details = SessionDetails(
        planned_minutes=cast(int, minutes),
        preparation_minutes=cast(int, preparation),
        travel_minutes=cast(int, travel),
        room=form.text("room"),
        capacity=cast("int | None", capacity),
        who=form.text("who"),
        papers=form.text("papers"),
    )
    return cast(date, day), cast(time, starts_at), details


def read_repeat(form: Form) -> Repeat | list[Refusal] | None:
    """How the sessions repeat as typed; None for a single one."""
    kind = form.text("repeat") or "once"
    if kind == "once" or kind not in dict(REPEATS):
        return None
    every = _whole(form, "every", "Say in digits how many weeks or months lie between.")
    count = _whole(form, "count", "Give the number of sessions in digits.")
    has_until = any(form.text(f"until-{part}") for part in ("day", "month", "year"))
    until = form.date("until") if has_until else None
    if refusals := [one for one in (every, count, until) if isinstance(one, Refusal)]:
        return refusals
    return Repeat(
        kind=cast(Any, kind),
        every=cast(int, every) if every is not None else 1,
        until=cast("date | None", until),
        count=cast("int | None", count),
    )


def choices() -> dict[str, list[tuple[str, ...]]]:
    """What the forms offer to choose from."""
    return {
        "gives": [
            ("hours", "Hours", "People who give time get hours."),
            ("fee", "A fee", "People who give time are paid. They get no hours for it."),
        ],
        "work_kinds": [
            ("volunteering", "Volunteering"),
            ("service_user_involvement", "Service-user involvement", "Telling a service how to be better"),
            ("peer_exchange", "Peer exchange", "Members helping each other"),
        ],
        "access": list(ACCESS_TICKS.items()),
        "repeats": list(REPEATS),
    }


def _optional(form: Form, name: str) -> int | Refusal:
    typed = form.text(name)
    return 0 if typed.strip("0 -:.") == "" else durations.parse(typed, field=name)


def _optional_words(minutes: int) -> str | None:
    return durations.in_words(minutes) if minutes else None


def _whole(form: Form, name: str, message: str) -> int | Refusal | None:
    typed = form.text(name)
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 6):
        return Refusal(f"bad_{name}", message, name)
    return int(typed)
