"""Fees that are about to arise or change, worked out before the ledger call. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from ledger import Post, Reverse
from timebank.fees import rules
from timebank.fees.paying import EndedChoice, PlannedChoice
from timebank.fees.rules import FeeFacts
from timebank.rates.rules import RateFacts


def budget_of(own: int | None, rate: RateFacts | None) -> int | None:
    """The budget that pays a fee: its own, which is its group's, or else the one that its rate names."""
    return own if own is not None else rate.budget_id if rate is not None else None


@dataclass(frozen=True, slots=True)
class NewFee:
    """Approved time that pays a fee: ``band``, ``fund_id`` and ``budget_id`` are its activity's."""

    contribution_id: int
    member_id: int
    activity: str
    band: str
    fund_id: int | None
    held_on: date
    minutes: int
    budget_id: int | None = None


@dataclass(frozen=True, slots=True)
class ChangedTime:
    """What a contribution says from now on; ``minutes`` 0 when it is taken out."""

    contribution_id: int
    minutes: int
    held_on: date


@dataclass(frozen=True, slots=True)
class Arising:
    """A fee that is about to arise, with the choice that the person's standing choice makes."""

    new: NewFee
    reference: str
    rate: RateFacts | None
    pence: int
    choice: PlannedChoice | None

    @property
    def budget_id(self) -> int | None:
        """The budget that pays: its activity's, or the one that its rate names."""
        return budget_of(self.new.budget_id, self.rate)

    @property
    def used_pence(self) -> int:
        """What its budget holds for it or pays."""
        return self.choice.pence if self.choice else self.pence

    @property
    def state(self) -> str:
        """Its first state."""
        return rules.NO_RATE if self.rate is None else rules.CHOSEN if self.choice else rules.WAITING


@dataclass(frozen=True, slots=True)
class Changing:
    """A fee that is about to change: what it says then, the choice that ends, and the one that takes its place."""

    fee: FeeFacts
    to: ChangedTime
    what: str
    rate: RateFacts | None
    pence: int
    state: str
    over_pence: int
    ended: EndedChoice | None
    choice: PlannedChoice | None

    @property
    def budget_id(self) -> int | None:
        """The budget that pays: the one that it has, or the one that its rate names."""
        return budget_of(self.fee.budget_id, self.rate)

    @property
    def more_pence(self) -> int:
        """What its budget has to bear more than before. What has left stays spent."""
        if self.choice is None and self.ended is None and self.state != rules.WAITING:
            return 0
        gone = self.gone_pence - self.fee.gone_pence if self.fee.payable_budget_id == self.budget_id else 0
        now = self.choice.pence if self.choice else 0
        if self.state == rules.WAITING:
            now = max(0, self.pence - self.gone_pence)
        return now + gone - self.fee.used_pence

    @property
    def is_offered(self) -> bool:
        """True when the person is asked, because they were not or because it is worth something else now."""
        return self.state == rules.WAITING and (
            self.fee.state != rules.WAITING or max(0, self.pence - self.gone_pence) != self.fee.offered_pence
        )

    @property
    def gone_pence(self) -> int:
        """What has left, with the choice that ends now."""
        gone = self.fee.choice_pence or 0 if self.ended is not None and self.ended.gone else 0
        return self.fee.gone_pence + gone


@dataclass(frozen=True, slots=True)
class Following:
    """Fees that follow, worked out. ``items`` go into the caller's one ledger call, in this order."""

    arising: Sequence[Arising] = ()
    changing: Sequence[Changing] = ()
    items: Sequence[Post | Reverse] = field(default=())


NOTHING = Following()
