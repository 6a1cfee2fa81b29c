"""The ledger's meaning: the same rules over plain dictionaries, one item at a time. The oracle of the property tests.

It knows no concurrency, no SQL and no cleverness. Where the SQL and this page differ, one of them is wrong.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from ledger.errors import AccountInUse, UnknownAccount
from ledger.model import (
    MAX_AMOUNT,
    Capture,
    Held,
    Item,
    Leg,
    PlaceHold,
    Post,
    Posted,
    Result,
    Reverse,
    Status,
    Void,
    Voided,
    require_batch,
)
from ledger.refusals import refused


@dataclass(slots=True)
class ReferenceAccount:
    """An account: where it stands, its limits, and each posting as (amount, balance after)."""

    unit: str
    floor: int | None
    ceiling: int | None
    status: Status = "open"
    posted: int = 0
    held_out: int = 0
    held_in: int = 0
    postings: list[tuple[int, int]] = field(default_factory=list)


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
    """One book in memory. ``new_id`` makes the ids of entries."""

    def __init__(self, new_id: Callable[[], UUID]) -> None:
        self.new_id = new_id
        self.accounts: dict[str, ReferenceAccount] = {}
        self.entries: dict[UUID, tuple[Leg, ...]] = {}
        self.reversed: dict[UUID, UUID] = {}
        self.holds: dict[UUID, ReferenceHold] = {}
        self.requests: dict[str, tuple[object, Result]] = {}
        self.closed_through: date | None = None

    def open_account(self, code: str, unit: str, *, floor: int | None, ceiling: int | None = None) -> None:
        """Open an account, unless it exists."""
        self.accounts.setdefault(code, ReferenceAccount(unit=unit, floor=floor, ceiling=ceiling))

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

    def post_batch(self, items: Sequence[Item], *, atomic: bool = True, forced: bool = False) -> list[Result]:
        """Carry out the items in order. What it promises is said at :func:`ledger.post_batch`."""
        require_batch(items)
        if not atomic:
            return [self._carry_out(item, forced) for item in items]
        before = self._copy()
        results = [self._carry_out(item, forced) for item in items]
        refusals: list[Result] = [result for result in results if not isinstance(result, Posted | Held | Voided)]
        if not refusals:
            return results
        self.accounts, self.entries, self.reversed, self.holds, self.requests = before
        return refusals

    def _account(self, code: str) -> ReferenceAccount:
        if code not in self.accounts:
            raise UnknownAccount(f"there is no account {code}")
        return self.accounts[code]

    def _copy(
        self,
    ) -> tuple[
        dict[str, ReferenceAccount],
        dict[UUID, tuple[Leg, ...]],
        dict[UUID, UUID],
        dict[UUID, ReferenceHold],
        dict[str, tuple[object, Result]],
    ]:
        accounts = {
            code: ReferenceAccount(a.unit, a.floor, a.ceiling, a.status, a.posted, a.held_out, a.held_in, [*a.postings])
            for code, a in self.accounts.items()
        }
        holds = {hold_id: ReferenceHold(hold.asked, hold.state) for hold_id, hold in self.holds.items()}
        return accounts, dict(self.entries), dict(self.reversed), holds, dict(self.requests)

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
        balances: dict[str, int] = {}
        for effect in effects:
            account = self.accounts[effect.account]
            account.posted += effect.posted
            account.held_out += effect.held_out
            account.held_in += effect.held_in
            if effect.posted:
                account.postings.append((effect.posted, account.posted))
                balances[effect.account] = account.posted
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
        return Posted(key=item.key, entry_id=entry_id, replayed=False, balances=balances)


def replayed(result: Result) -> Result:
    """The same result, given again for the same key. A refusal is simply repeated."""
    match result:
        case Posted():
            return Posted(key=result.key, entry_id=result.entry_id, replayed=True, balances=result.balances)
        case Held():
            return Held(key=result.key, hold_id=result.hold_id, replayed=True)
        case Voided():
            return Voided(key=result.key, hold_id=result.hold_id, replayed=True)
        case _:
            return result


def content_of(item: Item) -> object:
    """What an honest retry repeats and the digest in SQL covers: not actor, meta, expiry or a new hold's own id."""
    return tuple(_content(item))


def _content(item: Item) -> Iterator[object]:
    yield type(item).__name__
    yield item.reference
    match item:
        case Post():
            yield item.kind, item.unit, item.effective_on, frozenset((leg.account, leg.amount) for leg in item.legs)
        case PlaceHold():
            yield item.kind, item.unit, item.from_account, item.to_account, item.amount
        case Capture():
            yield item.kind, item.hold_id, item.effective_on, item.amount
        case Void():
            yield item.reason, item.hold_id
        case Reverse():
            yield item.kind, item.entry_id, item.effective_on
