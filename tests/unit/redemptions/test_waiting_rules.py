"""How long somebody has to answer for a place, and when hours are put off: pure, day by day."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.redemptions.test_redemption_rules import BANK, BOOKING, COURSE, NOW
from timebank.kit.working_days import is_working_day
from timebank.redemptions import hold_rules, waiting_rules
from timebank.redemptions.waiting_rules import WaitingFacts

MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1)).map(  # noqa: DTZ001 - made aware here
    lambda moment: moment.replace(tzinfo=UTC)
)
ROUTES = st.sampled_from(["email", "sms", "phone", "letter", "none"])


@settings(deadline=None)  # the first day of a year reads its holidays
@given(moment=MOMENTS, route=ROUTES, ahead=st.timedeltas(timedelta(minutes=1), timedelta(days=40)))
def test_an_answer_ends_on_a_working_day_or_near_the_start_and_never_after_it(
    moment: datetime, route: str, ahead: timedelta
) -> None:
    offer = msgspec.structs.replace(COURSE, starts_at=moment + ahead)
    until = waiting_rules.answer_until(offer, route, moment, BANK, 2)
    if until is None:
        assert ahead < timedelta(days=30)
        return
    assert moment < until <= offer.starts_at - waiting_rules.LAST_ANSWER
    last = hold_rules.last_day(until, BANK)
    is_short = until == moment + (offer.starts_at - waiting_rules.LAST_ANSWER - moment) / 2
    assert is_short or is_working_day(last, BANK.holiday_region)


@settings(deadline=None)  # the first day of a year reads its holidays
@given(moment=MOMENTS, arrived=st.none() | st.dates(date(2026, 1, 1), date(2027, 12, 1)),
       ahead=st.timedeltas(timedelta(minutes=-90), timedelta(days=40)))  # fmt: skip
def test_a_longer_answer_is_still_before_the_start(moment: datetime, arrived: date | None, ahead: timedelta) -> None:
    offer = msgspec.structs.replace(COURSE, starts_at=moment + ahead)
    offered = moment - timedelta(days=3)
    turn = WaitingFacts(id=1, offer_id=1, member_id=7, state="offered", offered_at=offered, answer_until=moment)
    until = waiting_rules.longer(turn, offer, arrived_on=arrived, now=moment, bank=BANK, answer_days=2)
    if until is not None:
        assert moment < until <= offer.starts_at - waiting_rules.LAST_ANSWER


@settings(deadline=None)  # the first day of a year reads its holidays
@given(moment=MOMENTS, arrived=st.none() | st.dates(date(2026, 1, 1), date(2027, 12, 1)))
def test_hours_are_put_off_to_a_working_day_and_not_for_ever(moment: datetime, arrived: date | None) -> None:
    booking = msgspec.structs.replace(BOOKING, expires_at=moment, reminded_until=moment - timedelta(days=10))
    until = hold_rules.put_off_until(booking, arrived_on=arrived, now=moment, bank=BANK)
    if until is not None:
        assert moment < until <= booking.reminded_until + hold_rules.LONGEST_WAIT
        assert is_working_day(hold_rules.last_day(until, BANK), BANK.holiday_region)


@pytest.mark.parametrize(
    ("length", "before", "is_due"),
    [(20, 8, False), (20, 6, True), (5, 3, False), (5, 1, True), (3, 1, False)],
)
def test_a_reminder_comes_a_sensible_time_before(length: int, before: int, is_due: bool) -> None:
    booking = msgspec.structs.replace(BOOKING, expires_at=NOW + timedelta(days=before))
    asked = NOW + timedelta(days=before - length)
    assert hold_rules.is_due_to_remind(booking, requested_at=asked, starts_at=None, now=NOW) == is_due
