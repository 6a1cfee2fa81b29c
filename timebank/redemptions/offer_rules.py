"""What an offer may say, and what stands in the way of one. Pure."""

from datetime import datetime

import msgspec

from timebank.kit.refusal import Refusal
from timebank.redemptions.kinds import is_known, kind_of

MAX_TITLE, MAX_SUMMARY, MAX_DESCRIPTION, MAX_PLACE, MAX_ACCESS_NOTES, MAX_BENEFIT_LABEL = 100, 200, 2000, 200, 500, 500
MAX_PRICE_MINUTES = 60_000
MAX_PLACES = 100_000
MAX_CANCEL_HOURS = 720
MAX_HOLD_DAYS = 366
MAX_VALUE_PENCE = 100_000_000


class OfferFacts(msgspec.Struct, frozen=True, kw_only=True):
    """An offer as the rules see it. ``value_pence`` is what the supplier is paid; participants never see it."""

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


class AddOffer(msgspec.Struct, frozen=True, kw_only=True):
    """Something new to spend hours on. ``value_pence`` and ``payee_id`` come together: who is paid what each time."""

    kind: str
    title: str
    price_minutes: int
    benefit_label: str
    summary: str = ""
    description: str = ""
    places: int | None = None
    starts_at: datetime | None = None
    place: str = ""
    access_notes: str = ""
    cancel_hours: int = 24
    hold_days: int = 28
    payee_id: int | None = None
    value_pence: int | None = None
    provider_id: int | None = None
    is_open: bool = True


def check_offer(offer: AddOffer) -> list[Refusal]:
    """What stands in the way of an offer like this; empty when nothing does. Each refusal names its field."""
    if not is_known(offer.kind):
        return [Refusal("unknown_kind", "Choose training, a voucher or help from a member.", "kind")]
    return [*_check_texts(offer), *_check_numbers(offer), *_check_kind(offer)]


def _check_texts(offer: AddOffer) -> list[Refusal]:
    refusals = []
    for field, text, limit, needed in (
        ("title", offer.title, MAX_TITLE, True),
        ("summary", offer.summary, MAX_SUMMARY, False),
        ("description", offer.description, MAX_DESCRIPTION, False),
        ("place", offer.place, MAX_PLACE, False),
        ("access_notes", offer.access_notes, MAX_ACCESS_NOTES, False),
        ("benefit_label", offer.benefit_label, MAX_BENEFIT_LABEL, True),
    ):
        words = field.replace("_", " ")
        if needed and not text.strip():
            refusals.append(Refusal(f"{field}_missing", f"Enter the {words}.", field))
        if len(text) > limit:
            refusals.append(Refusal(f"{field}_too_long", f"Shorten the {words} to {limit} letters or fewer.", field))
    return refusals


def _check_numbers(offer: AddOffer) -> list[Refusal]:
    refusals = []
    for field, number, least, most in (
        ("price_minutes", offer.price_minutes, 1, MAX_PRICE_MINUTES),
        ("places", offer.places, 0, MAX_PLACES),
        ("cancel_hours", offer.cancel_hours, 0, MAX_CANCEL_HOURS),
        ("hold_days", offer.hold_days, 1, MAX_HOLD_DAYS),
        ("value_pence", offer.value_pence, 1, MAX_VALUE_PENCE),
    ):
        if number is not None and not least <= number <= most:
            words = field.replace("_", " ")
            refusals.append(Refusal(f"bad_{field}", f"Choose {words} from {least} to {most}.", field))
    return refusals


def _check_kind(offer: AddOffer) -> list[Refusal]:
    refusals = []
    kind = kind_of(offer.kind)
    if kind.needs_date and offer.starts_at is None:
        refusals.append(Refusal("starts_at_missing", "Enter the day and time it starts.", "starts_at"))
    if kind.needs_provider != (offer.provider_id is not None):
        words = "Choose the member who helps." if kind.needs_provider else "Only help from a member has a helper."
        refusals.append(Refusal("bad_provider", words, "provider_id"))
    if (offer.payee_id is None) != (offer.value_pence is None):
        refusals.append(
            Refusal("payee_without_value", "Enter the supplier and what they are paid, or neither.", "payee_id")
        )
    if kind.payable_kind is None and offer.payee_id is not None:
        refusals.append(Refusal("payee_not_possible", "Nobody is paid for help from a member.", "payee_id"))
    return refusals
