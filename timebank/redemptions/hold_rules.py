"""When a booking is reminded of, when its hours become free by themselves, and how that is put off. Pure.

A limit counts from when its reminder arrived, and never ends on a day when nobody works.
"""

from datetime import date, datetime, timedelta
from typing import Final

from timebank.banks.rules import TimeBankFacts
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.kit.working_days import working_days_after
from timebank.redemptions.rules import OPEN_STATES, BookingFacts, end_of_working_day

REMINDERS: Final = ((timedelta(days=14), timedelta(days=7)), (timedelta(days=4), timedelta(days=2)))
"""How long hours are set aside, and how long before their end comes the reminder; shorter ones have none."""
BEFORE_THE_DAY = timedelta(days=2)
BEFORE_THE_LIMIT = timedelta(days=1)
BOOKED_LONG_AGO = timedelta(days=1)
DAYS_AFTER_REMINDER = 2
"""Working days that somebody has, counted from when the reminder arrived."""
LONGEST_WAIT = timedelta(days=28)
"""Hours do not stay set aside for ever because a letter was never printed."""
MAX_MORE_DAYS = 366


def last_day(expires_at: datetime, bank: TimeBankFacts) -> date:
    """The last day on which hours that are free from ``expires_at`` are still set aside."""
    return today(expires_at - timedelta(minutes=1), bank.time_zone)


def is_due_to_remind(
    booking: BookingFacts, *, requested_at: datetime, starts_at: datetime | None, now: datetime
) -> bool:
    """True when it is time to remind of the end of a booking, or of its day; somebody looks after doing so once."""
    if booking.state not in OPEN_STATES or now >= booking.expires_at:
        return False
    if starts_at is not None:
        at = min(starts_at - BEFORE_THE_DAY, booking.cancel_until - BEFORE_THE_LIMIT)
        return requested_at + BOOKED_LONG_AGO <= at <= now < booking.cancel_until
    length = booking.expires_at - requested_at
    before = next((before for longer, before in REMINDERS if length >= longer), None)
    return before is not None and now >= booking.expires_at - before


def put_off_until(
    booking: BookingFacts, *, arrived_on: date | None, now: datetime, bank: TimeBankFacts
) -> datetime | None:
    """Until when the hours of a booking that is due stay set aside all the same; None when they are free now.

    Nobody loses them before the reminder has arrived and two working days have passed. ``arrived_on`` None: it is still
    on its way.
    """
    if booking.reminded_until is None:
        return None
    latest = booking.reminded_until + LONGEST_WAIT
    day = today(now, bank.time_zone) if arrived_on is None else arrived_on
    until = end_of_working_day(working_days_after(day, DAYS_AFTER_REMINDER, bank.holiday_region), bank)
    return until if now < until <= latest else None


def check_more_time(booking: BookingFacts, until: date, *, day: date, bank: TimeBankFacts) -> list[Refusal]:
    """Refusals ``wrong_state``, ``not_longer``, ``too_long`` for more time until a day (inclusive)."""
    if booking.state not in OPEN_STATES:
        message = say("Booking {reference} is not open any more. Nothing was changed.", reference=booking.reference)
        return [Refusal("wrong_state", message)]
    if until <= last_day(booking.expires_at, bank):
        return [Refusal("not_longer", say("Choose a day after the one it ends on now."), "until")]
    if until > day + timedelta(days=MAX_MORE_DAYS):
        return [Refusal("too_long", say("Choose a day within one year from today."), "until")]
    return []
