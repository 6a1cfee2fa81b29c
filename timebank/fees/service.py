"""The use cases of fees, each one function and one transaction; and what contributions call inside theirs."""

from timebank.fees.choosing import (
    ChooseEvery,
    ChooseFee,
    ChosenEvery,
    ChosenFee,
    PricedFees,
    PriceFees,
    choose,
    choose_every,
    price,
)
from timebank.fees.following import keep, plan_changes, plan_new
from timebank.fees.plans import ChangedTime, Following, NewFee
from timebank.fees.telling import tell_due

__all__ = [
    "ChangedTime",
    "ChooseEvery",
    "ChooseFee",
    "ChosenEvery",
    "ChosenFee",
    "Following",
    "NewFee",
    "PriceFees",
    "PricedFees",
    "choose",
    "choose_every",
    "keep",
    "plan_changes",
    "plan_new",
    "price",
    "tell_due",
]
