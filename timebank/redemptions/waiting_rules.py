"""Who may wait for a place, and how long somebody has to answer when one is free. Pure.

A free place is offered, never taken for someone. It is kept while they answer: as many working days from when the
message arrived as the rules say (``waiting_answer_days``), never on a day when nobody works, and never after the start.
Near the start there is half of the time that is left, for those who can be reached at once; whoever only gets letters
keeps their turn, but is not asked any more.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from timebank.banks.rules import TimeBankFacts
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark, say
from timebank.kit.working_days import working_days_after
from timebank.redemptions.kinds import kind_of
from timebank.redemptions.offer_rules import OfferFacts
from timebank.redemptions.rules import end_of_working_day, may_see

WAITING, OFFERED = "waiting", "offered"
TAKEN, DECLINED, PASSED, LEFT, ENDED = "taken", "declined", "passed", "left", "ended"
LIVE = (WAITING, OFFERED)

STATE_WORDS: Final[Mapping[str, str]] = {
    WAITING: mark("waiting"),
    OFFERED: mark("a place is kept"),
    TAKEN: mark("place taken"),
    DECLINED: mark("said no"),
    PASSED: mark("no answer in time"),
    LEFT: mark("off the list"),
    ENDED: mark("ended"),
}

LAST_ANSWER = timedelta(hours=1)
"""Before the start: whoever holds the date must know who comes."""
SHORTEST = timedelta(hours=2)
SHORTEST_BY_PHONE = timedelta(hours=24)
DAYS_ON_THE_WAY: Final[Mapping[str, int]] = {"email": 0, "sms": 0, "phone": 1, "letter": 7, "none": 7}
AT_ONCE = ("email", "sms")

MAX_WAITING = 200
MAX_LISTS = 20
MAX_HOW_AGREED = 500


class WaitingFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One turn on a waiting list, as the rules see it."""

    id: int
    offer_id: int
    member_id: int
    state: str
    offered_at: datetime | None
    answer_until: datetime | None


def last_answer(offer: OfferFacts) -> datetime | None:
    """After this moment nobody is asked any more; None where there is no day."""
    return None if offer.starts_at is None else offer.starts_at - LAST_ANSWER


def answer_until(
    offer: OfferFacts, route: str, now: datetime, bank: TimeBankFacts, answer_days: int
) -> datetime | None:
    """Until when somebody who is reached by ``route`` can answer an offer made now; None: not in time."""
    arrives = today(now, bank.time_zone) + timedelta(days=DAYS_ON_THE_WAY[route])
    until = _answered_by(arrives, bank, answer_days)
    cap = last_answer(offer)
    if cap is None or until <= cap:
        return until
    shortest = SHORTEST if route in AT_ONCE else SHORTEST_BY_PHONE
    if (route in AT_ONCE or route == "phone") and cap - now >= shortest:
        return now + (cap - now) / 2
    return None


def longer(
    turn: WaitingFacts,
    offer: OfferFacts,
    *,
    arrived_on: date | None,
    now: datetime,
    bank: TimeBankFacts,
    answer_days: int,
) -> datetime | None:
    """Until when the answer may take after all, for a turn whose time has passed; None when it passes on.

    The clock runs from when the message arrived. One that is on its way still waits, but not beyond the last moment
    at which an answer is of use.
    """
    cap = last_answer(offer)
    if cap is not None and now >= cap:
        return None
    if arrived_on is None:
        later = now + timedelta(days=1)
        return later if cap is None else min(later, cap)
    if _is_short(turn, offer, bank, answer_days):
        return None
    until = _answered_by(arrived_on, bank, answer_days)
    until = until if cap is None else min(until, cap)
    return until if until > now else None


def _is_short(turn: WaitingFacts, offer: OfferFacts, bank: TimeBankFacts, answer_days: int) -> bool:
    cap = last_answer(offer)
    if cap is None or turn.offered_at is None:
        return False
    return _answered_by(today(turn.offered_at, bank.time_zone), bank, answer_days) > cap


def _answered_by(day: date, bank: TimeBankFacts, answer_days: int) -> datetime:
    last = working_days_after(day, answer_days, bank.holiday_region)
    return end_of_working_day(last, bank)


def is_over(offer: OfferFacts, now: datetime) -> bool:
    """True when there is nothing to wait for any more."""
    return not offer.is_open or (offer.starts_at is not None and now >= offer.starts_at)


def check_join(
    actor: Actor,
    offer: OfferFacts,
    *,
    member_id: int,
    gone: int,
    has_booked: bool,
    length: int,
    lists: int,
    now: datetime,
) -> list[Refusal]:
    """What stands in the way of waiting for a place.

    Refusals: ``not_yours``, ``no_waiting_list``, ``offer_closed``, ``in_the_past``, ``places_free``,
    ``booked_already``, ``list_full``, ``too_many_lists``.
    """
    refusal = None
    if not may_see(actor, member_id):
        refusal = Refusal("not_yours", say("You can only do this for yourself."), "member_id")
    elif not kind_of(offer.kind).has_waiting_list or offer.places is None:
        message = say("There is no waiting list for this. Choose something else.")
        refusal = Refusal("no_waiting_list", message, "offer_id")
    elif not offer.is_open:
        message = say("This is not on offer any more. Choose something else.")
        refusal = Refusal("offer_closed", message, "offer_id")
    elif is_over(offer, now):
        refusal = Refusal("in_the_past", say("This has started already. Choose something else."), "offer_id")
    elif has_booked:
        refusal = Refusal("booked_already", say("You have a place already. Look at your bookings."), "offer_id")
    elif gone < offer.places:
        refusal = Refusal("places_free", say("There is a place now. You can book it at once."), "offer_id")
    elif length >= MAX_WAITING:
        refusal = Refusal("list_full", say("The waiting list is full. Choose something else."), "offer_id")
    elif lists >= MAX_LISTS:
        refusal = Refusal("too_many_lists", say("You are on many waiting lists. Leave one first."))
    return [] if refusal is None else [refusal]


def check_change(actor: Actor, turn: WaitingFacts) -> list[Refusal]:
    """Refusals ``not_yours`` and ``wrong_state`` for ending a turn."""
    if not may_see(actor, turn.member_id):
        return [Refusal("not_yours", say("This is not yours."))]
    if turn.state not in LIVE:
        return [Refusal("wrong_state", say("You are not on this waiting list any more. Nothing was changed."))]
    return []


def check_pass_on(actor: Actor, turn: WaitingFacts) -> list[Refusal]:
    """Refusals ``not_allowed``, ``own_booking``, ``wrong_state`` for asking the next person instead."""
    if not actor.has(COORDINATOR):
        return [Refusal("not_allowed", say("Only a coordinator can do this. Please ask one."))]
    if actor.member_id is not None and actor.member_id == turn.member_id:
        return [Refusal("own_booking", say("This is about yourself. Ask another coordinator to do it."))]
    if turn.state != OFFERED:
        return [Refusal("wrong_state", say("No place is kept for them. Nothing was changed."))]
    return []
