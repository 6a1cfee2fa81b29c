"""What a rate is, which one holds on a day, and who may set one. Pure.

A rate belongs to a kind, a band of activities and a fund; band "" and no fund stand for all of them. The most exact one
holds: band and fund, then the band, then the fund, then neither.
"""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from timebank.kit import names
from timebank.kit.actor import ADMIN, FINANCE, Actor
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal

FEE, MILEAGE, CARER, MEAL = "fee", "mileage", "carer", "meal"
HOUR, SESSION, MILE, A_MEAL = "hour", "session", "mile", "meal"
UNITS = {FEE: (HOUR, SESSION), MILEAGE: (MILE,), CARER: (HOUR,), MEAL: (A_MEAL,)}
"""The kinds of rates and what each is counted by. A meal's rate is the most that is paid back."""

PROPOSED, IN_USE, REFUSED = "proposed", "in_use", "refused"
MAX_BAND = 40
MAX_NOTE = 200
MAX_WHY = 500
MAX_PENCE = 1_000_000
MINUTES_PER_HOUR = 60


class RateFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One rate in minor units per ``unit``. ``version`` counts those of its kind, band and fund that came into use;
    ``to_on`` is its last day, None while nothing ends it. ``budget_id`` pays the fees by it of groups that have no
    budget of their own.
    """

    id: int
    kind: str
    band: str
    fund_id: int | None
    version: int | None
    pence: int
    unit: str
    from_on: date
    to_on: date | None
    note: str
    state: str
    proposed_by: int
    proposed_at: datetime
    decided_by: int | None
    decided_at: datetime | None
    why: str
    budget_id: int | None = None

    def holds_on(self, day: date) -> bool:
        """True when it is in use and the day lies within its days."""
        return self.state == IN_USE and self.from_on <= day and (self.to_on is None or day <= self.to_on)


def best(rates: Sequence[RateFacts], kind: str, band: str, fund_id: int | None, day: date) -> RateFacts | None:
    """The rate of the day among these: the most exact one, or None. Bands are compared without regard to capitals."""
    wanted = band.lower()
    fitting = [
        rate
        for rate in rates
        if rate.kind == kind
        and rate.holds_on(day)
        and rate.band.lower() in ("", wanted)
        and rate.fund_id in (None, fund_id)
    ]
    return max(fitting, key=lambda rate: _rank(rate.band, rate.fund_id), default=None)


def amount(rate: RateFacts, minutes: int) -> int:
    """What so many minutes are worth in minor units: minutes exact, rounded once, half up; a session counts once."""
    if rate.unit == SESSION:
        return rate.pence
    whole = minutes * rate.pence
    return (2 * whole + MINUTES_PER_HOUR) // (2 * MINUTES_PER_HOUR)


def is_rounded(rate: RateFacts, minutes: int) -> bool:
    """True when :func:`amount` had to round."""
    return rate.unit == HOUR and minutes * rate.pence % MINUTES_PER_HOUR != 0


def may_read(actor: Actor) -> bool:
    """Finance and administrators see every rate; what holds is on the pages of those whom it is about."""
    return actor.has(FINANCE) or actor.has(ADMIN)


def may_set(actor: Actor) -> Refusal | None:
    """Refusal ``not_finance`` unless the actor is a person in finance or an administrator."""
    if actor.member_id is None or not may_read(actor):
        return Refusal("not_finance", "Only finance or an administrator sets rates. Ask one of them.")
    return None


def check_proposal(
    actor: Actor,
    *,
    kind: str,
    band: str,
    pence: int,
    unit: str,
    note: str,
    fund_id: int | None,
    budget_id: int | None = None,
) -> list[Refusal]:
    """What stands in the way of a rate like this, whatever its days.

    Refusals: ``not_finance``, ``kind_unknown``, ``unit_unknown``, ``bad_pence``, ``band_too_long``, ``note_too_long``,
    ``unknown_fund``, ``unknown_budget``, ``unwanted_budget``.
    """
    found = [may_set(actor)]
    if kind not in UNITS:
        found.append(Refusal("kind_unknown", "Choose what the rate is for.", "kind"))
    elif unit not in UNITS[kind]:
        found.append(Refusal("unit_unknown", "Choose a unit that goes with it.", "unit"))
    if not 1 <= pence <= MAX_PENCE:
        found.append(Refusal("bad_pence", "Enter an amount between 1p and £10,000.", "pence"))
    if len(names.tidy(band)) > MAX_BAND:
        found.append(Refusal("band_too_long", f"Use at most {MAX_BAND} characters for the band.", "band"))
    if len(note.strip()) > MAX_NOTE:
        found.append(Refusal("note_too_long", f"Use at most {MAX_NOTE} characters for the note.", "note"))
    if fund_id is not None and not 0 < fund_id <= MAX_KEY:
        found.append(unknown_fund())
    if budget_id is not None and not 0 < budget_id <= MAX_KEY:
        found.append(Refusal("unknown_budget", "Choose a budget of this time bank.", "budget_id"))
    if budget_id is not None and kind != FEE:
        message = "Only fees take a budget from their rate. Leave it out; who decides about a claim chooses its budget."
        found.append(Refusal("unwanted_budget", message, "budget_id"))
    return [one for one in found if one]


def unknown_fund() -> Refusal:
    """What somebody hears who names a fund that is not there."""
    return Refusal("unknown_fund", "Choose a fund of this time bank, or none.", "fund_id")


def series(in_use: Sequence[RateFacts], band: str, fund_id: int | None) -> list[RateFacts]:
    """Those of exactly this band and fund, in their order."""
    return [rate for rate in in_use if rate.band.lower() == band.lower() and rate.fund_id == fund_id]


def check_days(
    in_use: Sequence[RateFacts], *, band: str, fund_id: int | None, from_on: date, today: date
) -> list[Refusal]:
    """May a rate begin on this day? The past never changes, so an earlier day only where no rate held until now.

    ``in_use`` are all rates in use of its kind. Refusals: ``rate_exists``, ``past_is_closed``.
    """
    if any(rate.from_on == from_on for rate in series(in_use, band, fund_id)):
        return [Refusal("rate_exists", "A rate begins on that day already. Choose another day.", "from_on")]
    if from_on < today and any(
        _gives_way(rate, band, fund_id) and rate.from_on < today and (rate.to_on is None or rate.to_on >= from_on)
        for rate in in_use
    ):
        message = f"A rate held then, and the past never changes. Begin on {today.day} {today:%B %Y} or later."
        return [Refusal("past_is_closed", message, "from_on")]
    return []


def _gives_way(rate: RateFacts, band: str, fund_id: int | None) -> bool:
    """True when a rate of this band and fund would hold somewhere in place of this one."""
    if rate.band and band and rate.band.lower() != band.lower():
        return False
    if rate.fund_id and fund_id and rate.fund_id != fund_id:
        return False
    return _rank(rate.band, rate.fund_id) <= _rank(band, fund_id)


def _rank(band: str, fund_id: int | None) -> tuple[bool, bool]:
    return band != "", fund_id is not None
