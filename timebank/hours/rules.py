"""Who may see and give hours, and the names of the ledger accounts that hold them. Pure.

A gift is one entry ``member/<id> -> member/<id>`` or ``member/<id> -> pot``; an hour stays an hour, so
nothing is converted.
"""

from datetime import date

from ledger.model import Leg, Post
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.durations import in_words
from timebank.kit.refusal import Refusal

UNIT = "MIN"
POT = "pot"
GIFT = "gift"
MAX_GIFT_MINUTES = 60_000
MEMBER_PREFIX = "member/"


def account_of(member_id: int) -> str:
    """The ledger account that holds a member's hours."""
    return f"{MEMBER_PREFIX}{member_id}"


def member_in(account: str) -> int | None:
    """The member whose hours an account holds; None for the pot and every other account."""
    number = account.removeprefix(MEMBER_PREFIX)
    return int(number) if number != account and number.isdigit() else None


def may_act_for(actor: Actor, member_id: int) -> bool:
    """True when the hours are the actor's own, or the actor coordinates."""
    return actor.subject_id == member_id or actor.has(COORDINATOR)


def check_gift(
    actor: Actor, *, from_member_id: int, to_member_id: int | None, minutes: int, known: frozenset[int]
) -> list[Refusal]:
    """What stands in the way of a gift, before the ledger is asked; ``known`` are the active members among the two.

    Refusals: ``not_yours``, ``unknown_member``, ``to_yourself``, ``nobody_gains_for_another`` (whoever acts for
    somebody cannot receive from them), ``minutes_zero``, ``minutes_too_many``.
    """
    refusals = []
    if not may_act_for(actor, from_member_id):
        refusals.append(Refusal("not_yours", "You can only give your own hours.", "from_member_id"))
    if from_member_id not in known:
        refusals.append(Refusal("unknown_member", "Choose a member of this time bank to give from.", "from_member_id"))
    if to_member_id is not None and to_member_id == from_member_id:
        refusals.append(
            Refusal("to_yourself", "Choose someone else. You cannot give hours to yourself.", "to_member_id")
        )
    elif to_member_id is not None and to_member_id not in known:
        refusals.append(Refusal("unknown_member", "Choose a member of this time bank.", "to_member_id"))
    elif to_member_id is not None and to_member_id == actor.member_id and actor.member_id != from_member_id:
        refusals.append(
            Refusal("nobody_gains_for_another", "Ask another coordinator: this gift would come to you.", "to_member_id")
        )
    if minutes <= 0:
        refusals.append(Refusal("minutes_zero", "Give at least 1 minute.", "minutes"))
    elif minutes > MAX_GIFT_MINUTES:
        refusals.append(Refusal("minutes_too_many", f"Give up to {in_words(MAX_GIFT_MINUTES)} at a time.", "minutes"))
    return refusals


def not_enough(available: int, minutes: int) -> Refusal:
    """Refusal ``not_enough_hours``: says how many there are, and how many more are needed."""
    more = minutes - max(available, 0)
    have = in_words(available) if available > 0 else "no time"
    return Refusal(
        "not_enough_hours", f"There is {have} to give now. That is {in_words(more)} too little. Choose less.", "minutes"
    )


def gift_entry(
    *, key: str, from_member_id: int, to_member_id: int | None, minutes: int, effective_on: date, actor: Actor
) -> Post:
    """The ledger entry of a gift. Its legs say who gave and who received, so it carries no names."""
    receiver = POT if to_member_id is None else account_of(to_member_id)
    return Post(
        key=key,
        kind=GIFT,
        unit=UNIT,
        legs=(Leg(account=account_of(from_member_id), amount=-minutes), Leg(account=receiver, amount=minutes)),
        effective_on=effective_on,
        actor=actor.name,
        meta=actor.meta,
    )
