"""What staff read about rates. Pure."""

from collections.abc import Mapping
from datetime import date

from timebank.budgets.choosing import earlier_fund
from timebank.rates import rules
from timebank.rates.rules import RateFacts

CHOICES = (
    ("fee/hour", "Involvement fee, per hour"),
    ("fee/session", "Involvement fee, per session"),
    ("mileage/mile", "Mileage, per mile"),
    ("carer/hour", "Carer or access support, per hour"),
    ("meal/meal", "Meal, at most"),
)
KIND_NAMES = {
    rules.FEE: "Involvement fees",
    rules.MILEAGE: "Mileage",
    rules.CARER: "Carer or access support",
    rules.MEAL: "Meals, at most",
}
STATE_NAMES = {rules.PROPOSED: "Waits for a second person", rules.IN_USE: "In use", rules.REFUSED: "Refused"}
STATE_TAGS = {rules.PROPOSED: "wait", rules.IN_USE: "good", rules.REFUSED: None}


def for_whom(rate: RateFacts, funds: Mapping[int, str]) -> str:
    """The band and the fund of a rate in words. ``funds`` are the names of funds by id."""
    band = rate.band or "Every band"
    return band if rate.fund_id is None else f"{band}, {funds.get(rate.fund_id) or earlier_fund(rate.fund_id)}"


def plain_day(day: date) -> str:
    """``10 November 2026``."""
    return f"{day.day} {day:%B %Y}"
