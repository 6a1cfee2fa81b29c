"""What may happen to a fee, in which state it is, and how tax years run. Pure.

    no_rate -> waiting -> chosen      chosen -> chosen: another choice, until the money has left
    waiting, chosen -> waiting        the time was put right: it is worth something else now
    any -> withdrawn                  the time was taken out

Nobody decides for the person: silence pays nothing and declines nothing. What is kept of a choice is the choice and
which note on benefits stood beside it; never an answer about benefits.
"""

from datetime import date, datetime

import msgspec

from timebank.kit.actor import ADMIN, COORDINATOR, FINANCE, Actor
from timebank.kit.money import in_words
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark, say
from timebank.payments import rules as payments

NO_RATE, WAITING, CHOSEN, WITHDRAWN = "no_rate", "waiting", "chosen", "withdrawn"
ALL, PART, NONE, CHARITY = "all", "part", "none", "charity"
HOWS = (ALL, PART, NONE, CHARITY)
STANDING = (ALL, NONE, CHARITY)
LIVE, ENDED, GONE = "live", "ended", "gone"
SOURCE = "fee"
MAX_HOW_AGREED = 300

NOTE = mark(
    "A fee is money that you earn. It can change some benefits. Giving it away can change them too. If you get "
    "benefits, ask first. Citizens Advice or your benefits office can tell you. You can take less, or nothing. "
    "Nobody asks why."
)
"""What everybody reads before they choose. It is kept with the choice, as it was shown."""


class UnknownFee(LookupError):
    """The time bank has no fee with this reference, or none that this person may see."""


class FeeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One fee with the choice that holds and its payment. Amounts are in minor units.

    ``pence`` is what the rate gives for ``minutes``; ``gone_pence`` left already by choices made before the time was
    put right. ``how`` and what follows belong to the choice, ``payable_*`` to its payment; None without one.
    """

    id: int
    reference: str
    contribution_id: int
    member_id: int
    activity: str
    band: str
    fund_id: int | None
    held_on: date
    minutes: int
    rate_id: int | None
    pence: int
    state: str
    offered: int
    created_at: datetime
    budget_id: int | None
    gone_pence: int
    choice_id: int | None
    how: str | None
    choice_pence: int | None
    is_standing: bool | None
    note: str | None
    payee_id: int | None
    payee_name: str | None
    payable_reference: str | None
    payable_state: str | None
    payable_reason: str | None
    payable_budget_id: int | None
    settled_pence: int | None
    settled_on: date | None
    due_on: date | None
    processing_on: date | None
    pay_by: str | None
    has_account: bool | None

    @property
    def offered_pence(self) -> int:
        """What the person can choose about now."""
        return max(0, self.pence - self.gone_pence)

    @property
    def over_pence(self) -> int:
        """What left above what is right now. Nobody asks it back by themselves."""
        return max(0, self.gone_pence - self.pence)

    @property
    def used_pence(self) -> int:
        """What its budget holds for it, or pays by the choice that holds; 0 when finance coded it to another."""
        if self.state == WAITING:
            return self.offered_pence
        is_paid = self.state == CHOSEN and not self.is_stopped and self.payable_budget_id == self.budget_id
        return self.choice_pence or 0 if is_paid else 0

    @property
    def has_left(self) -> bool:
        """True when the payment of the choice is on its way, or further."""
        return self.payable_state is not None and (
            bool(self.settled_pence) or self.payable_state not in (*payments.BEFORE_EXPORT, payments.CANCELLED)
        )

    @property
    def is_stopped(self) -> bool:
        """True when finance cancelled the payment."""
        return self.payable_state == payments.CANCELLED

    @property
    def can_choose(self) -> bool:
        """True while the person can choose, or choose something else."""
        is_open = self.state == WAITING or (
            self.state == CHOSEN and self.choice_id is not None and not self.has_left and not self.is_stopped
        )
        return is_open and self.offered_pence > 0


def may_read(actor: Actor, member_id: int) -> bool:
    """A fee is seen by the member, whoever acts for them, coordinators, and finance."""
    return member_id == actor.subject_id or any(actor.has(role) for role in (COORDINATOR, FINANCE, ADMIN))


def is_helped(actor: Actor) -> bool:
    """True for a coordinator, also while they act for a member: they can choose after the last day, too.

    A supporter who acts for a member never gets as far as a choice about money.
    """
    return actor.has(COORDINATOR) or actor.on_behalf_of is not None


def may_choose(actor: Actor, member_id: int, how_agreed: str) -> Refusal | None:
    """Why this actor may not choose for this member, or None: the member, or a coordinator who says how they agreed."""
    if actor.member_id is None:
        return Refusal("not_yours", say("Only you can choose what happens to your fee."))
    if len(how_agreed) > MAX_HOW_AGREED:
        return Refusal("how_agreed_too_long", f"Use at most {MAX_HOW_AGREED} characters.", "how_agreed")
    if member_id == actor.subject_id:
        return None
    if not actor.has(COORDINATOR):
        return Refusal("not_yours", say("Only you can choose what happens to your fee."))
    if not how_agreed:
        return Refusal("how_agreed_missing", "Say how the member agreed to this.", "how_agreed")
    return None


def check_choice(
    fee: FeeFacts, how: str, pence: int | None, payee_id: int | None, *, seen_pence: int | None, currency: str
) -> list[Refusal]:
    """What stands in the way of a choice, whoever makes it.

    Refusals: ``fee_changed``, ``has_left``, ``not_open``, ``choice_unknown``, ``amount_missing``, ``more_than_fee``,
    ``charity_missing``, ``unwanted_amount``, ``unwanted_charity``.
    """
    if fee.has_left:
        return [Refusal("has_left", say("This money has left. Ask us if something is wrong."))]
    if not fee.can_choose:
        return [Refusal("not_open", say("There is nothing to choose here now."))]
    if seen_pence is not None and seen_pence != fee.offered_pence:
        amount = in_words(fee.offered_pence, currency)
        return [Refusal("fee_changed", say("The fee has changed. It is {amount} now. Choose again.", amount=amount))]
    if how not in HOWS:
        return [Refusal("choice_unknown", say("Choose what happens to your fee."), "how")]
    found = []
    if how == PART and pence is None:
        found.append(Refusal("amount_missing", say("Enter how much you want."), "pence"))
    elif how == PART and not 0 < (pence or 0) < fee.offered_pence:
        amount = in_words(fee.offered_pence, currency)
        found.append(Refusal("more_than_fee", say("Enter less than {amount}.", amount=amount), "pence"))
    if how == CHARITY and payee_id is None:
        found.append(Refusal("charity_missing", say("Choose a charity."), "payee_id"))
    if how != PART and pence is not None:
        found.append(Refusal("unwanted_amount", say("Leave the amount out."), "pence"))
    if how != CHARITY and payee_id is not None:
        found.append(Refusal("unwanted_charity", say("Leave the charity out."), "payee_id"))
    return found


def paid_pence(fee: FeeFacts, how: str, pence: int | None) -> int:
    """What a choice pays, in minor units."""
    return {ALL: fee.offered_pence, CHARITY: fee.offered_pence, NONE: 0}.get(how, pence or 0)


def tax_year(day: date, month: int, first_day: int) -> date:
    """The first day of the tax year in which a day lies, for years that begin on this day and month."""
    begin = date(day.year, month, first_day)
    return begin if day >= begin else date(day.year - 1, month, first_day)
