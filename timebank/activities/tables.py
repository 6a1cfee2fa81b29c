"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import BigInt, Boolean, Bytea, Date, Integer, Text, Time, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class Activity(Table, tablename="activity", db=ENGINE):
    """A stream of work that people give time to: what coordinators call a group."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    name = Text(null=False, default=None)
    name_key = Text(null=False, default=None)
    place = Text(null=False, default="")
    default_minutes = Integer(null=False, default=60)
    is_archived = Boolean(null=False, default=False)
    gives = Text(null=False, default="hours")
    work_kind = Text(null=False, default="volunteering")
    receivers_pay = Boolean(null=False, default=False)
    access_notes = Text(null=False, default="")
    is_step_free = Boolean(null=False, default=False)
    has_hearing_loop = Boolean(null=False, default=False)
    has_accessible_toilet = Boolean(null=False, default=False)
    has_quiet_room = Boolean(null=False, default=False)
    route = Text(null=False, default="")
    breaks = Text(null=False, default="")
    budget_code = Text(null=False, default="")
    funder = Text(null=False, default="")
    preparation_minutes = Integer(null=False, default=0)
    travel_minutes = Integer(null=False, default=0)
    is_listed = Boolean(null=False, default=True)
    band = Text(null=False, default="")
    fund_id = BigInt(null=True, default=None)
    budget_id = BigInt(null=True, default=None)


class ActivityLeader(Table, tablename="activity_leader", db=ENGINE):
    """A member who leads an activity from a day, and until one when they stop."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    activity_id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    from_day = Date(null=False, default=None)
    until_day = Date(null=True, default=None)
    added_by = BigInt(null=True, default=None)
    added_at = Timestamptz(null=False, default=None)


class SessionSeries(Table, tablename="session_series", db=ENGINE):
    """Sessions that were planned together, and the rule they follow."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    activity_id = BigInt(null=False, default=None)
    rule = Text(null=False, default=None)
    first_day = Date(null=False, default=None)
    made_by = BigInt(null=True, default=None)
    made_at = Timestamptz(null=False, default=None)


class Session(Table, tablename="session", db=ENGINE):
    """One dated occurrence of an activity, by the wall clock of the time bank."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    activity_id = BigInt(null=False, default=None)
    series_id = BigInt(null=True, default=None)
    held_on = Date(null=False, default=None)
    starts_at = Time(null=False, default=None)
    moved_from = Time(null=True, default=None)
    planned_minutes = Integer(null=False, default=None)
    preparation_minutes = Integer(null=False, default=0)
    travel_minutes = Integer(null=False, default=0)
    room = Text(null=False, default="")
    capacity = Integer(null=True, default=None)
    who = Text(null=False, default="")
    papers = Text(null=False, default="")
    state = Text(null=False, default="planned")
    cancel_reason = Text(null=False, default="")
    cancelled_at = Timestamptz(null=True, default=None)
    version = Integer(null=False, default=1)
    made_by = BigInt(null=True, default=None)
    made_at = Timestamptz(null=False, default=None)


class Attendance(Table, tablename="attendance", db=ENGINE):
    """One person and one session: signed up, checked in, or had set out when it was cancelled."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    session_id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    signed_up_at = Timestamptz(null=True, default=None)
    signed_up_by = BigInt(null=True, default=None)
    checked_in_at = Timestamptz(null=True, default=None)
    checked_in_by = BigInt(null=True, default=None)
    had_set_out = Boolean(null=False, default=False)
    reminded_for = Timestamptz(null=True, default=None)


class ActivityPhoto(Table, tablename="activity_photo", db=ENGINE):
    """A photo of the place, for the advance sheet."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    activity_id = BigInt(null=False, default=None)
    words = Text(null=False, default=None)
    width = Integer(null=False, default=None)
    height = Integer(null=False, default=None)
    content = Bytea(null=False, default=None)
    added_by = BigInt(null=False, default=None)
    added_at = Timestamptz(null=False, default=None)


class CheckInCode(Table, tablename="check_in_code", db=ENGINE):
    """The code on the wall of an activity; a new one ends the old one."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    activity_id = BigInt(null=False, default=None)
    code = Text(null=False, default=None)
    code_sha256 = Bytea(null=False, default=None)
    made_by = BigInt(null=False, default=None)
    made_at = Timestamptz(null=False, default=None)
    ended_at = Timestamptz(null=True, default=None)
