"""Funds, codes, budgets and orders: what they may say, and what may be spent of them. Pure.

``pence`` is in minor units of the time bank's currency everywhere.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final, Literal

import msgspec

from timebank.kit.actor import ADMIN, FINANCE, Actor
from timebank.kit.money import MAX_PENCE, in_words
from timebank.kit.refusal import Refusal
from timebank.kit.words import say

COST_CENTRE, NOMINAL_CODE = "cost_centre", "nominal_code"
CODE_KINDS: Final = {COST_CENTRE: "Cost centre", NOMINAL_CODE: "Nominal code"}
CodeKind = Literal["cost_centre", "nominal_code"]

MAX_NAME = 60
MAX_FUNDER = 140
MAX_CODE = 12
MAX_ORDER_NUMBER = 35
MAX_WHAT_FOR = 140
MAX_REASON = 500
MAX_ID = 2**63 - 1
EARLIEST_YEAR, LATEST_YEAR = 2000, 2100


class SaveFund(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A grant as it shall be; ``id`` None for a new one. Dates are its first and last day."""

    name: str
    funder: str
    starts_on: date
    ends_on: date
    pence: int
    id: int | None = None
    is_open: bool = True
    why: str = ""


class SaveCode(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cost centre or nominal code as it shall be; ``id`` None for a new one. The code itself stays as it is."""

    kind: CodeKind
    code: str
    name: str
    id: int | None = None
    is_open: bool = True
    why: str = ""


class SaveBudget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A budget as it shall be; ``id`` None for a new one. ``pence`` is its limit. Its fund stays as it is."""

    name: str
    fund_id: int
    starts_on: date
    ends_on: date
    pence: int
    cost_centre_id: int | None = None
    nominal_code_id: int | None = None
    id: int | None = None
    is_open: bool = True
    why: str = ""


class SaveOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A purchase order as it shall be; ``id`` None for a new one. Number, budget and payee stay as they are.

    ``payee_id`` None: for any supplier.
    """

    number: str
    budget_id: int
    pence: int
    payee_id: int | None = None
    what_for: str = ""
    id: int | None = None
    is_open: bool = True
    why: str = ""


class FundFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A grant. ``budgeted_pence`` is what its budgets add up to, ``used_pence`` what of them is spent or committed."""

    id: int
    name: str
    funder: str
    starts_on: date
    ends_on: date
    pence: int
    is_open: bool
    budgeted_pence: int
    spent_pence: int
    committed_pence: int

    @property
    def free_pence(self) -> int:
        """What no budget has of it yet."""
        return self.pence - self.budgeted_pence


class CodeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A cost centre or a nominal code."""

    id: int
    kind: str
    code: str
    name: str
    is_open: bool

    @property
    def title(self) -> str:
        """Code and name in one."""
        return f"{self.code} {self.name}"


class BudgetFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A budget. ``pence`` is its limit; ``booked_pence`` are open bookings outside orders, ``ordered_pence`` what open
    orders hold; limit = spent + booked + ordered + left.
    """

    id: int
    name: str
    fund_id: int
    fund_name: str
    funder: str
    fund_is_open: bool
    cost_centre_id: int | None
    cost_centre: str
    nominal_code_id: int | None
    nominal_code: str
    starts_on: date
    ends_on: date
    pence: int
    is_open: bool
    spent_pence: int
    booked_pence: int
    ordered_pence: int
    left_pence: int

    @property
    def committed_pence(self) -> int:
        """What is promised and not spent yet."""
        return self.booked_pence + self.ordered_pence

    @property
    def used_pence(self) -> int:
        """Spent and committed."""
        return self.spent_pence + self.committed_pence

    def takes_on(self, day: date) -> bool:
        """True when something of this day can be paid from it."""
        return self.is_open and self.fund_is_open and self.starts_on <= day <= self.ends_on


class OrderFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A purchase order. ``booked_pence`` are open bookings within it; a closed one has nothing left."""

    id: int
    number: str
    payee_id: int | None
    payee_name: str | None
    budget_id: int
    budget_name: str
    what_for: str
    pence: int
    is_open: bool
    charged_pence: int
    booked_pence: int
    left_pence: int


def may_read(actor: Actor) -> bool:
    """Finance works here; an administrator may look."""
    return actor.has(FINANCE) or actor.has(ADMIN)


def check_finance(actor: Actor) -> list[Refusal]:
    """Refusal ``not_finance`` unless the actor is a person with the finance role."""
    if actor.member_id is None or not actor.has(FINANCE):
        return [Refusal("not_finance", "Only someone with the finance role can do this. Ask your finance team.")]
    return []


def check_fund(command: SaveFund) -> list[Refusal]:
    """What stands in the way of what a grant says; each refusal names its field."""
    return [
        *_text("name", command.name, MAX_NAME, "Enter a name for the grant."),
        *_text("funder", command.funder, MAX_FUNDER, "Enter who gives the money."),
        *_dates(command.starts_on, command.ends_on),
        *_pence(command.pence),
        *_why(command.why),
        *_ids(command),
    ]


def check_code(command: SaveCode) -> list[Refusal]:
    """What stands in the way of a code; each refusal names its field."""
    return [
        *_text("code", command.code, MAX_CODE, "Enter the code as it is in your accounting package."),
        *_text("name", command.name, MAX_NAME, "Enter what the code stands for."),
        *_why(command.why),
        *_ids(command),
    ]


def check_budget(command: SaveBudget) -> list[Refusal]:
    """What stands in the way of what a budget says by itself; each refusal names its field."""
    return [
        *_text("name", command.name, MAX_NAME, "Enter a name for the budget."),
        *_dates(command.starts_on, command.ends_on),
        *_pence(command.pence),
        *_why(command.why),
        *_ids(command, "fund_id", "cost_centre_id", "nominal_code_id"),
    ]


def check_order(command: SaveOrder) -> list[Refusal]:
    """What stands in the way of what an order says by itself; each refusal names its field."""
    refusals = [
        *_text("number", command.number, MAX_ORDER_NUMBER, "Enter the number of the purchase order."),
        *_pence(command.pence),
        *_why(command.why),
        *_ids(command, "budget_id", "payee_id"),
    ]
    if len(command.what_for) > MAX_WHAT_FOR:
        refusals.append(_too_long("what_for", MAX_WHAT_FOR))
    return refusals


def check_within_fund(command: SaveBudget, fund: FundFacts, *, before_pence: int, currency: str) -> list[Refusal]:
    """A budget lies within its grant: its dates, and what no other budget has. ``before_pence``: what it had so far.

    Refusals: ``fund_closed``, ``outside_grant``, ``more_than_grant``.
    """
    refusals = []
    if not fund.is_open and command.is_open and before_pence == 0:
        refusals.append(Refusal("fund_closed", f"The grant “{fund.name}” is closed. Choose another.", "fund_id"))
    if command.starts_on < fund.starts_on or command.ends_on > fund.ends_on:
        dates = f"from {_day(fund.starts_on)} to {_day(fund.ends_on)}"
        text = f"Choose dates within those of the grant, {dates}."
        refusals.append(
            Refusal("outside_grant", text, "starts_on" if command.starts_on < fund.starts_on else "ends_on")
        )
    free = fund.free_pence + before_pence
    if command.pence > free:
        text = f"The grant has {in_words(free, currency)} that no other budget has. Enter at most that."
        refusals.append(Refusal("more_than_grant", text, "pence"))
    return refusals


def check_fund_holds(command: SaveFund, budgets: Sequence[BudgetFacts], currency: str) -> list[Refusal]:
    """A grant that is changed still holds its budgets. Refusals: ``below_budgets``, ``budget_outside``."""
    refusals = []
    budgeted = sum(one.pence for one in budgets)
    if command.pence < budgeted:
        text = f"Its budgets add up to {in_words(budgeted, currency)}. Make them smaller first, or enter more."
        refusals.append(Refusal("below_budgets", text, "pence"))
    for one in budgets:
        if one.starts_on < command.starts_on or one.ends_on > command.ends_on:
            text = f"The budget “{one.name}” runs from {_day(one.starts_on)} to {_day(one.ends_on)}. Change that first."
            refusals.append(Refusal("budget_outside", text, "starts_on"))
            break
    return refusals


def check_limit(budget: BudgetFacts, currency: str, *, pence: int = 0, field: str | None = None) -> list[Refusal]:
    """Refusal ``budget_overspent`` when more is spent and committed than the limit, as it would be after a step.

    ``pence``: what the step takes, 0 when that is not one amount.
    """
    if budget.left_pence >= 0:
        return []
    before = budget.left_pence + pence
    if pence and before >= 0:
        text = (
            f"The budget “{budget.name}” has {in_words(before, currency)} left, and this needs "
            f"{in_words(pence, currency)}. Choose another budget, or ask finance to raise this one."
        )
        return [Refusal("budget_overspent", text, field)]
    spent, committed = in_words(budget.spent_pence, currency), in_words(budget.committed_pence, currency)
    text = (
        f"The budget “{budget.name}” has not enough left. It would be {in_words(-budget.left_pence, currency)} over: "
        f"{spent} spent and {committed} committed of {in_words(budget.pence, currency)}. "
        "Choose another budget, or ask finance to raise this one."
    )
    return [Refusal("budget_overspent", text, field)]


def check_order_limit(order: OrderFacts, currency: str, *, field: str | None = None) -> list[Refusal]:
    """Refusal ``order_overspent`` when more is charged to an order than it is for, as it would be after a step."""
    over = order.charged_pence + order.booked_pence - order.pence if order.is_open else 0
    if over <= 0:
        return []
    text = (
        f"Purchase order {order.number} has not enough left: {in_words(over, currency)} is missing. "
        "Choose another order, or raise this one first."
    )
    return [Refusal("order_overspent", text, field)]


def check_takes(budget: BudgetFacts, day: date, *, field: str | None = None) -> list[Refusal]:
    """May something of this day be paid from the budget? Refusals: ``budget_closed``, ``outside_budget``."""
    if not budget.is_open or not budget.fund_is_open:
        return [Refusal("budget_closed", f"The budget “{budget.name}” is closed. Choose another.", field)]
    if not budget.takes_on(day):
        dates = f"from {_day(budget.starts_on)} to {_day(budget.ends_on)}"
        text = f"{_day(day)} is outside the budget “{budget.name}”, which runs {dates}. Choose another."
        return [Refusal("outside_budget", text, field)]
    return []


def check_order_fits(order: OrderFacts, *, budget_id: int | None, payee_id: int | None) -> list[Refusal]:
    """May a debt to this payee be charged to the order? Refusals: order_closed, other_budget, other_payee."""
    if not order.is_open:
        return [Refusal("order_closed", f"Purchase order {order.number} is closed. Choose another.", "order_number")]
    if order.budget_id != budget_id:
        text = f"Purchase order {order.number} belongs to the budget “{order.budget_name}”. Choose that budget."
        return [Refusal("other_budget", text, "order_number")]
    if order.payee_id is not None and order.payee_id != payee_id:
        text = f"Purchase order {order.number} is for {order.payee_name}. Choose another, or none."
        return [Refusal("other_payee", text, "order_number")]
    return []


def no_money_for_members() -> Refusal:
    """What somebody hears who wants to book what no budget can pay for just now. It names no money."""
    return Refusal("no_budget_left", say("This cannot be booked just now. Please ask a coordinator."), "offer_id")


def no_money_for_this() -> Refusal:
    """What somebody who is not staff hears when no budget can pay for what they do. It names no money."""
    return Refusal("no_budget_left", say("This cannot be done just now. Please ask a coordinator."))


def changes(pairs: Sequence[tuple[str, str, str]]) -> str:
    """What changed, in words for the history: ``Limit: £10.00, now £20.00``. "" when nothing did."""
    return "; ".join(
        f"{name}: {before or 'none'}, now {after or 'none'}" for name, before, after in pairs if before != after
    )


def _text(field: str, text: str, limit: int, missing: str) -> list[Refusal]:
    if not text:
        return [Refusal(f"{field}_missing", missing, field)]
    return [_too_long(field, limit)] if len(text) > limit else []


def _too_long(field: str, limit: int) -> Refusal:
    return Refusal(f"{field}_too_long", f"Shorten this to {limit} characters or fewer.", field)


def _dates(starts_on: date, ends_on: date) -> list[Refusal]:
    for field, day in (("starts_on", starts_on), ("ends_on", ends_on)):
        if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
            text = f"Enter a day between {EARLIEST_YEAR} and {LATEST_YEAR}."
            return [Refusal(f"bad_{field}", text, field)]
    if ends_on < starts_on:
        return [Refusal("ends_before_start", "The last day comes before the first day.", "ends_on")]
    return []


def _pence(pence: int) -> list[Refusal]:
    if not 1 <= pence <= MAX_PENCE:
        return [Refusal("bad_pence", f"Enter an amount from 0.01 to {MAX_PENCE // 100:,}.", "pence")]
    return []


def _ids(command: SaveBudget | SaveOrder | SaveFund | SaveCode, *fields: str) -> list[Refusal]:
    """Ids that no table can hold name nothing."""
    wrong = [field for field in ("id", *fields) if not 0 < (getattr(command, field) or 1) <= MAX_ID]
    return [Refusal(f"unknown_{field}", "Choose one of this time bank.", field) for field in wrong]


def _why(why: str) -> list[Refusal]:
    return [_too_long("why", MAX_REASON)] if len(why) > MAX_REASON else []


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
