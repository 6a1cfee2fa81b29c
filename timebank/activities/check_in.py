"""Whether the code on the wall lets somebody check in now, and what to do when it does not. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from timebank.activities import recurrence
from timebank.activities.shown import ActivityShown, FoundCode, SessionShown
from timebank.banks.rules import Rules
from timebank.kit.refusal import Refusal
from timebank.kit.words import Clock, FullDay, say

UNKNOWN = Refusal(
    "code_unknown",
    say("We do not know this code. Check each letter and number. Or tell the group leader that you are here."),
    "code",
)
REPLACED = Refusal(
    "code_replaced", say("This poster is an old one. Scan the new one. Or tell the group leader that you are here.")
)
ARCHIVED = Refusal("archived", say("This group does not meet any more. See what else is on, or ask your time bank."))
CANCELLED = Refusal(
    "session_cancelled", say("This session is cancelled. If you had set out already, tell your time bank.")
)
NO_SESSION = Refusal(
    "no_session", say("No session is planned here now. Tell the group leader that you came. They can add your time.")
)


@dataclass(frozen=True, slots=True)
class NextStep:
    """The session that somebody can check in to now; or why not, and the session that comes next, if any."""

    session: SessionShown | None = None
    refusal: Refusal | None = None
    upcoming: SessionShown | None = None


def wrong_code(found: FoundCode | None, timebank_id: int) -> NextStep:
    """What to say of a code that is not in use in this time bank."""
    if found is None:
        return NextStep(refusal=UNKNOWN)
    if found.timebank_id != timebank_id:
        message = say(
            "This poster is from another time bank, {name}. "
            "Sign out here and sign in there. Then scan the poster again.",
            name=found.timebank_name,
        )
        return NextStep(refusal=Refusal("other_timebank", message))
    return NextStep(refusal=REPLACED)


def not_open(opens: datetime, time_zone: str) -> Refusal:
    """Check-in opens later; says when."""
    local = opens.astimezone(ZoneInfo(time_zone))
    message = say(
        "You can check in from {time}, {day}. Try again then.", time=Clock(local.time()), day=FullDay(local.date())
    )
    return Refusal("check_in_not_open", message)


def decide(
    activity: ActivityShown, near: Sequence[SessionShown], *, rules: Rules, time_zone: str, now: datetime
) -> NextStep:
    """Which of the activity's sessions somebody can check in to now.

    Check-in opens ``check_in_opens_minutes`` before a session begins and closes ``check_in_closes_minutes`` after its
    planned end. ``near``: the sessions from yesterday on, cancelled ones too, in order.
    """
    if activity.is_archived:
        return NextStep(refusal=ARCHIVED)
    before, after = timedelta(minutes=rules.check_in_opens_minutes), timedelta(minutes=rules.check_in_closes_minutes)

    def start(session: SessionShown) -> datetime:
        return recurrence.moment(session.held_on, session.starts_at, time_zone)

    def closes(session: SessionShown) -> datetime:
        return start(session) + timedelta(minutes=session.planned_minutes) + after

    around = [one for one in near if start(one) - before <= now <= closes(one)]
    open_now = [one for one in around if one.state == "planned"]
    if open_now:
        return NextStep(session=min(open_now, key=lambda one: abs(start(one) - now)))
    planned = [one for one in near if one.state == "planned"]
    upcoming = next((one for one in planned if start(one) > now), None)
    if around:
        return NextStep(refusal=CANCELLED, upcoming=upcoming)
    today = now.astimezone(ZoneInfo(time_zone)).date()
    if upcoming is not None and upcoming.held_on == today:
        return NextStep(refusal=not_open(start(upcoming) - before, time_zone), upcoming=upcoming)
    if any(closes(one) < now and one.held_on == today for one in planned):
        message = say("Check-in for today is closed. Tell the group leader that you came. They can add your time.")
        return NextStep(refusal=Refusal("check_in_over", message), upcoming=upcoming)
    return NextStep(refusal=NO_SESSION, upcoming=upcoming)
