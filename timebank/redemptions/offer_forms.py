"""The form of an offer, for staff: filled in, and read as commands or as refusals beside fields. Pure."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from timebank.budgets.rules import BudgetFacts, OrderFacts
from timebank.kit import dates, durations, money, times
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark
from timebank.redemptions.managing import Group, ManagedOffer
from timebank.redemptions.offer_rules import ACCESS, FIELD_NAMES, OfferDetails, differences
from timebank.redemptions.voucher_rules import Terms
from timebank.web.forms import Form, date_fields

BENEFIT_TEXTS: Final = {
    "training": (
        mark(
            "Training can change some benefits. If you get benefits, ask Citizens Advice or your benefits office first."
        ),
        mark("This should not change most benefits. If you get benefits and are not sure, ask Citizens Advice."),
    ),
    "voucher": (
        mark(
            "A voucher can count as income on the day you get it. "
            "If you get benefits, ask Citizens Advice or your benefits office first."
        ),
        mark("This has no cash value. If you get benefits and are not sure, ask Citizens Advice."),
    ),
}
"""What a note on benefits can start from, for each kind; the first one is in the form of a new offer. They
are in the catalogues as they stand; a note of one's own is shown as it was written."""
USUAL: Final = {
    "training": {"cancel_hours": "48", "hold_days": "28", "no_show": "free"},
    "voucher": {"cancel_hours": "0", "hold_days": "60", "no_show": "free"},
}
FOR_EVERYBODY, FOR_GROUPS = "everybody", "groups"
MAX_DIGITS = 7


def new_form(kind: str) -> dict[str, Any]:
    """What the form of a new offer of this kind holds."""
    return {**USUAL[kind], "for": FOR_EVERYBODY, "benefit_label": BENEFIT_TEXTS[kind][0]}


def filled(details: OfferDetails, *, currency: str, time_zone: str) -> dict[str, Any]:
    """What the form holds for an offer that says this."""
    fields: dict[str, Any] = {
        name: getattr(details, name)
        for name in ("title", "summary", "description", "place", "access_notes", "benefit_label", "no_show")
    }
    fields |= {name: getattr(details, name) for name in ("places", "cancel_hours", "hold_days", "payee_id")}
    if details.budget_id is not None:
        fields["budget_id"] = budget_choice(details.budget_id, details.order_id)
    fields |= {"price_minutes": durations.in_words(details.price_minutes), "access": list(details.access)}
    fields |= {"for": FOR_EVERYBODY if details.group_ids is None else FOR_GROUPS}
    fields |= {"group_ids": [str(each) for each in details.group_ids or ()]}
    for name in ("value_pence", "monthly_pence"):
        if (pence := getattr(details, name)) is not None:
            fields[name] = money.decimal(pence, currency)
    if details.starts_at is not None:
        here = details.starts_at.astimezone(ZoneInfo(time_zone))
        fields |= date_fields("starts_on", here.date()) | {"starts_time": here.strftime("%H:%M")}
    for name in ("shown_from", "shown_until"):
        if (day := getattr(details, name)) is not None:
            fields |= date_fields(name, day)
    return fields


def read(form: Form, kind: str, *, currency: str, time_zone: str) -> dict[str, Any] | list[Refusal]:
    """What was typed, for ``AddOffer`` or ``ChangeOffer``."""
    numbers = {
        "price_minutes": durations.parse(form.text("price_minutes"), field="price_minutes"),
        "places": _whole(form, "places"),
        "cancel_hours": _whole(form, "cancel_hours"),
        "hold_days": _whole(form, "hold_days"),
        "value_pence": _amount(form, "value_pence", currency),
        "monthly_pence": _amount(form, "monthly_pence", currency),
        "starts_at": _moment(form, time_zone),
        "shown_from": _day(form, "shown_from"),
        "shown_until": _day(form, "shown_until"),
    }
    refusals = [one for one in numbers.values() if isinstance(one, Refusal)]
    for name in ("cancel_hours", "hold_days"):
        if numbers[name] is None:
            numbers[name] = int(USUAL[kind][name])
    if refusals:
        return refusals
    texts = ("title", "summary", "description", "place", "access_notes", "benefit_label")
    budget_id, _, order_id = form.text("budget_id").partition("/")
    ids = tuple(int(each) for each in form.all("group_ids") if _is_id(each))
    return {
        **numbers,
        **{name: form.text(name) for name in texts},
        "access": tuple(code for code in ACCESS if form.has("access", code)),
        "group_ids": ids if form.text("for") == FOR_GROUPS else None,
        "payee_id": int(form.text("payee_id")) if _is_id(form.text("payee_id")) else None,
        "budget_id": int(budget_id) if _is_id(budget_id) else None,
        "order_id": int(order_id) if _is_id(order_id) else None,
        "no_show": "used" if form.text("no_show") == "used" else "free",
    }


def budget_choice(budget_id: int, order_id: int | None) -> str:
    """What the form sends for a budget, or for a purchase order of it."""
    return f"{budget_id}" if order_id is None else f"{budget_id}/{order_id}"


def budget_choices(
    budgets: Sequence[BudgetFacts], orders: Sequence[OrderFacts], *, currency: str, chosen: str = ""
) -> list[tuple[str, str]]:
    """The open budgets and their open orders, each with what is left; and the one that is chosen already."""
    found = []
    for one in budgets:
        left = money.in_words(one.left_pence, currency)
        if one.is_open and one.fund_is_open:
            found.append((budget_choice(one.id, None), f"{one.name} ({left} left)"))
        elif chosen.partition("/")[0] == str(one.id):
            found.append((budget_choice(one.id, None), f"{one.name} (closed)"))
        for order in orders:
            if order.budget_id == one.id and (order.is_open or chosen == budget_choice(one.id, order.id)):
                left = f"{money.in_words(order.left_pence, currency)} left" if order.is_open else "closed"
                found.append((budget_choice(one.id, order.id), f"{one.name}, order {order.number} ({left})"))
    return found


def choices(
    groups: list[Group], payees: list[tuple[str, str]], budgets: Sequence[tuple[str, str]] = ()
) -> dict[str, list[tuple[str, ...]]]:
    """What the form offers to choose from."""
    return {
        "budgets": [("", "No budget"), *budgets] if budgets else [],
        "for": [(FOR_EVERYBODY, "Everybody"), (FOR_GROUPS, "Only members of these groups")],
        "groups": [(str(group.id), group.display_name) for group in groups],
        "payees": [("", "Nobody is paid"), *payees],
        "access": list(ACCESS.items()),
        "no_show": [
            ("free", "Their hours come back", "Kinder: illness needs no proof."),
            ("used", "Their hours are used", "People read this before they book."),
        ],
    }


def compared(
    mine: OfferDetails,
    theirs: ManagedOffer,
    groups: list[Group],
    payees: list[tuple[str, str]],
    *,
    currency: str,
    time_zone: str,
) -> list[tuple[str, str, str]]:
    """What somebody typed and what somebody else saved meanwhile, where they differ: field, mine, theirs, in words."""
    group_names = {group.id: group.display_name for group in groups}
    payee_names = dict(payees)

    def said(field: str, value: Any) -> str:
        if value is None or value in ("", ()):
            return "Everybody" if field == "group_ids" else "Nothing"
        if field == "price_minutes":
            return durations.in_words(value)
        if field in ("value_pence", "monthly_pence"):
            return money.in_words(value, currency)
        if field == "group_ids":
            return ", ".join(group_names.get(each, "A group") for each in value)
        if field == "payee_id":
            return payee_names.get(str(value), "A supplier")
        if field == "access":
            return ", ".join(ACCESS.get(each, each) for each in value)
        if isinstance(value, datetime):
            here = value.astimezone(ZoneInfo(time_zone))
            return f"{dates.in_words(here.date())}, {here.strftime('%H:%M')}"
        return dates.in_words(value) if isinstance(value, date) else str(value)

    return [
        (FIELD_NAMES[field], said(field, one), said(field, other))
        for field, one, other in differences(mine, theirs.details)
    ]


def with_voucher(fields: dict[str, Any], terms: Terms | None) -> dict[str, Any]:
    """The fields of an offer with how its vouchers work."""
    return {**fields, "voucher": terms}


def _moment(form: Form, time_zone: str) -> datetime | Refusal | None:
    if not any(form.text(f"starts_on-{part}") for part in ("day", "month", "year")):
        return None
    day, at = form.date("starts_on"), times.parse(form.text("starts_time"), field="starts_time")
    if isinstance(day, Refusal):
        return day
    if isinstance(at, Refusal):
        return Refusal(at.code, "Enter the time it starts, like 14:00 or 2pm.", "starts_time")
    return datetime.combine(day, at, ZoneInfo(time_zone))


def _day(form: Form, name: str) -> date | Refusal | None:
    return form.date(name) if any(form.text(f"{name}-{part}") for part in ("day", "month", "year")) else None


def _amount(form: Form, name: str, currency: str) -> int | Refusal | None:
    return money.parse(form.text(name), currency, field=name) if form.text(name) else None


def _whole(form: Form, name: str) -> int | Refusal | None:
    typed = form.text(name)
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) <= MAX_DIGITS):
        return Refusal(f"bad_{name}", f"{FIELD_NAMES[name]}: type a number, like 12.", name)
    return int(typed)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < len(text) < 19
