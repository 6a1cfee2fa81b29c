"""Where the minutes of a contribution come from and go to, as legs of one ledger entry. Pure.

The giver is always credited their own minutes. Time for the programme comes from ``issued``. In a peer exchange the
one receiver pays; what they lack comes from ``pot``, and what that lacks from ``issued``. Several receivers are a group
session: it comes from ``issued``, unless the activity says that receivers pay; then each pays the session's minutes as
far as they can, the giver's are taken from that, and what is left over goes to the pot.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ledger.model import Leg
from timebank.contributions.lines import Kind
from timebank.hours.rules import POT, account_of

CreditedTo = Literal["member", "other", "pot", "none", "guest"]

ISSUED = "issued"
OPENING = "opening"
CORRECTIONS = "corrections"
WITHOUT_FLOOR = frozenset({ISSUED, OPENING, CORRECTIONS})


class Spare:
    """What each account can still pay, in minutes, as the items of one batch use it up one after the other."""

    def __init__(self, available: Mapping[str, int]) -> None:
        self._available = dict(available)

    def of(self, account: str) -> int:
        """What the account can pay now, never less than nothing. Accounts nobody asked about can pay nothing."""
        return max(0, self._available.get(account, 0))

    def copy(self) -> "Spare":
        """The same, to try something out."""
        return Spare(self._available)

    def use(self, legs: Mapping[str, int]) -> None:
        """Take an entry into account."""
        for account, minutes in legs.items():
            if account in self._available:
                self._available[account] += minutes


@dataclass(frozen=True, slots=True)
class Share:
    """One contribution's minutes: legs by account, what each receiver paid, what the pot paid (below zero: got)."""

    legs: Mapping[str, int]
    paid: Mapping[int, int] = field(default_factory=dict)
    pot_minutes: int = 0


def destination(kind: Kind, *, gives: str, choice: str, is_guest: bool) -> CreditedTo:
    """Where approved minutes go: by what the activity ``gives`` (hours or fee) and the member's standing ``choice``.

    Paid staff time and activities that pay a fee give no hours; hours brought forward are the member's own already.
    """
    if kind == "staff" or gives == "fee":
        return "none"
    if is_guest:
        return "guest"
    if kind == "brought_forward":
        return "member"
    by_choice: dict[str, CreditedTo] = {"pot": "pot", "member": "other", "nothing": "none"}
    return by_choice.get(choice, "member")


def target_account(to: CreditedTo, member_id: int | None, other_id: int | None) -> str | None:
    """The ledger account that approved minutes go to; None when no hours are credited, or not yet."""
    if to == "member" and member_id is not None:
        return account_of(member_id)
    if to == "other" and other_id is not None:
        return account_of(other_id)
    return POT if to == "pot" else None


def payers(receiver_ids: Sequence[int], *, receivers_pay: bool) -> Sequence[int]:
    """Who of the receivers pays: the only one, or all of them when the activity says so."""
    return receiver_ids if len(receiver_ids) == 1 or receivers_pay else ()


def share(kind: Kind, minutes: int, target: str, spare: Spare, *, paying: Sequence[int] = ()) -> Share:
    """The legs that bring ``minutes`` to the account ``target``; ``spare`` is used up accordingly."""
    if kind != "exchange" or not paying:
        source = OPENING if kind == "brought_forward" else ISSUED
        return _used(Share(net([(source, -minutes), (target, minutes)])), spare)
    paid = {member_id: min(minutes, spare.of(account_of(member_id))) for member_id in paying}
    collected = sum(paid.values())
    # Below zero when more was collected than the giver gave: the pot gets that.
    pot_minutes = minutes - collected
    issued = 0
    if pot_minutes > 0:
        from_pot = min(pot_minutes, spare.of(POT))
        issued, pot_minutes = pot_minutes - from_pot, from_pot
    legs = [(target, minutes), (POT, -pot_minutes), (ISSUED, -issued)]
    legs += [(account_of(member_id), -amount) for member_id, amount in paid.items()]
    return _used(Share(net(legs), paid, pot_minutes), spare)


def _used(found: Share, spare: Spare) -> Share:
    spare.use(found.legs)
    return found


def again(kind: Kind, minutes: int, target: str, paid: Mapping[int, int], pot_minutes: int) -> Share:
    """The legs that a contribution was credited with, from what was written down about it."""
    issued = minutes - sum(paid.values()) - pot_minutes
    source = OPENING if kind == "brought_forward" else ISSUED
    legs = [(target, minutes), (POT, -pot_minutes), (source, -issued)]
    legs += [(account_of(member_id), -amount) for member_id, amount in paid.items()]
    return Share(net(legs), dict(paid), pot_minutes)


def difference(new: Mapping[str, int], old: Mapping[str, int]) -> dict[str, int]:
    """The legs that turn what ``old`` did into what ``new`` does."""
    return net([*new.items(), *((account, -minutes) for account, minutes in old.items())])


def spared(legs: Mapping[str, int], spare: Spare) -> tuple[dict[str, int], dict[str, int]]:
    """The legs with nobody taken below zero, and by account what was used already: that goes to ``corrections``."""
    short = {
        account: -minutes - spare.of(account)
        for account, minutes in legs.items()
        if minutes < 0 and account not in WITHOUT_FLOOR and -minutes > spare.of(account)
    }
    kept = net([*legs.items(), *short.items(), (CORRECTIONS, -sum(short.values()))])
    spare.use(kept)
    return kept, short


def net(legs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Legs by account, added up; accounts that end with nothing are left out."""
    sums: Counter[str] = Counter()
    for account, minutes in legs:
        sums[account] += minutes
    return {account: minutes for account, minutes in sums.items() if minutes}


def as_legs(legs: Mapping[str, int]) -> tuple[Leg, ...]:
    """The legs as the ledger takes them."""
    return tuple(Leg(account=account, amount=minutes) for account, minutes in legs.items())
