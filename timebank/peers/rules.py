"""What members may write, who may ask whom, and what two answers about the same hour come to. Pure.

    asked -> agreed -> done | free (did not happen)
    asked -> declined | cancelled | ended | lapsed;  agreed -> asked (another time), cancelled, ended, settling
    settling (the two answers differ) -> done | free

The hours are set aside from "agreed" until the ask is done or free. "ended": one of the two blocked the other, and
nobody is told which. A booking that ran out of time or was closed by staff ends its ask too (``state_now``).
"""

import re
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from timebank.kit.refusal import Refusal
from timebank.kit.text import plain
from timebank.kit.words import Minutes, say
from timebank.peers.words import HOWS, TIMES, is_category

ASKED, AGREED, SETTLING, DONE, FREE = "asked", "agreed", "settling", "done", "free"
DECLINED, CANCELLED, ENDED, LAPSED = "declined", "cancelled", "ended", "lapsed"
OPEN = (ASKED, AGREED, SETTLING)

MAX_TITLE, MAX_DETAILS, MAX_NOTE, MAX_PLACE, MAX_REACH, MAX_THANKS, MAX_REPORT = 100, 200, 500, 200, 200, 500, 2000
MAX_REASON = 500
LEAST_MINUTES, MOST_MINUTES = 15, 8 * 60
MAX_MINE = 20
"""So many offers, and so many wishes, a member may show at once."""
MAX_OPEN_ASKS = 20
MAX_AHEAD = timedelta(days=60)
HOLD_DAYS = 120
"""The hours stay set aside long enough for a meeting that is 60 days away, and two months to settle it."""
UNANSWERED_DAYS = 14
"""An ask without an answer ends so many days after its message arrived."""

LENGTHS: Final = (30, 60, 90, 120, 180, 240)
"""How long: what the page offers to choose from, in minutes."""

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_PHONE = re.compile(r"(?:\+|\b0)(?:[\s()./-]?\d){8,}")
_POSTCODE = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b", re.IGNORECASE)
SHORTEST_ADDRESS_LINE = 6


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """What a member offers or would like, in their own words. ``minutes`` is the usual length."""

    title: str
    category: str
    minutes: int = 60
    details: str = ""
    times: tuple[str, ...] = ()
    hows: tuple[str, ...] = ()


class AskFacts(msgspec.Struct, frozen=True, kw_only=True):
    """An ask as the rules see it. ``state`` follows its booking (see :func:`state_now`)."""

    id: int
    reference: str
    offer_id: int | None
    wish_id: int | None
    receiver_id: int
    helper_id: int
    started_by: int
    category: str
    title: str
    state: str
    waits_for: int | None
    minutes: int
    starts_at: datetime | None
    how: str
    redemption_id: int | None
    booking: str | None
    booking_state: str | None
    receiver_said: int | None
    helper_said: int | None
    done_minutes: int | None

    def is_party(self, member_id: int | None) -> bool:
        """True for the two whom it is about."""
        return member_id in (self.receiver_id, self.helper_id)

    def other(self, member_id: int) -> int:
        """The other of the two."""
        return self.helper_id if member_id == self.receiver_id else self.receiver_id

    @property
    def is_over(self) -> bool:
        """True when nothing more can happen."""
        return self.state not in OPEN

    def has_started(self, now: datetime) -> bool:
        """True from the agreed time."""
        return self.starts_at is not None and self.starts_at <= now


def state_now(state: str, booking_state: str | None) -> str:
    """The state of an ask whose booking may have ended by itself, or by staff on the page of bookings."""
    if state not in (AGREED, SETTLING) or booking_state in (None, "requested", "accepted"):
        return state
    return {"fulfilled": DONE, "refunded": FREE, "timed_out": LAPSED}.get(booking_state or "", CANCELLED)


# What members write ---------------------------------------------------------------------------------------------------


def check_offered(offered: Offered, *, private: Collection[str] = ()) -> list[Refusal]:
    """What stands in the way of an offer or a wish like this; each refusal names its field.

    ``private`` are the member's own address lines, phone number and e-mail address: no page for others shows them.
    """
    refusals = []
    if not offered.title.strip():
        refusals.append(Refusal("title_missing", say("Say in a few words what it is."), "title"))
    for field, text, limit in (("title", offered.title, MAX_TITLE), ("details", offered.details, MAX_DETAILS)):
        if len(text) > limit:
            refusals.append(Refusal(f"{field}_too_long", say("Write up to {n} letters.", n=limit), field))
        elif reaches_somebody(text, private):
            refusals.append(no_contact(field))
    if not is_category(offered.category):
        refusals.append(Refusal("unknown_category", say("Choose what it is about."), "category"))
    if not set(offered.times) <= TIMES.keys():
        refusals.append(Refusal("unknown_time", say("Choose times from the list."), "times"))
    if not set(offered.hows) <= HOWS.keys():
        refusals.append(Refusal("unknown_how", say("Choose ways from the list."), "hows"))
    return refusals + check_minutes(offered.minutes)


def check_minutes(minutes: int) -> list[Refusal]:
    """Refusal ``bad_minutes`` outside a quarter of an hour and eight hours."""
    if LEAST_MINUTES <= minutes <= MOST_MINUTES:
        return []
    words = say("Choose from {least} to {most}.", least=Minutes(LEAST_MINUTES), most=Minutes(MOST_MINUTES))
    return [Refusal("bad_minutes", words, "minutes")]


def no_contact(field: str) -> Refusal:
    """Refusal ``contact_inside``: others read this."""
    words = say("Leave out addresses and phone numbers here. Others can read this.")
    return Refusal("contact_inside", words, field)


def reaches_somebody(text: str, private: Collection[str] = ()) -> bool:
    """True when a text that others read holds an e-mail address, a phone number, a postcode, or a line of one's own
    address.
    """
    if _EMAIL.search(text) or _PHONE.search(text) or _POSTCODE.search(text):
        return True
    typed = plain(text)
    return any(len(plain(line)) >= SHORTEST_ADDRESS_LINE and plain(line) in typed for line in private)


def check_when(starts_at: datetime | None, now: datetime) -> list[Refusal]:
    """Refusals ``in_the_past`` and ``too_far_ahead``; None, "let us agree", is always good."""
    if starts_at is None:
        return []
    if starts_at <= now:
        return [Refusal("in_the_past", say("This time is over. Choose a later one."), "day")]
    if starts_at > now + MAX_AHEAD:
        return [Refusal("too_far_ahead", say("Choose a day in the next two months."), "day")]
    return []


def check_meeting(*, how: str, place: str, reach: str, note: str) -> list[Refusal]:
    """What is wrong with how they meet and what they write to each other."""
    refusals = []
    if how not in HOWS:
        refusals.append(Refusal("unknown_how", say("Choose how you meet."), "how"))
    for field, text, limit in (("place", place, MAX_PLACE), ("reach", reach, MAX_REACH), ("note", note, MAX_NOTE)):
        if len(text) > limit:
            refusals.append(Refusal(f"{field}_too_long", say("Write up to {n} letters.", n=limit), field))
    # The one text that is for the other's eyes, and only once both have agreed, is ``reach``.
    refusals += [no_contact(field) for field, text in (("place", place), ("note", note)) if reaches_somebody(text)]
    return refusals


# Who may --------------------------------------------------------------------------------------------------------------


def peer_support_off() -> Refusal:
    """Refusal ``peer_support_off``: nobody leads on safety yet."""
    return Refusal("peer_support_off", say("Help from members starts once we have a safety lead. Ask us when."))


def nobody_gains() -> Refusal:
    """Refusal ``nobody_gains_for_another``: who acts for somebody never gets their hours."""
    words = say("You act for somebody here. Someone else arranges this for them.")
    return Refusal("nobody_gains_for_another", words)


def not_enough(available: int, minutes: int) -> Refusal:
    """Refusal ``not_enough_hours``: how many are missing, and what can be done."""
    missing = Minutes(minutes - max(available, 0))
    if available >= LEAST_MINUTES:
        words = say("You need {missing} more. You have enough for {have}.", missing=missing, have=Minutes(available))
    else:
        words = say("You need {missing} more. You can ask the pot for hours.", missing=missing)
    return Refusal("not_enough_hours", words, "minutes")


def wrong_state() -> Refusal:
    """Refusal ``wrong_state``: the other did something a moment ago, or it is over."""
    return Refusal("wrong_state", say("This has changed. Look at it again. Nothing was changed now."))


def check_said(ask: AskFacts, minutes: int, now: datetime) -> list[Refusal]:
    """What stands in the way of saying how long it was (0: it did not happen)."""
    if ask.state not in (AGREED, SETTLING):
        return [wrong_state()]
    if not ask.has_started(now):
        return [Refusal("too_early", say("This has not happened yet. Come back after it has started."))]
    if minutes and not 1 <= minutes <= MOST_MINUTES:
        words = say("Choose up to {most}.", most=Minutes(MOST_MINUTES))
        return [Refusal("bad_minutes", words, "minutes")]
    return []


# What two answers come to ---------------------------------------------------------------------------------------------

Silence = Literal["as_agreed", "as_confirmed", "ask"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What follows: wait for the other, ``done`` with so many minutes, ``free``, or a coordinator settles it."""

    what: Literal["wait", "done", "free", "settling"]
    minutes: int = 0


WAIT, IS_FREE, DIFFERS = Outcome(what="wait"), Outcome(what="free"), Outcome(what="settling")


def outcome(receiver_said: int | None, helper_said: int | None) -> Outcome:
    """What the answers of the two come to. A helper who says that it did not happen frees the hours at once: nobody
    but the helper could lose by it.
    """
    if helper_said == 0 and not receiver_said:
        return IS_FREE
    if receiver_said is None or helper_said is None:
        return WAIT
    if receiver_said != helper_said:
        return DIFFERS
    return Outcome(what="done", minutes=receiver_said) if receiver_said else IS_FREE


def outcome_of_silence(rule: Silence, agreed: int, receiver_said: int | None, helper_said: int | None) -> Outcome:
    """What silence comes to, when its time is over.

    ``as_agreed``: who is silent counts as having said what was agreed. ``as_confirmed``: who is silent counts as having
    said what the other said, and when both are silent nothing happened. ``ask``: a coordinator settles it. One answer
    never takes more than was agreed.
    """
    if rule == "ask":
        return DIFFERS
    if rule == "as_agreed":
        return outcome(
            agreed if receiver_said is None else receiver_said, agreed if helper_said is None else helper_said
        )
    said = receiver_said if receiver_said is not None else helper_said
    if not said:
        return IS_FREE
    return Outcome(what="done", minutes=min(said, agreed))


def possible(minutes: int, *, held: int, available: int) -> int:
    """How many minutes can move: what was set aside, and beyond that only what the receiver still has."""
    return min(minutes, held + max(available, 0))


def check_settling(minutes: int, said: Iterable[int | None], agreed: int) -> list[Refusal]:
    """Refusal ``bad_minutes`` for a decision beyond everything that was agreed or said."""
    most = max([agreed, *(each or 0 for each in said)])
    if 0 <= minutes <= most:
        return []
    return [Refusal("bad_minutes", f"Choose from 0 to {most} minutes: what was agreed, or what one of them said.",
                    "minutes")]  # fmt: skip
