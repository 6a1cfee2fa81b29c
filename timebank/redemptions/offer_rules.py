"""What an offer may say, who may use it and when, and what stands in the way of it. Pure."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from timebank.budgets.rules import no_money_for_members
from timebank.kit.actor import ADMIN, COORDINATOR, FINANCE, Actor
from timebank.kit.names import loose_key
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.kit.words import Minutes, mark, say
from timebank.redemptions.kinds import is_known, kind_of
from timebank.redemptions.voucher_rules import Terms as VoucherTerms

MAX_TITLE, MAX_SUMMARY, MAX_DESCRIPTION, MAX_PLACE, MAX_ACCESS_NOTES, MAX_BENEFIT_LABEL = 100, 200, 2000, 200, 500, 500
MAX_PRICE_MINUTES = 60_000
MAX_PLACES = 100_000
MAX_CANCEL_HOURS = 720
MAX_HOLD_DAYS = 366
MAX_VALUE_PENCE = 100_000_000
MAX_MONTHLY_PENCE = 1_000_000_000
MAX_GROUPS = 50
MAX_SEARCH_KEY = 8_000
EARLIEST_YEAR, LATEST_YEAR = 2000, 2100

ACCESS: Final[Mapping[str, str]] = {
    "step_free": mark("Step-free from the street"),
    "accessible_toilet": mark("Accessible toilet"),
    "changing_places": mark("Changing Places toilet with a hoist"),
    "hearing_loop": mark("Hearing loop"),
    "quiet_space": mark("Quiet space"),
    "bsl": mark("BSL interpreter"),
    "easy_read": mark("Easy Read papers"),
    "online": mark("Can be done online"),
    "by_phone": mark("Can be done by phone"),
    "transport_help": mark("Help with transport"),
    "helper_free": mark("A helper comes for free"),
    "parking": mark("Blue Badge parking"),
}
"""What an offer has for people who need it: code and words. The migration has the same codes."""

STATES: Final[Mapping[str, str]] = {
    "open": "On offer",
    "later": "Not shown yet",
    "full": "Full",
    "used_up": "Used up this month",
    "unfunded": "No money left in its budget",
    "ended": "Ended",
    "closed": "Closed",
}
"""What an offer is for staff: code and words."""


class OfferFacts(msgspec.Struct, frozen=True, kw_only=True):
    """An offer as the rules see it. ``value_pence`` is what the supplier is paid, ``monthly_pence`` what may be
    committed for it in a calendar month; participants see neither. ``is_for_groups``: only for members of some groups.
    """

    id: int
    kind: str
    title: str
    price_minutes: int
    places: int | None
    starts_at: datetime | None
    cancel_hours: int
    hold_days: int
    benefit_label: str
    payee_id: int | None
    value_pence: int | None
    provider_id: int | None
    is_open: bool
    is_for_groups: bool = False
    shown_from: date | None = None
    shown_until: date | None = None
    monthly_pence: int | None = None
    revision: int = 1
    no_show: str = "free"
    budget_id: int | None = None
    order_id: int | None = None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a page showed before somebody said yes: the price, the offer's revision, and how often they had booked it
    before.
    """

    price_minutes: int
    revision: int | None = None
    bookings: int | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How an offer stands for a member at a moment. ``committed_pence`` is of the present calendar month;
    ``bookings`` is how often this member booked it, whatever became of it.
    """

    may_use: bool
    committed_pence: int
    bookings: int
    today: date
    is_unfunded: bool = False
    """The budget that pays for it cannot pay for one more."""

    @property
    def next_month(self) -> date:
        """The day from which there is a new monthly budget."""
        return first_of_next_month(self.today)


class OfferDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What an offer says. ``value_pence`` and ``payee_id`` come together: who is paid what each time.

    ``group_ids`` None is for everybody, else only for their members; ``access`` are codes of :data:`ACCESS`;
    ``shown_from`` and ``shown_until`` are the first and the last day on which people see it; ``monthly_pence`` is what
    may be committed for it in a calendar month; ``budget_id`` is the budget that pays for it, ``order_id`` its purchase
    order; ``no_show`` is what happens to the hours of somebody who does not come: ``free`` or ``used``.
    """

    title: str
    price_minutes: int
    benefit_label: str
    summary: str = ""
    description: str = ""
    places: int | None = None
    starts_at: datetime | None = None
    place: str = ""
    access_notes: str = ""
    access: tuple[str, ...] = ()
    group_ids: tuple[int, ...] | None = None
    shown_from: date | None = None
    shown_until: date | None = None
    cancel_hours: int = 24
    hold_days: int = 28
    payee_id: int | None = None
    value_pence: int | None = None
    monthly_pence: int | None = None
    budget_id: int | None = None
    order_id: int | None = None
    no_show: str = "free"
    voucher: VoucherTerms | None = None


class AddOffer(OfferDetails, frozen=True, kw_only=True):
    """Something new to spend hours on; it gets the picture of the offer that it is a copy of."""

    kind: str
    copy_of: int | None = None
    provider_id: int | None = None
    is_open: bool = True


class ChangeOffer(OfferDetails, frozen=True, kw_only=True):
    """An offer as it shall be from now on. ``revision`` is the one that the change began with."""

    offer_id: int
    revision: int


def may_manage(actor: Actor) -> list[Refusal]:
    """Refusal ``not_allowed`` for whoever is not staff."""
    if any(actor.has(role) for role in (COORDINATOR, FINANCE, ADMIN)):
        return []
    return [Refusal("not_allowed", "Only staff can add or change an offer. Ask your coordinator.")]


def search_key(offer: OfferDetails) -> str:
    """What a search looks through: the words of an offer without accents, capitals and signs."""
    return loose_key(f"{offer.title} {offer.summary} {offer.description} {offer.place}")[:MAX_SEARCH_KEY]


def first_of_next_month(day: date) -> date:
    """The first day of the month after the one with ``day``."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def month_of(day: date, time_zone: str) -> tuple[datetime, datetime]:
    """When the calendar month with ``day`` begins and when the next one does, on the clocks of a time bank."""
    zone = ZoneInfo(time_zone)
    starts = (day.replace(day=1), first_of_next_month(day))
    first, following = (datetime(each.year, each.month, each.day, tzinfo=zone) for each in starts)
    return first, following


def is_shown(offer: OfferFacts, today: date) -> bool:
    """True on the days on which people see the offer."""
    return (offer.shown_from is None or offer.shown_from <= today) and (
        offer.shown_until is None or today <= offer.shown_until
    )


def is_used_up(offer: OfferFacts, committed_pence: int) -> bool:
    """True when one more booking would pass what may be committed for the offer this month."""
    return offer.monthly_pence is not None and committed_pence + (offer.value_pence or 0) > offer.monthly_pence


def check_offered(offer: OfferFacts, standing: Standing, seen: Seen | None) -> list[Refusal]:
    """What stands in the way of this offer for this member, besides places and hours.

    Refusals: ``unknown_offer``, ``offer_closed``, ``price_changed``, ``offer_changed``, ``booked_meanwhile``,
    ``no_more_this_month``, ``no_budget_left``.
    """
    if not standing.may_use:
        # It looks exactly like one that does not exist.
        return [Refusal("unknown_offer", say("Choose an offer of this time bank."), "offer_id")]
    if not offer.is_open:
        return []  # whoever asks says so, with what else stands in the way
    if not is_shown(offer, standing.today):
        return [Refusal("offer_closed", say("This is not on offer any more. Choose something else."), "offer_id")]
    if refusals := _check_seen(offer, standing, seen):
        return refusals
    if is_used_up(offer, standing.committed_pence):
        message = say("No more this month. From {day} again.", day=standing.next_month)
        return [Refusal("no_more_this_month", message, "offer_id")]
    return [no_money_for_members()] if standing.is_unfunded else []


def _check_seen(offer: OfferFacts, standing: Standing, seen: Seen | None) -> list[Refusal]:
    """Nobody pays what they did not see, agrees to what was changed since, or books twice on two phones."""
    if seen is None:
        return []
    if seen.price_minutes != offer.price_minutes:
        message = say("The price has changed. It is now {price}.", price=Minutes(offer.price_minutes))
        return [Refusal("price_changed", message)]
    if seen.revision is not None and seen.revision != offer.revision:
        return [Refusal("offer_changed", say("This changed a moment ago. Please look at it again."))]
    if seen.bookings is not None and seen.bookings != standing.bookings:
        return [Refusal("booked_meanwhile", say("You booked this a moment ago. Say yes again only to book it twice."))]
    return []


def check_offer(offer: AddOffer) -> list[Refusal]:
    """What stands in the way of an offer like this; empty when nothing does. Each refusal names its field."""
    if not is_known(offer.kind):
        return [Refusal("unknown_kind", "Choose training, a voucher or help from a member.", "kind")]
    refusals = check_details(offer, offer.kind)
    if kind_of(offer.kind).needs_provider != (offer.provider_id is not None):
        needed = kind_of(offer.kind).needs_provider
        words = "Choose the member who helps." if needed else "Only help from a member has a helper."
        refusals.append(Refusal("bad_provider", words, "provider_id"))
    return refusals


def check_details(offer: OfferDetails, kind: str) -> list[Refusal]:
    """What stands in the way of what an offer of this kind says; each refusal names its field."""
    return [*_check_texts(offer), *_check_numbers(offer), *_check_choices(offer), *_check_kind(offer, kind)]


def check_moved(
    *, starts_at: datetime | None, was: datetime | None, ends_first: datetime | None, now: datetime
) -> list[Refusal]:
    """What stands in the way of another date; the hours of open bookings end at ``ends_first``, None without bookings.

    Refusals: ``date_in_use``, ``date_too_far``, ``date_over``.
    """
    if starts_at == was or ends_first is None:
        return []
    if starts_at is None or was is None:
        message = "People have booked this. Add it again as something new instead."
        return [Refusal("date_in_use", message, "starts_at")]
    if starts_at <= now:
        return [Refusal("date_over", "People have booked this. Choose a time that is still to come.", "starts_at")]
    if starts_at + HOLDS_OUTLAST > ends_first:
        latest = (ends_first - HOLDS_OUTLAST).date()
        message = say(
            "The hours set aside do not last that long. Choose a day before {day}, or offer it again.", day=latest
        )
        return [Refusal("date_too_far", message, "starts_at")]
    return []


HOLDS_OUTLAST: Final = timedelta(days=1)
"""How long after the start the hours of a booking must stay set aside, so that somebody can say who came."""


def _check_texts(offer: OfferDetails) -> list[Refusal]:
    refusals = []
    for field, text, limit, needed in (
        ("title", offer.title, MAX_TITLE, True),
        ("summary", offer.summary, MAX_SUMMARY, False),
        ("description", offer.description, MAX_DESCRIPTION, False),
        ("place", offer.place, MAX_PLACE, False),
        ("access_notes", offer.access_notes, MAX_ACCESS_NOTES, False),
        ("benefit_label", offer.benefit_label, MAX_BENEFIT_LABEL, True),
    ):
        if needed and not text.strip():
            refusals.append(Refusal(f"{field}_missing", f"Fill in “{FIELD_NAMES[field]}”.", field))
        if len(text) > limit:
            message = f"Shorten “{FIELD_NAMES[field]}” to {limit:,} letters or fewer."
            refusals.append(Refusal(f"{field}_too_long", message, field))
    return refusals


def _check_numbers(offer: OfferDetails) -> list[Refusal]:
    refusals = []
    most_paid, most_monthly = MAX_VALUE_PENCE // 100, MAX_MONTHLY_PENCE // 100
    for field, number, least, most, words in (
        ("price_minutes", offer.price_minutes, 1, MAX_PRICE_MINUTES,
         f"Choose a price from 1 minute to {MAX_PRICE_MINUTES // 60:,} hours."),
        ("places", offer.places, 0, MAX_PLACES, f"Choose from 0 to {MAX_PLACES:,} places, or leave it empty."),
        ("cancel_hours", offer.cancel_hours, 0, MAX_CANCEL_HOURS,
         f"Choose from 0 to {MAX_CANCEL_HOURS} hours before it starts."),
        ("hold_days", offer.hold_days, 1, MAX_HOLD_DAYS,
         f"Hours can stay set aside for 1 to {MAX_HOLD_DAYS} days. Choose how many."),
        ("value_pence", offer.value_pence, 1, MAX_VALUE_PENCE,
         f"Enter what the supplier is paid each time, up to {most_paid:,}."),
        ("monthly_pence", offer.monthly_pence, 1, MAX_MONTHLY_PENCE,
         f"Enter a monthly budget of up to {most_monthly:,}, or leave it empty."),
    ):  # fmt: skip
        if number is not None and not least <= number <= most:
            refusals.append(Refusal(f"bad_{field}", words, field))
    return refusals


def _check_choices(offer: OfferDetails) -> list[Refusal]:
    refusals = []
    if offer.starts_at is not None and not (
        offer.starts_at.tzinfo is not None and EARLIEST_YEAR <= offer.starts_at.year <= LATEST_YEAR
    ):
        refusals.append(Refusal("bad_starts_at", "Enter a day of these years, with its time zone.", "starts_at"))
    if offer.payee_id is not None and not 0 < offer.payee_id <= MAX_KEY:
        refusals.append(Refusal("unknown_payee", "Choose a supplier of this time bank.", "payee_id"))
    if any(not 0 < each <= MAX_KEY for each in offer.group_ids or ()):
        refusals.append(Refusal("unknown_group", "Choose groups of this time bank.", "group_ids"))
    if not set(offer.access) <= set(ACCESS):
        refusals.append(Refusal("bad_access", f"Choose from: {', '.join(ACCESS)}.", "access"))
    if offer.no_show not in ("free", "used"):
        refusals.append(Refusal("bad_no_show", "Say whether the hours are free or used.", "no_show"))
    if offer.group_ids is not None and not 1 <= len(offer.group_ids) <= MAX_GROUPS:
        refusals.append(Refusal("groups_missing", "Choose at least one group, or everybody.", "group_ids"))
    if offer.shown_from is not None and offer.shown_until is not None and offer.shown_until < offer.shown_from:
        refusals.append(Refusal("bad_shown_until", "The last day comes before the first day.", "shown_until"))
    if offer.monthly_pence is not None and offer.value_pence is None:
        message = "A monthly budget needs a supplier and what they are paid."
        refusals.append(Refusal("budget_without_value", message, "monthly_pence"))
    elif offer.monthly_pence is not None and offer.monthly_pence < (offer.value_pence or 0):
        message = "The monthly budget is not enough for one. Choose a higher budget, or none."
        refusals.append(Refusal("budget_too_small", message, "monthly_pence"))
    return [*refusals, *_check_budget(offer)]


def _check_budget(offer: OfferDetails) -> list[Refusal]:
    refusals = []
    if any(one is not None and not 0 < one <= MAX_KEY for one in (offer.budget_id, offer.order_id)):
        refusals.append(Refusal("unknown_budget", "Choose a budget of this time bank.", "budget_id"))
    elif offer.budget_id is not None and offer.value_pence is None:
        message = "Only what a supplier is paid for needs a budget. Enter what they are paid, or choose no budget."
        refusals.append(Refusal("budget_without_payee", message, "budget_id"))
    elif offer.order_id is not None and offer.budget_id is None:
        refusals.append(Refusal("order_without_budget", "Choose the budget of the purchase order too.", "budget_id"))
    return refusals


def _check_kind(offer: OfferDetails, code: str) -> list[Refusal]:
    refusals = []
    kind = kind_of(code)
    if kind.needs_date and offer.starts_at is None:
        refusals.append(Refusal("starts_at_missing", "Enter the day and time it starts.", "starts_at"))
    if (offer.payee_id is None) != (offer.value_pence is None):
        refusals.append(
            Refusal("payee_without_value", "Enter the supplier and what they are paid, or neither.", "payee_id")
        )
    if kind.payable_kind is None and offer.payee_id is not None:
        refusals.append(Refusal("payee_not_possible", "Nobody is paid for help from a member.", "payee_id"))
    return refusals


def state_of(
    *,
    is_open: bool,
    starts_at: datetime | None,
    shown_from: date | None,
    shown_until: date | None,
    is_full: bool,
    is_used_up: bool,
    is_unfunded: bool = False,
    now: datetime,
    today: date,
) -> str:
    """What an offer is for staff: a code of :data:`STATES`."""
    if not is_open:
        return "closed"
    if (starts_at is not None and starts_at <= now) or (shown_until is not None and shown_until < today):
        return "ended"
    if shown_from is not None and shown_from > today:
        return "later"
    return "full" if is_full else "used_up" if is_used_up else "unfunded" if is_unfunded else "open"


FIELD_NAMES: Final[Mapping[str, str]] = {
    "title": "What is it called?",
    "summary": "In one sentence",
    "description": "More about it",
    "price_minutes": "Price in hours",
    "benefit_label": "What people read before they use hours",
    "places": "Places or stock",
    "starts_at": "When it starts",
    "place": "Where",
    "access": "Access",
    "access_notes": "What else should people know?",
    "group_ids": "Who may use it",
    "shown_from": "Shown from",
    "shown_until": "Shown until",
    "cancel_hours": "Cancel until",
    "hold_days": "Hours stay set aside",
    "no_show": "Who does not come",
    "payee_id": "Supplier",
    "value_pence": "What the supplier is paid",
    "monthly_pence": "Monthly budget",
    "budget_id": "Which budget pays for it",
    "order_id": "Purchase order",
}
"""What staff read for each part of an offer."""


def differences(mine: OfferDetails, theirs: OfferDetails) -> list[tuple[str, Any, Any]]:
    """Where two versions of an offer differ: the field, mine, theirs."""
    pairs = ((name, getattr(mine, name), getattr(theirs, name)) for name in FIELD_NAMES)
    return [(name, one, other) for name, one, other in pairs if _comparable(one) != _comparable(other)]


def _comparable(value: Any) -> Any:
    return sorted(value) if isinstance(value, tuple) else value
