"""The rules of a time bank: one versioned, public document, and what it takes to make a time bank. Pure."""

import re
from typing import Annotated, Literal
from zoneinfo import available_timezones

import msgspec

from timebank.kit.refusal import Refusal
from timebank.kit.working_days import is_region

PRACTICE_PREFIX = "practice-"
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,38}[a-z0-9]")
MAX_NAME = 100

Positive = Annotated[int, msgspec.Meta(ge=1)]
NotNegative = Annotated[int, msgspec.Meta(ge=0)]


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The limits that people may change together. Minutes, days and counts are whole numbers.

    ``approval_above_minutes`` (one entry, or one day), ``approval_above_minutes_per_week`` and ``approval_after_days``:
    what a coordinator logs beyond these waits for a second person. ``self_log_approved_up_to_minutes``: what members
    log for themselves waits unless it is this short. ``safeguarding_lead``: peer support is off until one is named.
    ``independent_person`` and ``outside_body``: whom to tell in confidence. ``hours_on_leaving``: what happens to what
    a member still has. ``answer_days``: working days in which a query about an entry is answered.
    ``waiting_answer_days``: working days for which a free place is kept for whoever is next on a waiting list.
    ``max_pot_help_minutes`` is the most that one member gets from the pot at once, ``pot_alone_up_to_minutes`` what a
    coordinator may give from it without a second person.
    ``confirm_above_minutes``: using or giving more at once asks once more who one is.
    ``receipt_needed_above_pence`` (minor units): a cost that is claimed back needs its receipt above this.
    ``claims_back_days``: how many days later it can be claimed.
    ``fee_choice_days`` after its message arrived, only a coordinator can still choose what happens to a fee.
    ``peer_silence_days`` after the question arrived, ``peer_silence`` says what counts when somebody who got or gave
    help says nothing (``timebank.peers.rules.outcome_of_silence``).
    """

    max_minutes_per_entry: Positive = 12 * 60
    max_days_back: Positive = 366
    max_people_per_register: Positive = 500
    approval_above_minutes: Positive = 8 * 60
    approval_above_minutes_per_week: Positive = 40 * 60
    approval_after_days: Positive = 90
    self_log_approved_up_to_minutes: NotNegative = 0
    self_log_days_back: Positive = 60
    member_floor_minutes: NotNegative = 0
    undo_minutes: Positive = 10
    max_open_bookings: Positive = 10
    confirm_above_minutes: NotNegative = 10 * 60
    waiting_answer_days: Positive = 2
    payment_days: NotNegative = 30
    receipt_needed_above_pence: NotNegative = 1000
    claims_back_days: Positive = 90
    fee_choice_days: Positive = 90
    minimum_age: NotNegative = 18
    check_valid_months: Positive = 36
    check_in_opens_minutes: NotNegative = 60
    check_in_closes_minutes: NotNegative = 120
    guest_months: Positive = 12
    answer_days: Positive = 10
    notice_days: NotNegative = 30
    max_gift_minutes: Positive = 20 * 60
    max_pot_help_minutes: Positive = 10 * 60
    max_pot_asks_per_year: Positive = 6
    pot_alone_up_to_minutes: NotNegative = 4 * 60
    hours_on_leaving: Literal["pot", "expire"] = "pot"
    peer_silence_days: Positive = 7
    peer_silence: Literal["as_agreed", "as_confirmed", "ask"] = "as_confirmed"
    safeguarding_lead: str = ""
    independent_person: str = ""
    outside_body: str = ""


class TimeBankFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a time bank is: its name, where it is, and whom to ask for help."""

    id: int
    slug: str
    name: str
    time_zone: str
    currency: str
    holiday_region: str
    help_contact: str


def is_practice(slug: str) -> bool:
    """True for a time bank in which nothing is real. Its short name says so, and no other may begin like that."""
    return slug.startswith(PRACTICE_PREFIX)


def check_new(
    *, slug: str, name: str, time_zone: str, currency: str, for_practice: bool = False, holiday_region: str = ""
) -> list[Refusal]:
    """What stands in the way of making a time bank like this; empty when nothing does."""
    refusals = []
    if is_practice(slug) != for_practice:
        refusals.append(
            Refusal(
                "slug_reserved", "Short names that begin with “practice-” are for practice. Choose another.", "slug"
            )
        )
    if not SLUG.fullmatch(slug):
        refusals.append(
            Refusal(
                "bad_slug", "Give a short name of 3 to 40 small letters, digits and hyphens, like “riverside”.", "slug"
            )
        )
    if not 1 <= len(name.strip()) <= MAX_NAME:
        refusals.append(Refusal("bad_name", f"Give the time bank a name of 1 to {MAX_NAME} letters.", "name"))
    if time_zone not in available_timezones():
        refusals.append(Refusal("bad_time_zone", "Give a time zone such as Europe/London.", "time_zone"))
    if holiday_region and not is_region(holiday_region):
        message = "Give a region such as GB-ENG or FR, or leave it empty."
        refusals.append(Refusal("bad_holiday_region", message, "holiday_region"))
    if not re.fullmatch(r"[A-Z]{3}", currency):
        refusals.append(Refusal("bad_currency", "Give a currency of three capital letters, such as GBP.", "currency"))
    return refusals
