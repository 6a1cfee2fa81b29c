"""The ledger's meaning: the same rules over plain dictionaries, one item at a time. The oracle of the property tests.

It knows no concurrency, no SQL and no cleverness. Where the SQL and this page differ, one of them is wrong.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from uuid import UUID

from ledger.errors import AccountInUse, AlreadyDifferent, PeriodMovedBack, UnknownAccount
from ledger.model import (
    MAX_AMOUNT,
    MAX_ITEMS,
    Capture,
    Held,
    Item,
    Leg,
    PlaceHold,
    Post,
    Posted,
    Refused,
    Result,
    Reverse,
    Status,
    Void,
    Voided,
    require_batch,
)
from ledger.refusals import refused


@dataclass(frozen=True, slots=True)
class ReferencePosting:
    """One leg as its account sees it."""

    amount: int
    balance_after: int
    effective_on: date
    recorded_at: datetime


@dataclass(slots=True)
class ReferenceAccount:
    """An account: where it stands, its limits, and its postings in order."""

    unit: str
    floor: int | None
    ceiling: int | None
    status: Status = "open"
    posted: int = 0
    held_out: int = 0
    held_in: int = 0
    postings: list[ReferencePosting] = field(default_factory=list)


@dataclass(slots=True)
class ReferenceHold:
    """A hold: what was asked for, and how it stands."""

    asked: PlaceHold
    state: str = "open"


@dataclass(frozen=True, slots=True)
class Effect:
    """What an item would do to one account. Ends of holds are not limited: the amount was set aside within limits."""

    account: str
    posted: int = 0
    held_out: int = 0
    held_in: int = 0
    is_limited: bool = True


@dataclass(frozen=True, slots=True)
class No:
    """A refusal on its way out."""

    code: str
    account: str | None = None


class ReferenceLedger:
    """One book in memory. ``new_id`` makes the ids of entries; ``clock`` is the time, which the caller moves on."""

    def __init__(self, new_id: Callable[[], UUID]) -> None:
        self.new_id = new_id
        self.clock = datetime.min.replace(tzinfo=UTC)
        self.accounts: dict[str, ReferenceAccount] = {}
        self.entries: dict[UUID, tuple[Leg, ...]] = {}
        self.reversed: dict[UUID, UUID] = {}
        self.holds: dict[UUID, ReferenceHold] = {}
        self.requests: dict[str, tuple[object, Result]] = {}
        self.closed_through: date | None = None

    def open_account(self, code: str, unit: str, *, floor: int | None, ceiling: int | None = None) -> None:
        """Open an account, unless it exists. Raises AlreadyDifferent if it exists with another unit."""
        if self.accounts.setdefault(code, ReferenceAccount(unit, floor, ceiling)).unit != unit:
            raise AlreadyDifferent(f"the account {code} exists with another unit")

    def set_limits(self, code: str, *, floor: int | None, ceiling: int | None) -> None:
        """Set both limits from now on. Raises UnknownAccount."""
        account = self._account(code)
        account.floor, account.ceiling = floor, ceiling

    def set_status(self, code: str, status: Status) -> None:
        """Open, freeze or close. Raises UnknownAccount, or AccountInUse for closing one that holds anything."""
        account = self._account(code)
        if status == "closed" and (account.posted or account.held_out or account.held_in):
            raise AccountInUse(f"the account {code} still holds something")
        account.status = status

    def close_period(self, through: date) -> None:
        """Take no more entries effective on or before that day. Raises PeriodMovedBack."""
        if self.closed_through is not None and through < self.closed_through:
            raise PeriodMovedBack("a closed period stays closed")
        self.closed_through = through

    def post_batch(
        self, items: Sequence[Item], *, atomic: bool = True, forced: bool | Sequence[bool] = False
    ) -> list[Result]:
        """Carry out the items in order; ``forced`` says which. The rest is said at :func:`ledger.post_batch`."""
        require_batch(items)
        tried = self.copy() if atomic else self
        which = [forced] * len(items) if isinstance(forced, bool) else forced
        results = [tried._carry_out(item, is_forced) for item, is_forced in zip(items, which, strict=True)]
        refusals: list[Result] = [result for result in results if isinstance(result, Refused)]
        if atomic and refusals:
            return refusals
        vars(self).update(vars(tried))
        return results

    def expire_holds(self, now: datetime, *, limit: int = MAX_ITEMS) -> list[UUID]:
        """End the open holds that have expired by ``now``, at most ``limit``, soonest first; return their ids."""
        due = sorted(
            (hold.asked.expires_at, hold_id)
            for hold_id, hold in self.holds.items()
            if hold.state == "open" and hold.asked.expires_at <= now
        )
        expired = [hold_id for _, hold_id in due[:limit]]
        for hold_id in expired:
            key = f"expired/{hold_id}"
            self._carry_out(Void(key=key, hold_id=hold_id, actor="expiry", reason="expired", now=now), forced=False)
        return expired

    def balance_at(self, code: str, *, known_at: datetime | None = None, effective_on: date | None = None) -> int:
        """What was posted as known at a moment, of what was effective by a day. Raises UnknownAccount."""
        return sum(
            posting.amount
            for posting in self._account(code).postings
            if (known_at is None or posting.recorded_at <= known_at)
            and (effective_on is None or posting.effective_on <= effective_on)
        )

    def copy(self) -> "ReferenceLedger":
        """The same ledger again: what happens to one does not happen to the other."""
        other = copy.copy(self)
        other.accounts = {code: replace(each, postings=[*each.postings]) for code, each in self.accounts.items()}
        other.holds = {hold_id: replace(hold) for hold_id, hold in self.holds.items()}
        other.entries, other.reversed, other.requests = dict(self.entries), dict(self.reversed), dict(self.requests)
        return other

    def _account(self, code: str) -> ReferenceAccount:
        if code not in self.accounts:
            raise UnknownAccount(f"there is no account {code}")
        return self.accounts[code]

    def _carry_out(self, item: Item, forced: bool) -> Result:
        content = content_of(item)
        if item.key in self.requests:
            earlier_content, earlier = self.requests[item.key]
            if earlier_content != content:
                return refused(item.key, "key_reused", None)
            return replayed(earlier)
        outcome = self._outcome(item, forced)
        result = refused(item.key, outcome.code, outcome.account) if isinstance(outcome, No) else outcome
        self.requests[item.key] = (content, result)
        return result

    def _outcome(self, item: Item, forced: bool) -> Result | No:
        effects = self._effects(item)
        if isinstance(effects, No):
            return effects
        if self._is_in_closed_period(item):
            return No("closed_period")
        # The first leg in the way decides, in the order of the accounts' codes.
        effects = sorted(effects, key=lambda effect: effect.account)
        for effect in effects:
            code = self._wrong_account(item, effect, forced) or self._broken_limit(effect, forced)
            if code is not None:
                return No(code, effect.account)
        return self._write(item, effects)

    def _effects(self, item: Item) -> list[Effect] | No:
        match item:
            case Post():
                return [Effect(leg.account, posted=leg.amount) for leg in item.legs]
            case PlaceHold():
                if item.hold_id in self.holds:
                    return No("hold_exists")
                return [Effect(item.from_account, held_out=item.amount), Effect(item.to_account, held_in=item.amount)]
            case Reverse():
                return self._effects_of_reversal(item)
            case Capture() | Void():
                return self._effects_of_end(item)

    def _effects_of_reversal(self, item: Reverse) -> list[Effect] | No:
        if item.entry_id not in self.entries:
            return No("unknown_entry")
        if item.entry_id in self.reversed.values():
            return No("is_reversal")
        if item.entry_id in self.reversed:
            return No("already_reversed")
        return [Effect(leg.account, posted=-leg.amount) for leg in self.entries[item.entry_id]]

    def _effects_of_end(self, item: Capture | Void) -> list[Effect] | No:
        hold = self.holds.get(item.hold_id)
        if hold is None:
            return No("unknown_hold")
        if hold.state != "open":
            return No("hold_not_open")
        asked, captured = hold.asked, 0
        if isinstance(item, Capture):
            if item.now is not None and item.now >= asked.expires_at:
                return No("hold_expired")
            captured = asked.amount if item.amount is None else item.amount
            if captured > asked.amount:
                return No("over_hold")
        elif item.reason == "expired" and item.now is not None and item.now < asked.expires_at:
            return No("hold_not_expired")
        return [
            Effect(asked.from_account, posted=-captured, held_out=-asked.amount, is_limited=False),
            Effect(asked.to_account, posted=captured, held_in=-asked.amount, is_limited=False),
        ]

    def _is_in_closed_period(self, item: Item) -> bool:
        if isinstance(item, PlaceHold | Void) or self.closed_through is None:
            return False
        return item.effective_on <= self.closed_through

    def _wrong_account(self, item: Item, effect: Effect, forced: bool) -> str | None:
        if effect.account not in self.accounts:
            return "unknown_account"
        account = self.accounts[effect.account]
        if isinstance(item, Post | PlaceHold) and account.unit != item.unit:
            return "unit_mismatch"
        if effect.is_limited and (account.status == "closed" or (account.status == "frozen" and not forced)):
            return f"{account.status}_account"
        return None

    def _broken_limit(self, effect: Effect, forced: bool) -> str | None:
        account = self.accounts[effect.account]
        posted, held_out, held_in = (
            account.posted + effect.posted,
            account.held_out + effect.held_out,
            account.held_in + effect.held_in,
        )
        if max(abs(posted), held_out, held_in) > MAX_AMOUNT:
            return "overflow"
        if forced or not effect.is_limited:
            return None
        # Only a step away from the limits can break them: an account that is beyond them already may come back in part.
        if account.floor is not None and effect.posted < effect.held_out and posted - held_out < account.floor:
            return "insufficient"
        if account.ceiling is not None and effect.posted + effect.held_in > 0 and posted + held_in > account.ceiling:
            return "ceiling"
        return None

    def _write(self, item: Item, effects: Sequence[Effect]) -> Result:
        for effect in effects:
            account = self.accounts[effect.account]
            account.posted += effect.posted
            account.held_out += effect.held_out
            account.held_in += effect.held_in
        match item:
            case PlaceHold():
                self.holds[item.hold_id] = ReferenceHold(item)
                return Held(key=item.key, hold_id=item.hold_id, replayed=False)
            case Void():
                self.holds[item.hold_id].state = item.reason
                return Voided(key=item.key, hold_id=item.hold_id, replayed=False)
            case Capture():
                self.holds[item.hold_id].state = "captured"
        entry_id = self.new_id()
        self.entries[entry_id] = tuple(Leg(account=effect.account, amount=effect.posted) for effect in effects)
        if isinstance(item, Reverse):
            self.reversed[item.entry_id] = entry_id
        balances = {effect.account: self.accounts[effect.account].posted for effect in effects}
        for effect in effects:
            posting = ReferencePosting(effect.posted, balances[effect.account], item.effective_on, self.clock)
            self.accounts[effect.account].postings.append(posting)
        return Posted(key=item.key, entry_id=entry_id, replayed=False, balances=balances)


def replayed(result: Result) -> Result:
    """The same result, given again for the same key. A refusal is simply repeated."""
    return result if isinstance(result, Refused) else replace(result, replayed=True)


def content_of(item: Item) -> object:
    """What an honest retry repeats and the digest in SQL covers: not actor, meta, expiry or a new hold's own id."""
    return type(item).__name__, item.reference, _own_content(item)


def _own_content(item: Item) -> tuple[object, ...]:
    match item:
        case Post():
            return item.kind, item.unit, item.effective_on, frozenset((leg.account, leg.amount) for leg in item.legs)
        case PlaceHold():
            return item.kind, item.unit, item.from_account, item.to_account, item.amount
        case Capture():
            return item.kind, item.hold_id, item.effective_on, item.amount
        case Void():
            return item.reason, item.hold_id
        case Reverse():
            return item.kind, item.entry_id, item.effective_on
